/*
 * One pass of pre-training with an encoder and a decoder (spec 1.2.1, 7.7;
 * docs/MODEL.md).  Of SimLM's own objective, rlm:
 *
 *   tokens   Two corrupted copies of a passage: 30% of its tokens replaced for
 *            the encoder; those and more, 50% in all, for the decoder.  A
 *            generator samples the replacements, so no [MASK] tells the
 *            encoder where to look.
 *   encoder  A full BERT over its copy.  Its [CLS] row is the bottleneck.
 *   decoder  A few layers over that row followed by the *embeddings* of the
 *            decoder's copy (token types all 0, as the reference has it).  It
 *            sees no other encoder output, so what it cannot guess must have
 *            come through one vector.
 *   loss     Cross-entropy of the original token at every position but the
 *            special ones, replaced or not, for both, through one output head.
 *
 * The others differ in what objective.c's table says, and in nothing else.
 * Condenser's decoder (its "head") reads the rows of an early layer in place of
 * embeddings, so the encoder is two stacks: early and late layers.
 *
 * Where only hidden tokens count, the last layers compute those rows (and, of
 * the encoder, the [CLS] rows) alone.
 *
 * Backward runs as soon as it can: the head's activations serve both losses,
 * one after the other.
 */
#include "model/pretrainer.h"

#include <string.h>

#include "base/alloc.h"
#include "comm/comm.h"
#include "model/session.h"
#include "nn/lmhead.h"
#include "nn/rtdhead.h"

/* Passes over the same tokens draw their dropout at different sites. */
enum { PASS_ENCODER = 0, PASS_DECODER = 1 };

/* One of the two: what of its output is computed, and what of that counts. */
struct side {
    bool all;               /* every row comes out, else the chosen ones */
    bool first;             /* chosen: [CLS] as well as what counts */
    struct sl_choice *rows; /* chosen: which */
    int64_t R;              /* rows that come out */
    int32_t *place;         /* [N] rows of the output that count */
    int32_t *labels;        /* [N] theirs */
    sl_act *d;              /* [N, D] the output's gradient, then the input's */
};

struct sl_pretrainer {
    const struct sl_objective *o;
    int64_t max_N;      /* tokens */
    struct sl_mlm *mlm; /* without a decoder this is all there is */

    struct sl_session s;
    struct sl_generator *generator; /* NULL: ids hold replacements already */
    bool generator_dropout, joint;
    int64_t n_early; /* layers of the early stack */
    struct sl_embed_acts embed, dec_embed;
    struct sl_stack early, late, decoder;
    struct sl_choice dec_rows;
    struct side enc, dec;
    struct sl_lm_head_acts lm;
    struct sl_rtd_head_acts rtd;
    struct sl_layer_scratch scratch;
    sl_act *dec_in;              /* [N, D] */
    sl_act *counted, *d_counted; /* [N, D] rows that count */
    sl_real *loss;               /* [2] encoder's, decoder's */
    int32_t *dec_ids;            /* [N] */
    int64_t max_spans;
    sl_real *v, *dv; /* [max_spans, D] */
    /* host staging, [max_N] each */
    int32_t *x_enc, *x_dec, *labels, *chosen, *place;
};

/* ---- memory -------------------------------------------------------------- */

static bool decoder_has_tokens(const struct sl_pretrainer *x)
{
    return x->o->dec != SL_INPUT_EARLY;
}

static void carve_side(struct sl_pretrainer *x, struct side *side)
{
    struct sl_session *s = &x->s;
    int64_t N = s->batch.max_N;

    side->place = sl_take_i32(&s->acts, N);
    side->labels = sl_take_i32(&s->acts, N);
    side->d = sl_take_act(&s->acts, s->m->be, N * s->shape.D);
}

