#include "model/generator.h"

#include "base/alloc.h"
#include "model/session.h"
#include "nn/lmhead.h"

/* Dropout sites of the generator's passes lie behind the trained model's. */
enum { FIRST_PASS = 8 };

struct sl_generator {
    struct sl_session s;
    bool learns;
    struct sl_body body;
    struct sl_lm_head_acts head;
    int32_t *drawn; /* [N] */
    /* if it learns */
    struct sl_layer_scratch scratch;
    sl_act *d;       /* [N, D] */
    sl_real *loss;   /* [1] */
    int32_t *labels; /* [N] */
};

static void carve(struct sl_generator *g)
{
    struct sl_session *s = &g->s;
    const struct sl_backend *be = s->m->be;
    int64_t N = s->batch.max_N;

    sl_body_carve(s, &g->body, g->learns ? SL_KEEP_ALL : SL_KEEP_NOTHING, N);
    sl_lm_head_carve(&s->acts, &g->head, be, &s->shape, N, g->learns);
    g->drawn = sl_take_i32(&s->acts, N);
    if (!g->learns)
        return;
    sl_layer_scratch_carve(&s->acts, &g->scratch, be, &s->shape, N);
    g->d = sl_take_act(&s->acts, be, N * s->shape.D);
    g->loss = sl_take_real(&s->acts, be, 1);
    g->labels = sl_take_i32(&s->acts, N);
}

simlm_status sl_generator_new(struct sl_generator **out, struct sl_bert *m,
                              int64_t max_tokens, int64_t max_seqs, bool learns,
                              simlm_error *err)
{
    struct sl_generator *g;
    simlm_status st;

    if (!m->has_head)
        return sl_fail(err, SIMLM_E_ARG, "the generator has no LM head");
    g = SL_NEW(struct sl_generator);
    if (!g)
        return sl_fail_nomem(err, "a generator");
    g->learns = learns;
    st = sl_session_init(&g->s, m, max_tokens, max_seqs, err);
    if (st == SIMLM_OK) {
        carve(g);
        st = sl_acts_reserve(&g->s.acts, m->be, "the generator's activations",
                             err);
    }
    if (st < 0) {
        sl_generator_free(g);
        return st;
    }
    carve(g);
    *out = g;
    return SIMLM_OK;
}

void sl_generator_free(struct sl_generator *g)
{
    if (g)
        sl_session_release(&g->s);
    sl_free(g);
}

size_t sl_generator_bytes(const struct sl_generator *g)
{
    return g->s.acts.size;
}

/*
 * The rows' draws.  *hidden <- the hidden states they came from; NULL if there
 * are no rows.
 */
static simlm_status draw(struct sl_generator *g, const sl_act **hidden,
                         const struct sl_pass *p, const struct sl_tokens *t,
                         const int32_t *rows, int64_t n_rows,
                         uint64_t sample_stream, uint32_t pass,
                         simlm_error *err)
{
    struct sl_session *s = &g->s;
    struct sl_backend *be = s->m->be;
    const struct sl_bert_weights *w = &s->m->W;

    SL_TRY(sl_rows_check(rows, NULL, n_rows, t->N, s->shape.V, err));
    SL_TRY(sl_session_set(s, t, err));
    *hidden = NULL;
    if (!n_rows)
        return SIMLM_OK;
    sl_session_choose(s, t, rows, n_rows);

    *hidden = sl_body_forward(s, p, &g->body);
    sl_lm_head_forward(p, &w->head, &g->head, *hidden, n_rows);
    be->ops->vocab_sample(be, g->drawn, g->head.h, w->embed.table.word,
                          w->head.bias, p->chosen->pk.row_key, n_rows,
                          s->shape.E, s->shape.V, sample_stream, pass);
    return SIMLM_OK;
}

static simlm_status take_draws(struct sl_generator *g, int32_t *sampled,
                               int64_t n_rows, simlm_error *err)
{
    struct sl_backend *be = g->s.m->be;

    SL_TRY(be->sync(be, err));
    be->download(be, sampled, g->drawn, (size_t)n_rows * sizeof *sampled);
    return SIMLM_OK;
}

static struct sl_pass pass_of(const struct sl_generator *g, uint32_t pass,
                              struct sl_noise noise)
{
    return sl_session_pass(&g->s, noise, SL_PASS_SITE(FIRST_PASS + pass));
}

simlm_status sl_generator_sample(struct sl_generator *g, int32_t *sampled,
                                 const struct sl_tokens *t, const int32_t *rows,
                                 int64_t n_rows, uint64_t sample_stream,
                                 uint32_t pass, struct sl_noise noise,
                                 simlm_error *err)
{
    struct sl_pass p = pass_of(g, pass, noise);
    const sl_act *hidden;

    SL_TRY(draw(g, &hidden, &p, t, rows, n_rows, sample_stream, pass, err));
    return take_draws(g, sampled, n_rows, err);
}

simlm_status sl_generator_learn(struct sl_generator *g, int32_t *sampled,
                                double *loss_sum, const struct sl_tokens *t,
                                const int32_t *rows, const int32_t *labels,
                                int64_t n_rows, double scale, bool train,
                                uint64_t sample_stream, uint32_t pass,
                                struct sl_noise noise, simlm_error *err)
{
    struct sl_session *s = &g->s;
    const struct sl_bert *m = s->m;
    struct sl_pass p = pass_of(g, pass, noise);
    const sl_act *hidden;

    SL_ASSERT(g->learns && (!train || m->g));
    SL_TRY(sl_tokens_check(labels, "label", n_rows, s->shape.V, err));
    SL_TRY(draw(g, &hidden, &p, t, rows, n_rows, sample_stream, pass, err));
    m->be->upload(m->be, g->labels, labels, (size_t)n_rows * sizeof *labels);
    m->be->ops->zero_real(m->be, g->loss, 1);
    if (hidden)
        sl_lm_head_loss(&p, &m->W.head, &m->G.head, m->W.embed.table.word,
                        m->G.embed.table.word, &g->head, g->loss,
                        train ? g->d : NULL, hidden, g->labels, n_rows, scale);
    if (hidden && train)
        sl_body_backward(s, &p, &g->body, &g->scratch, g->d);
    SL_TRY(sl_session_losses(s, loss_sum, g->loss, 1, err));
    return take_draws(g, sampled, n_rows, err);
}
