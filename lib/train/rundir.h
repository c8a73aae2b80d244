/*
 * train/rundir.h - the output directory of a run, from first step to model.
 *
 *   train.json     {"identity": {...}, "settings": {...}, "finished": false}
 *   log.jsonl      records of the run
 *   token-cache/   the corpus as ids, unless the caller named another place
 *   checkpoint-*, best   see checkpoint.h
 *   .model/        the model while it is being written
 *   .lock          held while a run is at work
 *
 * Identity is what decides the weights that come out, bit for bit: options,
 * seed, hashes of data and start.  Settings are the rest, for the reader.
 *
 *   1. A directory that holds a run of the same identity is continued, one of
 *      another identity is refused with the first difference, a directory with
 *      other files in it is refused; `overwrite` clears what a run has made, and
 *      nothing else, and not before this run is about to make its first step.
 *   2. Until the run is over the directory is not a model directory: the model's
 *      files are written aside and then renamed into place, config.json last.
 *   3. One run at a time is at work in a directory.
 *   4. Of several ranks (comm/comm.h) the first alone has the directory; the others
 *      hear from it whether the run is over, and write nothing.
 *   5. A run that fails before its first step leaves nothing of its own.  What a
 *      finished one could not remove (states, cache), the next call does.
 */
#ifndef SL_TRAIN_RUNDIR_H
#define SL_TRAIN_RUNDIR_H

#include <stdio.h>

#include <simlm/observer.h>

#include "base/status.h"
#include "base/str.h"

struct sl_rundir {
    char *path;
    const simlm_observer *observer; /* may be NULL */
    uint64_t run;                   /* hash of the identity */
    bool finished; /* the model is there already: nothing to do */
    bool started;  /* a step was made, by this call or an earlier one */
    /* private */
    bool made;     /* by us */
    bool replaces; /* what is there, when the run begins */
    char *identity, *settings;
    FILE *log;
    int lock;
    char *lock_path;
};

/* identity, settings: JSON objects. */
simlm_status sl_rundir_open(struct sl_rundir *r, const char *path,
                            const char *identity, const char *settings,
                            bool overwrite, const simlm_observer *observer,
                            simlm_error *err);

/* Data and options are found to be good: clear what is to be overwritten.  Ranks
 * wait for that. */
simlm_status sl_rundir_begin(struct sl_rundir *r, simlm_error *err);

/* The log goes on behind its first `bytes` bytes; what else it has is dropped.
 */
simlm_status sl_rundir_log_open(struct sl_rundir *r, int64_t bytes,
                                simlm_error *err);
int64_t sl_rundir_log_bytes(const struct sl_rundir *r);

/* Write <dir>/train.json: identity, settings and `rest`, the text of further
 * members. */
simlm_status sl_rundir_describe(const struct sl_rundir *r, const char *dir,
                                const char *rest, simlm_error *err);

/* Give a record, one JSON object, to the log and the observer. */
void sl_rundir_record(struct sl_rundir *r, const char *json);

/* A line for the observer's person, and a record of it in the log. */
void sl_rundir_say(struct sl_rundir *r, simlm_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * The run is over: save(self, dir) writes the model's files into dir, then they
 * take their places, token cache and states go, train.json says finished.
 */
typedef simlm_status sl_rundir_save_fn(void *self, const char *dir,
                                       simlm_error *err);
simlm_status sl_rundir_finish(struct sl_rundir *r, sl_rundir_save_fn *save,
                              void *self, simlm_error *err);

void sl_rundir_close(struct sl_rundir *r); /* accepts a zeroed struct */

#endif
