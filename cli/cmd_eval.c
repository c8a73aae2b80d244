/* simlm eval - measure a run against judgements, compare two runs. */
#include <stdlib.h>

#include <simlm/card.h>
#include <simlm/eval.h>

#include "cli.h"
#include "commands.h"
#include "options.h"

static const char *const usage[] = {
    "simlm eval [options] <qrels> <run>",
    "simlm eval [options] --compare <run2> <qrels> <run>",
    "simlm eval [options] --answers <questions> --corpus <passages> <run>",
    NULL,
};

static const char *const examples[] = {
    "MS MARCO's measures",
    "simlm eval --preset msmarco dev.qrels dev.run",
    "Is the second run better, or is it chance?",
    "simlm eval -m mrr@10 --compare other.run dev.qrels dev.run",
    "Natural Questions, as DPR measures it",
    "simlm eval --answers nq_test_queries.tsv --corpus passages.jsonl.gz "
    "test.run",
    "... and into the model's README.md",
    "simlm eval --preset msmarco --card retriever dev.qrels dev.run",
    "For a program",
    "simlm eval --json --per-query -o result.json dev.qrels dev.run",
    NULL,
};

static const struct manual manual = {
    .usage = usage,
    .description =
        "Measures how good a ranking is, given judgements. Values are "
        "those of trec_eval, over the queries that are in both files, or "
        "with --complete over all judged ones; --preset msmarco gives the "
        "columns of SimLM's model card.\n\n"
        "Measures, with a cutoff where they take one: ndcg@10, map@100, "
        "recall@50, p@5, success@1, rr@10 (also mrr@10), rprec, bpref, "
        "judged@10, num_ret, num_rel, num_rel_ret, acc@20, which is success@20 "
        "in the run's own order, and mrr, which is the SimLM reference's "
        "own.\n\n"
        "With --answers there are no judgements: a hit is relevant if its text "
        "has an answer to the question, both cut into words and lowered as DPR "
        "does it; titles do not count. The file has lines of question, tab, "
        "and answers as a list of Python's: DPR's nq-test.qa.csv. It is "
        "parsed, never run.\n\n"
        "With --compare a second run is measured, too, and each difference "
        "is tested over all judged queries: a paired t test, a permutation "
        "test, and a bootstrap interval.\n\n"
        "With --card the measures of the run, of which there is one then, are "
        "put into the README.md of the model that it came from: as a result of "
        "its model-index, where Hugging Face's hub looks for them, in "
        "fractions "
        "of one; and as a table. Those of the same dataset are replaced, all "
        "else in the file stays as it is. A model that is trained anew gets a "
        "new README.md, without them.",
    .examples = examples,
    .see = (const char *const[]){"search", "fuse", NULL},
};

struct eval_job {
    simlm_eval_options measure;
    simlm_compare_options compare;
    simlm_card_options card;
    const char *qrels, *run, *run2, *output;
    bool json, per_query;
    const simlm_observer *observer;
};

static simlm_status compare(const struct eval_job *job,
                            simlm_eval_report *report, simlm_eval **other,
                            simlm_comparison **table, simlm_error *err)
{
    simlm_status st =
        simlm_eval_open(other, job->qrels, job->run2, &job->measure, err);

    if (st < 0)
        return st;
    *table = calloc((size_t)simlm_eval_n_measures(*other), sizeof **table);
    if (!*table) {
        err->code = SIMLM_E_NOMEM;
        snprintf(err->msg, sizeof err->msg, "out of memory for a comparison");
        return SIMLM_E_NOMEM;
    }
    report->other = *other;
    report->comparison = *table;
    return simlm_compare(*table, report->eval, *other, &job->compare, err);
}

static void warn_unanswered(const struct eval_job *job)
{
    char line[512];

    snprintf(line, sizeof line, "'%s' answers none of the judged queries",
             job->run);
    job->observer->message(job->observer->ctx, SIMLM_WARNING, line);
}

static simlm_status measure(const struct eval_job *job, simlm_error *err)
{
    simlm_eval *e = NULL, *other = NULL;
    simlm_comparison *table = NULL;
    simlm_eval_report report = {.per_query = job->per_query, .json = job->json};
    simlm_status st =
        simlm_eval_open(&e, job->qrels, job->run, &job->measure, err);

    report.eval = e;
    if (st == SIMLM_OK && !simlm_eval_n_answered(e))
        warn_unanswered(job);
    if (st == SIMLM_OK && job->run2)
        st = compare(job, &report, &other, &table, err);
    if (st == SIMLM_OK)
        st = simlm_eval_write(&report, job->output, err);
    if (st == SIMLM_OK && job->card.model)
        st = simlm_card_put(&job->card, e, err);
    free(table);
    simlm_eval_close(other);
    simlm_eval_close(e);
    return st;
}

