/*
 * One pass of SimLM pre-training (spec 1.2.1; docs/MODEL.md).
 *
 *   tokens   Two corrupted copies of a passage: 30% of its tokens replaced for
 *            the encoder; those and more, 50% in all, for the decoder.  A
 *            frozen generator samples the replacements, so no [MASK] tells the
 *            encoder where to look.
 *   encoder  A full BERT over its copy.  Its [CLS] row is the bottleneck.
 *   decoder  A few layers over that row followed by the *embeddings* of the
 *            decoder's copy (token types all 0, as the reference has it).  It
 *            sees no other encoder output, so what it cannot guess must have
 *            come through one vector.
 *   loss     Cross-entropy of the original token at every position but the
 *            special ones, replaced or not, for both, through one output head.
 *
 * Backward runs as soon as it can: the head's activations serve both losses,
 * one after the other.
 */
#include "model/rlm.h"

#include <string.h>

#include "base/alloc.h"
#include "model/session.h"
#include "nn/lmhead.h"

/* Passes over the same tokens draw their dropout at different sites. */
enum { PASS_ENCODER = 0, PASS_DECODER = 1 };

struct sl_rlm {
    struct sl_session s;
    struct sl_generator *generator; /* NULL: ids hold replacements already */
    bool generator_dropout;
    struct sl_body body;
    struct sl_embed_acts dec_embed;
    struct sl_stack decoder;
    struct sl_lm_head_acts head;
    struct sl_layer_scratch scratch;
    sl_act *dec_in;                  /* [N, D] */
    sl_act *counted, *d_counted;     /* [N, D] rows that count */
    sl_act *d_enc, *d_dec;           /* [N, D] */
    sl_real *loss;                   /* [2] encoder's, decoder's */
    int32_t *rows, *labels;          /* [N] */
    int32_t *dec_ids;                /* [N] */
    int32_t *x_enc, *x_dec, *sample; /* [N] host staging */
};

static void carve(struct sl_rlm *x, enum sl_keep keep)
{
    struct sl_session *s = &x->s;
    struct sl_arena *a = &s->acts;
    const struct sl_backend *be = s->m->be;
    int64_t N = s->batch.max_N, D = s->shape.D;

    sl_body_carve(s, &x->body, keep, 0);
    sl_embed_carve(a, &x->dec_embed, be, &s->shape, N, true);
    sl_stack_carve(a, &x->decoder, be, &s->shape, s->m->n_decoder, N, 0,
                   keep);
    sl_lm_head_carve(a, &x->head, be, &s->shape, N, true);
    sl_layer_scratch_carve(a, &x->scratch, be, &s->shape, N);
    x->dec_in = sl_take_act(a, be, N * D);
    x->counted = sl_take_act(a, be, N * D);
    x->d_counted = sl_take_act(a, be, N * D);
    x->d_enc = sl_take_act(a, be, N * D);
    x->d_dec = sl_take_act(a, be, N * D);
    x->loss = sl_take_real(a, be, 2);
    x->rows = sl_take_i32(a, N);
    x->labels = sl_take_i32(a, N);
    x->dec_ids = sl_take_i32(a, N);
}

static simlm_status check_models(const struct sl_bert *m,
                                 const struct sl_bert *g, simlm_error *err)
{
    if (!m->has_head || m->n_decoder < 1)
        return sl_fail(err, SIMLM_E_ARG,
                       "the model has no LM head or no decoder layers");
    if (g && g->cfg.vocab != m->cfg.vocab)
        return sl_fail(err, SIMLM_E_ARG,
                       "the generator's vocabulary has %lld tokens, the "
                       "model's %lld",
                       (long long)g->cfg.vocab, (long long)m->cfg.vocab);
    return SIMLM_OK;
}

