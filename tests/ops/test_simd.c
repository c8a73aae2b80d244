/* The vector kernels where vectors go wrong: every tail, dropout masks bit for
 * bit, neighbours in the batch, NaN and infinity, accuracy over whole ranges.
 */
#include "ops_case.h"

#include "backend/cpu/cpu.h"
#include "base/parallel.h"
#include "check.h"

static const struct ops_variant simd[] = {
    {"avx2", SL_CPU_AVX2},
    {"avx512", SL_CPU_AVX2 | SL_CPU_AVX512},
};

/* Run a check on every vector variant this machine has. */
static void each_variant(void (*check)(struct sl_backend *be))
{
    int seen = 0;

    for (size_t v = 0; v < SL_LEN(simd); v++) {
        struct sl_backend *be;

        if (!ops_variant_present(&simd[v]))
            continue;
        be = ops_open(SL_FP32, simd[v].cpu);
        check(be);
        sl_backend_close(be);
        seen++;
    }
    if (!seen)
        skip();
}

static const struct sl_cpu_kernels *kernels_of(struct sl_backend *be)
{
    return &((struct sl_cpu *)be->impl)->kernels;
}

static float *floats(int64_t n, double lo, double hi, uint64_t what)
{
    float *x = malloc((size_t)(n + 1) * sizeof *x);
    struct sl_rng rng;

    sl_rng_init(&rng, sl_stream(11, SL_PURPOSE_TEST, what));
    for (int64_t i = 0; i < n; i++)
        x[i] = (float)(lo + (hi - lo) * sl_rng_unit(&rng));
    return x;
}

/* ---- tails ----------------------------------------------------------------
 */

static const int64_t wide[] = {96, 127, 128, 129, 255, 256, 384, 768};

static void check_widths(struct sl_backend *be)
{
    struct sl_backend *f64 = ops_open(SL_FP64, 0);

    for (int64_t k = 1; k <= 70 + (int64_t)SL_LEN(wide); k++) {
        int64_t D = k <= 70 ? k : wide[k - 71];
        struct ops_shape s = {.seed = (uint64_t)k,
                              .n = 3,
                              .len = {3, 1, 4},
                              .N = 8,
                              .D = D,
                              .H = 1,
                              .I = 3,
                              .O = D,
                              .V = D + 1,
                              .m = 2,
                              .p = k % 2 ? 0.1f : 0};

        for (int i = 0; i < n_ops_cases; i++)
            ops_case_agrees(be, f64, &ops_cases[i], &s, 1e-5);
    }
    sl_backend_close(f64);
}

static void every_width_agrees(void **state)
{
    (void)state;
    each_variant(check_widths);
}

static const struct ops_case *case_named(const char *name)
{
    for (int i = 0; i < n_ops_cases; i++)
        if (strcmp(ops_cases[i].name, name) == 0)
            return &ops_cases[i];
    fail_msg("no case '%s'", name);
    return NULL;
}

static void check_lengths(struct sl_backend *be)
{
    static const int64_t heads[] = {16, 32, 64, 5};
    static const int64_t lengths[] = {96, 127, 128, 144, 301};
    struct sl_backend *f64 = ops_open(SL_FP64, 0);

    for (int64_t k = 1; k <= 70 + (int64_t)SL_LEN(lengths); k++) {
        int64_t len = k <= 70 ? k : lengths[k - 71];
        struct ops_shape s = {.seed = (uint64_t)k,
                              .n = 2,
                              .len = {2, len},
                              .N = len + 2,
                              .H = 2,
                              .I = 1,
                              .O = 1,
                              .V = 2,
                              .m = 1,
                              .p = k % 2 ? 0.1f : 0};

        s.D = s.H * heads[k % 4];
        ops_case_agrees(be, f64, case_named("attention"), &s, 1e-5);
        ops_case_agrees(be, f64, case_named("attention_rows"), &s, 1e-5);
    }
    sl_backend_close(f64);
}

static void attention_agrees_at_every_length(void **state)
{
    (void)state;
    each_variant(check_lengths);
}

/* ---- threads, with more rows than one block -------------------------------
 */

static void check_threads(struct sl_backend *be)
{
    struct ops_shape s = {.seed = 5,
                          .n = 8,
                          .len = {70, 33, 1, 64, 90, 128, 7, 50},
                          .N = 443,
                          .D = 96,
                          .H = 3,
                          .I = 31,
                          .O = 97,
                          .V = 300,
                          .m = 2,
                          .p = 0.1f};

    for (int i = 0; i < n_ops_cases; i++)
        ops_case_same_on_threads(be, &ops_cases[i], &s);
}

