#include "model/biencoder.h"

#include "base/alloc.h"
#include "model/session.h"

struct sl_biencoder {
    struct sl_session s;
    int64_t max_queries, max_passages;
    enum sl_pooling pooling;
    bool normalize;
    struct sl_body body;
    struct sl_layer_scratch scratch;
    sl_act *d;              /* [N, D] */
    sl_real *v, *dv, *norm; /* [max_queries + max_passages, D], norm [..] */
    sl_real *loss;          /* [1] */
    int32_t *rank;          /* [max_queries] */
    uint8_t *mask;          /* [max_queries, max_passages] */
    int32_t *start;         /* [max_n + 1] host: a chunk's starts */
    uint64_t *key;          /* host: 0, 1, ... for batches without keys */
};

static void carve(struct sl_biencoder *x, enum sl_keep keep)
{
    struct sl_session *s = &x->s;
    struct sl_arena *a = &s->acts;
    const struct sl_backend *be = s->m->be;
    int64_t N = s->batch.max_N, D = s->shape.D;
    int64_t n = x->max_queries + x->max_passages;

    sl_body_carve(s, &x->body, keep, sl_session_pooled(s, x->pooling));
    sl_layer_scratch_carve(a, &x->scratch, be, &s->shape, N);
    x->d = sl_take_act(a, be, N * D);
    x->v = sl_take_real(a, be, n * D);
    x->dv = sl_take_real(a, be, n * D);
    x->norm = sl_take_real(a, be, n);
    x->loss = sl_take_real(a, be, 1);
    x->rank = sl_take_i32(a, x->max_queries);
    x->mask = SL_TAKE(a, uint8_t, x->max_queries * x->max_passages);
}

static simlm_status make_host(struct sl_biencoder *x, simlm_error *err)
{
    int64_t n = x->max_queries + x->max_passages;

    x->start = SL_NEW_ARRAY(int32_t, x->s.batch.max_n + 1);
    x->key = SL_NEW_ARRAY(uint64_t, n);
    if (!x->start || !x->key)
        return sl_fail_nomem(err, "a session");
    for (int64_t i = 0; i < n; i++)
        x->key[i] = (uint64_t)i;
    return SIMLM_OK;
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
    st = sl_session_init(&x->s, m, o->session.max_tokens, o->session.max_seqs,
                         err);
    if (st == SIMLM_OK) {
        carve(x, keep);
        st = sl_acts_reserve(&x->s.acts, m->be, "activations", err);
    }
    if (st == SIMLM_OK) {
        carve(x, keep);
        st = make_host(x, err);
    }
    if (st < 0) {
        sl_biencoder_free(x);
        return st;
    }
    *out = x;
    return SIMLM_OK;
}

void sl_biencoder_free(struct sl_biencoder *x)
{
    if (!x)
        return;
    sl_session_release(&x->s);
    sl_free(x->start);
    sl_free(x->key);
    sl_free(x);
}

size_t sl_biencoder_bytes(const struct sl_biencoder *x)
{
    return x->s.acts.size;
}

/* ---- chunks
 * ------------------------------------------------------------------ */

/* How many sequences from `first` on fit one chunk; at least one. */
static int64_t chunk_length(const struct sl_biencoder *x,
                            const struct sl_tokens *t, int64_t first)
{
    const struct sl_batch *b = &x->s.batch;
    int64_t n = 1;

    while (n < b->max_n && first + n < t->n &&
           t->start[first + n + 1] - t->start[first] <= b->max_N)
        n++;
    return n;
}

/* v's rows of the chunk <- pooled vectors; activations stay for backward. */
static simlm_status forward(struct sl_biencoder *x, const struct sl_pass *p,
                            const struct sl_tokens *t, int64_t first, int64_t n,
                            simlm_error *err)
{
    struct sl_backend *be = x->s.m->be;
    struct sl_tokens part = sl_tokens_slice(t, first, n, x->start);
    int64_t D = x->s.shape.D;
    const sl_act *hidden;

    SL_TRY(sl_session_set(&x->s, &part, err));
    sl_session_choose_first(&x->s, &part);
    hidden = sl_body_forward(&x->s, p, &x->body);
    be->ops->pool_fwd(be, sl_real_at(be, x->v, first * D), hidden,
                      sl_body_rows(p, &x->body), D, x->pooling);
    return SIMLM_OK;
}

