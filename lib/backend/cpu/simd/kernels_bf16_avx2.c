/* The vector kernels in bf16 for AVX2 with FMA. */
#include "vec_avx2.h"

#define ACT_IS_BF16 1
#include "vec_kernels.inc"

void sl_ops_init_bf16_avx2(struct sl_ops *ops)
{
    init_ops(ops);
}

void sl_kernels_init_bf16_avx2(struct sl_cpu_kernels *k)
{
    init_kernels(k);
}
