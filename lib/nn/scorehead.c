#include "nn/scorehead.h"

enum { NEXT_SITE = 1024 };

void sl_score_carve(struct sl_arena *a, struct sl_score_acts *s,
                    const struct sl_backend *be, const struct sl_shape *shape,
                    bool tanh, int64_t n, bool keep)
{
    int64_t size = n * shape->D;

    *s = (struct sl_score_acts){.tanh = tanh};
    s->y = sl_take_act(a, be, size);
    if (!keep)
        return;
    s->x = tanh ? NULL : sl_take_act(a, be, size);
    s->pre = tanh ? NULL : sl_take_act(a, be, size);
    s->kept = sl_take_act(a, be, size);
    s->d = sl_take_act(a, be, size);
}

/* drop(x) in y, or x itself where nothing is dropped. */
static const sl_act *dropped(const struct sl_pass *p, sl_act *y,
                             const sl_act *x, int64_t n, uint32_t site)
{
    struct sl_dropout drop = sl_hidden_dropout(p, site);

    if (drop.p <= 0)
        return x;
    p->be->ops->dropout(p->be, y, x, p->chosen->pk.row_key, n, p->shape->D,
                        drop);
    return y;
}

void sl_score_forward(const struct sl_pass *p, const struct sl_score_weights *w,
                      const struct sl_score_acts *s, sl_real *z,
                      const sl_act *h, int64_t n, uint32_t site)
{
    struct sl_backend *be = p->be;
    int64_t D = p->shape->D;

    if (s->tanh) {
        be->ops->linear_fwd(be, s->y, h, w->w1, w->b1, n, D, D);
        be->ops->tanh_fwd(be, s->y, s->y, n * D);
    } else {
        be->ops->linear_gelu_fwd(be, s->y, s->pre, dropped(p, s->x, h, n, site),
                                 w->w1, w->b1, n, D, D);
    }
    be->ops->linear_one_fwd(be, z,
                            dropped(p, s->kept, s->y, n, site + NEXT_SITE),
                            w->w2, w->b2, n, D);
}

/* d <- the gradient through the same dropout. */
static void dropped_bwd(const struct sl_pass *p, sl_act *d, int64_t n,
                        uint32_t site)
{
    (void)dropped(p, d, d, n, site);
}

void sl_score_backward(const struct sl_pass *p,
                       const struct sl_score_weights *w,
                       const struct sl_score_weights *grad,
                       const struct sl_score_acts *s, sl_act *dh,
                       const sl_real *dz, const sl_act *h, int64_t n,
                       uint32_t site)
{
    struct sl_backend *be = p->be;
    const struct sl_ops *op = be->ops;
    int64_t D = p->shape->D;
    bool drops = sl_hidden_dropout(p, site).p > 0;

    op->linear_one_bwd(be, s->d, grad->w2, grad->b2, dz, drops ? s->kept : s->y,
                       w->w2, n, D);
    dropped_bwd(p, s->d, n, site + NEXT_SITE);
    if (s->tanh)
        op->tanh_bwd(be, s->d, s->d, s->y, n * D);
    else
        op->gelu_bwd(be, s->d, s->d, s->pre, n * D);
    op->linear_bwd(be, dh, grad->w1, grad->b1, s->d,
                   drops && !s->tanh ? s->x : h, w->w1, n, D, D, false);
    if (!s->tanh)
        dropped_bwd(p, dh, n, site);
}