simlm_status sl_rlm_new(struct sl_rlm **out, struct sl_bert *m,
                        struct sl_bert *generator,
                        const struct sl_rlm_options *o, simlm_error *err)
{
    enum sl_keep keep = sl_session_keep(&o->session);
    int64_t N = o->session.max_tokens, n = o->session.max_seqs;
    struct sl_rlm *x;
    simlm_status st;

    SL_TRY(check_models(m, generator, err));
    x = SL_NEW(struct sl_rlm);
    if (!x)
        return sl_fail_nomem(err, "a session");
    x->generator_dropout = o->generator_dropout;
    st = sl_session_init(&x->s, m, N, n, err);
    if (st == SIMLM_OK) {
        carve(x, keep);
        st = sl_acts_reserve(&x->s.acts, m->be, "activations", err);
    }
    if (st == SIMLM_OK) {
        carve(x, keep);
        x->x_enc = SL_NEW_ARRAY(int32_t, N);
        x->x_dec = SL_NEW_ARRAY(int32_t, N);
        x->sample = SL_NEW_ARRAY(int32_t, N);
        if (!x->x_enc || !x->x_dec || !x->sample)
            st = sl_fail_nomem(err, "a session");
    }
    if (st == SIMLM_OK && generator)
        st = sl_generator_new(&x->generator, generator, N, n, err);
    if (st < 0) {
        sl_rlm_free(x);
        return st;
    }
    *out = x;
    return SIMLM_OK;
}

void sl_rlm_free(struct sl_rlm *x)
{
    if (!x)
        return;
    sl_generator_free(x->generator);
    sl_session_release(&x->s);
    sl_free(x->x_enc);
    sl_free(x->x_dec);
    sl_free(x->sample);
    sl_free(x);
}

size_t sl_rlm_bytes(const struct sl_rlm *x)
{
    return x->s.acts.size +
           (x->generator ? sl_generator_bytes(x->generator) : 0);
}

/* x [N] <- ids with the generator's samples at rows. */
static simlm_status replace(struct sl_rlm *s, int32_t *x,
                            const struct sl_tokens *clean, const int32_t *ids,
                            const int32_t *rows, int64_t n, uint32_t pass,
                            uint64_t sample_stream, struct sl_noise noise,
                            simlm_error *err)
{
    struct sl_tokens in = *clean;

    SL_TRY(sl_rows_check(rows, NULL, n, clean->N, s->s.shape.V, err));
    memcpy(x, ids, (size_t)clean->N * sizeof *x);
    if (!s->generator)
        return SIMLM_OK;
    in.ids = ids;
    SL_TRY(sl_generator_sample(s->generator, s->sample, &in, rows, n,
                               sample_stream, pass, noise, err));
    for (int64_t i = 0; i < n; i++)
        x[rows[i]] = s->sample[i];
    return SIMLM_OK;
}

/* Both corrupted copies, checked and in the backend's memory. */
static simlm_status set_batch(struct sl_rlm *s, const struct sl_rlm_batch *b,
                              struct sl_noise noise, uint64_t sample_stream,
                              simlm_error *err)
{
    struct sl_backend *be = s->s.m->be;
    struct sl_tokens in = b->clean;
    int64_t N = in.N, V = s->s.shape.V;

    if (N > s->s.batch.max_N) /* before anything is copied */
        return sl_fail(err, SIMLM_E_RANGE,
                       "a batch of %lld tokens, expected at most %lld",
                       (long long)N, (long long)s->s.batch.max_N);
    noise.dropout = noise.dropout && s->generator_dropout;
    SL_TRY(replace(s, s->x_enc, &in, b->enc_ids, b->enc_rows, b->n_enc, 0,
                   sample_stream, noise, err));
    SL_TRY(replace(s, s->x_dec, &in, b->dec_ids, b->dec_rows, b->n_dec, 1,
                   sample_stream, noise, err));
    SL_TRY(sl_tokens_check(s->x_dec, "token id", N, V, err));
    in.ids = s->x_enc;
    SL_TRY(sl_session_set(&s->s, &in, err));
    be->upload(be, s->dec_ids, s->x_dec, (size_t)N * sizeof *s->x_dec);

    SL_TRY(sl_rows_check(b->rows, NULL, b->n_rows, N, V, err));
    for (int64_t i = 0; i < b->n_rows; i++)
        s->sample[i] = b->clean.ids[b->rows[i]];
    SL_TRY(sl_tokens_check(s->sample, "label", b->n_rows, V, err));
    be->upload(be, s->rows, b->rows, (size_t)b->n_rows * sizeof *b->rows);
    be->upload(be, s->labels, s->sample, (size_t)b->n_rows * sizeof *s->sample);
    return SIMLM_OK;
}