static void threads_change_no_bit(void **state)
{
    (void)state;
    each_variant(check_threads);
}

/* ---- dropout masks --------------------------------------------------------
 */

enum { MASK_ROWS = 5 };

static const uint64_t mask_keys[MASK_ROWS] = {0, 1, UINT64_C(7) << 16 | 33,
                                              UINT64_C(0xffffffffffff) << 16,
                                              UINT64_C(0x123456789abcdef)};

static bool kept(struct sl_dropout d, uint64_t key, int64_t col)
{
    struct sl_philox w =
        sl_philox4(d.stream, (uint32_t)(col / 4), (uint32_t)key,
                   (uint32_t)(key >> 32), d.site);

    return !((double)w.v[col % 4] < (double)d.p * 4294967296.0);
}

/* What residual_ln keeps of ones, D wide, is in its sum. */
static void check_row_masks(struct sl_backend *be, struct sl_dropout drop,
                            int64_t D)
{
    int64_t n = MASK_ROWS * D;
    float *x = floats(n, 1, 1, 0), *g = floats(D, 1, 1, 0);
    float *y = floats(n, 9, 9, 0), *sum = floats(n, 9, 9, 0);

    be->ops->residual_ln_fwd(be, (sl_act *)y, (sl_act *)sum, NULL, NULL,
                             (sl_act *)x, NULL, mask_keys, (sl_real *)g,
                             (sl_real *)g, MASK_ROWS, D, 1e-12f, drop);
    for (int64_t i = 0; i < n; i++) {
        float want = kept(drop, mask_keys[i / D], i % D) ? 1 / (1 - drop.p) : 0;

        check_msg(sum[i] == want, "%s: D %d, p %g: column %d is %g, not %g",
                  be->name, (int)D, drop.p, (int)(i % D), sum[i], want);
    }
    free(x);
    free(g);
    free(y);
    free(sum);
}

/*
 * With q = k = 0 all weights are 1 / len, and with v_j = e_j the context of
 * row i is its mask.  Backward the same, from dctx = 0 and v = 0: nothing to
 * see; but with dctx_i = e_i, dv_j = sum over i of m_ij e_i / len.
 */
static void check_attention_masks(struct sl_backend *be, struct sl_dropout drop,
                                  int32_t len)
{
    int64_t D = 2 * len, n = len * D;
    float *qkv = floats(3 * n, 0, 0, 0), *ctx = floats(n, 9, 9, 0);
    float *lse = floats(2 * len, 9, 9, 0), *dqkv = floats(3 * n, 9, 9, 0);
    float *dctx = floats(n, 0, 0, 0);
    int32_t start[] = {0, len}, pos[80];
    uint64_t key[80];
    struct sl_packing pk = {1, len, len, start, pos, key};

    for (int32_t j = 0; j < len; j++) {
        pos[j] = j;
        key[j] = UINT64_C(0x1234567) << 16 | (uint64_t)j;
        for (int32_t h = 0; h < 2; h++) {
            qkv[j * 3 * D + 2 * D + h * len + j] = 1;
            dctx[j * D + h * len + j] = 1;
        }
    }
    be->ops->attention_fwd(be, (sl_act *)ctx, (sl_real *)lse, (sl_act *)qkv,
                           &pk, D, 2, drop);
    be->ops->attention_bwd(be, (sl_act *)dqkv, (sl_act *)dctx, (sl_act *)ctx,
                           (sl_real *)lse, (sl_act *)qkv, &pk, D, 2, drop);
    for (int64_t u = 0; u < 2 * len * len; u++) {
        int64_t h = u % 2, i = u / 2 / len, j = u / 2 % len;
        struct sl_dropout site = drop;
        bool want;

        site.site += (uint32_t)h;
        want = kept(site, key[i], j);
        check_msg((ctx[i * D + h * len + j] != 0) == want &&
                      (dqkv[j * 3 * D + 2 * D + h * len + i] != 0) == want,
                  "%s: length %d, p %g, head %d: row %d, key %d", be->name,
                  (int)len, drop.p, (int)h, (int)i, (int)j);
    }
    free(qkv);
    free(ctx);
    free(lse);
    free(dqkv);
    free(dctx);
}

