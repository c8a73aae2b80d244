/*
 * commands.h - the program's commands: COMMAND(name, function, summary).
 *
 * main.c makes the dispatch and `simlm help` from this one list; a new command
 * is a line here and a file cmd_<name>.c, which includes this header.
 */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

/* clang-format off */
#define CLI_COMMANDS(COMMAND)                                                  \
    /* name        function       what it does */                              \
    COMMAND("bm25", cmd_bm25, "index a corpus for BM25, search it")            \
    COMMAND("fuse", cmd_fuse, "make one run of several")                       \
    COMMAND("eval", cmd_eval, "measure runs, compare two")                     \
    COMMAND("tokenize", cmd_tokenize, "show the token ids of texts")           \
    COMMAND("init", cmd_init, "make a model of random weights")                \
    COMMAND("vocab", cmd_vocab, "train a WordPiece vocabulary")                \
    COMMAND("pretrain", cmd_pretrain, "train a masked or a bottleneck LM")     \
    COMMAND("finetune", cmd_finetune, "train a bi-encoder for retrieval")      \
    COMMAND("encode", cmd_encode, "turn passages or queries into vectors")      \
    COMMAND("index", cmd_index, "make an index of vectors")                    \
    COMMAND("search", cmd_search, "rank passages for queries")                 \
    /* the end */

/* clang-format on */

#define CLI_DECLARE(name, function, summary) int function(int argc, char **argv);
CLI_COMMANDS(CLI_DECLARE)
#undef CLI_DECLARE

#endif
