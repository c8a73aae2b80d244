/*
 * backend/cpu/wide.c - bf16 by way of fp32: what no faster version overrides.
 *
 * A bf16 backend holds an fp32 one.  Each op here widens the activations it is
 * given, has the fp32 backend compute, and rounds what it gave.  So every op
 * exists in bf16 on every machine; where oneDNN has no bf16 (without AVX-512)
 * products run at fp32's speed.
 *
 * Ops whose arguments are all sl_real are the fp32 backend's own, but adamw,
 * which renews the rounded copy of the weights.  Ops that only move rows move
 * them as they are.
 */
#include <string.h>

#include "backend/cpu/cpu.h"
#include "base/parallel.h"

/* ---- activations as floats ----------------------------------------------- */

struct wide {
    struct sl_backend *f32;
    const struct sl_ops *ops; /* the fp32 backend's */
    const struct sl_cpu_kernels *kernels;
    void *at; /* what is left of the scratch */
};

enum { ARRAYS = 6, GRAIN = 16384 };

/* Room for at most ARRAYS arrays with `floats` elements in all. */
static bool wide_begin(struct wide *s, struct sl_backend *be, int64_t floats)
{
    struct sl_cpu *cpu = be->impl;
    size_t bytes = (size_t)floats * sizeof(float) + ARRAYS * sl_cpu_round(1);

    *s = (struct wide){.f32 = cpu->f32,
                       .ops = cpu->f32->ops,
                       .kernels = &cpu->kernels,
                       .at = sl_cpu_scratch(be, bytes)};
    return s->at != NULL;
}

static sl_act *wide_new(struct wide *s, int64_t n)
{
    return sl_cpu_cut(&s->at, (size_t)n * sizeof(float));
}

struct conversion {
    const struct sl_cpu_kernels *kernels;
    float *wide;
    sl_bf16 *half;
    const float *from_wide;
    const sl_bf16 *from_half;
};

static void convert(void *ctx, int64_t begin, int64_t end)
{
    const struct conversion *c = ctx;

    if (c->wide)
        c->kernels->widen(c->wide + begin, c->from_half + begin, end - begin);
    else
        c->kernels->round(c->half + begin, c->from_wide + begin, end - begin);
}

/* A copy of x [n] in floats; NULL for NULL. */
static sl_act *wide_copy(struct wide *s, const sl_act *x, int64_t n)
{
    struct conversion c = {.kernels = s->kernels,
                           .from_half = (const sl_bf16 *)x};

    if (!x)
        return NULL;
    c.wide = (float *)wide_new(s, n);
    sl_parallel_for(n, GRAIN, convert, &c);
    return (sl_act *)c.wide;
}

/* Room for what the caller wants in y; NULL if it does not. */
static sl_act *wide_out(struct wide *s, const sl_act *y, int64_t n)
{
    return y ? wide_new(s, n) : NULL;
}

static void give(const struct wide *s, sl_act *y, const sl_act *wide, int64_t n)
{
    struct conversion c = {.kernels = s->kernels,
                           .half = (sl_bf16 *)y,
                           .from_wide = (const float *)wide};

    if (y)
        sl_parallel_for(n, GRAIN, convert, &c);
}

/* ---- embeddings and layers ----------------------------------------------- */

static void embed_fwd(struct sl_backend *be, sl_act *y, sl_real *mean,
                      sl_real *rstd, const int32_t *ids, const int32_t *types,
                      const struct sl_packing *pk, const struct sl_embed *w,
                      int64_t E, float eps, struct sl_dropout drop)
{
    struct wide s;
    sl_act *wide;

    if (!wide_begin(&s, be, pk->N * E))
        return;
    wide = wide_out(&s, y, pk->N * E);
    s.ops->embed_fwd(s.f32, wide, mean, rstd, ids, types, pk, w, E, eps, drop);
    give(&s, y, wide, pk->N * E);
}

static void embed_bwd(struct sl_backend *be, const struct sl_embed *grad,
                      const sl_act *dy, const sl_real *mean,
                      const sl_real *rstd, const int32_t *ids,
                      const int32_t *types, const struct sl_packing *pk,
                      const struct sl_embed *w, int64_t E,
                      struct sl_dropout drop)
{
    struct wide s;

