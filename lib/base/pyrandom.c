/*
 * MT19937 (Matsumoto and Nishimura, 1998) with init_by_array over the seed's
 * 32-bit words, least significant first, as CPython's random.seed(int) does.
 */
#include "base/pyrandom.h"

#include "base/status.h"

enum { N = 624, M = 397 };

static void init_genrand(struct sl_pyrandom *r, uint32_t s)
{
    r->mt[0] = s;
    for (uint32_t i = 1; i < N; i++)
        r->mt[i] = 1812433253u * (r->mt[i - 1] ^ (r->mt[i - 1] >> 30)) + i;
    r->at = N;
}

void sl_pyrandom_seed(struct sl_pyrandom *r, uint64_t seed)
{
    uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    uint32_t len = key[1] ? 2 : 1, i = 1, j = 0, *mt = r->mt;

    init_genrand(r, 19650218u);
    for (int k = N; k; k--) {
        mt[i] =
            (mt[i] ^ ((mt[i - 1] ^ (mt[i - 1] >> 30)) * 1664525u)) + key[j] + j;
        if (++i == N) {
            mt[0] = mt[N - 1];
            i = 1;
        }
        if (++j == len)
            j = 0;
    }
    for (int k = N - 1; k; k--) {
        mt[i] = (mt[i] ^ ((mt[i - 1] ^ (mt[i - 1] >> 30)) * 1566083941u)) - i;
        if (++i == N) {
            mt[0] = mt[N - 1];
            i = 1;
        }
    }
    mt[0] = 0x80000000u;
}

static void refill(struct sl_pyrandom *r)
{
    uint32_t *mt = r->mt;

    for (int k = 0; k < N; k++) {
        uint32_t y = (mt[k] & 0x80000000u) | (mt[(k + 1) % N] & 0x7fffffffu);

        mt[k] = mt[(k + M) % N] ^ (y >> 1) ^ (y & 1 ? 0x9908b0dfu : 0);
    }
    r->at = 0;
}

uint32_t sl_pyrandom_u32(struct sl_pyrandom *r)
{
    uint32_t y;

    if (r->at >= N)
        refill(r);
    y = r->mt[r->at++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
}

/* randbelow(n): getrandbits(bit_length(n)) until it is below n. */
static int64_t below(struct sl_pyrandom *r, int64_t n)
{
    int bits = 64 - __builtin_clzll((unsigned long long)n);
    uint64_t x;

    do {
        if (bits <= 32) {
            x = sl_pyrandom_u32(r) >> (32 - bits);
        } else {
            x = sl_pyrandom_u32(r);
            x |= (uint64_t)(sl_pyrandom_u32(r) >> (64 - bits)) << 32;
        }
    } while (x >= (uint64_t)n);
    return (int64_t)x;
}

void sl_pyrandom_shuffle(struct sl_pyrandom *r, int64_t *x, int64_t n)
{
    SL_ASSERT(n >= 0);
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t j = below(r, i + 1), keep = x[i];

        x[i] = x[j];
        x[j] = keep;
    }
}
