/*
 * train/optimiser.h - AdamW over a model's blocks, with the global norm clipped.
 *
 *     norm = |g| over all parameters;  c = (norm + 1e-6) / clip;  g /= max(1, c)
 *
 * (spec 6.1, DeepSpeed's rule).  Weight decay is 0 in all of SimLM's stages; if
 * it is not, biases and layer norms are spared, as Hugging Face's Trainer does,
 * unless decay_all asks for DeepSpeed's single group.
 */
#ifndef SL_TRAIN_OPTIMISER_H
#define SL_TRAIN_OPTIMISER_H

#include <simlm/train.h>

#include "model/bert.h"

/*
 * Update k = 1, 2, ... of the weights from the gradients, which are zeroed.
 * *norm <- the gradient's norm before clipping.
 *
 *   E_NUMERIC  a gradient is not finite; names the step and the first tensor.
 *              Weights and moments are as before.
 */
simlm_status sl_optimiser_step(struct sl_bert *m, double *norm, int64_t k,
                               double lr, const simlm_train_options *o,
                               simlm_error *err);

/* What the gradient is multiplied with for a norm (clip 0: no clipping). */
double sl_clip_factor(double norm, double clip);

#endif
