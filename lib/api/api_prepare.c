/* <simlm/prepare.h>: defaults, and checks of what a caller may get wrong. */
#include <simlm/prepare.h>

#include <stddef.h>

#include "api/api.h"
#include "prepare/prepare_jobs.h"

enum { MAX_THREADS = 1024, MAX_RAW = 1000, MAX_NEGATIVES = 1000000 };
enum { MSMARCO_NEGATIVES = 210, NQ_NEGATIVES = 100 };

void simlm_prepare_options_init(simlm_prepare_options *options)
{
    *options = (simlm_prepare_options){
        .negative_depth = 200, .negative_random = 10, .seed = 1234};
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
    SL_API_RANGE(options->negative_depth, 0, MAX_NEGATIVES);
    SL_API_RANGE(options->negative_count, 0, MAX_NEGATIVES);
    return SIMLM_OK;
}

simlm_status simlm_prepare_beir(const simlm_prepare_options *options,
                                const simlm_observer *observer,
                                simlm_error *err)
{
    SL_TRY(check(options, err));
    return sl_prepare_beir_job(options, observer, err);
}

simlm_status simlm_prepare_msmarco(const simlm_prepare_options *options,
                                   const simlm_observer *observer,
                                   simlm_error *err)
{
    simlm_prepare_options own;

    SL_TRY(check(options, err));
    own = *options;
    if (!own.negative_count)
        own.negative_count = MSMARCO_NEGATIVES;
    SL_API_RANGE(own.negative_random, 0, own.negative_count);
    return sl_prepare_msmarco_job(&own, observer, err);
}

simlm_status simlm_prepare_nq(const simlm_prepare_options *options,
                              const simlm_observer *observer, simlm_error *err)
{
    simlm_prepare_options own;

    SL_TRY(check(options, err));
    own = *options;
    if (!own.negative_count)
        own.negative_count = NQ_NEGATIVES;
    return sl_prepare_nq_job(&own, observer, err);
}