static void carve_stacks(struct sl_pretrainer *x, enum sl_keep keep)
{
    struct sl_session *s = &x->s;
    struct sl_arena *a = &s->acts;
    const struct sl_backend *be = s->m->be;
    int64_t N = s->batch.max_N, L = s->m->cfg.layers;

    sl_embed_carve(a, &x->embed, be, &s->shape, N, true);
    if (x->n_early)
        sl_stack_carve(a, &x->early, be, &s->shape, x->n_early, N, 0, keep);
    sl_stack_carve(a, &x->late, be, &s->shape, L - x->n_early, N,
                   x->enc.all ? 0 : N, keep);
    if (decoder_has_tokens(x))
        sl_embed_carve(a, &x->dec_embed, be, &s->shape, N, true);
    sl_stack_carve(a, &x->decoder, be, &s->shape, s->m->n_decoder, N,
                   x->dec.all ? 0 : N, keep);
}

static void carve(struct sl_pretrainer *x, enum sl_keep keep)
{
    struct sl_session *s = &x->s;
    struct sl_arena *a = &s->acts;
    const struct sl_backend *be = s->m->be;
    int64_t N = s->batch.max_N, D = s->shape.D;

    carve_stacks(x, keep);
    if (x->o->head == SL_HEAD_LM)
        sl_lm_head_carve(a, &x->lm, be, &s->shape, N, true);
    else
        sl_rtd_head_carve(a, &x->rtd, be, &s->shape, N);
    sl_layer_scratch_carve(a, &x->scratch, be, &s->shape, N);
    carve_side(x, &x->enc);
    carve_side(x, &x->dec);
    x->dec_in = sl_take_act(a, be, N * D);
    x->counted = sl_take_act(a, be, N * D);
    x->d_counted = sl_take_act(a, be, N * D);
    x->loss = sl_take_real(a, be, 2);
    x->dec_ids = sl_take_i32(a, N);
    x->v = sl_take_real(a, be, x->max_spans * D);
    x->dv = sl_take_real(a, be, x->max_spans * D);
}

static simlm_status check_models(const struct sl_objective *o,
                                 const struct sl_bert *m,
                                 const struct sl_bert *g, simlm_error *err)
{
    if (o->head == SL_HEAD_LM ? !m->has_head : !m->has_rtd)
        return sl_fail(err, SIMLM_E_ARG, "the model has no head for '%s'",
                       o->name);
    if (m->n_decoder < 1)
        return sl_fail(err, SIMLM_E_ARG, "the model has no decoder layers");
    if (g && g->cfg.vocab != m->cfg.vocab)
        return sl_fail(err, SIMLM_E_ARG,
                       "the generator's vocabulary has %lld tokens, the "
                       "model's %lld",
                       (long long)g->cfg.vocab, (long long)m->cfg.vocab);
    return SIMLM_OK;
}

/* The skip leaves at least a layer on either side. */
static simlm_status set_early(struct sl_pretrainer *x, int64_t early,
                              simlm_error *err)
{
    int64_t L = x->s.m->cfg.layers;

    if (x->o->dec != SL_INPUT_EARLY)
        return SIMLM_OK;
    x->n_early = early ? early : L / 2;
    if (x->n_early < 1 || x->n_early >= L)
        return sl_fail(err, SIMLM_E_ARG,
                       "%lld early layers of %lld: expected at least one, and "
                       "one behind them",
                       (long long)x->n_early, (long long)L);
    return SIMLM_OK;
}

static simlm_status make_host(struct sl_pretrainer *x, simlm_error *err)
{
    int32_t **arrays[] = {&x->x_enc, &x->x_dec, &x->labels, &x->chosen,
                          &x->place};

    for (size_t i = 0; i < SL_LEN(arrays); i++) {
        *arrays[i] = SL_NEW_ARRAY(int32_t, x->max_N);
        if (!*arrays[i])
            return sl_fail_nomem(err, "a session");
    }
    return SIMLM_OK;
}

