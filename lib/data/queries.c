#include "data/queries.h"

#include <string.h>

#include "base/alloc.h"
#include "base/strmap.h"
#include "data/qa.h"
#include "data/records.h"
#include "format/fields.h"
#include "format/lines.h"

struct sl_queries {
    struct sl_strmap *ids; /* entry i is query i; its value: where in text */
    char *text;            /* the texts, each ended by a NUL */
    int64_t used, cap;
    struct sl_linemap lines; /* while loading */
};

static simlm_status add_query(struct sl_queries *q, const struct sl_passage *p,
                              const struct sl_record_place *at,
                              simlm_error *err)
{
    int64_t need = q->used + (int64_t)p->contents_len + 1;
    bool added;
    int64_t i = sl_strmap_add(q->ids, p->id, p->id_len, q->used, &added);

    if (i >= 0 && !added)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "%s:%lld: expected an id of its own, but '%s' is that "
                       "of line %lld, too",
                       at->path, (long long)at->line, p->id,
                       (long long)sl_linemap_line(&q->lines, i, NULL));
    if (i < 0 || !sl_linemap_add(&q->lines, i, at->line, 0) ||
        !sl_grow(&q->text, &q->cap, need, 1))
        return sl_fail_nomem(err, at->path);
    memcpy(q->text + q->used, p->contents, p->contents_len + 1);
    q->used = need;
    return SIMLM_OK;
}

/* What a line is parsed with. */
struct reader {
    struct sl_record_place at;
    enum sl_record_form form;
    bool is_qa;
    struct sl_qa qa;
    char *decoded;
    int64_t cap;
};

static simlm_status read_question(struct sl_queries *q, struct reader *r,
                                  const struct sl_line *line, simlm_error *err)
{
    const struct sl_str *s = &r->qa.question;
    struct sl_passage p;

    SL_TRY(sl_qa_parse(&r->qa, line->text, line->len, r->at.path, r->at.line,
                       err));
    if (!s->len || sl_strmap_find(q->ids, s->s, s->len) >= 0)
        return SIMLM_OK;
    p = (struct sl_passage){
        .id = s->s, .contents = s->s, .id_len = s->len, .contents_len = s->len};
    return add_query(q, &p, &r->at, err);
}

static simlm_status read_line(struct sl_queries *q, struct reader *r,
                              const struct sl_line *line, simlm_error *err)
{
    struct sl_passage p;
    size_t used;

    r->at.line = line->number;
    if (r->form == SL_RECORD_UNKNOWN) {
        r->form = sl_record_form(line->text, line->len);
        r->is_qa = r->form == SL_RECORD_TABS && sl_qa_is(line->text, line->len);
    }
    if (r->is_qa)
        return read_question(q, r, line, err);
    if (!sl_grow(&r->decoded, &r->cap, (int64_t)line->len + 1, 1))
        return sl_fail_nomem(err, r->at.path);
    SL_TRY(sl_record_parse(&p, r->decoded, &used, line->text, line->len,
                           r->form, &r->at, err));
    return p.id ? add_query(q, &p, &r->at, err) : SIMLM_OK;
}

static simlm_status read_lines(struct sl_queries *q, struct sl_lines *in,
                               simlm_error *err)
{
    struct reader r = {.at = {sl_lines_path(in), 0, true}};
    simlm_status st;
    struct sl_line line;

    do {
        st = sl_lines_next(in, &line, err);
        if (st == SIMLM_OK && line.text)
            st = read_line(q, &r, &line, err);
    } while (st == SIMLM_OK && line.text);
    sl_qa_free(&r.qa);
    sl_free(r.decoded);
    return st;
}

simlm_status sl_queries_load(struct sl_queries **out, const char *path,
                             simlm_error *err)
{
    struct sl_lines *in = NULL;
    struct sl_queries *q = NULL;
    simlm_status st = sl_lines_open(&in, path, err);

    if (st < 0)
        return st;
    q = SL_NEW(struct sl_queries);
    if (q)
        q->ids = sl_strmap_new();
    st = q && q->ids ? read_lines(q, in, err) : sl_fail_nomem(err, path);
    sl_lines_close(in);
    if (st < 0) {
        sl_queries_free(q);
        return st;
    }
    sl_linemap_free(&q->lines);
    *out = q;
    return SIMLM_OK;
}

void sl_queries_free(struct sl_queries *q)
{
    if (!q)
        return;
    sl_strmap_free(q->ids);
    sl_linemap_free(&q->lines);
    sl_free(q->text);
    sl_free(q);
}

int64_t sl_queries_count(const struct sl_queries *q)
{
    return sl_strmap_count(q->ids);
}

const char *sl_queries_id(const struct sl_queries *q, int64_t i)
{
    SL_ASSERT(i >= 0 && i < sl_queries_count(q));
    return sl_strmap_key(q->ids, i);
}

const char *sl_queries_text(const struct sl_queries *q, int64_t i, size_t *len)
{
    int64_t begin, end;

    SL_ASSERT(i >= 0 && i < sl_queries_count(q));
    begin = sl_strmap_value(q->ids, i);
    end =
        i + 1 < sl_queries_count(q) ? sl_strmap_value(q->ids, i + 1) : q->used;
    if (len)
        *len = (size_t)(end - begin - 1);
    return q->text + begin;
}

int64_t sl_queries_find(const struct sl_queries *q, const char *id, size_t len)
{
    return sl_strmap_find(q->ids, id, len);
}
