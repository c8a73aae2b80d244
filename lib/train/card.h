/*
 * train/card.h - README.md of a model: the page that the hub and other tools
 * show, with the header that tells them what it is for.
 */
#ifndef SL_TRAIN_CARD_H
#define SL_TRAIN_CARD_H

#include <stdint.h>

#include "base/status.h"

/*
 * Write <dir>/README.md for the model in dir, which `run` made: what it is, how
 * it is used, the identity in <run>/train.json, the last evaluation in
 * <run>/log.jsonl (either may be absent).  pooler: the width of a retriever's,
 * 0 if it has none.
 */
simlm_status sl_card_save(const char *dir, int64_t pooler, const char *run,
                          simlm_error *err);

#endif
