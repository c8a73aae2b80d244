/*
 * backend/backend.h - a device: where memory is, what it computes with, and
 * when work is done.
 *
 * Two opaque element types keep model code from knowing either:
 *
 *   sl_act   an activation, in the backend's compute type
 *            (fp32; bf16; fp64 in the tests that check gradients)
 *   sl_real  everything that must be exact: parameters, gradients, moments,
 *            statistics, losses, logits of similarities, final vectors
 *            (fp32; fp64 in those tests)
 *
 * A backend is used by one thread at a time: it owns the scratch its ops work in.
 *
 * Pointers to them are addresses in the backend's own memory.  Model code never
 * reads through one: it moves data with upload/download, which convert from and
 * to float, and steps with sl_act_at() and sl_real_at().
 */
#ifndef SL_BACKEND_BACKEND_H
#define SL_BACKEND_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <simlm/precision.h>

#include "base/status.h"

typedef struct sl_act sl_act;
typedef struct sl_real sl_real;

struct sl_ops;

struct sl_backend {
    const char *name;         /* "cpu-avx512", "cpu-ref", "cpu-ref-f64" */
    const struct sl_ops *ops; /* ops.h */
    size_t act_bytes;         /* bytes of one sl_act */
    size_t real_bytes;        /* bytes of one sl_real */
    bool host;  /* its memory is the host's and sl_real is float: ops may read a
                * host array (a mapped index) where it lies */
    void *impl; /* the backend's own state (engine, scratch) */

    /* Zeroed, 64-byte aligned. */
    simlm_status (*alloc)(struct sl_backend *be, void **out, size_t bytes,
                          const char *what, simlm_error *err);
    void (*free)(struct sl_backend *be, void *p); /* accepts NULL */

    /*
     * w [n], from alloc(), are weights and were written by upload_real(): of
     * such the backend may keep copies, rounded or rearranged, for its products.
     * Call it again whenever they were written so; ops that write weights keep
     * the copies true themselves.  `fixed`: there will be none that does.
     * (Weights that were never announced work, too, only slower.)
     */
    simlm_status (*weights)(struct sl_backend *be, const sl_real *w, int64_t n,
                            bool fixed, simlm_error *err);

    /* Bytes as they are (token ids, positions). */
    void (*upload)(struct sl_backend *be, void *dst, const void *src,
                   size_t bytes);
    void (*download)(struct sl_backend *be, void *dst, const void *src,
                     size_t bytes);

    /* n elements, converted. */
    void (*upload_real)(struct sl_backend *be, sl_real *dst, const float *src,
                        int64_t n);
    void (*download_real)(struct sl_backend *be, float *dst, const sl_real *src,
                          int64_t n);
    void (*download_real64)(struct sl_backend *be, double *dst,
                            const sl_real *src, int64_t n);
    void (*upload_act)(struct sl_backend *be, sl_act *dst, const float *src,
                       int64_t n);
    void (*download_act)(struct sl_backend *be, float *dst, const sl_act *src,
                         int64_t n);

    /* Wait for everything issued; returns the first failure among it. */
    simlm_status (*sync)(struct sl_backend *be, simlm_error *err);
    void (*close)(struct sl_backend *be);
};

/* What a CPU can do; a mask over sl_cpu_detect() hides features. */
enum {
    SL_CPU_AVX2 = 1,   /* with FMA */
    SL_CPU_AVX512 = 2, /* F, BW, DQ, VL */
    SL_CPU_ONEDNN = 4, /* use oneDNN for matrix products */
    SL_CPU_ALL = 7
};
unsigned sl_cpu_detect(void);

/* From SIMLM_CPU=ref|avx2|avx512; unset or anything else: all the machine has. */
unsigned sl_cpu_from_env(void);

enum sl_compute {
    SL_FP32 = 0,
    SL_FP64 = 1, /* reference only, for tests */
    SL_BF16 = 2  /* activations and operands of products; the rest is fp32 */
};

/* Of a simlm_precision. */
static inline enum sl_compute sl_compute_in(int32_t precision)
{
    return precision == SIMLM_BF16 ? SL_BF16 : SL_FP32;
}

/*
 * Open the CPU backend.  `cpu` is the set of features it may use; SL_FP64
 * ignores it.  E_BACKEND if oneDNN cannot start.
 */
simlm_status sl_backend_open_cpu(struct sl_backend **out,
                                 enum sl_compute compute, unsigned cpu,
                                 simlm_error *err);
void sl_backend_close(struct sl_backend *be); /* accepts NULL */

/*
 * A backend like `first`, for another thread: scratch of its own, but `first`'s
 * memory and its copies of weights, so `first` must outlive it.
 */
simlm_status sl_backend_open_sibling(struct sl_backend **out,
                                     const struct sl_backend *first,
                                     simlm_error *err);

/* Element n of an array in the backend's memory. */
static inline sl_act *sl_act_at(const struct sl_backend *be, sl_act *p,
                                int64_t n)
{
    return (sl_act *)((char *)p + n * (int64_t)be->act_bytes);
}

static inline sl_real *sl_real_at(const struct sl_backend *be, sl_real *p,
                                  int64_t n)
{
    return (sl_real *)((char *)p + n * (int64_t)be->real_bytes);
}

#endif
