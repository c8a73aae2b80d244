/*
 * train/jobs.h - the jobs behind <simlm/train.h>, with the same contracts.
 */
#ifndef SL_TRAIN_JOBS_H
#define SL_TRAIN_JOBS_H

#include <simlm/train.h>

/* What the options alone are wrong about; no file is looked at.  The jobs ask
 * this first. */
simlm_status sl_check_pretrain(const simlm_pretrain_options *o,
                               simlm_error *err);
simlm_status sl_check_finetune(const simlm_finetune_options *o,
                               simlm_error *err);
simlm_status sl_check_reranker(const simlm_train_reranker_options *o,
                               simlm_error *err);

simlm_status sl_pretrain(const simlm_pretrain_options *o,
                         const simlm_observer *observer, simlm_error *err);
simlm_status sl_finetune(const simlm_finetune_options *o,
                         const simlm_observer *observer, simlm_error *err);
simlm_status sl_train_reranker(const simlm_train_reranker_options *o,
                               const simlm_observer *observer,
                               simlm_error *err);

#endif
