/* simlm/bench.h */
#include "api/api.h"
#include "base/parallel.h"
#include "bench/bench.h"

enum { MAX_THREADS = 1024, MAX_TOKENS = 1 << 22, MAX_LENGTH = 1 << 15 };

void simlm_bench_options_init(simlm_bench_options *options)
{
    if (options)
        *options = (simlm_bench_options){.parts = SIMLM_BENCH_ALL,
                                         .seconds = 1,
                                         .tokens = 4096,
                                         .length = 128,
                                         .min_length = 16,
                                         .max_length = 144,
                                         .dropout = 0.1,
                                         .rows = 100000,
                                         .dim = 768};
}

simlm_status simlm_bench(const simlm_bench_options *options,
                         simlm_bench_report *report, void *ctx,
                         simlm_error *err)
{
    int before = sl_parallel_threads();
    simlm_status st;

    SL_API_NOT_NULL(options);
    SL_API_NOT_NULL(report);
    SL_API_RANGE(options->threads, 0, MAX_THREADS);
    SL_API_NEED(options->seconds >= 0 && options->seconds <= 1e6,
                "seconds: %g is not in 0 .. 1e6", options->seconds);
    SL_API_PRECISION(options->precision);
    SL_API_RANGE(options->shape, SIMLM_SHAPE_AUTO, SIMLM_SHAPE_MINI);
    SL_API_RANGE(options->tokens, 1, MAX_TOKENS);
    SL_API_RANGE(options->length, 1, MAX_LENGTH);
    SL_API_RANGE(options->min_length, 1, MAX_LENGTH);
    SL_API_RANGE(options->max_length, options->min_length, MAX_LENGTH);
    SL_API_NEED(options->dropout >= 0 && options->dropout < 1,
                "dropout: %g is not in 0 .. 1", options->dropout);
    SL_API_RANGE(options->rows, 1, (int64_t)1 << 31);
    SL_API_RANGE(options->dim, 1, 65536);
    sl_parallel_set_threads(options->threads);
    st = sl_bench_run(options, report, ctx, err);
    sl_parallel_set_threads(before);
    return st;
}
