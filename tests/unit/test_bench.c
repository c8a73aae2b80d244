/* What the benchmarks reckon with: arithmetic of a model, medians, batches. */
#include <math.h>
#include <string.h>

#include "bench/batch.h"
#include "bench/bench.h"
#include "bench/fake_text.h"
#include "bench/flops.h"
#include "check.h"

/* shared/design/measured.md's numbers, which are everybody's. */
static void bert_base_is_0_175_gflop_a_token(void **state)
{
    struct sl_config c = sl_config_default();
    int32_t start[] = {0, 128};
    struct sl_tokens t = {.n = 1, .N = 128, .start = start};

    (void)state;
    assert_true(fabs(sl_flops_layers(&c, 12, &t) / 128 - 0.1746e9) < 0.0005e9);
}

static void a_small_model_with_its_head_trains_at_33_mflop_a_token(void **state)
{
    struct sl_config c = sl_config_default();
    int32_t start[] = {0, 128};
    struct sl_tokens t = {.n = 1, .N = 128, .start = start};
    double step;

    (void)state;
    c.layers = 4;
    c.hidden = c.embedding = 256;
    c.ffn = 1024;
    c.vocab = 8192;
    step = 3 * (sl_flops_layers(&c, 4, &t) + sl_flops_head(&c, 128));
    assert_true(fabs(step / 128 - 33.4e6) < 0.1e6);
}

static void attention_is_counted_by_sequence(void **state)
{
    struct sl_config c = sl_config_default();
    int32_t one[] = {0, 8}, two[] = {0, 4, 8};
    struct sl_tokens a = {.n = 1, .N = 8, .start = one};
    struct sl_tokens b = {.n = 2, .N = 8, .start = two};

    (void)state;
    assert_true(sl_flops_layers(&c, 1, &a) - sl_flops_layers(&c, 1, &b) ==
                4.0 * 768 * (64 - 32));
}

static void a_timing_is_median_and_best(void **state)
{
    double odd[] = {3, 1, 2}, even[] = {4, 1, 2, 3};
    struct sl_timing t = sl_timing_of(odd, 3);

    (void)state;
    assert_true(t.median == 2 && t.best == 1 && t.calls == 3);
    t = sl_timing_of(even, 4);
    assert_true(t.median == 2.5 && t.best == 1 && t.calls == 4);
}

static void a_figure_is_per_cent_of_its_limit(void **state)
{
    struct sl_bench_peaks peaks = {.fp32 = 200e9, .memory = 40e9};
    struct sl_timing t = {.median = 0.5, .best = 0.25, .calls = 3};
    struct sl_backend be = {.name = "test"};
    struct sl_work w = {.part = "encode",
                        .units = 100,
                        .unit = "tokens/s",
                        .flops = 50e9,
                        .bytes = 5e9,
                        .limit = SL_LIMIT_ARITHMETIC};
    simlm_bench_figure f = sl_bench_figure(&w, &t, &be, &peaks, 2);

    (void)state;
    assert_true(f.rate == 200 && fabs(f.gflops - 100) < 1e-9);
    assert_true(fabs(f.percent - 50) < 1e-9);
    assert_string_equal(f.peak, "fp32");
    w.limit = SL_LIMIT_MEMORY;
    w.units = 0;
    f = sl_bench_figure(&w, &t, &be, &peaks, 2);
    assert_true(fabs(f.rate - 10) < 1e-9 && fabs(f.percent - 25) < 1e-9);
    assert_string_equal(f.unit, "GB/s");
    assert_string_equal(f.peak, "memory");
}

static void mixed_lengths_fill_a_batch(void **state)
{
    struct sl_bench_batch b = {0};
    int64_t least = 1000, most = 0;

    (void)state;
    assert_int_equal(sl_bench_batch_init(&b, 4096, 16, 144, 50, NULL),
                     SIMLM_OK);
    for (int64_t i = 0; i < b.t.n; i++) {
        int64_t len = b.t.start[i + 1] - b.t.start[i];

        least = len < least ? len : least;
        most = len > most ? len : most;
    }
    assert_true(least >= 16 && most <= 144 && most - least > 64);
    assert_true(b.t.N <= 4096 && b.t.N > 4096 - 144);
    for (int64_t i = 0; i < b.t.N; i++)
        assert_true(b.t.ids[i] >= 0 && b.t.ids[i] < 50);
    sl_bench_batch_free(&b);
}

static void a_batch_holds_one_sequence_at_least(void **state)
{
    struct sl_bench_batch b = {0};

    (void)state;
    assert_int_equal(sl_bench_batch_init(&b, 1, 8, 8, 50, NULL), SIMLM_OK);
    assert_int_equal(b.t.n, 1);
    assert_int_equal(b.t.N, 8);
    sl_bench_batch_free(&b);
}

static void generated_text_is_lines_of_words(void **state)
{
    struct sl_str a = {0}, b = {0};
    int64_t words = 0;

    (void)state;
    assert_int_equal(sl_fake_text(&a, 100000, NULL), SIMLM_OK);
    assert_int_equal(sl_fake_text(&b, 100000, NULL), SIMLM_OK);
    assert_true(a.len >= 100000 && a.s[a.len - 1] == '\n');
    assert_true(a.len == b.len && !memcmp(a.s, b.s, a.len));
    for (size_t i = 0; i < a.len; i++)
        words += a.s[i] == ' ';
    /* English has 5.7 bytes a word with its blank. */
    assert_true((double)a.len / (double)words > 4.5 &&
                (double)a.len / (double)words < 8);
    sl_str_free(&a);
    sl_str_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bert_base_is_0_175_gflop_a_token),
        cmocka_unit_test(
            a_small_model_with_its_head_trains_at_33_mflop_a_token),
        cmocka_unit_test(attention_is_counted_by_sequence),
        cmocka_unit_test(a_timing_is_median_and_best),
        cmocka_unit_test(a_figure_is_per_cent_of_its_limit),
        cmocka_unit_test(mixed_lengths_fill_a_batch),
        cmocka_unit_test(a_batch_holds_one_sequence_at_least),
        cmocka_unit_test(generated_text_is_lines_of_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
