/*
 * bench_peaks.c - the machine's limits: the best of several tries each, since
 * whatever disturbs a try makes it slower.
 *
 * Work is cut into many more pieces than there are threads: a thread that comes
 * late, or not at all, takes fewer of them.
 */
#include "bench/bench.h"

#include <string.h>

#include "backend/cpu/peak.h"
#include "base/alloc.h"
#include "base/parallel.h"

enum {
    PIECES = 128,
    ROUNDS = 10000,         /* of arithmetic a piece: some 50 microseconds */
    READ_BYTES = 256 << 20, /* far beyond any cache */
    READ_FLOATS = READ_BYTES / (int)sizeof(float)
};

struct loops {
    struct sl_peak_loops f;
    double (*arithmetic)(float *sink, int64_t rounds);
    const float *memory;
    float sink[PIECES];
    double flops[PIECES];
};

static void compute_pieces(void *ctx, int64_t begin, int64_t end)
{
    struct loops *l = ctx;

    for (int64_t i = begin; i < end; i++)
        l->flops[i] = l->arithmetic(&l->sink[i], ROUNDS);
}

static simlm_status compute(void *what, simlm_error *err)
{
    (void)err;
    sl_parallel_for(PIECES, 1, compute_pieces, what);
    return SIMLM_OK;
}

static void read_pieces(void *ctx, int64_t begin, int64_t end)
{
    struct loops *l = ctx;
    int64_t n = READ_FLOATS / PIECES;

    for (int64_t i = begin; i < end; i++)
        l->sink[i] = l->f.read(l->memory + i * n, n);
}

static simlm_status read_memory(void *what, simlm_error *err)
{
    (void)err;
    sl_parallel_for(PIECES, 1, read_pieces, what);
    return SIMLM_OK;
}

/* *peak <- units of w a second at best. */
static simlm_status measure_peak(struct sl_bench *b, double *peak,
                                 const struct sl_work *w, sl_bench_fn *fn,
                                 struct loops *l, simlm_error *err)
{
    struct sl_timing t;
    simlm_bench_figure f;

    SL_TRY(sl_bench_time(b, &t, fn, l, err));
    t.median = t.best;
    f = sl_bench_figure(w, &t, b->be, NULL, sl_parallel_threads());
    b->report(b->ctx, &f);
    *peak = (w->flops + w->bytes) / t.best;
    return SIMLM_OK;
}

static simlm_status measure_arithmetic(struct sl_bench *b, double *peak,
                                       const char *name,
                                       double (*loop)(float *, int64_t),
                                       struct loops *l, simlm_error *err)
{
    struct sl_work w = {
        .part = "peak", .name = name, .limit = SL_LIMIT_ARITHMETIC};

    l->arithmetic = loop;
    w.flops = PIECES * loop(&l->sink[0], ROUNDS);
    return measure_peak(b, peak, &w, compute, l, err);
}

static simlm_status measure_all(struct sl_bench *b, struct loops *l,
                                simlm_error *err)
{
    struct sl_work reading = {.part = "peak",
                              .name = "memory, read",
                              .bytes = READ_BYTES,
                              .limit = SL_LIMIT_MEMORY};

    SL_TRY(measure_arithmetic(b, &b->peaks.fp32, "fp32 multiply-add",
                              l->f.multiply_add, l, err));
    if (l->f.dot_bf16)
        SL_TRY(measure_arithmetic(b, &b->peaks.bf16, "bf16 dot product",
                                  l->f.dot_bf16, l, err));
    return measure_peak(b, &b->peaks.memory, &reading, read_memory, l, err);
}

simlm_status sl_bench_peaks(struct sl_bench *b, simlm_error *err)
{
    int threads = sl_parallel_threads();
    struct loops l = {0};
    float *memory = sl_alloc(READ_FLOATS, sizeof *memory);
    simlm_status st = SIMLM_OK;

    if (!memory)
        return sl_fail_nomem(err, "the memory to read");
    /* Pages that nobody wrote to would all be the one page of zeros. */
    memset(memory, 0x3f, READ_BYTES);
    l.memory = memory;
    sl_peak_loops_init(&l.f, sl_cpu_from_env());
    if (threads > 1) {
        sl_parallel_set_threads(1);
        st = measure_all(b, &l, err);
        sl_parallel_set_threads(threads);
    }
    if (st == SIMLM_OK)
        st = measure_all(b, &l, err);
    sl_free(memory);
    return st;
}
