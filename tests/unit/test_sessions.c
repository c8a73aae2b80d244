/* Sessions: a text's vector depends on nothing but the text; the generator's
 * draws and dropout on nothing but their keys; bad batches are refused. */
#include <simlm/train.h>

#include "backend/backend.h"
#include "base/alloc.h"
#include "base/parallel.h"
#include "check.h"
#include "model/biencoder.h"
#include "model/encoder.h"
#include "model/pretrainer.h"
#include "tiny.h"

static const struct sl_session_options session = {128, 16, false};

static const struct sl_objective *const rlm =
    &sl_objectives[SIMLM_OBJECTIVE_RLM];

static const unsigned cpus[] = {0, SL_CPU_ONEDNN, SL_CPU_AVX2,
                                SL_CPU_AVX2 | SL_CPU_ONEDNN, SL_CPU_ALL};

static void each_cpu(void (*check)(struct sl_backend *be))
{
    static const enum sl_compute computes[] = {SL_FP32, SL_BF16};

    for (size_t i = 0; i < 2 * SL_LEN(cpus); i++) {
        struct sl_backend *be = NULL;
        unsigned cpu = cpus[i / 2];

        if (cpu != SL_CPU_ALL && (cpu & ~sl_cpu_detect()))
            continue;
        check_ok(sl_backend_open_cpu(&be, computes[i % 2], cpu, &err));
        check(be);
        sl_backend_close(be);
    }
}

/* ---- the encoder --------------------------------------------------------- */

static void check_alone(struct sl_backend *be)
{
    struct sl_config cfg = tiny_config();
    struct sl_tokens t = tiny_tokens(9, 16, cfg.vocab, 3);
    struct sl_bert *m;
    struct sl_encoder *e = NULL;
    float *all, *one;
    int32_t start[16];

    cfg.hidden = cfg.embedding = 24; /* no vector's width divides it */
    cfg.heads = 3;
    cfg.ffn = 52;
    m = tiny_model(be, cfg, (struct sl_bert_parts){0}, 1);
    all = SL_NEW_ARRAY(float, 9 * cfg.hidden);
    one = SL_NEW_ARRAY(float, 9 * cfg.hidden);
    check_ok(sl_encoder_new(&e, m, 200, 16, SL_POOL_MEAN, true, &err));
    sl_parallel_set_threads(1);
    check_ok(sl_encoder_encode(e, all, &t, &err));
    for (int64_t i = 0; i < t.n; i++) {
        struct sl_tokens part = sl_tokens_slice(&t, i, 1, start);

        check_ok(sl_encoder_encode(e, one, &part, &err));
        assert_memory_equal(one, all + i * cfg.hidden,
                            (size_t)cfg.hidden * sizeof *one);
    }
    sl_parallel_set_threads(2);
    check_ok(sl_encoder_encode(e, one, &t, &err));
    assert_memory_equal(one, all, (size_t)(9 * cfg.hidden) * sizeof *one);
    sl_parallel_set_threads(1);
    sl_encoder_free(e);
    sl_bert_free(m);
    sl_free(all);
    sl_free(one);
}

static void vectors_are_the_same_bits_alone_or_in_any_batch(void **state)
{
    (void)state;
    each_cpu(check_alone);
}

/* Of a [CLS] encoder's last layer only first rows are computed. */
static void check_cls(struct sl_backend *be)
{
    struct sl_config cfg = tiny_config();
    struct sl_tokens t = tiny_tokens(9, 16, cfg.vocab, 3);
    struct sl_bert *m;
    struct sl_encoder *cls = NULL, *mean = NULL;
    float *v, *hidden;

    cfg.hidden = cfg.embedding = 48;
    cfg.heads = 3;
    cfg.ffn = 80;
    for (cfg.layers = 1; cfg.layers <= 3; cfg.layers++) {
        m = tiny_model(be, cfg, (struct sl_bert_parts){0}, 1);
        v = SL_NEW_ARRAY(float, t.n *cfg.hidden);
        hidden = SL_NEW_ARRAY(float, t.N *cfg.hidden);
        check_ok(sl_encoder_new(&cls, m, 200, 16, SL_POOL_CLS, false, &err));
        check_ok(sl_encoder_new(&mean, m, 200, 16, SL_POOL_MEAN, false, &err));
        check_ok(sl_encoder_encode(cls, v, &t, &err));
        check_ok(sl_encoder_hidden(mean, hidden, &t, &err));
        for (int64_t i = 0; i < t.n; i++)
            assert_memory_equal(v + i * cfg.hidden,
                                hidden + t.start[i] * cfg.hidden,
                                (size_t)cfg.hidden * sizeof *v);
        sl_encoder_free(cls);
        sl_encoder_free(mean);
        sl_bert_free(m);
        sl_free(v);
        sl_free(hidden);
    }
}

