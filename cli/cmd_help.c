/* simlm help - the manual: of a command, of the program, as a man page. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "commands.h"
#include "options.h"

static const char *const usage[] = {
    "simlm help [options] [<command>]",
    NULL,
};

static const char *const examples[] = {
    "What encoding can do",
    "simlm help encode",
    "The same as a man page, where none are installed",
    "simlm help --man encode | man -l -",
    NULL,
};

static const struct manual manual = {
    .usage = usage,
    .description =
        "Shows what a command does, its options with their defaults, and "
        "examples; without a command, the list of all commands. What is shown "
        "is made from the tables that the options are parsed with, and so are "
        "the man pages and the completion scripts.",
    .examples = examples,
    .see = (const char *const[]){"completion", NULL},
};

static const char *const program_usage[] = {
    "simlm <command> [options] ...",
    "simlm help [<command>]",
    "simlm --version",
    NULL,
};

static const char *const program_examples[] = {
    "From raw text to a judged ranking",
    "simlm vocab -o vocab.txt --size 8192 passages.jsonl.gz\n"
    "simlm init -o base0 --vocab vocab.txt --layers 3 --hidden 128 --heads 4\n"
    "simlm pretrain --objective mlm --model base0 -o mlm passages.jsonl.gz\n"
    "simlm pretrain --objective rlm --model mlm --generator mlm -o rlm \\\n"
    "      passages.jsonl.gz\n"
    "simlm bm25 index -o bm25 passages.jsonl.gz\n"
    "simlm bm25 search --index bm25 --top 200 -o train.bm25 train.tsv\n"
    "simlm finetune --model rlm --corpus passages.jsonl.gz \\\n"
    "      --queries train.tsv --qrels train.qrels --negatives train.bm25 \\\n"
    "      -o retriever\n"
    "simlm encode --model retriever --side passage -o vectors \\\n"
    "      passages.jsonl.gz\n"
    "simlm index -o flat vectors\n"
    "simlm search --model retriever --index flat -o dev.run dev.tsv\n"
    "simlm eval --preset msmarco dev.qrels dev.run",
    NULL,
};

static const char *const program_files[] = {
    "passages",
    "A corpus: lines of JSON with id, contents and perhaps title; "
    "MS MARCO's collection.tsv; or BEIR's corpus.jsonl. Plain, "
    "gzip or zstd.",
    "queries",
    "A line of id, tab and text each, or BEIR's queries.jsonl.",
    "qrels",
    "Judgements, of TREC's or of MS MARCO's form.",
    "runs",
    "Rankings: query, passage, rank and score with tabs between, as "
    "MS MARCO has them, or TREC's six columns.",
    "models",
    "A directory of Hugging Face's form, or its name there, "
    "\"organisation/name\", which is looked for in Hugging Face's "
    "cache and else fetched: config.json, "
    "model.safetensors or pytorch_model.bin, vocab.txt or "
    "tokenizer.json, with sentence-transformers' files beside them.",
    NULL,
};

static const struct manual program = {
    .usage = program_usage,
    .description =
        "SimLM in C. It pre-trains a BERT encoder so that one vector holds a "
        "whole passage, fine-tunes it as a bi-encoder, encodes a corpus, "
        "searches the vectors and judges the rankings, on plain CPUs.\n\n"
        "The result of a command goes to the file or directory after -o, or to "
        "standard output; progress and messages go to standard error. An "
        "output is whole or absent. Long commands that are interrupted save "
        "what they have, and the same command continues; the result is the "
        "same bits. In the place of a file that is read from front to back, - "
        "stands for standard input, and after -o for standard output.\n\n"
        "The same seed gives the same result on any number of threads.",
    .examples = program_examples,
    .files = program_files,
};

/* All commands' first words, "vocab|init|...": what may stand behind help. */
static const char *all_names(void)
{
    static char names[512];
    size_t at = 0;

    for (const struct command *c = commands; c->name && at < sizeof names; c++)
        at += (size_t)snprintf(names + at, sizeof names - at, "%s%.*s",
                               at ? "|" : "", (int)strcspn(c->name, " "),
                               c->name);
    return names;
}

static void print_names(void)
{
    for (const struct command *c = commands; c->name; c++)
        puts(c->name);
}

int cmd_help(int argc, char **argv)
{
    bool man = false, names = false;
    struct manual of_help = manual;
    const struct command *c;
    char name[64];

    const struct option_row options[] = {
        OPT_FLAG(0, "man", &man, "print the man page's source"),
        OPT_FLAG(0, "names", &names, "print the commands' names alone"),
        OPT_CONFLICT("names", "man"),
        OPT_END(),
    };

    of_help.operands = all_names();
    argc = options_parse(argc, argv, options, &of_help);
    if (argc < 0)
        return options_exit_code(argc);
    if (names) {
        print_names();
        return CLI_OK;
    }
    if (!argc) {
        if (man)
            manual_print_program(&program);
        else
            commands_list(stdout);
        return CLI_OK;
    }
    if (argc == 1 && commands_list_family(stdout, argv[0]))
        return CLI_OK;
    snprintf(name, sizeof name, argc > 1 ? "%s %s" : "%s", argv[0], argv[1]);
    c = argc <= 2 ? command_named(name) : NULL;
    if (!c)
        return options_usage(&manual, "there is no command '%s'", name);
    return command_show(c, man ? MANUAL_MAN : MANUAL_TEXT);
}
