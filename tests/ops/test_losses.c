/* The losses against the values of spec section 11, sampling against its
 * distribution, and the edges of ops that a table of cases does not reach. */
#include "ops_case.h"

#include "base/alloc.h"
#include "check.h"

#define A(p) ((sl_act *)(p))
#define R(p) ((sl_real *)(p))

/* ---- contrastive --------------------------------------------------------- */

static double q[] = {1, 0, 0.6, 0.8};
static double p[] = {0.8, 0.6, 0, 1, 0.28, 0.96, -1, 0};

static double mean_loss(struct sl_backend *be, double t, bool full,
                        double *logits, int32_t *rank)
{
    double sum = 0;

    be->ops->contrastive(be, R(&sum), rank, NULL, NULL, R(logits), R(q), R(p),
                         NULL, 2, 2, 2, 1 / t, 1, full);
    check_ok(be->sync(be, &err));
    return sum / 2;
}

static void contrastive_has_the_reference_values(void **state)
{
    static const struct {
        double t, full, qk;
    } want[] = {{1, 1.6505930, 0.9639963},
                {0.05, 2.1451559, 0.4932872},
                {0.02, 4.7322343, 0.7317701}};
    static const double row[2][10] = {
        {0.8, 0, 0.28, -1, -INFINITY, 0.96, -INFINITY, 0.6, -INFINITY, 0.8},
        {0.96, 0.8, 0.936, -0.6, 0.28, -INFINITY, 0.6, -INFINITY, 0.8,
         -INFINITY}};
    struct sl_backend *be = ops_open(SL_FP64, 0);
    double logits[20];
    int32_t rank[2];

    (void)state;
    for (size_t i = 0; i < SL_LEN(want); i++) {
        double full = mean_loss(be, want[i].t, true, NULL, rank);
        double qk = mean_loss(be, want[i].t, false, NULL, rank);

        check_msg(fabs(full - want[i].full) < 6e-8 &&
                      fabs(qk - want[i].qk) < 6e-8,
                  "t = %g: %.8f and %.8f, not %.7f and %.7f", want[i].t, full,
                  qk, want[i].full, want[i].qk);
    }
    mean_loss(be, 1, true, logits, rank);
    for (int i = 0; i < 20; i++)
        check_msg(logits[i] == row[i / 10][i % 10] ||
                      fabs(logits[i] - row[i / 10][i % 10]) < 1e-15,
                  "logit %d is %g, not %g", i, logits[i], row[i / 10][i % 10]);
    check_msg(rank[0] == 1 && rank[1] == 2, "ranks are %d and %d, not 1 and 2",
              (int)rank[0], (int)rank[1]);
    sl_backend_close(be);
}

static void a_tie_counts_against_the_positive(void **state)
{
    struct sl_backend *be = ops_open(SL_FP64, 0);
    double one[] = {1, 0}, three[] = {1, 0, 1, 0, 0, 1}, loss = 0;
    uint8_t mask[] = {1, 1, 0};
    int32_t rank;

    (void)state;
    be->ops->contrastive(be, R(&loss), &rank, NULL, NULL, NULL, R(one),
                         R(three), NULL, 1, 3, 2, 1, 1, false);
    check_msg(rank == 2, "rank is %d, not 2", (int)rank);
    loss = 0;
    be->ops->contrastive(be, R(&loss), &rank, NULL, NULL, NULL, R(one),
                         R(three), mask, 1, 3, 2, 1, 1, false);
    check_msg(rank == 1, "with the tie masked, rank is %d, not 1", (int)rank);
    check_close(loss, log(1 + exp(-1)), 1e-12);
    sl_backend_close(be);
}

/* One query, one passage: nothing to tell apart, so no loss and no gradient. */
static void one_query_and_its_passage_have_no_loss(void **state)
{
    struct sl_backend *be = ops_open(SL_FP64, 0);
    double loss = 0, dq[2], dp[2];
    int32_t rank;

    (void)state;
    be->ops->contrastive(be, R(&loss), &rank, R(dq), R(dp), NULL, R(q), R(p),
                         NULL, 1, 1, 2, 50, 1, true);
    check_msg(loss == 0 && dq[0] == 0 && dp[1] == 0 && rank == 1,
              "loss %g, dq %g, dp %g, rank %d", loss, dq[0], dp[1], (int)rank);
    sl_backend_close(be);
}

/* ---- the vocabulary ------------------------------------------------------ */

