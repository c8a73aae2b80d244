#include "nn/layer.h"

/* Offsets of a layer's three dropout sites. */
enum { SITE_PROBS = 0, SITE_ATTENTION = 1024, SITE_FFN = 2048 };

/* What attention gives, and all behind it. */
static void carve_rows(struct sl_arena *a, struct sl_layer_acts *l,
                       const struct sl_backend *be, const struct sl_shape *s,
                       int64_t N)
{
    l->ctx = sl_take_act(a, be, N * s->D);
    l->lse = sl_take_real(a, be, s->H * N);
    l->sum1 = sl_take_act(a, be, N * s->D);
    l->mean1 = sl_take_real(a, be, N);
    l->rstd1 = sl_take_real(a, be, N);
    l->y1 = sl_take_act(a, be, N * s->D);
    l->pre = sl_take_act(a, be, N * s->F);
    l->act = sl_take_act(a, be, N * s->F);
    l->sum2 = sl_take_act(a, be, N * s->D);
    l->mean2 = sl_take_real(a, be, N);
    l->rstd2 = sl_take_real(a, be, N);
}

void sl_layer_carve(struct sl_arena *a, struct sl_layer_acts *l,
                    const struct sl_backend *be, const struct sl_shape *s,
                    int64_t N)
{
    l->qkv = sl_take_act(a, be, N * 3 * s->D);
    carve_rows(a, l, be, s, N);
}

static int64_t width(const struct sl_shape *s)
{
    return 3 * s->D > s->F ? 3 * s->D : s->F;
}

void sl_layer_carve_thin(struct sl_arena *a, struct sl_layer_acts *l,
                         const struct sl_backend *be, const struct sl_shape *s,
                         int64_t N)
{
    *l = (struct sl_layer_acts){0};
    l->qkv = sl_take_act(a, be, N * width(s));
    l->ctx = sl_take_act(a, be, N * s->D);
    l->y1 = sl_take_act(a, be, N * s->D);
    l->sum1 = l->qkv; /* q, k, v are spent when the output is projected */
    l->act = l->qkv;  /* so is the projection when y1 is made */
    l->sum2 = l->ctx;
}

void sl_layer_scratch_carve(struct sl_arena *a, struct sl_layer_scratch *t,
                            const struct sl_backend *be,
                            const struct sl_shape *s, int64_t N)
{
    t->a = sl_take_act(a, be, N * s->D);
    t->b = sl_take_act(a, be, N * s->D);
    t->wide = sl_take_act(a, be, N * width(s));
}

/* From l->ctx to l->out; x is the layer's input. */
static void forward_rows(const struct sl_pass *p,
                         const struct sl_layer_weights *w,
                         const struct sl_layer_acts *l, const sl_act *x,
                         uint32_t site)
{
    struct sl_backend *be = p->be;
    const struct sl_ops *op = be->ops;
    const uint64_t *key = p->pk->row_key;
    int64_t N = p->pk->N, D = p->shape->D, F = p->shape->F;
    float eps = p->shape->eps;
    bool keep = l->mean1 != NULL;

    op->linear_fwd(be, l->sum1, l->ctx, w->wo, w->bo, N, D, D);
    op->residual_ln_fwd(be, l->y1, keep ? l->sum1 : NULL, l->mean1, l->rstd1,
                        l->sum1, x, key, w->ln1g, w->ln1b, N, D, eps,
                        sl_hidden_dropout(p, site + SITE_ATTENTION));

    op->linear_gelu_fwd(be, l->act, l->pre, l->y1, w->w1, w->b1, N, D, F);
    op->linear_fwd(be, l->sum2, l->act, w->w2, w->b2, N, F, D);
    op->residual_ln_fwd(be, l->out, keep ? l->sum2 : NULL, l->mean2, l->rstd2,
                        l->sum2, l->y1, key, w->ln2g, w->ln2b, N, D, eps,
                        sl_hidden_dropout(p, site + SITE_FFN));
}

/* d: out -> x, but for the branch through attention; t->b <- dctx. */
static void backward_rows(const struct sl_pass *p,
                          const struct sl_layer_weights *w,
                          const struct sl_layer_weights *grad,
                          const struct sl_layer_acts *l,
                          const struct sl_layer_scratch *t, sl_act *d,
                          uint32_t site)
{
    struct sl_backend *be = p->be;
    const struct sl_ops *op = be->ops;
    const uint64_t *key = p->pk->row_key;
    int64_t N = p->pk->N, D = p->shape->D, F = p->shape->F;

    /* d: out -> y1, the branch through the feed-forward net added back. */
    op->residual_ln_bwd(be, t->a, d, grad->ln2g, grad->ln2b, d, l->sum2,
                        l->mean2, l->rstd2, key, w->ln2g, N, D,
                        sl_hidden_dropout(p, site + SITE_FFN));
    op->linear_bwd(be, t->wide, grad->w2, grad->b2, t->a, l->act, w->w2, N, F,
                   D, false);
    op->gelu_bwd(be, t->wide, t->wide, l->pre, N * F);
    op->linear_bwd(be, d, grad->w1, grad->b1, t->wide, l->y1, w->w1, N, D, F,
                   true);

    op->residual_ln_bwd(be, t->a, d, grad->ln1g, grad->ln1b, d, l->sum1,
                        l->mean1, l->rstd1, key, w->ln1g, N, D,
                        sl_hidden_dropout(p, site + SITE_ATTENTION));
    op->linear_bwd(be, t->b, grad->wo, grad->bo, t->a, l->ctx, w->wo, N, D, D,
                   false);
}

