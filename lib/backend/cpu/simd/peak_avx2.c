/* The peak loops for AVX2 with FMA. */
#include "vec_avx2.h"

#include "vec_peak.inc"

void sl_peak_init_avx2(struct sl_peak_loops *p)
{
    init_peak(p);
}
