/*
 * bench/bench.h - the measurements behind <simlm/bench.h>, and what they share:
 * a backend, the machine's limits, a stopwatch, a form to report in.
 *
 * A part sets up its data, hands sl_bench_time() a function, and reports what
 * it did as units, operations and bytes; rates and per cent are computed here.
 */
#ifndef SL_BENCH_BENCH_H
#define SL_BENCH_BENCH_H

#include <stdbool.h>

#include <simlm/bench.h>

#include "backend/ops.h"
#include "base/status.h"
#include "model/config.h"

/* A second, at `threads` threads. */
struct sl_bench_peaks {
    double fp32, bf16; /* operations; bf16 0: the CPU has none */
    double memory;     /* bytes read */
};

struct sl_bench {
    const simlm_bench_options *o;
    simlm_bench_report *report;
    void *ctx;
    struct sl_backend *be;
    struct sl_bench_peaks peaks;
    int64_t n_reported; /* figures, but for the peaks */
};

simlm_status sl_bench_run(const simlm_bench_options *o,
                          simlm_bench_report *report, void *ctx,
                          simlm_error *err);

/* ---- measuring ----------------------------------------------------------- */

typedef simlm_status sl_bench_fn(void *what, simlm_error *err);

struct sl_timing {
    double median, best; /* seconds */
    int64_t calls;
};

/* Seconds, by the clock that the options ask for. */
double sl_bench_now(const struct sl_bench *b);

/* Median and best of xs [n], n >= 1, which is sorted. */
struct sl_timing sl_timing_of(double *xs, int64_t n);

/* Call fn once to warm up, then until o->seconds are over, three times at
 * least. */
simlm_status sl_bench_time(const struct sl_bench *b, struct sl_timing *t,
                           sl_bench_fn *fn, void *what, simlm_error *err);

/* ---- reporting ----------------------------------------------------------- */

enum sl_limit {
    SL_LIMIT_NONE,
    SL_LIMIT_ARITHMETIC, /* in the backend's precision */
    SL_LIMIT_FP32,       /* in fp32, whatever that is */
    SL_LIMIT_MEMORY
};

/* What one call does. */
struct sl_work {
    const char *part, *name;
    double units;     /* 0: the rate is the arithmetic or the bytes */
    const char *unit; /* "tokens/s" */
    double flops, bytes;
    enum sl_limit limit;
};

/* What that is as a figure.  peaks NULL: no per cent. */
simlm_bench_figure sl_bench_figure(const struct sl_work *w,
                                   const struct sl_timing *t,
                                   const struct sl_backend *be,
                                   const struct sl_bench_peaks *peaks,
                                   int32_t threads);

/* Is a figure of that name wanted? */
bool sl_bench_wants(const struct sl_bench *b, const char *name);

/* Pass on a figure that is not a peak. */
void sl_bench_report(struct sl_bench *b, const simlm_bench_figure *f);

/* Time fn and report it, if it is wanted. */
simlm_status sl_bench_measure(struct sl_bench *b, const struct sl_work *w,
                              sl_bench_fn *fn, void *what, simlm_error *err);

/* ---- the parts ----------------------------------------------------------- */

/* b->peaks <- those at the options' threads, after those at one. */
simlm_status sl_bench_peaks(struct sl_bench *b, simlm_error *err);
simlm_status sl_bench_gemm(struct sl_bench *b, simlm_error *err);
simlm_status sl_bench_ops(struct sl_bench *b, simlm_error *err);
simlm_status sl_bench_tokenize(struct sl_bench *b, simlm_error *err);
simlm_status sl_bench_encode(struct sl_bench *b, simlm_error *err);
simlm_status sl_bench_train(struct sl_bench *b, simlm_error *err);
simlm_status sl_bench_search(struct sl_bench *b, simlm_error *err);

/* The options' shape, `usual` standing for AUTO; E_RANGE. */
simlm_status sl_bench_config(struct sl_config *cfg, const struct sl_bench *b,
                             simlm_bench_shape usual, simlm_error *err);

#endif
