/*
 * train/checkpoint.h - the state to resume a run from, and models of the way.
 *
 *   checkpoint-<step>/state.safetensors   weights, exp_avg, exp_avg_sq: the
 *                                         model's blocks as they are
 *   checkpoint-<step>/state.json          step, meters, length of the log, the
 *                                         run it belongs to, hash of the blocks
 *   checkpoint-<step>/train.json, ...     if it is to be kept: the model of that
 *                                         step and what it came of
 *   best                                  a link to the kept one that is best
 *
 * There is no state of random numbers: they are functions of seed and step.  A
 * checkpoint is whole or absent, and proved on reading.  What goes, goes after
 * the newer one is on the disk, under another name first, so that no half of one
 * is ever taken for one.
 */
#ifndef SL_TRAIN_CHECKPOINT_H
#define SL_TRAIN_CHECKPOINT_H

#include <simlm/observer.h>

#include "model/bert.h"
#include "train/meters.h"

struct sl_train_state {
    int64_t step;            /* updates done */
    int64_t log_bytes;       /* of log.jsonl when it was saved */
    struct sl_meters epoch;  /* since the epoch began */
    struct sl_meters window; /* since the last record */
    uint64_t run;            /* hash of the run's identity */
    bool best;               /* the checkpoint's model is the best so far */
};

/* Write a model's files, train.json last, into a directory. */
typedef simlm_status sl_checkpoint_model_fn(void *self, const char *dir,
                                            simlm_error *err);

/* Write <dir>/checkpoint-<step>, with its model if one is given. */
simlm_status sl_checkpoint_save(const char *dir, struct sl_bert *m,
                                const struct sl_train_state *s,
                                sl_checkpoint_model_fn *model, void *self,
                                simlm_error *err);

/*
 * Read the newest checkpoint of <dir> that is sound and of run s->run into m's
 * blocks and *s.  If there is none, m is untouched and s->step is 0.  A damaged
 * one is passed over, and `warn` (may be NULL) hears why.
 */
simlm_status sl_checkpoint_load(const char *dir, struct sl_bert *m,
                                struct sl_train_state *s,
                                const simlm_observer *warn, simlm_error *err);

/*
 * What stays: states of the newest `states`, models of the newest `models` that
 * have one and the one that <dir>/best names.  A checkpoint without either goes.
 */
simlm_status sl_checkpoint_prune(const char *dir, int64_t states,
                                 int64_t models, simlm_error *err);

/* Have <dir>/best name the checkpoint of that step. */
simlm_status sl_checkpoint_set_best(const char *dir, int64_t step,
                                    simlm_error *err);

/* Remove all checkpoints. */
simlm_status sl_checkpoint_clear(const char *dir, simlm_error *err);

/* Steps of the checkpoints there, newest first; sl_free() *steps. */
simlm_status sl_checkpoint_list(int64_t **steps, int64_t *n, const char *dir,
                                simlm_error *err);

#endif
