#include "data/records.h"

#include <string.h>

#include "format/jsonscan.h"

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

enum sl_record_form sl_record_form(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!is_blank(text[i]))
            return text[i] == '{' ? SL_RECORD_JSON : SL_RECORD_TABS;
    return SL_RECORD_UNKNOWN;
}

static simlm_status expected(const struct sl_record_place *at, const char *what,
                             simlm_error *err)
{
    return sl_fail(err, SIMLM_E_FORMAT, "%s:%lld: expected %s", at->path,
                   (long long)at->line, what);
}

/* Ids go into tables of lines and tabs, so they cannot hold any. */
static simlm_status check_id(const struct sl_passage *p,
                             const struct sl_record_place *at, simlm_error *err)
{
    if (!p->id_len)
        return expected(at, "an id that is not empty", err);
    for (size_t i = 0; i < p->id_len; i++)
        if (!p->id[i] || strchr("\t\n\r", p->id[i]))
            return expected(at, "an id without tab, line end and NUL", err);
    return SIMLM_OK;
}

/* ---- JSON ---------------------------------------------------------------- */

enum { ID, TEXT, TITLE, N_PARTS };

static const struct {
    const char *name;
    int part;
} members[] = {
    {"id", ID},     {"_id", ID},      {"contents", TEXT},
    {"text", TEXT}, {"title", TITLE},
};

struct parts {
    struct sl_span span[N_PARTS];
    bool found[N_PARTS];
};

/* An id may be an integer, which stands for its digits; a title null. */
static simlm_status scan_part(struct sl_scan *s, struct sl_span *span, int part,
                              simlm_error *err)
{
    char c = sl_scan_peek(s);
    struct sl_scan before = *s;

    if (part == TITLE && c == 'n') {
        *span = (struct sl_span){s->at, 0, false};
        return sl_scan_null(s, err);
    }
    if (part != ID || c == '"')
        return sl_scan_text(s, span, err);
    if (c == '-' || (c >= '0' && c <= '9')) {
        SL_TRY(sl_scan_number(s, span, err));
        if (!memchr(span->p, '.', span->n) && !memchr(span->p, 'e', span->n) &&
            !memchr(span->p, 'E', span->n))
            return SIMLM_OK;
    }
    return sl_scan_fail(&before, "an id, a string or an integer,", err);
}

static simlm_status scan_member(struct sl_scan *s, struct parts *parts,
                                const struct sl_span *key, simlm_error *err)
{
    for (size_t i = 0; i < SL_LEN(members); i++) {
        int part = members[i].part;

        if (!sl_span_is(key, members[i].name))
            continue;
        if (parts->found[part])
            return sl_scan_fail(s,
                                part == ID     ? "one id, not a second"
                                : part == TEXT ? "one text, not a second"
                                               : "one title, not a second",
                                err);
        parts->found[part] = true;
        return scan_part(s, &parts->span[part], part, err);
    }
    return sl_scan_skip(s, err);
}

static simlm_status scan_parts(struct parts *parts, const char *line,
                               size_t len, const struct sl_record_place *at,
                               simlm_error *err)
{
    struct sl_scan s;
    struct sl_span key;
    bool more;

    *parts = (struct parts){0};
    sl_scan_begin(&s, line, len, at->path, at->line);
    SL_TRY(sl_scan_open(&s, '{', err));
    for (;;) {
        SL_TRY(sl_scan_member(&s, &key, &more, err));
        if (!more)
            break;
        SL_TRY(scan_member(&s, parts, &key, err));
    }
    SL_TRY(sl_scan_end(&s, err));
    if (parts->found[ID] && parts->found[TEXT])
        return SIMLM_OK;
    return expected(at,
                    at->query ? "members '_id' and 'text'"
                              : "members 'id' and 'contents', or '_id' and "
                                "'text'",
                    err);
}

static const char *put(char **out, size_t *len, const struct sl_span *span)
{
    char *begin = *out;

    *len = sl_span_decode(begin, span);
    begin[*len] = '\0';
    *out = begin + *len + 1;
    return begin;
}

/* Quotes, colons and keys leave more room than three NULs need. */
static simlm_status parse_json(struct sl_passage *p, char *out, size_t *used,
                               const char *line, size_t len,
                               const struct sl_record_place *at,
                               simlm_error *err)
{
    struct parts parts;
    char *end = out;

    SL_TRY(scan_parts(&parts, line, len, at, err));
    p->id = put(&end, &p->id_len, &parts.span[ID]);
    p->contents = put(&end, &p->contents_len, &parts.span[TEXT]);
    if (parts.found[TITLE] && parts.span[TITLE].n)
        p->title = put(&end, &p->title_len, &parts.span[TITLE]);
    *used = (size_t)(end - out);
    return SIMLM_OK;
}

/* ---- tabs ---------------------------------------------------------------- */

static simlm_status parse_tabs(struct sl_passage *p, char *out, size_t *used,
                               const char *line, size_t len,
                               const struct sl_record_place *at,
                               simlm_error *err)
{
    const char *tab, *begin = line, *end = line + len;

    if (at->query) { /* the reference strips query lines, and only those */
        while (len && is_blank(*line)) {
            line++;
            len--;
        }
        while (len && is_blank(line[len - 1]))
            len--;
    }
    tab = memchr(line, '\t', len);
    if (!tab && memchr(line + len, '\t', (size_t)(end - line) - len))
        return expected(at, "two fields, 'id <tab> query': the query is empty",
                        err);
    if (!tab && memchr(begin, '\t', (size_t)(line - begin)))
        return expected(at, "two fields, 'id <tab> query': the id is empty",
                        err);
    if (!tab || memchr(tab + 1, '\t', (size_t)(line + len - tab - 1)))
        return expected(at,
                        at->query ? "two fields, 'id <tab> query'"
                                  : "two fields, 'id <tab> passage'",
                        err);
    memcpy(out, line, len);
    out[tab - line] = '\0';
    out[len] = '\0';
    p->id = out;
    p->id_len = (size_t)(tab - line);
    p->contents = out + p->id_len + 1;
    p->contents_len = len - p->id_len - 1;
    *used = len + 1;
    return SIMLM_OK;
}

simlm_status sl_record_parse(struct sl_passage *p, char *out, size_t *used,
                             const char *line, size_t len,
                             enum sl_record_form form,
                             const struct sl_record_place *at, simlm_error *err)
{
    *p = (struct sl_passage){0};
    *used = 0;
    if (len && line[len - 1] == '\r')
        len--;
    if (sl_record_form(line, len) == SL_RECORD_UNKNOWN)
        return SIMLM_OK;
    if (form == SL_RECORD_JSON)
        SL_TRY(parse_json(p, out, used, line, len, at, err));
    else
        SL_TRY(parse_tabs(p, out, used, line, len, at, err));
    return check_id(p, at, err);
}
