/*
 * train_options.h - the options that pretrain, finetune and train-reranker
 * share, under the same names.
 */
#ifndef CLI_TRAIN_OPTIONS_H
#define CLI_TRAIN_OPTIONS_H

#include <simlm/train.h>

#include "options.h"

/* clang-format off */
#define TRAIN_OPTIONS(t, seed)                                                 \
    OPT_GROUP("Files"),                                                        \
    OPT_MODEL('m', "model", &(t)->model, "the model to start from"),          \
    OPT_OUTPUT('o', "output", &(t)->output, "dir",                             \
               "the trained model; a run stopped there is continued"),         \
    OPT_FLAG(0, "overwrite", &(t)->overwrite,                                  \
             "forget another run's state in the output directory"),            \
    OPT_PATH(0, "cache", &(t)->cache, "dir",                                 \
               "keep the tokenized corpus here, for other runs, too"),         \
    OPT_GROUP("Length of training"),                                           \
    OPT_REAL('e', "epochs", &(t)->epochs, 0, 1e6, "x",                         \
             "passes over the training data"),                                 \
    OPT_INT64('s', "steps", &(t)->steps, 0, 1e12, "n",                         \
              "updates; 0: as many as the epochs take"),                       \
    OPT_INT('b', "batch", &(t)->batch, 1, 1 << 20, "n",                        \
            "passages (pretrain) or queries (else) a step"),               \
    OPT_INT(0, "batch-tokens", &(t)->batch_tokens, 16, 1 << 28, "n",           \
            "tokens computed at once: decides memory, not the result"),        \
    OPT_GROUP("Optimiser"),                                                    \
    OPT_REAL(0, "lr", &(t)->lr, 1e-30, 1e3, "x", "peak learning rate"),        \
    OPT_REAL(0, "warmup", &(t)->warmup, 0, 1e12, "x",                          \
             "steps of warm-up, or, below 1, a share of all steps"),           \
    OPT_CHOICE(0, "schedule", &(t)->schedule, "linear|log|constant",           \
               "of the learning rate; log: as SimLM was trained"),             \
    OPT_REAL(0, "weight-decay", &(t)->weight_decay, 0, 1e3, "x",               \
             "of all but biases and layer norms"),                             \
    OPT_FLAG(0, "decay-all", &(t)->decay_all,                                  \
             "decay biases and layer norms, too"),                             \
    OPT_REAL(0, "beta1", &(t)->beta1, 0, 0.999999, "x", "of AdamW"),           \
    OPT_REAL(0, "beta2", &(t)->beta2, 0, 0.9999999, "x", "of AdamW"),          \
    OPT_REAL(0, "eps", &(t)->eps, 1e-20, 1, "x", "of AdamW"),                  \
    OPT_REAL(0, "clip", &(t)->clip, 0, 1e30, "x",                              \
             "largest norm of the gradient; 0: no limit"),                     \
    OPT_REAL(0, "dropout", &(t)->dropout, -1, 0.9, "p",                        \
             "negative: the model's own"),                                     \
    OPT_FLAG(0, "checkpointing", &(t)->checkpointing,                          \
             "recompute activations: less memory, more time"),                 \
    OPT_PRECISION(&(t)->precision),                                            \
    OPT_GROUP("Records"),                                                      \
    OPT_INT(0, "log-every", &(t)->log_every, 0, 1000000000, "n",               \
            "steps between records in log.jsonl; 0: none"),                    \
    OPT_INT(0, "eval-every", &(t)->eval_every, 0, 1000000000, "n",             \
            "steps between evaluations; 0: at the end"),                       \
    OPT_INT(0, "save-every", &(t)->save_every, 0, 1000000000, "n",             \
            "steps between checkpoints; 0: when stopped"),                     \
    OPT_INT(0, "keep-last", &(t)->keep_last, 0, 1000000000, "n",               \
            "checkpoints that stay, as models, when the run is over"),         \
    OPT_STRING(0, "keep-best", &(t)->keep_best, "measure",                     \
               "the checkpoint with the best loss of the held-out examples "   \
               "(or mrr, acc1, acc3 of a retriever, acc of a re-ranker) "      \
               "stays, as a model; <dir>/best is a link to it"),               \
    OPT_PATH(0, "tensorboard", &(t)->tensorboard, "dir",                       \
             "write TensorBoard's event files here, a directory a run"),       \
    OPT_INT64(0, "eval-samples", &(t)->eval_samples, -1, 1e12, "n",            \
              "examples held out; -1: 2% of them, not too many"),              \
    OPT_INT64(0, "seed", (seed), 0, 9e18, "n", "of everything random")

/* What finetune and train-reranker train on. */
#define GROUP_OPTIONS(g)                                                       \
    OPT_INPUT('c', "corpus", &(g)->corpus, "file", "the passages"),            \
    OPT_INPUT(0, "queries", &(g)->queries, "file", "training queries"),        \
    OPT_INPUT(0, "qrels", &(g)->qrels, "file",                                 \
              "their judgements; grade 1 and up is a positive"),               \
    OPT_INPUT(0, "negatives", &(g)->negatives, "run",                          \
              "rankings of the queries, from which negatives are taken"),      \
    OPT_INPUT(0, "train", &(g)->examples, "file",                              \
              "examples as SimLM's train.jsonl instead of these three"),       \
    OPT_CONFLICT("train", "queries|qrels|negatives"),                          \
    OPT_INPUT(0, "more-examples", &(g)->more_examples, "file",                 \
              "a second file of examples"),                                    \
    OPT_CONFLICT("more-examples", "queries|qrels|negatives"),                  \
    OPT_INPUT(0, "dev", &(g)->dev, "file",                                     \
              "examples to evaluate with; else some of the others are held out")

#define NEGATIVE_OPTIONS(g)                                                    \
    OPT_GROUP("Passages of a query"),                                          \
    OPT_INT('p', "passages", &(g)->passages, 1, 4096, "n",                     \
            "a query: a positive and the rest negatives"),                     \
    OPT_FLAG(0, "use-first-positive", &(g)->use_first_positive,                \
             "only positives that score well, as the NQ scripts"),             \
    OPT_INT(0, "negative-depth", &(g)->negative_depth, 0, 1000000, "n",        \
            "leading hits of the run that are used"),                          \
    OPT_INT(0, "negative-count", &(g)->negative_count, 1, 1000000, "n",        \
            "negatives kept for a query"),                                     \
    OPT_INT(0, "negative-random", &(g)->negative_random, 0, 1000000, "n",      \
            "of these, passages from anywhere"),                               \
    OPT_CHOICE(0, "eval-window", &(g)->eval_window, "first|epoch",             \
               "passages to evaluate with: always the first, or the epoch's"), \
    OPT_OUTPUT(0, "save-examples", &(g)->save_examples, "file",                \
               "write the list as train.jsonl")
/* clang-format on */

/* What of the needed options was not given, or NULL. */
static inline const char *train_missing(const simlm_train_options *t,
                                        const simlm_group_options *g)
{
    if (!t->model)
        return "--model is needed";
    if (!t->output)
        return "--output is needed";
    if (!g->corpus)
        return "--corpus is needed";
    if (!g->examples && !(g->queries && g->qrels && g->negatives))
        return "--queries, --qrels and --negatives are needed, or --train";
    return NULL;
}

#endif
