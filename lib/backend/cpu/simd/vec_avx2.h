/*
 * backend/cpu/simd/vec_avx2.h - the vector vocabulary for AVX2 with FMA.  See
 * vec_avx512.h for what each word means.
 */
#ifndef SL_BACKEND_CPU_SIMD_VEC_H
#define SL_BACKEND_CPU_SIMD_VEC_H

#include <immintrin.h>
#include <stdint.h>

#include "backend/cpu/bf16.h"

#include "vec_common.h"

#define INLINE static inline __attribute__((always_inline))

enum { VW = 8 };
typedef __m256 vf;
typedef __m256i vu;
typedef __m256i vq;
typedef __m256d vd;

INLINE __m256i first_n(int64_t n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n),
                              _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

/* ---- memory -------------------------------------------------------------- */

INLINE vf v_set1(float x)
{
    return _mm256_set1_ps(x);
}
INLINE vf v_zero(void)
{
    return _mm256_setzero_ps();
}
INLINE vf v_load(const float *p)
{
    return _mm256_loadu_ps(p);
}
INLINE void v_store(float *p, vf x)
{
    _mm256_storeu_ps(p, x);
}
INLINE vf v_load_n(const float *p, int64_t n)
{
    return n == VW ? v_load(p) : _mm256_maskload_ps(p, first_n(n));
}
INLINE vf v_load_n_or(const float *p, int64_t n, vf rest)
{
    if (n == VW)
        return v_load(p);
    return _mm256_blendv_ps(rest, v_load_n(p, n),
                            _mm256_castsi256_ps(first_n(n)));
}
INLINE void v_store_n(float *p, int64_t n, vf x)
{
    if (n == VW)
        v_store(p, x);
    else
        _mm256_maskstore_ps(p, first_n(n), x);
}

/* ---- bf16 in memory ------------------------------------------------------ */

INLINE vf h_load_n(const sl_bf16 *p, int64_t n)
{
    sl_bf16 some[VW] = {0};
    __m128i h;

    if (n != VW) {
        for (int64_t i = 0; i < n; i++)
            some[i] = p[i];
        p = some;
    }
    h = _mm_loadu_si128((const __m128i *)(const void *)p);
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(h), 16));
}
INLINE void h_store_n(sl_bf16 *p, int64_t n, vf x)
{
    __m256i bits = _mm256_castps_si256(x), top = _mm256_srli_epi32(bits, 16);
    __m256i odd = _mm256_and_si256(top, _mm256_set1_epi32(1));
    __m256i up = _mm256_add_epi32(_mm256_set1_epi32(0x7fff), odd);
    __m256i r = _mm256_srli_epi32(_mm256_add_epi32(bits, up), 16);
    __m256i nan = _mm256_or_si256(top, _mm256_set1_epi32(0x40));
    __m256i which = _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q));
    sl_bf16 all[VW];
    __m128i h;

    r = _mm256_blendv_epi8(r, nan, which);
    h = _mm_packus_epi32(_mm256_castsi256_si128(r),
                         _mm256_extracti128_si256(r, 1));
    _mm_storeu_si128((__m128i *)(void *)(n == VW ? p : all), h);
    if (n != VW)
        for (int64_t i = 0; i < n; i++)
            p[i] = all[i];
}

/* ---- arithmetic ---------------------------------------------------------- */

