#include "model/session.h"

#include <math.h>

simlm_status sl_session_init(struct sl_session *s, struct sl_bert *m,
                             int64_t max_tokens, int64_t max_seqs,
                             simlm_error *err)
{
    *s = (struct sl_session){
        .m = m, .shape = sl_bert_shape(m), .acts = SL_ARENA_MEASURE};
    SL_TRY(sl_batch_init(&s->batch, m->be, max_tokens, max_seqs, err));
    return sl_choice_init(&s->choice, &s->batch, err);
}

void sl_session_release(struct sl_session *s)
{
    if (!s->m)
        return;
    sl_choice_free(&s->choice);
    sl_batch_free(&s->batch);
    sl_acts_release(&s->acts, s->m->be);
}

struct sl_pass sl_session_pass(const struct sl_session *s,
                               struct sl_noise noise, uint32_t site)
{
    return (struct sl_pass){.be = s->m->be,
                            .shape = &s->shape,
                            .pk = &s->batch.pk,
                            .chosen = &s->choice.rows,
                            .dropout = noise.dropout,
                            .stream = noise.stream,
                            .site = site};
}

simlm_status sl_session_set(struct sl_session *s, const struct sl_tokens *t,
                            simlm_error *err)
{
    struct sl_token_limits limits = sl_bert_limits(s->m);

    return sl_batch_set(&s->batch, t, &limits, err);
}

void sl_session_choose(struct sl_session *s, const struct sl_tokens *t,
                       const int32_t *rows, int64_t R)
{
    sl_choice_set(&s->choice, &s->batch, t, rows, R);
}

void sl_session_choose_first(struct sl_session *s, const struct sl_tokens *t)
{
    sl_choice_set(&s->choice, &s->batch, t, t->start, t->n);
}

void sl_body_carve(struct sl_session *s, struct sl_body *b, enum sl_keep keep,
                   int64_t R)
{
    const struct sl_backend *be = s->m->be;
    int64_t N = s->batch.max_N;

    sl_embed_carve(&s->acts, &b->embed, be, &s->shape, N,
                   keep != SL_KEEP_NOTHING);
    sl_stack_carve(&s->acts, &b->stack, be, &s->shape, s->m->cfg.layers, N, R,
                   keep);
}

const sl_act *sl_body_forward(const struct sl_session *s,
                              const struct sl_pass *p, struct sl_body *b)
{
    const struct sl_bert_weights *w = &s->m->W;

    sl_embed_forward(p, &w->embed, &b->embed, s->batch.ids,
                     sl_batch_types(&s->batch));
    return sl_stack_forward(p, &b->stack, w->layer, b->embed.x);
}

void sl_body_backward(const struct sl_session *s, const struct sl_pass *p,
                      struct sl_body *b, const struct sl_layer_scratch *t,
                      sl_act *d)
{
    const struct sl_bert_weights *w = &s->m->W, *grad = &s->m->G;

    sl_stack_backward(p, &b->stack, w->layer, grad->layer, t, d, b->embed.x);
    sl_embed_backward(p, &w->embed, &grad->embed, &b->embed, d, s->batch.ids,
                      sl_batch_types(&s->batch));
}

simlm_status sl_rows_check(const int32_t *rows, const int32_t *labels,
                           int64_t n, int64_t N, int64_t vocab,
                           simlm_error *err)
{
    if (n < 0 || n > N)
        return sl_fail(err, SIMLM_E_RANGE,
                       "%lld counted rows of a batch of %lld tokens",
                       (long long)n, (long long)N);
    for (int64_t i = 0; i < n; i++)
        if (rows[i] < 0 || rows[i] >= N || (i && rows[i] <= rows[i - 1]))
            return sl_fail(err, SIMLM_E_RANGE,
                           "counted row %lld is %ld: rows increase and lie "
                           "within the batch's %lld tokens",
                           (long long)i, (long)rows[i], (long long)N);
    return sl_tokens_check(labels, "label", n, vocab, err);
}

simlm_status sl_session_losses(struct sl_session *s, double *out,
                               const sl_real *loss, int64_t n, simlm_error *err)
{
    SL_TRY(s->m->be->sync(s->m->be, err));
    s->m->be->download_real64(s->m->be, out, loss, n);
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(out[i]))
            return sl_fail(err, SIMLM_E_NUMERIC, "the loss is %g", out[i]);
    return SIMLM_OK;
}
