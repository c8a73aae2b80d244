/*
 * The search half of flat.h: blocks of rows times a batch of queries through
 * the backend's `scores`, then each query's best of the block are kept.
 *
 *     for each batch of queries          (max_queries at a time)
 *       for each block of rows           (block at a time, in order)
 *         scores [queries, rows]         one op
 *         offer them to the queries' heaps, one query a task
 *
 * The block is the inner loop's, so that the vectors are read once a batch.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "backend/ops.h"
#include "base/alloc.h"
#include "base/parallel.h"
#include "index/flat.h"
#include "index/topk.h"

/* 4,096 rows of 768 floats are 12 MB: they stream; the scores of 128 queries
 * for them are 2 MB and stay in the second-level cache. */
enum { DEFAULT_BLOCK = 4096 };

struct sl_flat_search {
    const struct sl_flat *ix;
    struct sl_backend *be;
    int64_t max_queries, max_k, block;
    int64_t begin, end; /* rows that are searched */
    size_t bytes;
    struct sl_topk *top; /* [max_queries] */
    uint64_t *heap;      /* [max_queries, max_k] */
    float *padded;       /* [max_queries, stride] */
    float *score;        /* [max_queries, block]; NULL if be->host */
    sl_real *q, *dots;   /* the same two in the backend's memory */
    sl_real *rows;       /* [block, stride]; NULL if be->host */
};

static void *take(struct sl_flat_search *s, int64_t n, int64_t m, size_t size,
                  bool *ok)
{
    size_t count, bytes;
    void *p = NULL;

    if (sl_mul_size(&count, (size_t)n, (size_t)m) &&
        sl_mul_size(&bytes, count, size) && bytes <= SIZE_MAX - s->bytes)
        p = sl_calloc(count, size);
    if (p)
        s->bytes += bytes;
    else
        *ok = false;
    return p;
}

static simlm_status take_real(struct sl_flat_search *s, sl_real **out,
                              int64_t n, int64_t m, simlm_error *err)
{
    size_t count, bytes;
    void *p = NULL;

    if (!sl_mul_size(&count, (size_t)n, (size_t)m) ||
        !sl_mul_size(&bytes, count, s->be->real_bytes))
        return sl_fail_nomem(err, "a search");
    SL_TRY(s->be->alloc(s->be, &p, bytes, "a search", err));
    *out = p;
    s->bytes += bytes;
    return SIMLM_OK;
}

simlm_status sl_flat_search_new(struct sl_flat_search **out,
                                const struct sl_flat *ix, struct sl_backend *be,
                                int64_t max_queries, int64_t max_k,
                                int64_t block, simlm_error *err)
{
    struct sl_flat_search *s = SL_NEW(struct sl_flat_search);
    simlm_status st = SIMLM_OK;
    bool ok = true;

    SL_ASSERT(max_queries >= 1 && max_k >= 1 && block >= 0);
    if (!s)
        return sl_fail_nomem(err, "a search");
    s->ix = ix;
    s->be = be;
    s->end = ix->n;
    s->max_queries = max_queries;
    s->max_k = max_k;
    s->block = block ? block : DEFAULT_BLOCK;
    if (s->block > ix->n)
        s->block = ix->n ? ix->n : 1;
    s->bytes = sizeof *s;
    s->top = take(s, max_queries, 1, sizeof *s->top, &ok);
    /* No more than n rows can be kept, however large k is. */
    s->heap = take(s, max_queries, max_k < ix->n ? max_k : ix->n + 1,
                   sizeof *s->heap, &ok);
    s->padded = take(s, max_queries, ix->stride, sizeof *s->padded, &ok);
    if (!be->host)
        s->score = take(s, max_queries, s->block, sizeof *s->score, &ok);
    if (!ok)
        st = sl_fail_nomem(err, "a search");
    if (st == SIMLM_OK)
        st = take_real(s, &s->q, max_queries, ix->stride, err);
    if (st == SIMLM_OK && !be->host)
        st = take_real(s, &s->rows, s->block, ix->stride, err);
    if (st == SIMLM_OK)
        st = take_real(s, &s->dots, max_queries, s->block, err);
    if (st < 0)
        sl_flat_search_free(s);
    else
        *out = s;
    return st;
}

