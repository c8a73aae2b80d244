#include "nn/embeddings.h"

void sl_embed_carve(struct sl_arena *a, struct sl_embed_acts *e,
                    const struct sl_backend *be, const struct sl_shape *s,
                    int64_t N, bool keep)
{
    bool projected = s->E != s->D;

    e->y = sl_take_act(a, be, N * s->E);
    e->x = projected ? sl_take_act(a, be, N * s->D) : e->y;
    e->mean = keep ? sl_take_real(a, be, N) : NULL;
    e->rstd = keep ? sl_take_real(a, be, N) : NULL;
    e->dy = keep && projected ? sl_take_act(a, be, N * s->E) : NULL;
}

void sl_embed_forward(const struct sl_pass *p, const struct sl_embed_weights *w,
                      struct sl_embed_acts *e, const int32_t *ids,
                      const int32_t *types)
{
    const struct sl_ops *op = p->be->ops;
    const struct sl_shape *s = p->shape;

    op->embed_fwd(p->be, e->y, e->mean, e->rstd, ids, types, p->pk, &w->table,
                  s->E, s->eps, sl_hidden_dropout(p, p->site));
    if (w->proj_w)
        op->linear_fwd(p->be, e->x, e->y, w->proj_w, w->proj_b, p->pk->N, s->E,
                       s->D);
}

void sl_embed_backward(const struct sl_pass *p,
                       const struct sl_embed_weights *w,
                       const struct sl_embed_weights *grad,
                       struct sl_embed_acts *e, const sl_act *dx,
                       const int32_t *ids, const int32_t *types)
{
    const struct sl_ops *op = p->be->ops;
    const struct sl_shape *s = p->shape;
    const sl_act *dy = dx;

    if (w->proj_w) {
        op->linear_bwd(p->be, e->dy, grad->proj_w, grad->proj_b, dx, e->y,
                       w->proj_w, p->pk->N, s->E, s->D, false);
        dy = e->dy;
    }
    op->embed_bwd(p->be, &grad->table, dy, e->mean, e->rstd, ids, types, p->pk,
                  &w->table, s->E, sl_hidden_dropout(p, p->site));
}
