/* model/convert.h - a model directory of anybody's rewritten as ours. */
#ifndef SL_MODEL_CONVERT_H
#define SL_MODEL_CONVERT_H

#include <simlm/checkpoint.h>

simlm_status sl_convert(const simlm_convert_options *o, simlm_error *err);

#endif