/* Of the chunk that was last given to forward(). */
static void backward(struct sl_biencoder *x, const struct sl_pass *p,
                     int64_t first)
{
    struct sl_backend *be = x->s.m->be;
    int64_t D = x->s.shape.D;

    be->ops->pool_bwd(be, x->d, sl_real_at(be, x->dv, first * D),
                      sl_body_rows(p, &x->body), D, x->pooling);
    sl_body_backward(&x->s, p, &x->body, &x->scratch, x->d);
}

/* v <- the vectors of all sequences, the first chunk's last: so a full chunk's
 * activations, not a remainder's, are there when the way back begins. */
static simlm_status forward_all(struct sl_biencoder *x, const struct sl_pass *p,
                                const struct sl_tokens *t, simlm_error *err)
{
    int64_t begin = chunk_length(x, t, 0), n;

    for (int64_t first = begin; first < t->n; first += n) {
        n = chunk_length(x, t, first);
        SL_TRY(forward(x, p, t, first, n, err));
    }
    return forward(x, p, t, 0, begin, err);
}

/* From dv, the gradient of the pooled vectors.  The second forward passes write
 * the same (not normalised) vectors into v, which nobody reads any more. */
static simlm_status backward_all(struct sl_biencoder *x,
                                 const struct sl_pass *p,
                                 const struct sl_tokens *t, simlm_error *err)
{
    int64_t n;

    backward(x, p, 0);
    for (int64_t first = chunk_length(x, t, 0); first < t->n; first += n) {
        n = chunk_length(x, t, first);
        SL_TRY(forward(x, p, t, first, n, err));
        backward(x, p, first);
    }
    return SIMLM_OK;
}

/* ---- a step
 * -------------------------------------------------------------------- */

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

/* The loss of v; if train, dv <- the gradient of the pooled vectors. */
static void contrast(struct sl_biencoder *x, const struct sl_biencoder_batch *b,
                     struct sl_biencoder_loss loss, double weight, bool train)
{
    struct sl_backend *be = x->s.m->be;
    const struct sl_ops *op = be->ops;
    int64_t B = b->B, D = x->s.shape.D, n = b->in.n;

    if (b->mask)
        be->upload(be, x->mask, b->mask, (size_t)(B * B * b->m));
    if (x->normalize)
        op->l2norm_fwd(be, x->v, x->norm, x->v, n, D);
    op->zero_real(be, x->loss, 1);
    op->contrastive(be, x->loss, x->rank, train ? x->dv : NULL,
                    train ? sl_real_at(be, x->dv, B * D) : NULL, NULL, x->v,
                    sl_real_at(be, x->v, B * D), b->mask ? x->mask : NULL, B,
                    b->m, D, loss.scale, weight, loss.full);
    if (train && x->normalize)
        op->l2norm_bwd(be, x->dv, x->dv, x->v, x->norm, n, D);
}

simlm_status sl_biencoder_step(struct sl_biencoder *x, double *loss_sum,
                               int32_t *rank,
                               const struct sl_biencoder_batch *b,
                               struct sl_biencoder_loss loss, double weight,
                               bool train, struct sl_noise noise,
                               simlm_error *err)
{
    struct sl_backend *be = x->s.m->be;
    struct sl_pass p = sl_session_pass(&x->s, noise, SL_PASS_SITE(0));
    struct sl_tokens in = b->in;

    SL_ASSERT(!train || x->s.m->g);
    SL_TRY(check_batch(x, b, err));
    if (!in.key)
        in.key = x->key;
    SL_TRY(forward_all(x, &p, &in, err));
    contrast(x, b, loss, weight, train);
    if (train)
        SL_TRY(backward_all(x, &p, &in, err));
    SL_TRY(sl_session_losses(&x->s, loss_sum, x->loss, 1, err));
    be->download(be, rank, x->rank, (size_t)b->B * sizeof *rank);
    return SIMLM_OK;
}
