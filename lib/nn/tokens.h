/*
 * nn/tokens.h - a packed batch on its way into a backend.
 *
 * The unit of work is the tokens of n sequences laid end to end, no padding.
 * `struct sl_tokens` is what the caller has in host memory; `struct sl_batch`
 * is its copy in the backend's memory with all that ops need (positions, names
 * of rows for random numbers), sized once for the largest batch.  Some layers
 * compute chosen tokens' rows alone: `struct sl_choice` says which.
 */
#ifndef SL_NN_TOKENS_H
#define SL_NN_TOKENS_H

#include "backend/ops.h"

/* In host memory, owned by the caller, read only during a call. */
struct sl_tokens {
    int64_t n, N;         /* sequences; tokens in all, N = start[n] */
    const int32_t *start; /* [n + 1], start[0] = 0, strictly increasing */
    const int32_t *ids;   /* [N] */
    const int32_t *types; /* [N] 0 or 1; NULL: all 0 */
    /*
     * [n] names a sequence for random numbers: unique within a training step,
     * below 2^48, so that dropout and samples do not depend on micro-batches.
     * NULL: 0, 1, ... (inference).
     */
    const uint64_t *key;
};

/* What ids, types and positions may be. */
struct sl_token_limits {
    int64_t vocab, positions, types;
};

struct sl_batch {
    struct sl_backend *be;
    int64_t max_N, max_n;
    struct sl_packing pk; /* its arrays are the four below */
    int32_t *ids, *types; /* [max_N] backend memory */
    bool typed;           /* false: types were not given, all are 0 */
    int32_t *start, *pos; /* [max_n + 1], [max_N] */
    uint64_t *row_key;    /* [max_N] */
    int32_t *host_pos;    /* host staging */
    uint64_t *host_key;   /* host staging: row keys, as uploaded */
};

simlm_status sl_batch_init(struct sl_batch *b, struct sl_backend *be,
                           int64_t max_N, int64_t max_n, simlm_error *err);
void sl_batch_free(struct sl_batch *b); /* accepts a zeroed struct */

/*
 * Check and upload.  E_RANGE names what is out of range: too many tokens or
 * sequences for the batch, an empty or too long sequence, an id outside the
 * vocabulary, a type outside the table.  On failure the batch is unchanged.
 */
simlm_status sl_batch_set(struct sl_batch *b, const struct sl_tokens *t,
                          const struct sl_token_limits *limits,
                          simlm_error *err);

/* E_RANGE unless each of ids [n] (NULL: none) is in [0, limit). */
simlm_status sl_tokens_check(const int32_t *ids, const char *what, int64_t n,
                             int64_t limit, simlm_error *err);

/* Chosen tokens of a batch, likewise on their way into a backend. */
struct sl_choice {
    struct sl_backend *be;
    struct sl_chosen rows; /* its arrays are the three below */
    int32_t *row, *start;  /* [max_N], [max_n + 1] backend memory */
    uint64_t *key;         /* [max_N] */
    int32_t *host_start;   /* host staging */
    uint64_t *host_key;    /* host staging */
};

/* Room for choices from batches like b. */
simlm_status sl_choice_init(struct sl_choice *c, const struct sl_batch *b,
                            simlm_error *err);
void sl_choice_free(struct sl_choice *c); /* accepts a zeroed struct */

/* Choose rows [R], increasing, of t, which is what b was last set to. */
void sl_choice_set(struct sl_choice *c, const struct sl_batch *b,
                   const struct sl_tokens *t, const int32_t *rows, int64_t R);

/* The batch's types, or NULL: as ops take them. */
static inline const int32_t *sl_batch_types(const struct sl_batch *b)
{
    return b->typed ? b->types : NULL;
}

/* A part of the sequences of t: first .. first + n - 1, starts rebased into
 * start [n + 1].  Without keys, the part's are counted anew: give keys if the
 * parts are to draw different random numbers. */
struct sl_tokens sl_tokens_slice(const struct sl_tokens *t, int64_t first,
                                 int64_t n, int32_t *start);

#endif
