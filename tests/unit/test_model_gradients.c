/* Whole-model gradients are the derivatives of whole-model losses: MLM (BERT
 * and ELECTRA form), RLM with its bottleneck, and the cross-encoder (both heads,
 * with and without R-Drop), by central differences in double, with and without
 * dropout.  Cutting a step, or recomputing activations, changes no gradient.
 * (The bi-encoder: test_biencoder.c.) */
#include "backend/backend.h"
#include "base/alloc.h"
#include "check.h"
#include "derivatives.h"
#include "model/crossencoder.h"
#include "model/rlm.h"
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
    struct sl_rlm *rlm;
    struct sl_rlm_batch rlm_batch;
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

static double rlm_loss(struct problem *p, bool train)
{
    struct sl_rlm_result r;

    check_ok(sl_rlm_step(p->rlm, &r, &p->rlm_batch, scale, train, p->noise, 3,
                         &err));
    return scale * (r.enc_sum + r.dec_sum);
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

static void check_gradients(struct problem *p)
{
    check_derivatives(p->m, loss_of, p, p->n_flat);
}

static const struct sl_session_options small = {64, 16, false};

/* ---- the losses
 * ---------------------------------------------------------------- */

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

/* Some tokens replaced for the encoder, those and more for the decoder. */
static void corrupt(struct sl_rlm_batch *b, int32_t *enc, int32_t *dec)
{
    for (int64_t i = 0; i < b->clean.N; i++) {
        enc[i] = dec[i] = b->clean.ids[i];
        if (i % 3 == 1)
            enc[i] = dec[i] = (enc[i] + 5) % 40;
        if (i % 4 == 2)
            dec[i] = (dec[i] + 11) % 40;
    }
    b->enc_ids = enc;
    b->dec_ids = dec;
}

static void check_rlm(bool dropout, int64_t n_decoder)
{
    struct problem p = {.loss = rlm_loss, .noise = {dropout, 12}};
    struct sl_rlm_options o = {small, false};
    struct sl_rlm_batch *b = &p.rlm_batch;
    int32_t enc[64], dec[64];
    const int32_t *unused;

    p.m = tiny_model(
        be, tiny_config(),
        (struct sl_bert_parts){.head = true, .n_decoder = n_decoder}, 4);
    check_ok(sl_rlm_new(&p.rlm, p.m, NULL, &o, &err));
    b->clean = tiny_tokens(4, 9, 40, 5);
    b->n_rows = tiny_rows(&b->rows, &unused, &b->clean, 2, 40, 6);
    corrupt(b, enc, dec);
    check_gradients(&p);
    sl_rlm_free(p.rlm);
    sl_bert_free(p.m);
}

static void rlm_gradients_are_derivatives(void **state)
{
    (void)state;
    check_rlm(false, 1);
    check_rlm(true, 2);
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
        passes, 2, 2, tiny_tokens(passes * 4, 7, cfg.vocab, 10)};
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

/* ---- what must change nothing
 * ------------------------------------------------------ */

static void checkpointing_gives_the_same_bits(void **state)
{
    (void)state;
    struct sl_rlm_options o = {small, false};
    struct sl_rlm_batch b = {0};
    struct sl_rlm_result r[2];
    const int32_t *unused;
    int32_t enc[64], dec[64];
    double *want = NULL;
    struct sl_bert *m =
        tiny_model(be, tiny_config(),
                   (struct sl_bert_parts){.head = true, .n_decoder = 2}, 4);

    b.clean = tiny_tokens(4, 9, 40, 5);
    b.n_rows = tiny_rows(&b.rows, &unused, &b.clean, 2, 40, 6);
    corrupt(&b, enc, dec);
    for (int i = 0; i < 2; i++) {
        struct sl_rlm *s = NULL;

        o.session.checkpoint = i;
        check_ok(sl_rlm_new(&s, m, NULL, &o, &err));
        sl_bert_zero_grad(m);
        check_ok(sl_rlm_step(s, &r[i], &b, scale, true,
                             (struct sl_noise){true, 5}, 0, &err));
        if (!i)
            want = copy_grad(m);
        sl_rlm_free(s);
    }
    assert_memory_equal(&r[0].enc_sum, &r[1].enc_sum, sizeof(double));
    assert_memory_equal(&r[0].dec_sum, &r[1].dec_sum, sizeof(double));
    check_same(m, want, 0);
    sl_free(want);
    sl_bert_free(m);
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
        part = (struct sl_mlm_batch){sl_tokens_slice(&b.in, i, 1, start), 0,
                                     rows, NULL};
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
    struct sl_crossencoder_batch b = {2, 1, 3, tiny_tokens(6, 7, 40, 10)};
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mlm_gradients_are_derivatives),
        cmocka_unit_test(electra_generator_gradients_are_derivatives),
        cmocka_unit_test(rlm_gradients_are_derivatives),
        cmocka_unit_test(reranker_gradients_are_derivatives),
        cmocka_unit_test(checkpointing_gives_the_same_bits),
        cmocka_unit_test(micro_batches_add_up_to_the_step),
        cmocka_unit_test(chunks_of_a_group_change_nothing),
    };
    return cmocka_run_group_tests(tests, open_backend, close_backend);
}
