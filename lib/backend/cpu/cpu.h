/*
 * backend/cpu/cpu.h - the CPU backend from within: the state behind
 * sl_backend.impl, and the initialisers that fill the table one over the other.
 *
 * Order is the policy: ref (wide in bf16) fills every slot, so an op without a
 * fast version is slow and right, never missing; onednn, then avx2, then avx512
 * override.
 */
#ifndef SL_BACKEND_CPU_CPU_H
#define SL_BACKEND_CPU_CPU_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/cpu/kernels.h"
#include "backend/ops.h"

struct sl_onednn;  /* onednn/onednn.h */
struct sl_weights; /* weight_copies.h */

struct sl_cpu {
    struct sl_backend be;
    enum sl_compute compute;
    unsigned features;
    struct sl_ops ops;
    struct sl_cpu_kernels kernels; /* not in fp64 */
    struct sl_onednn *dnn;         /* NULL: not used */
    struct sl_backend *f32;        /* of a bf16 backend: see wide.c */
    struct sl_weights *weights;    /* a sibling's are the first one's */
    bool sibling;
    _Atomic int failed; /* the first failure since the last sync() */
    void *scratch;
    size_t scratch_bytes;
};

/*
 * Cut sl_cpu_scratch() (kernels.h) into pieces: ask for the sum of the pieces'
 * sizes, each rounded by the first, then take them with the second.
 */
static inline size_t sl_cpu_round(size_t bytes)
{
    return (bytes + 63) & ~(size_t)63;
}

static inline void *sl_cpu_cut(void **at, size_t bytes)
{
    void *p = *at;

    *at = (char *)p + sl_cpu_round(bytes);
    return p;
}

/* Rows of logits [rows, V], or of their gradient, that are held at a time: about
 * 32 MB in fp32. */
static inline int64_t sl_cpu_vocab_rows(int64_t V)
{
    int64_t rows = ((int64_t)1 << 23) / V / 32 * 32;

    return rows < 32 ? 32 : rows > 1024 ? 1024 : rows;
}

/* Tell sync() of a failure, from any thread; the first one stays. */
static inline void sl_cpu_failed(struct sl_backend *be, simlm_status st)
{
    struct sl_cpu *cpu = be->impl;
    int none = SIMLM_OK;

    atomic_compare_exchange_strong(&cpu->failed, &none, (int)st);
}

void sl_ops_init_ref_f32(struct sl_ops *ops);
void sl_ops_init_ref_f64(struct sl_ops *ops);
void sl_kernels_init_ref(struct sl_cpu_kernels *k);

/* wide.c: bf16 through an fp32 backend whose ops are f32. */
void sl_ops_init_wide(struct sl_ops *ops, const struct sl_ops *f32);
void sl_kernels_init_wide(struct sl_cpu_kernels *k);

/* y [n] <- x [n], on all threads. */
void sl_wide_round(const struct sl_cpu_kernels *kernels, sl_bf16 *y,
                   const float *x, int64_t n);

#endif
