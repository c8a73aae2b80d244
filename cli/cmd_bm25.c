/* simlm bm25 - the lexical index: build it, search it. */
#include <simlm/bm25.h>

#include "cli.h"
#include "commands.h"
#include "options.h"

static const char *const usage_index[] = {
    "simlm bm25 index [options] -o <dir> <corpus> ...",
    NULL,
};

static const char *const index_examples[] = {
    "An index",
    "simlm bm25 index -o bm25 passages.jsonl.gz",
    NULL,
};

static const char *const index_files[] = {
    "<dir>/bm25.index",
    "The index.",
    NULL,
};

static const struct manual manual_index = {
    .usage = usage_index,
    .description =
        "Indexes title and contents of every passage for simlm bm25 "
        "search. Words are analysed as Lucene's EnglishAnalyzer does it "
        "under Anserini: lower case, stop words left out, Porter's stems. "
        "The same corpus gives the same bytes; an index that is there is "
        "replaced when the new one is whole.",
    .examples = index_examples,
    .files = index_files,
    .see = (const char *const[]){"bm25 search", NULL},
};

int cmd_bm25_index(int argc, char **argv)
{
    struct cli_run run = CLI_RUN_INIT;
    simlm_bm25_index_options o;

    simlm_bm25_index_options_init(&o);
    const struct option_row options[] = {
        OPT_OUTPUT('o', "output", &o.output, "dir", "the index to write"),
        CLI_COMMON_OPTIONS(&run),
        OPT_END(),
    };

    argc = options_parse(argc, argv, options, &manual_index);
    if (argc < 0)
        return options_exit_code(argc);
    if (argc < 1)
        return options_usage(&manual_index, "expected a corpus");
    if (!o.output)
        return options_usage(&manual_index, "--output is needed");
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

static const char *const search_examples[] = {
    "A run of a query file",
    "simlm bm25 search --index bm25 --top 1000 -o dev.bm25 dev.tsv",
    "Ask once",
    "printf '1\\tspinning tops\\n' | simlm bm25 search --index bm25 --top 5 -o "
    "- -",
    NULL,
};

static const struct manual manual_search = {
    .usage = usage_search,
    .description =
        "Ranks passages for queries by BM25, with Lucene's formula and its "
        "arithmetic, so that runs can be compared with Anserini's passage "
        "by passage. Defaults are Anserini's for MS MARCO. Only passages "
        "that share a word with the query are listed. Ties go to the "
        "passage that comes first in the corpus.",
    .examples = search_examples,
    .see =
        (const char *const[]){"bm25 index", "fuse", "eval", "finetune", NULL},
};

int cmd_bm25_search(int argc, char **argv)
{
    struct cli_run run = CLI_RUN_INIT;
    simlm_bm25_search_options o;

    simlm_bm25_search_options_init(&o);
    const struct option_row options[] = {
        OPT_INPUT('i', "index", &o.index, "dir", "what bm25 index wrote"),
        OPT_OUTPUT('o', "output", &o.output, "file",
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

    argc = options_parse(argc, argv, options, &manual_search);
    if (argc < 0)
        return options_exit_code(argc);
    if (argc != 1)
        return options_usage(&manual_search, "expected a file of queries");
    if (!o.index || !o.output)
        return options_usage(&manual_search, "--index and --output are needed");
    if (!cli_run_begin(&run))
        return CLI_FAILED;
    o.queries = argv[0];
    o.threads = run.threads;
    return cli_run_end(&run, simlm_bm25_search(&o, &run.observer, &run.err));
}
