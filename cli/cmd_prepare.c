/* simlm prepare - SimLM's files from the downloads of collections. */
#include <simlm/prepare.h>

#include "cli.h"
#include "commands.h"
#include "options.h"

static const char *const beir_usage[] = {
    "simlm prepare beir [options] -o <dir> <data set>",
    NULL,
};

static const char *const beir_examples[] = {
    "SciFact, from the zip file",
    "simlm prepare beir -o scifact scifact.zip",
    "One of several in a zip file",
    "simlm prepare beir -o android cqadupstack.zip/cqadupstack/android",
    NULL,
};

static const char *const beir_files[] = {
    "<dir>/passages.jsonl.gz",
    "The corpus: id, contents, title.",
    "<dir>/passage_ids.tsv",
    "A passage's row number, which is its id here, and its id in BEIR.",
    "<dir>/<split>_queries.tsv, <dir>/<split>_qrels.txt",
    "The queries that qrels/<split>.tsv judges, and the judgements.",
    NULL,
};

static const struct manual beir_manual = {
    .usage = beir_usage,
    .description =
        "Makes SimLM's files of a data set of BEIR: a folder with "
        "corpus.jsonl, "
        "queries.jsonl and qrels/<split>.tsv, or the zip file of it. Passages "
        "are called by their row numbers then, as SimLM's own tools need it; "
        "with --keep-ids by their ids, which simlm does not mind.\n\n"
        "Files that are there are not replaced without --overwrite, and either "
        "all are made or none.",
    .examples = beir_examples,
    .files = beir_files,
    .see = (const char *const[]){"bm25 index", "encode", "eval", NULL},
};

/* clang-format off */
#define PREPARE_OPTIONS(o)                                                    \
    OPT_OUTPUT('o', "output", &(o)->output, "dir", "where the files go"),     \
    OPT_FLAG(0, "overwrite", &(o)->overwrite, "replace files that are there")
/* clang-format on */

typedef simlm_status prepare_fn(const simlm_prepare_options *,
                                const simlm_observer *, simlm_error *);

/* The options are parsed, argc of them left: run the job, end. */
static int prepare(int argc, char **argv, const struct manual *manual,
                   simlm_prepare_options *o, struct cli_run *run,
                   prepare_fn *job)
{
    if (argc < 0)
        return options_exit_code(argc);
    if (argc < 1)
        return options_usage(manual, "expected what was downloaded");
    if (!o->output)
        return options_usage(manual, "-o is needed");
    if (!cli_run_begin(run))
        return CLI_FAILED;
    o->raw = (const char *const *)argv;
    o->n_raw = argc;
    o->threads = run->threads;
    return cli_run_end(run, job(o, &run->observer, &run->err));
}

int cmd_prepare_beir(int argc, char **argv)
{
    struct cli_run run = CLI_RUN_INIT;
    simlm_prepare_options o;

    simlm_prepare_options_init(&o);
    const struct option_row options[] = {
        PREPARE_OPTIONS(&o),
        OPT_FLAG(0, "keep-ids", &o.keep_ids,
                 "passages keep their ids, which need not be row numbers"),
        OPT_FLAG(0, "skip-unknown", &o.skip_unknown,
                 "leave judgements out whose passage the corpus has not"),
        CLI_COMMON_OPTIONS(&run),
        OPT_END(),
    };

    argc = options_parse(argc, argv, options, &beir_manual);
    return prepare(argc, argv, &beir_manual, &o, &run, simlm_prepare_beir);
}

static const char *const msmarco_usage[] = {
    "simlm prepare msmarco [options] -o <dir> <downloads> ...",
    NULL,
};

static const char *const msmarco_examples[] = {
    "From what was downloaded into a folder and unpacked there",
    "simlm prepare msmarco -o msmarco downloads",
    "With rankings of the queries, for training examples",
    "simlm prepare msmarco --train-run train.bm25 --dev-run dev.bm25 -o "
    "msmarco \\\n"
    "      collectionandqueries para.title.txt",
    "SimLM's own data",
    "simlm prepare msmarco -o reranker msmarco_reranker.zip",
    NULL,
};

static const char *const msmarco_files[] = {
    "<dir>/passages.jsonl.gz",
    "The 8.8 million passages with RocketQA's titles.",
    "<dir>/<split>_queries.tsv, <dir>/<split>_qrels.txt",
    "Queries that are judged, and their judgements: train, dev (the small "
    "set), "
    "trec_dl2019, trec_dl2020; test has queries alone.",
    "<dir>/train.jsonl, <dir>/dev.jsonl",
    "Training examples, if there are rankings.",
    NULL,
};

