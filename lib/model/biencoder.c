#include "model/biencoder.h"

#include "base/alloc.h"
#include "comm/comm.h"
#include "model/chunks.h"
#include "model/vectors.h"

struct sl_biencoder {
    struct sl_chunks c;
    int64_t max_queries, max_passages;
    enum sl_pooling pooling;
    bool normalize;
    struct sl_vectors vectors;
    int64_t width;          /* of a vector: O */
    sl_real *v, *dv, *norm; /* [max_queries + max_passages, O], norm [..] */
    sl_real *loss;          /* [2] contrastive, distillation */
    sl_real *teacher;       /* [max_passages] */
    int32_t *rank;          /* [max_queries] */
    uint8_t *mask;          /* [max_queries, max_passages] */
};

static void carve(struct sl_biencoder *x, enum sl_keep keep)
{
    struct sl_session *s = &x->c.s;
    struct sl_arena *a = &s->acts;
    const struct sl_backend *be = s->m->be;
    int64_t n = x->max_queries + x->max_passages;

    sl_chunks_carve(&x->c, keep, x->pooling);
    sl_vectors_carve(s, &x->vectors, x->pooling, true);
    x->v = sl_take_real(a, be, n * x->width);
    x->dv = sl_take_real(a, be, n * x->width);
    x->norm = sl_take_real(a, be, n);
    x->loss = sl_take_real(a, be, 2);
    x->teacher = sl_take_real(a, be, x->max_passages);
    x->rank = sl_take_i32(a, x->max_queries);
    x->mask = SL_TAKE(a, uint8_t, x->max_queries * x->max_passages);
}

simlm_status sl_biencoder_new(struct sl_biencoder **out, struct sl_bert *m,
                              const struct sl_biencoder_options *o,
                              simlm_error *err)
{
    enum sl_keep keep = sl_session_keep(&o->session);
    struct sl_biencoder *x;
    simlm_status st;

    if (o->max_queries < 1 || o->max_queries > 1 << 20 || o->max_passages < 1 ||
        o->max_passages > 1 << 24)
        return sl_fail(err, SIMLM_E_ARG,
                       "a step of %lld queries and %lld passages",
                       (long long)o->max_queries, (long long)o->max_passages);
    x = SL_NEW(struct sl_biencoder);
    if (!x)
        return sl_fail_nomem(err, "a session");
    x->max_queries = o->max_queries;
    x->max_passages = o->max_passages;
    x->pooling = o->pooling;
    x->normalize = o->normalize;
    x->width = sl_bert_width(m);
    st = sl_chunks_init(&x->c, m, &o->session, o->max_queries + o->max_passages,
                        err);
    if (st == SIMLM_OK) {
        carve(x, keep);
        st = sl_acts_reserve(&x->c.s.acts, m->be, "activations", err);
    }
    if (st < 0) {
        sl_biencoder_free(x);
        return st;
    }
    carve(x, keep);
    *out = x;
    return SIMLM_OK;
}

void sl_biencoder_free(struct sl_biencoder *x)
{
    if (x)
        sl_chunks_release(&x->c);
    sl_free(x);
}

size_t sl_biencoder_bytes(const struct sl_biencoder *x)
{
    return x->c.s.acts.size;
}

/* ---- a step -----------------------------------------------------------------
 */

static void take(void *self, const struct sl_pass *p, const sl_act *hidden,
                 int64_t first, int64_t n)
{
    struct sl_biencoder *x = self;

    (void)n;
    sl_vectors_forward(&x->c.s, p, &x->vectors, &x->c.body,
                       sl_real_at(p->be, x->v, first * x->width), hidden);
}

static void give(void *self, const struct sl_pass *p, sl_act *d,
                 const sl_act *hidden, int64_t first, int64_t n)
{
    struct sl_biencoder *x = self;

    (void)n;
    sl_vectors_backward(&x->c.s, p, &x->vectors, &x->c.body, d,
                        sl_real_at(p->be, x->dv, first * x->width), hidden);
}

