#include "format/runfile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "format/fields.h"
#include "format/grouping.h"
#include "format/number.h"

/* ---- reading ------------------------------------------------------------- */

struct reader {
    struct sl_run *run;
    const struct sl_strmap *only; /* queries that are wanted; NULL: all */
    const char *path;
    int n_fields; /* of the first line: 3, 4 or 6 */
    int64_t n, cap, query_cap;
    int32_t *query; /* of each hit */
    struct sl_linemap lines;
};

/* A field that is wrong: "rank", "score"; NULL: the line as a whole is. */
struct complaint {
    const char *field;
    const char *s;
    size_t len;
};

static simlm_status expected(const struct reader *r, int64_t line,
                             const struct complaint *bad, simlm_error *err)
{
    const char *form = "a run, 'query passage rank [score]' or 'query Q0 "
                       "passage rank score tag'";

    if (r->n_fields == 3)
        form = "'query <tab> passage <tab> rank', the rank from 1";
    else if (r->n_fields == 4)
        form = "'query <tab> passage <tab> rank <tab> score'";
    else if (r->n_fields == 6)
        form = "'query Q0 passage rank score tag'";
    if (bad)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "%s:%lld: expected %s, but the %s is '%.*s'", r->path,
                       (long long)line, form, bad->field,
                       bad->len < 40 ? (int)bad->len : 40, bad->s);
    return sl_fail(err, SIMLM_E_FORMAT, "%s:%lld: expected %s", r->path,
                   (long long)line, form);
}

/*
 * The reference's score for a rank alone: Python's round(1 / rank, 4), which
 * rounds the double's exact value, as printf does.  The digits are picked out
 * by place, because what stands between them is the locale's business.
 */
static double score_of_rank(int64_t rank)
{
    char buf[32];
    size_t n = (size_t)snprintf(buf, sizeof buf, "%.4f", 1 / (double)rank);
    int64_t x = 0;

    sl_parse_int(&x, buf + n - 4, 4);
    return (double)(10000 * (buf[0] - '0') + x) / 10000;
}

/* False: *bad says which field is not a number, or not one that may be. */
static bool parse_hit(struct sl_hit *h, struct complaint *bad,
                      const struct sl_fields *f)
{
    int at = f->n == 6 ? 3 : 2; /* of the rank */

    *bad = (struct complaint){"rank", f->s[at], f->len[at]};
    if (!sl_parse_int(&h->rank, f->s[at], f->len[at]) ||
        h->rank < (f->n > 3 ? 0 : 1))
        return false;
    if (f->n == 3) {
        h->score = score_of_rank(h->rank);
        return true;
    }
    *bad = (struct complaint){"score", f->s[at + 1], f->len[at + 1]};
    return sl_parse_real(&h->score, f->s[at + 1], f->len[at + 1]);
}

static simlm_status add_hit(struct reader *r, const struct sl_fields *f,
                            int64_t line, simlm_error *err)
{
    int doc = f->n == 6 ? 2 : 1;
    struct complaint bad;
    struct sl_hit h;
    int64_t query;

    if (f->n != r->n_fields || !f->len[0] || !f->len[doc])
        return expected(r, line, NULL, err);
    if (!parse_hit(&h, &bad, f))
        return expected(r, line, &bad, err);
    if (r->only && sl_strmap_find(r->only, f->s[0], f->len[0]) < 0)
        return SIMLM_OK;
    query = sl_strmap_add(r->run->queries, f->s[0], f->len[0], 0, NULL);
    h.doc = sl_strmap_add(r->run->docs, f->s[doc], f->len[doc], 0, NULL);
    if (query < 0 || query > INT32_MAX || h.doc < 0 ||
        !sl_grow(&r->run->hit, &r->cap, r->n + 1, sizeof h) ||
        !sl_grow(&r->query, &r->query_cap, r->n + 1, sizeof *r->query) ||
        !sl_linemap_add(&r->lines, r->n, line, 0))
        return sl_fail_nomem(err, r->path);
    r->query[r->n] = (int32_t)query;
    r->run->hit[r->n++] = h;
    return SIMLM_OK;
}

static simlm_status read_lines(struct reader *r, struct sl_lines *in,
                               simlm_error *err)
{
    struct sl_line line;
    struct sl_fields f;

    for (;;) {
        SL_TRY(sl_lines_next(in, &line, err));
        if (!line.text)
            return SIMLM_OK;
        sl_fields_cut(&f, &line);
        if (!f.n)
            continue;
        if (!r->n_fields) {
            if (f.n != 3 && f.n != 4 && f.n != 6)
                return expected(r, line.number, NULL, err);
            r->n_fields = f.n;
        }
        SL_TRY(add_hit(r, &f, line.number, err));
    }
}

