/*
 * data/token_cache.h - a corpus as token ids, memory-mapped.
 *
 * Tokenising is done once, in parallel; training and encoding then read ids
 * from the page cache and never wait for text.  For each passage the ids of
 * title and contents are kept apart, without special tokens and (nearly)
 * untruncated, so that any maximum length can be cut from them later.
 *
 * A cache belongs to the bytes of the corpus's files, the tokenizer, and what
 * stands for a missing title.  If the file in the cache directory is damaged,
 * of another key, or not there, it is made (anew); nobody need ask.  It is
 * whole or absent, and proved on opening: hashes, sizes, offsets, ids.
 */
#ifndef SL_DATA_TOKEN_CACHE_H
#define SL_DATA_TOKEN_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include <simlm/observer.h>

#include "base/status.h"
#include "data/docids.h"

struct sl_tokenizer;
struct sl_token_cache;

/* Of a longer title or contents only so many tokens are kept. */
#define SL_TOKENS_STORED 8192

/*
 * Open the cache of a corpus in the directory `dir` (made if absent), building
 * it first if need be.  Several caches may share a directory: the file's name
 * is its key.  obs hears of "tokenizing".
 *
 * missing_title: what stands for an absent title, e.g. "-"; NULL: nothing, and
 * such a row has no title.
 */
simlm_status sl_token_cache_open(struct sl_token_cache **out, const char *dir,
                                 const char *const *path, int64_t n_paths,
                                 const struct sl_tokenizer *tokenizer,
                                 const char *missing_title,
                                 const simlm_observer *obs, simlm_error *err);
void sl_token_cache_close(struct sl_token_cache *c);

int64_t sl_token_cache_count(const struct sl_token_cache *c);  /* rows */
int64_t sl_token_cache_tokens(const struct sl_token_cache *c); /* in all */
uint64_t sl_token_cache_key(const struct sl_token_cache *c);

/* The corpus's ids, without reading the corpus; of several files, row numbers. */
const struct sl_docids *sl_token_cache_ids(const struct sl_token_cache *c);

/* How many tokens a row has.  A row without title is a text, not a pair. */
struct sl_row_tokens {
    int32_t title, contents;
    bool has_title;
};
struct sl_row_tokens sl_token_cache_row(const struct sl_token_cache *c,
                                        int64_t row);

/* out[0 .. n - 1] <- the first n ids of the row's title; of its contents, those
 * from number `first` on. */
void sl_token_cache_title(const struct sl_token_cache *c, int64_t row,
                          int32_t *out, int32_t n);
void sl_token_cache_contents(const struct sl_token_cache *c, int64_t row,
                             int32_t first, int32_t *out, int32_t n);

#endif
