/*
 * nn/stack.h - layers one after the other, and what is kept between them.
 *
 *   SL_KEEP_NOTHING  inference: all layers work in one thin layer's memory
 *   SL_KEEP_OUTPUTS  gradient checkpointing: each layer's output, and one
 *                    layer's activations, computed again on the way back (the
 *                    same ops on the same input, so the same bits)
 *   SL_KEEP_ALL      every layer's activations
 *
 * Of the last layer all rows are wanted, or those of the pass's chosen tokens
 * alone (layer.h).
 */
#ifndef SL_NN_STACK_H
#define SL_NN_STACK_H

#include "nn/layer.h"

enum sl_keep { SL_KEEP_NOTHING, SL_KEEP_OUTPUTS, SL_KEEP_ALL };

struct sl_stack {
    enum sl_keep keep;
    int64_t L, N;               /* whole layers, tokens at most */
    bool chosen;                /* one more behind them, of chosen rows alone */
    struct sl_chosen_acts last; /* that one */
    struct sl_layer_acts shared; /* unless KEEP_ALL */
    unsigned char *layers;       /* KEEP_ALL: L blocks of layer_bytes */
    size_t layer_bytes;
    unsigned char *outs; /* L (or 1) outputs of out_bytes */
    size_t out_bytes;
};

/* Room for N tokens of L layers; R 0: all rows of the last are wanted, else up
 * to R chosen ones (L >= 1). */
void sl_stack_carve(struct sl_arena *a, struct sl_stack *s,
                    const struct sl_backend *be, const struct sl_shape *shape,
                    int64_t L, int64_t N, int64_t R, enum sl_keep keep);

/* The last layer's output, [N, D] or [R, D]; x itself if there are no layers. */
const sl_act *sl_stack_forward(const struct sl_pass *p, struct sl_stack *s,
                               const struct sl_layer_weights *w,
                               const sl_act *x);

/* d [N, D] holds the gradient of the output (in N or R rows), and then that of
 * x (the same x as in the forward pass, still in place). */
void sl_stack_backward(const struct sl_pass *p, struct sl_stack *s,
                       const struct sl_layer_weights *w,
                       const struct sl_layer_weights *grad,
                       const struct sl_layer_scratch *t, sl_act *d,
                       const sl_act *x);

#endif