static void cls_vectors_are_first_rows_of_the_whole_last_layer(void **state)
{
    (void)state;
    each_cpu(check_cls);
}

static void bad_batches_are_refused(void **state)
{
    (void)state;
    struct sl_backend *be = NULL;
    struct sl_bert *m;
    struct sl_encoder *e = NULL;
    struct sl_tokens good = tiny_tokens(3, 6, 40, 1), t;
    int32_t ids[64] = {0}, types[64] = {0};
    int32_t start[4] = {0, 3, 3, 6}, far[2] = {0, 17};
    uint64_t key[3] = {1, (uint64_t)1 << 48, 2};
    float v[16 * 8];

    check_ok(sl_backend_open_cpu(&be, SL_FP32, 0, &err));
    m = tiny_model(be, tiny_config(), (struct sl_bert_parts){0}, 1);
    check_ok(sl_encoder_new(&e, m, 20, 4, SL_POOL_CLS, true, &err));
    check_ok(sl_encoder_encode(e, v, &good, &err));
#define REFUSED(says, change)                                                  \
    do {                                                                       \
        t = good;                                                              \
        change;                                                                \
        check_fails(SIMLM_E_RANGE, says, sl_encoder_encode(e, v, &t, &err));   \
    } while (0)
    REFUSED("0 sequences", t.n = 0);
    REFUSED("5 sequences", t.n = 5);
    REFUSED("21 tokens", t.N = 21);
    REFUSED("do not cover", t.N--);
    REFUSED("sequence 1 has 0 tokens", (t.start = start, t.N = 6));
    REFUSED("sequence 0 has 17 tokens",
            (t.start = far, t.n = 1, t.N = 17, t.ids = ids, t.types = types));
    REFUSED("48 bits", t.key = key);
    REFUSED("token id 40", (t.ids = ids, ids[t.N - 1] = 40));
    REFUSED("token id -1", (t.ids = ids, ids[t.N - 1] = -1));
    REFUSED("token type 2", (t.types = types, types[0] = 2));
#undef REFUSED
    sl_encoder_free(e);
    sl_bert_free(m);
    sl_backend_close(be);
}

/* With dropout: its masks, too, belong to the token. */
static void check_row_alone(struct sl_backend *be)
{
    struct sl_config cfg = tiny_config();
    struct sl_bert *m =
        tiny_model(be, cfg, (struct sl_bert_parts){.head = true}, 1);
    struct sl_mlm_batch all = {.in = tiny_tokens(5, 9, cfg.vocab, 1)}, one;
    struct sl_noise noise = {true, 3};
    struct sl_mlm *s = NULL;
    double sum, total = 0;

    check_ok(sl_mlm_new(&s, m, &session, &err));
    all.n_rows = tiny_rows(&all.rows, &all.labels, &all.in, 3, cfg.vocab, 2);
    for (int64_t i = 0; i < all.n_rows; i++) {
        one = all;
        one.rows += i;
        one.labels += i;
        one.n_rows = 1;
        check_ok(sl_mlm_step(s, &sum, &one, 1, false, noise, &err));
        total += sum;
    }
    check_ok(sl_mlm_step(s, &sum, &all, 1, false, noise, &err));
    check_close(total, sum, 1e-6);
    sl_mlm_free(s);
    sl_bert_free(m);
}

static void a_rows_loss_does_not_depend_on_which_others_count(void **state)
{
    (void)state;
    each_cpu(check_row_alone);
}

/* ---- MLM rows ------------------------------------------------------------ */

