/* Whole-model gradients are the derivatives of whole-model losses: MLM (BERT
 * and ELECTRA form), every other objective of pre-training, with its generator
 * where that learns, and the cross-encoder (both heads, with and without R-Drop),
 * by central differences in double, with and without dropout.  Cutting a step, or
 * recomputing activations, changes no gradient; nor does sharing contrasted spans
 * among ranks.  (The bi-encoder: test_biencoder.c.) */
#include <simlm/train.h>

#include "backend/backend.h"
#include "base/alloc.h"
#include "check.h"
#include "comm/comm.h"
#include "derivatives.h"
#include "fake_ranks.h"
#include "model/crossencoder.h"
#include "model/pretrainer.h"
#include "tiny.h"

static struct sl_backend *be;

static int open_backend(void **state)
{
    (void)state;
    return sl_backend_open_cpu(&be, SL_FP64, 0, NULL) != SIMLM_OK;
}

static int close_backend(void **state)
{
    (void)state;
    sl_backend_close(be);
    return 0;
}

/* ---- one loss after another, behind one interface ---------------------------
 */

struct problem {
    struct sl_bert *m;
    struct sl_noise noise;
    /* The loss; its gradient is added to m->g if train. */
    double (*loss)(struct problem *p, bool train);
    int64_t n_flat; /* tensors that the loss does not depend on */
    struct sl_mlm *mlm;
    struct sl_mlm_batch mlm_batch;
    struct sl_pretrainer *pre;
    struct sl_pretrain_batch pre_batch;
    bool spans;
    struct sl_crossencoder *cross;
    struct sl_crossencoder_batch cross_batch;
};

static const double scale = 0.37; /* any number: losses are linear in it */

static double mlm_loss(struct problem *p, bool train)
{
    double sum;

    check_ok(
        sl_mlm_step(p->mlm, &sum, &p->mlm_batch, scale, train, p->noise, &err));
    return scale * sum;
}

/* Factors of the losses that a step adds up: none is another. */
static const struct sl_pretrain_scales scales = {0.37, 0.51, 0.23};
static const double contrast_scale = 0.11;

static double pre_loss(struct problem *p, bool train)
{
    struct sl_pretrain_result r;
    double co = 0;

    if (p->spans) {
        check_ok(sl_pretrainer_vectors(p->pre, &p->pre_batch, p->noise, &err));
        check_ok(sl_pretrainer_contrast(p->pre, &co, p->pre_batch.clean.start,
                                        p->pre_batch.clean.n, contrast_scale,
                                        train, &err));
    }
    check_ok(sl_pretrainer_step(p->pre, &r, &p->pre_batch, scales, train,
                                p->noise, 3, &err));
    return scales.enc * r.enc_sum + scales.dec * r.dec_sum +
           scales.gen * r.gen_sum + contrast_scale * co;
}

static double cross_loss(struct problem *p, bool train)
{
    struct sl_crossencoder_result r;

    check_ok(sl_crossencoder_step(p->cross, &r, NULL, &p->cross_batch, scale,
                                  train, p->noise, &err));
    return scale * (r.ce + r.rdrop);
}

static double loss_of(void *self, bool train)
{
    struct problem *p = self;

    return p->loss(p, train);
}

/* They are derivatives, and final when a watch is told so. */
static void check_gradients(struct problem *p)
{
    struct gradient_watch w;

    gradient_watch_begin(&w, p->m);
    p->mlm_batch.watch = p->pre_batch.watch = p->cross_batch.watch = &w.watch;
    check_derivatives(p->m, loss_of, p, p->n_flat);
    gradient_watch_check(&w);
}

static const struct sl_session_options small = {64, 16, false};

/* ---- the losses ---------------------------------------------------------- */

static void check_mlm(struct sl_config cfg, bool dropout)
{
    struct problem p = {.loss = mlm_loss, .noise = {dropout, 11}};
    struct sl_mlm_batch *b = &p.mlm_batch;

    p.m = tiny_model(be, cfg, (struct sl_bert_parts){.head = true}, 1);
    check_ok(sl_mlm_new(&p.mlm, p.m, &small, &err));
    b->in = tiny_tokens(4, 9, cfg.vocab, 2);
    b->n_rows = tiny_rows(&b->rows, &b->labels, &b->in, 2, cfg.vocab, 3);
    check_gradients(&p);
    sl_mlm_free(p.mlm);
    sl_bert_free(p.m);
}

