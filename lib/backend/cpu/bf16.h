/*
 * backend/cpu/bf16.h - brain floats: the upper half of a float.
 *
 * Rounding is to nearest, ties to even, and keeps a NaN a NaN.
 */
#ifndef SL_BACKEND_CPU_BF16_H
#define SL_BACKEND_CPU_BF16_H

#include <stdint.h>
#include <string.h>

typedef uint16_t sl_bf16;

static inline float sl_bf16_widen(sl_bf16 h)
{
    uint32_t bits = (uint32_t)h << 16;
    float x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline sl_bf16 sl_bf16_round(float x)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof bits);
    if (x != x) /* rounding could carry a NaN over into zero */
        return (sl_bf16)(bits >> 16 | 0x40);
    return (sl_bf16)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

#endif