/* More rows than one chunk of logits holds: as one row at a time. */
static void vocab_ce_is_the_sum_over_chunks(void **state)
{
    enum { N = 1100, D = 3, V = 5 }; /* chunks of 512 */
    struct sl_backend *f64 = ops_open(SL_FP64, 0);
    struct sl_rng rng;
    double *h = sl_calloc(N * D, sizeof *h), *dh = sl_calloc(N * D, sizeof *h);
    double w[V * D], b[V], dw[V * D] = {0}, dw1[V * D] = {0}, dh1[D];
    double loss = 0, loss1 = 0;
    int32_t label[N];

    (void)state;
    sl_rng_init(&rng, sl_stream(1, SL_PURPOSE_TEST, 1));
    for (int i = 0; i < N * D; i++)
        h[i] = sl_rng_normal(&rng);
    for (int i = 0; i < V * D; i++)
        w[i] = sl_rng_normal(&rng);
    for (int i = 0; i < V; i++)
        b[i] = sl_rng_normal(&rng);
    for (int i = 0; i < N; i++)
        label[i] = (int32_t)sl_rng_below(&rng, V);
    f64->ops->vocab_ce(f64, R(&loss), A(dh), R(dw), NULL, A(h), R(w), R(b),
                       label, N, D, V, 0.5);
    for (int i = 0; i < N; i++) {
        f64->ops->vocab_ce(f64, R(&loss1), A(dh1), R(dw1), NULL, A(h + i * D),
                           R(w), R(b), label + i, 1, D, V, 0.5);
        for (int j = 0; j < D; j++)
            check_close(dh[i * D + j], dh1[j], 1e-14);
    }
    check_close(loss, loss1, 1e-12);
    for (int i = 0; i < V * D; i++)
        check_close(dw[i], dw1[i], 1e-12);
    sl_free(h);
    sl_free(dh);
    sl_backend_close(f64);
}

static void large_logits_do_not_overflow(void **state)
{
    (void)state;
    for (int v = 0; v < n_ops_variants; v++) {
        struct sl_backend *be;
        float h[2] = {1e4f, 0}, w[6] = {1, 0, -1, 0, 1, 0}, loss = 0;
        float dh[2], dw[6] = {0};
        int32_t label = 1;

        if (!ops_variant_present(&ops_variants[v]))
            continue;
        be = ops_open(SL_FP32, ops_variants[v].cpu);
        be->ops->vocab_ce(be, R(&loss), A(dh), R(dw), NULL, A(h), R(w), NULL,
                          &label, 1, 2, 3, 1);
        check_close(loss, 2e4 + log(2), 1e-5);
        check_close(dh[0], 2, 1e-6);
        check_close(dw[0], 5e3, 1e-6);
        sl_backend_close(be);
    }
}

/* 40,000 draws from four words: each count within 5 standard deviations. */
static void samples_follow_the_softmax(void **state)
{
    enum { N = 40000, V = 4 };
    static const double prob[V] = {0.5, 0.25, 0.05, 0.2};
    float *h = sl_calloc(N, sizeof *h), w[V];
    int32_t *ids = sl_calloc(N, sizeof *ids);
    uint64_t *key = sl_calloc(N, sizeof *key);

    (void)state;
    for (int i = 0; i < N; i++) {
        h[i] = 1;
        key[i] = (uint64_t)(i / 100) << 16 | (uint64_t)(i % 100);
    }
    for (int v = 0; v < V; v++)
        w[v] = (float)log(prob[v]) + 7;
    for (int v = 0; v < n_ops_variants; v++) {
        struct sl_backend *be;
        int count[V] = {0};

        if (!ops_variant_present(&ops_variants[v]))
            continue;
        be = ops_open(SL_FP32, ops_variants[v].cpu);
        be->ops->vocab_sample(be, ids, A(h), R(w), NULL, key, N, 1, V, 3, 9);
        check_ok(be->sync(be, &err));
        for (int i = 0; i < N; i++)
            count[ids[i]]++;
        for (int i = 0; i < V; i++) {
            double sd = sqrt(N * prob[i] * (1 - prob[i]));

            check_msg(fabs(count[i] - N * prob[i]) < 5 * sd,
                      "%s: word %d drawn %d times, expected %g +- %g", be->name,
                      i, count[i], N * prob[i], sd);
        }
        /* the definition: u = word 0 / 2^32 against cumulative probabilities */
        for (int i = 0; i < 1000; i++) {
            struct sl_philox word =
                sl_philox4(3, 0, (uint32_t)key[i], (uint32_t)(key[i] >> 32), 9);
            double u = word.v[0] * 0x1p-32, upto = 0;
            int want = 0;

            while (want < V - 1 && (upto += prob[want]) <= u)
                want++;
            check_msg(ids[i] == want || fabs(upto - u) < 1e-6,
                      "%s: u %g drew %d, not %d", be->name, u, (int)ids[i],
                      want);
        }
        sl_backend_close(be);
    }
    sl_free(h);
    sl_free(ids);
    sl_free(key);
}

