#include "eval/overlap.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "format/json.h"
#include "format/runfile.h"

/* Webber's p: the share of the weight below the head of 10 is about 0.14. */
static const double RBO_P = 0.9;

static const int32_t cutoffs[SIMLM_OVERLAP_CUTOFFS] = {1, 10, 50, 200, 1000};

/* A query's hits in one run, and where the other run has them. */
struct list {
    const struct sl_hit *hit;
    int64_t n;
    int64_t *other; /* [n] position in the other list; -1: not there */
};

struct overlap {
    struct sl_run *run[2];
    int64_t *at;     /* [docs of run 0] position in list 0; -1 */
    int64_t *shared; /* [longest list + 1] X_d */
    struct list list[2];
    simlm_overlap sum;
};

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t longest(const struct sl_run *r)
{
    int64_t most = 0;

    for (int64_t q = 0; q < sl_strmap_count(r->queries); q++)
        if (r->start[q + 1] - r->start[q] > most)
            most = r->start[q + 1] - r->start[q];
    return most;
}

/* ---- one query ----------------------------------------------------------- */

static void pair_up(struct overlap *o)
{
    struct list *a = &o->list[0], *b = &o->list[1];
    const struct sl_strmap *docs = o->run[1]->docs;

    for (int64_t i = 0; i < a->n; i++) {
        o->at[a->hit[i].doc] = i;
        a->other[i] = -1;
    }
    for (int64_t j = 0; j < b->n; j++) {
        int64_t doc = b->hit[j].doc;
        int64_t entry =
            sl_strmap_find(o->run[0]->docs, sl_strmap_key(docs, doc),
                           sl_strmap_key_len(docs, doc));

        b->other[j] = entry < 0 ? -1 : o->at[entry];
        if (b->other[j] >= 0)
            a->other[b->other[j]] = j;
    }
    for (int64_t i = 0; i < a->n; i++)
        o->at[a->hit[i].doc] = -1;
}

/* shared[d] <- X_d, up to the longer list's length, which is returned. */
static int64_t count_shared(struct overlap *o)
{
    const struct list *a = &o->list[0], *b = &o->list[1];
    int64_t n = a->n > b->n ? a->n : b->n;

    memset(o->shared, 0, (size_t)(n + 1) * sizeof *o->shared);
    for (int64_t i = 0; i < a->n; i++)
        if (a->other[i] >= 0)
            o->shared[(a->other[i] > i ? a->other[i] : i) + 1]++;
    for (int64_t d = 1; d <= n; d++)
        o->shared[d] += o->shared[d - 1];
    return n;
}

/* Rank-biased overlap, extrapolated from the depth that both lists have. */
static double rank_biased(const struct overlap *o)
{
    int64_t n = smaller(o->list[0].n, o->list[1].n);
    double sum = 0, weight = 1, agreement = 0;

    for (int64_t d = 1; d <= n; d++) {
        agreement = (double)o->shared[d] / (double)d;
        sum += (1 - RBO_P) * weight * agreement;
        weight *= RBO_P;
    }
    return sum + agreement * weight;
}

/* How many of a's first k could be among b's first k, were b's ties broken in
 * a's favour. */
static int64_t count_tied(const struct list *a, const struct list *b, int64_t k)
{
    int64_t found = 0, last = smaller(k, b->n) - 1;

    for (int64_t i = 0; i < smaller(k, a->n); i++)
        found +=
            a->other[i] >= 0 && b->hit[a->other[i]].score >= b->hit[last].score;
    return found;
}

static bool same_order(const struct list *a, const struct list *b, int64_t n)
{
    if (a->n < n || b->n < n)
        return false;
    for (int64_t i = 0; i < n; i++)
        if (a->other[i] != i)
            return false;
    return true;
}

static void add_query(struct overlap *o)
{
    const struct list *a = &o->list[0], *b = &o->list[1];
    int64_t longer;

    pair_up(o);
    longer = count_shared(o);
    o->sum.n_queries++;
    o->sum.rbo += rank_biased(o);
    for (int i = 0; i < SIMLM_OVERLAP_CUTOFFS; i++) {
        int64_t k = cutoffs[i], n = smaller(k, longer);
        simlm_overlap_at *x = &o->sum.at[i];

        x->overlap += (double)o->shared[n] / (double)n;
        x->tied += (double)(count_tied(a, b, k) + count_tied(b, a, k)) /
                   (double)(2 * n);
        x->order += same_order(a, b, n);
    }
}

/* ---- two runs ------------------------------------------------------------ */

static simlm_status take_room(struct overlap *o, simlm_error *err)
{
    int64_t n_docs = sl_strmap_count(o->run[0]->docs), most = 0;

    for (int side = 0; side < 2; side++) {
        int64_t n = longest(o->run[side]);

        o->list[side].other = SL_NEW_ARRAY(int64_t, n + 1);
        if (!o->list[side].other)
            return sl_fail_nomem(err, "a comparison of runs");
        most = n > most ? n : most;
    }
    o->shared = SL_NEW_ARRAY(int64_t, most + 1);
    o->at = SL_NEW_ARRAY(int64_t, n_docs + 1);
    if (!o->shared || !o->at)
        return sl_fail_nomem(err, "a comparison of runs");
    for (int64_t i = 0; i < n_docs; i++)
        o->at[i] = -1;
    return SIMLM_OK;
}

