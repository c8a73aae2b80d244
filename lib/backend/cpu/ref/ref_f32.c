/* The portable reference in fp32: what a CPU without faster versions runs. */
#include <math.h>

typedef float real; /* parameters, statistics, losses */
typedef float act;  /* activations */
#define EXP      expf
#define ERF      erff
#define INIT_OPS sl_ops_init_ref_f32

#include "ref_ops.inc"

void sl_kernels_init_ref(struct sl_cpu_kernels *k)
{
    *k = (struct sl_cpu_kernels){gelu_row, ce_row, sample_row};
}
