/* The peak loop of vdpbf16ps: 16 fp32 sums take 32 bf16 products. */
#include "vec_avx512.h"

#include "backend/cpu/peak.h"

enum { CHAINS = 16 };

static double dot_bf16(float *sink, int64_t rounds)
{
    __m512bh x = _mm512_cvtne2ps_pbh(v_set1(0.5f), v_set1(-0.5f));
    __m512bh y = _mm512_cvtne2ps_pbh(v_set1(2), v_set1(1));
    vf a[CHAINS];

    FOR_UNROLLED (i, CHAINS)
        a[i] = v_set1((float)i);
    for (int64_t r = 0; r < rounds; r++)
        FOR_UNROLLED (i, CHAINS)
            a[i] = _mm512_dpbf16_ps(a[i], x, y);
    FOR_UNROLLED (i, CHAINS - 1)
        a[0] = a[0] + a[i + 1];
    *sink = v_sum(a[0]);
    return 4.0 * CHAINS * VW * (double)rounds;
}

void sl_peak_init_avx512bf16(struct sl_peak_loops *p)
{
    p->dot_bf16 = dot_bf16;
}
