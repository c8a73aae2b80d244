/*
 * backend/cpu/cpu_backend.c - the CPU as a device, and what this one can do.
 *
 * Memory is the heap, upload is memcpy, and everything issued is done when the
 * op returns; what sync() has to tell is that scratch or oneDNN failed.
 */
#include "backend/cpu/cpu.h"

#include <stdlib.h>
#include <string.h>

#include "backend/cpu/onednn/onednn.h"
#include "backend/cpu/weight_copies.h"
#include "base/alloc.h"

/* ---- memory -------------------------------------------------------------- */

static simlm_status cpu_alloc(struct sl_backend *be, void **out, size_t bytes,
                              const char *what, simlm_error *err)
{
    void *p = sl_calloc(bytes ? bytes : 1, 1);

    (void)be;
    if (!p)
        return sl_fail_nomem(err, what);
    *out = p;
    return SIMLM_OK;
}

static void cpu_free(struct sl_backend *be, void *p)
{
    struct sl_cpu *cpu = be->impl;

    if (p)
        sl_weights_forget(cpu->weights, p);
    sl_free(p);
}

/* Copies serve oneDNN: without it none is made. */
static simlm_status cpu_weights(struct sl_backend *be, const sl_real *w,
                                int64_t n, bool fixed, simlm_error *err)
{
    struct sl_cpu *cpu = be->impl;
    const float *x = (const float *)w;
    bool half = cpu->compute == SL_BF16, rounded = half && !fixed;

    if (!cpu->dnn || (half && !sl_onednn_has_bf16(cpu->dnn)))
        return SIMLM_OK;
    SL_TRY(sl_weights_announce(cpu->weights, x, n, fixed, rounded, err));
    if (rounded)
        sl_wide_round(&cpu->kernels, sl_weights_rounded(cpu->weights, x), x, n);
    return SIMLM_OK;
}

sl_bf16 *sl_cpu_rounded(struct sl_backend *be, const sl_real *w)
{
    const struct sl_cpu *cpu = be->impl;

    return sl_weights_rounded(cpu->weights, (const float *)w);
}

static void cpu_copy(struct sl_backend *be, void *dst, const void *src,
                     size_t bytes)
{
    (void)be;
    if (bytes)
        memcpy(dst, src, bytes);
}

void *sl_cpu_scratch(struct sl_backend *be, size_t bytes)
{
    struct sl_cpu *cpu = be->impl;
    size_t want;

    if (bytes <= cpu->scratch_bytes && cpu->scratch)
        return cpu->scratch;
    /* A quarter more, so that shapes that creep upwards rarely come here. */
    want = bytes <= SIZE_MAX / 2 ? bytes + bytes / 4 : bytes;
    sl_free(cpu->scratch);
    cpu->scratch = sl_alloc(want ? want : 1, 1);
    cpu->scratch_bytes = cpu->scratch ? want : 0;
    if (!cpu->scratch)
        sl_cpu_failed(be, SIMLM_E_NOMEM);
    return cpu->scratch;
}

/* ---- elements, converted ------------------------------------------------- */

static void get_real(struct sl_backend *be, float *dst, const sl_real *src,
                     int64_t n)
{
    if (be->real_bytes == sizeof(float)) {
        cpu_copy(be, dst, src, (size_t)n * sizeof(float));
        return;
    }
    for (int64_t i = 0; i < n; i++)
        dst[i] = (float)((const double *)src)[i];
}

static void get_real64(struct sl_backend *be, double *dst, const sl_real *src,
                       int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        dst[i] = be->real_bytes == sizeof(float) ? ((const float *)src)[i]
                                                 : ((const double *)src)[i];
}

static void put_real(struct sl_backend *be, sl_real *dst, const float *src,
                     int64_t n)
{
    if (be->real_bytes == sizeof(float)) {
        cpu_copy(be, dst, src, (size_t)n * sizeof(float));
        return;
    }
    for (int64_t i = 0; i < n; i++)
        ((double *)dst)[i] = src[i];
}

