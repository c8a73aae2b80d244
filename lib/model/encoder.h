/*
 * model/encoder.h - texts (already tokens) to vectors, nothing kept.
 *
 * All memory is taken when the encoder is made: two layers' worth of
 * activations for max_tokens tokens, whatever the model's depth.  With [CLS]
 * pooling the last layer is computed for first tokens alone (nn/layer.h).
 */
#ifndef SL_MODEL_ENCODER_H
#define SL_MODEL_ENCODER_H

#include "model/bert.h"

struct sl_encoder;

simlm_status sl_encoder_new(struct sl_encoder **out, struct sl_bert *m,
                            int64_t max_tokens, int64_t max_seqs,
                            enum sl_pooling pooling, bool normalize,
                            simlm_error *err);
void sl_encoder_free(struct sl_encoder *e); /* accepts NULL */
size_t sl_encoder_bytes(const struct sl_encoder *e);

/* What the texts are from now on: queries at first.  It matters where passages
 * have an encoder of their own. */
void sl_encoder_turn(struct sl_encoder *e, enum sl_side side);

/*
 * vec [t->n, width], host memory <- the pooled (and normalised) vectors.  A text's
 * vector does not depend on what else is in the batch, bit for bit.
 * E_NUMERIC if a vector is not finite.
 */
simlm_status sl_encoder_encode(struct sl_encoder *e, float *vec,
                               const struct sl_tokens *t, simlm_error *err);

/*
 * hidden [t->N, D], host memory <- the last layer's output (for tests, tools),
 * of an encoder that pools means: for [CLS] the other rows are not computed.
 */
simlm_status sl_encoder_hidden(struct sl_encoder *e, float *hidden,
                               const struct sl_tokens *t, simlm_error *err);

#endif
