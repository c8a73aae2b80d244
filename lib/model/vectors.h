/*
 * model/vectors.h - from a body's output to vectors (spec 1.3):
 *
 *     v = pool(h W^T + b)   the pooler, if there is one, then the pooling
 *     v = pool(h)
 *
 * The pooler is applied to rows before they are pooled, not to the pooled: of
 * an affine function and a mean the order makes no difference, and a pooled row
 * is one row.
 */
#ifndef SL_MODEL_VECTORS_H
#define SL_MODEL_VECTORS_H

#include "model/session.h"

struct sl_vectors {
    const struct sl_bert *m; /* whose pooler it is */
    enum sl_pooling pooling;
    sl_act *y, *dy; /* [rows, O]; NULL: no pooler, or no way back */
};

/* In s->acts, for a body carved with the same pooling; the pooler is that of the
 * session's model at this moment. */
void sl_vectors_carve(struct sl_session *s, struct sl_vectors *x,
                      enum sl_pooling pooling, bool back);

/* v [n, width] <- of the body's output `hidden`. */
void sl_vectors_forward(const struct sl_session *s, const struct sl_pass *p,
                        const struct sl_vectors *x, const struct sl_body *body,
                        sl_real *v, const sl_act *hidden);

/* d <- the gradient of `hidden` from dv; the pooler's is added to. */
void sl_vectors_backward(const struct sl_session *s, const struct sl_pass *p,
                         const struct sl_vectors *x, const struct sl_body *body,
                         sl_act *d, const sl_real *dv, const sl_act *hidden);

#endif
