/*
 * tiny.h - a model small enough to differentiate by hand, and batches for it.
 */
#ifndef TEST_TINY_H
#define TEST_TINY_H

#include "base/rng.h"
#include "model/bert.h"

/* 2 layers, hidden 8, 2 heads, FFN 12, vocab 40, 16 positions; dropout 0.1. */
struct sl_config tiny_config(void);

/* The same as an ELECTRA generator with embeddings of width 12. */
struct sl_config tiny_electra_config(void);

/* All weights random and of a size that makes every gradient matter (BERT's
 * own 0.02 would hide most of them), with room for gradients. */
struct sl_bert *tiny_model(struct sl_backend *be, struct sl_config cfg,
                           struct sl_bert_parts parts, uint64_t seed);

/* Sequences of 1 to max_len tokens with types and keys, static storage of at
 * most 64 sequences and 512 tokens: a fresh one overwrites the last. */
struct sl_tokens tiny_tokens(int64_t n, int64_t max_len, int64_t vocab,
                             uint64_t seed);

/*
 * Every `step`-th token of t is a counted row with a random label.  Static
 * storage, like the above.
 */
int64_t tiny_rows(const int32_t **rows, const int32_t **labels,
                  const struct sl_tokens *t, int64_t step, int64_t vocab,
                  uint64_t seed);

#endif
