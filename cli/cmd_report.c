/* simlm report - evaluations, curves, timings and examples as one page. */
#include <simlm/report.h>

#include "cli.h"
#include "commands.h"
#include "options.h"

static const char *const usage[] = {
    "simlm report [options] -o <page.html> <description.json>", NULL};

static const char *const examples[] = {
    "A page, and its tables on the terminal",
    "simlm report -o report.html --text - report.in.json",
    NULL,
};

static const struct manual manual = {
    .usage = usage,
    .description =
        "Puts together what other commands wrote: the measures of runs and "
        "the differences between them (simlm eval --json), loss curves (the "
        "log.jsonl of pretrain and finetune), timings, and example queries "
        "with the passages that each run ranked first. The page is one file "
        "without scripts that fetches nothing.\n\n"
        "What goes in is said by a JSON file, whose form is in "
        "<simlm/report.h>; the files that it names are relative to it.",
    .examples = examples,
    .see = (const char *const[]){"eval", NULL},
};

int cmd_report(int argc, char **argv)
{
    struct cli_run run = CLI_RUN_INIT;
    simlm_report_options o;

    simlm_report_options_init(&o);
    const struct option_row options[] = {
        OPT_OUTPUT('o', "output", &o.html, "file", "the page to write"),
        OPT_OUTPUT(0, "json", &o.json, "file", "the same as JSON"),
        OPT_OUTPUT(0, "text", &o.text, "file",
                   "results and differences as plain text; -: standard output"),
        CLI_COMMON_OPTIONS(&run),
        OPT_END(),
    };

    argc = options_parse(argc, argv, options, &manual);
    if (argc < 0)
        return options_exit_code(argc);
    if (argc != 1)
        return options_usage(&manual, "expected a description");
    if (!o.html && !o.json && !o.text)
        return options_usage(&manual, "--output, --json or --text is needed");
    run.brief = true;
    if (!cli_run_begin(&run))
        return CLI_FAILED;
    o.input = argv[0];
    return cli_run_end(&run, simlm_report(&o, &run.err));
}