    if (!wide_begin(&s, be, pk->N * E))
        return;
    s.ops->embed_bwd(s.f32, grad, wide_copy(&s, dy, pk->N * E), mean, rstd, ids,
                     types, pk, w, E, drop);
}

static void linear_fwd(struct sl_backend *be, sl_act *y, const sl_act *x,
                       const sl_real *W, const sl_real *b, int64_t N, int64_t I,
                       int64_t O)
{
    struct wide s;
    sl_act *wide;

    if (!wide_begin(&s, be, N * (I + O)))
        return;
    wide = wide_out(&s, y, N * O);
    s.ops->linear_fwd(s.f32, wide, wide_copy(&s, x, N * I), W, b, N, I, O);
    give(&s, y, wide, N * O);
}

static void linear_bwd(struct sl_backend *be, sl_act *dx, sl_real *dW,
                       sl_real *db, const sl_act *dy, const sl_act *x,
                       const sl_real *W, int64_t N, int64_t I, int64_t O,
                       bool add_dx)
{
    struct wide s;
    sl_act *wide;

    if (!wide_begin(&s, be, N * (2 * I + O)))
        return;
    wide = add_dx ? wide_copy(&s, dx, N * I) : wide_out(&s, dx, N * I);
    s.ops->linear_bwd(s.f32, wide, dW, db, wide_copy(&s, dy, N * O),
                      wide_copy(&s, x, N * I), W, N, I, O, add_dx);
    give(&s, dx, wide, N * I);
}

struct gelu {
    const struct sl_cpu_kernels *kernels;
    sl_bf16 *y;
    const sl_bf16 *pre;
};

static void gelu_range(void *ctx, int64_t begin, int64_t end)
{
    const struct gelu *c = ctx;

    c->kernels->gelu_fwd((sl_act *)(c->y + begin),
                         (const sl_act *)(c->pre + begin), end - begin);
}

/* In two ops, so that gelu sees the rounded x W^T + b whether it is kept or
 * not, as in the fast versions. */
static void linear_gelu_fwd(struct sl_backend *be, sl_act *y, sl_act *pre,
                            const sl_act *x, const sl_real *W, const sl_real *b,
                            int64_t N, int64_t I, int64_t O)
{
    const struct sl_cpu *cpu = be->impl;
    struct gelu c = {&cpu->kernels, (sl_bf16 *)y,
                     (const sl_bf16 *)(pre ? pre : y)};

    linear_fwd(be, pre ? pre : y, x, W, b, N, I, O);
    sl_parallel_for(N * O, GRAIN, gelu_range, &c);
}

static void gelu_bwd(struct sl_backend *be, sl_act *dpre, const sl_act *dy,
                     const sl_act *pre, int64_t n)
{
    struct wide s;
    sl_act *wide;

    if (!wide_begin(&s, be, 2 * n))
        return;
    wide = wide_copy(&s, dy, n);
    s.ops->gelu_bwd(s.f32, wide, wide, wide_copy(&s, pre, n), n);
    give(&s, dpre, wide, n);
}

static void residual_ln_fwd(struct sl_backend *be, sl_act *y, sl_act *sum,
                            sl_real *mean, sl_real *rstd, const sl_act *x,
                            const sl_act *res, const uint64_t *row_key,
                            const sl_real *g, const sl_real *b, int64_t N,
                            int64_t D, float eps, struct sl_dropout drop)
{
    int64_t n = N * D;
    struct wide s;
    sl_act *wide_y, *wide_sum;

    if (!wide_begin(&s, be, 4 * n))
        return;
    wide_y = wide_out(&s, y, n);
    wide_sum = wide_out(&s, sum, n);
    s.ops->residual_ln_fwd(s.f32, wide_y, wide_sum, mean, rstd,
                           wide_copy(&s, x, n), wide_copy(&s, res, n), row_key,
                           g, b, N, D, eps, drop);
    give(&s, y, wide_y, n);
    give(&s, sum, wide_sum, n);
}