static void bad_rows_are_refused_and_none_are_fine(void **state)
{
    (void)state;
    struct sl_backend *be = NULL;
    struct sl_bert *m;
    struct sl_mlm *s = NULL;
    struct sl_mlm_batch b = {0};
    int32_t rows[3] = {0, 2, 2}, labels[3] = {1, 2, 40};
    struct sl_noise off = {0};
    double sum = 1;

    check_ok(sl_backend_open_cpu(&be, SL_FP32, 0, &err));
    m = tiny_model(be, tiny_config(), (struct sl_bert_parts){.head = true}, 1);
    check_ok(sl_mlm_new(&s, m, &session, &err));
    b.in = tiny_tokens(3, 6, 40, 1);
    b.rows = rows;
    b.labels = labels;
    sl_bert_zero_grad(m);
    check_ok(sl_mlm_step(s, &sum, &b, 1, true, off, &err));
    assert_true(sum == 0);
    for (int64_t i = 0; i < m->params.size; i++)
        assert_true(((const float *)m->g)[i] == 0);
    b.n_rows = 3;
    check_fails(SIMLM_E_RANGE, "counted row 2 is 2",
                sl_mlm_step(s, &sum, &b, 1, true, off, &err));
    rows[2] = 99;
    check_fails(SIMLM_E_RANGE, "counted row 2 is 99",
                sl_mlm_step(s, &sum, &b, 1, true, off, &err));
    rows[2] = 3;
    check_fails(SIMLM_E_RANGE, "label 40",
                sl_mlm_step(s, &sum, &b, 1, true, off, &err));
    sl_mlm_free(s);
    sl_bert_free(m);
    m = tiny_model(be, tiny_config(), (struct sl_bert_parts){0}, 1);
    check_fails(SIMLM_E_ARG, "no LM head", sl_mlm_new(&s, m, &session, &err));
    sl_bert_free(m);
    sl_backend_close(be);
}

/* ---- the generator ------------------------------------------------------- */

static struct sl_backend *open_all(void)
{
    struct sl_backend *be = NULL;

    check_ok(
        sl_backend_open_cpu(&be, SL_FP32, SL_CPU_ALL & sl_cpu_detect(), &err));
    return be;
}

static void draws_are_functions_of_their_keys(void **state)
{
    (void)state;
    struct sl_backend *be = open_all();
    struct sl_bert *m = tiny_model(be, tiny_electra_config(),
                                   (struct sl_bert_parts){.head = true}, 1);
    struct sl_tokens t = tiny_tokens(6, 12, 40, 2), part;
    struct sl_noise on = {true, 5}, off = {false, 5};
    struct sl_generator *g = NULL;
    const int32_t *rows, *unused;
    int64_t n = tiny_rows(&rows, &unused, &t, 1, 40, 3);
    int32_t draw[5][128], start[8], all_rows[16];

    check_ok(sl_generator_new(&g, m, 128, 16, false, &err));
    check_ok(sl_generator_sample(g, draw[0], &t, rows, n, 7, 0, on, &err));
    check_ok(sl_generator_sample(g, draw[1], &t, rows, n, 7, 0, on, &err));
    check_ok(sl_generator_sample(g, draw[2], &t, rows, n, 7, 1, on, &err));
    check_ok(sl_generator_sample(g, draw[3], &t, rows, n, 8, 0, on, &err));
    check_ok(sl_generator_sample(g, draw[4], &t, rows, n, 7, 0, off, &err));
    assert_memory_equal(draw[0], draw[1], (size_t)n * sizeof **draw);
    for (int i = 2; i < 5; i++)
        assert_memory_not_equal(draw[0], draw[i], (size_t)n * sizeof **draw);
    /* A sequence alone draws what it draws in the batch. */
    for (int32_t i = 0; i < 16; i++)
        all_rows[i] = i;
    part = sl_tokens_slice(&t, 3, 1, start);
    check_ok(sl_generator_sample(g, draw[1], &part, all_rows, part.N, 7, 0, on,
                                 &err));
    assert_memory_equal(draw[1], draw[0] + t.start[3],
                        (size_t)part.N * sizeof **draw);
    sl_generator_free(g);
    sl_bert_free(m);
    sl_backend_close(be);
}

/* The share of each id among many draws of one row is its probability. */
static void draws_follow_the_logits(void **state)
{
    (void)state;
    enum { TRIALS = 4000 };
    struct sl_backend *be = open_all();
    struct sl_bert *m =
        tiny_model(be, tiny_config(), (struct sl_bert_parts){.head = true}, 1);
    struct sl_noise off = {0};
    struct sl_generator *g = NULL;
    struct sl_mlm *s = NULL;
    struct sl_mlm_batch b = {.in = tiny_tokens(1, 8, 40, 2), .n_rows = 1};
    int32_t row = 0, drawn, count[40] = {0};
    float logits[40];
    double sum = 0, chi = 0;

    b.rows = &row;
    check_ok(sl_mlm_new(&s, m, &session, &err));
    check_ok(sl_mlm_logits(s, logits, &b, &err));
    check_ok(sl_generator_new(&g, m, 128, 16, false, &err));
    for (uint64_t i = 0; i < TRIALS; i++) {
        check_ok(sl_generator_sample(g, &drawn, &b.in, &row, 1, 1000 + i, 0,
                                     off, &err));
        count[drawn]++;
    }
    for (int i = 0; i < 40; i++)
        sum += exp((double)logits[i]);
    for (int i = 0; i < 40; i++) {
        double want = TRIALS * exp((double)logits[i]) / sum;

        chi += (count[i] - want) * (count[i] - want) / want;
    }
    /* 39 degrees of freedom: above 80 once in ten thousand. */
    check_msg(chi < 80, "chi-square %g", chi);
    sl_mlm_free(s);
    sl_generator_free(g);
    sl_bert_free(m);
    sl_backend_close(be);
}

