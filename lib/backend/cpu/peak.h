/*
 * backend/cpu/peak.h - loops that do one thing as fast as a core can: what a
 * measured kernel may be compared with.
 *
 * They compute nothing of use.  Like kernels they are written once, filled in
 * from the portable version upwards, and a later instruction set wins.
 */
#ifndef SL_BACKEND_CPU_PEAK_H
#define SL_BACKEND_CPU_PEAK_H

#include <stdint.h>

struct sl_peak_loops {
    /*
     * `rounds` rounds of independent fp32 multiply-adds that stay in
     * registers; returns how many operations that was (a multiply-add is two).
     * *sink gets a number that depends on all of them.
     */
    double (*multiply_add)(float *sink, int64_t rounds);
    /* The same with bf16 pairs summed in fp32 (vdpbf16ps).  NULL: the CPU has
     * no such instruction, or `cpu` hides it. */
    double (*dot_bf16)(float *sink, int64_t rounds);
    /* Read x [n], n a multiple of 256; the sum, so that nothing is left out. */
    float (*read)(const float *x, int64_t n);
};

/* For a set of features: sl_cpu_detect() and its masks (backend/backend.h). */
void sl_peak_loops_init(struct sl_peak_loops *p, unsigned cpu);

/* One a file, by instruction set. */
void sl_peak_init_avx2(struct sl_peak_loops *p);
void sl_peak_init_avx512(struct sl_peak_loops *p);
void sl_peak_init_avx512bf16(struct sl_peak_loops *p);

#endif