/* g = 0 and b = 1: the embedding is its mask. */
static void check_embed_masks(struct sl_backend *be, struct sl_dropout drop,
                              int64_t E)
{
    float *table = floats(E, -1, 1, 1), *g = floats(E, 0, 0, 0);
    float *b = floats(E, 1, 1, 0), *y = floats(MASK_ROWS * E, 9, 9, 0);
    int32_t zero[MASK_ROWS] = {0}, start[] = {0, MASK_ROWS};
    struct sl_packing pk = {1, MASK_ROWS, MASK_ROWS, start, zero, mask_keys};
    struct sl_embed w = {(sl_real *)table, (sl_real *)table, (sl_real *)table,
                         (sl_real *)g, (sl_real *)b};

    be->ops->embed_fwd(be, (sl_act *)y, NULL, NULL, zero, NULL, &pk, &w, E, 1,
                       drop);
    for (int64_t i = 0; i < MASK_ROWS * E; i++)
        check_msg((y[i] != 0) == kept(drop, mask_keys[i / E], i % E),
                  "%s: E %d, p %g: element %d", be->name, (int)E, drop.p,
                  (int)i);
    free(table);
    free(g);
    free(b);
    free(y);
}

static void check_masks(struct sl_backend *be)
{
    static const float p[] = {0.1f, 0.5f, 0.97f, 1e-9f};

    for (size_t k = 0; k < SL_LEN(p); k++) {
        struct sl_dropout drop = {p[k], 0xfffffc00u,
                                  sl_stream(k, SL_PURPOSE_DROPOUT, 1)};

        for (int64_t D = 1; D <= 70; D++) {
            check_row_masks(be, drop, D);
            check_embed_masks(be, drop, D);
            check_attention_masks(be, drop, (int32_t)D);
        }
        check_row_masks(be, drop, 768);
    }
}

static void masks_are_the_definitions_bit_for_bit(void **state)
{
    (void)state;
    each_variant(check_masks);
}

/* ---- neighbours -----------------------------------------------------------
 */

enum { NB_D = 48, NB_H = 3 };

struct neighbours {
    struct sl_backend *be;
    float *qkv, *dctx, *ctx, *lse, *dqkv, *y, *dx;
    float *g;
    int64_t N;
};

static void run_attention(struct neighbours *t, int64_t first, int32_t *start,
                          int64_t n, int64_t longest)
{
    static int32_t pos[400];
    static uint64_t key[400];
    struct sl_packing pk = {n, start[n], longest, start, pos, key};
    struct sl_dropout drop = {0.1f, 2048, 99};
    const sl_act *qkv = (sl_act *)(t->qkv + first * 3 * NB_D);
    sl_act *ctx = (sl_act *)(t->ctx + first * NB_D);
    sl_act *dctx = (sl_act *)(t->dctx + first * NB_D);
    float *lse = t->lse; /* [H, N of this batch] */
    float *mean = floats(400, 0, 0, 0), *rstd = floats(400, 0, 0, 0);

    for (int64_t i = 0; i < start[n]; i++)
        key[i] = (uint64_t)(first + i) * 977;
    t->be->ops->attention_fwd(t->be, ctx, (sl_real *)lse, qkv, &pk, NB_D, NB_H,
                              drop);
    t->be->ops->attention_bwd(t->be, (sl_act *)(t->dqkv + first * 3 * NB_D),
                              dctx, ctx, (sl_real *)lse, qkv, &pk, NB_D, NB_H,
                              drop);
    t->be->ops->residual_ln_fwd(t->be, (sl_act *)(t->y + first * NB_D), NULL,
                                (sl_real *)mean, (sl_real *)rstd, ctx, dctx,
                                key, (sl_real *)t->g, (sl_real *)t->g, start[n],
                                NB_D, 1e-12f, drop);
    t->be->ops->residual_ln_bwd(t->be, (sl_act *)(t->dx + first * NB_D), NULL,
                                NULL, NULL, dctx, ctx, (sl_real *)mean,
                                (sl_real *)rstd, key, (sl_real *)t->g, start[n],
                                NB_D, drop);
    free(mean);
    free(rstd);
}

static float *join(const struct neighbours *t)
{
    size_t n = (size_t)t->N * NB_D;
    float *all = malloc(sizeof(float) * 6 * n);

    memcpy(all, t->ctx, sizeof(float) * n);
    memcpy(all + n, t->dqkv, sizeof(float) * 3 * n);
    memcpy(all + 4 * n, t->y, sizeof(float) * n);
    memcpy(all + 5 * n, t->dx, sizeof(float) * n);
    return all;
}

