/*
 * backend/cpu/kernels.h - the loops that composite ops share.
 *
 * An op built on a matrix product (linear_gelu, vocab_ce, vocab_sample) calls
 * oneDNN for the product and, on each row of its result, one of these.  The
 * table is filled by the portable reference and then overridden by what the
 * machine has, exactly as struct sl_ops is, so that such an op exists once and
 * still runs the vector loops.
 *
 * Each works on memory of one thread, calls nothing and allocates nothing; its
 * result depends on its arguments alone.  The caller cuts the work with
 * sl_parallel_for().
 */
#ifndef SL_BACKEND_CPU_KERNELS_H
#define SL_BACKEND_CPU_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/cpu/bf16.h"
#include "backend/ops.h"

struct sl_cpu_kernels {
    /* y [n] <- gelu(pre [n]), erf form.  y may be pre. */
    void (*gelu_fwd)(sl_act *y, const sl_act *pre, int64_t n);
    /*
     * The cross-entropy of one row of logits z [V] (bias included), label in
     * [0, V): returns log(sum exp z) - z[label].  With `grad`, activations
     * scale * (softmax(z) - onehot(label)) [V] take the place of z, from its
     * start; otherwise z is left alone.
     */
    double (*ce_row)(float *z, int64_t V, int32_t label, float scale,
                     bool grad);
    /*
     * The first id whose cumulative softmax probability exceeds u, u in
     * [0, 1): always in [0, V), V - 1 if rounding (or a NaN) leaves none.  z
     * [V] is overwritten.
     */
    int32_t (*sample_row)(float *z, int64_t V, double u);
    /* sum [n] += the sums over rows of x [rows, n], rows ldx apart. */
    void (*sum_rows)(double *sum, const sl_act *x, int64_t ldx, int64_t rows,
                     int64_t n);
    /* Between float and bf16; of bf16 backends. */
    void (*round)(sl_bf16 *y, const float *x, int64_t n);
    void (*widen)(float *y, const sl_bf16 *x, int64_t n);
};

/* Override what this instruction set does better. */
void sl_ops_init_avx2(struct sl_ops *ops);
void sl_ops_init_avx512(struct sl_ops *ops);
void sl_kernels_init_avx2(struct sl_cpu_kernels *k);
void sl_kernels_init_avx512(struct sl_cpu_kernels *k);
void sl_ops_init_bf16_avx2(struct sl_ops *ops);
void sl_ops_init_bf16_avx512(struct sl_ops *ops);
void sl_kernels_init_bf16_avx2(struct sl_cpu_kernels *k);
void sl_kernels_init_bf16_avx512(struct sl_cpu_kernels *k);

/*
 * One block of scratch memory of the backend, at least `bytes` long, 64-byte
 * aligned, contents undefined, valid until the next call.  It grows rarely and
 * never shrinks, so a training step allocates nothing once the largest batch
 * was seen.  Call it in an op's calling thread, before its parallel loop, and
 * give each worker its part: bytes * sl_parallel_threads(), part number
 * sl_parallel_worker().  NULL if memory is short: the failure is recorded, the
 * op returns having done nothing, and the next sync() reports E_NOMEM.
 */
void *sl_cpu_scratch(struct sl_backend *be, size_t bytes);

/* Where the rounded copy of weights w is kept, element by element; NULL: there
 * is none (weight_copies.h). */
sl_bf16 *sl_cpu_rounded(struct sl_backend *be, const sl_real *w);

/*
 * Dropout keeps an element when its random word is at least this; that is
 * "zeroed when word < p * 2^32" in integers, exactly.
 */
static inline uint32_t sl_dropout_threshold(float p)
{
    double t = (double)p * 4294967296.0;
    uint64_t below = (uint64_t)t;

    return (uint32_t)(below + ((double)below < t));
}

#endif
