/*
 * backend/cpu/weight_copies.h - copies of weights that matrix products read.
 *
 * A model announces its block of fp32 weights (sl_backend.weights).
 *
 *   trained   in a bf16 backend the block has a rounded copy with the same
 *             offsets, which the optimiser renews in the same pass
 *   fixed     a matrix is packed as oneDNN's code wants it, when a product
 *             first asks for it
 *
 *   block   | word | pos | ... | w1      | ...        fp32, the model's
 *   rounded | word | pos | ... | w1      | ...        bf16; or
 *   packed                     [ w1 in pieces ] -> [ w2 ] -> ...
 *
 * Sibling backends, each with a thread of its own, share one list: it is locked
 * while it is searched and while a matrix is packed.
 */
#ifndef SL_BACKEND_CPU_WEIGHT_COPIES_H
#define SL_BACKEND_CPU_WEIGHT_COPIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/cpu/bf16.h"
#include "base/status.h"

struct sl_weights;

/* A matrix w [N, K], cut into pieces of `columns` of its N rows and `chunk` of
 * its K columns; piece (i, k) is number i * parts(K) + k. */
struct sl_packed {
    struct sl_packed *next;
    const float *w;
    int64_t K, N, columns, chunk;
    bool whole; /* all pieces together are what w is, packed in one piece */
    size_t piece_bytes;
    char *data;
};

struct sl_weights *sl_weights_new(void); /* NULL: no memory */
void sl_weights_free(struct sl_weights *ws);

/* Announce a block, or its new contents: copies that were made are dropped.
 * With `rounded` there is room for such a copy, which the caller fills. */
simlm_status sl_weights_announce(struct sl_weights *ws, const float *w,
                                 int64_t n, bool fixed, bool rounded,
                                 simlm_error *err);
void sl_weights_forget(struct sl_weights *ws, const void *w);

/* The rounded copy of what is at w, NULL if there is none. */
sl_bf16 *sl_weights_rounded(struct sl_weights *ws, const float *w);

/*
 * The matrix w [N, K] of a fixed block, packed: by make(), which fills in a
 * struct that has w, K and N, when it is asked for the first time.  NULL if w
 * is not of a fixed block, or make() failed.
 */
typedef bool sl_pack_fn(void *ctx, struct sl_packed *p);
const struct sl_packed *sl_weights_packed(struct sl_weights *ws, const float *w,
                                          int64_t K, int64_t N,
                                          sl_pack_fn *make, void *ctx);

#endif