/* ---- RLM ----------------------------------------------------------------- */

static void the_generator_fills_the_masks_and_nothing_else(void **state)
{
    (void)state;
    struct sl_backend *be = open_all();
    struct sl_bert *m =
        tiny_model(be, tiny_config(),
                   (struct sl_bert_parts){.head = true, .n_decoder = 2}, 4);
    struct sl_bert *g = tiny_model(be, tiny_electra_config(),
                                   (struct sl_bert_parts){.head = true}, 9);
    struct sl_pretrainer_options o = {.session = session,
                                      .objective = rlm,
                                      .generator_dropout = true},
                                 calm = o;
    static const struct sl_pretrain_scales one = {1, 1, 0};
    struct sl_noise noise = {true, 5};
    struct sl_generator *gen = NULL;
    struct sl_pretrainer *s = NULL, *quiet = NULL, *given = NULL;
    struct sl_pretrain_batch b = {.clean = tiny_tokens(4, 12, 40, 5)}, by_hand;
    struct sl_pretrain_result r, same, other;
    struct sl_tokens masked = b.clean;
    int32_t enc[64], dec[64], rows[2][64], draw[64], filled[2][64];
    const int32_t *unused;
    int64_t changed = 0;

    for (int32_t i = 0; i < b.clean.N; i++) {
        enc[i] = dec[i] = b.clean.ids[i];
        if (i % 3 == 1)
            enc[i] = 4, rows[0][b.enc.n_hidden++] = i;
        if (i % 3 == 1 || i % 4 == 0)
            dec[i] = 4, rows[1][b.dec.n_hidden++] = i;
    }
    b.enc.ids = enc;
    b.dec.ids = dec;
    b.enc.hidden = rows[0];
    b.dec.hidden = rows[1];
    b.enc.n_rows = tiny_rows(&b.enc.rows, &unused, &b.clean, 1, 40, 6);
    b.dec.n_rows = b.enc.n_rows;
    b.dec.rows = b.enc.rows;
    calm.generator_dropout = false;
    check_ok(sl_pretrainer_new(&s, m, g, &o, &err));
    check_ok(sl_pretrainer_step(s, &r, &b, one, false, noise, 77, &err));
    check_ok(sl_pretrainer_step(s, &same, &b, one, false, noise, 77, &err));
    assert_memory_equal(&r, &same, sizeof r);

    /* By hand: draw for each copy, put the draws in place, no generator. */
    check_ok(sl_generator_new(&gen, g, 128, 16, false, &err));
    for (uint32_t pass = 0; pass < 2; pass++) {
        const int32_t *in = pass ? dec : enc;
        int64_t n = pass ? b.dec.n_hidden : b.enc.n_hidden;

        masked.ids = in;
        memcpy(filled[pass], in, sizeof filled[pass]);
        check_ok(sl_generator_sample(gen, draw, &masked, rows[pass], n, 77,
                                     pass, noise, &err));
        for (int64_t i = 0; i < n; i++)
            filled[pass][rows[pass][i]] = draw[i];
    }
    for (int64_t i = 0; i < b.clean.N; i++)
        changed += filled[0][i] != b.clean.ids[i];
    assert_int_equal(r.n_changed, changed);
    by_hand = b;
    by_hand.enc.ids = filled[0];
    by_hand.dec.ids = filled[1];
    check_ok(sl_pretrainer_new(&given, m, NULL, &o, &err));
    check_ok(sl_pretrainer_step(given, &other, &by_hand, one, false, noise, 77,
                                &err));
    assert_memory_equal(&r, &other, sizeof r);

    /* The generator's dropout is an option of its own. */
    check_ok(sl_pretrainer_new(&quiet, m, g, &calm, &err));
    check_ok(
        sl_pretrainer_step(quiet, &other, &b, one, false, noise, 77, &err));
    assert_true(other.enc_sum != r.enc_sum);
    sl_pretrainer_free(s);
    sl_pretrainer_free(quiet);
    sl_pretrainer_free(given);
    sl_generator_free(gen);
    sl_bert_free(m);
    sl_bert_free(g);
    sl_backend_close(be);
}

