/*
 * text/word_count.h - how often each word occurs in many texts.
 *
 * Words are the tokenizer's own (text/normalise.h).  Each worker counts into
 * its own table, so that texts can be added from several threads; finishing
 * adds the tables up.  Which thread saw which text changes nothing but the
 * order of the entries.
 */
#ifndef SL_TEXT_WORD_COUNT_H
#define SL_TEXT_WORD_COUNT_H

#include "base/status.h"
#include "base/strmap.h"
#include "text/normalise.h"

/* Longer words are [UNK] to the tokenizer and are not counted. */
enum { SL_COUNTED_CHARS = 100 };

struct sl_word_counter;

simlm_status sl_word_counter_new(struct sl_word_counter **out,
                                 const struct sl_normalise_options *options,
                                 int n_workers, simlm_error *err);
void sl_word_counter_free(struct sl_word_counter *c);

/* 0 <= worker < n_workers; one thread a worker.  A failure is remembered. */
void sl_word_counter_add(struct sl_word_counter *c, int worker,
                         const char *text, size_t len);

/* *out <- word -> count, to be freed by the caller; the counter is empty. */
simlm_status sl_word_counter_finish(struct sl_strmap **out,
                                    struct sl_word_counter *c,
                                    simlm_error *err);

#endif
