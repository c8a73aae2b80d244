/* <simlm/prepare.h>: defaults, and checks of what a caller may get wrong. */
#include <simlm/prepare.h>

#include <stddef.h>

#include "api/api.h"
#include "prepare/prepare_jobs.h"

enum { MAX_THREADS = 1024, MAX_RAW = 1000 };

void simlm_prepare_options_init(simlm_prepare_options *options)
{
    *options = (simlm_prepare_options){0};
}

static simlm_status check(const simlm_prepare_options *options,
                          simlm_error *err)
{
    SL_API_NOT_NULL(options);
    SL_API_NOT_NULL(options->raw);
    SL_API_NOT_NULL(options->output);
    SL_API_RANGE(options->n_raw, 1, MAX_RAW);
    for (int32_t i = 0; i < options->n_raw; i++)
        SL_API_NOT_NULL(options->raw[i]);
    SL_API_RANGE(options->threads, 0, MAX_THREADS);
    return SIMLM_OK;
}

simlm_status simlm_prepare_beir(const simlm_prepare_options *options,
                                const simlm_observer *observer,
                                simlm_error *err)
{
    SL_TRY(check(options, err));
    return sl_prepare_beir_job(options, observer, err);
}