/* The shared head over hidden's counted rows; d: its gradient, NULL: none. */
static void head_loss(struct sl_rlm *s, const struct sl_pass *p, sl_real *loss,
                      sl_act *d, const sl_act *hidden, int64_t n, double scale)
{
    const struct sl_bert *m = s->s.m;
    const struct sl_ops *op = m->be->ops;
    int64_t N = p->pk->N, D = s->s.shape.D;

    op->gather_rows(m->be, s->counted, hidden, s->rows, n, D);
    sl_lm_head_forward(p, &m->W.head, &s->head, s->counted, n);
    sl_lm_head_loss(p, &m->W.head, &m->G.head, m->W.embed.table.word,
                    m->G.embed.table.word, &s->head, loss,
                    d ? s->d_counted : NULL, s->counted, s->labels, n, scale);
    if (d)
        op->scatter_rows(m->be, d, s->d_counted, s->rows, n, N, D);
}

/* d_enc, d_dec hold the gradients of the encoder's and decoder's outputs. */
static void backward(struct sl_rlm *s, const struct sl_pass *enc,
                     const struct sl_pass *dec)
{
    const struct sl_bert *m = s->s.m;

    sl_stack_backward(dec, &s->decoder, m->W.decoder, m->G.decoder, &s->scratch,
                      s->d_dec, s->dec_in);
    m->be->ops->splice_cls_bwd(m->be, s->d_enc, s->d_dec, s->d_dec, dec->pk,
                               s->s.shape.D);
    sl_embed_backward(dec, &m->W.embed, &m->G.embed, &s->dec_embed, s->d_dec,
                      s->dec_ids, NULL);
    sl_body_backward(&s->s, enc, &s->body, &s->scratch, s->d_enc);
}

static int64_t count_changed(const struct sl_rlm *s,
                             const struct sl_rlm_batch *b)
{
    int64_t n = 0;

    for (int64_t i = 0; i < b->n_enc; i++)
        n += s->x_enc[b->enc_rows[i]] != b->clean.ids[b->enc_rows[i]];
    return n;
}

simlm_status sl_rlm_step(struct sl_rlm *s, struct sl_rlm_result *result,
                         const struct sl_rlm_batch *b, double scale, bool train,
                         struct sl_noise noise, uint64_t sample_stream,
                         simlm_error *err)
{
    const struct sl_bert *m = s->s.m;
    struct sl_backend *be = m->be;
    struct sl_pass enc =
        sl_session_pass(&s->s, noise, SL_PASS_SITE(PASS_ENCODER));
    struct sl_pass dec =
        sl_session_pass(&s->s, noise, SL_PASS_SITE(PASS_DECODER));
    const sl_act *H, *out;
    double sums[2];

    SL_ASSERT(!train || m->g);
    SL_TRY(set_batch(s, b, noise, sample_stream, err));
    be->ops->zero_real(be, s->loss, 2);

    H = sl_body_forward(&s->s, &enc, &s->body);
    head_loss(s, &enc, s->loss, train ? s->d_enc : NULL, H, b->n_rows, scale);

    sl_embed_forward(&dec, &m->W.embed, &s->dec_embed, s->dec_ids, NULL);
    be->ops->splice_cls_fwd(be, s->dec_in, H, s->dec_embed.x, dec.pk,
                            s->s.shape.D);
    out = sl_stack_forward(&dec, &s->decoder, m->W.decoder, s->dec_in);
    head_loss(s, &dec, sl_real_at(be, s->loss, 1), train ? s->d_dec : NULL, out,
              b->n_rows, scale);
    if (train)
        backward(s, &enc, &dec);

    SL_TRY(sl_session_losses(&s->s, sums, s->loss, 2, err));
    *result = (struct sl_rlm_result){.enc_sum = sums[0],
                                     .dec_sum = sums[1],
                                     .n_rows = b->n_rows,
                                     .n_changed = count_changed(s, b),
                                     .n_tokens = b->clean.N};
    return SIMLM_OK;
}