/* An activation is a bf16 or has the type of everything else. */
static void get_act(struct sl_backend *be, float *dst, const sl_act *src,
                    int64_t n)
{
    if (be->act_bytes != sizeof(sl_bf16)) {
        get_real(be, dst, (const sl_real *)src, n);
        return;
    }
    for (int64_t i = 0; i < n; i++)
        dst[i] = sl_bf16_widen(((const sl_bf16 *)src)[i]);
}

static void put_act(struct sl_backend *be, sl_act *dst, const float *src,
                    int64_t n)
{
    if (be->act_bytes != sizeof(sl_bf16)) {
        put_real(be, (sl_real *)dst, src, n);
        return;
    }
    for (int64_t i = 0; i < n; i++)
        ((sl_bf16 *)dst)[i] = sl_bf16_round(src[i]);
}

/* ---- life ---------------------------------------------------------------- */

static simlm_status cpu_sync(struct sl_backend *be, simlm_error *err)
{
    struct sl_cpu *cpu = be->impl;
    simlm_status st = (simlm_status)atomic_exchange(&cpu->failed, SIMLM_OK);

    if (st == SIMLM_OK)
        return cpu->f32 ? cpu->f32->sync(cpu->f32, err) : st;
    if (st == SIMLM_E_NOMEM)
        return sl_fail_nomem(err, "the backend's scratch");
    return sl_fail(err, st, "%s: oneDNN failed to compute a matrix product",
                   be->name);
}

static void cpu_close(struct sl_backend *be)
{
    struct sl_cpu *cpu = be->impl;

    sl_backend_close(cpu->f32);
    sl_onednn_close(cpu->dnn);
    if (!cpu->sibling)
        sl_weights_free(cpu->weights);
    sl_free(cpu->scratch);
    sl_free(cpu);
}

static const struct sl_backend methods = {
    .alloc = cpu_alloc,
    .free = cpu_free,
    .weights = cpu_weights,
    .upload = cpu_copy,
    .download = cpu_copy,
    .upload_real = put_real,
    .download_real = get_real,
    .download_real64 = get_real64,
    .upload_act = put_act,
    .download_act = get_act,
    .sync = cpu_sync,
    .close = cpu_close,
};

/* ---- filling the table: the reference first; a later line wins ----------- */

static simlm_status open_onednn(struct sl_cpu *cpu, simlm_error *err)
{
    bool avx2_only =
        (cpu->features & (SL_CPU_AVX2 | SL_CPU_AVX512)) == SL_CPU_AVX2;

    return sl_onednn_open(&cpu->dnn, avx2_only, err);
}

static simlm_status fill_f32(struct sl_cpu *cpu, simlm_error *err)
{
    cpu->be.name = "cpu-ref";
    sl_ops_init_ref_f32(&cpu->ops);
    sl_kernels_init_ref(&cpu->kernels);
    if (cpu->features & SL_CPU_ONEDNN) {
        cpu->be.name = "cpu-onednn";
        SL_TRY(open_onednn(cpu, err));
        sl_ops_init_onednn(&cpu->ops);
    }
#if defined(__x86_64__)
    if (cpu->features & SL_CPU_AVX2) {
        cpu->be.name = "cpu-avx2";
        sl_ops_init_avx2(&cpu->ops);
        sl_kernels_init_avx2(&cpu->kernels);
    }
    if (cpu->features & SL_CPU_AVX512) {
        cpu->be.name = "cpu-avx512";
        sl_ops_init_avx512(&cpu->ops);
        sl_kernels_init_avx512(&cpu->kernels);
    }
#endif
    return SIMLM_OK;
}