static simlm_status init(struct sl_pretrainer *x, struct sl_bert *m,
                         struct sl_bert *generator,
                         const struct sl_pretrainer_options *o,
                         simlm_error *err)
{
    enum sl_keep keep = sl_session_keep(&o->session);
    int64_t N = o->session.max_tokens, n = o->session.max_seqs;

    SL_TRY(make_host(x, err));
    if (x->o->dec == SL_INPUT_NONE)
        return sl_mlm_new(&x->mlm, m, &o->session, err);
    SL_TRY(check_models(x->o, m, generator, err));
    SL_TRY(sl_session_init(&x->s, m, N, n, err));
    SL_TRY(sl_choice_init(&x->dec_rows, &x->s.batch, err));
    SL_TRY(set_early(x, o->early_layers, err));
    carve(x, keep);
    SL_TRY(sl_acts_reserve(&x->s.acts, m->be, "activations", err));
    carve(x, keep);
    if (generator)
        SL_TRY(sl_generator_new(&x->generator, generator, N, n, x->joint, err));
    return SIMLM_OK;
}

simlm_status sl_pretrainer_new(struct sl_pretrainer **out, struct sl_bert *m,
                               struct sl_bert *generator,
                               const struct sl_pretrainer_options *o,
                               simlm_error *err)
{
    const struct sl_objective *what = o->objective;
    struct sl_pretrainer *x = SL_NEW(struct sl_pretrainer);
    simlm_status st;

    if (!x)
        return sl_fail_nomem(err, "a session");
    x->o = what;
    x->generator_dropout = o->generator_dropout;
    x->joint = o->joint;
    x->max_N = o->session.max_tokens;
    x->max_spans = what->spans ? o->max_spans : 0;
    x->enc = (struct side){.all = what->enc_counts == SL_COUNT_ALL,
                           .first = true,
                           .rows = &x->s.choice};
    x->dec = (struct side){.all = what->dec_counts == SL_COUNT_ALL,
                           .rows = &x->dec_rows};
    st = init(x, m, generator, o, err);
    if (st < 0) {
        sl_pretrainer_free(x);
        return st;
    }
    *out = x;
    return SIMLM_OK;
}

void sl_pretrainer_free(struct sl_pretrainer *x)
{
    if (!x)
        return;
    sl_mlm_free(x->mlm);
    sl_generator_free(x->generator);
    sl_choice_free(&x->dec_rows);
    sl_session_release(&x->s);
    sl_free(x->x_enc);
    sl_free(x->x_dec);
    sl_free(x->labels);
    sl_free(x->chosen);
    sl_free(x->place);
    sl_free(x);
}

size_t sl_pretrainer_bytes(const struct sl_pretrainer *x)
{
    return (x->mlm ? sl_mlm_bytes(x->mlm) : x->s.acts.size) +
           (x->generator ? sl_generator_bytes(x->generator) : 0);
}

/* ---- a batch ------------------------------------------------------------- */

/* What a step was asked for. */
struct call {
    const struct sl_pretrain_batch *b;
    struct sl_pretrain_scales scales;
    bool train;
    struct sl_noise noise;
    uint64_t sample_stream;
};

/* labels [n] <- the clean ids of rows. */
static void clean_ids(int32_t *labels, const struct call *c,
                      const int32_t *rows, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        labels[i] = c->b->clean.ids[rows[i]];
}

/*
 * x [N] <- the copy's ids, with the generator's draws at its hidden rows.  If
 * the generator learns from them, *gen_sum <- its loss there; NULL: it does not.
 */
