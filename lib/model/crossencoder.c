#include "model/crossencoder.h"

#include <math.h>

#include "base/alloc.h"
#include "model/chunks.h"
#include "nn/scorehead.h"

struct sl_crossencoder {
    struct sl_chunks c;
    int64_t max_pairs;
    struct sl_score_acts head;
    sl_real *z, *dz; /* [max_pairs] */
    sl_real *loss;   /* [2] */
};

static void carve(struct sl_crossencoder *x, enum sl_keep keep)
{
    struct sl_session *s = &x->c.s;
    const struct sl_backend *be = s->m->be;

    sl_chunks_carve(&x->c, keep, SL_POOL_CLS);
    sl_score_carve(&s->acts, &x->head, be, &s->shape,
                   s->m->cfg.type == SL_MODEL_BERT, s->batch.max_n,
                   keep != SL_KEEP_NOTHING);
    x->z = sl_take_real(&s->acts, be, x->max_pairs);
    x->dz = sl_take_real(&s->acts, be, x->max_pairs);
    x->loss = sl_take_real(&s->acts, be, 2);
}

simlm_status sl_crossencoder_new(struct sl_crossencoder **out,
                                 struct sl_bert *m,
                                 const struct sl_crossencoder_options *o,
                                 simlm_error *err)
{
    enum sl_keep keep =
        o->train ? sl_session_keep(&o->session) : SL_KEEP_NOTHING;
    struct sl_crossencoder *x;
    simlm_status st;

    if (!m->has_score)
        return sl_fail(err, SIMLM_E_ARG, "the model has no score head");
    if (o->max_pairs < 1 || o->max_pairs > 1 << 28)
        return sl_fail(err, SIMLM_E_ARG, "%lld pairs of a query and a passage",
                       (long long)o->max_pairs);
    x = SL_NEW(struct sl_crossencoder);
    if (!x)
        return sl_fail_nomem(err, "a session");
    x->max_pairs = o->max_pairs;
    st = sl_chunks_init(&x->c, m, &o->session, o->max_pairs, err);
    if (st == SIMLM_OK) {
        carve(x, keep);
        st = sl_acts_reserve(&x->c.s.acts, m->be, "activations", err);
    }
    if (st < 0) {
        sl_crossencoder_free(x);
        return st;
    }
    carve(x, keep);
    *out = x;
    return SIMLM_OK;
}

void sl_crossencoder_free(struct sl_crossencoder *x)
{
    if (x)
        sl_chunks_release(&x->c);
    sl_free(x);
}

size_t sl_crossencoder_bytes(const struct sl_crossencoder *x)
{
    return x->c.s.acts.size;
}

/* ---- chunks -----------------------------------------------------------------
 */

/* The head's dropout sites lie behind those of the layers (nn/pass.h). */
static uint32_t head_site(const struct sl_crossencoder *x,
                          const struct sl_pass *p)
{
    return sl_site_behind_layers(p, x->c.s.m->cfg.layers);
}

static void take(void *self, const struct sl_pass *p, const sl_act *hidden,
                 int64_t first, int64_t n)
{
    struct sl_crossencoder *x = self;
    struct sl_bert *m = x->c.s.m;

    sl_score_forward(p, &m->W.score, &x->head, sl_real_at(m->be, x->z, first),
                     hidden, n, head_site(x, p));
}

static void give(void *self, const struct sl_pass *p, sl_act *d,
                 const sl_act *hidden, int64_t first, int64_t n)
{
    struct sl_crossencoder *x = self;
    struct sl_bert *m = x->c.s.m;

    sl_score_backward(p, &m->W.score, &m->G.score, &x->head, d,
                      sl_real_at(m->be, x->dz, first), hidden, n,
                      head_site(x, p));
}

static simlm_status check_size(const struct sl_crossencoder *x, int64_t n,
                               simlm_error *err)
{
    if (n < 1 || n > x->max_pairs)
        return sl_fail(err, SIMLM_E_RANGE,
                       "%lld pairs, expected from 1 to %lld", (long long)n,
                       (long long)x->max_pairs);
    return SIMLM_OK;
}

/* ---- calls ------------------------------------------------------------------
 */

simlm_status sl_crossencoder_scores(struct sl_crossencoder *x, float *score,
                                    const struct sl_tokens *t, simlm_error *err)
{
    struct sl_backend *be = x->c.s.m->be;
    struct sl_pass p = sl_session_pass(&x->c.s, (struct sl_noise){0}, 0);
    struct sl_chunk_task task = {x, false, take, give};

    SL_TRY(check_size(x, t->n, err));
    SL_TRY(sl_chunks_forward(&x->c, &p, &task, t, err));
    SL_TRY(be->sync(be, err));
    be->download_real(be, score, x->z, t->n);
    for (int64_t i = 0; i < t->n; i++)
        if (!isfinite(score[i]))
            return sl_fail(err, SIMLM_E_NUMERIC,
                           "the score of pair %lld of the batch is not finite",
                           (long long)i);
    return SIMLM_OK;
}

simlm_status sl_crossencoder_step(struct sl_crossencoder *x,
                                  struct sl_crossencoder_result *r,
                                  float *score,
                                  const struct sl_crossencoder_batch *b,
                                  double weight, bool train,
                                  struct sl_noise noise, simlm_error *err)
{
    struct sl_backend *be = x->c.s.m->be;
    struct sl_pass p = sl_session_pass(&x->c.s, noise, SL_PASS_SITE(0));
    struct sl_chunk_task task = {x, false, take, give};
    double sums[2];

    SL_ASSERT(!train || x->c.s.m->g);
    SL_ASSERT(b->in.n == b->passes * b->B * b->m);
    p.watch = b->watch;
    SL_TRY(check_size(x, b->in.n, err));
    SL_TRY(sl_chunks_forward(&x->c, &p, &task, &b->in, err));
    be->ops->zero_real(be, x->loss, 2);
    be->ops->listwise(be, x->loss, train ? x->dz : NULL, x->z, b->passes, b->B,
                      b->m, weight);
    if (train)
        SL_TRY(sl_chunks_backward(&x->c, &p, &task, &b->in, err));
    SL_TRY(sl_session_losses(&x->c.s, sums, x->loss, 2, err));
    *r = (struct sl_crossencoder_result){sums[0], sums[1]};
    if (score)
        be->download_real(be, score, x->z, b->in.n);
    return SIMLM_OK;
}
