/*
 * backend/cpu/onednn/onednn_ops.c - the ops that are matrix products, and those
 * that make logits chunk by chunk.  What each computes is said in cpu/ref.
 */
#include <string.h>

#include "backend/cpu/onednn/onednn.h"
#include "base/parallel.h"
#include "base/rng.h"

/* ---- linear ---- */

static void linear_fwd(struct sl_backend *be, sl_act *y, const sl_act *x,
                       const sl_real *W, const sl_real *b, int64_t N, int64_t I,
                       int64_t O)
{
    struct sl_rows_product p = {.y = (float *)y,
                                .x = (const float *)x,
                                .w = (const float *)W,
                                .bias = (const float *)b,
                                .M = N,
                                .N = O,
                                .K = I,
                                .ldy = O,
                                .w_transposed = true};

    sl_rows_product(be, &p);
}

static void linear_gelu_fwd(struct sl_backend *be, sl_act *y, sl_act *pre,
                            const sl_act *x, const sl_real *W, const sl_real *b,
                            int64_t N, int64_t I, int64_t O)
{
    struct sl_rows_product p = {.y = (float *)(pre ? pre : y),
                                .gelu = (float *)y,
                                .x = (const float *)x,
                                .w = (const float *)W,
                                .bias = (const float *)b,
                                .M = N,
                                .N = O,
                                .K = I,
                                .ldy = O,
                                .w_transposed = true};

    sl_rows_product(be, &p);
}

/* db [O] += column sums of dy [N, O], a strip of columns at a time. */
enum { STRIP = 64 };
struct column_sums {
    float *db;
    const float *dy;
    int64_t N, O;
};

static void sum_strip(void *ctx, int64_t begin, int64_t end)
{
    const struct column_sums *c = ctx;
    double sum[STRIP] = {0};

    if (end - begin == STRIP) /* a count the compiler knows */
        for (int64_t r = 0; r < c->N; r++)
            for (int64_t i = 0; i < STRIP; i++)
                sum[i] += c->dy[r * c->O + begin + i];
    else
        for (int64_t r = 0; r < c->N; r++)
            for (int64_t i = begin; i < end; i++)
                sum[i - begin] += c->dy[r * c->O + i];
    for (int64_t i = begin; i < end; i++)
        c->db[i] = (float)(c->db[i] + sum[i - begin]);
}

static void linear_bwd(struct sl_backend *be, sl_act *dx, sl_real *dW,
                       sl_real *db, const sl_act *dy, const sl_act *x,
                       const sl_real *W, int64_t N, int64_t I, int64_t O,
                       bool add_dx)
{
    struct sl_rows_product p = {.y = (float *)dx,
                                .x = (const float *)dy,
                                .w = (const float *)W,
                                .M = N,
                                .N = I,
                                .K = O,
                                .ldy = I,
                                .add = add_dx};
    struct column_sums sums = {(float *)db, (const float *)dy, N, O};

    if (dx)
        sl_rows_product(be, &p);
    if (dW)
        sl_weight_product(be, (float *)dW, (const float *)dy, (const float *)x,
                          N, I, O);
    if (db)
        sl_parallel_for(O, STRIP, sum_strip, &sums);
}

/*
 * Columns that are left after a multiple of 16 have code of their own on some
 * machines, with other roundings; a passage must not be scored differently for
 * being among the last, so those are padded to 16.
 */
enum { PASSAGES = 16 };

static void last_scores(struct sl_backend *be, float *s, const float *q,
                        const float *p, int64_t n_q, int64_t n_p, int64_t D,
                        int64_t ldy)
{
    size_t p_bytes = (size_t)(PASSAGES * D) * sizeof *p;
    size_t s_bytes = (size_t)(PASSAGES * n_q) * sizeof *s;
    void *at = sl_cpu_scratch(be, sl_cpu_round(p_bytes) + s_bytes);
    struct sl_rows_product product = {.x = q,
                                      .M = n_q,
                                      .N = PASSAGES,
                                      .K = D,
                                      .ldy = PASSAGES,
                                      .w_transposed = true};
    float *padded;

    if (!at)
        return;
    product.w = padded = sl_cpu_cut(&at, p_bytes);
    product.y = sl_cpu_cut(&at, s_bytes);
    memset(padded, 0, p_bytes);
    memcpy(padded, p, (size_t)(n_p * D) * sizeof *p);
    sl_rows_product(be, &product);
    for (int64_t i = 0; i < n_q; i++)
        memcpy(s + i * ldy, product.y + i * PASSAGES, (size_t)n_p * sizeof *s);
}

