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

/* ---- first rows alone ------------------------------------------------------ */

/*
 * A [CLS] vector is one row a sequence of the last layer's output, and of that
 * layer's other rows it needs keys and values alone.  With x0 [n, D] the first
 * tokens' rows of x,
 *
 *     k, v = x Wk^T + bk, x Wv^T + bv       [N, D]
 *     q    = x0 Wq^T + bq                   [n, D]
 *     y1   = LN1(x0 + dropout(ctx Wo^T + bo)), and so on with n rows.
 *
 * The n rows are the bits that the whole layer has there, dropout included.
 */
struct sl_first_acts {
    sl_act *kv;                /* [N, 2 D] */
    sl_act *x, *q;             /* [n, D] */
    struct sl_layer_acts rows; /* n tokens of a layer; without qkv */
};

/* For n sequences of N tokens in all, `rows.out` included; kv only if own_kv,
 * else it is the caller's to set. */
void sl_first_carve(struct sl_arena *a, struct sl_first_acts *f,
                    const struct sl_backend *be, const struct sl_shape *s,
                    int64_t N, int64_t n, bool own_kv);

/* f->rows.out [n, D] <- the first rows of the layer of x [N, D]. */
void sl_first_forward(const struct sl_pass *p, const struct sl_layer_weights *w,
                      const struct sl_first_acts *f, const sl_act *x,
                      uint32_t site);

/* d [N, D] holds the gradient of out in n rows, and then that of x in N. */
void sl_first_backward(const struct sl_pass *p,
                       const struct sl_layer_weights *w,
                       const struct sl_layer_weights *grad,
                       const struct sl_first_acts *f,
                       const struct sl_layer_scratch *t, sl_act *d,
                       const sl_act *x, uint32_t site);

#endif
