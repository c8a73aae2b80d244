/* simlm encode - passages or queries to vectors. */
#include <string.h>

#include <simlm/jobs.h>

#include "cli.h"
#include "commands.h"
#include "options.h"

static const char *const usage[] = {
    "simlm encode [options] --model <dir> --side passage|query -o <dir> "
    "<input>...",
    NULL};

int cmd_encode(int argc, char **argv)
{
    struct cli_run run = CLI_RUN_INIT;
    simlm_encode_options o;
    const char *side = NULL;
    bool query;

    simlm_encode_options_init(&o);
    const struct option_row options[] = {
        OPT_STRING('m', "model", &o.model, "dir", "the model to encode with"),
        OPT_STRING('s', "side", &side, "passage|query",
                   "what the input is: a corpus, or a file of queries"),
        OPT_STRING('o', "output", &o.output, "dir",
                   "where to write embeddings.npy, ids.txt, encode.json"),
        OPT_GROUP("Encoding"),
        OPT_INT('l', "max-length", &o.max_length, 0, 32768, "n",
                "tokens of a text; 0: as the model says"),
        OPT_INT('b', "batch-tokens", &o.batch_tokens, 1, 4194304, "n",
                "tokens encoded together; changes no result"),
        OPT_GROUP("Output"),
        OPT_INT64(0, "shard-size", &o.shard_size, 0, 1e15, "rows",
                  "rows of a numbered .npy file; 0: one file for all"),
        OPT_INT64(0, "save-every", &o.save_every, 1, 1048576, "rows",
                  "a killed run loses at most so many"),
        OPT_FLAG('f', "overwrite", &o.overwrite,
                 "replace embeddings of another configuration"),
        CLI_COMMON_OPTIONS(&run),
        OPT_END()};

    argc = options_parse(argc, argv, options, usage);
    if (argc < 0)
        return options_exit_code(argc);
    if (!o.model)
        return options_usage(usage, "--model is needed");
    query = side && !strcmp(side, "query");
    if (!query && (!side || strcmp(side, "passage") != 0))
        return options_usage(usage, "--side passage or --side query is needed");
    if (!o.output)
        return options_usage(usage, "-o is needed");
    if (argc < 1)
        return options_usage(usage, "an input file is needed");
    if (query && argc > 1)
        return options_usage(usage, "queries are one file");
    o.side = query ? SIMLM_QUERY : SIMLM_PASSAGE;
    o.input = (const char *const *)argv;
    o.n_inputs = argc;
    if (!cli_run_begin(&run))
        return CLI_FAILED;
    o.threads = run.threads;
    return cli_run_end(&run, simlm_encode_files(&o, &run.observer, &run.err));
}
