#include "base/parallel.h"

#ifdef _OPENMP
#include <omp.h>
#endif

#include "base/status.h"

static void one_range(int64_t i, int64_t n, int64_t grain, sl_range_fn *fn,
                      void *ctx)
{
    int64_t begin = i * grain;

    fn(ctx, begin, n - begin < grain ? n : begin + grain);
}

void sl_parallel_for(int64_t n, int64_t grain, sl_range_fn *fn, void *ctx)
{
    int64_t n_ranges;

    SL_ASSERT(n >= 0 && grain >= 1);
    n_ranges = n / grain + (n % grain != 0);
#ifdef _OPENMP
    if (n_ranges > 1 && omp_get_max_threads() > 1 && !omp_in_parallel()) {
#pragma omp parallel for schedule(dynamic, 1)
        for (int64_t i = 0; i < n_ranges; i++)
            one_range(i, n, grain, fn, ctx);
        return;
    }
#endif
    for (int64_t i = 0; i < n_ranges; i++)
        one_range(i, n, grain, fn, ctx);
}

#ifdef _OPENMP
void sl_parallel_set_threads(int n)
{
    omp_set_num_threads(n > 0 ? n : omp_get_num_procs());
}

int sl_parallel_threads(void)
{
    return omp_get_max_threads();
}

int sl_parallel_worker(void)
{
    return omp_get_thread_num();
}
#else
void sl_parallel_set_threads(int n)
{
    (void)n;
}

int sl_parallel_threads(void)
{
    return 1;
}

int sl_parallel_worker(void)
{
    return 0;
}
#endif