static simlm_status fill(struct sl_pretrainer *s, int32_t *x, double *gen_sum,
                         const struct sl_pretrain_copy *copy, uint32_t pass,
                         const struct call *c, simlm_error *err)
{
    struct sl_tokens in = c->b->clean;
    struct sl_noise noise = c->noise;
    int32_t *draw = s->place, *labels = s->labels;
    int64_t n = copy->n_hidden;

    memcpy(x, copy->ids, (size_t)in.N * sizeof *x);
    if (!s->generator)
        return SIMLM_OK;
    in.ids = copy->ids;
    noise.dropout = noise.dropout && s->generator_dropout;
    if (gen_sum) {
        clean_ids(labels, c, copy->hidden, n);
        SL_TRY(sl_generator_learn(
            s->generator, draw, gen_sum, &in, copy->hidden, labels, n,
            c->scales.gen, c->train, c->sample_stream, pass, noise, err));
    } else {
        SL_TRY(sl_generator_sample(s->generator, draw, &in, copy->hidden, n,
                                   c->sample_stream, pass, noise, err));
    }
    for (int64_t i = 0; i < n; i++)
        x[copy->hidden[i]] = draw[i];
    return SIMLM_OK;
}

/* A head that asks "which token?" wants the clean id, the other a yes or no. */
static simlm_status set_labels(struct sl_pretrainer *s, struct side *side,
                               const struct sl_pretrain_copy *copy,
                               const int32_t *x, const struct call *c,
                               simlm_error *err)
{
    struct sl_backend *be = s->s.m->be;
    int64_t n = copy->n_rows;

    clean_ids(s->labels, c, copy->rows, n);
    SL_TRY(sl_tokens_check(s->labels, "label", n, s->s.shape.V, err));
    if (s->o->head == SL_HEAD_RTD)
        for (int64_t i = 0; i < n; i++)
            s->labels[i] = x[copy->rows[i]] != s->labels[i];
    be->upload(be, side->labels, s->labels, (size_t)n * sizeof *s->labels);
    return SIMLM_OK;
}

/*
 * Which rows come out (chosen and R), and where among them are those that count.
 * A chosen list is what counts, in order, and each sequence's first row if
 * that is wanted.
 */
static void set_rows(struct sl_pretrainer *s, struct side *side,
                     const struct sl_tokens *t, const int32_t *rows, int64_t n)
{
    struct sl_backend *be = s->s.m->be;
    const int32_t *place = rows;
    int64_t at = 0, R = 0;

    side->R = t->N;
    if (!side->all) {
        for (int64_t i = 0; i < t->n; i++) {
            if (side->first && !(at < n && rows[at] == t->start[i]))
                s->chosen[R++] = t->start[i];
            for (; at < n && rows[at] < t->start[i + 1]; at++) {
                s->place[at] = (int32_t)R;
                s->chosen[R++] = rows[at];
            }
        }
        sl_choice_set(side->rows, &s->s.batch, t, s->chosen, R);
        place = s->place;
        side->R = R;
    }
    be->upload(be, side->place, place, (size_t)n * sizeof *place);
}

static simlm_status set_side(struct sl_pretrainer *s, struct side *side,
                             const struct sl_pretrain_copy *copy,
                             const int32_t *x, const struct call *c,
                             simlm_error *err)
{
    SL_TRY(set_labels(s, side, copy, x, c, err));
    set_rows(s, side, &c->b->clean, copy->rows, copy->n_rows);
    return SIMLM_OK;
}

static simlm_status check_copy(const struct sl_pretrain_copy *copy, int64_t N,
                               simlm_error *err)
{
    SL_TRY(sl_rows_check(copy->hidden, NULL, copy->n_hidden, N, 0, err));
    return sl_rows_check(copy->rows, NULL, copy->n_rows, N, 0, err);
}

/* What the session's own tables are indexed with. */
static simlm_status check_batch(const struct sl_pretrainer *s,
                                const struct sl_pretrain_batch *b,
                                simlm_error *err)
{
    if (b->clean.N > s->max_N)
        return sl_fail(err, SIMLM_E_RANGE,
                       "a batch of %lld tokens, expected at most %lld",
                       (long long)b->clean.N, (long long)s->max_N);
    SL_TRY(check_copy(&b->enc, b->clean.N, err));
    return check_copy(&b->dec, b->clean.N, err);
}

