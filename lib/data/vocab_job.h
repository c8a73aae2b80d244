/*
 * data/vocab_job.h - `simlm vocab`: corpora in, vocab.txt out.
 */
#ifndef SL_DATA_VOCAB_JOB_H
#define SL_DATA_VOCAB_JOB_H

#include <simlm/text.h>

#include "text/vocab_train.h"

/* The job of simlm_vocab_train(); options are checked. */
simlm_status sl_vocab_job(const simlm_vocab_options *options,
                          const simlm_observer *observer, simlm_error *err);

#endif