static void mlm_gradients_are_derivatives(void **state)
{
    (void)state;
    check_mlm(tiny_config(), false);
    check_mlm(tiny_config(), true);
}

static void electra_generator_gradients_are_derivatives(void **state)
{
    (void)state;
    check_mlm(tiny_electra_config(), true);
}

/* A third of the tokens hidden from the encoder, those and more from the decoder,
 * and other tokens in their places; every other hidden or other token counts. */
struct corrupted {
    int32_t enc[64], dec[64], rows[2][64], hidden[2][64];
};

static void corrupt(struct sl_pretrain_batch *b, struct corrupted *c)
{
    b->enc = (struct sl_pretrain_copy){c->enc, 0, c->hidden[0], 0, c->rows[0]};
    b->dec = (struct sl_pretrain_copy){c->dec, 0, c->hidden[1], 0, c->rows[1]};
    for (int32_t i = 0; i < b->clean.N; i++) {
        c->enc[i] = c->dec[i] = b->clean.ids[i];
        if (i % 3 == 1) {
            c->enc[i] = c->dec[i] = (c->enc[i] + 5) % 40;
            c->hidden[0][b->enc.n_hidden++] = i;
            c->rows[0][b->enc.n_rows++] = i;
        }
        if (i % 3 == 1 || i % 4 == 2) {
            c->dec[i] = (c->dec[i] + 11) % 40;
            c->hidden[1][b->dec.n_hidden++] = i;
        }
        if (i % 2)
            c->rows[1][b->dec.n_rows++] = i;
    }
}

/* Of the objective's batch, what the trainer would give it. */
static void fit_batch(struct sl_pretrain_batch *b, const struct sl_objective *o)
{
    if (o->enc_counts == SL_COUNT_NONE)
        b->enc.n_rows = b->enc.n_hidden = 0;
    if (o->enc == SL_INPUT_CLEAN)
        b->enc.ids = b->clean.ids;
    if (o->dec == SL_INPUT_EARLY)
        b->dec = b->enc;
}

static struct sl_bert_parts parts_of(const struct sl_objective *o,
                                     int64_t n_decoder)
{
    return (struct sl_bert_parts){.head = o->head == SL_HEAD_LM,
                                  .rtd = o->head == SL_HEAD_RTD,
                                  .n_decoder = n_decoder};
}

static void check_objective(simlm_objective objective, bool dropout,
                            int64_t layers, int64_t n_decoder)
{
    const struct sl_objective *o = &sl_objectives[objective];
    struct problem p = {
        .loss = pre_loss, .noise = {dropout, 12}, .spans = o->spans};
    struct sl_pretrainer_options options = {
        .session = small, .objective = o, .max_spans = 4};
    struct sl_config cfg = tiny_config();
    struct corrupted c;

    cfg.layers = layers;
    p.m = tiny_model(be, cfg, parts_of(o, n_decoder), 4);
    check_ok(sl_pretrainer_new(&p.pre, p.m, NULL, &options, &err));
    p.pre_batch.clean = tiny_tokens(4, 9, 40, 5);
    corrupt(&p.pre_batch, &c);
    fit_batch(&p.pre_batch, o);
    check_gradients(&p);
    sl_pretrainer_free(p.pre);
    sl_bert_free(p.m);
}

static void rlm_gradients_are_derivatives(void **state)
{
    (void)state;
    check_objective(SIMLM_OBJECTIVE_RLM, false, 2, 1);
    check_objective(SIMLM_OBJECTIVE_RLM, true, 2, 2);
}

static void encdec_mlm_gradients_are_derivatives(void **state)
{
    (void)state;
    check_objective(SIMLM_OBJECTIVE_ENCDEC_MLM, false, 2, 1);
    check_objective(SIMLM_OBJECTIVE_ENCDEC_MLM, true, 2, 2);
}

static void condenser_gradients_are_derivatives(void **state)
{
    (void)state;
    check_objective(SIMLM_OBJECTIVE_CONDENSER, false, 2, 1);
    check_objective(SIMLM_OBJECTIVE_CONDENSER, true, 3, 2);
}

static void encdec_rtd_gradients_are_derivatives(void **state)
{
    (void)state;
    check_objective(SIMLM_OBJECTIVE_ENCDEC_RTD, false, 2, 1);
    check_objective(SIMLM_OBJECTIVE_ENCDEC_RTD, true, 2, 2);
}

