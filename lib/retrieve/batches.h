/*
 * retrieve/batches.h - many texts as packed batches: tokenized in parallel,
 * sorted by length, cut by a budget of tokens.
 *
 *     SL_TRY(sl_batches_fill(b, n, compose, ctx, err));
 *     for (int64_t at = 0; at < n; at += m) {
 *         m = sl_batches_pack(b, &tokens, at);
 *         ...                        the texts b->order[at .. at + m - 1]
 *     }
 *
 * Sorting and batching only make batches even: what a text gives is the same
 * bits alone and in any batch.
 */
#ifndef SL_RETRIEVE_BATCHES_H
#define SL_RETRIEVE_BATCHES_H

#include <time.h>

#include <simlm/observer.h>

#include "nn/tokens.h"
#include "retrieve/compose.h"

struct sl_batches {
    int64_t max_texts, max_len; /* of a call; tokens of a text */
    int64_t batch_tokens, max_seqs;
    size_t bytes; /* of all the arrays */

    /* A call's texts, tokenized. */
    int64_t n;
    int32_t *ids, *types; /* [max_texts, max_len] */
    int32_t *len;         /* [max_texts] -1: out of memory */
    int32_t *order;       /* [max_texts] by length, longest first */
    int32_t *count;       /* [max_len + 2] for the sort */

    /* A batch. */
    int32_t *batch_ids, *batch_types; /* [batch_tokens] */
    int32_t *start;                   /* [max_seqs + 1] */

    struct sl_compose_scratch *scratch; /* [n_workers] */
    int n_workers;
};

/* batch_tokens is raised to one text's most and cut to what all can have. */
simlm_status sl_batches_init(struct sl_batches *b, int64_t max_texts,
                             int64_t max_len, int64_t batch_tokens,
                             simlm_error *err);
void sl_batches_free(struct sl_batches *b); /* accepts a zeroed struct */

/* ids, types [max_len] <- text i of the call; how many, or -1 for want of
 * memory.  Called from several threads at once. */
typedef int64_t sl_batches_fn(const void *ctx, int64_t i, int32_t *ids,
                              int32_t *types, struct sl_compose_scratch *s);

/* Tokenize and sort n <= max_texts texts. */
simlm_status sl_batches_fill(struct sl_batches *b, int64_t n, sl_batches_fn *fn,
                             const void *ctx, simlm_error *err);

/* *t <- the batch that begins with order[first], valid until the next; how many
 * texts it has. */
int64_t sl_batches_pack(struct sl_batches *b, struct sl_tokens *t,
                        int64_t first);

/* Told of after each batch; all may be 0.  `done` counts texts. */
struct sl_meter {
    const simlm_observer *obs;
    const char *phase, *unit;
    int64_t done, total;
    int64_t tokens;        /* computed by this process ... */
    struct timespec began; /* ... since its first batch was begun; private */
};

/* A batch of so many tokens is about to be computed, and one was: the figure
 * "tokens/s" of the next report.  m may be NULL. */
void sl_meter_begin_batch(struct sl_meter *m);
void sl_meter_end_batch(struct sl_meter *m, int64_t tokens);

/* n more are done (m may be NULL); E_CANCELLED if the observer says so. */
simlm_status sl_meter_tell(struct sl_meter *m, int64_t n, simlm_error *err);

#endif
