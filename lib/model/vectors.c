#include "model/vectors.h"

void sl_vectors_carve(struct sl_session *s, struct sl_vectors *x,
                      enum sl_pooling pooling, bool back)
{
    const struct sl_backend *be = s->m->be;
    int64_t chosen = sl_session_pooled(s, pooling);
    int64_t n = (chosen ? chosen : s->batch.max_N) * s->m->cfg.pooler;

    *x = (struct sl_vectors){.m = s->m, .pooling = pooling};
    if (!s->m->cfg.pooler)
        return;
    x->y = sl_take_act(&s->acts, be, n);
    x->dy = back ? sl_take_act(&s->acts, be, n) : NULL;
}

void sl_vectors_forward(const struct sl_session *s, const struct sl_pass *p,
                        const struct sl_vectors *x, const struct sl_body *body,
                        sl_real *v, const sl_act *hidden)
{
    struct sl_backend *be = p->be;
    const struct sl_pooler_weights *w = &x->m->W.pooler;
    const struct sl_packing *rows = sl_body_rows(p, body);
    int64_t D = s->shape.D, O = x->m->cfg.pooler;

    if (O) {
        be->ops->linear_fwd(be, x->y, hidden, w->w, w->b, rows->N, D, O);
        be->ops->pool_fwd(be, v, x->y, rows, O, x->pooling);
    } else {
        be->ops->pool_fwd(be, v, hidden, rows, D, x->pooling);
    }
}

void sl_vectors_backward(const struct sl_session *s, const struct sl_pass *p,
                         const struct sl_vectors *x, const struct sl_body *body,
                         sl_act *d, const sl_real *dv, const sl_act *hidden)
{
    struct sl_backend *be = p->be;
    const struct sl_pooler_weights *w = &x->m->W.pooler, *g = &x->m->G.pooler;
    const struct sl_packing *rows = sl_body_rows(p, body);
    int64_t D = s->shape.D, O = x->m->cfg.pooler;

    if (O) {
        be->ops->pool_bwd(be, x->dy, dv, rows, O, x->pooling);
        be->ops->linear_bwd(be, d, g->w, g->b, x->dy, hidden, w->w, rows->N, D,
                            O, false);
    } else {
        be->ops->pool_bwd(be, d, dv, rows, D, x->pooling);
    }
}
