/*
 * backend/cpu/simd/vec_common.h - what both instruction sets share: an 8 x 8
 * block turned over, and unrolling.
 */
#ifndef SL_BACKEND_CPU_SIMD_VEC_COMMON_H
#define SL_BACKEND_CPU_SIMD_VEC_COMMON_H

#include <immintrin.h>
#include <stdint.h>

/*
 * FOR_UNROLLED(i, n): a loop of a constant number of rounds, at most 16, that
 * becomes none.  Arrays of vectors indexed by i live in registers only then.
 */
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
#define FOR_UNROLLED(i, n) UNROLL for (int i = 0; i < (n); i++)

/* Have the cache lines of these bytes fetched. */
static inline void prefetch(const void *x, int64_t bytes)
{
    for (int64_t i = 0; i < bytes; i += 64)
        _mm_prefetch((const char *)x + i, _MM_HINT_T0);
}

/*
 * Read n floats, a line at a time, so that they are in the caches.  Unlike the
 * hints of prefetch() this waits, but in order, which the processor sees coming:
 * on a Zen 4, rows that are then read eight at a time arrive three times as fast.
 */
static inline void read_ahead(const float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i += 16)
        (void)*(const volatile float *)(x + i);
}

/* yT[c][r] <- x[r][c], r and c from 0 to 7. */
static inline void transpose8(float *yT, int64_t ldy, const float *x,
                              int64_t ldx)
{
    __m256 a[8], b[8];

    FOR_UNROLLED (i, 4) {
        /* Row i beside row i + 4, in the two halves. */
        a[i] = _mm256_insertf128_ps(
            _mm256_castps128_ps256(_mm_loadu_ps(x + i * ldx)),
            _mm_loadu_ps(x + (i + 4) * ldx), 1);
        a[i + 4] = _mm256_insertf128_ps(
            _mm256_castps128_ps256(_mm_loadu_ps(x + i * ldx + 4)),
            _mm_loadu_ps(x + (i + 4) * ldx + 4), 1);
    }
    UNROLL for (int i = 0; i < 8; i += 4)
    {
        /* A 4 x 4 block in each half. */
        b[i] = _mm256_unpacklo_ps(a[i], a[i + 1]);
        b[i + 1] = _mm256_unpackhi_ps(a[i], a[i + 1]);
        b[i + 2] = _mm256_unpacklo_ps(a[i + 2], a[i + 3]);
        b[i + 3] = _mm256_unpackhi_ps(a[i + 2], a[i + 3]);
        a[i] = _mm256_shuffle_ps(b[i], b[i + 2], 0x44);
        a[i + 1] = _mm256_shuffle_ps(b[i], b[i + 2], 0xee);
        a[i + 2] = _mm256_shuffle_ps(b[i + 1], b[i + 3], 0x44);
        a[i + 3] = _mm256_shuffle_ps(b[i + 1], b[i + 3], 0xee);
    }
    FOR_UNROLLED (i, 8)
        _mm256_storeu_ps(yT + i * ldy, a[i]);
}

#endif