/* Sequences of many lengths, together and then each alone. */
static void check_neighbours(struct sl_backend *be)
{
    static int32_t len[] = {5, 64, 1, 33, 31, 100, 2, 47, 16};
    enum { n = sizeof len / sizeof *len };
    int32_t start[n + 1] = {0};
    struct neighbours t = {.be = be};
    float *together, *alone;

    for (int i = 0; i < n; i++)
        start[i + 1] = start[i] + len[i];
    t.N = start[n];
    t.qkv = floats(t.N * 3 * NB_D, -2, 2, 1);
    t.dctx = floats(t.N * NB_D, -1, 1, 2);
    t.ctx = floats(t.N * NB_D, 0, 0, 0);
    t.dqkv = floats(t.N * 3 * NB_D, 0, 0, 0);
    t.y = floats(t.N * NB_D, 0, 0, 0);
    t.dx = floats(t.N * NB_D, 0, 0, 0);
    t.lse = floats(t.N * NB_H, 0, 0, 0);
    t.g = floats(NB_D, 0.5, 1.5, 3);

    run_attention(&t, 0, start, n, 100);
    together = join(&t);
    for (int i = 0; i < n; i++) {
        int32_t one[] = {0, len[i]};

        run_attention(&t, start[i], one, 1, len[i]);
    }
    alone = join(&t);
    assert_memory_equal(together, alone,
                        sizeof(float) * 6 * NB_D * (size_t)t.N);
    free(together);
    free(alone);
    free(t.qkv);
    free(t.dctx);
    free(t.ctx);
    free(t.dqkv);
    free(t.y);
    free(t.dx);
    free(t.lse);
    free(t.g);
}

static void neighbours_in_the_batch_change_no_bit(void **state)
{
    (void)state;
    each_variant(check_neighbours);
}

/* ---- NaN and infinity -------------------------------------------------------
 */

static void check_ln_nan(struct sl_backend *be, float bad, int64_t at)
{
    enum { D = 37 };
    float *x = floats(2 * D, -1, 1, 1), *g = floats(D, 1, 2, 2), y[2 * D];
    float mean[2], rstd[2], dx[2 * D];
    struct sl_dropout off = {0, 0, 0};

    x[at] = bad;
    be->ops->residual_ln_fwd(be, (sl_act *)y, NULL, (sl_real *)mean,
                             (sl_real *)rstd, (sl_act *)x, NULL, NULL,
                             (sl_real *)g, (sl_real *)g, 2, D, 1e-12f, off);
    be->ops->residual_ln_bwd(be, (sl_act *)dx, NULL, NULL, NULL, (sl_act *)g,
                             (sl_act *)x, (sl_real *)mean, (sl_real *)rstd,
                             NULL, (sl_real *)g, 1, D, off);
    for (int i = 0; i < D; i++)
        check_msg(isnan(y[i]) && isnan(dx[i]) && isfinite(y[D + i]),
                  "%s: %g at %d: y[%d] %g, dx %g, its neighbour row %g",
                  be->name, bad, (int)at, i, y[i], dx[i], y[D + i]);
    free(x);
    free(g);
}

static void check_attention_nan(struct sl_backend *be, float bad, int64_t at)
{
    enum { L = 19, D = 8 };
    float *qkv = floats(3 * L * D, -1, 1, 1), ctx[L * D], lse[L];
    float dqkv[3 * L * D];
    int32_t start[] = {0, L}, pos[L] = {0};
    uint64_t key[L] = {0};
    struct sl_packing pk = {1, L, L, start, pos, key};
    struct sl_dropout off = {0, 0, 0};

    qkv[4 * 3 * D + at] = bad; /* of token 4: q, k or v */
    be->ops->attention_fwd(be, (sl_act *)ctx, (sl_real *)lse, (sl_act *)qkv,
                           &pk, D, 1, off);
    be->ops->attention_bwd(be, (sl_act *)dqkv, (sl_act *)ctx, (sl_act *)ctx,
                           (sl_real *)lse, (sl_act *)qkv, &pk, D, 1, off);
    check_msg(!isfinite(ctx[4 * D + at % D]) && isnan(dqkv[4 * 3 * D]),
              "%s: %g at %d: context %g, gradient %g", be->name, bad, (int)at,
              ctx[4 * D + at % D], dqkv[4 * 3 * D]);
    free(qkv);
}

