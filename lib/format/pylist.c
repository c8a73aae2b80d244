#include "format/pylist.h"

#include <string.h>

#include "base/alloc.h"

struct parser {
    struct sl_pylist *l;
    const char *begin, *at, *end;
    const char *path;
    int64_t line;
};

static simlm_status expected(const struct parser *p, const char *what,
                             simlm_error *err)
{
    return sl_fail(err, SIMLM_E_FORMAT,
                   "%s:%lld: expected %s at byte %lld of the list", p->path,
                   (long long)p->line, what, (long long)(p->at - p->begin + 1));
}

static void skip_blanks(struct parser *p)
{
    while (p->at < p->end && strchr(" \t\r\n\f", *p->at) && *p->at)
        p->at++;
}

static bool take(struct parser *p, char c)
{
    if (p->at == p->end || *p->at != c)
        return false;
    p->at++;
    return true;
}

/* ---- texts ------------------------------------------------------------------
 */

static void put_utf8(struct sl_str *s, uint32_t c)
{
    if (c >= 0xD800 && c <= 0xDFFF)
        c = 0xFFFD;
    if (c < 0x80) {
        sl_str_putc(s, (char)c);
        return;
    }
    if (c < 0x800) {
        sl_str_putc(s, (char)(0xC0 | c >> 6));
    } else {
        if (c < 0x10000) {
            sl_str_putc(s, (char)(0xE0 | c >> 12));
        } else {
            sl_str_putc(s, (char)(0xF0 | c >> 18));
            sl_str_putc(s, (char)(0x80 | (c >> 12 & 0x3F)));
        }
        sl_str_putc(s, (char)(0x80 | (c >> 6 & 0x3F)));
    }
    sl_str_putc(s, (char)(0x80 | (c & 0x3F)));
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 16;
}

/* Up to `most` digits of a base; how many there were. */
static int number(struct parser *p, uint32_t *x, int most, int base)
{
    int n = 0;

    for (*x = 0; n < most && p->at < p->end && digit(*p->at) < base; n++)
        *x = *x * (uint32_t)base + (uint32_t)digit(*p->at++);
    return n;
}

static simlm_status hexadecimal(struct parser *p, int digits, simlm_error *err)
{
    uint32_t x;

    p->at++;
    if (number(p, &x, digits, 16) < digits)
        return expected(p, "more hexadecimal digits", err);
    if (x > 0x10FFFF)
        return expected(p, "a character of Unicode before this, not one", err);
    put_utf8(&p->l->bytes, x);
    return SIMLM_OK;
}

/* Behind the backslash. */
static simlm_status escape(struct parser *p, simlm_error *err)
{
    static const char from[] = "\\'\"abfnrtv", to[] = "\\'\"\a\b\f\n\r\t\v";
    const char *known;
    uint32_t x;

    if (p->at == p->end)
        return expected(p, "the rest of an escape", err);
    known = *p->at ? strchr(from, *p->at) : NULL;
    if (known) {
        sl_str_putc(&p->l->bytes, to[known - from]);
        p->at++;
    } else if (digit(*p->at) < 8) {
        number(p, &x, 3, 8);
        put_utf8(&p->l->bytes, x);
    } else if (*p->at == 'x') {
        return hexadecimal(p, 2, err);
    } else if (*p->at == 'u') {
        return hexadecimal(p, 4, err);
    } else if (*p->at == 'U') {
        return hexadecimal(p, 8, err);
    } else if (*p->at == 'N') {
        return expected(p, "no character by its name", err);
    } else if (*p->at == '\n') {
        p->at++;
    } else {
        sl_str_putc(&p->l->bytes, '\\');
    }
    return SIMLM_OK;
}

/* What has been added to the bytes since the last one is a text. */
static bool end_text(struct sl_pylist *l)
{
    if (!sl_str_ok(&l->bytes) ||
        !sl_grow(&l->end, &l->cap, l->n + 1, sizeof *l->end))
        return false;
    l->end[l->n++] = l->bytes.len;
    return true;
}

static simlm_status text(struct parser *p, simlm_error *err)
{
    struct sl_pylist *l = p->l;
    char quote;

    if (!take(p, 'u'))
        take(p, 'U');
    quote = p->at < p->end ? *p->at : '\0';
    if (quote != '\'' && quote != '"')
        return expected(p, "a text in quotes", err);
    p->at++;
    while (!take(p, quote)) {
        if (p->at == p->end || *p->at == '\n')
            return expected(p, "a closing quote", err);
        if (take(p, '\\'))
            SL_TRY(escape(p, err));
        else
            sl_str_putc(&l->bytes, *p->at++);
    }
    return end_text(l) ? SIMLM_OK : sl_fail_nomem(err, "a list of texts");
}

/* ---- the list ------------------------------------------------------------ */

simlm_status sl_pylist_parse(struct sl_pylist *l, const char *s, size_t n,
                             const char *path, int64_t line, simlm_error *err)
{
    struct parser p = {l, s, s, s + n, path, line};
    bool more = true;

    sl_pylist_clear(l);
    skip_blanks(&p);
    if (!take(&p, '['))
        return expected(&p, "a list, ['...', ...],", err);
    for (skip_blanks(&p); !take(&p, ']'); skip_blanks(&p)) {
        if (!more)
            return expected(&p, "',' or ']'", err);
        SL_TRY(text(&p, err));
        skip_blanks(&p);
        more = take(&p, ',');
    }
    skip_blanks(&p);
    return p.at == p.end ? SIMLM_OK : expected(&p, "nothing more", err);
}

void sl_pylist_free(struct sl_pylist *l)
{
    sl_str_free(&l->bytes);
    sl_free(l->end);
    *l = (struct sl_pylist){0};
}

void sl_pylist_clear(struct sl_pylist *l)
{
    l->n = 0;
    sl_str_clear(&l->bytes);
}

bool sl_pylist_add(struct sl_pylist *l, const char *text, size_t n)
{
    sl_str_add(&l->bytes, text, n);
    return end_text(l);
}

const char *sl_pylist_text(const struct sl_pylist *l, int64_t i, size_t *n)
{
    size_t begin = i ? l->end[i - 1] : 0;

    *n = l->end[i] - begin;
    return sl_str_c(&l->bytes) + begin;
}

/* ---- writing ------------------------------------------------------------- */

/* Python's choice: ' unless the text has one and no ". */
static char quote_for(const char *text, size_t n)
{
    bool simple = n && memchr(text, '\'', n), twice = n && memchr(text, '"', n);

    return simple && !twice ? '"' : '\'';
}

static void put_text(struct sl_str *to, const char *text, size_t n)
{
    char quote = quote_for(text, n);

    sl_str_putc(to, quote);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c < ' ' || c == 0x7F) {
            sl_str_printf(to, "\\x%02x", c);
            continue;
        }
        if (text[i] == quote || c == '\\')
            sl_str_putc(to, '\\');
        sl_str_putc(to, text[i]);
    }
    sl_str_putc(to, quote);
}

void sl_pylist_put(struct sl_str *to, const struct sl_pylist *l)
{
    sl_str_putc(to, '[');
    for (int64_t i = 0; i < l->n; i++) {
        size_t n;
        const char *s = sl_pylist_text(l, i, &n);

        if (i)
            sl_str_puts(to, ", ");
        put_text(to, s, n);
    }
    sl_str_putc(to, ']');
}
