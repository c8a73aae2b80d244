/* simlm mine - training examples with hard negatives from a run. */
#include <simlm/mine.h>

#include "cli.h"
#include "commands.h"
#include "options.h"

static const char *const usage[] = {
    "simlm mine [options] --corpus <file> --queries <file> --qrels <file> "
    "--negatives <run> -o <train.jsonl>",
    "simlm mine [options] --corpus <file> --answers <file> [--qrels <file>] "
    "--negatives <run> -o <train.jsonl>",
    NULL};

static const char *const examples[] = {
    "Retriever2's negatives, from Retriever1",
    "simlm search --model retriever1 --index flat --top 200 -o train.run "
    "train.tsv\n"
    "simlm mine --corpus passages.jsonl.gz --queries train.tsv --qrels "
    "train.qrels \\\n"
    "      --negatives train.run -o train.jsonl\n"
    "simlm finetune --model rlm --corpus passages.jsonl.gz --train train.jsonl "
    "\\\n"
    "      -o retriever2",
    "Natural Questions",
    "simlm mine --corpus passages.jsonl.gz --answers nq_train_queries.tsv \\\n"
    "      --qrels nq_train_qrels.txt --negatives train.run --negative-depth "
    "100 \\\n"
    "      --negative-count 100 --negative-random 0 -o nq_hard_train.jsonl",
    NULL,
};

static const char *const files[] = {
    "<train.jsonl>",
    "A JSON object a query: query_id, query, positives and negatives, these as "
    "lists of doc_id and score; SimLM's own form.",
    NULL,
};

static const struct manual manual = {
    .usage = usage,
    .description =
        "Makes the lists that a retriever or a re-ranker is trained with. A "
        "query's positives are the passages judged 1 or more. Its negatives "
        "are "
        "drawn from the run's first --negative-depth hits that are not "
        "positives, and --negative-random of them from the whole corpus: "
        "passages that are neither positives nor in the run. Scores are the "
        "run's, -1 where it has none.\n\n"
        "Judged queries without text or hits are left out and counted. The "
        "same seed makes the same lists; with finetune's seed they are the "
        "ones "
        "that simlm finetune makes from the same files.\n\n"
        "With --answers (question, tab, answers as a list of Python's) the "
        "hits "
        "that have an answer are positives, as for Natural Questions: simlm "
        "eval "
        "says what that means. The first passage that --qrels has for a "
        "question "
        "is a positive before them, with the score 1000. Only the "
        "first --negative-depth hits are looked at.",
    .examples = examples,
    .files = files,
    .see = (const char *const[]){"bm25 search", "search", "finetune", NULL},
};

/* What is missing of the needed options, or NULL. */
static const char *missing(const simlm_mine_options *o)
{
    if (!o->corpus)
        return "--corpus is needed";
    if (o->answers && !o->run)
        return "--negatives is needed";
    if (!o->answers && (!o->queries || !o->qrels || !o->run))
        return "--queries, --qrels and --negatives are needed";
    return o->output ? NULL : "-o is needed";
}

int cmd_mine(int argc, char **argv)
{
    struct cli_run run = CLI_RUN_INIT;
    simlm_mine_options o;
    int64_t seed;

    simlm_mine_options_init(&o);
    seed = (int64_t)o.seed;
    const struct option_row options[] = {
        OPT_INPUT('c', "corpus", &o.corpus, "file", "the passages"),
        OPT_INPUT(0, "queries", &o.queries, "file", "the queries"),
        OPT_INPUT(0, "qrels", &o.qrels, "file",
                  "their judgements; grade 1 and up is a positive"),
        OPT_INPUT(0, "answers", &o.answers, "file",
                  "questions with answers; hits that have one are positives"),
        OPT_CONFLICT("answers", "queries"),
        OPT_INPUT(0, "negatives", &o.run, "run",
                  "rankings of the queries, from which negatives are taken"),
        OPT_OUTPUT('o', "output", &o.output, "file",
                   "the examples; -: standard output"),
        OPT_GROUP("Negatives"),
        OPT_INT(0, "negative-depth", &o.depth, 0, 1000000, "n",
                "leading hits of the run that are used"),
        OPT_INT(0, "negative-count", &o.count, 1, 1000000, "n",
                "negatives kept for a query"),
        OPT_INT(0, "negative-random", &o.random, 0, 1000000, "n",
                "of these, passages from anywhere"),
        OPT_INT64(0, "seed", &seed, 0, 9e18, "n", "of everything random"),
        OPT_GROUP("Queries"),
        OPT_FLAG(0, "filter-noisy-positives", &o.filter_noisy_positives,
                 "leave queries out none of whose positives the run has"),
        OPT_FLAG(0, "any-grade", &o.any_grade,
                 "a judgement of any grade makes a positive"),
        OPT_INT64(0, "sample", &o.sample, 0, 9e18, "n",
                  "keep so many queries, drawn from all; 0: all"),
        CLI_COMMON_OPTIONS(&run),
        OPT_END()};

    argc = options_parse(argc, argv, options, &manual);
    if (argc < 0)
        return options_exit_code(argc);
    if (argc > 0)
        return options_usage(&manual, "unexpected operand '%s'", argv[0]);
    if (missing(&o))
        return options_usage(&manual, "%s", missing(&o));
    if (o.random > o.count)
        return options_usage(&manual,
                             "--negative-random %d: expected no more than "
                             "--negative-count, %d",
                             (int)o.random, (int)o.count);
    if (!cli_run_begin(&run))
        return CLI_FAILED;
    o.seed = (uint64_t)seed;
    o.threads = run.threads;
    return cli_run_end(&run, simlm_mine(&o, &run.observer, &run.err));
}
