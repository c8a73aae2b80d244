/* bf16: numbers are rounded to the nearest in every CPU variant, and a model's
 * gradients point where fp32's do. */
#include "backend/cpu/cpu.h"
#include "base/alloc.h"
#include "check.h"
#include "model/biencoder.h"
#include "model/mlm.h"
#include "tiny.h"

/* ---- rounding ------------------------------------------------------------ */

static float from_bits(uint32_t bits)
{
    float x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

static void rounding_is_to_the_nearest_even(void **state)
{
    (void)state;
    for (uint32_t h = 0; h <= 0xffff; h++) {
        sl_bf16 half = (sl_bf16)h, next = (sl_bf16)(h + 1);
        float x = sl_bf16_widen(half);

        if (isnan(x)) {
            assert_true(isnan(sl_bf16_widen(sl_bf16_round(x))));
            continue;
        }
        assert_int_equal(sl_bf16_round(x), half);
        if (isinf(x))
            continue;
        assert_int_equal(sl_bf16_round(from_bits(h << 16 | 0x7fff)), half);
        assert_int_equal(sl_bf16_round(from_bits(h << 16 | 0x8000)),
                         h % 2 ? next : half);
        assert_int_equal(sl_bf16_round(from_bits(h << 16 | 0x8001)), next);
    }
    /* NaNs whose upper half alone would be an infinity. */
    assert_true(isnan(sl_bf16_widen(sl_bf16_round(from_bits(0x7f800001)))));
    assert_true(isnan(sl_bf16_widen(sl_bf16_round(from_bits(0xffffffff)))));
}

static const unsigned cpus[] = {0, SL_CPU_AVX2, SL_CPU_AVX2 | SL_CPU_AVX512};

static bool present(unsigned cpu)
{
    return !(cpu & ~sl_cpu_detect());
}

static void every_variant_rounds_alike(void **state)
{
    enum { N = 70001 };
    float *x = SL_NEW_ARRAY(float, N), *back = SL_NEW_ARRAY(float, N);
    sl_bf16 *y = SL_NEW_ARRAY(sl_bf16, N);
    struct sl_rng rng;

    (void)state;
    sl_rng_init(&rng, 5);
    for (int i = 0; i < N; i++)
        x[i] =
            from_bits(i % 3 ? sl_rng_u32(&rng) : sl_rng_u32(&rng) & 0xffff8000);
    for (size_t v = 0; v < SL_LEN(cpus); v++) {
        struct sl_backend *be = NULL;
        const struct sl_cpu_kernels *k;

        if (!present(cpus[v]))
            continue;
        check_ok(sl_backend_open_cpu(&be, SL_BF16, cpus[v], &err));
        k = &((const struct sl_cpu *)be->impl)->kernels;
        for (int n = 1; n <= N; n = n * 3 + 1) {
            y[n - 1] = 0;
            k->round(y, x, n);
            k->widen(back, y, n);
            for (int i = 0; i < n; i++) {
                sl_bf16 want = sl_bf16_round(x[i]);

                assert_int_equal(y[i], want);
                assert_memory_equal(&back[i], &(float){sl_bf16_widen(want)},
                                    sizeof *back);
            }
        }
        sl_backend_close(be);
    }
    sl_free(x);
    sl_free(back);
    sl_free(y);
}

/* ---- gradients ----------------------------------------------------------- */

static const struct sl_session_options small = {128, 16, false};

static double mlm_gradient(struct sl_bert *m)
{
    struct sl_mlm *s = NULL;
    struct sl_mlm_batch b = {.in = tiny_tokens(6, 14, m->cfg.vocab, 2)};
    double sum;

    b.n_rows = tiny_rows(&b.rows, &b.labels, &b.in, 2, m->cfg.vocab, 3);
    check_ok(sl_mlm_new(&s, m, &small, &err));
    check_ok(
        sl_mlm_step(s, &sum, &b, 1, true, (struct sl_noise){true, 7}, &err));
    sl_mlm_free(s);
    return sum / (double)b.n_rows;
}

static double biencoder_gradient(struct sl_bert *m)
{
    static const float teacher[6] = {2, -1, 0.5f, 0.25f, -3, 1};
    struct sl_biencoder_options o = {small, 3, 9, SL_POOL_CLS, true};
    struct sl_biencoder_batch b = {.B = 3,
                                   .m = 2,
                                   .in = tiny_tokens(9, 14, m->cfg.vocab, 2),
                                   .teacher = teacher};
    struct sl_biencoder_loss loss = {5, true, 1, 0.5};
    struct sl_biencoder *s = NULL;
    struct sl_biencoder_result r;
    int32_t rank[3];

    check_ok(sl_biencoder_new(&s, m, &o, &err));
    check_ok(sl_biencoder_step(s, &r, rank, &b, loss, true,
                               (struct sl_noise){true, 7}, &err));
    sl_biencoder_free(s);
    return (r.contrastive + 0.5 * r.distill) / 3;
}

/* The loss, and the gradient into g (params.size floats). */
static double gradient_in(enum sl_compute compute, unsigned cpu, float *g,
                          double (*step)(struct sl_bert *m))
{
    struct sl_backend *be = NULL;
    struct sl_config cfg = tiny_config();
    struct sl_bert *m;
    double loss;

    cfg.hidden = cfg.embedding = 64;
    cfg.heads = 4;
    cfg.ffn = 96;
    check_ok(sl_backend_open_cpu(&be, compute, cpu, &err));
    m = tiny_model(be, cfg, (struct sl_bert_parts){.head = true}, 1);
    loss = step(m);
    be->download_real(be, g, m->g, m->params.size);
    sl_bert_free(m);
    sl_backend_close(be);
    return loss;
}

enum { MOST = 1 << 18 };

static void check_direction(double (*step)(struct sl_bert *m))
{
    float *want = SL_NEW_ARRAY(float, MOST), *got = SL_NEW_ARRAY(float, MOST);
    unsigned all[] = {0, SL_CPU_ALL & sl_cpu_detect()};
    double loss = gradient_in(SL_FP32, 0, want, step);

    for (size_t v = 0; v < SL_LEN(all); v++) {
        double near = gradient_in(SL_BF16, all[v], got, step);
        double xx = 0, xy = 0, yy = 0, cosine;

        for (int i = 0; i < MOST; i++) {
            xx += (double)want[i] * want[i];
            xy += (double)want[i] * got[i];
            yy += (double)got[i] * got[i];
        }
        cosine = xy / sqrt(xx * yy);
        check_msg(cosine > 0.995, "the gradients' cosine is %g", cosine);
        check_close(sqrt(yy / xx), 1, 0.02);
        check_close(near, loss, 0.01);
    }
    sl_free(want);
    sl_free(got);
}

static void gradients_point_where_fp32s_do(void **state)
{
    (void)state;
    check_direction(mlm_gradient);
    check_direction(biencoder_gradient);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounding_is_to_the_nearest_even),
        cmocka_unit_test(every_variant_rounds_alike),
        cmocka_unit_test(gradients_point_where_fp32s_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
