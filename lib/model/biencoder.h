/*
 * model/biencoder.h - the bi-encoder and its contrastive loss (spec 1.3, 2.2).
 *
 * Queries and passages go through one shared encoder, so a step is one list of
 * sequences: B queries, then B * m passages (query-major, the positive first).
 * The loss couples all of them; what memory does not hold at once is computed
 * in chunks (model/chunks.h).
 *
 * With [CLS] pooling the last layer is computed for first tokens alone
 * (nn/layer.h).
 */
#ifndef SL_MODEL_BIENCODER_H
#define SL_MODEL_BIENCODER_H

#include "model/mlm.h"

struct sl_biencoder_options {
    struct sl_session_options session; /* max_tokens, max_seqs: of a chunk */
    int64_t max_queries, max_passages; /* of a step: B, B * m */
    enum sl_pooling pooling;
    bool normalize;
};

struct sl_biencoder_batch {
    int64_t B, m;        /* queries; passages for each, the positive first */
    struct sl_tokens in; /* B + B * m sequences */
    const uint8_t *mask; /* [B, B * m] or NULL: 1 leaves a column of QK out */
};

struct sl_biencoder_loss {
    double scale; /* of all logits: 1 / temperature; 1 without normalisation */
    bool full;    /* all four blocks, or QK alone */
};

struct sl_biencoder;

simlm_status sl_biencoder_new(struct sl_biencoder **out, struct sl_bert *m,
                              const struct sl_biencoder_options *o,
                              simlm_error *err);
void sl_biencoder_free(struct sl_biencoder *s);
size_t sl_biencoder_bytes(const struct sl_biencoder *s);

/*
 * A whole step.  *loss_sum <- sum over the B rows of CE; rank [B], host memory
 * <- place (from 1) of the positive among QK's columns; if train, gradients of
 * weight * loss_sum are added to the model's g (weight = 1 / B for the mean).
 */
simlm_status sl_biencoder_step(struct sl_biencoder *s, double *loss_sum,
                               int32_t *rank,
                               const struct sl_biencoder_batch *b,
                               struct sl_biencoder_loss loss, double weight,
                               bool train, struct sl_noise noise,
                               simlm_error *err);

#endif
