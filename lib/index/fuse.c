#include "index/fuse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "format/runfile.h"

/* A passage of the query at hand. */
struct fused {
    double sum;
    float score;
    int64_t doc, order; /* order in which it was met */
};

struct fusion {
    const simlm_fuse_options *o;
    struct sl_run **run;              /* [o->n_runs] */
    struct sl_strmap *queries, *docs; /* of all runs, in the order met */
    int64_t *slot;                    /* [docs] of a passage in `list`, or -1 */
    struct fused *list;
    int64_t n, cap;
};

/* How one run's scores for one query become values: (s - shift) * factor +
 * base, and what a passage that it does not list gets. */
struct scale {
    double shift, factor, base, missing;
};

static void release(struct fusion *f)
{
    for (int32_t i = 0; f->run && i < f->o->n_runs; i++)
        sl_run_free(f->run[i]);
    sl_free(f->run);
    sl_strmap_free(f->queries);
    sl_strmap_free(f->docs);
    sl_free(f->slot);
    sl_free(f->list);
}

static bool add_all(struct sl_strmap *to, const struct sl_strmap *from)
{
    for (int64_t i = 0; i < sl_strmap_count(from); i++)
        if (sl_strmap_add(to, sl_strmap_key(from, i),
                          sl_strmap_key_len(from, i), 0, NULL) < 0)
            return false;
    return true;
}

static simlm_status load(struct fusion *f, simlm_error *err)
{
    f->run = SL_NEW_ARRAY(struct sl_run *, f->o->n_runs);
    f->queries = sl_strmap_new();
    f->docs = sl_strmap_new();
    if (!f->run || !f->queries || !f->docs)
        return sl_fail_nomem(err, "a fusion");
    for (int32_t i = 0; i < f->o->n_runs; i++) {
        SL_TRY(sl_run_load(&f->run[i], f->o->runs[i], err));
        if (!add_all(f->queries, f->run[i]->queries) ||
            !add_all(f->docs, f->run[i]->docs))
            return sl_fail_nomem(err, "a fusion");
    }
    f->slot = SL_NEW_ARRAY(int64_t, sl_strmap_count(f->docs));
    if (!f->slot)
        return sl_fail_nomem(err, "a fusion");
    for (int64_t i = 0; i < sl_strmap_count(f->docs); i++)
        f->slot[i] = -1;
    return SIMLM_OK;
}

static struct scale minmax(const struct sl_hit *hit, int64_t n)
{
    double low = hit[0].score, high = hit[0].score;

    for (int64_t i = 1; i < n; i++) {
        low = fmin(low, hit[i].score);
        high = fmax(high, hit[i].score);
    }
    if (low == high)
        return (struct scale){.shift = low, .base = 1};
    return (struct scale){.shift = low, .factor = 1 / (high - low)};
}

static double lowest(const struct sl_hit *hit, int64_t n)
{
    double low = hit[0].score;

    for (int64_t i = 1; i < n; i++)
        low = fmin(low, hit[i].score);
    return low;
}

static struct scale zscore(const struct sl_hit *hit, int64_t n)
{
    double mean = 0, square = 0, factor;

    for (int64_t i = 0; i < n; i++)
        mean += hit[i].score / (double)n;
    for (int64_t i = 0; i < n; i++)
        square += (hit[i].score - mean) * (hit[i].score - mean);
    factor = square > 0 ? 1 / sqrt(square / (double)n) : 0;
    return (struct scale){.shift = mean,
                          .factor = factor,
                          .missing = (lowest(hit, n) - mean) * factor};
}

static struct scale scale_of(const simlm_fuse_options *o,
                             const struct sl_hit *hit, int64_t n)
{
    if (o->method == SIMLM_FUSE_RRF)
        return (struct scale){0};
    switch (o->normalize) {
    case SIMLM_FUSE_MINMAX:
        return minmax(hit, n);
    case SIMLM_FUSE_ZSCORE:
        return zscore(hit, n);
    default:
        return (struct scale){.factor = 1, .missing = lowest(hit, n)};
    }
}

/* The list's entry of a passage; -1: out of memory. */
static int64_t slot_of(struct fusion *f, int64_t doc)
{
    if (f->slot[doc] >= 0)
        return f->slot[doc];
    if (!sl_grow(&f->list, &f->cap, f->n + 1, sizeof *f->list))
        return -1;
    f->list[f->n] = (struct fused){.doc = doc, .order = f->n};
    return f->slot[doc] = f->n++;
}

