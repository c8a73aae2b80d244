/*
 * ops_bench - time every op at a model's shapes, on each CPU variant.
 *
 *     ops_bench [-m small|medium|base] [-n TOKENS] [-l LENGTH] [-p DROPOUT]
 *               [-t THREADS] [-v VARIANT] [-o OP] [-c] [-f]
 *
 * One row an op: the median time of a call, its best, the bytes it must move
 * (each array once) and the arithmetic it does a second, and what share of a
 * training step its calls take: the step of an encoder with a masked-LM head on
 * every position, forward, backward, gradient norm and AdamW.  Times of the
 * variants are taken in turns, so that a busy machine is busy for all; -c
 * counts the processor's time instead of the clock's, for a very busy one.
 * -f: the weights are fixed, as in encoding.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backend/ops.h"
#include "base/alloc.h"
#include "base/parallel.h"
#include "base/rng.h"

struct sizes {
    const char *name;
    int64_t L, D, H, F, V; /* layers, widths, vocabulary */
    int64_t N, len;        /* tokens, and tokens a sequence */
    float p;
};

static const struct sizes models[] = {
    {"small", 3, 128, 4, 512, 8192, 4096, 128, 0.1f},
    {"medium", 4, 256, 4, 1024, 8192, 4096, 128, 0.1f},
    {"base", 12, 768, 12, 3072, 30522, 1024, 128, 0.1f},
};

/* All arrays an op may want, of the largest size that any op wants. */
struct bench {
    struct sl_backend *be;
    struct sizes s;
    int64_t n_params;
    sl_act *x, *y, *z, *dx;   /* [N, max(3 D, F)] */
    float *mean, *rstd, *lse; /* [N], [N], [H, N] */
    float *W, *dW;            /* [V, D], or any matrix of a layer */
    float *m, *v;             /* moments of a layer's size */
    float *b, *db;            /* [max(V, F, 3 D)] */
    int32_t *ids;
    struct sl_packing pk;
    struct sl_dropout drop;
};

#define REAL(p) ((sl_real *)(p))
#define OPS     (b->be->ops)

/* ---- the ops ----------------------------------------------------------------
 */

static struct sl_embed tables(const struct bench *b, float *p)
{
    return (struct sl_embed){REAL(p), REAL(p), REAL(p), REAL(b->b), REAL(b->b)};
}

static void embed_fwd(struct bench *b)
{
    struct sl_embed w = tables(b, b->W);

    OPS->embed_fwd(b->be, b->y, REAL(b->mean), REAL(b->rstd), b->ids, NULL,
                   &b->pk, &w, b->s.D, 1e-12f, b->drop);
}

static void embed_bwd(struct bench *b)
{
    struct sl_embed w = tables(b, b->W), g = tables(b, b->dW);

    g.g = REAL(b->db);
    g.b = REAL(b->db + b->s.D);
    OPS->embed_bwd(b->be, &g, b->x, REAL(b->mean), REAL(b->rstd), b->ids,
                   NULL, &b->pk, &w, b->s.D, b->drop);
}

static void linear_qkv(struct bench *b)
{
    OPS->linear_fwd(b->be, b->y, b->x, REAL(b->W), REAL(b->b), b->s.N,
                    b->s.D, 3 * b->s.D);
}

static void linear_qkv_bwd(struct bench *b)
{
    OPS->linear_bwd(b->be, b->dx, REAL(b->dW), REAL(b->db), b->y,
                    b->x, REAL(b->W), b->s.N, b->s.D, 3 * b->s.D, true);
}

static void linear_out(struct bench *b)
{
    OPS->linear_fwd(b->be, b->y, b->x, REAL(b->W), REAL(b->b), b->s.N,
                    b->s.D, b->s.D);
}

static void linear_out_bwd(struct bench *b)
{
    OPS->linear_bwd(b->be, b->dx, REAL(b->dW), REAL(b->db), b->y,
                    b->x, REAL(b->W), b->s.N, b->s.D, b->s.D, false);
}

