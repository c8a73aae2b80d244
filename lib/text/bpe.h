/*
 * text/bpe.h - byte-pair encoding's inner machine: which pair of neighbours is
 * the most frequent, and what happens to the counts when it is joined.
 *
 * (Sennrich, Haddow, Birch, "Neural machine translation of rare words with
 * subword units", ACL 2016.)  It knows words as sequences of symbols, plain
 * integers, with a count; what a symbol looks like is the caller's business.
 *
 * Counts are kept up to date, not recounted: each pair has the list of the
 * words that hold it, and joining it visits these words alone.  The order of
 * the queue is count, then the smaller pair, so the result depends on the words
 * and their counts only, not on their order.
 */
#ifndef SL_TEXT_BPE_H
#define SL_TEXT_BPE_H

#include <stdbool.h>
#include <stdint.h>

struct sl_bpe;

struct sl_bpe_pair {
    int32_t left, right;
    int64_t count;
};

struct sl_bpe *sl_bpe_new(void); /* NULL if out of memory */
void sl_bpe_free(struct sl_bpe *b);

/* A word of n symbols >= 0 that occurs `count` times.  False: out of memory. */
bool sl_bpe_add(struct sl_bpe *b, const int32_t *symbol, int32_t n,
                int64_t count);

/* *best <- the most frequent pair.  False if no pair is left, or if memory ran
 * out: then *failed is true. */
bool sl_bpe_best(struct sl_bpe *b, struct sl_bpe_pair *best, bool *failed);

/* Replace left right by `joined` everywhere, from the left.  False: no memory;
 * then the machine can only be freed. */
bool sl_bpe_join(struct sl_bpe *b, int32_t left, int32_t right, int32_t joined);

#endif
