/* simlm rerank - rank the head of a run anew. */
#include <simlm/jobs.h>

#include "cli.h"
#include "commands.h"
#include "options.h"

static const char *const usage[] = {
    "simlm rerank [options] --model <dir> --queries <file> --corpus <file> "
    "-o <run> <run>",
    NULL};

static const char *const examples[] = {
    "The first 200 of the retriever's run, measured",
    "simlm rerank --model reranker --queries dev.tsv --corpus "
    "passages.jsonl.gz \\\n"
    "      --depth 200 -o dev.reranked dev.run\n"
    "simlm eval --preset msmarco dev_qrels.txt dev.reranked",
    NULL,
};

static const struct manual manual = {
    .usage = usage,
    .description =
        "Reads each query of a run together with each of its first --depth "
        "passages and sorts these by the re-ranker's score; of equal ones the "
        "former first. The rest of the run follows in its order, with scores "
        "that fall by 1 from the last of these, so that measures of greater "
        "depth stay the run's. Scores are logits, written to five decimals.\n\n"
        "What the model reads of a passage is its title, a colon and its text; "
        "without a title the text alone.\n\n"
        "Until the output is whole, scores are kept in <output>.scores: a run "
        "that is stopped (by a signal, a crash, kill -9) continues when the "
        "same command is given again, and ends with the same bytes.",
    .examples = examples,
    .see = (const char *const[]){"train-reranker", "search", "score", "eval",
                                 NULL},
};

/* What of the needed options was not given, or NULL. */
static const char *missing(const simlm_rerank_options *o)
{
    if (!o->model)
        return "--model is needed";
    if (!o->queries)
        return "--queries is needed";
    if (!o->corpus)
        return "--corpus is needed";
    return o->output ? NULL : "-o is needed ('-': standard output)";
}

int cmd_rerank(int argc, char **argv)
{
    struct cli_run run = CLI_RUN_INIT;
    simlm_rerank_options o;

    simlm_rerank_options_init(&o);
    const struct option_row options[] = {
        OPT_MODEL('m', "model", &o.model, "the re-ranker"),
        OPT_INPUT(0, "queries", &o.queries, "file", "texts of the queries"),
        OPT_INPUT('c', "corpus", &o.corpus, "file", "texts of the passages"),
        OPT_OUTPUT('o', "output", &o.output, "file",
                   "the run to write; -: standard output"),
        OPT_GROUP("Ranking"),
        OPT_INT('d', "depth", &o.depth, 1, SIMLM_MAX_TOP, "n",
                "passages of a query that are ranked anew"),
        OPT_CHOICE(0, "format", &o.format, "msmarco|trec", "form of the run"),
        OPT_STRING(0, "tag", &o.tag, "name", "sixth column of a TREC run"),
        OPT_GROUP("Scoring"),
        OPT_INT('l', "max-length", &o.max_length, 0, 32768, "n",
                "tokens of query and passage; 0: as the model says"),
        OPT_INT(0, "batch-tokens", &o.batch_tokens, 1, 4194304, "n",
                "tokens computed together; changes no result"),
        OPT_INT(0, "save-every", &o.save_every, 1, 65536, "pairs",
                "pairs between two savings in <output>.scores"),
        OPT_PRECISION(&o.precision),
        CLI_COMMON_OPTIONS(&run),
        OPT_END()};

    argc = options_parse(argc, argv, options, &manual);
    if (argc < 0)
        return options_exit_code(argc);
    if (missing(&o))
        return options_usage(&manual, "%s", missing(&o));
    if (argc != 1)
        return options_usage(&manual, "one run is needed");
    run.ranks = true;
    if (!cli_run_begin(&run))
        return CLI_FAILED;
    o.run = argv[0];
    o.threads = run.threads;
    return cli_run_end(&run, simlm_rerank_files(&o, &run.observer, &run.err));
}
