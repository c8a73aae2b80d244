/*
 * Judgements are read in the file's order, then put together by query.  Both
 * steps are for any order of lines; files sorted by query, which all are in
 * practice, need no second array.
 */
#include "format/qrels.h"

#include <string.h>

#include "base/alloc.h"
#include "format/fields.h"
#include "format/grouping.h"
#include "format/number.h"

struct reader {
    struct sl_qrels *q;
    const char *path;
    bool beir;
    int64_t n, cap, query_cap; /* of q->judged, query */
    int32_t *query;            /* of each judgement */
    struct sl_linemap lines;
};

static simlm_status expected(const struct reader *r, int64_t line,
                             simlm_error *err)
{
    return sl_fail(err, SIMLM_E_FORMAT, "%s:%lld: expected '%s'", r->path,
                   (long long)line,
                   r->beir ? "query-id <tab> corpus-id <tab> score"
                           : "query iteration passage grade");
}

static simlm_status add_judgement(struct reader *r, const struct sl_fields *f,
                                  int64_t line, simlm_error *err)
{
    int doc = r->beir ? 1 : 2;
    struct sl_judgement j;
    int64_t query, grade;

    if (f->n != doc + 2 || !f->len[0] || !f->len[doc] ||
        !sl_parse_int(&grade, f->s[doc + 1], f->len[doc + 1]) ||
        grade < INT32_MIN || grade > INT32_MAX)
        return expected(r, line, err);
    query = sl_strmap_add(r->q->queries, f->s[0], f->len[0], 0, NULL);
    j.doc = sl_strmap_add(r->q->docs, f->s[doc], f->len[doc], 0, NULL);
    j.grade = (int32_t)grade;
    if (query < 0 || query > INT32_MAX || j.doc < 0 ||
        !sl_grow(&r->q->judged, &r->cap, r->n + 1, sizeof j) ||
        !sl_grow(&r->query, &r->query_cap, r->n + 1, sizeof *r->query) ||
        !sl_linemap_add(&r->lines, r->n, line, 0))
        return sl_fail_nomem(err, r->path);
    r->query[r->n] = (int32_t)query;
    r->q->judged[r->n++] = j;
    return SIMLM_OK;
}

static simlm_status read_lines(struct reader *r, struct sl_lines *in,
                               simlm_error *err)
{
    struct sl_line line;
    struct sl_fields f;
    bool first = true;

    for (;;) {
        SL_TRY(sl_lines_next(in, &line, err));
        if (!line.text)
            return SIMLM_OK;
        sl_fields_cut(&f, &line);
        if (!f.n)
            continue;
        if (first && f.n == 3) {
            r->beir = true;
            first = false;
            if (!strcmp(f.s[0], "query-id") && !strcmp(f.s[1], "corpus-id"))
                continue;
        }
        first = false;
        SL_TRY(add_judgement(r, &f, line.number, err));
    }
}

static simlm_status finish(struct reader *r, simlm_error *err)
{
    struct sl_qrels *q = r->q;
    int64_t a, b, n_queries = sl_strmap_count(q->queries);
    int64_t *order = NULL;
    simlm_status st;

    SL_TRY(sl_group(&q->start, &order, r->query, r->n, n_queries, err));
    st = sl_group_apply(&q->judged, sizeof *q->judged, order, r->n, err);
    if (st == SIMLM_OK)
        st = sl_group_find_twice(&a, &b, q->start, n_queries, q->judged,
                                 sizeof *q->judged, sl_strmap_count(q->docs),
                                 err);
    if (st == SIMLM_OK && a >= 0) {
        int64_t line_a = sl_linemap_line(&r->lines, order ? order[a] : a, NULL);
        int64_t line_b = sl_linemap_line(&r->lines, order ? order[b] : b, NULL);

        st = sl_fail(err, SIMLM_E_FORMAT,
                     "%s:%lld: expected a pair judged once, but passage '%s' "
                     "is judged in line %lld, too",
                     r->path, (long long)line_b,
                     sl_strmap_key(q->docs, q->judged[b].doc),
                     (long long)line_a);
    }
    sl_free(order);
    return st;
}

simlm_status sl_qrels_load(struct sl_qrels **out, const char *path,
                           simlm_error *err)
{
    struct reader r = {0};
    struct sl_lines *in = NULL;
    simlm_status st = sl_lines_open(&in, path, err);

    if (st < 0)
        return st;
    r.path = sl_lines_path(in);
    r.q = SL_NEW(struct sl_qrels);
    if (r.q) {
        r.q->queries = sl_strmap_new();
        r.q->docs = sl_strmap_new();
    }
    if (!r.q || !r.q->queries || !r.q->docs)
        st = sl_fail_nomem(err, path);
    if (st == SIMLM_OK)
        st = read_lines(&r, in, err);
    if (st == SIMLM_OK)
        st = finish(&r, err);
    if (st == SIMLM_OK)
        *out = r.q;
    else
        sl_qrels_free(r.q);
    sl_linemap_free(&r.lines);
    sl_free(r.query);
    sl_lines_close(in);
    return st;
}

void sl_qrels_free(struct sl_qrels *q)
{
    if (!q)
        return;
    sl_strmap_free(q->queries);
    sl_strmap_free(q->docs);
    sl_free(q->start);
    sl_free(q->judged);
    sl_free(q);
}
