/*
 * train/kept.h - checkpoints that stay as models (--keep-last, --keep-best).
 *
 * A kept checkpoint is a model directory of its own right.  Its train.json has
 * the run's identity and settings and
 *
 *   "step": 300, "held_out": {"loss": 2.25, "mrr": 61.5}
 *
 * the latter if the model was evaluated after that very step.  The best of a run
 * is the first of those whose measure no later one surpasses; that it is the best
 * so far is read from the checkpoint that <run>/best names, so a run that is
 * resumed finds the same.
 */
#ifndef SL_TRAIN_KEPT_H
#define SL_TRAIN_KEPT_H

#include <simlm/train.h>

#include "train/meters.h"
#include "train/rundir.h"

/*
 * measures: those of the task, by blanks.  E_ARG if o->keep_best is none of them,
 * or nothing is held out.
 */
simlm_status sl_kept_check(const simlm_train_options *o, const char *measures,
                           int64_t n_eval, simlm_error *err);

/* Is an evaluation better than that of <run>/best?  Yes, if there is none. */
simlm_status sl_kept_is_better(bool *better, const char *run,
                               const char *measure, const struct sl_meters *now,
                               simlm_error *err);

/* Write the train.json of the model in dir; held_out is empty if the step had no
 * evaluation. */
simlm_status sl_kept_describe(const struct sl_rundir *run, const char *dir,
                              int64_t step, const struct sl_meters *held_out,
                              simlm_error *err);

#endif
