/*
 * data/lm_batch.h - a step of pre-training: passages, what is hidden of them,
 * and which tokens count.
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

/* How passages become examples. */
struct sl_lm_rule {
    struct sl_pack_rule pack;
    const uint8_t *kind; /* [vocab] from sl_token_kinds() */
    int64_t vocab;
    int32_t mask_id;
    enum sl_mask_form form;
    bool two;            /* two copies (rlm), or the first alone (mlm) */
    double p_enc, p_dec; /* shares hidden; p_dec only if two */
    uint64_t seed;
};

/* kind [vocab] <- the SL_TOKEN_ bits of each id. */
void sl_token_kinds(uint8_t *kind, const struct sl_tokenizer *t);

struct sl_lm_batch {
    struct sl_pack clean;
    struct sl_lm_copy {
        int32_t *ids;  /* [N] what the generator (rlm) or the model (mlm) sees */
        uint8_t *mask; /* [N] hidden */
    } enc, dec;
    uint8_t *counted; /* [N] counts in the loss: not special; mlm: hidden, too */
    int64_t n_counted;
    /* private */
    uint8_t *kind;
    int64_t *work;
};

simlm_status sl_lm_batch_init(struct sl_lm_batch *b, int64_t max_n,
                              int64_t max_length, bool two, simlm_error *err);
void sl_lm_batch_free(struct sl_lm_batch *b); /* accepts a zeroed struct */

/* b <- n <= max_n passages of the cache. */
void sl_lm_batch_fill(struct sl_lm_batch *b, const struct sl_token_cache *c,
                      const int64_t *rows, int64_t n, int64_t epoch,
                      const struct sl_lm_rule *rule);

/* rows [end - begin] <- where flag is set in [begin, end), less begin; how
 * many. */
int64_t sl_lm_rows(int32_t *rows, const uint8_t *flag, int64_t begin,
                   int64_t end);

#endif