void sl_layer_forward(const struct sl_pass *p, const struct sl_layer_weights *w,
                      const struct sl_layer_acts *l, const sl_act *x,
                      uint32_t site)
{
    const struct sl_ops *op = p->be->ops;
    int64_t N = p->pk->N, D = p->shape->D, H = p->shape->H;

    op->linear_fwd(p->be, l->qkv, x, w->wq, w->bq, N, D, 3 * D);
    op->attention_fwd(p->be, l->ctx, l->lse, l->qkv, p->pk, D, H,
                      sl_attention_dropout(p, site + SITE_PROBS));
    forward_rows(p, w, l, x, site);
}

void sl_layer_backward(const struct sl_pass *p,
                       const struct sl_layer_weights *w,
                       const struct sl_layer_weights *grad,
                       const struct sl_layer_acts *l,
                       const struct sl_layer_scratch *t, sl_act *d,
                       const sl_act *x, uint32_t site)
{
    const struct sl_ops *op = p->be->ops;
    int64_t N = p->pk->N, D = p->shape->D, H = p->shape->H;

    backward_rows(p, w, grad, l, t, d, site);
    op->attention_bwd(p->be, t->wide, t->b, l->ctx, l->lse, l->qkv, p->pk, D, H,
                      sl_attention_dropout(p, site + SITE_PROBS));
    op->linear_bwd(p->be, d, grad->wq, grad->bq, t->wide, x, w->wq, N, D, 3 * D,
                   true);
}

/* ---- chosen rows alone --------------------------------------------------- */

void sl_chosen_carve(struct sl_arena *a, struct sl_chosen_acts *c,
                     const struct sl_backend *be, const struct sl_shape *s,
                     int64_t N, int64_t R, bool own_kv)
{
    *c = (struct sl_chosen_acts){0};
    c->kv = own_kv ? sl_take_act(a, be, N * 2 * s->D) : NULL;
    c->x = sl_take_act(a, be, R * s->D);
    c->q = sl_take_act(a, be, R * s->D);
    carve_rows(a, &c->rows, be, s, R);
    c->rows.out = sl_take_act(a, be, R * s->D);
}

/* The same pass over the chosen tokens. */
static struct sl_pass chosen_pass(const struct sl_pass *p)
{
    struct sl_pass rows = *p;

    rows.pk = &p->chosen->pk;
    return rows;
}

void sl_chosen_forward(const struct sl_pass *p,
                       const struct sl_layer_weights *w,
                       const struct sl_chosen_acts *c, const sl_act *x,
                       uint32_t site)
{
    const struct sl_ops *op = p->be->ops;
    struct sl_pass rows = chosen_pass(p);
    int64_t N = p->pk->N, R = rows.pk->N, D = p->shape->D, H = p->shape->H;

    op->gather_rows(p->be, c->x, x, p->chosen->row, R, D);
    op->linear_fwd(p->be, c->q, c->x, w->wq, w->bq, R, D, D);
    op->linear_fwd(p->be, c->kv, x, w->wk, w->bk, N, D, 2 * D);
    op->attention_rows_fwd(p->be, c->rows.ctx, c->rows.lse, c->q, c->kv, p->pk,
                           p->chosen, D, H,
                           sl_attention_dropout(p, site + SITE_PROBS));
    forward_rows(&rows, w, &c->rows, c->x, site);
}

void sl_chosen_backward(const struct sl_pass *p,
                        const struct sl_layer_weights *w,
                        const struct sl_layer_weights *grad,
                        const struct sl_chosen_acts *c,
                        const struct sl_layer_scratch *t, sl_act *d,
                        const sl_act *x, uint32_t site)
{
    const struct sl_ops *op = p->be->ops;
    struct sl_pass rows = chosen_pass(p);
    int64_t N = p->pk->N, R = rows.pk->N, D = p->shape->D, H = p->shape->H;

    backward_rows(&rows, w, grad, &c->rows, t, d, site);
    op->attention_rows_bwd(p->be, t->a, t->wide, t->b, c->rows.ctx, c->rows.lse,
                           c->q, c->kv, p->pk, p->chosen, D, H,
                           sl_attention_dropout(p, site + SITE_PROBS));
    /* t->b: xr, from the residual and q; then d: x, that and k and v. */
    op->linear_bwd(p->be, t->b, grad->wq, grad->bq, t->a, c->x, w->wq, R, D, D,
                   false);
    op->add(p->be, t->b, d, R * D);
    op->scatter_rows(p->be, d, t->b, p->chosen->row, R, N, D);
    op->linear_bwd(p->be, d, grad->wk, grad->bk, t->wide, x, w->wk, N, D, 2 * D,
                   true);
}
