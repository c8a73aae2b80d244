/* The bi-encoder: its gradients are the derivatives of its losses, contrastive
 * and distillation, with every switch, with one encoder or two and with a pooler,
 * by central differences in double.
 * Cutting a step into chunks or over ranks, or recomputing activations, changes
 * nothing. */
#include "backend/backend.h"
#include "base/alloc.h"
#include "check.h"
#include "derivatives.h"
#include "fake_ranks.h"
#include "model/biencoder.h"
#include "model/towers.h"
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

/* Three queries with two passages each. */
static const float teacher[6] = {2, -1, 0.5f, 0.25f, -3, 1};
static const uint8_t mask[18] = {0, 0, 0, 1, 0, 0, 0, 0, 0,
                                 0, 0, 1, 0, 0, 0, 0, 0, 0};

/* One encoder, or two of different weights; a pooler of that width. */
static struct sl_bert *make_model(int64_t layers, bool untied, int64_t pooler)
{
    struct sl_config cfg = tiny_config();
    struct sl_bert *m;

    cfg.layers = layers;
    m = tiny_model(be, cfg, (struct sl_bert_parts){.pooler = pooler}, 7);
    if (untied) {
        m->passage = tiny_model(be, cfg, (struct sl_bert_parts){0}, 8);
        check_ok(sl_towers_train(m, &err));
    }
    return m;
}

struct problem {
    struct sl_biencoder *s;
    struct sl_biencoder_batch batch;
    struct sl_biencoder_loss loss;
    struct sl_noise noise;
};

static double loss_of(void *self, bool train)
{
    struct problem *p = self;
    struct sl_biencoder_result r;
    int32_t rank[3];

    check_ok(sl_biencoder_step(p->s, &r, rank, &p->batch, p->loss, train,
                               p->noise, &err));
    return p->loss.contrastive * r.contrastive + p->loss.distill * r.distill;
}

/* What is not said: one layer, [CLS] rows, vectors as they are, query-passage
 * logits alone, everything at once, no teacher. */
struct setting {
    int64_t layers, max_tokens; /* 0: 1, 64 */
    bool dropout, normalize, full, mask;
    bool untied;
    int64_t pooler; /* its width */
    enum sl_pooling pooling;
    double contrastive, distill; /* distill 0: no teacher */
};

static void check(struct setting c)
{
    struct problem p = {.noise = {c.dropout, 13}};
    struct sl_biencoder_options o = {
        .session = {c.max_tokens ? c.max_tokens : 64, 16, false},
        .max_queries = 3,
        .max_passages = 6,
        .pooling = c.pooling,
        .normalize = c.normalize};
    struct gradient_watch w;
    struct sl_bert *m;

    m = make_model(c.layers ? c.layers : 1, c.untied, c.pooler);
    check_ok(sl_biencoder_new(&p.s, m, &o, &err));
    p.loss = (struct sl_biencoder_loss){c.normalize ? 5 : 0.3, c.full,
                                        c.contrastive, c.distill};
    p.batch =
        (struct sl_biencoder_batch){.B = 3,
                                    .m = 2,
                                    .in = tiny_tokens(9, 7, 40, 8),
                                    .mask = c.mask ? mask : NULL,
                                    .teacher = c.distill > 0 ? teacher : NULL};
    gradient_watch_begin(&w, m);
    p.batch.watch = &w.watch;
    check_derivatives(m, loss_of, &p, 0);
    gradient_watch_check(&w);
    sl_biencoder_free(p.s);
    sl_bert_free(m);
}

static void contrastive_gradients_are_derivatives(void **state)
{
    static const struct setting settings[] = {
        {.layers = 2, .normalize = true, .full = true, .contrastive = 0.37},
        {.dropout = true,
         .normalize = true,
         .full = true,
         .mask = true,
         .contrastive = 0.37},
        {.layers = 2,
         .dropout = true,
         .normalize = true,
         .full = true,
         .mask = true,
         .pooling = SL_POOL_MEAN,
         .contrastive = 0.37},
        {.layers = 2, /* in several chunks */
         .max_tokens = 12,
         .dropout = true,
         .mask = true,
         .contrastive = 0.37},
    };

    (void)state;
    for (size_t i = 0; i < SL_LEN(settings); i++)
        check(settings[i]);
}

