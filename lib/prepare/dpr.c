#include "prepare/dpr.h"

#include <string.h>

#include "base/alloc.h"
#include "data/qa.h"
#include "format/jsonscan.h"
#include "format/number.h"

static const char *const lists[SL_DPR_LISTS] = {
    [SL_DPR_POSITIVE] = "positive_ctxs",
    [SL_DPR_NEGATIVE] = "negative_ctxs",
    [SL_DPR_HARD] = "hard_negative_ctxs",
};

/* ---- a record ------------------------------------------------------------ */

static bool decode(struct sl_str *to, const struct sl_span *span)
{
    sl_str_clear(to);
    for (size_t i = 0; i < span->n; i++) /* room for what is never longer */
        sl_str_putc(to, ' ');
    if (!sl_str_ok(to))
        return false;
    to->len = span->n ? sl_span_decode(to->s, span) : 0;
    return true;
}

static simlm_status scan_question(struct sl_dpr_record *r, struct sl_scan *s,
                                  simlm_error *err)
{
    struct sl_span span;

    SL_TRY(sl_scan_text(s, &span, err));
    if (!decode(&r->room, &span))
        return sl_fail_nomem(err, s->path);
    for (size_t i = 0; i < r->room.len; i++)
        if (strchr("\t\r\n", r->room.s[i])) /* or a NUL */
            r->room.s[i] = ' ';
    sl_qa_question(&r->question, sl_str_c(&r->room), r->room.len);
    return sl_str_ok(&r->question) ? SIMLM_OK : sl_fail_nomem(err, s->path);
}

static simlm_status scan_answers(struct sl_dpr_record *r, struct sl_scan *s,
                                 simlm_error *err)
{
    struct sl_span span;
    bool more;

    sl_pylist_clear(&r->answers);
    SL_TRY(sl_scan_open(s, '[', err));
    for (;;) {
        SL_TRY(sl_scan_element(s, &more, err));
        if (!more)
            return SIMLM_OK;
        SL_TRY(sl_scan_text(s, &span, err));
        if (!decode(&r->room, &span) ||
            !sl_pylist_add(&r->answers, sl_str_c(&r->room), r->room.len))
            return sl_fail_nomem(err, s->path);
    }
}

static simlm_status scan_row(int64_t *row, struct sl_str *room,
                             struct sl_scan *s, int64_t n_passages,
                             simlm_error *err)
{
    struct sl_scan before = *s;
    int64_t id;

    sl_str_clear(room);
    SL_TRY(sl_scan_id(room, s, err));
    if (!sl_parse_int(&id, sl_str_c(room), room->len) || id < 1 ||
        id > n_passages)
        return sl_scan_fail(&before, "the id of a passage that is there", err);
    *row = id - 1;
    return SIMLM_OK;
}

static simlm_status scan_score(double *score, struct sl_scan *s,
                               simlm_error *err)
{
    struct sl_scan before = *s;
    struct sl_span span;

    if (sl_scan_peek(s) == '"')
        SL_TRY(sl_scan_text(s, &span, err));
    else
        SL_TRY(sl_scan_number(s, &span, err));
    if (!sl_parse_real(score, span.p, span.n))
        return sl_scan_fail(&before, "a score", err);
    return SIMLM_OK;
}

static simlm_status scan_passage(struct sl_dpr_passage *p, struct sl_str *room,
                                 struct sl_scan *s, int64_t n_passages,
                                 simlm_error *err)
{
    struct sl_span key;
    bool more;

    *p = (struct sl_dpr_passage){-1, -1};
    SL_TRY(sl_scan_open(s, '{', err));
    for (;;) {
        SL_TRY(sl_scan_member(s, &key, &more, err));
        if (!more)
            break;
        if (sl_span_is(&key, "passage_id") || sl_span_is(&key, "psg_id"))
            SL_TRY(scan_row(&p->row, room, s, n_passages, err));
        else if (sl_span_is(&key, "score"))
            SL_TRY(scan_score(&p->score, s, err));
        else
            SL_TRY(sl_scan_skip(s, err));
    }
    return p->row >= 0 ? SIMLM_OK : sl_scan_fail(s, "a 'passage_id'", err);
}