/* ---- edges --------------------------------------------------------------- */

/* In every variant, what the table of cases cannot say. */
static void no_rows_change_nothing(void **state)
{
    (void)state;
    for (int v = 0; v < n_ops_variants; v++) {
        struct sl_backend *be;
        float w[6] = {1, 2, 3, 4, 5, 6}, dw[6] = {7, 7, 7, 7, 7, 7}, loss = 3;
        float db[3] = {1, 2, 3}, none = 5;

        if (!ops_variant_present(&ops_variants[v]))
            continue;
        be = ops_open(SL_FP32, ops_variants[v].cpu);
        be->ops->vocab_ce(be, R(&loss), A(&none), R(dw), R(db), A(&none), R(w),
                          NULL, NULL, 0, 2, 3, 1);
        be->ops->linear_fwd(be, A(&none), A(&none), R(w), NULL, 0, 2, 3);
        be->ops->linear_bwd(be, A(&none), R(dw), R(db), A(&none), A(&none),
                            R(w), 0, 2, 3, false);
        be->ops->vocab_sample(be, NULL, A(&none), R(w), NULL, NULL, 0, 2, 3, 1,
                              1);
        be->ops->gather_rows(be, A(&none), A(w), NULL, 0, 2);
        check_ok(be->sync(be, &err));
        check_msg(loss == 3 && none == 5 && dw[5] == 7 && db[2] == 3,
                  "%s: loss %g, none %g, dw %g, db %g", be->name, loss, none,
                  dw[5], db[2]);
        sl_backend_close(be);
    }
}

/* AddressSanitizer would rather stop than return NULL. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

/* The op returns, nothing is written, and sync() tells, once. */
static void lack_of_memory_is_told_by_sync(void **state)
{
    static const unsigned variant[] = {0, SL_CPU_ALL};
    const int64_t V = (int64_t)1 << 40; /* 32 rows of logits: 128 TiB */

    (void)state;
    for (size_t v = 0; v < SL_LEN(variant); v++) {
        struct sl_backend *be = ops_open(SL_FP32, variant[v]);
        float h[32] = {0}, w = 0, loss = 3;
        int32_t label[32] = {0};

        be->ops->vocab_ce(be, R(&loss), NULL, NULL, NULL, A(h), R(&w), NULL,
                          label, 32, 1, V, 1);
        check_fails(SIMLM_E_NOMEM, "out of memory for the backend's scratch",
                    be->sync(be, &err));
        check_ok(be->sync(be, &err));
        check_msg(loss == 3, "loss is %g", loss);
        sl_backend_close(be);
    }
}

/* The variance of a constant row is 0: y is the bias, and nothing flows. */
static void a_constant_row_gives_the_bias(void **state)
{
    (void)state;
    for (int v = 0; v < n_ops_variants; v++) {
        struct sl_backend *be;
        float x[4] = {5, 5, 5, 5}, g[4] = {1, 2, 3, 4}, y[4];
        float b[4] = {9, 8, 7, 6};
        struct sl_dropout off = {0, 0, 0};

        if (!ops_variant_present(&ops_variants[v]))
            continue;
        be = ops_open(SL_FP32, ops_variants[v].cpu);
        be->ops->residual_ln_fwd(be, A(y), NULL, NULL, NULL, A(x), NULL, NULL,
                                 R(g), R(b), 1, 4, 1e-12f, off);
        for (int i = 0; i < 4; i++)
            check_msg(y[i] == b[i], "%s: y[%d] is %g, not %g", be->name, i,
                      y[i], b[i]);
        sl_backend_close(be);
    }
}

/* mean >> sigma, as in the last layers of a trained BERT: no cancellation. */
static void a_large_mean_keeps_the_variance(void **state)
{
    enum { D = 768 };

    (void)state;
    for (int v = 0; v < n_ops_variants; v++) {
        struct sl_backend *be;
        float x[D], g[D], b[D] = {0}, y[D];
        struct sl_dropout off = {0, 0, 0};

        if (!ops_variant_present(&ops_variants[v]))
            continue;
        be = ops_open(SL_FP32, ops_variants[v].cpu);
        for (int i = 0; i < D; i++) {
            x[i] = 1000 + (i % 2 ? 0.125f : -0.125f);
            g[i] = 1;
        }
        be->ops->residual_ln_fwd(be, A(y), NULL, NULL, NULL, A(x), NULL, NULL,
                                 R(g), R(b), 1, D, 1e-12f, off);
        for (int i = 0; i < D; i++)
            check_close(y[i], i % 2 ? 1 : -1, 1e-4);
        sl_backend_close(be);
    }
}

