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

/* Parse, run the job, end. */
static int prepare(int argc, char **argv, const struct option_row *options,
                   const struct manual *manual, simlm_prepare_options *o,
                   struct cli_run *run, prepare_fn *job)
{
    argc = options_parse(argc, argv, options, manual);
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

    return prepare(argc, argv, options, &beir_manual, &o, &run,
                   simlm_prepare_beir);
}
