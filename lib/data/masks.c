#include "data/masks.h"

#include <math.h>
#include <string.h>

enum { MAX_MASKED = 512 }; /* the reference's max_predictions */

int64_t sl_mask_budget(int64_t n, double p)
{
    double want = nearbyint((double)n * p); /* the default mode: half to even */

    if (want < 1)
        return 1;
    return want > MAX_MASKED ? MAX_MASKED : (int64_t)want;
}

/*
 * first [n_words + 1] <- where each word begins among the candidates, which
 * are the tokens but the edges, in order.  An edge in mid-text does not end a
 * word: a continuation behind it still joins the last one, as in the reference.
 */
static int64_t find_words(int64_t *first, int64_t *at, const uint8_t *kind,
                          int64_t n)
{
    int64_t n_words = 0, n_at = 0;

    for (int64_t i = 0; i < n; i++) {
        if (kind[i] & SL_TOKEN_EDGE)
            continue;
        if (!n_words || !(kind[i] & SL_TOKEN_CONTINUES))
            first[n_words++] = n_at;
        at[n_at++] = i;
    }
    first[n_words] = n_at;
    return n_words;
}

void sl_mask_words(uint8_t *mask, const uint8_t *kind, int64_t n, double p,
                   sl_shuffle_fn *shuffle, void *rng, int64_t *work)
{
    int64_t *order = work, *at = work + n, *first = work + 2 * n;
    int64_t n_words = find_words(first, at, kind, n);
    int64_t budget = sl_mask_budget(n, p), masked = 0;

    for (int64_t w = 0; w < n_words; w++)
        order[w] = w;
    shuffle(rng, order, n_words);
    memset(mask, 0, (size_t)n);
    for (int64_t w = 0; w < n_words && masked < budget; w++) {
        int64_t begin = first[order[w]], end = first[order[w] + 1];

        if (masked + end - begin > budget)
            continue; /* a shorter word may still fit */
        masked += end - begin;
        for (int64_t i = begin; i < end; i++)
            mask[at[i]] = 1;
    }
}

void sl_mask_nested(uint8_t *enc, uint8_t *dec, const uint8_t *kind, int64_t n,
                    double p_enc, double p_dec, sl_shuffle_fn *shuffle,
                    void *rng, int64_t *work)
{
    double x = p_dec > p_enc ? (p_dec - p_enc) / (1 - p_enc) : 0;

    SL_ASSERT(p_enc >= 0 && p_enc <= 1);
    sl_mask_words(enc, kind, n, p_enc, shuffle, rng, work);
    if (x > 1e-4)
        sl_mask_words(dec, kind, n, x, shuffle, rng, work);
    else
        memset(dec, 0, (size_t)n);
    for (int64_t i = 0; i < n; i++)
        dec[i] |= enc[i];
}

int64_t sl_mask_apply(int32_t *out, uint8_t *mask, const int32_t *ids,
                      const uint8_t *kind, int64_t n, enum sl_mask_form form,
                      int32_t mask_id, int64_t vocab, struct sl_rng *rng)
{
    int64_t masked = 0;

    for (int64_t i = 0; i < n; i++) {
        double u = 0;

        out[i] = ids[i];
        if (kind[i] & SL_TOKEN_SPECIAL)
            mask[i] = 0;
        if (!mask[i])
            continue;
        masked++;
        if (form == SL_MASK_80_10_10)
            u = sl_rng_unit(rng);
        if (u < 0.8)
            out[i] = mask_id;
        else if (u < 0.9)
            out[i] = (int32_t)sl_rng_below(rng, (uint64_t)vocab);
    }
    return masked;
}

void sl_mask_shuffle(void *rng, int64_t *x, int64_t n)
{
    sl_rng_shuffle_i64(rng, x, n);
}

static uint64_t stream_of(uint64_t seed, enum sl_purpose purpose, int64_t epoch,
                          int64_t row)
{
    uint64_t of_epoch = sl_stream(seed, purpose, (uint64_t)epoch);

    return sl_stream(of_epoch, purpose, (uint64_t)row);
}

uint64_t sl_mask_stream(uint64_t seed, int64_t epoch, int64_t row)
{
    return stream_of(seed, SL_PURPOSE_MASK, epoch, row);
}

uint64_t sl_span_stream(uint64_t seed, int64_t epoch, int64_t row)
{
    return stream_of(seed, SL_PURPOSE_SPAN, epoch, row);
}
