/*
 * train/schedule.h - the learning rate of each update.
 *
 * Updates are numbered k = 1 .. T; W of them warm up.
 *
 *   linear    Hugging Face's: (k - 1) / W, then (T - k + 1) / (T - W).  The first
 *             update of a warm-up moves nothing but Adam's moments.
 *   log       DeepSpeed 0.6.0's WarmupDecayLR, with which SimLM was trained
 *             (spec 6.1): logarithmic warm-up over max(2, W) updates, then linear
 *             decay.  Its scheduler runs after the optimiser, so update 1 takes the
 *             full rate, update 2 none and update k the rate of counter k - 2.
 *   constant  the linear warm-up, then 1.
 */
#ifndef SL_TRAIN_SCHEDULE_H
#define SL_TRAIN_SCHEDULE_H

#include <stdint.h>

#include <simlm/train.h>

#include "base/status.h"

struct sl_schedule {
    simlm_schedule kind;
    double lr;               /* the peak */
    int64_t warmup, n_steps; /* W, T */
};

/*
 * warmup is a share of the steps if below 1, else their number.  E_ARG if it
 * exceeds half the run: such a run would end before it learned.
 */
simlm_status sl_schedule_init(struct sl_schedule *s, simlm_schedule kind,
                              double lr, double warmup, int64_t n_steps,
                              simlm_error *err);

double sl_schedule_lr(const struct sl_schedule *s, int64_t k);

#endif