static void residual_ln_bwd(struct sl_backend *be, sl_act *dx, sl_act *dres,
                            sl_real *dg, sl_real *db, const sl_act *dy,
                            const sl_act *sum, const sl_real *mean,
                            const sl_real *rstd, const uint64_t *row_key,
                            const sl_real *g, int64_t N, int64_t D,
                            struct sl_dropout drop)
{
    int64_t n = N * D;
    struct wide s;
    sl_act *wide_dx, *wide_dres;

    if (!wide_begin(&s, be, 4 * n))
        return;
    wide_dx = wide_out(&s, dx, n);
    wide_dres = wide_out(&s, dres, n);
    s.ops->residual_ln_bwd(s.f32, wide_dx, wide_dres, dg, db,
                           wide_copy(&s, dy, n), wide_copy(&s, sum, n), mean,
                           rstd, row_key, g, N, D, drop);
    give(&s, dx, wide_dx, n);
    give(&s, dres, wide_dres, n);
}

static void attention_fwd(struct sl_backend *be, sl_act *ctx, sl_real *lse,
                          const sl_act *qkv, const struct sl_packing *pk,
                          int64_t D, int64_t H, struct sl_dropout drop)
{
    int64_t n = pk->N * D;
    struct wide s;
    sl_act *wide;

    if (!wide_begin(&s, be, 4 * n))
        return;
    wide = wide_out(&s, ctx, n);
    s.ops->attention_fwd(s.f32, wide, lse, wide_copy(&s, qkv, 3 * n), pk, D, H,
                         drop);
    give(&s, ctx, wide, n);
}

static void attention_bwd(struct sl_backend *be, sl_act *dqkv,
                          const sl_act *dctx, const sl_act *ctx,
                          const sl_real *lse, const sl_act *qkv,
                          const struct sl_packing *pk, int64_t D, int64_t H,
                          struct sl_dropout drop)
{
    int64_t n = pk->N * D;
    struct wide s;
    sl_act *wide;

    if (!wide_begin(&s, be, 8 * n))
        return;
    wide = wide_out(&s, dqkv, 3 * n);
    s.ops->attention_bwd(s.f32, wide, wide_copy(&s, dctx, n),
                         wide_copy(&s, ctx, n), lse, wide_copy(&s, qkv, 3 * n),
                         pk, D, H, drop);
    give(&s, dqkv, wide, 3 * n);
}

static void attention_rows_fwd(struct sl_backend *be, sl_act *ctx, sl_real *lse,
                               const sl_act *q, const sl_act *kv,
                               const struct sl_packing *pk,
                               const struct sl_chosen *rows, int64_t D,
                               int64_t H, struct sl_dropout drop)
{
    int64_t n = rows->pk.N * D, n_kv = 2 * pk->N * D;
    struct wide s;
    sl_act *wide;

    if (!wide_begin(&s, be, 2 * n + n_kv))
        return;
    wide = wide_out(&s, ctx, n);
    s.ops->attention_rows_fwd(s.f32, wide, lse, wide_copy(&s, q, n),
                              wide_copy(&s, kv, n_kv), pk, rows, D, H, drop);
    give(&s, ctx, wide, n);
}

static void attention_rows_bwd(struct sl_backend *be, sl_act *dq, sl_act *dkv,
                               const sl_act *dctx, const sl_act *ctx,
                               const sl_real *lse, const sl_act *q,
                               const sl_act *kv, const struct sl_packing *pk,
                               const struct sl_chosen *rows, int64_t D,
                               int64_t H, struct sl_dropout drop)
{
    int64_t n = rows->pk.N * D, n_kv = 2 * pk->N * D;
    struct wide s;
    sl_act *wide_dq, *wide_dkv;

    if (!wide_begin(&s, be, 4 * n + 2 * n_kv))
        return;
    wide_dq = wide_out(&s, dq, n);
    wide_dkv = wide_out(&s, dkv, n_kv);
    s.ops->attention_rows_bwd(s.f32, wide_dq, wide_dkv, wide_copy(&s, dctx, n),
                              wide_copy(&s, ctx, n), lse, wide_copy(&s, q, n),
                              wide_copy(&s, kv, n_kv), pk, rows, D, H, drop);
    give(&s, dq, wide_dq, n);
    give(&s, dkv, wide_dkv, n_kv);
}

/* ---- rows, as they are --------------------------------------------------- */

