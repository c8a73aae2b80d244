#include "backend/cpu/peak.h"

#include <stdbool.h>

#include "backend/backend.h"

/* Chains enough to hide the latency of any core's multiply-add. */
enum { CHAINS = 64 };

static double multiply_add(float *sink, int64_t rounds)
{
    float a[CHAINS], sum = 0;

    for (int i = 0; i < CHAINS; i++)
        a[i] = (float)i;
    for (int64_t r = 0; r < rounds; r++)
        for (int i = 0; i < CHAINS; i++)
#ifdef __FP_FAST_FMAF
            a[i] = __builtin_fmaf(a[i], 0.5f, 1);
#else
            a[i] = a[i] * 0.5f + 1;
#endif
    for (int i = 0; i < CHAINS; i++)
        sum += a[i];
    *sink = sum;
    return 2.0 * CHAINS * (double)rounds;
}

static float read_floats(const float *x, int64_t n)
{
    float a[CHAINS] = {0}, sum = 0;

    for (int64_t at = 0; at < n; at += CHAINS)
        for (int i = 0; i < CHAINS; i++)
            a[i] += x[at + i];
    for (int i = 0; i < CHAINS; i++)
        sum += a[i];
    return sum;
}

#if defined(__x86_64__)
static bool has_bf16(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512bf16");
}
#endif

void sl_peak_loops_init(struct sl_peak_loops *p, unsigned cpu)
{
    *p = (struct sl_peak_loops){.multiply_add = multiply_add,
                                .read = read_floats};
#if defined(__x86_64__)
    if (cpu & SL_CPU_AVX2)
        sl_peak_init_avx2(p);
    if (cpu & SL_CPU_AVX512)
        sl_peak_init_avx512(p);
    if (cpu & SL_CPU_AVX512 && has_bf16())
        sl_peak_init_avx512bf16(p);
#else
    (void)cpu;
#endif
}
