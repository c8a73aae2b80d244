/*
 * bench_train.c - whole steps of pre-training on one batch: forward, backward,
 * norm of the gradient, AdamW.
 *
 *   MLM   30% of the positions counted (how the library trains), and all of
 *         them (how it is often timed)
 *   RLM   two passes of a frozen generator of the same shape, encoder, decoder,
 *         two losses on all positions
 *
 * Arithmetic is counted as three times the forward pass, the generator's once
 * (flops.h).
 */
#include "bench/bench.h"

#include <simlm/train.h>

#include "base/alloc.h"
#include "bench/batch.h"
#include "bench/flops.h"
#include "model/mlm.h"
#include "model/pretrainer.h"
#include "train/optimiser.h"

enum { DECODER_LAYERS = 2 };

struct training {
    struct sl_bert *m, *generator;
    struct sl_mlm *mlm;
    struct sl_pretrainer *rlm;
    struct sl_bench_batch batch;
    int64_t step;

    /* Every position, and what 30% and 50% of them are. */
    int32_t *all, *some, *half;
    int64_t n_some, n_half;
    int64_t n_counted; /* of an MLM step */
    const int32_t *counted;
};

static simlm_status update(struct training *t, simlm_error *err)
{
    static const simlm_train_options o = {
        .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-6, .clip = 1};
    double norm;

    return sl_optimiser_step(t->m, &norm, ++t->step, 1e-5, &o, err);
}

static simlm_status mlm_step(void *what, simlm_error *err)
{
    struct training *t = what;
    struct sl_mlm_batch in = {.in = t->batch.t,
                              .n_rows = t->n_counted,
                              .rows = t->counted,
                              .labels = t->batch.ids};
    struct sl_noise noise = {true, (uint64_t)t->step};
    double loss;

    SL_TRY(sl_mlm_step(t->mlm, &loss, &in, 1 / (double)in.n_rows, true, noise,
                       err));
    return update(t, err);
}

static simlm_status rlm_step(void *what, simlm_error *err)
{
    struct training *t = what;
    int64_t N = t->batch.t.N;
    struct sl_pretrain_batch in = {
        .clean = t->batch.t,
        .enc = {t->batch.ids, t->n_some, t->some, N, t->all},
        .dec = {t->batch.ids, t->n_half, t->half, N, t->all}};
    struct sl_pretrain_scales scales = {1 / (double)N, 1 / (double)N, 0};
    struct sl_noise noise = {true, (uint64_t)t->step};
    struct sl_pretrain_result result;

    SL_TRY(sl_pretrainer_step(t->rlm, &result, &in, scales, true, noise,
                              (uint64_t)t->step, err));
    return update(t, err);
}

/* ---- set-up -------------------------------------------------------------- */

/* *rows <- those positions i of N of which i % 10 < tenths. */
static simlm_status take_rows(int32_t **rows, int64_t *n, int64_t N, int tenths,
                              simlm_error *err)
{
    *rows = SL_NEW_ARRAY(int32_t, N);
    *n = 0;
    if (!*rows)
        return sl_fail_nomem(err, "a batch");
    for (int64_t i = 0; i < N; i++)
        if (i % 10 < tenths)
            (*rows)[(*n)++] = (int32_t)i;
    return SIMLM_OK;
}

static simlm_status open_batch(struct training *t, const struct sl_bench *b,
                               const struct sl_config *cfg, simlm_error *err)
{
    const simlm_bench_options *o = b->o;
    int64_t N, n;

    SL_TRY(sl_bench_batch_init(&t->batch, o->tokens, o->length, o->length,
                               cfg->vocab, err));
    N = t->batch.t.N;
    SL_TRY(take_rows(&t->all, &n, N, 10, err));
    SL_TRY(take_rows(&t->some, &t->n_some, N, 3, err));
    return take_rows(&t->half, &t->n_half, N, 5, err);
}

static simlm_status open_model(struct sl_bert **m, const struct sl_bench *b,
                               const struct sl_config *cfg, int64_t n_decoder,
                               simlm_error *err)
{
    struct sl_bert_parts parts = {.head = true, .n_decoder = n_decoder};

    SL_TRY(sl_bert_new(m, b->be, cfg, parts, err));
    return sl_bert_init(*m, 0, err);
}