static void copy_row(sl_bf16 *y, const sl_bf16 *x, int64_t D)
{
    memcpy(y, x, (size_t)D * sizeof *y);
}

static void splice_cls_fwd(struct sl_backend *be, sl_act *y_, const sl_act *h_,
                           const int32_t *h_start, const sl_act *x,
                           const struct sl_packing *pk, int64_t D)
{
    const sl_bf16 *h = (const sl_bf16 *)h_;
    sl_bf16 *y = (sl_bf16 *)y_;

    (void)be;
    memcpy(y, x, (size_t)(pk->N * D) * sizeof *y);
    for (int64_t i = 0; i < pk->n; i++)
        copy_row(y + pk->seq_start[i] * D, h + h_start[i] * D, D);
}

static void splice_cls_bwd(struct sl_backend *be, sl_act *dh_,
                           const int32_t *h_start, sl_act *dx_,
                           const sl_act *dy_, const struct sl_packing *pk,
                           int64_t D)
{
    const sl_bf16 *dy = (const sl_bf16 *)dy_;
    sl_bf16 *dh = (sl_bf16 *)dh_, *dx = (sl_bf16 *)dx_;

    (void)be;
    if (dx != dy)
        memcpy(dx, dy, (size_t)(pk->N * D) * sizeof *dx);
    for (int64_t s = 0; s < pk->n; s++) {
        const sl_bf16 *from = dy + pk->seq_start[s] * D;
        sl_bf16 *to = dh + h_start[s] * D;

        for (int64_t i = 0; i < D; i++)
            to[i] =
                sl_bf16_round(sl_bf16_widen(to[i]) + sl_bf16_widen(from[i]));
        memset(dx + pk->seq_start[s] * D, 0, (size_t)D * sizeof *dx);
    }
}

static void gather_rows(struct sl_backend *be, sl_act *y, const sl_act *x,
                        const int32_t *rows, int64_t n, int64_t D)
{
    (void)be;
    for (int64_t i = 0; i < n; i++)
        copy_row((sl_bf16 *)y + i * D, (const sl_bf16 *)x + rows[i] * D, D);
}

static void scatter_rows(struct sl_backend *be, sl_act *dx, const sl_act *dy,
                         const int32_t *rows, int64_t n, int64_t N, int64_t D)
{
    (void)be;
    memset(dx, 0, (size_t)(N * D) * sizeof(sl_bf16));
    for (int64_t i = 0; i < n; i++)
        copy_row((sl_bf16 *)dx + rows[i] * D, (const sl_bf16 *)dy + i * D, D);
}

static void pool_fwd(struct sl_backend *be, sl_real *v, const sl_act *h,
                     const struct sl_packing *pk, int64_t D,
                     enum sl_pooling how)
{
    struct wide s;

    if (wide_begin(&s, be, pk->N * D))
        s.ops->pool_fwd(s.f32, v, wide_copy(&s, h, pk->N * D), pk, D, how);
}

static void pool_bwd(struct sl_backend *be, sl_act *dh, const sl_real *dv,
                     const struct sl_packing *pk, int64_t D,
                     enum sl_pooling how)
{
    struct wide s;
    sl_act *wide;

    if (!wide_begin(&s, be, pk->N * D))
        return;
    wide = wide_out(&s, dh, pk->N * D);
    s.ops->pool_bwd(s.f32, wide, dv, pk, D, how);
    give(&s, dh, wide, pk->N * D);
}

static void add(struct sl_backend *be, sl_act *y, const sl_act *x, int64_t n)
{
    struct wide s;
    sl_act *wide;

    if (!wide_begin(&s, be, 2 * n))
        return;
    wide = wide_copy(&s, y, n);
    s.ops->add(s.f32, wide, wide_copy(&s, x, n), n);
    give(&s, y, wide, n);
}

/* ---- from a row to a score ----------------------------------------------- */

static void tanh_fwd(struct sl_backend *be, sl_act *y, const sl_act *x,
                     int64_t n)
{
    struct wide s;
    sl_act *wide;

    if (!wide_begin(&s, be, n))
        return;
    wide = wide_copy(&s, x, n);
    s.ops->tanh_fwd(s.f32, wide, wide, n);
    give(&s, y, wide, n);
}