static void autoencoder_gradients_are_derivatives(void **state)
{
    (void)state;
    check_objective(SIMLM_OBJECTIVE_AUTOENCODER, false, 2, 1);
    check_objective(SIMLM_OBJECTIVE_AUTOENCODER, true, 2, 2);
}

static void cocondenser_gradients_are_derivatives(void **state)
{
    (void)state;
    check_objective(SIMLM_OBJECTIVE_COCONDENSER, false, 2, 1);
    check_objective(SIMLM_OBJECTIVE_COCONDENSER, true, 3, 2);
}

/* Draws jump when a generator's weight moves far enough, and no gradient flows
 * through them: so the loss is differentiated with the draws that it had, which
 * is what differences give as long as none jumps. */
static void check_joint(simlm_objective objective, bool dropout)
{
    const struct sl_objective *o = &sl_objectives[objective];
    struct problem p = {.loss = pre_loss, .noise = {dropout, 12}};
    struct sl_pretrainer_options options = {.session = small,
                                            .objective = o,
                                            .generator_dropout = true,
                                            .joint = true};
    struct corrupted c;
    struct sl_bert *g;

    p.m = tiny_model(be, tiny_config(), parts_of(o, 1), 4);
    g = tiny_model(be, tiny_electra_config(),
                   (struct sl_bert_parts){.head = true}, 9);
    check_ok(sl_bert_join(p.m, g, "generator.", &err));
    check_ok(sl_pretrainer_new(&p.pre, p.m, g, &options, &err));
    p.pre_batch.clean = tiny_tokens(4, 9, 40, 5);
    corrupt(&p.pre_batch, &c);
    check_gradients(&p);
    sl_pretrainer_free(p.pre);
    sl_bert_free(g);
    sl_bert_free(p.m);
}

static void joint_generator_gradients_are_derivatives(void **state)
{
    (void)state;
    check_joint(SIMLM_OBJECTIVE_RLM, false);
    check_joint(SIMLM_OBJECTIVE_RLM, true);
    check_joint(SIMLM_OBJECTIVE_ENCDEC_RTD, true);
}

/* Two groups of two pairs. */
static void check_cross(struct sl_config cfg, bool dropout, int64_t passes,
                        int64_t max_tokens)
{
    /* What shifts all scores alike, the last bias, changes no loss. */
    struct problem p = {
        .loss = cross_loss, .noise = {dropout, 14}, .n_flat = 1};
    struct sl_crossencoder_options o = {{max_tokens, 16, false}, 8, true};

    p.m = tiny_model(be, cfg, (struct sl_bert_parts){.score = true}, 9);
    check_ok(sl_crossencoder_new(&p.cross, p.m, &o, &err));
    p.cross_batch = (struct sl_crossencoder_batch){
        .passes = passes,
        .B = 2,
        .m = 2,
        .in = tiny_tokens(passes * 4, 7, cfg.vocab, 10)};
    check_gradients(&p);
    sl_crossencoder_free(p.cross);
    sl_bert_free(p.m);
}

static void reranker_gradients_are_derivatives(void **state)
{
    (void)state;
    check_cross(tiny_config(), false, 1, 64);
    check_cross(tiny_config(), true, 2, 64);
    check_cross(tiny_electra_config(), false, 2, 64);
    check_cross(tiny_electra_config(), true, 1, 64);
    check_cross(tiny_electra_config(), true, 2, 12); /* in several chunks */
}

/* ---- what must change nothing -------------------------------------------- */

static void check_checkpointing(simlm_objective objective)
{
    struct sl_pretrainer_options o = {.session = small,
                                      .objective = &sl_objectives[objective]};
    struct sl_pretrain_batch b = {.clean = tiny_tokens(4, 9, 40, 5)};
    struct sl_pretrain_result r[2];
    struct corrupted c;
    double *want = NULL;
    struct sl_config cfg = tiny_config();
    struct sl_bert *m;

    cfg.layers = 4;
    m = tiny_model(be, cfg, parts_of(o.objective, 2), 4);
    corrupt(&b, &c);
    fit_batch(&b, o.objective);
    for (int i = 0; i < 2; i++) {
        struct sl_pretrainer *s = NULL;

        o.session.checkpoint = i;
        check_ok(sl_pretrainer_new(&s, m, NULL, &o, &err));
        sl_bert_zero_grad(m);
        check_ok(sl_pretrainer_step(s, &r[i], &b, scales, true,
                                    (struct sl_noise){true, 5}, 0, &err));
        if (!i)
            want = copy_grad(m);
        sl_pretrainer_free(s);
    }
    assert_memory_equal(&r[0].enc_sum, &r[1].enc_sum, sizeof(double));
    assert_memory_equal(&r[0].dec_sum, &r[1].dec_sum, sizeof(double));
    check_same(m, want, 0);
    sl_free(want);
    sl_bert_free(m);
}

