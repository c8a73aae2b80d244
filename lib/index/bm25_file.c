/* The reading half of bm25.h, and the layout that both halves share. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/parallel.h"
#include "index/bm25.h"
#include "index/bm25_layout.h"

enum { TERMS_A_RANGE = 4096, BYTE4_FREE = 24 };

/* ---- lengths in a byte ------------------------------------------------------
 */

/* The values below 24 stand for themselves; above them a 3-bit mantissa with
 * an implicit leading one and a 5-bit exponent (Lucene's SmallFloat). */
uint8_t sl_bm25_norm(int64_t length)
{
    uint64_t x;
    int shift;

    SL_ASSERT(length >= 0 && length <= INT32_MAX);
    if (length < BYTE4_FREE)
        return (uint8_t)length;
    x = (uint64_t)length - BYTE4_FREE;
    if (x < 8)
        return (uint8_t)(BYTE4_FREE + x);
    shift = 60 - __builtin_clzll(x);
    return (uint8_t)(BYTE4_FREE +
                     ((x >> shift & 7) | (uint64_t)(shift + 1) << 3));
}

int64_t sl_bm25_length(uint8_t norm)
{
    int64_t x = norm - BYTE4_FREE;

    if (x < 8)
        return norm;
    return BYTE4_FREE + (((x & 7) | 8) << ((x >> 3) - 1));
}

/* ---- layout -------------------------------------------------------------- */

bool sl_bm25_lay_out(uint64_t at[SL_BM25_N_SECTIONS + 1],
                     const struct sl_bm25_header *h)
{
    const uint64_t most = INT64_MAX / 16;
    const struct {
        uint64_t count, size;
    } section[SL_BM25_N_SECTIONS] = {
        [SL_BM25_ID_AT] = {h->n_docs + 1, 8},
        [SL_BM25_IDS] = {h->ids_bytes, 1},
        [SL_BM25_NORM] = {h->n_docs, 1},
        [SL_BM25_TERM_AT] = {h->n_terms + 1, 8},
        [SL_BM25_TERMS] = {h->terms_bytes, 1},
        [SL_BM25_POST_AT] = {h->n_terms + 1, 8},
        [SL_BM25_DOC] = {h->n_postings, 4},
        [SL_BM25_TF] = {h->n_postings, 2},
    };
    uint64_t end = sizeof *h;

    for (int i = 0; i < SL_BM25_N_SECTIONS; i++) {
        /* No section may be so large that the sum of all could overflow. */
        if (section[i].count > most / 8)
            return false;
        at[i] = end;
        end += section[i].count * section[i].size;
        end = (end + SL_ALIGN - 1) / SL_ALIGN * SL_ALIGN;
    }
    at[SL_BM25_N_SECTIONS] = end;
    return true;
}

/* ---- opening ------------------------------------------------------------- */

static simlm_status damaged(const char *path, const char *what,
                            simlm_error *err)
{
    return sl_fail(err, SIMLM_E_FORMAT, "'%s': damaged BM25 index: %s", path,
                   what);
}

static simlm_status read_header(struct sl_bm25 *ix, const char *path,
                                simlm_error *err)
{
    uint64_t at[SL_BM25_N_SECTIONS + 1];
    const unsigned char *p = ix->map.p;
    struct sl_bm25_header h;

    if (ix->map.n < sizeof h)
        return sl_fail(err, SIMLM_E_FORMAT, "'%s': not a BM25 index", path);
    memcpy(&h, p, sizeof h);
    if (memcmp(h.magic, SL_BM25_MAGIC, sizeof h.magic) != 0)
        return sl_fail(err, SIMLM_E_FORMAT, "'%s': not a BM25 index", path);
    if (h.byte_order != SL_BM25_BYTE_ORDER || h.version != SL_BM25_VERSION)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "'%s': BM25 index of version %" PRIu32
                       ", expected %u: build it anew",
                       path, h.version, SL_BM25_VERSION);
    if (h.n_docs < 1 || h.n_docs > SL_BM25_MAX_DOCS ||
        h.n_terms > h.n_postings || !sl_bm25_lay_out(at, &h) ||
        h.file_bytes != at[SL_BM25_N_SECTIONS] || h.total_length > INT64_MAX)
        return damaged(path, "impossible counts", err);
    if (h.file_bytes != ix->map.n)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "'%s': damaged BM25 index: %zu bytes, expected %" PRIu64,
                       path, ix->map.n, h.file_bytes);
    ix->n_docs = (int64_t)h.n_docs;
    ix->n_terms = (int64_t)h.n_terms;
    ix->n_postings = (int64_t)h.n_postings;
    ix->total_length = (int64_t)h.total_length;
    ix->id_at = (const void *)(p + at[SL_BM25_ID_AT]);
    ix->ids = h.ids_bytes ? (const char *)p + at[SL_BM25_IDS] : NULL;
    ix->norm = p + at[SL_BM25_NORM];
    ix->term_at = (const void *)(p + at[SL_BM25_TERM_AT]);
    ix->terms = (const char *)p + at[SL_BM25_TERMS];
    ix->post_at = (const void *)(p + at[SL_BM25_POST_AT]);
    ix->doc = (const void *)(p + at[SL_BM25_DOC]);
    ix->tf = (const void *)(p + at[SL_BM25_TF]);
    if (ix->id_at[ix->n_docs] != h.ids_bytes || ix->id_at[0] ||
        ix->term_at[ix->n_terms] != h.terms_bytes || ix->term_at[0] ||
        ix->post_at[ix->n_terms] != h.n_postings || ix->post_at[0])
        return damaged(path, "impossible offsets", err);
    return SIMLM_OK;
}

