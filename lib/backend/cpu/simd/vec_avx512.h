/*
 * backend/cpu/simd/vec_avx512.h - the vector vocabulary of the kernels, for
 * AVX-512 (F, BW, DQ, VL).  vec_avx2.h says the same words for AVX2 with FMA;
 * a kernel is written once, in an .inc file, and compiled with each.
 *
 *   vf   VW floats.  + - * / and comparisons are the compiler's; only what they
 *        cannot say is named here.  Nothing is contracted: v_fma() is an FMA,
 *        a * b + c is not.
 *   vu   VW unsigned words                      vq   VW / 2 64-bit lanes
 *   vd   VW / 2 doubles
 *
 * v_ words load and store floats, h_ words bf16 numbers.
 *
 * `n` is a number of lanes, 0..VW.  Loads and stores of n lanes touch no byte
 * beyond them.  Where n is the constant VW, v_load_n() is a plain load: kernels
 * write a step once, inline it with VW in the loop and with the rest after it.
 */
#ifndef SL_BACKEND_CPU_SIMD_VEC_H
#define SL_BACKEND_CPU_SIMD_VEC_H

#include <immintrin.h>
#include <stdint.h>

#include "backend/cpu/bf16.h"

#include "vec_common.h"

#define INLINE static inline __attribute__((always_inline))

enum { VW = 16 };
typedef __m512 vf;
typedef __m512i vu;
typedef __m512i vq;
typedef __m512d vd;

INLINE __mmask16 first_n(int64_t n)
{
    return (__mmask16)_bzhi_u32(0xffff, (unsigned)n);
}

/* ---- memory -------------------------------------------------------------- */

INLINE vf v_set1(float x)
{
    return _mm512_set1_ps(x);
}
INLINE vf v_zero(void)
{
    return _mm512_setzero_ps();
}
INLINE vf v_load(const float *p)
{
    return _mm512_loadu_ps(p);
}
INLINE void v_store(float *p, vf x)
{
    _mm512_storeu_ps(p, x);
}
/* Lanes from n on are zero. */
INLINE vf v_load_n(const float *p, int64_t n)
{
    return n == VW ? v_load(p) : _mm512_maskz_loadu_ps(first_n(n), p);
}
/* Lanes from n on are those of `rest`. */
INLINE vf v_load_n_or(const float *p, int64_t n, vf rest)
{
    return n == VW ? v_load(p) : _mm512_mask_loadu_ps(rest, first_n(n), p);
}
INLINE void v_store_n(float *p, int64_t n, vf x)
{
    if (n == VW)
        v_store(p, x);
    else
        _mm512_mask_storeu_ps(p, first_n(n), x);
}

/* ---- bf16 in memory ------------------------------------------------------ */

INLINE vf h_load_n(const sl_bf16 *p, int64_t n)
{
    __m256i h = n == VW ? _mm256_loadu_si256((const __m256i *)(const void *)p)
                        : _mm256_maskz_loadu_epi16(first_n(n), p);

    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(h), 16));
}
/* Rounds to nearest, ties to even; a NaN stays one. */
INLINE void h_store_n(sl_bf16 *p, int64_t n, vf x)
{
    __m512i bits = _mm512_castps_si512(x), top = _mm512_srli_epi32(bits, 16);
    __m512i odd = _mm512_and_si512(top, _mm512_set1_epi32(1));
    __m512i up = _mm512_add_epi32(_mm512_set1_epi32(0x7fff), odd);
    __m512i r = _mm512_srli_epi32(_mm512_add_epi32(bits, up), 16);
    __m256i h;

    r = _mm512_mask_or_epi32(r, _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q), top,
                             _mm512_set1_epi32(0x40));
    h = _mm512_cvtepi32_epi16(r);
    if (n == VW)
        _mm256_storeu_si256((__m256i *)(void *)p, h);
    else
        _mm256_mask_storeu_epi16(p, first_n(n), h);
}

/* ---- arithmetic ---------------------------------------------------------- */

