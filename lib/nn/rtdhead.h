/*
 * nn/rtdhead.h - from hidden rows to a yes or no: was this token replaced?
 *
 *     h = gelu(x w^T + b)        [R, D]
 *     z = h out_w + out_b        [R]
 *
 * ELECTRA's discriminator_predictions.
 *
 *   R  rows
 */
#ifndef SL_NN_RTDHEAD_H
#define SL_NN_RTDHEAD_H

#include "nn/pass.h"
#include "nn/weights.h"

struct sl_rtd_head_acts {
    sl_act *pre, *h; /* [R, D] before and after GELU */
    sl_act *dh;      /* [R, D] */
};

void sl_rtd_head_carve(struct sl_arena *a, struct sl_rtd_head_acts *h,
                       const struct sl_backend *be, const struct sl_shape *s,
                       int64_t R);

/*
 * loss[0] += sum of binary cross-entropies of hidden [R, D], labels 0 or 1.
 * Unless dhidden is NULL, gradients of scale * that sum: those of the head are
 * added to, dhidden [R, D] is overwritten.
 */
void sl_rtd_head_loss(const struct sl_pass *p,
                      const struct sl_rtd_head_weights *w,
                      const struct sl_rtd_head_weights *grad,
                      struct sl_rtd_head_acts *a, sl_real *loss,
                      sl_act *dhidden, const sl_act *hidden,
                      const int32_t *labels, int64_t R, double scale);

#endif
