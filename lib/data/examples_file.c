/*
 * train.jsonl in and out (spec 5.2).
 */
#include "data/examples.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/str.h"
#include "format/json.h"
#include "format/jsonscan.h"
#include "format/lines.h"
#include "format/number.h"

/* ---- reading ------------------------------------------------------------- */

/* One line's lists, before it is known that they are of one length. */
struct list {
    int64_t *row;
    float *score;
    int64_t n_rows, row_cap, n_scores, score_cap;
    bool found, has_scores;
};

struct reader {
    struct sl_examples *e;
    const struct sl_docids *ids;
    bool need_scores;
    struct sl_scan s;
    struct sl_str id, query; /* of the line, decoded */
    bool has_id, has_query;
    struct list positives, negatives;
    struct sl_str decoded; /* a doc_id */
};

static simlm_status read_rows(struct reader *r, struct list *l,
                              simlm_error *err)
{
    bool more;

    SL_TRY(sl_scan_open(&r->s, '[', err));
    for (;;) {
        struct sl_scan before;

        SL_TRY(sl_scan_element(&r->s, &more, err));
        if (!more)
            return SIMLM_OK;
        before = r->s;
        SL_TRY(sl_scan_id(&r->decoded, &r->s, err));
        if (!sl_grow(&l->row, &l->row_cap, l->n_rows + 1, sizeof *l->row))
            return sl_fail_nomem(err, r->s.path);
        l->row[l->n_rows] =
            sl_docids_find(r->ids, sl_str_c(&r->decoded), r->decoded.len);
        if (l->row[l->n_rows++] < 0)
            return sl_fail(err, SIMLM_E_FORMAT,
                           "%s:%lld: expected a passage of the corpus, not "
                           "'%.100s', at column %lld",
                           r->s.path, (long long)r->s.line,
                           sl_str_c(&r->decoded),
                           (long long)(before.at - before.text) + 1);
    }
}

static simlm_status read_scores(struct reader *r, struct list *l,
                                simlm_error *err)
{
    struct sl_span span;
    double x;
    bool more;

    SL_TRY(sl_scan_open(&r->s, '[', err));
    for (;;) {
        struct sl_scan before;

        SL_TRY(sl_scan_element(&r->s, &more, err));
        if (!more)
            return SIMLM_OK;
        before = r->s;
        SL_TRY(sl_scan_number(&r->s, &span, err));
        if (!sl_parse_real(&x, span.p, span.n) || !isfinite((float)x))
            return sl_scan_fail(&before, "a score that a float can hold", err);
        if (!sl_grow(&l->score, &l->score_cap, l->n_scores + 1,
                     sizeof *l->score))
            return sl_fail_nomem(err, r->s.path);
        l->score[l->n_scores++] = (float)x;
    }
}

/* {"doc_id": [...], "score": [...]} */
static simlm_status read_list(struct reader *r, struct list *l,
                              simlm_error *err)
{
    struct sl_span key;
    bool more;

    if (l->found)
        return sl_scan_fail(&r->s, "one such list, not a second", err);
    l->found = true;
    SL_TRY(sl_scan_open(&r->s, '{', err));
    for (;;) {
        SL_TRY(sl_scan_member(&r->s, &key, &more, err));
        if (!more)
            break;
        if (sl_span_is(&key, "doc_id")) {
            SL_TRY(read_rows(r, l, err));
        } else if (sl_span_is(&key, "score")) {
            l->has_scores = true;
            SL_TRY(read_scores(r, l, err));
        } else {
            SL_TRY(sl_scan_skip(&r->s, err));
        }
    }
    if (r->need_scores && l->n_rows && !l->has_scores)
        return sl_scan_fail(&r->s, "a teacher's 'score' of each doc_id", err);
    if (l->has_scores && l->n_rows != l->n_scores)
        return sl_scan_fail(&r->s, "as many scores as doc_ids", err);
    return SIMLM_OK;
}

static simlm_status read_member(struct reader *r, const struct sl_span *key,
                                simlm_error *err)
{
    if (sl_span_is(key, "query_id")) {
        r->has_id = true;
        return sl_scan_id(&r->id, &r->s, err);
    }
    if (sl_span_is(key, "query")) {
        r->has_query = true;
        if (sl_scan_peek(&r->s) != '"')
            return sl_scan_fail(&r->s, "a string", err);
        return sl_scan_id(&r->query, &r->s, err);
    }
    if (sl_span_is(key, "positives"))
        return read_list(r, &r->positives, err);
    if (sl_span_is(key, "negatives"))
        return read_list(r, &r->negatives, err);
    return sl_scan_skip(&r->s, err);
}

static simlm_status keep(struct reader *r, simlm_error *err)
{
    const struct list *p = &r->positives, *n = &r->negatives;

    /* Without query_id only teacher scoring is impossible (spec 2.1). */
    SL_TRY(sl_examples_add_query(r->e, sl_str_c(&r->id),
                                 r->has_id ? r->id.len : 0, sl_str_c(&r->query),
                                 r->query.len, err));
    for (int64_t i = 0; i < p->n_rows; i++)
        SL_TRY(sl_examples_add_positive(r->e, p->row[i],
                                        p->has_scores ? p->score[i] : -1, err));
    for (int64_t i = 0; i < n->n_rows; i++)
        SL_TRY(sl_examples_add_negative(r->e, n->row[i],
                                        n->has_scores ? n->score[i] : -1, err));
    return SIMLM_OK;
}