static void linear_gelu(struct bench *b)
{
    OPS->linear_gelu_fwd(b->be, b->y, b->z, b->x, REAL(b->W),
                         REAL(b->b), b->s.N, b->s.D, b->s.F);
}

static void gelu_bwd(struct bench *b)
{
    OPS->gelu_bwd(b->be, b->dx, b->x, b->z, b->s.N * b->s.F);
}

static void linear_up_bwd(struct bench *b)
{
    OPS->linear_bwd(b->be, b->dx, REAL(b->dW), REAL(b->db), b->y,
                    b->x, REAL(b->W), b->s.N, b->s.D, b->s.F, true);
}

static void linear_down(struct bench *b)
{
    OPS->linear_fwd(b->be, b->y, b->x, REAL(b->W), REAL(b->b), b->s.N,
                    b->s.F, b->s.D);
}

static void linear_down_bwd(struct bench *b)
{
    OPS->linear_bwd(b->be, b->dx, REAL(b->dW), REAL(b->db), b->y,
                    b->x, REAL(b->W), b->s.N, b->s.F, b->s.D, false);
}

static void residual_ln_fwd(struct bench *b)
{
    OPS->residual_ln_fwd(b->be, b->y, b->x, REAL(b->mean),
                         REAL(b->rstd), b->x, b->z, b->pk.row_key,
                         REAL(b->b), REAL(b->b), b->s.N, b->s.D, 1e-12f,
                         b->drop);
}

static void residual_ln_bwd(struct bench *b)
{
    OPS->residual_ln_bwd(b->be, b->dx, b->y, REAL(b->db),
                         REAL(b->db + b->s.D), b->x, b->z,
                         REAL(b->mean), REAL(b->rstd), b->pk.row_key,
                         REAL(b->b), b->s.N, b->s.D, b->drop);
}

static void attention_fwd(struct bench *b)
{
    OPS->attention_fwd(b->be, b->y, REAL(b->lse), b->x, &b->pk,
                       b->s.D, b->s.H, b->drop);
}

static void attention_bwd(struct bench *b)
{
    OPS->attention_bwd(b->be, b->dx, b->z, b->y, REAL(b->lse),
                       b->x, &b->pk, b->s.D, b->s.H, b->drop);
}

static void vocab_ce(struct bench *b)
{
    OPS->vocab_ce(b->be, REAL(b->mean), b->dx, REAL(b->dW), REAL(b->db),
                  b->x, REAL(b->W), REAL(b->b), b->ids, b->s.N, b->s.D,
                  b->s.V, 1e-3);
}

static void vocab_sample(struct bench *b)
{
    int32_t *out = (int32_t *)(void *)b->lse;

    OPS->vocab_sample(b->be, out, b->x, REAL(b->W), REAL(b->b),
                      b->pk.row_key, b->s.N / 2, b->s.D, b->s.V, 1, 0);
}

static void sum_squares(struct bench *b)
{
    double sum;

    OPS->sum_squares(b->be, &sum, REAL(b->dW), b->s.V * b->s.D);
}

static void adamw(struct bench *b)
{
    struct sl_adamw hp = {.lr = 1e-6,
                          .beta1 = 0.9,
                          .beta2 = 0.999,
                          .eps = 1e-6,
                          .decay = 0.01,
                          .bias1 = 0.1,
                          .bias2 = 0.001,
                          .grad_scale = 1e-3};

    OPS->adamw(b->be, REAL(b->W), REAL(b->m), REAL(b->v), REAL(b->dW),
               b->s.V * b->s.D, &hp);
}

static void add(struct bench *b)
{
    OPS->add(b->be, b->y, b->x, b->s.N * b->s.D);
}

/* ---- what each costs
 * ----------------------------------------------------------- */

struct cost {
    double calls;        /* in a training step */
    double bytes, flops; /* a call */
};

struct row {
    const char *name;
    void (*run)(struct bench *b);
    void (*cost)(struct cost *c, const struct sizes *s, double params);
};