static void checkpointing_gives_the_same_bits(void **state)
{
    (void)state;
    check_checkpointing(SIMLM_OBJECTIVE_RLM);
    check_checkpointing(SIMLM_OBJECTIVE_ENCDEC_MLM);
    check_checkpointing(SIMLM_OBJECTIVE_CONDENSER);
    check_checkpointing(SIMLM_OBJECTIVE_AUTOENCODER);
}

static void micro_batches_add_up_to_the_step(void **state)
{
    (void)state;
    struct sl_noise noise = {true, 21};
    struct sl_bert *m =
        tiny_model(be, tiny_config(), (struct sl_bert_parts){.head = true}, 1);
    struct sl_mlm_batch b = {0}, part;
    struct sl_mlm *s = NULL;
    double whole, sum, total = 0, *want;
    int32_t start[8], rows[64];

    check_ok(sl_mlm_new(&s, m, &small, &err));
    b.in = tiny_tokens(4, 9, 40, 2);
    b.n_rows = tiny_rows(&b.rows, &b.labels, &b.in, 2, 40, 3);
    sl_bert_zero_grad(m);
    check_ok(sl_mlm_step(s, &whole, &b, scale, true, noise, &err));
    want = copy_grad(m);

    sl_bert_zero_grad(m);
    for (int64_t i = 0; i < b.in.n; i++) { /* a sequence at a time */
        part = (struct sl_mlm_batch){.in = sl_tokens_slice(&b.in, i, 1, start),
                                     .rows = rows};
        int64_t at = 0;

        while (at < b.n_rows && b.rows[at] < b.in.start[i])
            at++;
        part.labels = b.labels + at;
        for (; at < b.n_rows && b.rows[at] < b.in.start[i + 1]; at++)
            rows[part.n_rows++] = b.rows[at] - b.in.start[i];
        check_ok(sl_mlm_step(s, &sum, &part, scale, true, noise, &err));
        total += sum;
    }
    check_close(total, whole, 1e-12);
    check_same(m, want, 1e-12);
    sl_free(want);
    sl_mlm_free(s);
    sl_bert_free(m);
}

static void chunks_of_a_group_change_nothing(void **state)
{
    (void)state;
    struct sl_bert *m = tiny_model(be, tiny_electra_config(),
                                   (struct sl_bert_parts){.score = true}, 9);
    struct sl_crossencoder_batch b = {
        .passes = 2, .B = 1, .m = 3, .in = tiny_tokens(6, 7, 40, 10)};
    struct sl_crossencoder_result r[2];
    float score[2][6];
    double *want = NULL;

    for (int i = 0; i < 2; i++) {
        struct sl_crossencoder_options o = {{i ? 8 : 64, 16, i}, 6, true};
        struct sl_crossencoder *s = NULL;

        check_ok(sl_crossencoder_new(&s, m, &o, &err));
        sl_bert_zero_grad(m);
        check_ok(sl_crossencoder_step(s, &r[i], score[i], &b, scale, true,
                                      (struct sl_noise){true, 9}, &err));
        if (!i)
            want = copy_grad(m);
        sl_crossencoder_free(s);
    }
    assert_memory_equal(&r[0], &r[1], sizeof r[0]);
    assert_memory_equal(score[0], score[1], sizeof score[0]);
    check_same(m, want, 1e-12);
    sl_free(want);
    sl_bert_free(m);
}

/* ---- ranks --------------------------------------------------------------- */

/* Of one copy the rows at [at, to), counted from there. */
static int64_t rows_between(int32_t *rows, const int32_t *of, int64_t n,
                            int32_t at, int32_t to)
{
    int64_t n_rows = 0;

    for (int64_t i = 0; i < n; i++)
        if (of[i] >= at && of[i] < to)
            rows[n_rows++] = of[i] - at;
    return n_rows;
}

