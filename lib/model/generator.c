#include "model/generator.h"

#include "base/alloc.h"
#include "model/session.h"
#include "nn/lmhead.h"

/* Dropout sites of the generator's passes lie behind the trained model's. */
enum { FIRST_PASS = 8 };

struct sl_generator {
    struct sl_session s;
    struct sl_body body;
    struct sl_lm_head_acts head;
    int32_t *drawn; /* [N] */
};

static void carve(struct sl_generator *g)
{
    struct sl_session *s = &g->s;
    int64_t N = s->batch.max_N;

    sl_body_carve(s, &g->body, SL_KEEP_NOTHING, N);
    sl_lm_head_carve(&s->acts, &g->head, s->m->be, &s->shape, N, false);
    g->drawn = sl_take_i32(&s->acts, N);
}

simlm_status sl_generator_new(struct sl_generator **out, struct sl_bert *m,
                              int64_t max_tokens, int64_t max_seqs,
                              simlm_error *err)
{
    struct sl_generator *g;
    simlm_status st;

    if (!m->has_head)
        return sl_fail(err, SIMLM_E_ARG, "the generator has no LM head");
    g = SL_NEW(struct sl_generator);
    if (!g)
        return sl_fail_nomem(err, "a generator");
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

simlm_status sl_generator_sample(struct sl_generator *g, int32_t *sampled,
                                 const struct sl_tokens *t, const int32_t *rows,
                                 int64_t n_rows, uint64_t sample_stream,
                                 uint32_t pass, struct sl_noise noise,
                                 simlm_error *err)
{
    struct sl_session *s = &g->s;
    struct sl_backend *be = s->m->be;
    const struct sl_bert_weights *w = &s->m->W;
    struct sl_pass p =
        sl_session_pass(s, noise, SL_PASS_SITE(FIRST_PASS + pass));
    const sl_act *hidden;

    SL_TRY(sl_rows_check(rows, NULL, n_rows, t->N, s->shape.V, err));
    SL_TRY(sl_session_set(s, t, err));
    if (!n_rows)
        return SIMLM_OK;
    sl_session_choose(s, t, rows, n_rows);

    hidden = sl_body_forward(s, &p, &g->body);
    sl_lm_head_forward(&p, &w->head, &g->head, hidden, n_rows);
    be->ops->vocab_sample(be, g->drawn, g->head.h, w->embed.table.word,
                          w->head.bias, p.chosen->pk.row_key, n_rows,
                          s->shape.E, s->shape.V, sample_stream, pass);
    SL_TRY(be->sync(be, err));
    be->download(be, sampled, g->drawn, (size_t)n_rows * sizeof *sampled);
    return SIMLM_OK;
}
