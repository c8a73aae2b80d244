/*
 * base/rng.h - Philox4x32-10: random numbers as a pure function of a counter.
 *
 * (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.)
 * There is no state to save: the same (key, counter) gives the same four words
 * on any thread, in any order, after any resume.  All randomness of simlm but
 * the evaluation split (base/pyrandom.h) comes from here.
 *
 * A `stream` is a 64-bit key made of what the numbers are for:
 *     sl_stream(seed, purpose, index)
 */
#ifndef SL_BASE_RNG_H
#define SL_BASE_RNG_H

#include <stdint.h>

struct sl_philox {
    uint32_t v[4];
};

/* The ten rounds.  Inline, because kernels call it for every four elements. */
static inline struct sl_philox sl_philox4(uint64_t key, uint32_t c0,
                                          uint32_t c1, uint32_t c2, uint32_t c3)
{
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);

    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0;
        uint64_t p1 = (uint64_t)0xCD9E8D57u * c2;
        uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        uint32_t n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;

        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        c0 = n0;
        c2 = n2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return (struct sl_philox){{c0, c1, c2, c3}};
}

/* What a stream of numbers is for.  Values are part of a run's identity. */
enum sl_purpose {
    SL_PURPOSE_INIT = 1,    /* initial weights; index: tensor */
    SL_PURPOSE_SHUFFLE = 2, /* order of examples; index: epoch */
    SL_PURPOSE_MASK = 3,    /* whole-word masks; index: epoch */
    SL_PURPOSE_DROPOUT = 4, /* dropout; index: step */
    SL_PURPOSE_SAMPLE = 5,  /* generator samples; index: step */
    SL_PURPOSE_NEGATIVES = 6,
    SL_PURPOSE_TEST = 7,
    SL_PURPOSE_PERMUTE = 8,  /* significance tests */
    SL_PURPOSE_SPAN = 9,     /* spans of a passage; index: epoch */
    SL_PURPOSE_QUERIES = 10, /* a sample of queries */
};

uint64_t sl_stream(uint64_t seed, enum sl_purpose purpose, uint64_t index);

/* A sequential reader of one stream, for code that is not a kernel. */
struct sl_rng {
    uint64_t stream, next; /* next 32-bit word */
    struct sl_philox block;
};

void sl_rng_init(struct sl_rng *r, uint64_t stream);
uint32_t sl_rng_u32(struct sl_rng *r);
uint64_t sl_rng_below(struct sl_rng *r, uint64_t n); /* unbiased, n >= 1 */
double sl_rng_unit(struct sl_rng *r);                /* [0, 1), 53 bits */
double sl_rng_normal(struct sl_rng *r);              /* mean 0, variance 1 */

/* Fisher-Yates, from the last element down. */
void sl_rng_shuffle_i64(struct sl_rng *r, int64_t *x, int64_t n);
void sl_rng_shuffle_i32(struct sl_rng *r, int32_t *x, int64_t n);

#endif