static simlm_status check_batch(const struct sl_biencoder *x,
                                const struct sl_biencoder_batch *b,
                                simlm_error *err)
{
    if (b->B < 1 || b->B > x->max_queries || b->m < 1 ||
        b->m > x->max_passages / b->B)
        return sl_fail(err, SIMLM_E_RANGE,
                       "a step of %lld queries with %lld passages each, "
                       "expected at most %lld queries and %lld passages",
                       (long long)b->B, (long long)b->m,
                       (long long)x->max_queries, (long long)x->max_passages);
    if (b->in.n != b->B + b->B * b->m)
        return sl_fail(err, SIMLM_E_RANGE,
                       "a step of %lld queries with %lld passages each needs "
                       "%lld sequences, not %lld",
                       (long long)b->B, (long long)b->m,
                       (long long)(b->B + b->B * b->m), (long long)b->in.n);
    return SIMLM_OK;
}

/* The losses of v; if train, dv <- the gradient of the pooled vectors. */
static void contrast(struct sl_biencoder *x, const struct sl_biencoder_batch *b,
                     struct sl_biencoder_loss loss, bool train)
{
    struct sl_backend *be = x->c.s.m->be;
    const struct sl_ops *op = be->ops;
    int64_t B = b->B, D = x->width, n = b->in.n;
    const sl_real *p = sl_real_at(be, x->v, B * D);
    sl_real *dq = train ? x->dv : NULL;
    sl_real *dp = train ? sl_real_at(be, x->dv, B * D) : NULL;

    if (b->mask)
        be->upload(be, x->mask, b->mask, (size_t)(B * B * b->m));
    if (b->teacher)
        be->upload_real(be, x->teacher, b->teacher, B * b->m);
    if (x->normalize)
        op->l2norm_fwd(be, x->v, x->norm, x->v, n, D);
    op->zero_real(be, x->loss, 2);
    op->contrastive(be, x->loss, x->rank, dq, dp, NULL, x->v, p,
                    b->mask ? x->mask : NULL, B, b->m, D, loss.scale,
                    loss.contrastive, loss.full);
    if (b->teacher) /* adds to dq and dp */
        op->distill(be, sl_real_at(be, x->loss, 1), dq, dp, x->v, p, x->teacher,
                    B, b->m, D, loss.scale, loss.distill);
    if (train && x->normalize)
        op->l2norm_bwd(be, x->dv, x->dv, x->v, x->norm, n, D);
}

/* v <- the vectors of all ranks' shares: each computes the whole loss from them,
 * and of its gradient what comes back through its own. */
static simlm_status gather_vectors(struct sl_biencoder *x,
                                   const struct sl_tokens *t, simlm_error *err)
{
    struct sl_backend *be = x->c.s.m->be;
    size_t row = (size_t)x->width * be->real_bytes;

    if (sl_comm_size() == 1)
        return SIMLM_OK;
    SL_TRY(be->sync(be, err));
    return sl_comm_gather_token_shares(x->v, t->start, t->n, row, err);
}

simlm_status sl_biencoder_step(struct sl_biencoder *x,
                               struct sl_biencoder_result *r, int32_t *rank,
                               const struct sl_biencoder_batch *b,
                               struct sl_biencoder_loss loss, bool train,
                               struct sl_noise noise, simlm_error *err)
{
    struct sl_backend *be = x->c.s.m->be;
    struct sl_pass p = sl_session_pass(&x->c.s, noise, SL_PASS_SITE(0));
    struct sl_chunk_task task = {x, true, take, give};
    double sums[2];

    SL_ASSERT(!train || x->c.s.m->g);
    SL_TRY(check_batch(x, b, err));
    p.watch = b->watch;
    if (x->c.m->passage)
        x->c.n_queries = b->B;
    SL_TRY(sl_chunks_forward(&x->c, &p, &task, &b->in, err));
    SL_TRY(gather_vectors(x, &b->in, err));
    contrast(x, b, loss, train);
    if (train) /* overwrites v, which nobody reads any more */
        SL_TRY(sl_chunks_backward(&x->c, &p, &task, &b->in, err));
    SL_TRY(sl_session_losses(&x->c.s, sums, x->loss, 2, err));
    *r = (struct sl_biencoder_result){sums[0], sums[1]};
    be->download(be, rank, x->rank, (size_t)b->B * sizeof *rank);
    return SIMLM_OK;
}
