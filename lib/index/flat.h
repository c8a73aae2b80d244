/*
 * index/flat.h - the exact index: every vector, searched by inner product.
 *
 * One file, mapped read-only and shared between processes.  All numbers are
 * little-endian; every section starts on a 64-byte boundary; gaps are zero.
 *
 *     0    char  magic[8]       "SIMLMFLT"
 *     8    u32   version        1
 *     12   u32   byte_order     0x01020304
 *     16   i64   n              rows, < 2^32
 *     24   i64   dim            floats of a vector, 1 .. 65536
 *     32   i64   stride         floats of a row: dim rounded up to 16
 *     40   u64   model_hash     of the model that made the vectors; 0: unknown
 *     48   u64   rows_at        float32 [n, stride], zero beyond dim
 *     56   u64   id_at_at       u64 [n + 1]: where each id starts in `ids`
 *     64   u64   ids_at         the ids, each ended by a NUL
 *     72   u64   model_path_at  where the model was, NUL-terminated
 *     80   u64   file_bytes     the size of the whole file
 *     88         zero, up to 128
 *
 * A row is a whole number of cache lines and never straddles one more than it
 * must.  The zeros beyond dim add nothing to a product, so kernels run over
 * stride and need no tail.
 *
 * The result of a search is exact and does not depend on the number of
 * threads, on the other queries, or on how the rows are cut into blocks: a
 * score is one value of ops->scores, ties go to the lower row.
 */
#ifndef SL_INDEX_FLAT_H
#define SL_INDEX_FLAT_H

#include "backend/backend.h"
#include "base/file.h"
#include "base/str.h"

#define SL_FLAT_MAX_DIM 65536

/* ---- reading ------------------------------------------------------------- */

struct sl_flat {
    int64_t n, dim, stride;
    uint64_t model_hash;    /* 0: unknown */
    const char *model_path; /* information only; "" if unknown */
    const float *rows;      /* [n, stride] */
    const uint64_t *id_at;  /* [n + 1] */
    const char *ids;
    struct sl_map map; /* where these point to, of a file ... */
    void *owned[3];    /* ... or of sl_flat_make() */
};

/*
 * Map and check the file: E_IO if it cannot be read, E_FORMAT if it is not an
 * index or if any offset or id in it is not what it must be.  The vectors are
 * not read; a search that meets one that is not a number is E_NUMERIC.
 */
simlm_status sl_flat_open(struct sl_flat *ix, const char *path,
                          simlm_error *err);

/*
 * An index in memory, over copies of vec [n, dim] and id [n].  E_FORMAT for an
 * empty id or one that occurs twice, E_NUMERIC for a vector with a NaN or an
 * infinity, E_RANGE for too many rows.
 */
simlm_status sl_flat_make(struct sl_flat *ix, const float *vec,
                          const char *const *id, int64_t n, int64_t dim,
                          simlm_error *err);
void sl_flat_close(struct sl_flat *ix); /* a zeroed one: no-op */

/* The id of a row, 0 <= row < n; valid until the index is closed. */
const char *sl_flat_id(const struct sl_flat *ix, int64_t row);

/* ---- writing ------------------------------------------------------------- */

/* Ids as they lie in the file; start from { 0 }. */
struct sl_flat_ids {
    struct sl_str text, at; /* at: raw u64 */
    int64_t n;
};

/* Rows are added as they come; the file appears, whole, with commit. */
struct sl_flat_writer {
    struct sl_out out;
    struct sl_flat_ids ids;
    char *model_path;
    int64_t dim;
    uint64_t model_hash;
};

/* E_ARG for path "-": an index is not written in one go. */
simlm_status sl_flat_writer_open(struct sl_flat_writer *w, const char *path,
                                 int64_t dim, uint64_t model_hash,
                                 const char *model_path, simlm_error *err);

/*
 * One row.  E_NUMERIC if the vector [dim] has a NaN or an infinity, E_FORMAT
 * if the id is empty.  That ids are distinct is checked by commit.
 */
simlm_status sl_flat_writer_add(struct sl_flat_writer *w, const float *vector,
                                const char *id, simlm_error *err);
simlm_status sl_flat_writer_commit(struct sl_flat_writer *w, simlm_error *err);
void sl_flat_writer_abort(struct sl_flat_writer *w); /* after commit: no-op */

/* ---- searching ----------------------------------------------------------- */

/* Scratch for searches; belongs to one thread at a time, as its backend does.
 */
struct sl_flat_search;

/*
 * For batches of max_queries and up to max_k hits a query.  `block` rows are
 * scored at a time (0: a sensible number).  The index and the backend must
 * outlive it.
 */
simlm_status sl_flat_search_new(struct sl_flat_search **out,
                                const struct sl_flat *ix, struct sl_backend *be,
                                int64_t max_queries, int64_t max_k,
                                int64_t block, simlm_error *err);
void sl_flat_search_free(struct sl_flat_search *s);

/* From now on only rows [begin, end) of the index are searched. */
void sl_flat_search_rows(struct sl_flat_search *s, int64_t begin, int64_t end);

/* Heap bytes of sl_flat_search_new()'s result. */
size_t sl_flat_search_bytes(const struct sl_flat_search *s);

/*
 * row, score [n, k] <- the k best rows of each query in q [n, dim], best first,
 * 1 <= k <= max_k; n is cut into batches of max_queries.  Where the index has
 * fewer than k rows the rest is row -1, score -inf.  Allocates nothing.
 * E_NUMERIC if a score is not a number; then row and score are undefined.
 */
simlm_status sl_flat_search_run(struct sl_flat_search *s, int64_t *row,
                                float *score, const float *q, int64_t n,
                                int64_t k, simlm_error *err);

#endif
