#include "nn/lmhead.h"

static const struct sl_dropout no_dropout = {0};

void sl_lm_head_carve(struct sl_arena *a, struct sl_lm_head_acts *h,
                      const struct sl_backend *be, const struct sl_shape *s,
                      int64_t R, bool keep)
{
    h->sum = sl_take_act(a, be, R * s->E);
    h->h = sl_take_act(a, be, R * s->E);
    h->pre = keep ? sl_take_act(a, be, R * s->E) : NULL;
    h->dh = keep ? sl_take_act(a, be, R * s->E) : NULL;
    h->mean = keep ? sl_take_real(a, be, R) : NULL;
    h->rstd = keep ? sl_take_real(a, be, R) : NULL;
}

void sl_lm_head_forward(const struct sl_pass *p,
                        const struct sl_lm_head_weights *w,
                        struct sl_lm_head_acts *a, const sl_act *hidden,
                        int64_t R)
{
    struct sl_backend *be = p->be;
    int64_t D = p->shape->D, E = p->shape->E;

    if (!R)
        return;
    be->ops->linear_gelu_fwd(be, a->sum, a->pre, hidden, w->w, w->b, R, D, E);
    be->ops->residual_ln_fwd(be, a->h, a->pre ? a->sum : NULL, a->mean, a->rstd,
                             a->sum, NULL, NULL, w->g, w->beta, R, E,
                             p->shape->head_eps, no_dropout);
}

void sl_lm_head_loss(const struct sl_pass *p,
                     const struct sl_lm_head_weights *w,
                     const struct sl_lm_head_weights *grad, const sl_real *word,
                     sl_real *dword, struct sl_lm_head_acts *a, sl_real *loss,
                     sl_act *dhidden, const sl_act *hidden,
                     const int32_t *labels, int64_t R, double scale)
{
    struct sl_backend *be = p->be;
    const struct sl_ops *op = be->ops;
    int64_t D = p->shape->D, E = p->shape->E;
    bool back = dhidden != NULL;

    if (!R)
        return;
    op->vocab_ce(be, loss, back ? a->dh : NULL, back ? dword : NULL,
                 back ? grad->bias : NULL, a->h, word, w->bias, labels, R, E,
                 p->shape->V, scale);
    if (!back)
        return;
    op->residual_ln_bwd(be, a->dh, NULL, grad->g, grad->beta, a->dh, a->sum,
                        a->mean, a->rstd, NULL, w->g, R, E, no_dropout);
    op->gelu_bwd(be, a->dh, a->dh, a->pre, R * E);
    op->linear_bwd(be, dhidden, grad->w, grad->b, a->dh, hidden, w->w, R, D, E,
                   false);
}
