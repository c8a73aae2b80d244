/*
 * data/lm_batch.h - a step of pre-training: passages (or spans of them), what is
 * hidden of them, and which tokens may count.
 *
 * Masks are functions of (seed, epoch, row), so a passage gets the same ones
 * wherever it stands.  An evaluation draws them with epoch SL_EVAL_EPOCH: each
 * evaluation of a run then sees the same masks.  (The reference draws anew.)
 *
 * The whole step is prepared before any of it is computed, because its loss is
 * a mean over all its counted tokens; it is computed in parts.
 */
#ifndef SL_DATA_LM_BATCH_H
#define SL_DATA_LM_BATCH_H

#include "data/masks.h"
#include "data/pack.h"

#define SL_EVAL_EPOCH ((int64_t)1 << 40)

/* How many copies of a text there are, and what is hidden of them. */
enum sl_lm_copies {
    SL_COPIES_ONE,    /* the encoder's: a share of p_enc */
    SL_COPIES_NESTED, /* the same; the decoder's: those and more, p_dec in all */
    SL_COPIES_BLANK,  /* the encoder's: nothing; the decoder's: everything */
};

/* How passages become examples. */
struct sl_lm_rule {
    struct sl_pack_rule pack;
    const uint8_t *kind; /* [vocab] from sl_token_kinds() */
    int64_t vocab;
    int32_t mask_id;
    enum sl_mask_form form;
    enum sl_lm_copies copies;
    double p_enc, p_dec; /* shares hidden */
    bool spans;          /* a passage gives two texts: spans of its contents */
    uint64_t seed;
};

/* kind [vocab] <- the SL_TOKEN_ bits of each id. */
void sl_token_kinds(uint8_t *kind, const struct sl_tokenizer *t);

struct sl_lm_batch {
    struct sl_pack clean;
    struct sl_lm_copy {
        int32_t *ids;  /* [N] what the generator, or the model, sees */
        uint8_t *mask; /* [N] hidden */
    } enc, dec;
    uint8_t *plain; /* [N] not a special token */
    /* private */
    uint8_t *kind;
    int64_t *work;
};

/* For max_n texts: twice as many as passages if they give spans. */
simlm_status sl_lm_batch_init(struct sl_lm_batch *b, int64_t max_n,
                              int64_t max_length, enum sl_lm_copies copies,
                              simlm_error *err);
void sl_lm_batch_free(struct sl_lm_batch *b); /* accepts a zeroed struct */

/* b <- n passages of the cache; of spans, texts 2 i and 2 i + 1 are passage i's. */
void sl_lm_batch_fill(struct sl_lm_batch *b, const struct sl_token_cache *c,
                      const int64_t *rows, int64_t n, int64_t epoch,
                      const struct sl_lm_rule *rule);

/*
 * Two spans of n tokens each in a text of `length`, first[0] + n <= first[1]: as
 * long as half the text and `room` allow, where they are drawn from rng.  (A
 * text of one token or none is both spans.)
 */
void sl_lm_spans(int64_t first[2], int64_t *n, int64_t length, int64_t room,
                 struct sl_rng *rng);

/* rows [end - begin] <- where flag is set in [begin, end), less begin; how
 * many. */
int64_t sl_lm_rows(int32_t *rows, const uint8_t *flag, int64_t begin,
                   int64_t end);

#endif
