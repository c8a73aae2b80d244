/*
 * train/card.h - README.md of a model: the page that the hub and other tools
 * show, with the header that tells them what it is for.
 */
#ifndef SL_TRAIN_CARD_H
#define SL_TRAIN_CARD_H

#include "base/status.h"

/*
 * Write <dir>/README.md for the model in dir, which `run` made: what it is, how
 * it is used, the identity in <run>/train.json, the last evaluation in
 * <run>/log.jsonl (either may be absent).
 */
simlm_status sl_card_save(const char *dir, const char *run, simlm_error *err);

#endif