#define COST(name, n_calls, n_floats, n_flops)                                 \
    static void name(struct cost *c, const struct sizes *s, double params)     \
    {                                                                          \
        double L = (double)s->L, N = (double)s->N, D = (double)s->D,           \
               F = (double)s->F, V = (double)s->V, len = (double)s->len;       \
                                                                               \
        (void)L, (void)N, (void)D, (void)F, (void)V, (void)len, (void)params;  \
        *c = (struct cost){(n_calls), 4 * (n_floats), (n_flops)};              \
    }
COST(c_embed, 1, 3 * N * D, 0)
COST(c_embed_b, 1, 6 * N * D, 0)
COST(c_qkv, L, 4 * N * D, 6 * N * D * D)
COST(c_qkv_b, L, 9 * N * D, 12 * N * D * D)
COST(c_out, L + 1, 2 * N * D, 2 * N * D * D)
COST(c_out_b, L + 1, 4 * N * D, 4 * N * D * D)
COST(c_up, L, N *(D + 2 * F), 2 * N * D * F)
COST(c_up_b, L, N *(3 * D + 2 * F), 4 * N * D * F)
COST(c_down, L, N *(D + F), 2 * N * D * F)
COST(c_down_b, L, N *(2 * D + 2 * F), 4 * N * D * F)
COST(c_gelu_b, L, 3 * N * F, 0)
COST(c_ln, 2 * L + 1, 4 * N * D, 0)
COST(c_ln_b, 2 * L + 1, 4 * N * D, 0)
COST(c_att, L, 4 * N * D, 4 * N * len * D)
COST(c_att_b, L, 8 * N * D, 10 * N * len * D)
COST(c_ce, 1, 2 * N * D + 2 * V * D, 6 * N * D * V)
COST(c_sample, 0, N *D + V * D, N *D *V)
COST(c_sq, params / (V * D), V *D, 0)
COST(c_adamw, params / (V * D), 7 * V * D, 0)
COST(c_add, 0, 3 * N * D, 0)

static const struct row rows[] = {
    {"embed_fwd", embed_fwd, c_embed},
    {"embed_bwd", embed_bwd, c_embed_b},
    {"linear_fwd D -> 3D", linear_qkv, c_qkv},
    {"linear_bwd D -> 3D", linear_qkv_bwd, c_qkv_b},
    {"attention_fwd", attention_fwd, c_att},
    {"attention_bwd", attention_bwd, c_att_b},
    {"linear_fwd D -> D", linear_out, c_out},
    {"linear_bwd D -> D", linear_out_bwd, c_out_b},
    {"residual_ln_fwd", residual_ln_fwd, c_ln},
    {"residual_ln_bwd", residual_ln_bwd, c_ln_b},
    {"linear_gelu_fwd D -> F", linear_gelu, c_up},
    {"gelu_bwd", gelu_bwd, c_gelu_b},
    {"linear_bwd D -> F", linear_up_bwd, c_up_b},
    {"linear_fwd F -> D", linear_down, c_down},
    {"linear_bwd F -> D", linear_down_bwd, c_down_b},
    {"vocab_ce", vocab_ce, c_ce},
    {"vocab_sample N/2", vocab_sample, c_sample},
    {"sum_squares V D", sum_squares, c_sq},
    {"adamw V D", adamw, c_adamw},
    {"add", add, c_add},
};
enum { N_ROWS = sizeof rows / sizeof *rows, MIN_RUNS = 10, MAX_RUNS = 200 };

/* ---- set-up
 * ---------------------------------------------------------------------- */

static void *need(struct sl_backend *be, size_t bytes)
{
    simlm_error err;
    void *p = NULL;

    if (be->alloc(be, &p, bytes, "the benchmark", &err) != SIMLM_OK) {
        fprintf(stderr, "ops_bench: %s\n", err.msg);
        exit(1);
    }
    return p;
}

static float *random_floats(struct sl_backend *be, int64_t n, float size)
{
    float *x = need(be, (size_t)n * sizeof *x);

    for (int64_t i = 0; i < n; i++)
        x[i] = size * ((float)(i * 2654435761u % 65521) / 32760 - 1);
    return x;
}

