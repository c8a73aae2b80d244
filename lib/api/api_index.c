/* simlm/simlm.h: index and search. */
#include <simlm/simlm.h>

#include "api/api.h"
#include "base/alloc.h"
#include "base/parallel.h"
#include "index/flat.h"

struct simlm_index {
    struct sl_flat flat;
};

struct simlm_searcher {
    struct sl_backend *be;
    struct sl_flat_search *search;
    const struct sl_flat *flat;
    int64_t *row; /* [max_queries, max_top] */
    float *score;
    int32_t max_queries, max_top, threads;
};

/* ---- index --------------------------------------------------------------- */

simlm_status simlm_index_open(simlm_index **out, const char *path,
                              simlm_error *err)
{
    simlm_index *ix;
    simlm_status st;

    SL_API_NOT_NULL(out);
    SL_API_NOT_NULL(path);
    ix = SL_NEW(simlm_index);
    if (!ix)
        return sl_fail_nomem(err, "an index");
    st = sl_flat_open(&ix->flat, path, err);
    if (st < 0)
        sl_free(ix);
    else
        *out = ix;
    return st;
}

simlm_status simlm_index_new(simlm_index **out, const float *vec,
                             const char *const *id, int64_t n, int32_t dim,
                             simlm_error *err)
{
    simlm_index *ix;
    simlm_status st;

    SL_API_NOT_NULL(out);
    SL_API_NEED(n >= 0, "n: %lld is negative", (long long)n);
    SL_API_RANGE(dim, 1, SL_FLAT_MAX_DIM);
    SL_API_NEED(!n || vec, "vec: is NULL");
    SL_API_NEED(!n || id, "id: is NULL");
    for (int64_t i = 0; i < n; i++)
        SL_API_NEED(id[i] != NULL, "id[%lld]: is NULL", (long long)i);
    ix = SL_NEW(simlm_index);
    if (!ix)
        return sl_fail_nomem(err, "an index");
    st = sl_flat_make(&ix->flat, vec, id, n, dim, err);
    if (st < 0)
        sl_free(ix);
    else
        *out = ix;
    return st;
}

void simlm_index_close(simlm_index *ix)
{
    if (!ix)
        return;
    sl_flat_close(&ix->flat);
    sl_free(ix);
}

int64_t simlm_index_count(const simlm_index *ix)
{
    return ix ? ix->flat.n : 0;
}

int32_t simlm_index_dim(const simlm_index *ix)
{
    return ix ? (int32_t)ix->flat.dim : 0;
}

const char *simlm_index_id(const simlm_index *ix, int64_t row)
{
    return ix && row >= 0 && row < ix->flat.n ? sl_flat_id(&ix->flat, row)
                                              : NULL;
}

/* ---- search -------------------------------------------------------------- */

simlm_status simlm_searcher_new(simlm_searcher **out, const simlm_index *ix,
                                int32_t max_queries, int32_t max_top,
                                simlm_error *err)
{
    simlm_searcher *s;
    simlm_status st;
    size_t hits;

    SL_API_NOT_NULL(out);
    SL_API_NOT_NULL(ix);
    SL_API_RANGE(max_queries, 1, SIMLM_MAX_BATCH);
    SL_API_RANGE(max_top, 1, SIMLM_MAX_TOP);
    s = SL_NEW(simlm_searcher);
    if (!s)
        return sl_fail_nomem(err, "a search");
    s->flat = &ix->flat;
    s->max_queries = max_queries;
    s->max_top = max_top;
    hits = (size_t)max_queries * (size_t)max_top;
    s->row = sl_alloc(hits, sizeof *s->row);
    s->score = sl_alloc(hits, sizeof *s->score);
    st = s->row && s->score
             ? sl_backend_open_cpu(&s->be, SL_FP32, sl_cpu_from_env(), err)
             : sl_fail_nomem(err, "a search");
    if (st == SIMLM_OK)
        st = sl_flat_search_new(&s->search, s->flat, s->be, max_queries,
                                max_top, 0, err);
    if (st < 0)
        simlm_searcher_free(s);
    else
        *out = s;
    return st;
}

void simlm_searcher_free(simlm_searcher *s)
{
    if (!s)
        return;
    sl_flat_search_free(s->search);
    sl_backend_close(s->be);
    sl_free(s->row);
    sl_free(s->score);
    sl_free(s);
}

size_t simlm_searcher_bytes(const simlm_searcher *s)
{
    return s ? sizeof *s + sl_flat_search_bytes(s->search) +
                   (size_t)s->max_queries * (size_t)s->max_top *
                       (sizeof *s->row + sizeof *s->score)
             : 0;
}

void simlm_searcher_set_threads(simlm_searcher *s, int32_t threads)
{
    if (s)
        s->threads = threads > 0 ? threads : 0;
}

simlm_status simlm_search(simlm_searcher *s, simlm_hit *hit, const float *vec,
                          int32_t n, int32_t top, simlm_error *err)
{
    int before = sl_parallel_threads();
    simlm_status st;

    SL_API_NOT_NULL(s);
    SL_API_NOT_NULL(hit);
    SL_API_NOT_NULL(vec);
    SL_API_RANGE(n, 1, s->max_queries);
    SL_API_RANGE(top, 1, s->max_top);
    if (s->threads)
        sl_parallel_set_threads(s->threads);
    st = sl_flat_search_run(s->search, s->row, s->score, vec, n, top, err);
    if (s->threads)
        sl_parallel_set_threads(before);
    if (st < 0)
        return st;
    for (int64_t i = 0; i < (int64_t)n * top; i++)
        hit[i] = (simlm_hit){s->row[i], s->score[i]};
    return SIMLM_OK;
}
