/*
 * bench/flops.h - how much arithmetic a model is, counted from its shape.
 *
 * Matrix products and attention alone, a multiply-add as two; what lies
 * between (layer norms, GELU, softmax) is left out, as everybody does.
 *
 *     a token through a layer    8 D^2 + 4 D F  and  4 D len for attention
 *     a row through the head     2 D E + 2 E V
 *     a step of training         three times its forward pass
 *
 * What the model asks for is counted, not what an implementation does: work
 * saved counts as speed.
 */
#ifndef SL_BENCH_FLOPS_H
#define SL_BENCH_FLOPS_H

#include "model/config.h"
#include "nn/tokens.h"

/* `layers` layers of c's width forward over the batch. */
double sl_flops_layers(const struct sl_config *c, int64_t layers,
                       const struct sl_tokens *t);

/* The LM head over `rows` rows, forward. */
double sl_flops_head(const struct sl_config *c, int64_t rows);

#endif
