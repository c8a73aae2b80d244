/*
 * format/tfevents.h - TensorBoard's event files: numbers of a run, by step.
 *
 *   events.out.tfevents.<seconds>.simlm   TFRecords, one after another:
 *
 *     uint64 n        little-endian
 *     uint32          masked CRC32C of these 8 bytes
 *     n bytes         an Event (tensorboard's event.proto), of which we write
 *                       1 double wall_time    seconds since 1970
 *                       2 int64 step          absent: 0
 *                       3 string file_version "brain.Event:2", of the first alone
 *                       5 Summary { repeated 1 Value { 1 string tag
 *                                                      2 float simple_value } }
 *                       7 SessionLog { 1 status = 1 (START) }
 *     uint32          masked CRC32C of the n bytes
 *
 *   masked(c) = rotate right by 15, then + 0xa282ead8 (so that the CRC of bytes
 *   that hold a CRC says something)
 *
 * TensorBoard reads the files of a folder in the order of their names, and a
 * START at a step makes void what came before it at that step and later: so a
 * resumed run, which does some steps again, begins a new file with one.
 */
#ifndef SL_FORMAT_TFEVENTS_H
#define SL_FORMAT_TFEVENTS_H

#include <stdint.h>
#include <stdio.h>

#include "base/status.h"

struct sl_tfevents {
    FILE *f;
    char *path;
};

struct sl_scalar {
    const char *tag; /* "train/loss" */
    double value;
};

/*
 * Begin a new file in an existing directory; its name sorts behind those that
 * are there.  now: seconds since 1970, as in the calls below.
 */
simlm_status sl_tfevents_open(struct sl_tfevents *e, const char *dir,
                              double now, simlm_error *err);

/* What earlier files have of this step and later is void. */
simlm_status sl_tfevents_start(struct sl_tfevents *e, double now, int64_t step,
                               simlm_error *err);

/* These are on their way to the disk when the call returns. */
simlm_status sl_tfevents_add(struct sl_tfevents *e, double now, int64_t step,
                             const struct sl_scalar *scalar, int64_t n,
                             simlm_error *err);

simlm_status sl_tfevents_close(struct sl_tfevents *e, simlm_error *err);

#endif