/* What a joint generator learns is what a masked LM learns at the encoder's masks;
 * it draws as a frozen one does, and the model learns the same from it. */
static void a_joint_generator_learns_as_a_masked_lm(void **state)
{
    (void)state;
    struct sl_backend *be = open_all();
    struct sl_bert_parts parts = {.head = true, .n_decoder = 1};
    struct sl_bert *m = tiny_model(be, tiny_config(), parts, 4), *g, *alone;
    struct sl_pretrainer_options o = {.session = session, .objective = rlm};
    struct sl_pretrain_scales scales = {1, 1, 0.5};
    struct sl_pretrain_batch b = {.clean = tiny_tokens(4, 12, 40, 5)};
    struct sl_pretrain_result frozen, joint;
    struct sl_noise off = {0};
    struct sl_pretrainer *s = NULL;
    struct sl_mlm *mlm = NULL;
    struct sl_mlm_batch mb;
    int32_t ids[64], rows[64], labels[64];
    int64_t size = m->params.size;
    double sum, want = 0, got = 0, model[2];

    parts.n_decoder = 0;
    g = tiny_model(be, tiny_electra_config(), parts, 9);
    alone = tiny_model(be, tiny_electra_config(), parts, 9);
    b.enc = b.dec = (struct sl_pretrain_copy){ids, 0, rows, 0, rows};
    for (int32_t i = 0; i < b.clean.N; i++) {
        bool hidden = i % 3 == 1;

        ids[i] = hidden ? 4 : b.clean.ids[i];
        if (hidden) {
            labels[b.enc.n_hidden] = b.clean.ids[i];
            rows[b.enc.n_hidden++] = i;
        }
    }
    b.enc.n_rows = b.dec.n_rows = b.dec.n_hidden = b.enc.n_hidden;
    check_ok(sl_pretrainer_new(&s, m, g, &o, &err));
    check_ok(sl_pretrainer_step(s, &frozen, &b, scales, true, off, 7, &err));
    be->ops->sum_squares(be, &model[0], m->g, size);
    sl_pretrainer_free(s);

    check_ok(sl_bert_join(m, g, "generator.", &err));
    assert_true(
        sl_params_find(&m->params, "generator.generator_lm_head.bias") >= 0);
    o.joint = true;
    check_ok(sl_pretrainer_new(&s, m, g, &o, &err));
    check_ok(sl_pretrainer_step(s, &joint, &b, scales, true, off, 7, &err));
    be->ops->sum_squares(be, &model[1], m->g, size);
    be->ops->sum_squares(be, &got, g->g, g->params.size);
    assert_true(frozen.enc_sum == joint.enc_sum &&
                frozen.dec_sum == joint.dec_sum && frozen.gen_sum == 0);
    assert_true(model[0] == model[1]);

    mb = (struct sl_mlm_batch){.in = b.clean,
                               .n_rows = b.enc.n_hidden,
                               .rows = rows,
                               .labels = labels};
    mb.in.ids = ids;
    check_ok(sl_mlm_new(&mlm, alone, &session, &err));
    check_ok(sl_mlm_step(mlm, &sum, &mb, 0.5, true, off, &err));
    be->ops->sum_squares(be, &want, alone->g, alone->params.size);
    assert_true(joint.gen_sum == sum);
    check_close(got, want, 1e-6);
    sl_mlm_free(mlm);
    sl_pretrainer_free(s);
    sl_bert_free(alone);
    sl_bert_free(g);
    sl_bert_free(m);
    sl_backend_close(be);
}