INLINE vf v_fma(vf a, vf b, vf c)
{
    return _mm256_fmadd_ps(a, b, c);
}
INLINE vf v_fnma(vf a, vf b, vf c)
{
    return _mm256_fnmadd_ps(a, b, c);
}
INLINE vf v_sqrt(vf x)
{
    return _mm256_sqrt_ps(x);
}
INLINE vf v_max(vf x, vf y)
{
    return _mm256_max_ps(x, y);
}
INLINE vf v_min(vf x, vf y)
{
    return _mm256_min_ps(x, y);
}
INLINE vf v_abs(vf x)
{
    return _mm256_andnot_ps(v_set1(-0.0f), x);
}
INLINE vf v_round(vf x)
{
    return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
INLINE vf exp2_int(__m256i k) /* 2^k, k in [-126, 127] */
{
    return _mm256_castsi256_ps(
        _mm256_slli_epi32(_mm256_add_epi32(k, _mm256_set1_epi32(127)), 23));
}
/* In two factors, since 2^k alone may be out of range: the first product is
 * normal for the x near 1 that callers have, so only the second one rounds. */
INLINE vf v_scale2(vf x, vf k)
{
    __m256i whole = _mm256_cvtps_epi32(k);
    __m256i half = _mm256_srai_epi32(whole, 1);

    return _mm256_mul_ps(_mm256_mul_ps(x, exp2_int(half)),
                         exp2_int(_mm256_sub_epi32(whole, half)));
}
INLINE vf v_by_sign(vf s, vf neg, vf pos)
{
    return _mm256_blendv_ps(pos, neg, s);
}
INLINE vf v_first_n(vf x, int64_t n)
{
    return n == VW ? x : _mm256_and_ps(x, _mm256_castsi256_ps(first_n(n)));
}

/* ---- across lanes: in one fixed order ------------------------------------ */

INLINE float v_sum(vf x)
{
    __m128 s =
        _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));

    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    s = _mm_add_ss(s, _mm_movehdup_ps(s));
    return _mm_cvtss_f32(s);
}
INLINE float v_hmax(vf x)
{
    __m128 s =
        _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));

    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    s = _mm_max_ss(s, _mm_movehdup_ps(s));
    return _mm_cvtss_f32(s);
}

/* ---- doubles, for sums that must not drift ------------------------------- */

INLINE vd d_zero(void)
{
    return _mm256_setzero_pd();
}
INLINE vd d_low(vf x)
{
    return _mm256_cvtps_pd(_mm256_castps256_ps128(x));
}
INLINE vd d_high(vf x)
{
    return _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1));
}
INLINE vd d_fma(vd a, vd b, vd c)
{
    return _mm256_fmadd_pd(a, b, c);
}
INLINE void d_add(double *p, vd x)
{
    _mm256_storeu_pd(p, _mm256_add_pd(_mm256_loadu_pd(p), x));
}
INLINE double d_sum(vd x)
{
    __m128d b =
        _mm_add_pd(_mm256_castpd256_pd128(x), _mm256_extractf128_pd(x, 1));

    return _mm_cvtsd_f64(b) + _mm_cvtsd_f64(_mm_unpackhi_pd(b, b));
}

/* ---- words, for random numbers ------------------------------------------- */

INLINE vq q_set1(uint64_t x)
{
    return _mm256_set1_epi64x((long long)x);
}
INLINE vq q_load(const uint64_t *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}
INLINE vq q_add(vq x, vq y)
{
    return _mm256_add_epi64(x, y);
}
INLINE vq q_mul32(vq x, vq y)
{
    return _mm256_mul_epu32(x, y);
}
INLINE vq q_high(vq x)
{
    return _mm256_srli_epi64(x, 32);
}
INLINE vq q_xor3(vq x, vq y, vq z)
{
    return _mm256_xor_si256(_mm256_xor_si256(x, y), z);
}
INLINE vq q_pair(vq x, vq y)
{
    return _mm256_blend_epi32(x, _mm256_slli_epi64(y, 32), 0xaa);
}
INLINE vu q_even(vq x, vq y)
{
    return _mm256_unpacklo_epi64(x, y);
}
INLINE vu q_odd(vq x, vq y)
{
    return _mm256_unpackhi_epi64(x, y);
}
INLINE vf v_keep_from(vf x, vu word, uint32_t least)
{
    __m256i keep = _mm256_cmpeq_epi32(
        _mm256_max_epu32(word, _mm256_set1_epi32((int)least)), word);

    return _mm256_and_ps(x, _mm256_castsi256_ps(keep));
}

#endif
