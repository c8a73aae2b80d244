#include "prepare/unranked.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/observe.h"
#include "base/rng.h"
#include "format/fields.h"
#include "prepare/raw.h"

enum { LINES_A_REPORT = 1 << 20 };

/* What one query has had, and which of it is kept. */
struct reservoir {
    int32_t *doc; /* [n], indices in docs */
    int64_t n, cap, seen;
};

struct lists {
    const char *path;
    int column; /* the passage's */
    const struct sl_strmap *only;
    int64_t depth;
    uint64_t seed;
    struct sl_strmap *docs;
    struct reservoir *of; /* [keys of only] */
};

static const char *const triples = "qidpidtriples.train.full";

bool sl_unranked_is(const char *path)
{
    const char *name = sl_raw_name(path);

    return !strncmp(name, "top1000.", 8) ||
           !strncmp(name, triples, strlen(triples));
}

/* Item number `seen` replaces any of the kept with the chance that keeps all
 * equal (Vitter's algorithm R); its number is drawn from a stream of its own.
 */
static bool offer(struct lists *l, int64_t query, int32_t doc)
{
    struct reservoir *r = &l->of[query];
    int64_t at = r->n;

    r->seen++;
    if (r->n == l->depth) {
        struct sl_rng rng;

        sl_rng_init(&rng,
                    sl_stream(l->seed, SL_PURPOSE_NEGATIVES, (uint64_t)query));
        rng.next = 4 * (uint64_t)r->seen; /* a block of numbers an item */
        at = (int64_t)sl_rng_below(&rng, (uint64_t)r->seen);
        if (at >= l->depth)
            return true;
    } else if (sl_grow(&r->doc, &r->cap, r->n + 1, sizeof *r->doc)) {
        r->n++;
    } else {
        return false;
    }
    r->doc[at] = doc;
    return true;
}

static simlm_status read_line(struct lists *l, struct sl_line *line,
                              simlm_error *err)
{
    struct sl_fields f;
    int64_t query, doc;

    sl_fields_cut(&f, line);
    if (!f.n)
        return SIMLM_OK;
    if (f.n != (l->column == 1 ? 4 : 3) || !f.len[0] || !f.len[l->column])
        return sl_fail(err, SIMLM_E_FORMAT, "%s:%lld: expected '%s'", l->path,
                       (long long)line->number,
                       l->column == 1
                           ? "query <tab> passage <tab> text <tab> text"
                           : "query <tab> positive <tab> negative");
    query = sl_strmap_find(l->only, f.s[0], f.len[0]);
    if (query < 0)
        return SIMLM_OK;
    doc = sl_strmap_add(l->docs, f.s[l->column], f.len[l->column], 0, NULL);
    if (doc < 0 || doc > INT32_MAX || !offer(l, query, (int32_t)doc))
        return sl_fail_nomem(err, l->path);
    return SIMLM_OK;
}

static simlm_status read_all(struct lists *l, struct sl_lines *in,
                             const simlm_observer *obs, simlm_error *err)
{
    struct sl_line line;

    for (;;) {
        SL_TRY(sl_lines_next(in, &line, err));
        if (!line.text)
            return SIMLM_OK;
        if (line.number % LINES_A_REPORT == 0) {
            sl_observe_progress(obs, "reading", sl_lines_consumed(in), 0,
                                "bytes");
            if (sl_observe_cancelled(obs))
                return sl_fail(err, SIMLM_E_CANCELLED,
                               "stopped while reading '%s'", l->path);
        }
        SL_TRY(read_line(l, &line, err));
    }
}

/* ---- as a run ------------------------------------------------------------ */

static int by_number(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

    return (x > y) - (x < y);
}

/* Sorted, once each, then in random order. */
static void put_in_order(struct reservoir *r, uint64_t stream)
{
    struct sl_rng rng;
    int64_t n = 0;

    qsort(r->doc, (size_t)r->n, sizeof *r->doc, by_number);
    for (int64_t i = 0; i < r->n; i++)
        if (!n || r->doc[n - 1] != r->doc[i])
            r->doc[n++] = r->doc[i];
    r->n = n;
    sl_rng_init(&rng, stream);
    sl_rng_shuffle_i32(&rng, r->doc, n);
}

static simlm_status add_query(struct sl_run *run, struct lists *l, int64_t i,
                              int64_t *n, simlm_error *err)
{
    struct reservoir *r = &l->of[i];
    int64_t q;

    if (!r->n)
        return SIMLM_OK;
    q = sl_strmap_add(run->queries, sl_strmap_key(l->only, i),
                      sl_strmap_key_len(l->only, i), 0, NULL);
    if (q < 0)
        return sl_fail_nomem(err, l->path);
    put_in_order(r, sl_stream(l->seed, SL_PURPOSE_SHUFFLE, (uint64_t)i));
    for (int64_t k = 0; k < r->n; k++)
        run->hit[(*n)++] =
            (struct sl_hit){r->doc[k], k + 1, 1 / (double)(k + 1)};
    run->start[q + 1] = *n;
    return SIMLM_OK;
}

static simlm_status make_run(struct sl_run **out, struct lists *l,
                             simlm_error *err)
{
    int64_t n_queries = sl_strmap_count(l->only), total = 0, n = 0;
    struct sl_run *run = SL_NEW(struct sl_run);
    simlm_status st = SIMLM_OK;

    for (int64_t i = 0; i < n_queries; i++)
        total += l->of[i].n;
    if (run) {
        run->docs = l->docs;
        l->docs = NULL;
        run->queries = sl_strmap_new();
        run->start = SL_NEW_ARRAY(int64_t, n_queries + 1);
        run->hit = SL_NEW_ARRAY(struct sl_hit, total + 1);
    }
    if (!run || !run->queries || !run->start || !run->hit)
        st = sl_fail_nomem(err, l->path);
    for (int64_t i = 0; st == SIMLM_OK && i < n_queries; i++)
        st = add_query(run, l, i, &n, err);
    if (st == SIMLM_OK)
        *out = run;
    else
        sl_run_free(run);
    return st;
}

simlm_status sl_unranked_load(struct sl_run **out, const char *path,
                              const struct sl_strmap *only, int64_t depth,
                              uint64_t seed, const simlm_observer *obs,
                              simlm_error *err)
{
    struct lists l = {
        .path = path,
        .column = strncmp(sl_raw_name(path), "top", 3) ? 2 : 1,
        .only = only,
        .depth = depth,
        .seed = seed,
        .docs = sl_strmap_new(),
        .of = SL_NEW_ARRAY(struct reservoir, sl_strmap_count(only) + 1)};
    struct sl_lines *in = NULL;
    simlm_status st = l.docs && l.of ? sl_lines_open(&in, path, err)
                                     : sl_fail_nomem(err, path);

    if (st == SIMLM_OK)
        st = read_all(&l, in, obs, err);
    if (st == SIMLM_OK)
        st = make_run(out, &l, err);
    sl_lines_close(in);
    for (int64_t i = 0; l.of && i < sl_strmap_count(only); i++)
        sl_free(l.of[i].doc);
    sl_free(l.of);
    sl_strmap_free(l.docs);
    return st;
}
