/*
 * index/bm25.h - the lexical index and its exact search.
 *
 * One file, "bm25.index" in the index's directory, mapped read-only.  All
 * numbers are little-endian, every section starts on a 64-byte boundary.
 *
 *     header   bm25_layout.h: counts, and the byte sizes of ids and terms
 *     id_at    u64 [n_docs + 1]      where each passage id starts in `ids`
 *     ids      each id ended by a NUL; empty if ids are the row numbers
 *     norm     u8  [n_docs]          length in terms, SmallFloat.intToByte4
 *     term_at  u64 [n_terms + 1]     where each term starts in `terms`
 *     terms    in ascending byte order, nothing between them
 *     post_at  u64 [n_terms + 1]     where each term's postings start
 *     doc      u32 [n_postings]      rows, ascending within a term
 *     tf       u16 [n_postings]      how often the term occurs there
 *
 * Postings are plain arrays: six bytes each, nothing to decode, and opening an
 * index can prove all of it in one pass at the speed of memory.
 *
 * Scoring (Robertson and Zaragoza 2009, as Lucene 9's BM25Similarity computes
 * it, every step in float unless it says double):
 *
 *     idf   = (float)ln(1 + (N - df + 0.5) / (df + 0.5))             in double
 *     inv   = 1 / (k1 * ((1 - b) + b * length / mean length))
 *     w     = (times the term is in the query) * idf
 *     score = sum of  w - w / (1 + tf * inv)      terms float, sum in double
 *
 * N is the number of passages with at least one term; length is what one byte
 * keeps of it, the mean is exact; a term counts at most 65,535 times.  The sum
 * is rounded to float before ranking.  A double holds the exact sum of as many
 * floats of like size as a query has terms, so the order of addition does not
 * matter.
 */
#ifndef SL_INDEX_BM25_H
#define SL_INDEX_BM25_H

#include <stddef.h>
#include <stdint.h>

#include "base/file.h"
#include "data/corpus.h"
#include "index/topk.h"

#define SL_BM25_FILE     "bm25.index"
#define SL_BM25_MAX_DOCS INT32_MAX

/* ---- an index on disk -----------------------------------------------------
 */

struct sl_bm25 {
    int64_t n_docs, n_terms, n_postings;
    int64_t n_filled;     /* passages with a term */
    int64_t total_length; /* terms of all passages */
    const uint64_t *id_at, *term_at, *post_at;
    const char *ids, *terms; /* ids NULL: row numbers */
    const uint8_t *norm;
    const uint32_t *doc;
    const uint16_t *tf;
    struct sl_map map;
};

/*
 * Map <dir>/bm25.index and prove every count, offset, order and sum in it.
 * E_IO, E_FORMAT.
 */
simlm_status sl_bm25_open(struct sl_bm25 *ix, const char *dir,
                          simlm_error *err);
void sl_bm25_close(struct sl_bm25 *ix); /* a zeroed one: no-op */

/* The term's number, or -1. */
int64_t sl_bm25_find(const struct sl_bm25 *ix, const char *term, size_t len);

/* The id of a row; a row number is written into buf. */
const char *sl_bm25_id(const struct sl_bm25 *ix, int64_t row,
                       char buf[SL_DOCID_BUF]);

/* ---- building ---------------------------------------------------------------
 */

/* Holds 10 bytes a posting, and 6 more while it writes. */
struct sl_bm25_builder;

struct sl_bm25_builder *sl_bm25_builder_new(void); /* NULL: out of memory */
void sl_bm25_builder_free(struct sl_bm25_builder *b);

/* Add the next n passages (title and contents), in parallel.  E_NOMEM, E_RANGE.
 */
simlm_status sl_bm25_builder_add(struct sl_bm25_builder *b,
                                 const struct sl_passage *passage, int64_t n,
                                 simlm_error *err);

/* Write the index of what was added to an open output, not yet committed.
 * ids has as many rows.  The builder is spent. */
simlm_status sl_bm25_builder_write(struct sl_bm25_builder *b,
                                   const struct sl_docids *ids,
                                   struct sl_out *out, simlm_error *err);

/* ---- searching --------------------------------------------------------------
 */

/* One thread's scratch; the index must outlive it. */
struct sl_bm25_search;

/*
 * For queries of at most max_bytes of text and k <= max_k.  E_NOMEM.
 */
simlm_status sl_bm25_search_new(struct sl_bm25_search **out,
                                const struct sl_bm25 *ix, double k1, double b,
                                int64_t max_k, size_t max_bytes,
                                simlm_error *err);
void sl_bm25_search_free(struct sl_bm25_search *s);

/*
 * score[..], row[..] <- the k best passages that share a term with the query,
 * best first, ties to the lower row; returns how many.
 */
int64_t sl_bm25_search(struct sl_bm25_search *s, const char *query, size_t len,
                       int64_t k, float *score, int64_t *row);

/* A term's weight in a query that has it `times`, and its part of a score. */
float sl_bm25_weight(const struct sl_bm25 *ix, int64_t term, int64_t times);
static inline float sl_bm25_score(float weight, float tf, float inverse)
{
    return weight - weight / (1.0f + tf * inverse);
}

#endif
