/* simlm inspect - what is in a checkpoint. */
#include <simlm/checkpoint.h>

#include "cli.h"
#include "commands.h"
#include "options.h"

static const char *const usage[] = {
    "simlm inspect [options] <model or file>",
    NULL,
};

static const char *const examples[] = {
    "What of a downloaded model is read, and what is missing",
    "simlm inspect models/bert-base-uncased",
    "A file alone, for a program",
    "simlm inspect --json decoder.pt",
    NULL,
};

static const struct manual manual = {
    .usage = usage,
    .description =
        "Lists the tensors of a checkpoint: name, shape, type and bytes. A "
        "file "
        "may be of safetensors or of torch.save() (pytorch_model.bin, "
        "decoder.pt), or an index of several such; nothing in it is "
        "executed.\n\n"
        "Of a model directory it also says what becomes of each tensor when "
        "the model is opened (used; tied: a copy of one that is used; misfit: "
        "of another shape or type than config.json says; ignored), which ones "
        "are missing, and what the model is. What is in a file of torch.save() "
        "but cannot be read (values that are no tensors; complex, quantised, "
        "expanded ones) is listed with the reason.",
    .examples = examples,
    .see = (const char *const[]){"convert", "tokenize", NULL},
};

int cmd_inspect(int argc, char **argv)
{
    struct cli_run run = CLI_RUN_INIT;
    simlm_inspect_options o;

    simlm_inspect_options_init(&o);
    o.output = "-";
    const struct option_row options[] = {
        OPT_FLAG(0, "json", &o.json, "one JSON object"),
        OPT_OUTPUT('o', "output", &o.output, "file",
                   "where to write; -: standard output"),
        CLI_COMMON_OPTIONS(&run),
        OPT_END(),
    };

    argc = options_parse(argc, argv, options, &manual);
    if (argc < 0)
        return options_exit_code(argc);
    if (argc != 1)
        return options_usage(&manual, "expected a model or a file");
    run.brief = true;
    if (!cli_run_begin(&run))
        return CLI_FAILED;
    o.input = argv[0];
    if (!cli_run_model(&run, &o.input))
        return CLI_FAILED;
    return cli_run_end(&run, simlm_inspect(&o, &run.err));
}
