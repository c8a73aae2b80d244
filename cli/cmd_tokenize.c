/* simlm tokenize - show what a model's tokenizer makes of texts. */
#include <simlm/text.h>

#include "cli.h"
#include "commands.h"
#include "options.h"

static const char *const usage[] = {
    "simlm tokenize [options] --model <dir> < texts",
    NULL,
};

static const char *const examples[] = {
    "A text",
    "echo 'Who wrote Faust?' | simlm tokenize --model retriever",
    NULL,
};

static const struct manual manual = {
    .usage = usage,
    .description =
        "Reads texts from standard input, a line each, and writes what the "
        "model's tokenizer makes of them: {\"ids\":[..],\"type_ids\":[..]} "
        "for each, exactly the ids of Hugging Face's BertTokenizer. With "
        "--jsonl lines are JSON objects with a text and perhaps a pair.",
    .examples = examples,
    .see = (const char *const[]){"vocab", "encode", NULL},
};

int cmd_tokenize(int argc, char **argv)
{
    struct cli_run run = CLI_RUN_INIT;
    simlm_tokenize_options o;
    bool no_special = false;
    int32_t truncation = SIMLM_TRUNCATE_LONGEST_FIRST;

    simlm_tokenize_options_init(&o);
    const struct option_row options[] = {
        OPT_MODEL('m', "model", &o.model,
                  "directory with vocab.txt or tokenizer.json, or such a file"),
        OPT_FLAG(0, "jsonl", &o.jsonl,
                 "read {\"text\":..} or {\"text\":..,\"pair\":..} lines"),
        OPT_FLAG(0, "no-special", &no_special, "leave out [CLS] and [SEP]"),
        OPT_INT64(0, "max-length", &o.encode.max_length, 1, 1 << 30, "n",
                  "keep at most so many ids; default: all"),
        OPT_CHOICE(0, "truncation", &truncation, "longest_first|only_second",
                   "which text of a pair is cut"),
        OPT_OUTPUT('o', "output", &o.output, "file",
                   "where to write; -: standard output"),
        CLI_COMMON_OPTIONS(&run),
        OPT_END(),
    };

    argc = options_parse(argc, argv, options, &manual);
    if (argc < 0)
        return options_exit_code(argc);
    if (argc > 0)
        return options_usage(&manual, "unexpected operand '%s'", argv[0]);
    if (!o.model)
        return options_usage(&manual, "--model is needed");
    if (!cli_run_begin(&run))
        return CLI_FAILED;
    o.encode.special = !no_special;
    o.encode.truncation = (simlm_truncation)truncation;
    return cli_run_end(&run, simlm_tokenize_file(&o, &run.observer, &run.err));
}
