/*
 * report/tensorboard.h - an observer that writes what a training records as
 * TensorBoard's event files (format/tfevents.h), and passes all on.
 *
 *   record          tags
 *   start, resume   a new file; what earlier ones have of later steps is void
 *   step            train/loss, train/learning_rate, train/grad_norm,
 *                   train/tokens_per_second, train/epoch, and train/<part> for
 *                   each part of the loss and measure of the step's window
 *   eval            eval/<measure>
 *
 *     struct sl_tensorboard t;
 *
 *     SL_TRY(sl_tensorboard_open(&t, dir, observer, err));
 *     st = train(..., &t.observer, err);
 *     return sl_tensorboard_close(&t, st, err);
 */
#ifndef SL_REPORT_TENSORBOARD_H
#define SL_REPORT_TENSORBOARD_H

#include <simlm/observer.h>

#include "format/tfevents.h"

struct sl_tensorboard {
    simlm_observer observer; /* speaks to t: do not move it */
    /* private */
    const simlm_observer *next;
    const char *dir;
    struct sl_tfevents file;
    simlm_status st; /* the first failure to write: nothing is written then */
    simlm_error err;
};

/*
 * The directory and a file in it are made when a run begins: it may be within
 * the run's.  What cannot be written then, or later, stops the run, which saves
 * a checkpoint.  next: to whom all is passed on, may be NULL.
 *
 *   E_IO  dir is there, and no directory to write into
 */
simlm_status sl_tensorboard_open(struct sl_tensorboard *t, const char *dir,
                                 const simlm_observer *next, simlm_error *err);

/* st: how the training went.  If nothing but the writing failed: why. */
simlm_status sl_tensorboard_close(struct sl_tensorboard *t, simlm_status st,
                                  simlm_error *err);

#endif
