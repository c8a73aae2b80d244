/*
 * index/topk.h - the k best of a stream of scores, exactly.
 *
 * A hit is one 64-bit key: the score's bits, made to sort as an unsigned
 * number, above the complement of the row.
 *
 *     63                32 31                 0
 *    | ordered(score)     | ~row               |      larger key = better hit
 *
 * So one integer comparison decides by score first and then by lower row, two
 * hits are never equal, and the k best do not depend on the order in which
 * blocks, threads or shards deliver them.  -0 counts as 0.
 *
 * The keys are kept in a heap with the worst on top.  While it is full, a
 * block of scores is first compared with the worst one, 64 at a time, in a
 * loop that compilers vectorise; after the first few blocks almost no score
 * passes, and selecting costs about as much as reading.
 */
#ifndef SL_INDEX_TOPK_H
#define SL_INDEX_TOPK_H

#include <stdbool.h>
#include <stdint.h>

/* Rows a key can name. */
#define SL_TOPK_MAX_ROWS ((int64_t)UINT32_MAX + 1)

struct sl_topk {
    uint64_t *heap; /* [k], the caller's */
    int64_t k, n;   /* n of at most k kept */
    float bar; /* the worst score kept once full; what is below cannot enter */
    bool nan;  /* a score was not a number (it was left out) */
};

/* Start over with the caller's heap of k >= 1 keys. */
void sl_topk_begin(struct sl_topk *t, uint64_t *heap, int64_t k);

/*
 * Offer rows first_row .. first_row + n - 1 with their scores.  Rows are in
 * [0, SL_TOPK_MAX_ROWS) and each is offered once, in any order of calls.
 */
void sl_topk_offer(struct sl_topk *t, const float *score, int64_t n,
                   int64_t first_row);

/*
 * Write the hits, best first, and return how many (min(k, rows offered)).
 * The heap is spent.  score may be NULL.
 */
int64_t sl_topk_finish(struct sl_topk *t, float *score, int64_t *row);

#endif
