/*
 * backend/cpu/onednn/onednn_ops.c - the ops that are matrix products, and those
 * that make logits chunk by chunk.  What each computes is said in cpu/ref.
 */
#include <string.h>

#include "backend/cpu/onednn/onednn.h"
#include "base/parallel.h"
#include "base/rng.h"

static bool is_half(const struct sl_backend *be)
{
    return be->act_bytes == sizeof(sl_bf16);
}

/* Where a product finds W [n]; NULL if memory is short. */
static const void *weights(struct sl_backend *be, const sl_real *W, int64_t n)
{
    return is_half(be) ? (const void *)sl_onednn_rounded(be, W, n) : W;
}

/* ---- linear -------------------------------------------------------------- */

/* y = x W^T + b, W packed if it can be. */
static void forward(struct sl_backend *be, struct sl_rows_product *p,
                    const sl_real *W)
{
    p->half = is_half(be);
    p->w_transposed = true;
    p->packed = sl_onednn_packed(be, (const float *)W, p->N, p->K, p->half);
    if (!p->packed)
        p->w = weights(be, W, p->N * p->K);
    if (p->packed || p->w)
        sl_rows_product(be, p);
}

static void linear_fwd(struct sl_backend *be, sl_act *y, const sl_act *x,
                       const sl_real *W, const sl_real *b, int64_t N, int64_t I,
                       int64_t O)
{
    struct sl_rows_product p = {.y = y,
                                .x = x,
                                .bias = (const float *)b,
                                .M = N,
                                .N = O,
                                .K = I,
                                .ldy = O,
                                .half_y = is_half(be)};

    forward(be, &p, W);
}

static void linear_gelu_fwd(struct sl_backend *be, sl_act *y, sl_act *pre,
                            const sl_act *x, const sl_real *W, const sl_real *b,
                            int64_t N, int64_t I, int64_t O)
{
    struct sl_rows_product p = {.y = pre ? pre : y,
                                .gelu = y,
                                .x = x,
                                .bias = (const float *)b,
                                .M = N,
                                .N = O,
                                .K = I,
                                .ldy = O,
                                .half_y = is_half(be)};

    forward(be, &p, W);
}

/* db [O] += column sums of dy [N, O], a strip of columns at a time. */
enum { STRIP = 128 };
struct column_sums {
    const struct sl_backend *be;
    float *db;
    const sl_act *dy;
    int64_t N, O;
};

static void sum_strip(void *ctx, int64_t begin, int64_t end)
{
    const struct column_sums *c = ctx;
    const struct sl_cpu *cpu = c->be->impl;
    const char *dy = (const char *)c->dy + begin * (int64_t)c->be->act_bytes;
    double sum[STRIP] = {0};

    cpu->kernels.sum_rows(sum, (const sl_act *)dy, c->O, c->N, end - begin);
    for (int64_t i = begin; i < end; i++)
        c->db[i] = (float)(c->db[i] + sum[i - begin]);
}

static void linear_bwd(struct sl_backend *be, sl_act *dx, sl_real *dW,
                       sl_real *db, const sl_act *dy, const sl_act *x,
                       const sl_real *W, int64_t N, int64_t I, int64_t O,
                       bool add_dx)
{
    struct sl_rows_product down = {.y = dx,
                                   .x = dy,
                                   .M = N,
                                   .N = I,
                                   .K = O,
                                   .ldy = I,
                                   .add = add_dx,
                                   .half = is_half(be),
                                   .half_y = is_half(be)};
    struct sl_weight_product across = {.dw = (float *)dW,
                                       .dy = dy,
                                       .x = x,
                                       .M = N,
                                       .I = I,
                                       .O = O,
                                       .half = is_half(be)};
    struct column_sums sums = {be, (float *)db, dy, N, O};

    if (dx && (down.w = weights(be, W, I * O)))
        sl_rows_product(be, &down);
    if (dW)
        sl_weight_product(be, &across);
    if (db)
        sl_parallel_for(O, STRIP, sum_strip, &sums);
}

/* ---- scores, always in fp32 ---------------------------------------------- */

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
                                      .cut = true,
                                      .ldy = PASSAGES,
                                      .w_transposed = true};
    float *padded, *padded_s;

    if (!at)
        return;
    product.w = padded = sl_cpu_cut(&at, p_bytes);
    product.y = padded_s = sl_cpu_cut(&at, s_bytes);
    memset(padded, 0, p_bytes);
    memcpy(padded, p, (size_t)(n_p * D) * sizeof *p);
    sl_rows_product(be, &product);
    for (int64_t i = 0; i < n_q; i++)
        memcpy(s + i * ldy, padded_s + i * PASSAGES, (size_t)n_p * sizeof *s);
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
                                      .cut = true,
                                      .ldy = n_p,
                                      .w_transposed = true};

    sl_rows_product(be, &product);
    if (n_p > most)
        last_scores(be, s + most, q, p + most * D, n_q, n_p - most, D, n_p);
}

