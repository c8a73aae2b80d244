/* <simlm/cases.h>: defaults, and checks of what a caller may get wrong. */
#include <simlm/cases.h>

#include <stddef.h>

#include "api/api.h"
#include "data/cases_job.h"

enum { MAX_THREADS = 1024, MAX_PASSAGES = 1000000 };

void simlm_cases_options_init(simlm_cases_options *options)
{
    *options = (simlm_cases_options){.passages = 5};
}

simlm_status simlm_cases(const simlm_cases_options *options,
                         const simlm_observer *observer, simlm_error *err)
{
    SL_API_NOT_NULL(options);
    SL_API_NOT_NULL(options->input);
    SL_API_NOT_NULL(options->corpus);
    SL_API_NOT_NULL(options->output);
    SL_API_RANGE(options->passages, 1, MAX_PASSAGES);
    SL_API_RANGE(options->limit, 0, INT64_MAX);
    SL_API_RANGE(options->threads, 0, MAX_THREADS);
    return sl_cases_job(options, observer, err);
}