static void scores(struct sl_backend *be, sl_real *s_, const sl_real *q_,
                   const sl_real *p_, int64_t n_q, int64_t n_p, int64_t D)
{
    const float *q = (const float *)q_, *p = (const float *)p_;
    float *s = (float *)s_;
    int64_t most = n_p / PASSAGES * PASSAGES;
    struct sl_rows_product product = {.y = s,
                                      .x = q,
                                      .w = p,
                                      .M = n_q,
                                      .N = most,
                                      .K = D,
                                      .ldy = n_p,
                                      .w_transposed = true};

    sl_rows_product(be, &product);
    if (n_p > most)
        last_scores(be, s + most, q, p + most * D, n_q, n_p - most, D, n_p);
}

/* ---- the vocabulary, a chunk of rows at a time ---- */

struct chunk {
    const struct sl_cpu_kernels *kernels;
    float *z;     /* [rows, V] */
    double *loss; /* [rows] */
    const int32_t *labels;
    int32_t *ids;
    const uint64_t *row_key;
    int64_t V;
    uint64_t stream;
    uint32_t site;
    float scale;
    bool grad;
};

static void ce_rows(void *ctx, int64_t begin, int64_t end)
{
    const struct chunk *c = ctx;

    for (int64_t r = begin; r < end; r++)
        c->loss[r] = c->kernels->ce_row(c->z + r * c->V, c->V, c->labels[r],
                                        c->scale, c->grad);
}

static void sample_rows(void *ctx, int64_t begin, int64_t end)
{
    const struct chunk *c = ctx;

    for (int64_t r = begin; r < end; r++) {
        uint64_t key = c->row_key[r];
        struct sl_philox w = sl_philox4(c->stream, 0, (uint32_t)key,
                                        (uint32_t)(key >> 32), c->site);

        c->ids[r] =
            c->kernels->sample_row(c->z + r * c->V, c->V, w.v[0] * 0x1p-32);
    }
}

static const sl_act *row_of(const sl_act *h, int64_t row, int64_t D)
{
    return (const sl_act *)((const float *)h + row * D);
}

static void vocab_ce(struct sl_backend *be, sl_real *loss_, sl_act *dh,
                     sl_real *dW, sl_real *db, const sl_act *h,
                     const sl_real *W, const sl_real *b, const int32_t *labels,
                     int64_t n, int64_t D, int64_t V, double scale)
{
    const struct sl_cpu *cpu = be->impl;
    int64_t rows = n < sl_cpu_vocab_rows(V) ? n : sl_cpu_vocab_rows(V);
    size_t z_bytes = (size_t)(rows * V) * sizeof(float);
    size_t loss_bytes = (size_t)rows * sizeof(double);
    void *at = sl_cpu_scratch(be, sl_cpu_round(z_bytes) + loss_bytes);
    struct chunk c = {.kernels = &cpu->kernels,
                      .V = V,
                      .scale = (float)scale,
                      .grad = dh != NULL};
    float *loss = (float *)loss_;
    double sum = 0;

    if (!at)
        return;
    c.z = sl_cpu_cut(&at, z_bytes);
    c.loss = sl_cpu_cut(&at, loss_bytes);
    for (int64_t r = 0; r < n; r += rows) {
        int64_t m = n - r < rows ? n - r : rows;

        c.labels = labels + r;
        linear_fwd(be, (sl_act *)c.z, row_of(h, r, D), W, b, m, D, V);
        sl_parallel_for(m, 1, ce_rows, &c);
        for (int64_t i = 0; i < m; i++)
            sum += c.loss[i];
        if (dh)
            linear_bwd(be, (sl_act *)((float *)dh + r * D), dW, db,
                       (const sl_act *)c.z, row_of(h, r, D), W, m, D, V, false);
    }
    loss[0] = (float)(loss[0] + sum);
}

static void vocab_sample(struct sl_backend *be, int32_t *ids, const sl_act *h,
                         const sl_real *W, const sl_real *b,
                         const uint64_t *row_key, int64_t n, int64_t D,
                         int64_t V, uint64_t stream, uint32_t site)
{
    const struct sl_cpu *cpu = be->impl;
    int64_t rows = n < sl_cpu_vocab_rows(V) ? n : sl_cpu_vocab_rows(V);
    struct chunk c = {
        .kernels = &cpu->kernels, .V = V, .stream = stream, .site = site};

    c.z = sl_cpu_scratch(be, (size_t)(rows * V) * sizeof(float));
    if (!c.z)
        return;
    for (int64_t r = 0; r < n; r += rows) {
        int64_t m = n - r < rows ? n - r : rows;

        c.ids = ids + r;
        c.row_key = row_key + r;
        linear_fwd(be, (sl_act *)c.z, row_of(h, r, D), W, b, m, D, V);
        sl_parallel_for(m, 1, sample_rows, &c);
    }
}

void sl_ops_init_onednn(struct sl_ops *ops)
{
    ops->linear_fwd = linear_fwd;
    ops->linear_gelu_fwd = linear_gelu_fwd;
    ops->linear_bwd = linear_bwd;
    ops->vocab_ce = vocab_ce;
    ops->vocab_sample = vocab_sample;
    ops->scores = scores;
}