static void the_heads_epsilon_is_the_heads_alone(void **state)
{
    (void)state;
    struct sl_backend *be = open_all();
    struct sl_bert *m = tiny_model(be, tiny_electra_config(),
                                   (struct sl_bert_parts){.head = true}, 1);
    int32_t row = 0;
    struct sl_mlm_batch b = {
        .in = tiny_tokens(1, 8, 40, 2), .n_rows = 1, .rows = &row};
    float logits[2][40], hidden[2][8 * 8];

    for (int i = 0; i < 2; i++) {
        struct sl_encoder *e = NULL;
        struct sl_mlm *s = NULL;

        m->cfg.head_eps = i ? 0.5f : 1e-12f;
        check_ok(sl_mlm_new(&s, m, &session, &err));
        check_ok(sl_mlm_logits(s, logits[i], &b, &err));
        check_ok(sl_encoder_new(&e, m, 64, 4, SL_POOL_MEAN, true, &err));
        check_ok(sl_encoder_hidden(e, hidden[i], &b.in, &err));
        sl_mlm_free(s);
        sl_encoder_free(e);
    }
    assert_memory_equal(hidden[0], hidden[1],
                        (size_t)(b.in.N * 8) * sizeof(float));
    assert_memory_not_equal(logits[0], logits[1], sizeof logits[0]);
    sl_bert_free(m);
    sl_backend_close(be);
}

static void models_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    struct sl_backend *be = open_all();
    struct sl_config other = tiny_config();
    struct sl_pretrainer_options o = {.session = session, .objective = rlm};
    struct sl_bert *m, *g;
    struct sl_pretrainer *s = NULL;

    other.vocab = 41;
    m = tiny_model(be, tiny_config(),
                   (struct sl_bert_parts){.head = true, .n_decoder = 1}, 4);
    g = tiny_model(be, other, (struct sl_bert_parts){.head = true}, 9);
    check_fails(SIMLM_E_ARG, "vocabulary has 41 tokens, the model's 40",
                sl_pretrainer_new(&s, m, g, &o, &err));
    check_fails(SIMLM_E_ARG, "no decoder layers",
                sl_pretrainer_new(&s, g, NULL, &o, &err));
    o.objective = &sl_objectives[SIMLM_OBJECTIVE_ENCDEC_RTD];
    check_fails(SIMLM_E_ARG, "no head for 'encdec-rtd'",
                sl_pretrainer_new(&s, m, NULL, &o, &err));
    o.objective = &sl_objectives[SIMLM_OBJECTIVE_CONDENSER];
    o.early_layers = 2;
    check_fails(SIMLM_E_ARG, "2 early layers of 2",
                sl_pretrainer_new(&s, m, NULL, &o, &err));
    sl_bert_free(m);
    sl_bert_free(g);
    sl_backend_close(be);
}

static void an_exploding_model_is_a_numeric_error(void **state)
{
    (void)state;
    struct sl_backend *be = open_all();
    struct sl_bert *m =
        tiny_model(be, tiny_config(), (struct sl_bert_parts){.head = true}, 4);
    struct sl_mlm_batch b = {.in = tiny_tokens(3, 6, 40, 1)};
    struct sl_mlm *s = NULL;
    struct sl_encoder *e = NULL;
    float nan = NAN, v[64];
    double sum;

    b.n_rows = tiny_rows(&b.rows, &b.labels, &b.in, 2, 40, 2);
    check_ok(sl_mlm_new(&s, m, &session, &err));
    check_ok(sl_encoder_new(&e, m, 128, 16, SL_POOL_CLS, true, &err));
    be->upload_real(be, m->W.layer[1].b2, &nan, 1);
    check_fails(SIMLM_E_NUMERIC, "the loss is",
                sl_mlm_step(s, &sum, &b, 1, false, (struct sl_noise){0}, &err));
    check_fails(SIMLM_E_NUMERIC, "the vector of text 0",
                sl_encoder_encode(e, v, &b.in, &err));
    sl_mlm_free(s);
    sl_encoder_free(e);
    sl_bert_free(m);
    sl_backend_close(be);
}

static int one_thread(void **state)
{
    (void)state;
    sl_parallel_set_threads(1);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_are_the_same_bits_alone_or_in_any_batch),
        cmocka_unit_test(cls_vectors_are_first_rows_of_the_whole_last_layer),
        cmocka_unit_test(bad_batches_are_refused),
        cmocka_unit_test(a_rows_loss_does_not_depend_on_which_others_count),
        cmocka_unit_test(bad_rows_are_refused_and_none_are_fine),
        cmocka_unit_test(draws_are_functions_of_their_keys),
        cmocka_unit_test(draws_follow_the_logits),
        cmocka_unit_test(the_generator_fills_the_masks_and_nothing_else),
        cmocka_unit_test(a_joint_generator_learns_as_a_masked_lm),
        cmocka_unit_test(the_heads_epsilon_is_the_heads_alone),
        cmocka_unit_test(models_that_do_not_fit_are_refused),
        cmocka_unit_test(an_exploding_model_is_a_numeric_error),
    };
    return cmocka_run_group_tests(tests, one_thread, NULL);
}
