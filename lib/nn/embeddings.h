/*
 * nn/embeddings.h - from ids to the first layer's input.
 *
 *     y = dropout(LN(word[id] + pos[position] + type[t]))     [N, E]
 *     x = y proj_w^T + proj_b    (ELECTRA with E != D)        [N, D]
 *     x = y                      (BERT)
 */
#ifndef SL_NN_EMBEDDINGS_H
#define SL_NN_EMBEDDINGS_H

#include "nn/pass.h"
#include "nn/weights.h"

struct sl_embed_acts {
    sl_act *y;            /* [N, E] */
    sl_act *x;            /* [N, D]; y itself without a projection */
    sl_real *mean, *rstd; /* [N]; NULL: no backward pass follows */
    sl_act *dy;           /* [N, E] scratch, with a projection and keep */
};

/* Room for N tokens.  keep: for a backward pass. */
void sl_embed_carve(struct sl_arena *a, struct sl_embed_acts *e,
                    const struct sl_backend *be, const struct sl_shape *s,
                    int64_t N, bool keep);

/* types NULL: all zero. */
void sl_embed_forward(const struct sl_pass *p, const struct sl_embed_weights *w,
                      struct sl_embed_acts *e, const int32_t *ids,
                      const int32_t *types);

/* dx [N, D]: the gradient of x; left alone. */
void sl_embed_backward(const struct sl_pass *p,
                       const struct sl_embed_weights *w,
                       const struct sl_embed_weights *grad,
                       struct sl_embed_acts *e, const sl_act *dx,
                       const int32_t *ids, const int32_t *types);

#endif
