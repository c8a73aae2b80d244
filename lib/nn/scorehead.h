/*
 * nn/scorehead.h - from a sequence's first row to one score: the heads that
 * transformers puts on a classifier with one label (spec 1.4).
 *
 *     BERT     y = tanh(h W^T + b)             bert.pooler.dense
 *              z = drop(y) . w + c             classifier
 *     ELECTRA  y = gelu(drop(h) W^T + b)       classifier.dense
 *              z = drop(y) . w + c             classifier.out_proj
 *
 * Dropout is that of hidden states; its sites are behind those of the layers
 * (pass.h): `site` for h, site + 1024 for y.
 *
 *   n sequences   D hidden
 */
#ifndef SL_NN_SCOREHEAD_H
#define SL_NN_SCOREHEAD_H

#include "nn/pass.h"
#include "nn/weights.h"

struct sl_score_acts {
    bool tanh;    /* BERT's form; else ELECTRA's */
    sl_act *x;    /* [n, D] drop(h); ELECTRA alone */
    sl_act *pre;  /* [n, D] before GELU; ELECTRA alone */
    sl_act *y;    /* [n, D] */
    sl_act *kept; /* [n, D] drop(y) */
    sl_act *d;    /* [n, D] */
};

/* Of n sequences; keep: for a backward pass, and with dropout. */
void sl_score_carve(struct sl_arena *a, struct sl_score_acts *s,
                    const struct sl_backend *be, const struct sl_shape *shape,
                    bool tanh, int64_t n, bool keep);

/* z [n] <- the scores of h [n, D], rows of p->chosen. */
void sl_score_forward(const struct sl_pass *p, const struct sl_score_weights *w,
                      const struct sl_score_acts *s, sl_real *z,
                      const sl_act *h, int64_t n, uint32_t site);

/* dh [n, D] <- the gradient of h from dz [n], behind a forward pass of that h;
 * the head's gradients are added to. */
void sl_score_backward(const struct sl_pass *p,
                       const struct sl_score_weights *w,
                       const struct sl_score_weights *grad,
                       const struct sl_score_acts *s, sl_act *dh,
                       const sl_real *dz, const sl_act *h, int64_t n,
                       uint32_t site);

#endif