static sl_act *random_acts(struct sl_backend *be, int64_t n)
{
    float *x = random_floats(be, n, 1);
    sl_act *y = need(be, (size_t)n * be->act_bytes);

    be->upload_act(be, y, x, n);
    be->free(be, x);
    return y;
}

static void make_packing(struct bench *b)
{
    int64_t N = b->s.N, len = b->s.len, n = (N + len - 1) / len;
    int32_t *start = need(b->be, (size_t)(n + 1) * sizeof *start);
    int32_t *pos = need(b->be, (size_t)N * sizeof *pos);
    uint64_t *key = need(b->be, (size_t)N * sizeof *key);

    b->ids = need(b->be, (size_t)N * sizeof *b->ids);
    for (int64_t i = 0; i < N; i++) {
        pos[i] = (int32_t)(i % len);
        key[i] = (uint64_t)(i / len) << 16 | (uint64_t)(i % len);
        b->ids[i] = (int32_t)(i * i % 7919 * 31 % b->s.V);
    }
    for (int64_t i = 0; i <= n; i++)
        start[i] = (int32_t)(i * len < N ? i * len : N);
    b->pk = (struct sl_packing){n, N, len < N ? len : N, start, pos, key};
}

static void bench_init(struct bench *b, const struct sizes *s,
                       enum sl_compute compute, unsigned cpu, bool fixed)
{
    int64_t wide = 3 * s->D > s->F ? 3 * s->D : s->F;
    int64_t bias = s->V > wide ? s->V : wide;
    int64_t weights = s->V * s->D > wide * s->D ? s->V * s->D : wide * s->D;
    simlm_error err;

    *b = (struct bench){.s = *s};
    if (sl_backend_open_cpu(&b->be, compute, cpu, &err) != SIMLM_OK) {
        fprintf(stderr, "ops_bench: %s\n", err.msg);
        exit(1);
    }
    b->n_params = s->V * s->D + 512 * s->D + s->D * s->D +
                  s->L * (4 * s->D * s->D + 2 * s->D * s->F);
    b->x = random_acts(b->be, s->N * wide);
    b->y = random_acts(b->be, s->N * wide);
    b->z = random_acts(b->be, s->N * wide);
    b->dx = random_acts(b->be, s->N * wide);
    b->mean = random_floats(b->be, s->N, 0.1f);
    b->rstd = random_floats(b->be, s->N, 1);
    b->lse = random_floats(b->be, s->N * s->H, 1);
    b->W = random_floats(b->be, weights, 0.05f);
    b->dW = random_floats(b->be, weights, 1);
    if (b->be->weights(b->be, REAL(b->W), weights, fixed, &err) != SIMLM_OK) {
        fprintf(stderr, "ops_bench: %s\n", err.msg);
        exit(1);
    }
    b->m = random_floats(b->be, weights, 1e-3f);
    b->v = random_floats(b->be, weights, 1e-3f);
    for (int64_t i = 0; i < weights; i++)
        b->v[i] = fabsf(b->v[i]);
    b->b = random_floats(b->be, bias + 2 * s->D, 1);
    b->db = random_floats(b->be, bias + 2 * s->D, 1);
    make_packing(b);
    b->drop = (struct sl_dropout){s->p, 1024, 42};
}

/* ---- measuring
 * --------------------------------------------------------------------- */

static clockid_t bench_clock = CLOCK_MONOTONIC;