static void forget_list(struct list *l)
{
    l->n_rows = l->n_scores = 0;
    l->found = l->has_scores = false;
}

static simlm_status read_line(struct reader *r, const struct sl_line *line,
                              const char *path, simlm_error *err)
{
    struct sl_span key;
    bool more;

    r->has_id = r->has_query = false;
    sl_str_clear(&r->id);
    forget_list(&r->positives);
    forget_list(&r->negatives);
    sl_scan_begin(&r->s, line->text, line->len, path, line->number);
    if (!sl_scan_peek(&r->s) && r->s.at == r->s.end)
        return SIMLM_OK; /* a blank line */
    SL_TRY(sl_scan_open(&r->s, '{', err));
    for (;;) {
        SL_TRY(sl_scan_member(&r->s, &key, &more, err));
        if (!more)
            break;
        SL_TRY(read_member(r, &key, err));
    }
    SL_TRY(sl_scan_end(&r->s, err));
    if (!r->has_query || !r->positives.found || !r->negatives.found)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "%s:%lld: expected members 'query', 'positives' and "
                       "'negatives'",
                       path, (long long)line->number);
    return keep(r, err);
}

static void release(struct reader *r)
{
    sl_str_free(&r->id);
    sl_str_free(&r->query);
    sl_str_free(&r->decoded);
    sl_free(r->positives.row);
    sl_free(r->positives.score);
    sl_free(r->negatives.row);
    sl_free(r->negatives.score);
}

simlm_status sl_examples_append(struct sl_examples *e, const char *path,
                                const struct sl_docids *ids, bool need_scores,
                                simlm_error *err)
{
    struct reader r = {.e = e, .ids = ids, .need_scores = need_scores};
    struct sl_lines *in = NULL;
    struct sl_line line;
    simlm_status st = sl_lines_open(&in, path, err);

    while (st == SIMLM_OK && (st = sl_lines_next(in, &line, err)) == SIMLM_OK &&
           line.text)
        st = read_line(&r, &line, sl_lines_path(in), err);
    release(&r);
    sl_lines_close(in);
    return st;
}

simlm_status sl_examples_load(struct sl_examples **out, const char *path,
                              const struct sl_docids *ids, bool need_scores,
                              simlm_error *err)
{
    struct sl_examples *e = sl_examples_new();
    simlm_status st = e ? sl_examples_append(e, path, ids, need_scores, err)
                        : sl_fail_nomem(err, path);

    if (st == SIMLM_OK)
        *out = e;
    else
        sl_examples_free(e);
    return st;
}

/* ---- writing ------------------------------------------------------------- */

/* -1 is written as -1.0, so that no reader takes the column for integers. */
static void put_score(struct sl_str *s, float score)
{
    char buf[SL_NUMBER_BUF];
    size_t n = sl_format_real9(buf, (double)score);

    sl_str_add(s, buf, n);
    if (!strpbrk(buf, ".e"))
        sl_str_puts(s, ".0");
}

static void put_list(struct sl_str *s, const char *name,
                     const struct sl_doc_lists *l, int64_t i,
                     const struct sl_docids *ids)
{
    int64_t begin = l->start[i], end = l->start[i + 1];
    char buf[SL_DOCID_BUF];

    sl_str_printf(s, ",\"%s\":{\"doc_id\":[", name);
    for (int64_t j = begin; j < end; j++) {
        const char *id = sl_docids_get(ids, l->row[j], buf);

        if (j > begin)
            sl_str_putc(s, ',');
        sl_json_put_text(s, id, strlen(id));
    }
    sl_str_puts(s, "],\"score\":[");
    for (int64_t j = begin; j < end; j++) {
        if (j > begin)
            sl_str_putc(s, ',');
        put_score(s, l->score[j]);
    }
    sl_str_puts(s, "]}");
}

static void put_example(struct sl_str *s, const struct sl_examples *e,
                        int64_t i, const struct sl_docids *ids)
{
    const struct sl_example_query *q = &e->query[i];

    sl_str_puts(s, "{\"query_id\":");
    sl_json_put_text(s, e->text + q->id, (size_t)q->id_len);
    sl_str_puts(s, ",\"query\":");
    sl_json_put_text(s, e->text + q->text, (size_t)q->text_len);
    put_list(s, "positives", &e->positives, i, ids);
    put_list(s, "negatives", &e->negatives, i, ids);
    sl_str_puts(s, "}\n");
}

simlm_status sl_examples_write(const struct sl_examples *e, struct sl_out *out,
                               const struct sl_docids *ids, simlm_error *err)
{
    simlm_status st = SIMLM_OK;
    struct sl_str line = {0};

    for (int64_t i = 0; st == SIMLM_OK && i < e->n; i++) {
        sl_str_clear(&line);
        put_example(&line, e, i, ids);
        if (sl_str_ok(&line))
            fwrite(line.s, 1, line.len, out->f);
        else
            st = sl_fail_nomem(err, out->path);
    }
    sl_str_free(&line);
    return st;
}

simlm_status sl_examples_save(const struct sl_examples *e, const char *path,
                              const struct sl_docids *ids, simlm_error *err)
{
    struct sl_out out;
    simlm_status st;

    SL_TRY(sl_out_open(&out, path, err));
    st = sl_examples_write(e, &out, ids, err);
    if (st == SIMLM_OK)
        st = sl_out_commit(&out, err);
    sl_out_abort(&out);
    return st;
}
