/* model/inspect.h - what is in a checkpoint, and what of it a model reads. */
#ifndef SL_MODEL_INSPECT_H
#define SL_MODEL_INSPECT_H

#include <simlm/checkpoint.h>

simlm_status sl_inspect(const simlm_inspect_options *o, simlm_error *err);

#endif
