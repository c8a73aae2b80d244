/*
 * nn/lmhead.h - from hidden rows to a distribution over the vocabulary.
 *
 *     h      = LN(gelu(x w^T + b))        [R, E]
 *     logits = h word^T + bias            [R, V], never held as a whole
 *
 * BERT's cls.predictions (E = D) and ELECTRA's generator_predictions (D -> E)
 * are this same function.  Only rows that count go through it.
 *
 *   R  rows
 */
#ifndef SL_NN_LMHEAD_H
#define SL_NN_LMHEAD_H

#include "nn/pass.h"
#include "nn/weights.h"

struct sl_lm_head_acts {
    sl_act *pre;          /* [R, E] before GELU; NULL: no backward pass */
    sl_act *sum;          /* [R, E] after GELU */
    sl_real *mean, *rstd; /* [R] */
    sl_act *h;            /* [R, E] */
    sl_act *dh;           /* [R, E] */
};

void sl_lm_head_carve(struct sl_arena *a, struct sl_lm_head_acts *h,
                      const struct sl_backend *be, const struct sl_shape *s,
                      int64_t R, bool keep);

/* a->h <- the transform of hidden [R, D]. */
void sl_lm_head_forward(const struct sl_pass *p,
                        const struct sl_lm_head_weights *w,
                        struct sl_lm_head_acts *a, const sl_act *hidden,
                        int64_t R);

/*
 * loss[0] += sum of cross-entropies; after sl_lm_head_forward() of the same
 * hidden.  Unless dhidden is NULL, gradients of scale * that sum: those of the
 * head and of word (dword) are added to, dhidden [R, D] is overwritten.
 */
void sl_lm_head_loss(const struct sl_pass *p,
                     const struct sl_lm_head_weights *w,
                     const struct sl_lm_head_weights *grad, const sl_real *word,
                     sl_real *dword, struct sl_lm_head_acts *a, sl_real *loss,
                     sl_act *dhidden, const sl_act *hidden,
                     const int32_t *labels, int64_t R, double scale);

#endif