static const struct manual msmarco_manual = {
    .usage = msmarco_usage,
    .description =
        "Makes SimLM's files of MS MARCO's passage collection, as its authors' "
        "script does, but from the downloads themselves and seeded. What is "
        "given are folders, zip files and files, in which these are looked for "
        "by their names, each plain or compressed (.gz, .zst): collection.tsv, "
        "queries.train.tsv, queries.dev.small.tsv, qrels.train.tsv and "
        "qrels.dev.small.tsv; and, if they are there, RocketQA's "
        "para.title.txt, queries.eval.small.tsv, "
        "msmarco-test2019-queries.tsv with 2019qrels-pass.txt, and the same of "
        "2020. All is looked for before anything is made.\n\n"
        "Training examples need rankings: --train-run and --dev-run, or "
        "train.msmarco.txt and dev.msmarco.txt among the downloads, or MS "
        "MARCO's own lists of BM25's hits (qidpidtriples.train.full.2.tsv, "
        "top1000.dev), which are in no order, so that --negative-depth of them "
        "are drawn. Examples are those of simlm mine --any-grade, which makes "
        "them of any ranking later, too.\n\n"
        "SimLM's own data (msmarco_bm25_official.zip, msmarco_reranker.zip, "
        "msmarco_distillation.zip) are in that form already: they are checked "
        "and copied.",
    .examples = msmarco_examples,
    .files = msmarco_files,
    .see = (const char *const[]){"mine", "run", NULL},
};

int cmd_prepare_msmarco(int argc, char **argv)
{
    struct cli_run run = CLI_RUN_INIT;
    simlm_prepare_options o;
    int64_t seed;

    simlm_prepare_options_init(&o);
    seed = (int64_t)o.seed;
    const struct option_row options[] = {
        PREPARE_OPTIONS(&o),
        OPT_GROUP("Training examples"),
        OPT_INPUT(0, "train-run", &o.train_run, "run",
                  "a ranking for the training queries"),
        OPT_INPUT(0, "dev-run", &o.dev_run, "run",
                  "one for the development queries"),
        OPT_INT(0, "negative-depth", &o.negative_depth, 0, 1000000, "n",
                "leading hits that are used"),
        OPT_INT(0, "negative-count", &o.negative_count, 0, 1000000, "n",
                "negatives kept for a query; 0: 210"),
        OPT_INT(0, "negative-random", &o.negative_random, 0, 1000000, "n",
                "of these, passages from anywhere"),
        OPT_FLAG(0, "filter-noisy-positives", &o.filter_noisy_positives,
                 "leave training queries out none of whose positives the run "
                 "has"),
        OPT_INT64(0, "seed", &seed, 0, 9e18, "n", "of everything random"),
        CLI_COMMON_OPTIONS(&run),
        OPT_END(),
    };

    argc = options_parse(argc, argv, options, &msmarco_manual);
    o.seed = (uint64_t)seed;
    return prepare(argc, argv, &msmarco_manual, &o, &run,
                   simlm_prepare_msmarco);
}

static const char *const nq_usage[] = {
    "simlm prepare nq [options] -o <dir> <downloads> ...",
    NULL,
};

static const char *const nq_examples[] = {
    "From a folder with DPR's files",
    "simlm prepare nq -o nq downloads",
    NULL,
};

static const char *const nq_files[] = {
    "<dir>/passages.jsonl.gz",
    "The 21 million passages; DPR's id n is row n - 1.",
    "<dir>/nq_<split>_queries.tsv",
    "Questions with their answers: train, dev, test. They are queries to every "
    "command, and answers to eval and mine.",
    "<dir>/nq_<split>_qrels.txt",
    "DPR's labelled positives of train and dev.",
    "<dir>/nq_<split>.jsonl",
    "Training examples with DPR's passages.",
    NULL,
};

static const struct manual nq_manual = {
    .usage = nq_usage,
    .description =
        "Makes SimLM's files of Natural Questions over Wikipedia, from the "
        "files "
        "that DPR published. What is given are folders, zip files and files, "
        "in "
        "which these are looked for by their names, each plain or compressed "
        "(.gz, .zst): psgs_w100.tsv, biencoder-nq-train.json, "
        "biencoder-nq-dev.json and nq-test.qa.csv; and, if they are there, "
        "nq-train.qa.csv and nq-dev.qa.csv, whose questions are more than "
        "those "
        "of the training files. All is looked for before anything is made.",
    .examples = nq_examples,
    .files = nq_files,
    .see = (const char *const[]){"eval", "mine", "run", NULL},
};

int cmd_prepare_nq(int argc, char **argv)
{
    struct cli_run run = CLI_RUN_INIT;
    simlm_prepare_options o;
    int64_t seed;

    simlm_prepare_options_init(&o);
    seed = (int64_t)o.seed;
    const struct option_row options[] = {
        PREPARE_OPTIONS(&o),
        OPT_GROUP("Training examples"),
        OPT_INT(0, "negative-count", &o.negative_count, 0, 1000000, "n",
                "negatives kept for a question; 0: 100"),
        OPT_INT64(0, "seed", &seed, 0, 9e18, "n", "of everything random"),
        CLI_COMMON_OPTIONS(&run),
        OPT_END(),
    };

    argc = options_parse(argc, argv, options, &nq_manual);
    o.seed = (uint64_t)seed;
    return prepare(argc, argv, &nq_manual, &o, &run, simlm_prepare_nq);
}
