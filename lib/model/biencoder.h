/*
 * model/biencoder.h - the bi-encoder and its losses: contrastive (spec 1.3,
 * 2.2) and, with a teacher, distillation (2.3).
 *
 * Queries and passages go through one shared encoder, or each through their own
 * (towers.h).  A step is one list of sequences: B queries, then B * m passages
 * (query-major, the positive first).
 * The loss couples all of them; what memory does not hold at once is computed
 * in chunks (model/chunks.h).
 *
 * Of several ranks (comm/comm.h) each encodes its share of the list, in tokens;
 * the vectors are gathered, and every rank has the loss of the whole step, as
 * one process would.  Gradients flow back through a rank's own sequences, so
 * their sum over ranks is that of one process.
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
    int64_t B, m;         /* queries; passages for each, the positive first */
    struct sl_tokens in;  /* B + B * m sequences */
    const uint8_t *mask;  /* [B, B * m] or NULL: 1 leaves a column of QK out */
    const float *teacher; /* [B, m] or NULL: a teacher's scores of the groups */
    const struct sl_watch *watch; /* of a training step */
};

struct sl_biencoder_loss {
    double scale; /* of all logits: 1 / temperature; 1 without normalisation */
    bool full;    /* all four blocks, or QK alone */
    double contrastive, distill; /* factors of the two sums in the gradient:
                                  * 1 / B makes a sum a mean */
};

/* Sums over the B rows. */
struct sl_biencoder_result {
    double contrastive; /* of the cross-entropies */
    double distill;     /* of KL(teacher || student); 0 without a teacher */
};

struct sl_biencoder;

simlm_status sl_biencoder_new(struct sl_biencoder **out, struct sl_bert *m,
                              const struct sl_biencoder_options *o,
                              simlm_error *err);
void sl_biencoder_free(struct sl_biencoder *s);
size_t sl_biencoder_bytes(const struct sl_biencoder *s);

/*
 * A whole step.  rank [B], host memory <- place (from 1) of the positive among
 * QK's columns; if train, the gradient of
 *
 *     loss.contrastive * r->contrastive + loss.distill * r->distill
 *
 * is added to the model's g.
 */
simlm_status sl_biencoder_step(struct sl_biencoder *s,
                               struct sl_biencoder_result *r, int32_t *rank,
                               const struct sl_biencoder_batch *b,
                               struct sl_biencoder_loss loss, bool train,
                               struct sl_noise noise, simlm_error *err);

#endif
