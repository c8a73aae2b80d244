/*
 * base/pyrandom.h - Python's `random.Random(seed)`: Mersenne Twister and its
 * shuffle, exactly (spec section 11).
 *
 * Used for two things only: the evaluation split, which must be the
 * reference's, and the golden tests.  Everything else is Philox (rng.h).
 */
#ifndef SL_BASE_PYRANDOM_H
#define SL_BASE_PYRANDOM_H

#include <stdint.h>

struct sl_pyrandom {
    uint32_t mt[624];
    int at;
};

void sl_pyrandom_seed(struct sl_pyrandom *r, uint64_t seed);
uint32_t sl_pyrandom_u32(struct sl_pyrandom *r);

/* random.shuffle(x) */
void sl_pyrandom_shuffle(struct sl_pyrandom *r, int64_t *x, int64_t n);

#endif
