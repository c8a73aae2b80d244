/*
 * data/cases_job.h - `simlm cases`: examples or a run in, JSON with their texts
 * out; see the public header for the contract.
 */
#ifndef SL_DATA_CASES_JOB_H
#define SL_DATA_CASES_JOB_H

#include <simlm/cases.h>

simlm_status sl_cases_job(const simlm_cases_options *options,
                          const simlm_observer *observer, simlm_error *err);

#endif