static void tanh_bwd(struct sl_backend *be, sl_act *dx, const sl_act *dy,
                     const sl_act *y, int64_t n)
{
    struct wide s;
    sl_act *wide;

    if (!wide_begin(&s, be, 2 * n))
        return;
    wide = wide_copy(&s, dy, n);
    s.ops->tanh_bwd(s.f32, wide, wide, wide_copy(&s, y, n), n);
    give(&s, dx, wide, n);
}

static void dropout(struct sl_backend *be, sl_act *y, const sl_act *x,
                    const uint64_t *row_key, int64_t N, int64_t D,
                    struct sl_dropout drop)
{
    struct wide s;
    sl_act *wide;

    if (!wide_begin(&s, be, N * D))
        return;
    wide = wide_copy(&s, x, N * D);
    s.ops->dropout(s.f32, wide, wide, row_key, N, D, drop);
    give(&s, y, wide, N * D);
}

static void linear_one_fwd(struct sl_backend *be, sl_real *y, const sl_act *x,
                           const sl_real *w, const sl_real *b, int64_t N,
                           int64_t I)
{
    struct wide s;

    if (wide_begin(&s, be, N * I))
        s.ops->linear_one_fwd(s.f32, y, wide_copy(&s, x, N * I), w, b, N, I);
}

static void linear_one_bwd(struct sl_backend *be, sl_act *dx, sl_real *dw,
                           sl_real *db, const sl_real *dy, const sl_act *x,
                           const sl_real *w, int64_t N, int64_t I)
{
    struct wide s;
    sl_act *wide;

    if (!wide_begin(&s, be, 2 * N * I))
        return;
    wide = wide_out(&s, dx, N * I);
    s.ops->linear_one_bwd(s.f32, wide, dw, db, dy, wide_copy(&s, x, N * I), w,
                          N, I);
    give(&s, dx, wide, N * I);
}

static void binary_ce(struct sl_backend *be, sl_real *loss, sl_act *dh,
                      sl_real *dw, sl_real *db, const sl_act *h,
                      const sl_real *w, const sl_real *b, const int32_t *labels,
                      int64_t n, int64_t D, double scale)
{
    struct wide s;
    sl_act *wide;

    if (!wide_begin(&s, be, 2 * n * D))
        return;
    wide = wide_out(&s, dh, n * D);
    s.ops->binary_ce(s.f32, loss, wide, dw, db, wide_copy(&s, h, n * D), w, b,
                     labels, n, D, scale);
    give(&s, dh, wide, n * D);
}

/* ---- the vocabulary ------------------------------------------------------ */

static void vocab_ce(struct sl_backend *be, sl_real *loss, sl_act *dh,
                     sl_real *dW, sl_real *db, const sl_act *h,
                     const sl_real *W, const sl_real *b, const int32_t *labels,
                     int64_t n, int64_t D, int64_t V, double scale)
{
    struct wide s;
    sl_act *wide;

    if (!wide_begin(&s, be, 2 * n * D))
        return;
    wide = wide_out(&s, dh, n * D);
    s.ops->vocab_ce(s.f32, loss, wide, dW, db, wide_copy(&s, h, n * D), W, b,
                    labels, n, D, V, scale);
    give(&s, dh, wide, n * D);
}

static void vocab_sample(struct sl_backend *be, int32_t *ids, const sl_act *h,
                         const sl_real *W, const sl_real *b,
                         const uint64_t *row_key, int64_t n, int64_t D,
                         int64_t V, uint64_t stream, uint32_t site)
{
    struct wide s;

    if (wide_begin(&s, be, n * D))
        s.ops->vocab_sample(s.f32, ids, wide_copy(&s, h, n * D), W, b, row_key,
                            n, D, V, stream, site);
}

/* ---- weights ------------------------------------------------------------- */

void sl_wide_round(const struct sl_cpu_kernels *kernels, sl_bf16 *y,
                   const float *x, int64_t n)
{
    struct conversion c = {.kernels = kernels, .half = y, .from_wide = x};

    sl_parallel_for(n, GRAIN, convert, &c);
}

