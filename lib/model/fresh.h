/*
 * model/fresh.h - the job of <simlm/init.h>: a new model directory.
 */
#ifndef SL_MODEL_FRESH_H
#define SL_MODEL_FRESH_H

#include <simlm/init.h>

/* What the options alone say: E_RANGE if no model has these sizes. */
simlm_status sl_fresh_check(const simlm_init_options *o, simlm_error *err);

simlm_status sl_fresh_model(const simlm_init_options *o, simlm_error *err);

#endif
