#include "format/tensor.h"

#include <math.h>
#include <string.h>

#include "base/status.h"

/* In the order of enum sl_dtype. */
static const struct {
    const char *name;
    int64_t bytes;
} types[] = {{"F32", 4},  {"F16", 2},     {"BF16", 2},    {"F64", 8},
             {"I64", 8},  {"I32", 4},     {"I16", 2},     {"I8", 1},
             {"U64", 8},  {"U32", 4},     {"U16", 2},     {"U8", 1},
             {"BOOL", 1}, {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"other", 0}};

const char *sl_dtype_name(enum sl_dtype d)
{
    return types[d].name;
}

enum sl_dtype sl_dtype_named(const char *name)
{
    int d = 0;

    while (d < SL_DTYPE_OTHER && strcmp(types[d].name, name))
        d++;
    return (enum sl_dtype)d;
}

int64_t sl_dtype_bytes(enum sl_dtype d)
{
    return types[d].bytes;
}

bool sl_dtype_readable(enum sl_dtype d)
{
    return d <= SL_DTYPE_F64;
}

bool sl_tensor_set_shape(struct sl_tensor *t, const int64_t *shape, int64_t n)
{
    int64_t count = 1;

    if (n > SL_TENSOR_MAX_DIMS)
        return false;
    for (int64_t i = 0; i < n; i++) {
        if (shape[i] < 0 || (shape[i] && count > INT64_MAX / 8 / shape[i]))
            return false;
        t->shape[i] = shape[i];
        count *= shape[i];
    }
    t->n_dims = (int32_t)n;
    t->count = count;
    t->bytes = count * sl_dtype_bytes(t->dtype);
    return true;
}

/* ---- reading ------------------------------------------------------------- */

static float from_bits(uint32_t bits)
{
    float x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

/* IEEE binary16. */
static float from_half(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16;
    uint32_t exponent = (h >> 10) & 31, fraction = h & 1023;

    if (exponent == 31)
        return from_bits(sign | 0x7f800000u | fraction << 13);
    if (exponent)
        return from_bits(sign | (exponent + 112) << 23 | fraction << 13);
    /* Zero or subnormal: fraction * 2^-24, exact in a float. */
    return (sign ? -1.0f : 1.0f) * (float)fraction * 0x1p-24f;
}

/* dst [n] <- n elements that lie side by side from p. */
static void convert(float *dst, enum sl_dtype dtype, const unsigned char *p,
                    int64_t n)
{
    if (dtype == SL_DTYPE_F32) {
        memcpy(dst, p, 4 * (size_t)n);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        uint16_t h;
        double d;

        if (dtype == SL_DTYPE_F64) {
            memcpy(&d, p + 8 * i, sizeof d);
            dst[i] = (float)d;
            continue;
        }
        memcpy(&h, p + 2 * i, sizeof h);
        dst[i] =
            dtype == SL_DTYPE_F16 ? from_half(h) : from_bits((uint32_t)h << 16);
    }
}

/* `place` is where element `first` lies, `at` its index in each dimension;
 * then both count on like an odometer. */
static void read_strided(float *dst, const struct sl_tensor *t, int64_t first,
                         int64_t n)
{
    int64_t at[SL_TENSOR_MAX_DIMS] = {0}, place = 0;

    for (int32_t d = t->n_dims - 1; d >= 0; d--) {
        at[d] = first % t->shape[d];
        first /= t->shape[d];
        place += at[d] * t->stride[d];
    }
    for (int64_t i = 0; i < n; i++) {
        convert(dst + i, t->dtype, t->data + place * sl_dtype_bytes(t->dtype),
                1);
        for (int32_t d = t->n_dims - 1; d >= 0; d--) {
            place += t->stride[d];
            if (++at[d] < t->shape[d])
                break;
            place -= t->stride[d] * t->shape[d];
            at[d] = 0;
        }
    }
}

bool sl_tensor_read(float *dst, const struct sl_tensor *t, int64_t first,
                    int64_t n)
{
    if (!sl_dtype_readable(t->dtype))
        return false;
    if (t->strided && n)
        read_strided(dst, t, first, n);
    else if (n)
        convert(dst, t->dtype, t->data + first * sl_dtype_bytes(t->dtype), n);
    return true;
}

/* ---- packing ------------------------------------------------------------- */

static uint32_t bits_of(float x)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static uint16_t to_half(float x)
{
    uint32_t sign = bits_of(x) >> 16 & 0x8000, a = bits_of(x) & 0x7fffffff;

    if (isnan(x))
        return (uint16_t)(sign | 0x7e00);
    if (a >= 0x47800000) /* 2^16 */
        return (uint16_t)(sign | 0x7c00);
    if (a < 0x38800000) /* 2^-14: a multiple of 2^-24 */
        return (uint16_t)(sign | (uint32_t)lrintf(fabsf(x) * 0x1p24f));
    a += 0xfff + (a >> 13 & 1); /* may carry into the exponent, as it should */
    return (uint16_t)(sign | (a - 0x38000000) >> 13);
}

static uint16_t to_bfloat(float x)
{
    uint32_t bits = bits_of(x);

    if (isnan(x))
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

void sl_tensor_pack(void *dst, enum sl_dtype dtype, const float *src, int64_t n)
{
    unsigned char *p = dst;

    SL_ASSERT(sl_dtype_readable(dtype));
    if (dtype == SL_DTYPE_F32) {
        memcpy(p, src, 4 * (size_t)n);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        double d = (double)src[i];
        uint16_t h =
            dtype == SL_DTYPE_F16 ? to_half(src[i]) : to_bfloat(src[i]);

        if (dtype == SL_DTYPE_F64)
            memcpy(p + 8 * i, &d, sizeof d);
        else
            memcpy(p + 2 * i, &h, sizeof h);
    }
}
