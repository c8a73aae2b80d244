/*
 * text/encoding.h - a text or a pair, all the way to a model's input.
 */
#ifndef SL_TEXT_ENCODING_H
#define SL_TEXT_ENCODING_H

#include <simlm/observer.h>
#include <simlm/text.h>

#include "text/tokenizer.h"

/* Ids and what they are made from; start from { 0 } and use it again. */
struct sl_encoding {
    struct sl_id_list ids, types;
    struct sl_id_list first, second; /* scratch */
};
void sl_encoding_free(struct sl_encoding *e);

/*
 * e->ids, e->types <- the text, or with `pair` the two texts.  `where` starts
 * the message if the length limit cannot be met ("file:12: ", or "").
 *
 *   E_RANGE, E_NOMEM
 */
simlm_status sl_encoding_make(struct sl_encoding *e,
                              const struct sl_tokenizer *t, const char *text,
                              size_t text_len, const char *pair,
                              size_t pair_len,
                              const simlm_encode_text_options *options,
                              const char *where, simlm_error *err);

/* The job of simlm_tokenize_file(). */
simlm_status sl_tokenize_file(const simlm_tokenize_options *options,
                              const simlm_observer *observer, simlm_error *err);

#endif