static simlm_status fill_bf16(struct sl_cpu *cpu, simlm_error *err)
{
    SL_TRY(sl_backend_open_cpu(&cpu->f32, SL_FP32, cpu->features, err));
    cpu->be.name = "cpu-ref-bf16";
    sl_ops_init_wide(&cpu->ops, cpu->f32->ops);
    sl_kernels_init_wide(&cpu->kernels);
    if (cpu->features & SL_CPU_ONEDNN) {
        cpu->be.name = "cpu-onednn-bf16";
        SL_TRY(open_onednn(cpu, err));
        if (sl_onednn_has_bf16(cpu->dnn))
            sl_ops_init_onednn(&cpu->ops);
    }
#if defined(__x86_64__)
    if (cpu->features & SL_CPU_AVX2) {
        cpu->be.name = "cpu-avx2-bf16";
        sl_ops_init_bf16_avx2(&cpu->ops);
        sl_kernels_init_bf16_avx2(&cpu->kernels);
    }
    if (cpu->features & SL_CPU_AVX512) {
        cpu->be.name = "cpu-avx512-bf16";
        sl_ops_init_bf16_avx512(&cpu->ops);
        sl_kernels_init_bf16_avx512(&cpu->kernels);
    }
#endif
    return SIMLM_OK;
}

static simlm_status fill_f64(struct sl_cpu *cpu, simlm_error *err)
{
    (void)err;
    cpu->be.name = "cpu-ref-f64";
    sl_ops_init_ref_f64(&cpu->ops);
    return SIMLM_OK;
}

static const struct {
    size_t act_bytes, real_bytes;
    simlm_status (*fill)(struct sl_cpu *cpu, simlm_error *err);
} computes[] = {
    [SL_FP32] = {sizeof(float), sizeof(float), fill_f32},
    [SL_FP64] = {sizeof(double), sizeof(double), fill_f64},
    [SL_BF16] = {sizeof(sl_bf16), sizeof(float), fill_bf16},
};

static simlm_status open_cpu(struct sl_backend **out, enum sl_compute compute,
                             unsigned features, struct sl_weights *weights,
                             simlm_error *err)
{
    struct sl_cpu *cpu = SL_NEW(struct sl_cpu);
    simlm_status st = SIMLM_OK;

    if (!cpu)
        return sl_fail_nomem(err, "the CPU backend");
    cpu->be = methods;
    cpu->be.impl = cpu;
    cpu->be.ops = &cpu->ops;
    cpu->be.act_bytes = computes[compute].act_bytes;
    cpu->be.real_bytes = computes[compute].real_bytes;
    cpu->be.host = compute != SL_FP64;
    cpu->compute = compute;
    cpu->features = features & sl_cpu_detect();
    cpu->sibling = weights != NULL;
    cpu->weights = weights ? weights : sl_weights_new();
    st = cpu->weights ? computes[compute].fill(cpu, err)
                      : sl_fail_nomem(err, "the CPU backend");
    if (st < 0) {
        cpu_close(&cpu->be);
        return st;
    }
    *out = &cpu->be;
    return SIMLM_OK;
}

simlm_status sl_backend_open_cpu(struct sl_backend **out,
                                 enum sl_compute compute, unsigned features,
                                 simlm_error *err)
{
    return open_cpu(out, compute, features, NULL, err);
}

simlm_status sl_backend_open_sibling(struct sl_backend **out,
                                     const struct sl_backend *first,
                                     simlm_error *err)
{
    const struct sl_cpu *cpu = first->impl;

    return open_cpu(out, cpu->compute, cpu->features, cpu->weights, err);
}

void sl_backend_close(struct sl_backend *be)
{
    if (be)
        be->close(be);
}

/* ---- what the machine has ------------------------------------------------ */

/* All that the files named _avx2.c and _avx512.c are compiled for: see
 * CMakeLists.txt. */
unsigned sl_cpu_detect(void)
{
    unsigned cpu = SL_CPU_ONEDNN;

#if defined(__x86_64__)
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") ||
        !__builtin_cpu_supports("bmi2"))
        return cpu;
    cpu |= SL_CPU_AVX2;
    if (__builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        cpu |= SL_CPU_AVX512;
#endif
    return cpu;
}

unsigned sl_cpu_from_env(void)
{
    const char *name = getenv("SIMLM_CPU");
    unsigned cpu = sl_cpu_detect();

    if (!name)
        return cpu;
    if (strcmp(name, "ref") == 0)
        return 0;
    if (strcmp(name, "avx2") == 0)
        return cpu & ~(unsigned)SL_CPU_AVX512;
    return cpu;
}