static void set_list(struct overlap *o, int side, int64_t query)
{
    const struct sl_run *r = o->run[side];

    o->list[side].hit = r->hit + r->start[query];
    o->list[side].n = r->start[query + 1] - r->start[query];
}

static void add_all(struct overlap *o)
{
    const struct sl_strmap *a = o->run[0]->queries, *b = o->run[1]->queries;

    for (int64_t q = 0; q < sl_strmap_count(a); q++) {
        int64_t other =
            sl_strmap_find(b, sl_strmap_key(a, q), sl_strmap_key_len(a, q));

        if (other < 0)
            continue;
        set_list(o, 0, q);
        set_list(o, 1, other);
        add_query(o);
    }
    o->sum.n_only_a = sl_strmap_count(a) - o->sum.n_queries;
    o->sum.n_only_b = sl_strmap_count(b) - o->sum.n_queries;
}

static void finish(simlm_overlap *out, const struct overlap *o)
{
    double n = (double)o->sum.n_queries;

    *out = o->sum;
    out->rbo /= n;
    for (int i = 0; i < SIMLM_OVERLAP_CUTOFFS; i++) {
        out->at[i].cutoff = cutoffs[i];
        out->at[i].overlap /= n;
        out->at[i].tied /= n;
        out->at[i].order /= n;
    }
}

simlm_status sl_overlap_measure(simlm_overlap *out, const char *run_a,
                                const char *run_b, simlm_error *err)
{
    struct overlap o = {.at = NULL};
    simlm_status st = sl_run_load(&o.run[0], run_a, err);

    if (st == SIMLM_OK)
        st = sl_run_load(&o.run[1], run_b, err);
    if (st == SIMLM_OK)
        st = take_room(&o, err);
    if (st == SIMLM_OK) {
        add_all(&o);
        if (o.sum.n_queries)
            finish(out, &o);
        else
            st = sl_fail(err, SIMLM_E_FORMAT,
                         "'%s' and '%s' have no query in common", run_a, run_b);
    }
    for (int side = 0; side < 2; side++) {
        sl_run_free(o.run[side]);
        sl_free(o.list[side].other);
    }
    sl_free(o.shared);
    sl_free(o.at);
    return st;
}

/* ---- the report ---------------------------------------------------------- */

static void put_text(struct sl_str *s, const simlm_overlap *o)
{
    sl_str_printf(s, "num_q          \tall\t%" PRId64 "\n", o->n_queries);
    sl_str_printf(s, "only_a         \tall\t%" PRId64 "\n", o->n_only_a);
    sl_str_printf(s, "only_b         \tall\t%" PRId64 "\n", o->n_only_b);
    sl_str_printf(s, "rbo            \tall\t%.4f\n", o->rbo);
    for (int i = 0; i < SIMLM_OVERLAP_CUTOFFS; i++) {
        const simlm_overlap_at *x = &o->at[i];

        sl_str_printf(s, "overlap@%-7d\tall\t%.4f\n", x->cutoff, x->overlap);
        sl_str_printf(s, "tied@%-10d\tall\t%.4f\n", x->cutoff, x->tied);
        sl_str_printf(s, "order@%-9d\tall\t%.4f\n", x->cutoff, x->order);
    }
}

static void add_at(struct sl_json_writer *w, const char *what, int32_t cutoff,
                   double value)
{
    char key[32];

    snprintf(key, sizeof key, "%s@%d", what, cutoff);
    sl_json_add_real(w, key, value);
}

static void put_json(struct sl_str *s, const simlm_overlap *o)
{
    struct sl_json_writer w = {.s = s, .indent = 4};

    sl_json_begin(&w, NULL, '{');
    sl_json_add_int(&w, "num_q", o->n_queries);
    sl_json_add_int(&w, "only_a", o->n_only_a);
    sl_json_add_int(&w, "only_b", o->n_only_b);
    sl_json_add_real(&w, "rbo", o->rbo);
    for (int i = 0; i < SIMLM_OVERLAP_CUTOFFS; i++) {
        const simlm_overlap_at *x = &o->at[i];

        add_at(&w, "overlap", x->cutoff, x->overlap);
        add_at(&w, "tied", x->cutoff, x->tied);
        add_at(&w, "order", x->cutoff, x->order);
    }
    sl_json_end(&w);
    sl_str_putc(s, '\n');
}

simlm_status sl_overlap_write(const simlm_overlap *o, bool json,
                              const char *path, simlm_error *err)
{
    struct sl_str s = {0};
    simlm_status st;

    if (json)
        put_json(&s, o);
    else
        put_text(&s, o);
    st = sl_str_ok(&s) ? sl_file_write(path, s.s, s.len, err)
                       : sl_fail_nomem(err, "a report");
    sl_str_free(&s);
    return st;
}