static void check_elementwise_nan(struct sl_backend *be, int64_t at)
{
    enum { n = 45 };
    float *x = floats(n, -1, 1, 1), *m = floats(n, 0, 1, 2), y[n];
    double sum = 0;

    x[at] = NAN;
    kernels_of(be)->gelu_fwd((sl_act *)y, (const sl_act *)x, n);
    assert_true(isnan(y[at]) && !isnan(y[(at + 1) % n]));
    be->ops->gelu_bwd(be, (sl_act *)y, (sl_act *)m, (sl_act *)x, n);
    assert_true(isnan(y[at]) && !isnan(y[(at + 1) % n]));
    be->ops->sum_squares(be, &sum, (sl_real *)x, n);
    assert_true(isnan(sum));
    be->ops->l2norm_fwd(be, (sl_real *)y, (sl_real *)m, (sl_real *)x, 1, n);
    assert_true(isnan(m[0]) && isnan(y[0]) && isnan(y[n - 1]));
    kernels_of(be)->ce_row(x, n, 0, 1, true);
    assert_true(isnan(x[0]) && isnan(x[n - 1]));
    free(x);
    free(m);
}

static void check_adamw_nan(struct sl_backend *be)
{
    float w[20] = {0}, m[20] = {0}, v[20] = {0}, g[20] = {0};
    struct sl_adamw hp = {.lr = 0.1,
                          .beta1 = 0.9,
                          .beta2 = 0.99,
                          .eps = 1e-8,
                          .bias1 = 1,
                          .bias2 = 1,
                          .grad_scale = 1};

    g[3] = NAN;
    g[19] = INFINITY;
    be->ops->adamw(be, (sl_real *)w, (sl_real *)m, (sl_real *)v, (sl_real *)g,
                   20, &hp);
    assert_true(isnan(w[3]) && isnan(w[19]) && w[4] == 0);
}

static void check_nan(struct sl_backend *be)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY};

    for (int64_t at = 0; at < 37; at++) {
        for (size_t b = 0; b < SL_LEN(bad); b++)
            check_ln_nan(be, bad[b], at);
        check_elementwise_nan(be, at);
    }
    for (int64_t at = 0; at < 24; at++)
        check_attention_nan(be, NAN, at);
    check_attention_nan(be, INFINITY, 20);
    check_adamw_nan(be);
}

static void nan_and_infinity_pass_through(void **state)
{
    (void)state;
    each_variant(check_nan);
}

/* ---- accuracy ------------------------------------------------------------ */

static void check_gelu(struct sl_backend *be)
{
    enum { n = 200001 };
    float *x = malloc(n * sizeof *x), *y = malloc(n * sizeof *y);
    float *one = floats(n, 1, 1, 0), *slope = malloc(n * sizeof *slope);
    double worst = 0, worst_slope = 0, worst_tail = 0;

    for (int i = 0; i < n; i++)
        x[i] = (float)(-15 + 30.0 * i / (n - 1));
    kernels_of(be)->gelu_fwd((sl_act *)y, (const sl_act *)x, n);
    be->ops->gelu_bwd(be, (sl_act *)slope, (sl_act *)one, (sl_act *)x, n);
    for (int i = 0; i < n; i++) {
        double v = x[i], phi = erfc(-v * sqrt(0.5)) / 2;
        double pdf = exp(-v * v / 2) / sqrt(2 * acos(-1));
        double size = fmax(1, fabs(v));

        worst = fmax(worst, fabs(y[i] - v * phi) / size);
        worst_slope = fmax(worst_slope, fabs(slope[i] - (phi + v * pdf)));
        if (v < 0 && v > -12)
            worst_tail = fmax(worst_tail, fabs(y[i] / (v * phi) - 1));
    }
    print_message("%s: gelu %.2g of max(1, |x|), %.2g relative left of 0; "
                  "slope %.2g\n",
                  be->name, worst, worst_tail, worst_slope);
    check_msg(worst <= 1.2e-7 && worst_slope <= 3e-7 && worst_tail <= 6e-6,
              "%s: gelu %g, %g, slope %g", be->name, worst, worst_tail,
              worst_slope);
    free(x);
    free(y);
    free(one);
    free(slope);
}