static double now(void)
{
    struct timespec t;

    clock_gettime(bench_clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double time_call(struct bench *b, const struct row *r)
{
    double start = now();

    r->run(b);
    return now() - start;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

struct result {
    double median, best;
};

/* All variants of one op in turns, for about half a second each. */
static void measure(struct bench *b, int n, const struct row *r,
                    struct result *out)
{
    static double t[4][MAX_RUNS];
    double begin;
    int runs = 0;

    for (int k = 0; k < n; k++)
        r->run(&b[k]);
    begin = now();
    while (runs < MIN_RUNS || (runs < MAX_RUNS && now() - begin < 0.4 * n)) {
        for (int k = 0; k < n; k++)
            t[k][runs] = time_call(&b[k], r);
        runs++;
    }
    for (int k = 0; k < n; k++) {
        qsort(t[k], (size_t)runs, sizeof(double), by_value);
        out[k] = (struct result){t[k][runs / 2], t[k][0]};
    }
}

static void report(struct bench *b, int n, const struct result *res)
{
    for (int k = 0; k < n; k++) {
        double total = 0;
        struct cost c;

        for (int i = 0; i < N_ROWS; i++) {
            rows[i].cost(&c, &b[k].s, (double)b[k].n_params);
            total += c.calls * res[i * n + k].median;
        }
        printf("\n%s: a step of %d tokens takes %.1f ms\n\n"
               "| op | us | best | GB/s | GFLOP/s | calls | %% of the step |\n"
               "| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n",
               b[k].be->name, (int)b[k].s.N, 1e3 * total);
        for (int i = 0; i < N_ROWS; i++) {
            const struct result *m = &res[i * n + k];

            if (m->median <= 0)
                continue;
            rows[i].cost(&c, &b[k].s, (double)b[k].n_params);
            printf("| %s | %.0f | %.0f | %.1f | %.0f | %.3g | %.1f |\n",
                   rows[i].name, 1e6 * m->median, 1e6 * m->best,
                   1e-9 * c.bytes / m->median, 1e-9 * c.flops / m->median,
                   c.calls, 100 * c.calls * m->median / total);
        }
    }
}

static void usage(void)
{
    fprintf(stderr, "usage: ops_bench [-m small|medium|base] [-n tokens] [-l length] "
                    "[-p dropout] [-t threads]\n"
                    "                 [-v ref|avx2|avx512|bf16|all] [-o op] [-c] [-f]\n");
    exit(2);
}

static const struct sizes *model_called(const char *name)
{
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        if (strcmp(models[i].name, name) == 0)
            return &models[i];
    usage();
    return NULL;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        enum sl_compute compute;
        unsigned cpu;
    } variants[] = {{"ref", SL_FP32, 0},
                    {"avx2", SL_FP32, SL_CPU_ALL & ~SL_CPU_AVX512},
                    {"avx512", SL_FP32, SL_CPU_ALL},
                    {"bf16", SL_BF16, SL_CPU_ALL}};
    struct sizes s = models[0];
    const char *only = "avx512", *op = "";
    static struct bench b[4];
    static struct result res[4 * N_ROWS];
    bool fixed = false;
    int n = 0, c;

    while ((c = getopt(argc, argv, "m:n:l:p:t:v:o:cf")) != -1) {
        if (c == 'm')
            s = *model_called(optarg);
        else if (c == 'n')
            s.N = strtol(optarg, NULL, 10);
        else if (c == 'l')
            s.len = strtol(optarg, NULL, 10);
        else if (c == 'p')
            s.p = strtof(optarg, NULL);
        else if (c == 't')
            sl_parallel_set_threads((int)strtol(optarg, NULL, 10));
        else if (c == 'v')
            only = optarg;
        else if (c == 'o')
            op = optarg;
        else if (c == 'c')
            bench_clock = CLOCK_PROCESS_CPUTIME_ID;
        else if (c == 'f')
            fixed = true;
        else
            usage();
    }
    if (s.N < 1 || s.len < 1 || !(s.p >= 0 && s.p < 1))
        usage();
    for (size_t k = 0; k < sizeof variants / sizeof *variants; k++)
        if (strcmp(only, "all") == 0 || strcmp(only, variants[k].name) == 0)
            bench_init(&b[n++], &s, variants[k].compute, variants[k].cpu,
                       fixed);
    if (!n)
        usage();
    printf("model %s: %d layers, width %d, %d heads, vocabulary %d; sequences "
           "of %d, dropout %g, %d threads\n",
           s.name, (int)s.L, (int)s.D, (int)s.H, (int)s.V, (int)s.len, s.p,
           sl_parallel_threads());
    for (int i = 0; i < N_ROWS; i++)
        if (strstr(rows[i].name, op))
            measure(b, n, &rows[i], res + i * n);
    report(b, n, res);
    return 0;
}
