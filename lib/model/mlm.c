#include "model/mlm.h"

#include "base/alloc.h"
#include "model/session.h"
#include "nn/lmhead.h"

struct sl_mlm {
    struct sl_session s;
    struct sl_body body;
    struct sl_lm_head_acts head;
    struct sl_layer_scratch scratch;
    sl_act *d;       /* [N, D] */
    sl_real *loss;   /* [1] */
    int32_t *labels; /* [N] */
};

static void carve(struct sl_mlm *x, enum sl_keep keep)
{
    struct sl_session *s = &x->s;
    const struct sl_backend *be = s->m->be;
    int64_t N = s->batch.max_N;

    sl_body_carve(s, &x->body, keep, N);
    sl_lm_head_carve(&s->acts, &x->head, be, &s->shape, N, true);
    sl_layer_scratch_carve(&s->acts, &x->scratch, be, &s->shape, N);
    x->d = sl_take_act(&s->acts, be, N * s->shape.D);
    x->loss = sl_take_real(&s->acts, be, 1);
    x->labels = sl_take_i32(&s->acts, N);
}

simlm_status sl_mlm_new(struct sl_mlm **out, struct sl_bert *m,
                        const struct sl_session_options *o, simlm_error *err)
{
    struct sl_mlm *x;
    simlm_status st;

    if (!m->has_head)
        return sl_fail(err, SIMLM_E_ARG, "the model has no LM head");
    x = SL_NEW(struct sl_mlm);
    if (!x)
        return sl_fail_nomem(err, "a session");
    st = sl_session_init(&x->s, m, o->max_tokens, o->max_seqs, err);
    if (st == SIMLM_OK) {
        carve(x, sl_session_keep(o));
        st = sl_acts_reserve(&x->s.acts, m->be, "activations", err);
    }
    if (st < 0) {
        sl_mlm_free(x);
        return st;
    }
    carve(x, sl_session_keep(o));
    *out = x;
    return SIMLM_OK;
}

void sl_mlm_free(struct sl_mlm *x)
{
    if (x)
        sl_session_release(&x->s);
    sl_free(x);
}

size_t sl_mlm_bytes(const struct sl_mlm *x)
{
    return x->s.acts.size;
}

/* Upload the batch; *hidden <- its rows that count, x->head.h their transform. */
static simlm_status forward(struct sl_mlm *x, const sl_act **hidden,
                            const struct sl_mlm_batch *b,
                            const struct sl_pass *p, simlm_error *err)
{
    struct sl_session *s = &x->s;
    struct sl_backend *be = s->m->be;
    size_t bytes = (size_t)b->n_rows * sizeof *b->labels;

    SL_TRY(
        sl_rows_check(b->rows, b->labels, b->n_rows, b->in.N, s->shape.V, err));
    SL_TRY(sl_session_set(s, &b->in, err));
    sl_session_choose(s, &b->in, b->rows, b->n_rows);
    if (b->labels)
        be->upload(be, x->labels, b->labels, bytes);
    *hidden = sl_body_forward(s, p, &x->body);
    sl_lm_head_forward(p, &s->m->W.head, &x->head, *hidden, b->n_rows);
    return SIMLM_OK;
}

simlm_status sl_mlm_step(struct sl_mlm *x, double *loss_sum,
                         const struct sl_mlm_batch *b, double scale, bool train,
                         struct sl_noise noise, simlm_error *err)
{
    struct sl_session *s = &x->s;
    const struct sl_bert *m = s->m;
    struct sl_pass p = sl_session_pass(s, noise, SL_PASS_SITE(0));
    const sl_act *hidden;

    SL_ASSERT(!train || m->g);
    p.watch = b->watch;
    SL_TRY(forward(x, &hidden, b, &p, err));
    m->be->ops->zero_real(m->be, x->loss, 1);
    sl_lm_head_loss(&p, &m->W.head, &m->G.head, m->W.embed.table.word,
                    m->G.embed.table.word, &x->head, x->loss,
                    train ? x->d : NULL, hidden, x->labels, b->n_rows, scale);
    if (train)
        sl_body_backward(s, &p, &x->body, &x->scratch, x->d);
    return sl_session_losses(s, loss_sum, x->loss, 1, err);
}

simlm_status sl_mlm_logits(struct sl_mlm *x, float *logits,
                           const struct sl_mlm_batch *b, simlm_error *err)
{
    struct sl_session *s = &x->s;
    struct sl_backend *be = s->m->be;
    struct sl_pass p = sl_session_pass(s, (struct sl_noise){0}, 0);
    int64_t n = b->n_rows * s->shape.V;
    const sl_act *hidden;
    void *out = NULL;

    SL_TRY(be->alloc(be, &out, (size_t)(n ? n : 1) * be->act_bytes, "logits",
                     err));
    simlm_status st = forward(x, &hidden, b, &p, err);
    if (st == SIMLM_OK && n) {
        be->ops->linear_fwd(be, out, x->head.h, s->m->W.embed.table.word,
                            s->m->W.head.bias, b->n_rows, s->shape.E,
                            s->shape.V);
        be->download_act(be, logits, out, n);
    }
    be->free(be, out);
    return st;
}
