/* simlm fuse - make one run of several. */
#include <stdlib.h>

#include <simlm/bm25.h>

#include "cli.h"
#include "commands.h"
#include "options.h"

enum { MAX_RUNS = 64 };

static const char *const usage[] = {
    "simlm fuse [options] -o <run> <run1> <run2> ...",
    NULL,
};

static const char *const examples[] = {
    "Words and meaning, half and half",
    "simlm fuse -o both.run dev.bm25 dev.run",
    "With weights",
    "simlm fuse --weights 0.3,0.7 -o both.run dev.bm25 dev.run",
    NULL,
};

static const struct manual manual = {
    .usage = usage,
    .description =
        "Combines several rankings of the same queries into one: a "
        "weighted sum of scores, which are first brought to one scale "
        "(--normalize), or of reciprocal ranks (--method rrf). A passage "
        "that a run does not list gets that run's lowest value. Weights "
        "are best tuned on training queries.",
    .examples = examples,
    .see = (const char *const[]){"bm25 search", "search", "eval", NULL},
};

/* "0.3,1,2" -> weight[0 .. 2]; how many, or -1. */
static int parse_weights(double *weight, const char *text)
{
    for (int n = 0; n < MAX_RUNS; text++) {
        char *end;

        weight[n++] = strtod(text, &end);
        if (end == text || (*end && *end != ','))
            return -1;
        if (!*end)
            return n;
        text = end;
    }
    return -1;
}

int cmd_fuse(int argc, char **argv)
{
    struct cli_run run = CLI_RUN_INIT;
    simlm_fuse_options o;
    const char *weights = NULL;
    double weight[MAX_RUNS];

    simlm_fuse_options_init(&o);
    const struct option_row options[] = {
        OPT_OUTPUT('o', "output", &o.output, "file",
                   "the run to write; -: standard output"),
        OPT_STRING('w', "weights", &weights, "a,b,...",
                   "a weight for each run; default: 1 each"),
        OPT_CHOICE(0, "method", &o.method, "linear|rrf",
                   "weighted sum of scores, or of 1 / (k + rank)"),
        OPT_CHOICE(0, "normalize", &o.normalize, "minmax|none|zscore",
                   "what is done to a run's scores of a query before the sum"),
        OPT_REAL(0, "rrf-k", &o.rrf_k, 0, 1e9, "k", "of rrf"),
        OPT_INT('k', "top", &o.top, 1, 100000000, "n",
                "passages to keep for a query"),
        OPT_CHOICE(0, "format", &o.format, "msmarco|trec", "form of the run"),
        OPT_STRING(0, "tag", &o.tag, "name", "sixth column of a TREC run"),
        CLI_COMMON_OPTIONS(&run),
        OPT_END(),
    };

    argc = options_parse(argc, argv, options, &manual);
    if (argc < 0)
        return options_exit_code(argc);
    if (argc < 1 || argc > MAX_RUNS)
        return options_usage(&manual, "expected 1 to %d runs", MAX_RUNS);
    if (!o.output)
        return options_usage(&manual, "--output is needed");
    if (weights && parse_weights(weight, weights) != argc)
        return options_usage(&manual, "--weights: expected %d numbers", argc);
    run.brief = true;
    if (!cli_run_begin(&run))
        return CLI_FAILED;
    o.runs = (const char *const *)argv;
    o.n_runs = argc;
    o.weights = weights ? weight : NULL;
    o.threads = run.threads;
    return cli_run_end(&run, simlm_fuse(&o, &run.err));
}
