#include "data/queries.h"

#include <string.h>

#include "base/alloc.h"
#include "base/strmap.h"
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

static simlm_status read_lines(struct sl_queries *q, struct sl_lines *in,
                               simlm_error *err)
{
    struct sl_record_place at = { sl_lines_path(in), 0, true };
    enum sl_record_form form = SL_RECORD_UNKNOWN;
    simlm_status st = SIMLM_OK;
    char *decoded = NULL;
    int64_t cap = 0;
    struct sl_line line;
    struct sl_passage p;
    size_t used;

    while ((st = sl_lines_next(in, &line, err)) == SIMLM_OK && line.text) {
        at.line = line.number;
        if (form == SL_RECORD_UNKNOWN)
            form = sl_record_form(line.text, line.len);
        if (!sl_grow(&decoded, &cap, (int64_t)line.len + 1, 1)) {
            st = sl_fail_nomem(err, at.path);
            break;
        }
        st = sl_record_parse(&p, decoded, &used, line.text, line.len, form, &at,
                             err);
        if (st == SIMLM_OK && p.id)
            st = add_query(q, &p, &at, err);
        if (st < 0)
            break;
    }
    sl_free(decoded);
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
    end = i + 1 < sl_queries_count(q) ? sl_strmap_value(q->ids, i + 1)
                                      : q->used;
    if (len)
        *len = (size_t)(end - begin - 1);
    return q->text + begin;
}

int64_t sl_queries_find(const struct sl_queries *q, const char *id, size_t len)
{
    return sl_strmap_find(q->ids, id, len);
}
