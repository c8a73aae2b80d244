/* simlm index - directories of embeddings to one index file. */
#include <simlm/jobs.h>

#include "cli.h"
#include "commands.h"
#include "options.h"

static const char *const usage[] = {
    "simlm index [options] -o <index> <encoded>...", NULL};

static const char *const examples[] = {
    "An index of one corpus",
    "simlm index -o flat vectors",
    "Of a corpus that was encoded in two parts",
    "simlm index -o flat vectors-a vectors-b",
    NULL,
};

static const struct manual manual = {
    .usage = usage,
    .description =
        "Joins directories of vectors that simlm encode wrote, or anybody "
        "who writes embeddings.npy and ids.txt, into one index file for "
        "exact search by inner product. All must come from one model, and "
        "no id may occur twice. The file is mapped into memory when "
        "searched, and shared by all who search it.",
    .examples = examples,
    .see = (const char *const[]){"encode", "search", NULL},
};

int cmd_index(int argc, char **argv)
{
    struct cli_run run = CLI_RUN_INIT;
    simlm_index_options o;

    simlm_index_options_init(&o);
    const struct option_row options[] = {
        OPT_OUTPUT('o', "output", &o.output, "file", "the index to write"),
        CLI_COMMON_OPTIONS(&run), OPT_END()};

    argc = options_parse(argc, argv, options, &manual);
    if (argc < 0)
        return options_exit_code(argc);
    if (!o.output)
        return options_usage(&manual, "-o is needed");
    if (argc < 1)
        return options_usage(&manual, "a directory of embeddings is needed");
    o.encoded = (const char *const *)argv;
    o.n_encoded = argc;
    if (!cli_run_begin(&run))
        return CLI_FAILED;
    return cli_run_end(&run, simlm_index_build(&o, &run.observer, &run.err));
}