/* Both copies, checked and in the backend's memory. */
static simlm_status set_batch(struct sl_pretrainer *s, double *gen_sum,
                              const struct call *c, simlm_error *err)
{
    struct sl_backend *be = s->s.m->be;
    const struct sl_pretrain_batch *b = c->b;
    struct sl_tokens in = b->clean;
    int64_t N = in.N;

    SL_TRY(fill(s, s->x_enc, s->joint ? gen_sum : NULL, &b->enc, 0, c, err));
    in.ids = s->x_enc;
    SL_TRY(sl_session_set(&s->s, &in, err));
    SL_TRY(set_side(s, &s->enc, &b->enc, s->x_enc, c, err));
    if (decoder_has_tokens(s)) {
        SL_TRY(fill(s, s->x_dec, NULL, &b->dec, 1, c, err));
        SL_TRY(sl_tokens_check(s->x_dec, "token id", N, s->s.shape.V, err));
        be->upload(be, s->dec_ids, s->x_dec, (size_t)N * sizeof *s->x_dec);
    }
    return set_side(s, &s->dec, &b->dec, s->x_dec, c, err);
}

/* ---- forward ------------------------------------------------------------- */

/* The last layer's rows; *early <- what the late layers were given: the early
 * layers' output, or, if there are none, the embeddings. */
static const sl_act *encode(struct sl_pretrainer *s, const struct sl_pass *p,
                            const sl_act **early)
{
    const struct sl_bert_weights *w = &s->s.m->W;
    struct sl_pass behind = sl_pass_from_layer(*p, s->n_early);

    sl_embed_forward(p, &w->embed, &s->embed, s->s.batch.ids,
                     sl_batch_types(&s->s.batch));
    *early = s->embed.x;
    if (s->n_early)
        *early = sl_stack_forward(p, &s->early, w->layer, s->embed.x);
    return sl_stack_forward(&behind, &s->late, w->layer + s->n_early, *early);
}

/* Where the encoder's output has each sequence's first row. */
static const int32_t *first_rows(const struct sl_pretrainer *s)
{
    return s->enc.all ? s->s.batch.pk.seq_start : s->s.choice.rows.pk.seq_start;
}

static const sl_act *decode(struct sl_pretrainer *s, const struct sl_pass *p,
                            const sl_act *H, const sl_act *early)
{
    const struct sl_bert *m = s->s.m;
    const sl_act *rest = early;

    if (decoder_has_tokens(s)) {
        sl_embed_forward(p, &m->W.embed, &s->dec_embed, s->dec_ids, NULL);
        rest = s->dec_embed.x;
    }
    m->be->ops->splice_cls_fwd(m->be, s->dec_in, H, first_rows(s), rest, p->pk,
                               s->s.shape.D);
    return sl_stack_forward(p, &s->decoder, m->W.decoder, s->dec_in);
}

/* Loss of the n counted rows of hidden; if train, side->d <- its gradient. */
static void head_loss(struct sl_pretrainer *s, const struct sl_pass *p,
                      struct side *side, sl_real *loss, const sl_act *hidden,
                      int64_t n, double scale, bool train)
{
    const struct sl_bert *m = s->s.m;
    const struct sl_ops *op = m->be->ops;
    int64_t D = s->s.shape.D;
    sl_act *d = train ? s->d_counted : NULL;

    op->gather_rows(m->be, s->counted, hidden, side->place, n, D);
    if (s->o->head == SL_HEAD_LM) {
        sl_lm_head_forward(p, &m->W.head, &s->lm, s->counted, n);
        sl_lm_head_loss(p, &m->W.head, &m->G.head, m->W.embed.table.word,
                        m->G.embed.table.word, &s->lm, loss, d, s->counted,
                        side->labels, n, scale);
    } else {
        sl_rtd_head_loss(p, &m->W.rtd, &m->G.rtd, &s->rtd, loss, d, s->counted,
                         side->labels, n, scale);
    }
    if (train)
        op->scatter_rows(m->be, side->d, s->d_counted, side->place, n, side->R,
                         D);
}