/* at[0] is 0 and at[n] the end, as read_header() saw: rising steps prove that
 * all is inside. */
static bool rises(const uint64_t *at, int64_t n, uint64_t least)
{
    for (int64_t i = 0; i < n; i++)
        if (at[i] > at[i + 1] || at[i + 1] - at[i] < least)
            return false;
    return true;
}

/* An id is one NUL-terminated string that can stand in a run file. */
static bool ids_hold(const struct sl_bm25 *ix)
{
    if (!ix->ids)
        return ix->id_at[ix->n_docs] == 0 && rises(ix->id_at, ix->n_docs, 0);
    if (!rises(ix->id_at, ix->n_docs, 2))
        return false;
    for (int64_t i = 0; i < ix->n_docs; i++) {
        const char *id = ix->ids + ix->id_at[i];
        size_t n = (size_t)(ix->id_at[i + 1] - ix->id_at[i]) - 1;

        if (id[n] || memchr(id, '\0', n) || memchr(id, '\n', n) ||
            memchr(id, '\t', n))
            return false;
    }
    return true;
}

static int compare_terms(const char *a, uint64_t n_a, const char *b,
                         uint64_t n_b)
{
    int order = memcmp(a, b, (size_t)(n_a < n_b ? n_a : n_b));

    return order ? order : (n_a > n_b) - (n_a < n_b);
}

static bool terms_hold(const struct sl_bm25 *ix)
{
    const uint64_t *at = ix->term_at;

    if (!rises(at, ix->n_terms, 1) || !rises(ix->post_at, ix->n_terms, 1))
        return false;
    for (int64_t i = 1; i < ix->n_terms; i++)
        if (compare_terms(ix->terms + at[i - 1], at[i] - at[i - 1],
                          ix->terms + at[i], at[i + 1] - at[i]) >= 0)
            return false;
    return true;
}

struct proof {
    const struct sl_bm25 *ix;
    uint64_t *length; /* [ranges of terms]; UINT64_MAX: does not hold */
};

static void check_postings(void *ctx, int64_t begin, int64_t end)
{
    const struct proof *p = ctx;
    const struct sl_bm25 *ix = p->ix;
    uint64_t length = 0;
    bool good = true;

    for (int64_t t = begin; t < end; t++) {
        uint64_t first = ix->post_at[t], last = ix->post_at[t + 1] - 1;

        for (uint64_t i = first; i < last; i++) {
            good &= ix->doc[i] < ix->doc[i + 1] && ix->tf[i] > 0;
            length += ix->tf[i];
        }
        good &= ix->doc[last] < (uint64_t)ix->n_docs && ix->tf[last] > 0;
        length += ix->tf[last];
    }
    p->length[begin / TERMS_A_RANGE] = good ? length : UINT64_MAX;
}

/* Rows ascend and exist, counts are positive, and they add up. */
static simlm_status postings_hold(const struct sl_bm25 *ix, bool *good,
                                  simlm_error *err)
{
    int64_t n = ix->n_terms / TERMS_A_RANGE + 1;
    struct proof p = {ix, SL_NEW_ARRAY(uint64_t, n)};
    uint64_t length = 0;

    if (!p.length)
        return sl_fail_nomem(err, "a BM25 index");
    sl_parallel_for(ix->n_terms, TERMS_A_RANGE, check_postings, &p);
    *good = true;
    for (int64_t i = 0; i < n; i++) {
        *good &= p.length[i] != UINT64_MAX;
        length += p.length[i];
    }
    *good &= length == (uint64_t)ix->total_length;
    sl_free(p.length);
    return SIMLM_OK;
}

static simlm_status check(struct sl_bm25 *ix, const char *path,
                          simlm_error *err)
{
    bool good = false;

    SL_TRY(read_header(ix, path, err));
    if (!ids_hold(ix))
        return damaged(path, "its ids", err);
    if (!terms_hold(ix))
        return damaged(path, "its terms", err);
    SL_TRY(postings_hold(ix, &good, err));
    if (!good)
        return damaged(path, "its postings", err);
    for (int64_t i = 0; i < ix->n_docs; i++)
        ix->n_filled += ix->norm[i] > 0;
    if (!ix->n_filled != !ix->n_postings)
        return damaged(path, "its lengths", err);
    return SIMLM_OK;
}

simlm_status sl_bm25_open(struct sl_bm25 *ix, const char *dir, simlm_error *err)
{
    char *path = sl_path_join(dir, SL_BM25_FILE);
    simlm_status st;

    *ix = (struct sl_bm25){0};
    if (!path)
        return sl_fail_nomem(err, "a BM25 index");
    st = sl_map_open(&ix->map, path, err);
    if (st == SIMLM_OK)
        st = check(ix, path, err);
    if (st < 0)
        sl_bm25_close(ix);
    sl_free(path);
    return st;
}

void sl_bm25_close(struct sl_bm25 *ix)
{
    sl_map_close(&ix->map);
    *ix = (struct sl_bm25){0};
}

int64_t sl_bm25_find(const struct sl_bm25 *ix, const char *term, size_t len)
{
    int64_t low = 0, high = ix->n_terms;

    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        uint64_t at = ix->term_at[middle];
        int order = compare_terms(term, len, ix->terms + at,
                                  ix->term_at[middle + 1] - at);

        if (!order)
            return middle;
        if (order > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

const char *sl_bm25_id(const struct sl_bm25 *ix, int64_t row,
                       char buf[SL_DOCID_BUF])
{
    if (ix->ids)
        return ix->ids + ix->id_at[row];
    snprintf(buf, SL_DOCID_BUF, "%" PRId64, row);
    return buf;
}
