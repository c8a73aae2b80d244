/*
 * prepare/prepare_jobs.h - the jobs behind <simlm/prepare.h>, which has their
 * contracts.
 */
#ifndef SL_PREPARE_PREPARE_JOBS_H
#define SL_PREPARE_PREPARE_JOBS_H

#include <simlm/prepare.h>

simlm_status sl_prepare_beir_job(const simlm_prepare_options *options,
                                 const simlm_observer *observer,
                                 simlm_error *err);
simlm_status sl_prepare_nq_job(const simlm_prepare_options *options,
                               const simlm_observer *observer,
                               simlm_error *err);
simlm_status sl_prepare_msmarco_job(const simlm_prepare_options *options,
                                    const simlm_observer *observer,
                                    simlm_error *err);

#endif
