/*
 * simlm/precision.h - what a model computes in.
 *
 * bf16 has the range of fp32 and 8 bits of mantissa.  In SIMLM_BF16 activations
 * and the operands of matrix products are rounded to it; sums, statistics,
 * losses, vectors and, in training, the weights that are kept are fp32.  Twice
 * as fast on processors with AVX512_BF16; others compute it, too.
 */
#ifndef SIMLM_PRECISION_H
#define SIMLM_PRECISION_H

/* Values are ABI: append, never renumber. */
typedef enum simlm_precision { SIMLM_FP32 = 0, SIMLM_BF16 = 1 } simlm_precision;

#endif /* SIMLM_PRECISION_H */
