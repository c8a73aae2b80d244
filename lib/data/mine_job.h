/*
 * data/mine_job.h - `simlm mine`: a run in, train.jsonl out; see the public
 * header for the contract.
 */
#ifndef SL_DATA_MINE_JOB_H
#define SL_DATA_MINE_JOB_H

#include <simlm/mine.h>

simlm_status sl_mine_job(const simlm_mine_options *options,
                         const simlm_observer *observer, simlm_error *err);

#endif
