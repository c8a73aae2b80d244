/* The peak loops for AVX-512. */
#include "vec_avx512.h"

#include "vec_peak.inc"

void sl_peak_init_avx512(struct sl_peak_loops *p)
{
    init_peak(p);
}