static simlm_status evaluate(const struct eval_job *job, simlm_error *err)
{
    simlm_status st =
        job->card.model ? simlm_card_check(&job->card, err) : SIMLM_OK;

    return st < 0 ? st : measure(job, err);
}

int cmd_eval(int argc, char **argv)
{
    struct cli_run run = CLI_RUN_INIT;
    struct eval_job job = {.output = "-"};
    struct option_list measures = {.n = 0};
    int32_t preset = SIMLM_EVAL_DEFAULT;
    int64_t seed = 0;

    simlm_eval_options_init(&job.measure);
    simlm_compare_options_init(&job.compare);
    simlm_card_options_init(&job.card);
    const struct option_row options[] = {
        OPT_LIST(
            'm', "measure", &measures, "name",
            "a measure, e.g. ndcg@10, map, recall@50, rr@10, p@5, "
            "success@1, bpref, rprec, judged@10, num_rel_ret; may be given "
            "several times"),
        OPT_CHOICE(0, "preset", &preset, "default|msmarco",
                   "a set of measures; msmarco: MRR@10, R@50, R@1k, nDCG@10 in "
                   "per cent"),
        OPT_INT('l', "level", &job.measure.level, 1, INT32_MAX, "grade",
                "lowest grade that counts as relevant"),
        OPT_FLAG('c', "complete", &job.measure.complete,
                 "average over all judged queries, 0 for unanswered ones"),
        OPT_FLAG(0, "double", &job.measure.score_double,
                 "compare scores as double (trec_eval 10), not as float"),
        OPT_CONFLICT("measure", "preset"),
        OPT_GROUP("Judging by answers"),
        OPT_INPUT(0, "answers", &job.measure.answers, "file",
                  "questions with their answers, instead of judgements"),
        OPT_INPUT(0, "corpus", &job.measure.corpus, "file", "the passages"),
        OPT_GROUP("Comparing"),
        OPT_INPUT(0, "compare", &job.run2, "run2",
                  "test the difference run2 - run, over all judged queries"),
        OPT_INT(0, "resamples", &job.compare.resamples, 1, 10000000, "n",
                "of the permutation test and the bootstrap"),
        OPT_REAL(0, "confidence", &job.compare.confidence, 0.5, 0.9999, "share",
                 "of the bootstrap interval"),
        OPT_INT64(0, "seed", &seed, 0, (int64_t)1 << 53, "n",
                  "of the resampling"),
        OPT_GROUP("Output"),
        OPT_FLAG(0, "json", &job.json, "one JSON object"),
        OPT_FLAG(0, "per-query", &job.per_query, "each query's values, too"),
        OPT_OUTPUT('o', "output", &job.output, "file",
                   "where to write; -: standard output"),
        OPT_PATH(0, "card", &job.card.model, "dir",
                 "the model that the run came from: put the measures into its "
                 "README.md, too"),
        OPT_STRING(0, "dataset", &job.card.dataset, "name",
                   "what the queries are called there; without it as their "
                   "file: dev of dev_qrels.txt"),
        OPT_CONFLICT("card", "compare"),
        CLI_COMMON_OPTIONS(&run),
        OPT_END(),
    };

    argc = options_parse(argc, argv, options, &manual);
    if (argc < 0)
        return options_exit_code(argc);
    if (!job.measure.answers != !job.measure.corpus)
        return options_usage(&manual, "--answers and --corpus need each other");
    if (job.card.dataset && !job.card.model)
        return options_usage(&manual, "--dataset is for --card");
    if (job.card.dataset && !simlm_card_is_name(job.card.dataset))
        return options_usage(&manual,
                             "--dataset: expected 1 to 100 bytes, none of them "
                             "\", \\, <, > or a control character");
    if (argc != (job.measure.answers ? 1 : 2))
        return options_usage(&manual, job.measure.answers
                                          ? "expected a run"
                                          : "expected a qrels file and a run");
    run.brief = true;
    if (!cli_run_begin(&run))
        return CLI_FAILED;
    job.observer = &run.observer;
    job.qrels = job.measure.answers ? NULL : argv[0];
    job.run = argv[argc - 1];
    job.card.judged = job.qrels ? job.qrels : job.measure.answers;
    job.measure.observer = &run.observer;
    job.measure.measures = measures.item;
    job.measure.n_measures = measures.n;
    job.measure.preset = (simlm_eval_preset)preset;
    job.measure.threads = job.compare.threads = run.threads;
    job.compare.seed = (uint64_t)seed;
    return cli_run_end(&run, evaluate(&job, &run.err));
}
