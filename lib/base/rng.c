#include "base/rng.h"

#include <math.h>

#include "base/status.h"

uint64_t sl_stream(uint64_t seed, enum sl_purpose purpose, uint64_t index)
{
    struct sl_philox p =
        sl_philox4(seed, (uint32_t)index, (uint32_t)(index >> 32),
                   (uint32_t)purpose, 0x73696d6cu);

    return (uint64_t)p.v[1] << 32 | p.v[0];
}

void sl_rng_init(struct sl_rng *r, uint64_t stream)
{
    *r = (struct sl_rng){.stream = stream};
}

uint32_t sl_rng_u32(struct sl_rng *r)
{
    uint64_t at = r->next++;

    if (at % 4 == 0)
        r->block = sl_philox4(r->stream, (uint32_t)(at / 4),
                              (uint32_t)(at / 4 >> 32), 0, 0);
    return r->block.v[at % 4];
}

static uint64_t next_u64(struct sl_rng *r)
{
    uint64_t lo = sl_rng_u32(r);

    return (uint64_t)sl_rng_u32(r) << 32 | lo;
}

uint64_t sl_rng_below(struct sl_rng *r, uint64_t n)
{
    uint64_t limit, x;

    SL_ASSERT(n >= 1);
    limit = UINT64_MAX - UINT64_MAX % n; /* a multiple of n */
    do
        x = next_u64(r);
    while (x >= limit);
    return x % n;
}

double sl_rng_unit(struct sl_rng *r)
{
    return (double)(next_u64(r) >> 11) * 0x1p-53;
}

double sl_rng_normal(struct sl_rng *r)
{
    double u = 1 - sl_rng_unit(r), v = sl_rng_unit(r);

    return sqrt(-2 * log(u)) * cos(6.283185307179586477 * v);
}

void sl_rng_shuffle_i64(struct sl_rng *r, int64_t *x, int64_t n)
{
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t j = (int64_t)sl_rng_below(r, (uint64_t)i + 1), keep = x[i];

        x[i] = x[j];
        x[j] = keep;
    }
}

void sl_rng_shuffle_i32(struct sl_rng *r, int32_t *x, int64_t n)
{
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t j = (int64_t)sl_rng_below(r, (uint64_t)i + 1);
        int32_t keep = x[i];

        x[i] = x[j];
        x[j] = keep;
    }
}