void sl_flat_search_free(struct sl_flat_search *s)
{
    if (!s)
        return;
    s->be->free(s->be, s->q);
    s->be->free(s->be, s->rows);
    s->be->free(s->be, s->dots);
    sl_free(s->top);
    sl_free(s->heap);
    sl_free(s->padded);
    sl_free(s->score);
    sl_free(s);
}

void sl_flat_search_rows(struct sl_flat_search *s, int64_t begin, int64_t end)
{
    SL_ASSERT(begin >= 0 && begin <= end && end <= s->ix->n);
    s->begin = begin;
    s->end = end;
}

size_t sl_flat_search_bytes(const struct sl_flat_search *s)
{
    return s->bytes;
}

struct block_task {
    struct sl_topk *top;
    const float *score; /* [queries, rows] */
    int64_t rows, first_row;
};

static void offer_block(void *ctx, int64_t begin, int64_t end)
{
    const struct block_task *t = ctx;

    for (int64_t i = begin; i < end; i++)
        sl_topk_offer(&t->top[i], t->score + i * t->rows, t->rows,
                      t->first_row);
}

/* Rows of the index where the op can read them. */
static const sl_real *rows_of(struct sl_flat_search *s, int64_t first,
                              int64_t rows)
{
    const float *at = s->ix->rows + first * s->ix->stride;

    if (s->be->host)
        return (const sl_real *)(const void *)at;
    s->be->upload_real(s->be, s->rows, at, rows * s->ix->stride);
    return s->rows;
}

/* The first n scores where we can read them. */
static const float *scores_of(struct sl_flat_search *s, int64_t n)
{
    if (s->be->host)
        return (const float *)(const void *)s->dots;
    s->be->download_real(s->be, s->score, s->dots, n);
    return s->score;
}

static simlm_status score_block(struct sl_flat_search *s, int64_t n,
                                int64_t first, int64_t rows, simlm_error *err)
{
    struct block_task task = {s->top, NULL, rows, first};

    s->be->ops->scores(s->be, s->dots, s->q, rows_of(s, first, rows), n, rows,
                       s->ix->stride);
    SL_TRY(s->be->sync(s->be, err));
    task.score = scores_of(s, n * rows);
    sl_parallel_for(n, 1, offer_block, &task);
    return SIMLM_OK;
}

static simlm_status search_batch(struct sl_flat_search *s, int64_t *row,
                                 float *score, const float *q, int64_t n,
                                 int64_t k, simlm_error *err)
{
    const struct sl_flat *ix = s->ix;
    int64_t all = s->end - s->begin, keep = k < all ? k : all;

    for (int64_t i = 0; i < n; i++) {
        memcpy(s->padded + i * ix->stride, q + i * ix->dim,
               (size_t)ix->dim * sizeof *q);
        sl_topk_begin(&s->top[i], s->heap + i * keep, keep);
    }
    s->be->upload_real(s->be, s->q, s->padded, n * ix->stride);
    for (int64_t at = s->begin; at < s->end; at += s->block) {
        int64_t rows = s->end - at < s->block ? s->end - at : s->block;

        SL_TRY(score_block(s, n, at, rows, err));
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t *r = row + i * k;
        float *v = score + i * k;
        int64_t got = 0;

        if (s->top[i].nan)
            return sl_fail(err, SIMLM_E_NUMERIC,
                           "a score of query %" PRId64
                           " is not a number: a vector of the query or of "
                           "the index is damaged",
                           i);
        if (keep)
            got = sl_topk_finish(&s->top[i], v, r);
        for (; got < k; got++) {
            r[got] = -1;
            v[got] = -INFINITY;
        }
    }
    return SIMLM_OK;
}

simlm_status sl_flat_search_run(struct sl_flat_search *s, int64_t *row,
                                float *score, const float *q, int64_t n,
                                int64_t k, simlm_error *err)
{
    SL_ASSERT(n >= 0 && k >= 1 && k <= s->max_k);
    for (int64_t at = 0; at < n; at += s->max_queries) {
        int64_t m = n - at < s->max_queries ? n - at : s->max_queries;

        SL_TRY(search_batch(s, row + at * k, score + at * k,
                            q + at * s->ix->dim, m, k, err));
    }
    return SIMLM_OK;
}
