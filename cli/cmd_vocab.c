/* simlm vocab - train a WordPiece vocabulary from a corpus. */
#include <simlm/text.h>

#include "cli.h"
#include "commands.h"
#include "options.h"

static const char *const usage[] = {
    "simlm vocab [options] -o <vocab.txt> --size <n> <corpus>...",
    NULL,
};

static const char *const examples[] = {
    "A vocabulary for a small model",
    "simlm vocab -o vocab.txt --size 8192 passages.jsonl.gz",
    NULL,
};

static const char *const files[] = {
    "vocab.txt",
    "A token a line; its line number, from 0, is its id.",
    NULL,
};

static const struct manual manual = {
    .usage = usage,
    .description =
        "Learns a WordPiece vocabulary, as BERT uses it, from titles and "
        "contents of a corpus: starting from single characters, the most "
        "frequent pair of pieces is joined until the vocabulary has --size "
        "tokens. With 1000 tokens or more the special ones are where BERT "
        "has them ([MASK] is 103); with fewer they come first. If pairs "
        "become rarer than --min-frequency before, the vocabulary stays "
        "smaller, and a warning says so.\n\n"
        "The same corpus gives the same file on any number of threads.",
    .examples = examples,
    .files = files,
    .see = (const char *const[]){"init", "tokenize", NULL},
};

int cmd_vocab(int argc, char **argv)
{
    struct cli_run run = CLI_RUN_INIT;
    simlm_vocab_options o;
    bool cased = false;

    simlm_vocab_options_init(&o);
    const struct option_row options[] = {
        OPT_OUTPUT('o', "output", &o.output, "file",
                   "vocab.txt to write; -: standard output"),
        OPT_INT('n', "size", &o.size, 16, 1 << 24, "n",
                "tokens, the special ones included"),
        OPT_INT64(0, "min-frequency", &o.min_frequency, 1, 1e15, "n",
                  "do not merge a pair seen less often"),
        OPT_INT(0, "max-alphabet", &o.max_alphabet, 1, 1 << 20, "n",
                "characters kept, the most frequent ones"),
        OPT_FLAG(0, "cased", &cased, "keep case and accents"),
        CLI_COMMON_OPTIONS(&run),
        OPT_END(),
    };

    argc = options_parse(argc, argv, options, &manual);
    if (argc < 0)
        return options_exit_code(argc);
    if (!o.output)
        return options_usage(&manual, "-o is needed");
    if (!argc)
        return options_usage(&manual, "no corpus given");
    if (!cli_run_begin(&run))
        return CLI_FAILED;
    o.corpus = (const char *const *)argv;
    o.n_corpora = argc;
    o.lowercase = !cased;
    o.threads = run.threads;
    return cli_run_end(&run, simlm_vocab_train(&o, &run.observer, &run.err));
}
