/* simlm score - give training examples a teacher's scores. */
#include <simlm/jobs.h>

#include "cli.h"
#include "commands.h"
#include "options.h"

static const char *const usage[] = {
    "simlm score [options] --model <dir> --corpus <file> -o <kd_train.jsonl> "
    "<train.jsonl>",
    NULL};

static const char *const examples[] = {
    "Scores for distillation",
    "simlm score --model reranker --corpus passages.jsonl.gz --negatives 200 "
    "\\\n"
    "      -o kd_train.jsonl train.jsonl",
    NULL,
};

static const struct manual manual = {
    .usage = usage,
    .description =
        "Writes training examples in SimLM's form again, with the scores that "
        "a re-ranker, the teacher, gives each query's passages: all positives "
        "and the first --negatives negatives. What gets no score is left out, "
        "all other members of a line stay as they are. Scores are logits, "
        "written to five decimals.\n\n"
        "Until the output is whole, scores are kept in <output>.scores: a run "
        "that is stopped (by a signal, a crash, kill -9) continues when the "
        "same command is given again, and ends with the same bytes.",
    .examples = examples,
    .see = (const char *const[]){"train-reranker", "finetune", "rerank", NULL},
};

/* What of the needed options was not given, or NULL. */
static const char *missing(const simlm_score_options *o)
{
    if (!o->model)
        return "--model is needed";
    if (!o->corpus)
        return "--corpus is needed";
    return o->output ? NULL : "-o is needed ('-': standard output)";
}

int cmd_score(int argc, char **argv)
{
    struct cli_run run = CLI_RUN_INIT;
    simlm_score_options o;

    simlm_score_options_init(&o);
    const struct option_row options[] = {
        OPT_MODEL('m', "model", &o.model, "the re-ranker"),
        OPT_INPUT('c', "corpus", &o.corpus, "file", "texts of the passages"),
        OPT_OUTPUT('o', "output", &o.output, "file",
                   "the examples with scores; -: standard output"),
        OPT_INT('n', "negatives", &o.negatives, 0, 1000000, "n",
                "negatives of a query that get a score; others are dropped"),
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
        return options_usage(&manual, "one file of examples is needed");
    run.ranks = true;
    if (!cli_run_begin(&run))
        return CLI_FAILED;
    o.input = argv[0];
    o.threads = run.threads;
    return cli_run_end(&run, simlm_score_files(&o, &run.observer, &run.err));
}
