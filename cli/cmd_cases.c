/* simlm cases - examples, or what a run found, with their texts. */
#include <simlm/cases.h>

#include "cli.h"
#include "commands.h"
#include "options.h"

static const char *const usage[] = {
    "simlm cases [options] --corpus <file> <train.jsonl>",
    "simlm cases [options] --corpus <file> --queries <file> <run>",
    NULL,
};

static const char *const examples[] = {
    "The first hundred training examples",
    "simlm cases --corpus passages.jsonl.gz --limit 100 -o readable_train.json "
    "\\\n"
    "      train.jsonl",
    "What a run found, and what it should have found",
    "simlm cases --corpus passages.jsonl.gz --queries dev_queries.tsv \\\n"
    "      --qrels dev_qrels.txt -o dev_cases.json dev.run",
    NULL,
};

static const struct manual manual = {
    .usage = usage,
    .description =
        "Writes training examples (train.jsonl, with a teacher's scores or "
        "without), or the queries of a run, with the texts of their passages: "
        "a "
        "JSON array to be read by people. Of each list of passages the first "
        "--passages are shown, with doc_id, title, contents and score.\n\n"
        "Of examples these are positives and negatives. Of a run they are "
        "hits; "
        "with --qrels the grade of each, null where it is not judged, and the "
        "passages judged 1 or more, with their rank in the run, null where it "
        "has them not.",
    .examples = examples,
    .see = (const char *const[]){"mine", "score", "search", "report", NULL},
};

int cmd_cases(int argc, char **argv)
{
    struct cli_run run = CLI_RUN_INIT;
    simlm_cases_options o;

    simlm_cases_options_init(&o);
    o.output = "-";
    const struct option_row options[] = {
        OPT_INPUT('c', "corpus", &o.corpus, "file", "the passages"),
        OPT_OUTPUT('o', "output", &o.output, "file",
                   "where to write; -: standard output"),
        OPT_INT(0, "passages", &o.passages, 1, 1000000, "n",
                "passages of a list that are shown"),
        OPT_INT64(0, "limit", &o.limit, 0, 9e18, "n",
                  "examples or queries that are shown, the first; 0: all"),
        OPT_GROUP("Of a run"),
        OPT_INPUT(0, "queries", &o.queries, "file", "its queries"),
        OPT_INPUT(0, "qrels", &o.qrels, "file", "their judgements"),
        CLI_COMMON_OPTIONS(&run),
        OPT_END(),
    };

    argc = options_parse(argc, argv, options, &manual);
    if (argc < 0)
        return options_exit_code(argc);
    if (argc != 1)
        return options_usage(&manual, "expected examples or a run");
    if (!o.corpus)
        return options_usage(&manual, "--corpus is needed");
    if (!cli_run_begin(&run))
        return CLI_FAILED;
    o.input = argv[0];
    o.threads = run.threads;
    return cli_run_end(&run, simlm_cases(&o, &run.observer, &run.err));
}
