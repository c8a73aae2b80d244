/*
 * data/token_cache_layout.h - the file that the token cache maps.
 *
 * Private to token_cache*.c.  Little-endian, sections 64-byte aligned:
 *
 *   header   128 bytes, struct sl_tokens_header
 *   ids      uint16 or uint32 [n_tokens]   title then contents, row after row
 *   ends     int64 [2 * n_rows]            where title, contents end in ids
 *   titled   a bit a row: it has a title   (low bit first)
 *   id_ends  int64 [n_rows]                where a row's id ends in id_text
 *   id_text  bytes [id_bytes]              the ids, one after another
 *
 * The last two are there only if ids are not row numbers.
 */
#ifndef SL_DATA_TOKEN_CACHE_LAYOUT_H
#define SL_DATA_TOKEN_CACHE_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "data/token_cache.h"

#define SL_TOKENS_MAGIC "SLTOKENS"

struct sl_tokens_header {
    char magic[8];
    uint32_t version; /* 2 */
    uint32_t width;   /* bytes of an id: 2 or 4 */
    uint64_t key;     /* of corpus, tokenizer, missing title */
    int64_t n_rows, n_tokens;
    int64_t vocab;    /* every id is less */
    int64_t id_bytes; /* -1: ids are row numbers */
    unsigned char unused[56];
    uint64_t body_hash; /* of all that follows the header */
    uint64_t hash;      /* of the header's bytes before this */
};
_Static_assert(sizeof(struct sl_tokens_header) == 128,
               "the header has no gaps");

/* Where the sections begin, from the counts in the header. */
struct sl_tokens_layout {
    size_t ids, ends, titled, id_ends, id_text, bytes; /* bytes: in all */
};

/* False if no file could be that large. */
bool sl_tokens_layout(struct sl_tokens_layout *l,
                      const struct sl_tokens_header *h);

uint64_t sl_tokens_header_hash(const struct sl_tokens_header *h);

/* Make the cache file at `path`, whole or absent. */
simlm_status sl_token_cache_build(const char *path, uint64_t key,
                                  const char *const *corpus, int64_t n_corpus,
                                  const struct sl_tokenizer *tokenizer,
                                  const char *missing_title,
                                  const simlm_observer *obs, simlm_error *err);

#endif
