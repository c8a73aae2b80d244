/*
 * prepare/published.h - SimLM's own data, as the authors published it: folders
 * or zip files with passages.jsonl.gz, queries, judgements, examples, runs in
 * SimLM's form already (spec 5.7).
 *
 * They are copied, each through the reader that will read it later, so that
 * what is damaged shows now.
 */
#ifndef SL_PREPARE_PUBLISHED_H
#define SL_PREPARE_PUBLISHED_H

#include <simlm/prepare.h>

#include "prepare/raw.h"

/* Is there a passages.jsonl.gz? */
bool sl_published_are(const struct sl_raw *raw);

simlm_status sl_published_copy(const simlm_prepare_options *o,
                               const struct sl_raw *raw,
                               const simlm_observer *obs, simlm_error *err);

#endif