static void a_zero_vector_stays_zero_and_finite(void **state)
{
    (void)state;
    for (int v = 0; v < n_ops_variants; v++) {
        struct sl_backend *be;
        float x[3] = {0}, y[3], norm, dy[3] = {1, 2, 3}, dx[3];

        if (!ops_variant_present(&ops_variants[v]))
            continue;
        be = ops_open(SL_FP32, ops_variants[v].cpu);
        be->ops->l2norm_fwd(be, R(y), R(&norm), R(x), 1, 3);
        be->ops->l2norm_bwd(be, R(dx), R(dy), R(y), R(&norm), 1, 3);
        check_msg(y[0] == 0 && y[2] == 0 && norm == 0 && isfinite(dx[1]),
                  "%s: y %g, norm %g, dx %g", be->name, y[0], norm, dx[1]);
        sl_backend_close(be);
    }
}

static void sum_of_squares_is_exact(void **state)
{
    (void)state;
    for (int v = 0; v < n_ops_variants; v++) {
        enum { N = 200001 };
        struct sl_backend *be;
        float *x = sl_calloc(N, sizeof *x);
        double got = -1;

        for (int i = 0; i < N; i++)
            x[i] = (float)(i % 1001 - 500);
        if (ops_variant_present(&ops_variants[v])) {
            double want = 0;

            be = ops_open(SL_FP32, ops_variants[v].cpu);
            be->ops->sum_squares(be, &got, R(x), N);
            for (int i = 0; i < N; i++)
                want += (double)x[i] * x[i];
            check_msg(got == want, "%s: %.17g, not %.17g", be->name, got, want);
            sl_backend_close(be);
        }
        sl_free(x);
    }
}

/* Two seeds in a row of ops: kept elements are scaled, about p are dropped. */
static void dropout_drops_its_share(void **state)
{
    enum { N = 500, D = 100 };
    struct sl_dropout drop = {0.1f, 1024, 77};
    float *x = sl_calloc(N * D, sizeof *x), *y = sl_calloc(N * D, sizeof *y);
    float *sum = sl_calloc(N * D, sizeof *x), g[D], b[D] = {0};
    uint64_t key[N];

    (void)state;
    for (int i = 0; i < N * D; i++)
        x[i] = 1;
    for (int i = 0; i < D; i++)
        g[i] = 1;
    for (int i = 0; i < N; i++)
        key[i] = (uint64_t)i << 16 | 3;
    for (int v = 0; v < n_ops_variants; v++) {
        struct sl_backend *be;
        int dropped = 0;

        if (!ops_variant_present(&ops_variants[v]))
            continue;
        be = ops_open(SL_FP32, ops_variants[v].cpu);
        be->ops->residual_ln_fwd(be, A(y), A(sum), NULL, NULL, A(x), NULL, key,
                                 R(g), R(b), N, D, 1e-12f, drop);
        for (int i = 0; i < N * D; i++) {
            check_msg(sum[i] == 0 || fabsf(sum[i] - 1 / 0.9f) < 1e-6f,
                      "%s: element %d is %g", be->name, i, sum[i]);
            dropped += sum[i] == 0;
        }
        check_msg(abs(dropped - N * D / 10) < 5 * 67, "%s: %d of %d dropped",
                  be->name, dropped, N * D);
        sl_backend_close(be);
    }
    sl_free(x);
    sl_free(y);
    sl_free(sum);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contrastive_has_the_reference_values),
        cmocka_unit_test(a_tie_counts_against_the_positive),
        cmocka_unit_test(one_query_and_its_passage_have_no_loss),
        cmocka_unit_test(vocab_ce_is_the_sum_over_chunks),
        cmocka_unit_test(large_logits_do_not_overflow),
        cmocka_unit_test(samples_follow_the_softmax),
        cmocka_unit_test(no_rows_change_nothing),
        cmocka_unit_test(lack_of_memory_is_told_by_sync),
        cmocka_unit_test(a_constant_row_gives_the_bias),
        cmocka_unit_test(a_large_mean_keeps_the_variance),
        cmocka_unit_test(a_zero_vector_stays_zero_and_finite),
        cmocka_unit_test(sum_of_squares_is_exact),
        cmocka_unit_test(dropout_drops_its_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
