/*
 * commands.h - the program's commands: COMMAND(name, function, summary).
 *
 * main.c makes the dispatch from this one list; `simlm help`, the man pages and
 * completion follow.  A new command is a line here and a file cmd_<name>.c,
 * which includes this header.  A name of two words is a command of a family;
 * those of one family stand together.
 */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include <stdbool.h>
#include <stdio.h>

#include "manual.h"

/* clang-format off */
#define CLI_COMMANDS(COMMAND)                                                  \
    /* name           function         what it does */                         \
    COMMAND("vocab", cmd_vocab, "train a WordPiece vocabulary")                \
    COMMAND("prepare msmarco", cmd_prepare_msmarco,                            \
            "make SimLM's files of MS MARCO's downloads")                      \
    COMMAND("prepare nq", cmd_prepare_nq, "make SimLM's files of DPR's")         \
    COMMAND("prepare beir", cmd_prepare_beir, "make SimLM's files of BEIR's")   \
    COMMAND("init", cmd_init, "make a model of random weights")                \
    COMMAND("pretrain", cmd_pretrain, "train a masked or a bottleneck LM")     \
    COMMAND("mine", cmd_mine, "take hard negatives from a run")                \
    COMMAND("finetune", cmd_finetune, "train a bi-encoder for retrieval")      \
    COMMAND("train-reranker", cmd_train_reranker, "train a cross-encoder")     \
    COMMAND("encode", cmd_encode, "turn passages or queries into vectors")     \
    COMMAND("index", cmd_index, "make an index of vectors")                    \
    COMMAND("search", cmd_search, "rank passages for queries")                 \
    COMMAND("bm25 index", cmd_bm25_index, "index a corpus for BM25")           \
    COMMAND("bm25 search", cmd_bm25_search, "rank passages by BM25")           \
    COMMAND("fuse", cmd_fuse, "make one run of several")                       \
    COMMAND("rerank", cmd_rerank, "rank the head of a run anew")               \
    COMMAND("score", cmd_score, "give training examples a teacher's scores")   \
    COMMAND("eval", cmd_eval, "measure runs, compare two")                     \
    COMMAND("overlap", cmd_overlap, "how alike two runs are")                  \
    COMMAND("cases", cmd_cases, "show examples or a run with their texts")     \
    COMMAND("report", cmd_report, "measures, curves, examples as a page")      \
    COMMAND("run", cmd_run, "run a pipeline of commands from a recipe")        \
    COMMAND("inspect", cmd_inspect, "show what is in a checkpoint")            \
    COMMAND("convert", cmd_convert, "rewrite a model as safetensors")          \
    COMMAND("tokenize", cmd_tokenize, "show the token ids of texts")           \
    COMMAND("bench", cmd_bench, "time the library on this machine")            \
    COMMAND("help", cmd_help, "show what a command does")                      \
    COMMAND("completion", cmd_completion, "print a shell's completion script") \
    /* the end */

/* clang-format on */

#define CLI_DECLARE(name, function, summary)                                   \
    int function(int argc, char **argv);
CLI_COMMANDS(CLI_DECLARE)
#undef CLI_DECLARE

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
};

/* All of them, then a row without name. */
extern const struct command commands[];

/* NULL if there is none of that name. */
const struct command *command_named(const char *name);

/* Have the command print its manual; its exit code. */
int command_show(const struct command *c, enum manual_form form);

/* Their names and summaries. */
void commands_list(FILE *f);

/* The same of the family "bm25"; false if there is none of that name. */
bool commands_list_family(FILE *f, const char *family);

/* Is the command of the family "bm25"? */
bool command_is_of(const struct command *c, const char *family);

#endif
