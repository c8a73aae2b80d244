/* simlm overlap - how alike are two runs? */
#include <simlm/eval.h>

#include "cli.h"
#include "commands.h"
#include "options.h"

static const char *const usage[] = {
    "simlm overlap [options] <run> <run2>",
    NULL,
};

static const char *const examples[] = {
    "Does our run find what the published one found?",
    "simlm overlap dev.run dev.msmarco.txt",
    NULL,
};

static const struct manual manual = {
    .usage = usage,
    .description =
        "Compares two rankings of the same queries, without judgements. Means "
        "over the queries that are in both; how many are in one alone is "
        "said.\n\n"
        "overlap@10: share of the first 10 hits that are among the other run's "
        "first 10. tied@10: the same, where scores that are equal (a published "
        "run has three decimals) may be in any order. order@10: share of "
        "queries whose first 10 hits are the same in the same order. The same "
        "at 1, 50, 200 and 1000; order@1 is the share of queries with the same "
        "first hit. rbo: rank-biased overlap with p = 0.9, of all depths, the "
        "head counting most.",
    .examples = examples,
    .see = (const char *const[]){"eval", "search", NULL},
};

static simlm_status measure(char **runs, bool json, const char *output,
                            simlm_error *err)
{
    simlm_overlap overlap;
    simlm_status st = simlm_overlap_measure(&overlap, runs[0], runs[1], err);

    return st < 0 ? st : simlm_overlap_write(&overlap, json, output, err);
}

int cmd_overlap(int argc, char **argv)
{
    struct cli_run run = CLI_RUN_INIT;
    const char *output = "-";
    bool json = false;

    const struct option_row options[] = {
        OPT_FLAG(0, "json", &json, "one JSON object"),
        OPT_OUTPUT('o', "output", &output, "file",
                   "where to write; -: standard output"),
        CLI_COMMON_OPTIONS(&run),
        OPT_END(),
    };

    argc = options_parse(argc, argv, options, &manual);
    if (argc < 0)
        return options_exit_code(argc);
    if (argc != 2)
        return options_usage(&manual, "expected two runs");
    run.brief = true;
    if (!cli_run_begin(&run))
        return CLI_FAILED;
    return cli_run_end(&run, measure(argv, json, output, &run.err));
}
