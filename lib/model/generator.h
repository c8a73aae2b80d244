/*
 * model/generator.h - the generator: sample what stands at the masks, and, if it
 * is trained jointly, learn what stood there.
 *
 * ELECTRA-base-generator's form (embedding width E, hidden D) or any BERT with
 * an LM head.  Rows are drawn from softmax(logits) at temperature 1 over the
 * whole vocabulary (spec 1.2.1); only chosen rows go through the head.
 */
#ifndef SL_MODEL_GENERATOR_H
#define SL_MODEL_GENERATOR_H

#include "model/mlm.h"

struct sl_generator;

/* learns: for sl_generator_learn(), too. */
simlm_status sl_generator_new(struct sl_generator **out, struct sl_bert *m,
                              int64_t max_tokens, int64_t max_seqs, bool learns,
                              simlm_error *err);
void sl_generator_free(struct sl_generator *g);
size_t sl_generator_bytes(const struct sl_generator *g);

/*
 * sampled [n_rows], host memory <- a draw for each row of t.  Draws are a pure
 * function of (sample_stream, pass, sequence key, position); `pass` (0, 1, ...)
 * keeps the draws and dropout of two passes of one step apart.
 */
simlm_status sl_generator_sample(struct sl_generator *g, int32_t *sampled,
                                 const struct sl_tokens *t, const int32_t *rows,
                                 int64_t n_rows, uint64_t sample_stream,
                                 uint32_t pass, struct sl_noise noise,
                                 simlm_error *err);

/*
 * The same draws, and from the same forward pass the masked LM's loss: *loss_sum
 * <- sum of the rows' cross-entropies with labels [n_rows]; if train, the
 * gradient of scale * that sum is added to the model's g.
 */
simlm_status sl_generator_learn(struct sl_generator *g, int32_t *sampled,
                                double *loss_sum, const struct sl_tokens *t,
                                const int32_t *rows, const int32_t *labels,
                                int64_t n_rows, double scale, bool train,
                                uint64_t sample_stream, uint32_t pass,
                                struct sl_noise noise, simlm_error *err);

#endif
