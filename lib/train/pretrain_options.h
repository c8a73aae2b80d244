/*
 * train/pretrain_options.h - what an objective takes: defaults, ranges, and what
 * of it decides a run.
 */
#ifndef SL_TRAIN_PRETRAIN_OPTIONS_H
#define SL_TRAIN_PRETRAIN_OPTIONS_H

#include <simlm/train.h>

#include "format/json.h"

/* All but o->train. */
void sl_pretrain_defaults(simlm_pretrain_options *o);

/* E_ARG names the first option (but o->train's) that is out of range, or that the
 * objective has no use for. */
simlm_status sl_pretrain_check(const simlm_pretrain_options *o,
                               simlm_error *err);

/* Members of train.json's identity: the numbers that the objective takes. */
void sl_pretrain_identity(const simlm_pretrain_options *o,
                          struct sl_json_writer *w);

#endif
