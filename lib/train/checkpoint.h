/*
 * train/checkpoint.h - the state to resume a run from.
 *
 *   checkpoint-<step>/state.safetensors   weights, exp_avg, exp_avg_sq: the
 *                                         model's blocks as they are
 *   checkpoint-<step>/state.json          step, meters, length of the log, the
 *                                         run it belongs to, hash of the blocks
 *
 * There is no state of random numbers: they are functions of seed and step.  A
 * checkpoint is whole or absent, and proved on reading.
 */
#ifndef SL_TRAIN_CHECKPOINT_H
#define SL_TRAIN_CHECKPOINT_H

#include <simlm/observer.h>

#include "model/bert.h"
#include "train/meters.h"

struct sl_train_state {
    int64_t step;             /* updates done */
    int64_t log_bytes;        /* of log.jsonl when it was saved */
    struct sl_meters epoch;   /* since the epoch began */
    struct sl_meters window;  /* since the last record */
    uint64_t run;             /* hash of the run's identity */
};

/* Write <dir>/checkpoint-<step>; then remove all but the newest `keep`. */
simlm_status sl_checkpoint_save(const char *dir, struct sl_bert *m,
                                const struct sl_train_state *s, int keep,
                                simlm_error *err);

/*
 * Read the newest checkpoint of <dir> that is sound and of run s->run into m's
 * blocks and *s.  If there is none, m is untouched and s->step is 0.  A damaged
 * one is passed over, and `warn` (may be NULL) hears why.
 */
simlm_status sl_checkpoint_load(const char *dir, struct sl_bert *m,
                                struct sl_train_state *s,
                                const simlm_observer *warn, simlm_error *err);

/* Remove all checkpoints. */
simlm_status sl_checkpoint_clear(const char *dir, simlm_error *err);

/* Steps of the checkpoints there, newest first; sl_free() *steps. */
simlm_status sl_checkpoint_list(int64_t **steps, int64_t *n, const char *dir,
                                simlm_error *err);

#endif
