#include "model/encoder.h"

#include <math.h>

#include "base/alloc.h"
#include "model/vectors.h"

struct sl_encoder {
    struct sl_bert *m; /* as it was given */
    struct sl_session s;
    struct sl_body body;
    struct sl_vectors vectors;
    sl_real *v, *norm; /* [max_n, width], [max_n] */
    enum sl_pooling pooling;
    bool normalize;
};

static void carve(struct sl_encoder *e)
{
    const struct sl_backend *be = e->s.m->be;
    int64_t n = e->s.batch.max_n;

    sl_body_carve(&e->s, &e->body, SL_KEEP_NOTHING,
                  sl_session_pooled(&e->s, e->pooling));
    sl_vectors_carve(&e->s, &e->vectors, e->pooling, false);
    e->v = sl_take_real(&e->s.acts, be, n * sl_bert_width(e->s.m));
    e->norm = sl_take_real(&e->s.acts, be, n);
}

simlm_status sl_encoder_new(struct sl_encoder **out, struct sl_bert *m,
                            int64_t max_tokens, int64_t max_seqs,
                            enum sl_pooling pooling, bool normalize,
                            simlm_error *err)
{
    struct sl_encoder *e = SL_NEW(struct sl_encoder);
    simlm_status st;

    if (!e)
        return sl_fail_nomem(err, "an encoder");
    e->m = m;
    e->pooling = pooling;
    e->normalize = normalize;
    st = sl_session_init(&e->s, m, max_tokens, max_seqs, err);
    if (st == SIMLM_OK) {
        carve(e);
        st = sl_acts_reserve(&e->s.acts, m->be, "activations", err);
    }
    if (st < 0) {
        sl_encoder_free(e);
        return st;
    }
    carve(e);
    *out = e;
    return SIMLM_OK;
}

void sl_encoder_free(struct sl_encoder *e)
{
    if (e)
        sl_session_release(&e->s);
    sl_free(e);
}

size_t sl_encoder_bytes(const struct sl_encoder *e)
{
    return e->s.acts.size;
}

void sl_encoder_turn(struct sl_encoder *e, enum sl_side side)
{
    e->s.m = sl_bert_of(e->m, side);
}

/* *hidden <- the last layer's output. */
static simlm_status forward(struct sl_encoder *e, const sl_act **hidden,
                            const struct sl_pass *p, const struct sl_tokens *t,
                            simlm_error *err)
{
    SL_TRY(sl_session_set(&e->s, t, err));
    sl_session_choose_first(&e->s, t);
    *hidden = sl_body_forward(&e->s, p, &e->body);
    return SIMLM_OK;
}

simlm_status sl_encoder_encode(struct sl_encoder *e, float *vec,
                               const struct sl_tokens *t, simlm_error *err)
{
    struct sl_backend *be = e->s.m->be;
    struct sl_pass p = sl_session_pass(&e->s, (struct sl_noise){0}, 0);
    int64_t D = sl_bert_width(e->m);
    const sl_act *hidden;

    SL_TRY(forward(e, &hidden, &p, t, err));
    sl_vectors_forward(&e->s, &p, &e->vectors, &e->body, e->v, hidden);
    if (e->normalize)
        be->ops->l2norm_fwd(be, e->v, e->norm, e->v, t->n, D);
    SL_TRY(be->sync(be, err));
    be->download_real(be, vec, e->v, t->n * D);
    for (int64_t i = 0; i < t->n * D; i++)
        if (!isfinite(vec[i]))
            return sl_fail(err, SIMLM_E_NUMERIC,
                           "the vector of text %lld of the batch is not finite",
                           (long long)(i / D));
    return SIMLM_OK;
}

simlm_status sl_encoder_hidden(struct sl_encoder *e, float *out,
                               const struct sl_tokens *t, simlm_error *err)
{
    struct sl_backend *be = e->s.m->be;
    struct sl_pass p = sl_session_pass(&e->s, (struct sl_noise){0}, 0);
    const sl_act *hidden;

    SL_ASSERT(e->pooling == SL_POOL_MEAN);
    SL_TRY(forward(e, &hidden, &p, t, err));
    SL_TRY(be->sync(be, err));
    be->download_act(be, out, hidden, t->N * e->s.shape.D);
    return SIMLM_OK;
}