/* ---- backward ------------------------------------------------------------ */

/* The contrast's gradient of the [CLS] rows, added to the encoder's output. */
static void add_contrast(struct sl_pretrainer *s, int64_t first_vector)
{
    const struct sl_bert *m = s->s.m;
    const struct sl_ops *op = m->be->ops;
    const struct sl_packing *rows = &s->s.choice.rows.pk;
    int64_t D = s->s.shape.D;

    op->pool_bwd(m->be, s->counted, sl_real_at(m->be, s->dv, first_vector * D),
                 rows, D, SL_POOL_CLS);
    op->add(m->be, s->enc.d, s->counted, rows->N * D);
}

/* enc.d, dec.d hold the gradients of the outputs' rows. */
static void backward(struct sl_pretrainer *s, const struct sl_pass *enc,
                     const struct sl_pass *dec, const sl_act *early,
                     int64_t first_vector)
{
    const struct sl_bert *m = s->s.m;
    const struct sl_ops *op = m->be->ops;
    const struct sl_bert_weights *w = &m->W, *g = &m->G;
    struct sl_pass behind = sl_pass_from_layer(*enc, s->n_early);
    sl_act *d = s->enc.d, *d_dec = s->dec.d;
    int64_t D = s->s.shape.D;

    sl_stack_backward(dec, &s->decoder, w->decoder, g->decoder, &s->scratch,
                      d_dec, s->dec_in);
    op->splice_cls_bwd(m->be, d, first_rows(s), d_dec, d_dec, dec->pk, D);
    if (decoder_has_tokens(s))
        sl_embed_backward(dec, &w->embed, &g->embed, &s->dec_embed, d_dec,
                          s->dec_ids, NULL);
    if (s->o->spans)
        add_contrast(s, first_vector);
    sl_stack_backward(&behind, &s->late, w->layer + s->n_early,
                      g->layer + s->n_early, &s->scratch, d, early);
    if (!decoder_has_tokens(s))
        op->add(m->be, d, d_dec, enc->pk->N * D);
    if (s->n_early)
        sl_stack_backward(enc, &s->early, w->layer, g->layer, &s->scratch, d,
                          s->embed.x);
    sl_embed_backward(enc, &w->embed, &g->embed, &s->embed, d, s->s.batch.ids,
                      sl_batch_types(&s->s.batch));
}

/* ---- a step -------------------------------------------------------------- */

static int64_t count_changed(const struct sl_pretrainer *s,
                             const struct sl_pretrain_batch *b)
{
    int64_t n = 0;

    for (int64_t i = 0; i < b->enc.n_hidden; i++)
        n += s->x_enc[b->enc.hidden[i]] != b->clean.ids[b->enc.hidden[i]];
    return n;
}

/* A masked LM alone. */
static simlm_status mlm_step(struct sl_pretrainer *s,
                             struct sl_pretrain_result *r, const struct call *c,
                             simlm_error *err)
{
    const struct sl_pretrain_copy *copy = &c->b->enc;
    struct sl_mlm_batch in = {.in = c->b->clean,
                              .n_rows = copy->n_rows,
                              .rows = copy->rows,
                              .labels = s->labels,
                              .watch = c->b->watch};

    in.in.ids = copy->ids;
    clean_ids(s->labels, c, copy->rows, copy->n_rows);
    return sl_mlm_step(s->mlm, &r->enc_sum, &in, c->scales.enc, c->train,
                       c->noise, err);
}