static simlm_status scan_list(struct sl_dpr_passages *l, struct sl_str *room,
                              struct sl_scan *s, int64_t n_passages,
                              simlm_error *err)
{
    bool more;

    l->n = 0;
    SL_TRY(sl_scan_open(s, '[', err));
    for (;;) {
        SL_TRY(sl_scan_element(s, &more, err));
        if (!more)
            return SIMLM_OK;
        if (!sl_grow(&l->list, &l->cap, l->n + 1, sizeof *l->list))
            return sl_fail_nomem(err, s->path);
        SL_TRY(scan_passage(&l->list[l->n], room, s, n_passages, err));
        l->n++;
    }
}

static simlm_status scan_member(struct sl_dpr_record *r, struct sl_scan *s,
                                const struct sl_span *key, int64_t n_passages,
                                simlm_error *err)
{
    if (sl_span_is(key, "question"))
        return scan_question(r, s, err);
    if (sl_span_is(key, "answers"))
        return scan_answers(r, s, err);
    for (int i = 0; i < SL_DPR_LISTS; i++)
        if (sl_span_is(key, lists[i]))
            return scan_list(&r->of[i], &r->room, s, n_passages, err);
    return sl_scan_skip(s, err);
}

simlm_status sl_dpr_record_parse(struct sl_dpr_record *r,
                                 const struct sl_line *element,
                                 const char *path, int64_t n_passages,
                                 simlm_error *err)
{
    struct sl_scan s;
    struct sl_span key;
    bool more;

    sl_str_clear(&r->question);
    sl_pylist_clear(&r->answers);
    for (int i = 0; i < SL_DPR_LISTS; i++)
        r->of[i].n = 0;
    sl_scan_begin(&s, element->text, element->len, path, element->number);
    SL_TRY(sl_scan_open(&s, '{', err));
    for (;;) {
        SL_TRY(sl_scan_member(&s, &key, &more, err));
        if (!more)
            break;
        SL_TRY(scan_member(r, &s, &key, n_passages, err));
    }
    SL_TRY(sl_scan_end(&s, err));
    return r->question.len ? SIMLM_OK : sl_scan_fail(&s, "a 'question'", err);
}

void sl_dpr_record_free(struct sl_dpr_record *r)
{
    sl_str_free(&r->question);
    sl_str_free(&r->room);
    sl_pylist_free(&r->answers);
    for (int i = 0; i < SL_DPR_LISTS; i++)
        sl_free(r->of[i].list);
    *r = (struct sl_dpr_record){0};
}

/* ---- a passage ----------------------------------------------------------- */

/* Out of its quotes, in place, if it has any; false: they do not close. */
static bool unquote(const char **text, size_t *n)
{
    char *to = (char *)(uintptr_t)*text; /* within the caller's line */
    const char *s = *text;
    size_t len = *n, kept = 0, i = 1;

    if (!len || s[0] != '"')
        return true;
    for (; i < len; i++) {
        if (s[i] == '"' && (i + 1 == len || s[i + 1] != '"'))
            break;
        i += s[i] == '"';
        to[kept++] = s[i];
    }
    if (i + 1 != len)
        return false;
    to[kept] = '\0';
    *n = kept;
    return true;
}

simlm_status sl_dpr_passage_parse(struct sl_passage *p, struct sl_line *line,
                                  const char *path, simlm_error *err)
{
    char *tab = memchr(line->text, '\t', line->len), *end, *second;

    end = line->text + line->len;
    second = tab ? memchr(tab + 1, '\t', (size_t)(end - tab - 1)) : NULL;
    if (!second || memchr(second + 1, '\t', (size_t)(end - second - 1)))
        return sl_fail(err, SIMLM_E_FORMAT,
                       "%s:%lld: expected three fields, 'id <tab> text <tab> "
                       "title'",
                       path, (long long)line->number);
    *tab = *second = '\0';
    *p = (struct sl_passage){.id = line->text,
                             .contents = tab + 1,
                             .title = second + 1,
                             .id_len = (size_t)(tab - line->text),
                             .contents_len = (size_t)(second - tab - 1),
                             .title_len = (size_t)(end - second - 1)};
    if (!unquote(&p->contents, &p->contents_len) ||
        !unquote(&p->title, &p->title_len))
        return sl_fail(err, SIMLM_E_FORMAT,
                       "%s:%lld: expected a field's quotes to close at its end",
                       path, (long long)line->number);
    if (!p->title_len)
        p->title = NULL;
    return SIMLM_OK;
}
