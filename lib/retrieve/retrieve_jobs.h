/*
 * retrieve/retrieve_jobs.h - what <simlm/jobs.h> offers, arguments already
 * checked.
 */
#ifndef SL_RETRIEVE_RETRIEVE_JOBS_H
#define SL_RETRIEVE_RETRIEVE_JOBS_H

#include <simlm/jobs.h>

#include "base/status.h"

simlm_status sl_encode_files(const simlm_encode_options *o,
                             const simlm_observer *obs, simlm_error *err);
simlm_status sl_index_build(const simlm_index_options *o,
                            const simlm_observer *obs, simlm_error *err);
simlm_status sl_search_files(const simlm_search_options *o,
                             const simlm_observer *obs, simlm_error *err);

simlm_status sl_rerank_files(const simlm_rerank_options *o,
                             const simlm_observer *obs, simlm_error *err);
simlm_status sl_score_files(const simlm_score_options *o,
                            const simlm_observer *obs, simlm_error *err);

#endif