static simlm_status check_unique(const struct reader *r, const int64_t *order,
                                 simlm_error *err)
{
    const struct sl_run *run = r->run;
    int64_t a, b;

    SL_TRY(sl_group_find_twice(
        &a, &b, run->start, sl_strmap_count(run->queries), run->hit,
        sizeof *run->hit, sl_strmap_count(run->docs), err));
    if (a < 0)
        return SIMLM_OK;
    return sl_fail(
        err, SIMLM_E_FORMAT,
        "%s:%lld: expected a passage once for a query, but '%s' is in line "
        "%lld, too",
        r->path,
        (long long)sl_linemap_line(&r->lines, order ? order[b] : b, NULL),
        sl_strmap_key(run->docs, run->hit[b].doc),
        (long long)sl_linemap_line(&r->lines, order ? order[a] : a, NULL));
}

/* Merge sort by rank: stable, and linear where the file is sorted already. */
static void sort_by_rank(struct sl_hit *h, struct sl_hit *scratch, int64_t n)
{
    int64_t mid = n / 2, i = 0, j, k = 0;

    if (n < 2)
        return;
    sort_by_rank(h, scratch, mid);
    sort_by_rank(h + mid, scratch, n - mid);
    if (h[mid - 1].rank <= h[mid].rank)
        return;
    memcpy(scratch, h, (size_t)mid * sizeof *h);
    for (j = mid; i < mid; k++)
        h[k] = j < n && h[j].rank < scratch[i].rank ? h[j++] : scratch[i++];
}

static simlm_status sort_hits(struct sl_run *run, simlm_error *err)
{
    int64_t n = sl_strmap_count(run->queries), longest = 0;
    struct sl_hit *scratch;

    for (int64_t i = 0; i < n; i++)
        if (run->start[i + 1] - run->start[i] > longest)
            longest = run->start[i + 1] - run->start[i];
    scratch = sl_alloc((size_t)longest, sizeof *scratch);
    if (!scratch)
        return sl_fail_nomem(err, "the hits of a query");
    for (int64_t i = 0; i < n; i++)
        sort_by_rank(run->hit + run->start[i], scratch,
                     run->start[i + 1] - run->start[i]);
    sl_free(scratch);
    return SIMLM_OK;
}

static simlm_status finish(struct reader *r, simlm_error *err)
{
    struct sl_run *run = r->run;
    int64_t *order = NULL;
    simlm_status st;

    SL_TRY(sl_group(&run->start, &order, r->query, r->n,
                    sl_strmap_count(run->queries), err));
    st = sl_group_apply(&run->hit, sizeof *run->hit, order, r->n, err);
    if (st == SIMLM_OK)
        st = check_unique(r, order, err);
    if (st == SIMLM_OK)
        st = sort_hits(run, err);
    sl_free(order);
    return st;
}

simlm_status sl_run_load(struct sl_run **out, const char *path,
                         simlm_error *err)
{
    return sl_run_load_only(out, path, NULL, err);
}

simlm_status sl_run_load_only(struct sl_run **out, const char *path,
                              const struct sl_strmap *only, simlm_error *err)
{
    struct reader r = {.only = only};
    struct sl_lines *in = NULL;
    simlm_status st = sl_lines_open(&in, path, err);

    if (st < 0)
        return st;
    r.path = sl_lines_path(in);
    r.run = SL_NEW(struct sl_run);
    if (r.run) {
        r.run->queries = sl_strmap_new();
        r.run->docs = sl_strmap_new();
    }
    if (!r.run || !r.run->queries || !r.run->docs)
        st = sl_fail_nomem(err, path);
    if (st == SIMLM_OK)
        st = read_lines(&r, in, err);
    if (st == SIMLM_OK)
        st = finish(&r, err);
    if (st == SIMLM_OK)
        *out = r.run;
    else
        sl_run_free(r.run);
    sl_linemap_free(&r.lines);
    sl_free(r.query);
    sl_lines_close(in);
    return st;
}

void sl_run_free(struct sl_run *r)
{
    if (!r)
        return;
    sl_strmap_free(r->queries);
    sl_strmap_free(r->docs);
    sl_free(r->start);
    sl_free(r->hit);
    sl_free(r);
}

/* ---- writing ------------------------------------------------------------- */

simlm_status sl_run_writer_open(struct sl_run_writer *w, const char *path,
                                enum sl_run_format format, const char *tag,
                                simlm_error *err)
{
    w->format = format;
    w->tag = tag && *tag ? tag : "simlm";
    return sl_out_open(&w->out, path, err);
}

void sl_run_writer_add(struct sl_run_writer *w, const char *query,
                       const char *passage, int64_t rank, double score)
{
    /* Between tabs an id may hold blanks. */
    char c = strchr(query, ' ') || strchr(passage, ' ') ? '\t' : ' ';
    char number[SL_NUMBER_BUF];

    sl_format_real9(number, score);
    if (w->format == SL_RUN_TREC)
        fprintf(w->out.f, "%s%cQ0%c%s%c%lld%c%s%c%s\n", query, c, c, passage, c,
                (long long)rank, c, number, c, w->tag);
    else
        fprintf(w->out.f, "%s\t%s\t%lld\t%s\n", query, passage, (long long)rank,
                number);
}

simlm_status sl_run_writer_commit(struct sl_run_writer *w, simlm_error *err)
{
    return sl_out_commit(&w->out, err);
}

void sl_run_writer_abort(struct sl_run_writer *w)
{
    sl_out_abort(&w->out);
}