/* What a rank trains with of coCondenser's step: sequences begin .. end - 1. */
struct share {
    struct sl_pretrain_batch b;
    int32_t start[8], hidden[64], rows[64];
};

static void take_share(struct share *s, const struct sl_pretrain_batch *all)
{
    const struct sl_pretrain_copy *copy = &all->enc;
    int64_t begin, end;
    int32_t at, to;

    sl_comm_share_tokens(&begin, &end, all->clean.start, all->clean.n);
    at = all->clean.start[begin];
    to = all->clean.start[end];
    s->b = (struct sl_pretrain_batch){
        .clean = sl_tokens_slice(&all->clean, begin, end - begin, s->start),
        .enc = {.ids = copy->ids + at, .hidden = s->hidden, .rows = s->rows},
        .first_vector = begin};
    s->b.enc.n_hidden =
        rows_between(s->hidden, copy->hidden, copy->n_hidden, at, to);
    s->b.enc.n_rows = rows_between(s->rows, copy->rows, copy->n_rows, at, to);
    s->b.dec = s->b.enc;
}

/* A rank's part of a training step: *co <- the contrast's loss, of all. */
static void span_step(struct sl_pretrainer *s, double *co,
                      const struct sl_pretrain_batch *all, bool train)
{
    struct sl_noise noise = {true, 12};
    struct sl_pretrain_result r;
    struct share own;

    take_share(&own, all);
    if (own.b.clean.n)
        check_ok(sl_pretrainer_vectors(s, &own.b, noise, &err));
    check_ok(sl_pretrainer_contrast(s, co, all->clean.start, all->clean.n,
                                    contrast_scale, train, &err));
    if (own.b.clean.n && train)
        check_ok(
            sl_pretrainer_step(s, &r, &own.b, scales, true, noise, 3, &err));
}

static void check_span_ranks(int32_t size)
{
    const struct sl_objective *o = &sl_objectives[SIMLM_OBJECTIVE_COCONDENSER];
    struct sl_pretrainer_options options = {
        .session = small, .objective = o, .max_spans = 6};
    struct sl_bert *m = tiny_model(be, tiny_config(), parts_of(o, 1), 4);
    struct sl_pretrain_batch all = {.clean = tiny_tokens(6, 9, 40, 5)};
    struct sl_pretrainer *s = NULL;
    struct corrupted c;
    double alone, co, *want;
    bool known;

    corrupt(&all, &c);
    fit_batch(&all, o);
    check_ok(sl_pretrainer_new(&s, m, NULL, &options, &err));
    sl_bert_zero_grad(m);
    span_step(s, &alone, &all, true);
    want = copy_grad(m);

    sl_bert_zero_grad(m);
    fake_ranks_begin(size);
    while (fake_ranks_next(&known)) {
        span_step(s, &co, &all, known); /* gradients add up over ranks */
        if (known)
            assert_memory_equal(&co, &alone, sizeof co);
    }
    fake_ranks_end();
    check_same(m, want, 1e-12);
    sl_free(want);
    sl_pretrainer_free(s);
    sl_bert_free(m);
}

/* Pairs are torn apart, too, and with ten ranks some have nothing to do. */
static void gradients_of_ranks_spans_add_up_to_those_of_one(void **state)
{
    (void)state;
    check_span_ranks(2);
    check_span_ranks(3);
    check_span_ranks(10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mlm_gradients_are_derivatives),
        cmocka_unit_test(electra_generator_gradients_are_derivatives),
        cmocka_unit_test(rlm_gradients_are_derivatives),
        cmocka_unit_test(encdec_mlm_gradients_are_derivatives),
        cmocka_unit_test(condenser_gradients_are_derivatives),
        cmocka_unit_test(encdec_rtd_gradients_are_derivatives),
        cmocka_unit_test(autoencoder_gradients_are_derivatives),
        cmocka_unit_test(cocondenser_gradients_are_derivatives),
        cmocka_unit_test(joint_generator_gradients_are_derivatives),
        cmocka_unit_test(reranker_gradients_are_derivatives),
        cmocka_unit_test(checkpointing_gives_the_same_bits),
        cmocka_unit_test(micro_batches_add_up_to_the_step),
        cmocka_unit_test(chunks_of_a_group_change_nothing),
        cmocka_unit_test_teardown(
            gradients_of_ranks_spans_add_up_to_those_of_one,
            fake_ranks_teardown),
    };
    return cmocka_run_group_tests(tests, open_backend, close_backend);
}
