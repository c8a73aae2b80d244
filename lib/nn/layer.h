/*
 * nn/layer.h - one transformer layer of BERT (spec 10.1), forward and backward.
 *
 *     q, k, v = x Wq^T + bq, x Wk^T + bk, x Wv^T + bv
 *     ctx     = softmax(q k^T / sqrt(D / H)) v          within each sequence
 *     y1      = LN1(x + dropout(ctx Wo^T + bo))
 *     out     = LN2(y1 + dropout(gelu(y1 W1^T + b1) W2^T + b2))
 *
 * The probabilities in the second line pass through dropout, too.
 *
 *   N tokens   D hidden   F feed-forward   H heads
 */
#ifndef SL_NN_LAYER_H
#define SL_NN_LAYER_H

#include "nn/pass.h"
#include "nn/weights.h"

struct sl_layer_acts {
    sl_act *qkv;            /* [N, 3 D] */
    sl_act *ctx;            /* [N, D] */
    sl_real *lse;           /* [H, N] */
    sl_act *sum1, *y1;      /* [N, D] what LN1 takes and gives */
    sl_real *mean1, *rstd1; /* [N] */
    sl_act *pre, *act;      /* [N, F] before and after GELU */
    sl_act *sum2;           /* [N, D] */
    sl_real *mean2, *rstd2; /* [N] */
    sl_act *out;            /* [N, D] */
};

/* All of it but `out`, for a backward pass over N tokens. */
void sl_layer_carve(struct sl_arena *a, struct sl_layer_acts *l,
                    const struct sl_backend *be, const struct sl_shape *s,
                    int64_t N);

/* Without a backward pass pieces share memory and statistics are NULL. */
void sl_layer_carve_thin(struct sl_arena *a, struct sl_layer_acts *l,
                         const struct sl_backend *be, const struct sl_shape *s,
                         int64_t N);

/* Scratch of a backward pass. */
struct sl_layer_scratch {
    sl_act *a, *b; /* [N, D] */
    sl_act *wide;  /* [N, max(3 D, F)] */
};
void sl_layer_scratch_carve(struct sl_arena *a, struct sl_layer_scratch *t,
                            const struct sl_backend *be,
                            const struct sl_shape *s, int64_t N);

/* l->out <- the layer of x, both [N, D].  out may be x in a thin layer. */
void sl_layer_forward(const struct sl_pass *p, const struct sl_layer_weights *w,
                      const struct sl_layer_acts *l, const sl_act *x,
                      uint32_t site);

/* d [N, D] holds the gradient of out, and then that of x. */
void sl_layer_backward(const struct sl_pass *p,
                       const struct sl_layer_weights *w,
                       const struct sl_layer_weights *grad,
                       const struct sl_layer_acts *l,
                       const struct sl_layer_scratch *t, sl_act *d,
                       const sl_act *x, uint32_t site);

/* ---- chosen rows alone --------------------------------------------------- */

/*
 * Of the last layer's output a loss or a vector often needs some rows only: a
 * sequence's first for [CLS], the masked ones for a masked LM.  The other
 * tokens then give that layer keys and values, and nothing else.  With xr [R, D]
 * the chosen rows of x,
 *
 *     k, v = x Wk^T + bk, x Wv^T + bv       [N, D]
 *     q    = xr Wq^T + bq                   [R, D]
 *     y1   = LN1(xr + dropout(ctx Wo^T + bo)), and so on with R rows.
 *
 * The R rows are the bits that the whole layer has there, dropout included.
 */
struct sl_chosen_acts {
    sl_act *kv;                /* [N, 2 D] */
    sl_act *x, *q;             /* [R, D] */
    struct sl_layer_acts rows; /* R tokens of a layer; without qkv */
};

/* For R rows of N tokens, `rows.out` included; kv only if own_kv, else it is
 * the caller's to set. */
void sl_chosen_carve(struct sl_arena *a, struct sl_chosen_acts *c,
                     const struct sl_backend *be, const struct sl_shape *s,
                     int64_t N, int64_t R, bool own_kv);

/* c->rows.out [R, D] <- the rows p->chosen of the layer of x [N, D]. */
void sl_chosen_forward(const struct sl_pass *p,
                       const struct sl_layer_weights *w,
                       const struct sl_chosen_acts *c, const sl_act *x,
                       uint32_t site);

/* d [N, D] holds the gradient of out in R rows, and then that of x in N. */
void sl_chosen_backward(const struct sl_pass *p,
                        const struct sl_layer_weights *w,
                        const struct sl_layer_weights *grad,
                        const struct sl_chosen_acts *c,
                        const struct sl_layer_scratch *t, sl_act *d,
                        const sl_act *x, uint32_t site);

#endif