static void adamw(struct sl_backend *be, sl_real *w, sl_real *m, sl_real *v,
                  const sl_real *g, int64_t n, const struct sl_adamw *hp)
{
    struct sl_cpu *cpu = be->impl;
    sl_bf16 *rounded = sl_cpu_rounded(be, w);

    cpu->f32->ops->adamw(cpu->f32, w, m, v, g, n, hp);
    if (rounded)
        sl_wide_round(&cpu->kernels, rounded, (const float *)w, n);
}

void sl_ops_init_wide(struct sl_ops *ops, const struct sl_ops *f32)
{
    *ops = *f32;
    ops->embed_fwd = embed_fwd;
    ops->embed_bwd = embed_bwd;
    ops->linear_fwd = linear_fwd;
    ops->linear_bwd = linear_bwd;
    ops->linear_gelu_fwd = linear_gelu_fwd;
    ops->gelu_bwd = gelu_bwd;
    ops->residual_ln_fwd = residual_ln_fwd;
    ops->residual_ln_bwd = residual_ln_bwd;
    ops->attention_fwd = attention_fwd;
    ops->attention_bwd = attention_bwd;
    ops->attention_rows_fwd = attention_rows_fwd;
    ops->attention_rows_bwd = attention_rows_bwd;
    ops->splice_cls_fwd = splice_cls_fwd;
    ops->splice_cls_bwd = splice_cls_bwd;
    ops->gather_rows = gather_rows;
    ops->scatter_rows = scatter_rows;
    ops->pool_fwd = pool_fwd;
    ops->pool_bwd = pool_bwd;
    ops->add = add;
    ops->tanh_fwd = tanh_fwd;
    ops->tanh_bwd = tanh_bwd;
    ops->dropout = dropout;
    ops->linear_one_fwd = linear_one_fwd;
    ops->linear_one_bwd = linear_one_bwd;
    ops->binary_ce = binary_ce;
    ops->vocab_ce = vocab_ce;
    ops->vocab_sample = vocab_sample;
    ops->adamw = adamw;
}

/* ---- kernels ------------------------------------------------------------- */

enum { PIECE = 256 };

static void round_row(sl_bf16 *y, const float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = sl_bf16_round(x[i]);
}

static void widen_row(float *y, const sl_bf16 *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = sl_bf16_widen(x[i]);
}

static struct sl_cpu_kernels reference(void)
{
    struct sl_cpu_kernels k;

    sl_kernels_init_ref(&k);
    return k;
}

static void gelu_fwd(sl_act *y_, const sl_act *pre_, int64_t n)
{
    const struct sl_cpu_kernels ref = reference();
    const sl_bf16 *pre = (const sl_bf16 *)pre_;
    sl_bf16 *y = (sl_bf16 *)y_;
    float x[PIECE];

    for (int64_t i = 0; i < n; i += PIECE) {
        int64_t m = n - i < PIECE ? n - i : PIECE;

        widen_row(x, pre + i, m);
        ref.gelu_fwd((sl_act *)x, (const sl_act *)x, m);
        round_row(y + i, x, m);
    }
}

/* The gradient is rounded where it lies: element i takes bytes of element i / 2,
 * which has been read. */
static double ce_row(float *z, int64_t V, int32_t label, float scale, bool grad)
{
    double loss = reference().ce_row(z, V, label, scale, grad);
    char *dz = (char *)z;

    for (int64_t i = 0; grad && i < V; i++) {
        float x;
        sl_bf16 half;

        memcpy(&x, dz + (size_t)i * sizeof x, sizeof x);
        half = sl_bf16_round(x);
        memcpy(dz + (size_t)i * sizeof half, &half, sizeof half);
    }
    return loss;
}

static void sum_rows(double *sum, const sl_act *x, int64_t ldx, int64_t rows,
                     int64_t n)
{
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < n; i++)
            sum[i] += sl_bf16_widen(((const sl_bf16 *)x)[r * ldx + i]);
}

void sl_kernels_init_wide(struct sl_cpu_kernels *k)
{
    *k = reference();
    k->gelu_fwd = gelu_fwd;
    k->ce_row = ce_row;
    k->sum_rows = sum_rows;
    k->round = round_row;
    k->widen = widen_row;
}
