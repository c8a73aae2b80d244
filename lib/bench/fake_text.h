/*
 * bench/fake_text.h - text that looks like English to a tokenizer.
 *
 * Words of syllables, the short ones frequent (rank r with a probability like
 * 1 / r, as in English), in sentences with capitals, commas and full stops, a
 * paragraph a line.  The same bytes every time.
 */
#ifndef SL_BENCH_FAKE_TEXT_H
#define SL_BENCH_FAKE_TEXT_H

#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

/* Append at least `bytes` bytes, whole lines. */
simlm_status sl_fake_text(struct sl_str *out, size_t bytes, simlm_error *err);

#endif
