/* simlm convert - a model directory of anybody's rewritten as one of ours. */
#include <simlm/checkpoint.h>

#include "cli.h"
#include "commands.h"
#include "options.h"

static const char *const usage[] = {
    "simlm convert [options] --model <model> -o <dir>",
    NULL,
};

static const char *const examples[] = {
    "A model in PyTorch's files as safetensors",
    "simlm convert --model bert-base-uncased -o base",
    "Half the bytes",
    "simlm convert --model retriever --dtype bf16 -o small",
    NULL,
};

static const char *const files[] = {
    "<dir>/config.json",
    "As it was, but for the type of the weights.",
    "<dir>/model.safetensors",
    "The weights, whatever files they came in.",
    "<dir>/decoder.safetensors",
    "The decoder of pre-training, if there was one.",
    "<dir>/query_model/, <dir>/passage_model/",
    "Of two encoders, each as above.",
    "<dir>/2_Dense/",
    "The pooler, if there was one.",
    "<dir>/vocab.txt, ...",
    "The tokenizer's files, copied.",
    "<dir>/simlm.json, modules.json, ...",
    "How texts become vectors, or scores.",
    NULL,
};

static const struct manual manual = {
    .usage = usage,
    .description =
        "Rewrites a model directory of Hugging Face's form with its weights in "
        "model.safetensors, rounded to a type: from pytorch_model.bin (nothing "
        "in it is executed), from files in pieces, from fp16 or bf16. Tensors "
        "that this library has no use for are kept, but copies of tied ones "
        "and position_ids are not, and names of old (gamma, beta) become those "
        "of today.",
    .examples = examples,
    .files = files,
    .see = (const char *const[]){"inspect", NULL},
};

int cmd_convert(int argc, char **argv)
{
    struct cli_run run = CLI_RUN_INIT;
    simlm_convert_options o;

    simlm_convert_options_init(&o);
    const struct option_row options[] = {
        OPT_MODEL('m', "model", &o.model, "the model to read"),
        OPT_OUTPUT('o', "output", &o.output, "dir", "the model to write"),
        OPT_CHOICE(0, "dtype", &o.type, "fp32|fp16|bf16", "of the weights"),
        OPT_FLAG(0, "overwrite", &o.overwrite, "replace a model that is there"),
        CLI_COMMON_OPTIONS(&run),
        OPT_END(),
    };

    argc = options_parse(argc, argv, options, &manual);
    if (argc < 0)
        return options_exit_code(argc);
    if (argc > 0)
        return options_usage(&manual, "unexpected operand '%s'", argv[0]);
    if (!o.model || !o.output)
        return options_usage(&manual, "--model and --output are needed");
    run.brief = true;
    if (!cli_run_begin(&run))
        return CLI_FAILED;
    return cli_run_end(&run, simlm_convert(&o, &run.err));
}
