/* <simlm/mine.h>: defaults, and checks of what a caller may get wrong. */
#include <simlm/mine.h>

#include <stddef.h>

#include "api/api.h"
#include "data/mine_job.h"

enum { MAX_THREADS = 1024, MAX_NEGATIVES = 1000000 };

void simlm_mine_options_init(simlm_mine_options *options)
{
    *options = (simlm_mine_options){
        .depth = 200, .count = 210, .random = 10, .seed = 1234};
}

simlm_status simlm_mine(const simlm_mine_options *options,
                        const simlm_observer *observer, simlm_error *err)
{
    SL_API_NOT_NULL(options);
    SL_API_NOT_NULL(options->corpus);
    if (!options->answers) {
        SL_API_NOT_NULL(options->queries);
        SL_API_NOT_NULL(options->qrels);
    }
    SL_API_NOT_NULL(options->run);
    SL_API_NOT_NULL(options->output);
    SL_API_RANGE(options->depth, 0, MAX_NEGATIVES);
    SL_API_RANGE(options->count, 1, MAX_NEGATIVES);
    SL_API_RANGE(options->random, 0, options->count);
    SL_API_RANGE(options->sample, 0, INT64_MAX);
    SL_API_RANGE(options->threads, 0, MAX_THREADS);
    return sl_mine_job(options, observer, err);
}
