#include "data/qa.h"

#include <string.h>

struct span {
    const char *p;
    size_t n;
};

static struct span trim(struct span s)
{
    while (s.n && strchr(" \t\r\n\v\f", *s.p) && *s.p) {
        s.p++;
        s.n--;
    }
    while (s.n && strchr(" \t\r\n\v\f", s.p[s.n - 1]) && s.p[s.n - 1])
        s.n--;
    return s;
}

/* The two fields of a line; false if it has not two. */
static bool cut(struct span field[2], const char *line, size_t len)
{
    struct span s = trim((struct span){line, len});
    const char *tab = s.n ? memchr(s.p, '\t', s.n) : NULL;

    if (!tab || memchr(tab + 1, '\t', (size_t)(s.p + s.n - tab - 1)))
        return false;
    field[0] = (struct span){s.p, (size_t)(tab - s.p)};
    field[1] = (struct span){tab + 1, (size_t)(s.p + s.n - tab - 1)};
    return true;
}

/* One layer of quotes less; "" is ". */
static void strip_quotes(struct sl_str *s)
{
    size_t n = 0;

    for (size_t i = 1; i + 1 < s->len; i++) {
        s->s[n++] = s->s[i];
        if (s->s[i] == '"' && i + 2 < s->len && s->s[i + 1] == '"')
            i++;
    }
    s->len = n;
    s->s[n] = '\0';
}

static void strip_all_quotes(struct sl_str *s)
{
    while (sl_str_ok(s) && s->len && s->s[0] == '"' && s->s[s->len - 1] == '"')
        strip_quotes(s);
}

static void unquote(struct sl_str *to, struct span from)
{
    sl_str_clear(to);
    sl_str_add(to, from.p, from.n);
    strip_all_quotes(to);
}

/* The same question is made of what is written of it, so both are done until
 * neither changes anything. */
void sl_qa_question(struct sl_str *to, const char *text, size_t n)
{
    struct span s;
    size_t before;

    sl_str_clear(to);
    sl_str_add(to, text, n);
    do {
        before = to->len;
        s = trim((struct span){sl_str_c(to), to->len});
        if (sl_str_ok(to) && s.n < to->len) {
            memmove(to->s, s.p, s.n);
            to->len = s.n;
            to->s[s.n] = '\0';
        }
        strip_all_quotes(to);
    } while (sl_str_ok(to) && to->len < before);
}

bool sl_qa_is(const char *line, size_t len)
{
    struct span field[2] = {{NULL, 0}, {NULL, 0}};
    size_t n;

    if (!cut(field, line, len))
        return false;
    while (field[1].n > 1 && field[1].p[0] == '"' &&
           field[1].p[field[1].n - 1] == '"') {
        field[1].p++;
        field[1].n -= 2;
    }
    field[1] = trim(field[1]);
    n = field[1].n;
    return n >= 2 && field[1].p[0] == '[' && field[1].p[n - 1] == ']' &&
           (n == 2 || memchr(field[1].p, '\'', n) ||
            memchr(field[1].p, '"', n));
}

simlm_status sl_qa_parse(struct sl_qa *qa, const char *line, size_t len,
                         const char *path, int64_t number, simlm_error *err)
{
    struct span field[2] = {{NULL, 0}, {NULL, 0}};

    sl_str_clear(&qa->question);
    if (!trim((struct span){line, len}).n)
        return SIMLM_OK;
    if (!cut(field, line, len))
        return sl_fail(
            err, SIMLM_E_FORMAT,
            "%s:%lld: expected two fields, 'question <tab> ['answer', "
            "...]'",
            path, (long long)number);
    sl_qa_question(&qa->question, field[0].p, field[0].n);
    if (!sl_str_ok(&qa->question))
        return sl_fail_nomem(err, path);
    if (!qa->question.len ||
        strcspn(qa->question.s, "\r") != qa->question.len) /* or at a NUL */
        return sl_fail(err, SIMLM_E_FORMAT,
                       "%s:%lld: expected a question, without line end and NUL",
                       path, (long long)number);
    unquote(&qa->field, field[1]);
    if (!sl_str_ok(&qa->field))
        return sl_fail_nomem(err, path);
    return sl_pylist_parse(&qa->answers, sl_str_c(&qa->field), qa->field.len,
                           path, number, err);
}

void sl_qa_free(struct sl_qa *qa)
{
    sl_str_free(&qa->question);
    sl_str_free(&qa->field);
    sl_pylist_free(&qa->answers);
    *qa = (struct sl_qa){0};
}
