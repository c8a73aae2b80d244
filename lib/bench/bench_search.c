/*
 * bench_search.c - exact search in a flat index of random vectors: one query,
 * which reads every vector for one product each, and many together, which are a
 * matrix product.
 */
#include "bench/bench.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "index/flat.h"

enum { MANY = 128, TOP = 100 };

struct searching {
    struct sl_flat ix;
    struct sl_flat_search *search;
    float *queries, *score;
    int64_t *row;
    int64_t n; /* queries of a call */
};

static simlm_status search(void *what, simlm_error *err)
{
    struct searching *s = what;

    return sl_flat_search_run(s->search, s->row, s->score, s->queries, s->n,
                              TOP, err);
}

/* x [n] <- even in -1 .. 1; a seed for each kind of vector. */
static void fill(float *x, int64_t n, uint64_t seed)
{
    struct sl_rng rng;

    sl_rng_init(&rng, sl_stream(seed, SL_PURPOSE_TEST, 0));
    for (int64_t i = 0; i < n; i++)
        x[i] = (float)(sl_rng_unit(&rng) * 2 - 1);
}

/* The index copies vectors and ids, so they live only here. */
static simlm_status make_index(struct sl_flat *ix, int64_t n, int64_t dim,
                               simlm_error *err)
{
    enum { ID_BYTES = 24 };
    size_t count = 0;
    float *vec = NULL;
    char *text = sl_alloc((size_t)n, ID_BYTES);
    const char **id = sl_alloc((size_t)n, sizeof *id);
    simlm_status st;

    if (sl_mul_size(&count, (size_t)n, (size_t)dim))
        vec = sl_alloc(count, sizeof *vec);
    st = vec && text && id ? SIMLM_OK : sl_fail_nomem(err, "an index");
    if (st == SIMLM_OK) {
        fill(vec, (int64_t)count, 1);
        for (int64_t i = 0; i < n; i++) {
            id[i] = text + i * ID_BYTES;
            snprintf(text + i * ID_BYTES, ID_BYTES, "%lld", (long long)i);
        }
        st = sl_flat_make(ix, vec, id, n, dim, err);
    }
    sl_free(vec);
    sl_free(text);
    sl_free(id);
    return st;
}

static simlm_status open_search(struct searching *s, const struct sl_bench *b,
                                simlm_error *err)
{
    int64_t dim = b->o->dim;

    SL_TRY(make_index(&s->ix, b->o->rows, dim, err));
    SL_TRY(sl_flat_search_new(&s->search, &s->ix, b->be, MANY, TOP, 0, err));
    s->queries = SL_NEW_ARRAY(float, MANY *dim);
    s->score = SL_NEW_ARRAY(float, MANY *TOP);
    s->row = SL_NEW_ARRAY(int64_t, MANY * TOP);
    if (!s->queries || !s->score || !s->row)
        return sl_fail_nomem(err, "queries");
    fill(s->queries, MANY * dim, 2);
    return SIMLM_OK;
}

static simlm_status measure(struct sl_bench *b, struct searching *s, int64_t n,
                            enum sl_limit limit, simlm_error *err)
{
    double vectors = (double)s->ix.n * (double)s->ix.stride;
    char name[128];
    struct sl_work w = {.part = "search",
                        .name = name,
                        .units = (double)n,
                        .unit = "queries/s",
                        .flops = 2 * (double)n * vectors,
                        .bytes = sizeof(float) * vectors,
                        .limit = limit};

    snprintf(name, sizeof name, "%lld x %lld, %lld quer%s", (long long)s->ix.n,
             (long long)s->ix.dim, (long long)n, n == 1 ? "y" : "ies");
    s->n = n;
    return sl_bench_measure(b, &w, search, s, err);
}

simlm_status sl_bench_search(struct sl_bench *b, simlm_error *err)
{
    struct searching s = {0};
    simlm_status st = open_search(&s, b, err);

    if (st == SIMLM_OK)
        st = measure(b, &s, 1, SL_LIMIT_MEMORY, err);
    if (st == SIMLM_OK)
        st = measure(b, &s, MANY, SL_LIMIT_FP32, err);
    sl_flat_search_free(s.search);
    sl_flat_close(&s.ix);
    sl_free(s.queries);
    sl_free(s.score);
    sl_free(s.row);
    return st;
}
