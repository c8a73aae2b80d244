/* <simlm/checkpoint.h>: checks of the caller's contract, then the library. */
#include <stddef.h>

#include "api/api.h"
#include "model/convert.h"
#include "model/inspect.h"
#include "model/modeldir.h"

void simlm_inspect_options_init(simlm_inspect_options *options)
{
    if (options)
        *options = (simlm_inspect_options){0};
}

simlm_status simlm_inspect(const simlm_inspect_options *options,
                           simlm_error *err)
{
    SL_API_NOT_NULL(options);
    SL_API_NOT_NULL(options->input);
    SL_API_NOT_NULL(options->output);
    return sl_inspect(options, err);
}

simlm_status simlm_model_check(const char *model, int64_t tokens,
                               simlm_error *err)
{
    SL_API_NOT_NULL(model);
    SL_API_RANGE(tokens, 0, INT64_MAX);
    return sl_modeldir_probe(model, tokens, err);
}

void simlm_convert_options_init(simlm_convert_options *options)
{
    if (options)
        *options = (simlm_convert_options){.type = SIMLM_WEIGHTS_FP32};
}

simlm_status simlm_convert(const simlm_convert_options *options,
                           simlm_error *err)
{
    SL_API_NOT_NULL(options);
    SL_API_NOT_NULL(options->model);
    SL_API_NOT_NULL(options->output);
    SL_API_RANGE(options->type, SIMLM_WEIGHTS_FP32, SIMLM_WEIGHTS_BF16);
    return sl_convert(options, err);
}