static void training_close(struct training *t)
{
    sl_mlm_free(t->mlm);
    sl_pretrainer_free(t->rlm);
    sl_bert_free(t->m);
    sl_bert_free(t->generator);
    sl_bench_batch_free(&t->batch);
    sl_free(t->all);
    sl_free(t->some);
    sl_free(t->half);
}

/* ---- measuring ----------------------------------------------------------- */

static simlm_status measure_mlm(struct sl_bench *b, struct training *t,
                                const char *name, const int32_t *rows,
                                int64_t n, simlm_error *err)
{
    const struct sl_config *c = &t->m->cfg;
    const struct sl_tokens *in = &t->batch.t;
    struct sl_work w = {
        .part = "train",
        .name = name,
        .units = (double)in->N,
        .unit = "tokens/s",
        .flops = 3 * (sl_flops_layers(c, c->layers, in) + sl_flops_head(c, n)),
        .limit = SL_LIMIT_ARITHMETIC};

    t->counted = rows;
    t->n_counted = n;
    return sl_bench_measure(b, &w, mlm_step, t, err);
}

static simlm_status measure_rlm(struct sl_bench *b, struct training *t,
                                simlm_error *err)
{
    const struct sl_config *c = &t->m->cfg;
    const struct sl_tokens *in = &t->batch.t;
    double generator = 2 * sl_flops_layers(c, c->layers, in) +
                       sl_flops_head(c, t->n_some + t->n_half);
    double model = sl_flops_layers(c, c->layers + t->m->n_decoder, in) +
                   2 * sl_flops_head(c, in->N);
    struct sl_work w = {.part = "train",
                        .name = "RLM, loss on all positions",
                        .units = (double)in->N,
                        .unit = "tokens/s",
                        .flops = generator + 3 * model,
                        .limit = SL_LIMIT_ARITHMETIC};

    return sl_bench_measure(b, &w, rlm_step, t, err);
}

static simlm_status mlm(struct sl_bench *b, struct training *t,
                        const struct sl_config *cfg,
                        const struct sl_session_options *s, simlm_error *err)
{
    SL_TRY(open_model(&t->m, b, cfg, 0, err));
    SL_TRY(sl_bert_train(t->m, err));
    SL_TRY(sl_mlm_new(&t->mlm, t->m, s, err));
    SL_TRY(measure_mlm(b, t, "MLM, loss on 30% of positions", t->some,
                       t->n_some, err));
    return measure_mlm(b, t, "MLM, loss on all positions", t->all, t->batch.t.N,
                       err);
}

static simlm_status rlm(struct sl_bench *b, struct training *t,
                        const struct sl_config *cfg,
                        const struct sl_session_options *s, simlm_error *err)
{
    struct sl_pretrainer_options o = {
        .session = *s, .objective = &sl_objectives[SIMLM_OBJECTIVE_RLM]};
    int64_t decoder =
        cfg->layers < DECODER_LAYERS ? cfg->layers : DECODER_LAYERS;

    SL_TRY(open_model(&t->m, b, cfg, decoder, err));
    SL_TRY(sl_bert_train(t->m, err));
    SL_TRY(open_model(&t->generator, b, cfg, 0, err));
    SL_TRY(sl_pretrainer_new(&t->rlm, t->m, t->generator, &o, err));
    return measure_rlm(b, t, err);
}

typedef simlm_status kind_fn(struct sl_bench *b, struct training *t,
                             const struct sl_config *cfg,
                             const struct sl_session_options *s,
                             simlm_error *err);

static simlm_status train(struct sl_bench *b, kind_fn *kind, simlm_error *err)
{
    struct sl_session_options s = {0};
    struct training t = {0};
    struct sl_config cfg;
    simlm_status st;

    SL_TRY(sl_bench_config(&cfg, b, SIMLM_SHAPE_SMALL, err));
    st = open_batch(&t, b, &cfg, err);
    s.max_tokens = t.batch.t.N;
    s.max_seqs = t.batch.t.n;
    if (st == SIMLM_OK)
        st = kind(b, &t, &cfg, &s, err);
    training_close(&t);
    return st;
}

simlm_status sl_bench_train(struct sl_bench *b, simlm_error *err)
{
    SL_TRY(train(b, mlm, err));
    return train(b, rlm, err);
}
