/*
 * index/bm25_layout.h - what the reader and the writer of bm25.h share.
 */
#ifndef SL_INDEX_BM25_LAYOUT_H
#define SL_INDEX_BM25_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/alloc.h"

#define SL_BM25_MAGIC      "SIMLMB25"
#define SL_BM25_VERSION    1u
#define SL_BM25_BYTE_ORDER 0x01020304u

struct sl_bm25_header {
    char magic[8];
    uint32_t version, byte_order;
    uint64_t n_docs, n_terms, n_postings;
    uint64_t ids_bytes, terms_bytes;
    uint64_t total_length;
    uint64_t file_bytes;
    unsigned char zero[56];
};
_Static_assert(sizeof(struct sl_bm25_header) == 128, "the header has gaps");

enum sl_bm25_section {
    SL_BM25_ID_AT,
    SL_BM25_IDS,
    SL_BM25_NORM,
    SL_BM25_TERM_AT,
    SL_BM25_TERMS,
    SL_BM25_POST_AT,
    SL_BM25_DOC,
    SL_BM25_TF,
    SL_BM25_N_SECTIONS
};

/*
 * at[i] <- where section i starts, at[SL_BM25_N_SECTIONS] <- the file's size.
 * It all follows from the header's counts, so a reader computes it and compares
 * with the size: nothing can overlap or overrun.  False if it does not fit in
 * 63 bits.
 */
bool sl_bm25_lay_out(uint64_t at[SL_BM25_N_SECTIONS + 1],
                     const struct sl_bm25_header *h);

/* Lucene's one-byte floating point of a length: exact below 40, then four
 * significant bits. */
uint8_t sl_bm25_norm(int64_t length);
int64_t sl_bm25_length(uint8_t norm);

#endif