/* The hits of a query in run r; n is 0 if it does not have the query. */
static const struct sl_hit *hits_of(const struct fusion *f, int32_t r,
                                    int64_t query, int64_t *n)
{
    const struct sl_run *run = f->run[r];
    int64_t i = sl_strmap_find(run->queries, sl_strmap_key(f->queries, query),
                               sl_strmap_key_len(f->queries, query));

    *n = i < 0 ? 0 : run->start[i + 1] - run->start[i];
    return i < 0 ? NULL : run->hit + run->start[i];
}

static int64_t doc_of(const struct fusion *f, int32_t r, int64_t doc)
{
    const struct sl_strmap *docs = f->run[r]->docs;

    return sl_strmap_find(f->docs, sl_strmap_key(docs, doc),
                          sl_strmap_key_len(docs, doc));
}

/* List every passage that some run has for the query. */
static bool list_passages(struct fusion *f, int64_t query)
{
    f->n = 0;
    for (int32_t r = 0; r < f->o->n_runs; r++) {
        int64_t n;
        const struct sl_hit *hit = hits_of(f, r, query, &n);

        for (int64_t i = 0; i < n; i++)
            if (slot_of(f, doc_of(f, r, hit[i].doc)) < 0)
                return false;
    }
    return true;
}

/* Add run r's part to each passage's sum.  What the run lists is marked by the
 * complement of `order`, so that the rest can be told apart. */
static void add_run(struct fusion *f, int32_t r, int64_t query)
{
    const simlm_fuse_options *o = f->o;
    double weight = o->weights ? o->weights[r] : 1;
    const struct sl_hit *hit;
    struct scale s;
    int64_t n;

    hit = hits_of(f, r, query, &n);
    if (!n)
        return;
    s = scale_of(o, hit, n);
    for (int64_t i = 0; i < n; i++) {
        int64_t at = f->slot[doc_of(f, r, hit[i].doc)];
        double value = (hit[i].score - s.shift) * s.factor + s.base;

        if (o->method == SIMLM_FUSE_RRF)
            value = 1 / (o->rrf_k + (double)i + 1);
        f->list[at].sum += weight * value;
        f->list[at].order = ~f->list[at].order;
    }
    for (int64_t i = 0; i < f->n; i++) {
        if (f->list[i].order < 0)
            f->list[i].order = ~f->list[i].order;
        else
            f->list[i].sum += weight * s.missing;
    }
}

static int best_first(const void *x, const void *y)
{
    const struct fused *a = x, *b = y;

    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return (a->order > b->order) - (a->order < b->order);
}

static simlm_status fuse_query(struct fusion *f, int64_t query,
                               struct sl_run_writer *w, simlm_error *err)
{
    const char *name = sl_strmap_key(f->queries, query);

    if (!list_passages(f, query))
        return sl_fail_nomem(err, "a fusion");
    for (int32_t r = 0; r < f->o->n_runs; r++)
        add_run(f, r, query);
    for (int64_t i = 0; i < f->n; i++) {
        f->slot[f->list[i].doc] = -1;
        f->list[i].score = (float)f->list[i].sum;
        if (!isfinite(f->list[i].score))
            return sl_fail(err, SIMLM_E_RANGE,
                           "the fused score of query '%.100s' and passage "
                           "'%.100s' is too large",
                           name, sl_strmap_key(f->docs, f->list[i].doc));
    }
    qsort(f->list, (size_t)f->n, sizeof *f->list, best_first);
    for (int64_t i = 0; i < f->n && i < f->o->top; i++)
        sl_run_writer_add(w, name, sl_strmap_key(f->docs, f->list[i].doc),
                          i + 1, (double)f->list[i].score);
    return SIMLM_OK;
}

simlm_status sl_fuse(const simlm_fuse_options *options, simlm_error *err)
{
    struct fusion f = {.o = options};
    struct sl_run_writer w = {0};
    simlm_status st = load(&f, err);

    if (st == SIMLM_OK)
        st = sl_run_writer_open(&w, options->output,
                                (enum sl_run_format)options->format,
                                options->tag, err);
    if (st == SIMLM_OK) {
        for (int64_t q = 0; st == SIMLM_OK && q < sl_strmap_count(f.queries);
             q++)
            st = fuse_query(&f, q, &w, err);
        if (st == SIMLM_OK)
            st = sl_run_writer_commit(&w, err);
        else
            sl_run_writer_abort(&w);
    }
    release(&f);
    return st;
}
