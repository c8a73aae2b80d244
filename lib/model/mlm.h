/*
 * model/mlm.h - masked language modelling: BERT's own objective.
 *
 *     loss = sum over chosen rows of CE(head(encoder(x))[row], label)
 *
 * Used to train base models and ELECTRA-form generators from nothing.
 */
#ifndef SL_MODEL_MLM_H
#define SL_MODEL_MLM_H

#include "model/bert.h"

/* What a training session may hold at once, and how. */
struct sl_session_options {
    int64_t max_tokens, max_seqs; /* of one micro-batch */
    bool checkpoint; /* keep one layer's activations, recompute in backward */
};

/* Randomness of one step.  dropout false: none (evaluation, parity tests). */
struct sl_noise {
    bool dropout;
    uint64_t stream; /* sl_stream(seed, SL_PURPOSE_DROPOUT, step) */
};

struct sl_mlm_batch {
    struct sl_tokens in;   /* ids with [MASK]s and replacements in place */
    int64_t n_rows;        /* counted rows; may be 0 */
    const int32_t *rows;   /* [n_rows] indices into the tokens, increasing */
    const int32_t *labels; /* [n_rows] original ids */
    const struct sl_watch *watch; /* of a training step's last micro-batch */
};

struct sl_mlm;

simlm_status sl_mlm_new(struct sl_mlm **out, struct sl_bert *m,
                        const struct sl_session_options *o, simlm_error *err);
void sl_mlm_free(struct sl_mlm *s);
size_t sl_mlm_bytes(const struct sl_mlm *s);

/*
 * One micro-batch.  *loss_sum <- sum of the rows' cross-entropies.  If train,
 * the gradient of scale * that sum is added to the model's g; with
 * scale = 1 / (rows of the whole step), micro-batches add up to the mean over
 * the step and cutting a step differently changes nothing but rounding.
 * E_NUMERIC if the loss is not finite.
 */
simlm_status sl_mlm_step(struct sl_mlm *s, double *loss_sum,
                         const struct sl_mlm_batch *b, double scale, bool train,
                         struct sl_noise noise, simlm_error *err);

/* logits [n_rows, V], host memory, no dropout: for tests and tools. */
simlm_status sl_mlm_logits(struct sl_mlm *s, float *logits,
                           const struct sl_mlm_batch *b, simlm_error *err);

#endif
