/*
 * data/masks.h - which tokens of a text are hidden (spec 1.2.3).
 *
 * Whole words are masked: a word piece that continues a word (## in BERT's
 * vocabulary) shares the fate of the piece before it.  The words are shuffled
 * and taken as long as they fit a budget of round(n * p) tokens, n counting
 * [CLS] and [SEP].  For pre-training with a bottleneck two masks are drawn,
 * the decoder's containing the encoder's:
 *
 *     enc = words(p_enc)
 *     dec = enc OR words((p_dec - p_enc) / (1 - p_enc))
 *
 * Special tokens cannot be masked.  [CLS] and [SEP] are never drawn; the others
 * ([UNK] in practice) are drawn, use up budget and are then left alone.
 *
 * A mask is a pure function of the shuffled orders, so the golden tests may give
 * Python's shuffle where a run gives Philox.
 */
#ifndef SL_DATA_MASKS_H
#define SL_DATA_MASKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"
#include "base/status.h"

/* What masks and labels need to know of a token. */
enum {
    SL_TOKEN_EDGE = 1,      /* [CLS], [SEP]: not even a candidate */
    SL_TOKEN_CONTINUES = 2, /* continues the word of the token before it */
    SL_TOKEN_SPECIAL = 4,   /* any special token: never masked, never a label */
};

/* Puts x [n] in random order. */
typedef void sl_shuffle_fn(void *rng, int64_t *x, int64_t n);

/* min(512, max(1, round(n p))), a half rounded to even. */
int64_t sl_mask_budget(int64_t n, double p);

/*
 * mask [n] <- 1 where hidden, 0 elsewhere; whole words, within the budget.
 * kind [n]: the SL_TOKEN_ bits of each token.  work: [3 n + 1].
 */
void sl_mask_words(uint8_t *mask, const uint8_t *kind, int64_t n, double p,
                   sl_shuffle_fn *shuffle, void *rng, int64_t *work);

/*
 * The encoder's mask and the decoder's, both [n], the second containing the
 * first (equal to it if p_dec <= p_enc).  Special tokens are not yet removed.
 * 0 <= p_enc < 1.
 */
void sl_mask_nested(uint8_t *enc, uint8_t *dec, const uint8_t *kind, int64_t n,
                    double p_enc, double p_dec, sl_shuffle_fn *shuffle,
                    void *rng, int64_t *work);

/* What stands in a masked position (spec: all_use_mask_token). */
enum sl_mask_form {
    SL_MASK_ALL = 0,      /* [MASK], always; the published script's choice */
    SL_MASK_80_10_10 = 1, /* 80% [MASK], 10% any token, 10% the token itself */
};

/*
 * out [n] <- ids with the masked positions hidden; special tokens are taken out
 * of mask first.  Returns the number of masked positions left.  rng draws the
 * 80-10-10 (one unit and perhaps one id a masked token); unused by SL_MASK_ALL.
 */
int64_t sl_mask_apply(int32_t *out, uint8_t *mask, const int32_t *ids,
                      const uint8_t *kind, int64_t n, enum sl_mask_form form,
                      int32_t mask_id, int64_t vocab, struct sl_rng *rng);

/* The shuffle of a production run. */
void sl_mask_shuffle(void *rng /* struct sl_rng */, int64_t *x, int64_t n);

/* The stream of numbers for one text in one epoch. */
uint64_t sl_mask_stream(uint64_t seed, int64_t epoch, int64_t row);

/* ... and for where its spans lie. */
uint64_t sl_span_stream(uint64_t seed, int64_t epoch, int64_t row);

#endif
