#include "nn/rtdhead.h"

void sl_rtd_head_carve(struct sl_arena *a, struct sl_rtd_head_acts *h,
                       const struct sl_backend *be, const struct sl_shape *s,
                       int64_t R)
{
    h->pre = sl_take_act(a, be, R * s->D);
    h->h = sl_take_act(a, be, R * s->D);
    h->dh = sl_take_act(a, be, R * s->D);
}

void sl_rtd_head_loss(const struct sl_pass *p,
                      const struct sl_rtd_head_weights *w,
                      const struct sl_rtd_head_weights *grad,
                      struct sl_rtd_head_acts *a, sl_real *loss,
                      sl_act *dhidden, const sl_act *hidden,
                      const int32_t *labels, int64_t R, double scale)
{
    struct sl_backend *be = p->be;
    const struct sl_ops *op = be->ops;
    int64_t D = p->shape->D;
    bool back = dhidden != NULL;

    if (!R)
        return;
    op->linear_gelu_fwd(be, a->h, a->pre, hidden, w->w, w->b, R, D, D);
    op->binary_ce(be, loss, back ? a->dh : NULL, back ? grad->out_w : NULL,
                  back ? grad->out_b : NULL, a->h, w->out_w, w->out_b, labels,
                  R, D, scale);
    if (!back)
        return;
    op->gelu_bwd(be, a->dh, a->dh, a->pre, R * D);
    op->linear_bwd(be, dhidden, grad->w, grad->b, a->dh, hidden, w->w, R, D, D,
                   false);
}
