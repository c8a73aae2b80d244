#include "bench/bench.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/parallel.h"

enum { LEAST_CALLS = 3, MOST_CALLS = 2000, BF16_BYTES = 2 };

/* ---- measuring ----------------------------------------------------------- */

double sl_bench_now(const struct sl_bench *b)
{
    struct timespec t;
    double s;

    clock_gettime(b->o->cpu_time ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC,
                  &t);
    s = (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
    return b->o->cpu_time ? s / sl_parallel_threads() : s;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

struct sl_timing sl_timing_of(double *xs, int64_t n)
{
    qsort(xs, (size_t)n, sizeof *xs, by_value);
    return (struct sl_timing){
        .median = (xs[(n - 1) / 2] + xs[n / 2]) / 2, .best = xs[0], .calls = n};
}

simlm_status sl_bench_time(const struct sl_bench *b, struct sl_timing *t,
                           sl_bench_fn *fn, void *what, simlm_error *err)
{
    double took[MOST_CALLS], begin, at;
    int64_t n = 0;

    SL_TRY(fn(what, err));
    begin = at = sl_bench_now(b);
    while (n < LEAST_CALLS || (n < MOST_CALLS && at - begin < b->o->seconds)) {
        double now;

        SL_TRY(fn(what, err));
        now = sl_bench_now(b);
        took[n++] = now - at;
        at = now;
    }
    *t = sl_timing_of(took, n);
    return SIMLM_OK;
}

/* ---- reporting ----------------------------------------------------------- */

static void set_percent(simlm_bench_figure *f, enum sl_limit limit,
                        const struct sl_bench_peaks *p, bool in_bf16)
{
    bool half = limit == SL_LIMIT_ARITHMETIC && in_bf16 && p->bf16 > 0;

    if (limit == SL_LIMIT_ARITHMETIC || limit == SL_LIMIT_FP32) {
        f->peak = half ? "bf16" : "fp32";
        f->percent = 1e9 * f->gflops / (half ? p->bf16 : p->fp32) * 100;
    } else if (limit == SL_LIMIT_MEMORY) {
        f->peak = "memory";
        f->percent = 1e9 * f->gbytes / p->memory * 100;
    }
}

simlm_bench_figure sl_bench_figure(const struct sl_work *w,
                                   const struct sl_timing *t,
                                   const struct sl_backend *be,
                                   const struct sl_bench_peaks *peaks,
                                   int32_t threads)
{
    simlm_bench_figure f = {.part = w->part,
                            .name = w->name,
                            .backend = be->name,
                            .threads = threads,
                            .calls = t->calls,
                            .median = t->median,
                            .best = t->best,
                            .gflops = 1e-9 * w->flops / t->median,
                            .gbytes = 1e-9 * w->bytes / t->median};

    if (w->units > 0) {
        f.rate = w->units / t->median;
        f.unit = w->unit;
    } else {
        f.rate = w->limit == SL_LIMIT_MEMORY ? f.gbytes : f.gflops;
        f.unit = w->limit == SL_LIMIT_MEMORY ? "GB/s" : "GFLOP/s";
    }
    if (peaks)
        set_percent(&f, w->limit, peaks, be->act_bytes == BF16_BYTES);
    return f;
}

bool sl_bench_wants(const struct sl_bench *b, const char *name)
{
    return !b->o->only || strstr(name, b->o->only);
}

void sl_bench_report(struct sl_bench *b, const simlm_bench_figure *f)
{
    b->report(b->ctx, f);
    b->n_reported++;
}

simlm_status sl_bench_measure(struct sl_bench *b, const struct sl_work *w,
                              sl_bench_fn *fn, void *what, simlm_error *err)
{
    struct sl_timing t;
    simlm_bench_figure f;

    if (!sl_bench_wants(b, w->name))
        return SIMLM_OK;
    SL_TRY(sl_bench_time(b, &t, fn, what, err));
    f = sl_bench_figure(w, &t, b->be, &b->peaks, sl_parallel_threads());
    sl_bench_report(b, &f);
    return SIMLM_OK;
}

/* ---- all of it ----------------------------------------------------------- */

static const struct sl_config *shape_of(simlm_bench_shape shape)
{
    static const struct sl_config shapes[] = {
        [SIMLM_SHAPE_BASE] = {.layers = 12,
                              .hidden = 768,
                              .heads = 12,
                              .ffn = 3072,
                              .vocab = 30522},
        [SIMLM_SHAPE_SMALL] = {.layers = 4,
                               .hidden = 256,
                               .heads = 4,
                               .ffn = 1024,
                               .vocab = 8192},
        [SIMLM_SHAPE_MINI] =
            {.layers = 3, .hidden = 128, .heads = 4, .ffn = 512, .vocab = 8192},
    };

    return &shapes[shape];
}

simlm_status sl_bench_config(struct sl_config *cfg, const struct sl_bench *b,
                             simlm_bench_shape usual, simlm_error *err)
{
    const simlm_bench_options *o = b->o;
    const struct sl_config *s =
        shape_of(o->shape ? (simlm_bench_shape)o->shape : usual);

    *cfg = sl_config_default();
    cfg->layers = o->layers ? o->layers : s->layers;
    cfg->hidden = cfg->embedding = o->hidden ? o->hidden : s->hidden;
    cfg->heads = o->heads ? o->heads : s->heads;
    cfg->ffn = o->ffn ? o->ffn : s->ffn;
    cfg->vocab = o->vocab ? o->vocab : s->vocab;
    cfg->positions = o->length > o->max_length ? o->length : o->max_length;
    cfg->hidden_dropout = cfg->attention_dropout = (float)o->dropout;
    return sl_config_check(cfg, "the shape", err);
}

static const struct {
    simlm_bench_part part;
    simlm_status (*run)(struct sl_bench *b, simlm_error *err);
} parts[] = {
    /* clang-format off */
    {SIMLM_BENCH_GEMM, sl_bench_gemm},
    {SIMLM_BENCH_OPS, sl_bench_ops},
    {SIMLM_BENCH_TOKENIZE, sl_bench_tokenize},
    {SIMLM_BENCH_ENCODE, sl_bench_encode},
    {SIMLM_BENCH_TRAIN, sl_bench_train},
    {SIMLM_BENCH_SEARCH, sl_bench_search},
    /* clang-format on */
};

simlm_status sl_bench_run(const simlm_bench_options *o,
                          simlm_bench_report *report, void *ctx,
                          simlm_error *err)
{
    struct sl_bench b = {.o = o, .report = report, .ctx = ctx};
    simlm_status st;

    st = sl_backend_open_cpu(&b.be, sl_compute_in(o->precision),
                             sl_cpu_from_env(), err);
    if (st == SIMLM_OK)
        st = sl_bench_peaks(&b, err);
    for (size_t i = 0; i < SL_LEN(parts) && st == SIMLM_OK; i++)
        if (o->parts & parts[i].part)
            st = parts[i].run(&b, err);
    if (st == SIMLM_OK && o->parts && !b.n_reported)
        st = sl_fail(err, SIMLM_E_ARG, "no figure has '%s' in its name",
                     o->only);
    sl_backend_close(b.be);
    return st;
}
