/* The portable reference in fp32: what a CPU without faster versions runs. */
#include <math.h>

typedef float real; /* parameters, statistics, losses */
typedef float act;  /* activations */
#define EXP      expf
#define ERF      erff
#define TANH     tanhf
#define INIT_OPS sl_ops_init_ref_f32

#include "ref_ops.inc"

static void gelu_fwd(sl_act *y, const sl_act *pre, int64_t n)
{
    gelu_row((real *)y, (const real *)pre, n);
}

static void sum_rows(double *sum, const sl_act *x, int64_t ldx, int64_t rows,
                     int64_t n)
{
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < n; i++)
            sum[i] += ((const act *)x)[r * ldx + i];
}

void sl_kernels_init_ref(struct sl_cpu_kernels *k)
{
    *k = (struct sl_cpu_kernels){.gelu_fwd = gelu_fwd,
                                 .ce_row = ce_row,
                                 .sample_row = sample_row,
                                 .sum_rows = sum_rows};
}