static void gelu_is_accurate_everywhere(void **state)
{
    (void)state;
    each_variant(check_gelu);
}

/* Softmax values over the whole range of exp, denormals last. */
static void check_exp(struct sl_backend *be)
{
    enum { n = 100003 };
    float *z = malloc(n * sizeof *z), *p = malloc(n * sizeof *p);
    double sum = 0, worst = 0, loss, want;

    for (int i = 0; i < n; i++)
        p[i] = z[i] = (float)(-110.0 * i / (n - 1));
    for (int i = 0; i < n; i++)
        sum += exp(z[i]);
    loss = kernels_of(be)->ce_row(p, n, 7, 1, false);
    want = log(sum) - z[7];
    check_close(loss, want, 1e-6);
    check_close(kernels_of(be)->ce_row(p, n, 7, 1, true), want, 1e-6);
    for (int i = 0; i < n; i++) {
        double q = exp(z[i]) / sum - (i == 7);

        /* Where exp or its quotient is denormal, absolute. */
        if (i != 7 && z[i] > -78)
            worst = fmax(worst, fabs(p[i] / q - 1));
        check_msg(fabs(p[i] - q) <= 4e-7 * fabs(q) + 3e-45,
                  "%s: z %.9g gives %.9g, not %.9g", be->name, z[i], p[i], q);
    }
    print_message("%s: softmax %.2g relative\n", be->name, worst);
    free(z);
    free(p);
}

static void exp_is_accurate_down_to_denormals(void **state)
{
    (void)state;
    each_variant(check_exp);
}

static void check_sampling(struct sl_backend *be)
{
    static const int64_t sizes[] = {1, 2, 15, 16, 17, 1024, 1025, 5000};

    for (size_t k = 0; k < SL_LEN(sizes); k++) {
        int64_t V = sizes[k];
        float *logits = floats(V, -6, 6, k), *z = floats(V, 0, 0, 0);
        double *cdf = malloc((size_t)(V + 1) * sizeof *cdf);

        cdf[0] = 0;
        for (int64_t v = 0; v < V; v++)
            cdf[v + 1] = cdf[v] + exp(logits[v]);
        for (int trial = 0; trial <= 200; trial++) {
            double u = trial < 200 ? trial / 200.0 : 1 - 0x1p-32;
            double at = u * cdf[V];
            int32_t id;

            memcpy(z, logits, (size_t)V * sizeof *z);
            id = kernels_of(be)->sample_row(z, V, u);
            assert_in_range(id, 0, V - 1);
            check_msg(
                cdf[id] <= at * (1 + 1e-6) && cdf[id + 1] >= at * (1 - 1e-6),
                "%s: V %d, u %.9g gives %d", be->name, (int)V, u, (int)id);
        }
        memcpy(z, logits, (size_t)V * sizeof *z);
        z[V / 2] = NAN;
        assert_in_range(kernels_of(be)->sample_row(z, V, 0.5), 0, V - 1);
        free(logits);
        free(z);
        free(cdf);
    }
}

static void samples_invert_the_distribution(void **state)
{
    (void)state;
    each_variant(check_sampling);
}

/* Sizes around the cuts of the parallel loops. */
static void check_sums(struct sl_backend *be)
{
    static const int64_t sizes[] = {0,    1,      4095,          4096,
                                    4097, 100003, 512 * 4096 + 5};

    for (size_t k = 0; k < SL_LEN(sizes); k++) {
        int64_t n = sizes[k];
        float *x = floats(n, -1, 1, k);
        double want = 0, got = -1;

        for (int64_t i = 0; i < n; i++)
            want += (double)x[i] * x[i];
        be->ops->sum_squares(be, &got, (sl_real *)x, n);
        check_close(got, want, 1e-11);
        free(x);
    }
}

static void sum_of_squares_is_a_double_sum(void **state)
{
    (void)state;
    each_variant(check_sums);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_width_agrees),
        cmocka_unit_test(attention_agrees_at_every_length),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(masks_are_the_definitions_bit_for_bit),
        cmocka_unit_test(neighbours_in_the_batch_change_no_bit),
        cmocka_unit_test(nan_and_infinity_pass_through),
        cmocka_unit_test(gelu_is_accurate_everywhere),
        cmocka_unit_test(exp_is_accurate_down_to_denormals),
        cmocka_unit_test(samples_invert_the_distribution),
        cmocka_unit_test(sum_of_squares_is_a_double_sum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
