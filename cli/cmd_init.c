/* simlm init - a model of random weights. */
#include <simlm/init.h>

#include "cli.h"
#include "commands.h"
#include "options.h"

static const char *const usage[] = {
    "simlm init [options] --vocab <file> -o <dir>",
    NULL,
};

static const char *const examples[] = {
    "A small encoder",
    "simlm init -o base0 --vocab vocab.txt --layers 3 --hidden 128 --heads 4",
    "A generator half as wide",
    "simlm init -o gen0 --vocab vocab.txt --layers 3 --hidden 64 --generator",
    NULL,
};

static const char *const files[] = {
    "<dir>/config.json",
    "The shape.",
    "<dir>/model.safetensors",
    "The weights.",
    "<dir>/vocab.txt",
    "The vocabulary, copied.",
    "<dir>/simlm.json",
    "How texts become vectors.",
    NULL,
};

static const struct manual manual = {
    .usage = usage,
    .description =
        "Makes a model directory with random weights, the start of "
        "pre-training: a BERT encoder with a masked-LM head, or a "
        "generator of ELECTRA's form if --embedding differs from --hidden "
        "or --generator is given. Weights depend on shape and seed alone.\n\n"
        "The directory is one of Hugging Face's, with "
        "sentence-transformers' files beside it, so other tools can open "
        "it. It also says how the model turns texts into vectors: lengths, "
        "what stands for a missing title, and [CLS] pooling.",
    .examples = examples,
    .files = files,
    .see = (const char *const[]){"vocab", "pretrain", NULL},
};

int cmd_init(int argc, char **argv)
{
    struct cli_run run = CLI_RUN_INIT;
    simlm_init_options o;
    int64_t seed = 0;

    simlm_init_options_init(&o);
    const struct option_row options[] = {
        OPT_INPUT(0, "vocab", &o.vocab, "file", "vocab.txt, a token a line"),
        OPT_OUTPUT('o', "output", &o.output, "dir", "the model to write"),
        OPT_FLAG(0, "overwrite", &o.overwrite, "replace a model that is there"),
        OPT_GROUP("Shape"),
        OPT_INT64(0, "layers", &o.layers, 1, 256, "n", "transformer layers"),
        OPT_INT64(0, "hidden", &o.hidden, 1, 65536, "n", "hidden width"),
        OPT_INT64(0, "heads", &o.heads, 0, 1000, "n",
                  "attention heads; 0: one for each 64 of hidden"),
        OPT_INT64(0, "ffn", &o.ffn, 0, 262144, "n",
                  "feed-forward width; 0: four times hidden"),
        OPT_INT64(0, "embedding", &o.embedding, 0, 65536, "n",
                  "embedding width; 0: hidden; another makes a generator of "
                  "ELECTRA's form"),
        OPT_FLAG(0, "generator", &o.generator,
                 "a generator of ELECTRA's form in any case"),
        OPT_INT64(0, "max-positions", &o.positions, 4, 65536, "n",
                  "tokens of the longest text"),
        OPT_REAL(0, "dropout", &o.dropout, 0, 0.99, "p",
                 "dropout of hidden states and attention"),
        OPT_GROUP("Texts"),
        OPT_STRING(0, "missing-title", &o.missing_title, "text",
                   "stands for an absent title; empty: nothing does"),
        OPT_INT(0, "query-max-length", &o.query_max_length, 3, 65536, "n",
                "tokens of a query"),
        OPT_INT(0, "passage-max-length", &o.passage_max_length, 3, 65536, "n",
                "tokens of a passage"),
        OPT_GROUP("Weights"),
        OPT_REAL(0, "init-std", &o.init_std, 0, 100, "s",
                 "standard deviation of the weights"),
        OPT_INT64(0, "seed", &seed, 0, 9007199254740992.0, "n", "random seed"),
        CLI_COMMON_OPTIONS(&run),
        OPT_END(),
    };

    argc = options_parse(argc, argv, options, &manual);
    if (argc < 0)
        return options_exit_code(argc);
    if (argc > 0)
        return options_usage(&manual, "unexpected operand '%s'", argv[0]);
    if (!o.vocab || !o.output)
        return options_usage(&manual, "--vocab and --output are needed");
    o.seed = (uint64_t)seed;
    run.brief = true;
    run.refused = simlm_init_check(&o, &run.err);
    if (!cli_run_begin(&run))
        return CLI_FAILED;
    return cli_run_end(&run, simlm_init(&o, &run.err));
}