static simlm_status encdec_step(struct sl_pretrainer *s,
                                struct sl_pretrain_result *r,
                                const struct call *c, simlm_error *err)
{
    struct sl_backend *be = s->s.m->be;
    const struct sl_pretrain_batch *b = c->b;
    struct sl_pass enc =
        sl_session_pass(&s->s, c->noise, SL_PASS_SITE(PASS_ENCODER));
    struct sl_pass dec =
        sl_session_pass(&s->s, c->noise, SL_PASS_SITE(PASS_DECODER));
    const sl_act *H, *early, *out;
    double sums[2];

    dec.chosen = &s->dec_rows.rows;
    enc.watch = dec.watch = b->watch;
    SL_TRY(set_batch(s, &r->gen_sum, c, err));
    be->ops->zero_real(be, s->loss, 2);
    H = encode(s, &enc, &early);
    head_loss(s, &enc, &s->enc, s->loss, H, b->enc.n_rows, c->scales.enc,
              c->train);
    out = decode(s, &dec, H, early);
    head_loss(s, &dec, &s->dec, sl_real_at(be, s->loss, 1), out, b->dec.n_rows,
              c->scales.dec, c->train);
    if (c->train)
        backward(s, &enc, &dec, early, b->first_vector);

    SL_TRY(sl_session_losses(&s->s, sums, s->loss, 2, err));
    r->enc_sum = sums[0];
    r->dec_sum = sums[1];
    r->n_changed = count_changed(s, b);
    return SIMLM_OK;
}

simlm_status sl_pretrainer_step(struct sl_pretrainer *s,
                                struct sl_pretrain_result *result,
                                const struct sl_pretrain_batch *b,
                                struct sl_pretrain_scales scales, bool train,
                                struct sl_noise noise, uint64_t sample_stream,
                                simlm_error *err)
{
    const struct call c = {b, scales, train, noise, sample_stream};
    struct sl_pretrain_result r = {0};

    SL_TRY(check_batch(s, b, err)); /* before anything is copied */
    SL_TRY(s->mlm ? mlm_step(s, &r, &c, err) : encdec_step(s, &r, &c, err));
    *result = r;
    return SIMLM_OK;
}

/* ---- spans --------------------------------------------------------------- */

simlm_status sl_pretrainer_vectors(struct sl_pretrainer *s,
                                   const struct sl_pretrain_batch *b,
                                   struct sl_noise noise, simlm_error *err)
{
    const struct sl_bert *m = s->s.m;
    struct sl_pass p =
        sl_session_pass(&s->s, noise, SL_PASS_SITE(PASS_ENCODER));
    struct sl_tokens in = b->clean;
    int64_t D = s->s.shape.D;
    const sl_act *H, *early;

    SL_ASSERT(b->first_vector + in.n <= s->max_spans);
    in.ids = b->enc.ids;
    SL_TRY(sl_session_set(&s->s, &in, err));
    sl_session_choose_first(&s->s, &in);
    H = encode(s, &p, &early);
    m->be->ops->pool_fwd(m->be, sl_real_at(m->be, s->v, b->first_vector * D), H,
                         &s->s.choice.rows.pk, D, SL_POOL_CLS);
    return m->be->sync(m->be, err);
}

simlm_status sl_pretrainer_contrast(struct sl_pretrainer *s, double *loss_sum,
                                    const int32_t *start, int64_t n,
                                    double weight, bool train, simlm_error *err)
{
    const struct sl_bert *m = s->s.m;
    size_t row = (size_t)s->s.shape.D * m->be->real_bytes;

    SL_ASSERT(n <= s->max_spans && n % 2 == 0);
    SL_TRY(sl_comm_gather_token_shares(s->v, start, n, row, err));
    m->be->ops->zero_real(m->be, s->loss, 1);
    m->be->ops->pair_contrast(m->be, s->loss, train ? s->dv : NULL, s->v, n,
                              s->s.shape.D, weight);
    return sl_session_losses(&s->s, loss_sum, s->loss, 1, err);
}
