/* simlm encode - passages or queries to vectors. */
#include <simlm/jobs.h>

#include "cli.h"
#include "commands.h"
#include "options.h"

static const char *const usage[] = {
    "simlm encode [options] --model <dir> --side passage|query -o <dir> "
    "<input>...",
    NULL};

static const char *const examples[] = {
    "A corpus",
    "simlm encode --model retriever --side passage -o vectors "
    "passages.jsonl.gz",
    "Queries, once, to search several indexes with",
    "simlm encode --model retriever --side query -o qvec dev.tsv",
    NULL,
};

static const char *const files[] = {
    "<dir>/embeddings.npy",
    "Vectors, float32, a row for each text; with --shard-size "
    "embeddings-00000.npy and so on.",
    "<dir>/ids.txt",
    "The rows' ids, a line each.",
    "<dir>/encode.json",
    "What was encoded, how, and hashes of model and input; there when "
    "the rest is whole.",
    "<dir>/progress.json, *.part",
    "What an unfinished run has saved.",
    NULL,
};

static const struct manual manual = {
    .usage = usage,
    .description =
        "Turns each passage of a corpus, or each query of a file, into one "
        "vector, in the order of the input. How (lengths, pooling, "
        "prompts, what stands for a missing title) is the model's to say; "
        "--max-length overrides its length. Any BERT-shaped model of "
        "sentence-transformers' form will do.\n\n"
        "A vector depends on its text alone, not on its neighbours, "
        "batches or threads. A run that was stopped continues from its "
        "last saving when the same command is given again; one that was "
        "finished is left as it is. A directory of another configuration "
        "is refused unless --overwrite is given.",
    .examples = examples,
    .files = files,
    .see = (const char *const[]){"index", "search", NULL},
};

int cmd_encode(int argc, char **argv)
{
    struct cli_run run = CLI_RUN_INIT;
    simlm_encode_options o;
    int32_t side = -1;

    simlm_encode_options_init(&o);
    const struct option_row options[] = {
        OPT_MODEL('m', "model", &o.model, "the model to encode with"),
        OPT_CHOICE('s', "side", &side, "query|passage",
                   "what the input is: a corpus, or a file of queries"),
        OPT_OUTPUT('o', "output", &o.output, "dir",
                   "where to write embeddings.npy, ids.txt, encode.json"),
        OPT_GROUP("Encoding"),
        OPT_INT('l', "max-length", &o.max_length, 0, 32768, "n",
                "tokens of a text; 0: as the model says"),
        OPT_INT('b', "batch-tokens", &o.batch_tokens, 1, 4194304, "n",
                "tokens encoded together; changes no result"),
        OPT_PRECISION(&o.precision),
        OPT_GROUP("Output"),
        OPT_INT64(0, "shard-size", &o.shard_size, 0, 1e15, "rows",
                  "rows of a numbered .npy file; 0: one file for all"),
        OPT_INT64(0, "save-every", &o.save_every, 1, 1048576, "rows",
                  "a killed run loses at most so many"),
        OPT_FLAG('f', "overwrite", &o.overwrite,
                 "replace embeddings of another configuration"),
        CLI_COMMON_OPTIONS(&run),
        OPT_END()};

    argc = options_parse(argc, argv, options, &manual);
    if (argc < 0)
        return options_exit_code(argc);
    if (!o.model)
        return options_usage(&manual, "--model is needed");
    if (side < 0)
        return options_usage(&manual,
                             "--side passage or --side query is needed");
    if (!o.output)
        return options_usage(&manual, "-o is needed");
    if (argc < 1)
        return options_usage(&manual, "an input file is needed");
    if (side == SIMLM_QUERY && argc > 1)
        return options_usage(&manual, "queries are one file");
    o.side = side;
    o.input = (const char *const *)argv;
    o.n_inputs = argc;
    run.ranks = true;
    if (!cli_run_begin(&run))
        return CLI_FAILED;
    o.threads = run.threads;
    return cli_run_end(&run, simlm_encode_files(&o, &run.observer, &run.err));
}
