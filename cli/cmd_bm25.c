/* simlm bm25 - the lexical index: build it, search it. */
#include <string.h>

#include <simlm/bm25.h>

#include "cli.h"
#include "commands.h"
#include "options.h"

static const char *const usage_index[] = {
    "simlm bm25 index [options] -o <dir> <corpus> ...",
    NULL,
};

static int bm25_index(int argc, char **argv)
{
    struct cli_run run = CLI_RUN_INIT;
    simlm_bm25_index_options o;

    simlm_bm25_index_options_init(&o);
    const struct option_row options[] = {
        OPT_STRING('o', "output", &o.output, "dir", "the index to write"),
        CLI_COMMON_OPTIONS(&run),
        OPT_END(),
    };

    argc = options_parse(argc, argv, options, usage_index);
    if (argc < 0)
        return options_exit_code(argc);
    if (argc < 1)
        return options_usage(usage_index, "expected a corpus");
    if (!o.output)
        return options_usage(usage_index, "--output is needed");
    if (!cli_run_begin(&run))
        return CLI_FAILED;
    o.corpus = (const char *const *)argv;
    o.n_corpora = argc;
    o.threads = run.threads;
    return cli_run_end(&run, simlm_bm25_index(&o, &run.observer, &run.err));
}

static const char *const usage_search[] = {
    "simlm bm25 search [options] --index <dir> -o <run> <queries>",
    NULL,
};

static int bm25_search(int argc, char **argv)
{
    struct cli_run run = CLI_RUN_INIT;
    simlm_bm25_search_options o;

    simlm_bm25_search_options_init(&o);
    const struct option_row options[] = {
        OPT_STRING('i', "index", &o.index, "dir", "what bm25 index wrote"),
        OPT_STRING('o', "output", &o.output, "file",
                   "the run to write; -: standard output"),
        OPT_INT('k', "top", &o.top, 1, 100000000, "n",
                "passages to find for a query"),
        OPT_REAL(0, "k1", &o.k1, 0, 1000, "x",
                 "how slowly more occurrences of a term stop counting"),
        OPT_REAL(0, "b", &o.b, 0, 1, "x", "how much long passages pay"),
        OPT_CHOICE(0, "format", &o.format, "msmarco|trec", "form of the run"),
        OPT_STRING(0, "tag", &o.tag, "name", "sixth column of a TREC run"),
        CLI_COMMON_OPTIONS(&run),
        OPT_END(),
    };

    argc = options_parse(argc, argv, options, usage_search);
    if (argc < 0)
        return options_exit_code(argc);
    if (argc != 1)
        return options_usage(usage_search, "expected a file of queries");
    if (!o.index || !o.output)
        return options_usage(usage_search, "--index and --output are needed");
    if (!cli_run_begin(&run))
        return CLI_FAILED;
    o.queries = argv[0];
    o.threads = run.threads;
    return cli_run_end(&run, simlm_bm25_search(&o, &run.observer, &run.err));
}

static const char *const usage[] = {
    "simlm bm25 index [options] -o <dir> <corpus> ...",
    "simlm bm25 search [options] --index <dir> -o <run> <queries>",
    NULL,
};

int cmd_bm25(int argc, char **argv)
{
    const struct option_row none[] = {OPT_END()};

    if (argc > 1 && !strcmp(argv[1], "index"))
        return bm25_index(argc - 1, argv + 1);
    if (argc > 1 && !strcmp(argv[1], "search"))
        return bm25_search(argc - 1, argv + 1);
    argc = options_parse(argc, argv, none, usage);
    if (argc < 0)
        return options_exit_code(argc);
    return options_usage(usage, "expected 'index' or 'search'");
}