static void distillation_gradients_are_derivatives(void **state)
{
    static const struct setting settings[] = {
        {.layers = 2,
         .normalize = true,
         .full = true,
         .contrastive = 0.2,
         .distill = 0.4},
        {.dropout = true,
         .normalize = true,
         .mask = true,
         .contrastive = 0.2,
         .distill = 0.4},
        {.layers = 2, /* the divergence alone, in several chunks */
         .max_tokens = 12,
         .dropout = true,
         .full = true,
         .pooling = SL_POOL_MEAN,
         .distill = 1.5},
    };

    (void)state;
    for (size_t i = 0; i < SL_LEN(settings); i++)
        check(settings[i]);
}

/* Either side's encoder, and the layer behind both. */
static void towers_gradients_are_derivatives(void **state)
{
    static const struct setting settings[] = {
        {.untied = true, .normalize = true, .full = true, .contrastive = 0.37},
        {.pooler = 5, .normalize = true, .full = true, .contrastive = 0.37},
        {.pooler = 12, .pooling = SL_POOL_MEAN, .contrastive = 0.37},
        {.layers = 2, /* all of it, in several chunks */
         .max_tokens = 12,
         .dropout = true,
         .normalize = true,
         .full = true,
         .mask = true,
         .untied = true,
         .pooler = 5,
         .pooling = SL_POOL_MEAN,
         .contrastive = 0.2,
         .distill = 0.4},
        {.layers = 2,
         .dropout = true,
         .untied = true,
         .pooler = 9,
         .contrastive = 0.2,
         .distill = 0.4},
    };

    (void)state;
    for (size_t i = 0; i < SL_LEN(settings); i++)
        check(settings[i]);
}

static void check_chunks(bool untied, int64_t pooler)
{
    struct sl_biencoder_batch b = {
        .B = 3, .m = 2, .in = tiny_tokens(9, 7, 40, 8), .teacher = teacher};
    struct sl_biencoder_loss loss = {50, true, 0.2 / 3, 1.0 / 3};
    struct sl_biencoder_result r[2];
    struct sl_bert *m = make_model(2, untied, pooler);
    double *want = NULL;
    int32_t rank[2][3];

    for (int i = 0; i < 2; i++) {
        struct sl_biencoder_options o = {
            {i ? 8 : 64, 16, i}, 3, 6, SL_POOL_CLS, true};
        struct sl_biencoder *s = NULL;

        check_ok(sl_biencoder_new(&s, m, &o, &err));
        sl_bert_zero_grad(m);
        check_ok(sl_biencoder_step(s, &r[i], rank[i], &b, loss, true,
                                   (struct sl_noise){true, 9}, &err));
        if (!i)
            want = copy_grad(m);
        sl_biencoder_free(s);
    }
    assert_memory_equal(&r[0], &r[1], sizeof r[0]);
    assert_memory_equal(rank[0], rank[1], sizeof rank[0]);
    check_same(m, want, 1e-12);
    sl_free(want);
    sl_bert_free(m);
}

static void chunks_of_a_step_change_nothing(void **state)
{
    (void)state;
    check_chunks(false, 0);
    check_chunks(true, 5);
}

/* Two encoders of the same weights are one: the same loss to the bit, and the
 * shared one's gradient is the sum of theirs. */
