#include "train/optimiser.h"

#include <math.h>

double sl_clip_factor(double norm, double clip)
{
    double c = (norm + 1e-6) / clip;

    return clip > 0 && c > 1 ? 1 / c : 1;
}

/* Elements [begin, end) of the blocks. */
static void update(struct sl_bert *m, int64_t begin, int64_t end,
                   const struct sl_adamw *hp)
{
    struct sl_backend *be = m->be;

    if (end > begin)
        be->ops->adamw(be, sl_real_at(be, m->w, begin),
                       sl_real_at(be, m->m, begin), sl_real_at(be, m->v, begin),
                       sl_real_at(be, m->g, begin), end - begin, hp);
}

/* Runs of neighbours that are decayed alike are one call. */
static void update_by_group(struct sl_bert *m, struct sl_adamw hp)
{
    const struct sl_params *ps = &m->params;
    double decay = hp.decay;
    int64_t begin = 0;

    for (int64_t i = 0; i < ps->count; i++) {
        bool last = i + 1 == ps->count;
        int64_t end = last ? ps->size : ps->list[i + 1].offset;

        if (!last && ps->list[i + 1].decay == ps->list[i].decay)
            continue;
        hp.decay = ps->list[i].decay ? decay : 0;
        update(m, begin, end, &hp);
        begin = end;
    }
}

static simlm_status nonfinite(struct sl_bert *m, int64_t k, simlm_error *err)
{
    int64_t i = sl_params_nonfinite(&m->params, m->be, m->g);

    return sl_fail(err, SIMLM_E_NUMERIC,
                   "step %lld: the gradient of '%s' is not finite",
                   (long long)k, i < 0 ? "the model" : m->params.list[i].name);
}

simlm_status sl_optimiser_step(struct sl_bert *m, double *norm, int64_t k,
                               double lr, const simlm_train_options *o,
                               simlm_error *err)
{
    struct sl_adamw hp = {.lr = lr,
                          .beta1 = o->beta1,
                          .beta2 = o->beta2,
                          .eps = o->eps,
                          .decay = o->weight_decay};
    double squares = 0;

    m->be->ops->sum_squares(m->be, &squares, m->g, m->params.size);
    SL_TRY(m->be->sync(m->be, err));
    *norm = sqrt(squares);
    if (!isfinite(*norm))
        return nonfinite(m, k, err);
    hp.bias1 = 1 - pow(o->beta1, (double)k);
    hp.bias2 = 1 - pow(o->beta2, (double)k);
    hp.grad_scale = sl_clip_factor(*norm, o->clip);
    if (o->weight_decay > 0 && !o->decay_all)
        update_by_group(m, hp);
    else
        update(m, 0, m->params.size, &hp);
    sl_bert_zero_grad(m);
    return m->be->sync(m->be, err);
}