INLINE vf v_fma(vf a, vf b, vf c) /* a b + c */
{
    return _mm512_fmadd_ps(a, b, c);
}
INLINE vf v_fnma(vf a, vf b, vf c) /* c - a b */
{
    return _mm512_fnmadd_ps(a, b, c);
}
INLINE vf v_sqrt(vf x)
{
    return _mm512_sqrt_ps(x);
}
/* Of two lanes, y where one is a NaN: v_max(bound, x) keeps the NaN of x. */
INLINE vf v_max(vf x, vf y)
{
    return _mm512_max_ps(x, y);
}
INLINE vf v_min(vf x, vf y)
{
    return _mm512_min_ps(x, y);
}
INLINE vf v_abs(vf x)
{
    return _mm512_abs_ps(x);
}
INLINE vf v_round(vf x) /* to the nearest integer */
{
    return _mm512_roundscale_ps(x,
                                _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
/* x * 2^k, k an integer in [-300, 300]; rounds once below the normal range. */
INLINE vf v_scale2(vf x, vf k)
{
    return _mm512_scalef_ps(x, k);
}
/* Lanes where the sign bit of s is set from `neg`, else from `pos`. */
INLINE vf v_by_sign(vf s, vf neg, vf pos)
{
    return _mm512_mask_blend_ps(_mm512_movepi32_mask(_mm512_castps_si512(s)),
                                pos, neg);
}
INLINE vf v_first_n(vf x, int64_t n) /* zero from lane n on */
{
    return n == VW ? x : _mm512_maskz_mov_ps(first_n(n), x);
}

/* ---- across lanes: in one fixed order ------------------------------------ */

INLINE float sum8(__m256 x)
{
    __m128 s =
        _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));

    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    s = _mm_add_ss(s, _mm_movehdup_ps(s));
    return _mm_cvtss_f32(s);
}
INLINE float v_sum(vf x)
{
    return sum8(
        _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1)));
}
/* The largest lane; which NaN, if any, is lost is not said. */
INLINE float v_hmax(vf x)
{
    return _mm512_reduce_max_ps(x);
}

/* ---- doubles, for sums that must not drift ------------------------------- */

INLINE vd d_zero(void)
{
    return _mm512_setzero_pd();
}
INLINE vd d_low(vf x) /* lanes 0 .. VW / 2 - 1 */
{
    return _mm512_cvtps_pd(_mm512_castps512_ps256(x));
}
INLINE vd d_high(vf x)
{
    return _mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1));
}
INLINE vd d_fma(vd a, vd b, vd c)
{
    return _mm512_fmadd_pd(a, b, c);
}
INLINE void d_add(double *p, vd x) /* p [VW / 2] += x */
{
    _mm512_storeu_pd(p, _mm512_add_pd(_mm512_loadu_pd(p), x));
}
INLINE double d_sum(vd x)
{
    __m256d a =
        _mm256_add_pd(_mm512_castpd512_pd256(x), _mm512_extractf64x4_pd(x, 1));
    __m128d b =
        _mm_add_pd(_mm256_castpd256_pd128(a), _mm256_extractf128_pd(a, 1));

    return _mm_cvtsd_f64(b) + _mm_cvtsd_f64(_mm_unpackhi_pd(b, b));
}

/* ---- words, for random numbers ------------------------------------------- */

INLINE vq q_set1(uint64_t x)
{
    return _mm512_set1_epi64((long long)x);
}
INLINE vq q_load(const uint64_t *p)
{
    return _mm512_loadu_si512(p);
}
INLINE vq q_add(vq x, vq y)
{
    return _mm512_add_epi64(x, y);
}
INLINE vq q_mul32(vq x, vq y) /* the low halves' full products */
{
    return _mm512_mul_epu32(x, y);
}
INLINE vq q_high(vq x) /* x >> 32 */
{
    return _mm512_srli_epi64(x, 32);
}
INLINE vq q_xor3(vq x, vq y, vq z)
{
    return _mm512_ternarylogic_epi64(x, y, z, 0x96);
}
/* Lane by lane, the low half of x, then the low half of y. */
INLINE vq q_pair(vq x, vq y)
{
    return _mm512_mask_shuffle_epi32(x, 0xaaaa, y, _MM_PERM_CCAA);
}
INLINE vu q_even(vq x, vq y) /* x0 y0 x2 y2 ... */
{
    return _mm512_unpacklo_epi64(x, y);
}
INLINE vu q_odd(vq x, vq y) /* x1 y1 x3 y3 ... */
{
    return _mm512_unpackhi_epi64(x, y);
}
/* x where word >= least, else 0 (also for a NaN). */
INLINE vf v_keep_from(vf x, vu word, uint32_t least)
{
    return _mm512_maskz_mov_ps(
        _mm512_cmpge_epu32_mask(word, _mm512_set1_epi32((int)least)), x);
}

#endif