static void equal_towers_are_a_shared_encoder(void **state)
{
    struct sl_bert *one = make_model(2, false, 0);
    struct sl_bert *two = make_model(2, true, 0);
    struct sl_biencoder_options o = {{64, 16, false}, 3, 6, SL_POOL_CLS, true};
    struct sl_biencoder_batch b = {
        .B = 3, .m = 2, .in = tiny_tokens(9, 7, 40, 8)};
    struct sl_biencoder_loss loss = {20, true, 1.0 / 3, 0};
    struct sl_biencoder_result r[2];
    struct sl_bert *models[] = {one, two};
    int64_t n = one->params.size;
    int64_t behind = (double *)two->passage->w - (double *)two->w;
    double *sum = SL_NEW_ARRAY(double, n);
    int32_t rank[3];

    (void)state;
    assert_int_equal(two->params.count, 2 * one->params.count);
    memcpy((double *)two->w + behind, two->w, (size_t)n * sizeof *sum);
    for (int i = 0; i < 2; i++) {
        struct sl_biencoder *s = NULL;

        check_ok(sl_biencoder_new(&s, models[i], &o, &err));
        sl_bert_zero_grad(models[i]);
        check_ok(sl_biencoder_step(s, &r[i], rank, &b, loss, true,
                                   (struct sl_noise){true, 9}, &err));
        sl_biencoder_free(s);
    }
    assert_memory_equal(&r[0], &r[1], sizeof r[0]);
    for (int64_t i = 0; i < n; i++)
        sum[i] = ((double *)two->g)[i] + ((double *)two->g)[behind + i];
    check_same(one, sum, 1e-12);
    sl_free(sum);
    sl_bert_free(one);
    sl_bert_free(two);
}

/* ---- ranks --------------------------------------------------------------- */

/* A training step's loss and ranks; its gradients are in m. */
struct outcome {
    struct sl_biencoder_result r;
    int32_t rank[3];
};

static struct sl_biencoder *new_session(struct sl_bert *m, int64_t max_tokens)
{
    struct sl_biencoder_options o = {
        {max_tokens, 16, false}, 3, 6, SL_POOL_CLS, true};
    struct sl_biencoder *s = NULL;

    check_ok(sl_biencoder_new(&s, m, &o, &err));
    return s;
}

static struct outcome run_step(struct sl_biencoder *s, bool train)
{
    struct sl_biencoder_batch b = {.B = 3,
                                   .m = 2,
                                   .in = tiny_tokens(9, 7, 40, 8),
                                   .mask = mask,
                                   .teacher = teacher};
    struct sl_biencoder_loss loss = {20, true, 0.2 / 3, 1.0 / 3};
    struct outcome got;

    check_ok(sl_biencoder_step(s, &got.r, got.rank, &b, loss, train,
                               (struct sl_noise){true, 9}, &err));
    return got;
}

static void check_ranks(int32_t size, int64_t max_tokens, bool untied,
                        int64_t pooler)
{
    struct sl_bert *m = make_model(2, untied, pooler);
    struct sl_biencoder *s = new_session(m, max_tokens);
    struct outcome alone, got;
    double *want;
    bool known;

    sl_bert_zero_grad(m);
    alone = run_step(s, true);
    want = copy_grad(m);

    sl_bert_zero_grad(m);
    fake_ranks_begin(size);
    while (fake_ranks_next(&known)) {
        got = run_step(s, known); /* gradients add up over ranks */
        if (!known)
            continue;
        assert_memory_equal(&got.r, &alone.r, sizeof got.r);
        assert_memory_equal(got.rank, alone.rank, sizeof got.rank);
    }
    fake_ranks_end();
    check_same(m, want, 1e-12);
    sl_free(want);
    sl_biencoder_free(s);
    sl_bert_free(m);
}

/* Negatives cross processes: spec 2.2. */
static void gradients_of_ranks_add_up_to_those_of_one(void **state)
{
    (void)state;
    check_ranks(2, 64, false, 0);
    check_ranks(3, 8, false, 5); /* in several chunks each */
    check_ranks(2, 64, true, 5);
    check_ranks(4, 8, true, 0);
    check_ranks(12, 64, false, 0); /* some have nothing to do */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contrastive_gradients_are_derivatives),
        cmocka_unit_test(distillation_gradients_are_derivatives),
        cmocka_unit_test(towers_gradients_are_derivatives),
        cmocka_unit_test(chunks_of_a_step_change_nothing),
        cmocka_unit_test(equal_towers_are_a_shared_encoder),
        cmocka_unit_test_teardown(gradients_of_ranks_add_up_to_those_of_one,
                                  fake_ranks_teardown),
    };
    return cmocka_run_group_tests(tests, open_backend, close_backend);
}