/*
 * ---- the vocabulary, a chunk of rows at a time ----
 *
 * Logits, fp32, are never all there: as soon as a few rows are made, in a
 * thread's own memory, they are spent.  What stays of a chunk is their gradient,
 * activations [rows, V] that feed the two products of the way back.
 */

struct chunk {
    const struct sl_cpu_kernels *kernels;
    char *dz;     /* [rows, V]; NULL: not wanted */
    double *loss; /* [rows] */
    const int32_t *labels;
    int32_t *ids;
    const uint64_t *row_key;
    int64_t V;
    size_t dz_bytes; /* of a row */
    uint64_t stream;
    uint32_t site;
    float scale;
};

static void ce_rows(void *ctx, void *logits, int64_t first, int64_t n)
{
    const struct chunk *c = ctx;

    for (int64_t i = 0; i < n; i++) {
        float *z = (float *)logits + i * c->V;
        int64_t r = first + i;

        c->loss[r] =
            c->kernels->ce_row(z, c->V, c->labels[r], c->scale, c->dz != NULL);
        if (c->dz)
            memcpy(c->dz + (size_t)r * c->dz_bytes, z, c->dz_bytes);
    }
}

static void sample_rows(void *ctx, void *logits, int64_t first, int64_t n)
{
    const struct chunk *c = ctx;

    for (int64_t i = 0; i < n; i++) {
        uint64_t key = c->row_key[first + i];
        struct sl_philox w = sl_philox4(c->stream, 0, (uint32_t)key,
                                        (uint32_t)(key >> 32), c->site);

        c->ids[first + i] = c->kernels->sample_row((float *)logits + i * c->V,
                                                   c->V, w.v[0] * 0x1p-32);
    }
}

static sl_act *row_of(const struct sl_backend *be, const sl_act *h, int64_t row,
                      int64_t D)
{
    return sl_act_at(be, (sl_act *)(uintptr_t)h, row * D);
}

/* Call `spend` with the rows of h [m, D] W^T + b. */
static void make_logits(struct sl_backend *be, struct chunk *c,
                        void (*spend)(void *, void *, int64_t, int64_t),
                        const sl_act *h, const sl_real *W, const sl_real *b,
                        int64_t m, int64_t D)
{
    struct sl_rows_product p = {.x = h,
                                .bias = (const float *)b,
                                .M = m,
                                .N = c->V,
                                .K = D,
                                .ldy = c->V,
                                .after = spend,
                                .ctx = c};

    forward(be, &p, W);
}

static void vocab_ce(struct sl_backend *be, sl_real *loss_, sl_act *dh,
                     sl_real *dW, sl_real *db, const sl_act *h,
                     const sl_real *W, const sl_real *b, const int32_t *labels,
                     int64_t n, int64_t D, int64_t V, double scale)
{
    const struct sl_cpu *cpu = be->impl;
    int64_t rows = n < sl_cpu_vocab_rows(V) ? n : sl_cpu_vocab_rows(V);
    struct chunk c = {.kernels = &cpu->kernels,
                      .V = V,
                      .dz_bytes = (size_t)V * be->act_bytes,
                      .scale = (float)scale};
    size_t dz_bytes = dh ? (size_t)rows * c.dz_bytes : 0;
    size_t loss_bytes = (size_t)rows * sizeof(double);
    void *at = sl_cpu_scratch(be, sl_cpu_round(loss_bytes) + dz_bytes);
    float *loss = (float *)loss_;
    double sum = 0;

    if (!at)
        return;
    c.loss = sl_cpu_cut(&at, loss_bytes);
    memset(c.loss, 0,
           loss_bytes); /* without memory for logits nothing is lost */
    c.dz = dh ? at : NULL;
    for (int64_t r = 0; r < n; r += rows) {
        int64_t m = n - r < rows ? n - r : rows;
        const sl_act *hr = row_of(be, h, r, D);

        c.labels = labels + r;
        make_logits(be, &c, ce_rows, hr, W, b, m, D);
        for (int64_t i = 0; i < m; i++)
            sum += c.loss[i];
        if (dh)
            linear_bwd(be, row_of(be, dh, r, D), dW, db, (const sl_act *)c.dz,
                       hr, W, m, D, V, false);
    }
    loss[0] = (float)(loss[0] + sum);
}

static void vocab_sample(struct sl_backend *be, int32_t *ids, const sl_act *h,
                         const sl_real *W, const sl_real *b,
                         const uint64_t *row_key, int64_t n, int64_t D,
                         int64_t V, uint64_t stream, uint32_t site)
{
    const struct sl_cpu *cpu = be->impl;
    struct chunk c = {.kernels = &cpu->kernels,
                      .ids = ids,
                      .row_key = row_key,
                      .V = V,
                      .stream = stream,
                      .site = site};

    make_logits(be, &c, sample_rows, h, W, b, n, D);
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
