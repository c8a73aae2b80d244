#include "format/jsonscan.h"

#include <string.h>

#include "format/number.h"

simlm_status sl_scan_fail(const struct sl_scan *s, const char *what,
                          simlm_error *err)
{
    return sl_fail(err, SIMLM_E_FORMAT, "%s:%lld: expected %s at column %lld",
                   s->path, (long long)s->line, what,
                   (long long)(s->at - s->text) + 1);
}

void sl_scan_begin(struct sl_scan *s, const char *text, size_t n,
                   const char *path, int64_t line)
{
    *s = (struct sl_scan){text, text, text + n, path, line, true};
}

static void skip_blanks(struct sl_scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' ||
                              *s->at == '\r' || *s->at == '\n'))
        s->at++;
}

char sl_scan_peek(struct sl_scan *s)
{
    skip_blanks(s);
    return s->at < s->end ? *s->at : '\0';
}

simlm_status sl_scan_open(struct sl_scan *s, char bracket, simlm_error *err)
{
    if (sl_scan_peek(s) != bracket)
        return sl_scan_fail(s, bracket == '{' ? "an object" : "an array", err);
    s->at++;
    s->first = true;
    return SIMLM_OK;
}

simlm_status sl_scan_end(struct sl_scan *s, simlm_error *err)
{
    skip_blanks(s);
    return s->at == s->end ? SIMLM_OK : sl_scan_fail(s, "the line's end", err);
}

/* ---- strings ------------------------------------------------------------- */

/*
 * The first byte that is '"', '\\' or a control character, eight at a time: in
 * x - 01..01 & ~x & 80..80 a byte's top bit is set if the byte is zero (or,
 * harmlessly, above one that is), so equality is tested on x ^ pattern.
 */
static const char *find_special(const char *p, const char *end)
{
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;

    while (end - p >= 8) {
        uint64_t x, quote, slash, control;

        memcpy(&x, p, 8);
        quote = x ^ (ones * '"');
        slash = x ^ (ones * '\\');
        control = (x - ones * 0x20) & ~x;
        quote = (quote - ones) & ~quote;
        slash = (slash - ones) & ~slash;
        if ((quote | slash | control) & tops)
            break;
        p += 8;
    }
    while (p < end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20)
        p++;
    return p;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The value of four hexadecimal digits, or -1. */
static int32_t hex4(const char *p, const char *end)
{
    int32_t x = 0;

    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(p[i]);

        if (digit < 0)
            return -1;
        x = 16 * x + digit;
    }
    return x;
}

simlm_status sl_scan_text(struct sl_scan *s, struct sl_span *text,
                          simlm_error *err)
{
    const char *p;

    if (sl_scan_peek(s) != '"')
        return sl_scan_fail(s, "a string", err);
    p = ++s->at;
    *text = (struct sl_span){p, 0, false};
    for (;;) {
        s->at = p = find_special(p, s->end);
        if (p == s->end)
            return sl_scan_fail(s, "the string's closing quote", err);
        if (*p == '"')
            break;
        if (*p != '\\')
            return sl_scan_fail(s, "an escape for a control character", err);
        text->escaped = true;
        if (p + 1 == s->end || !strchr("\"\\/bfnrtu", p[1]) || !p[1] ||
            (p[1] == 'u' && hex4(p + 2, s->end) < 0))
            return sl_scan_fail(s, "one of JSON's escapes", err);
        p += p[1] == 'u' ? 6 : 2;
    }
    text->n = (size_t)(p - text->p);
    s->at = p + 1;
    s->first = false;
    return SIMLM_OK;
}

static size_t put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 63));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 63));
        out[2] = (char)(0x80 | (c & 63));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 63));
    out[2] = (char)(0x80 | (c >> 6 & 63));
    out[3] = (char)(0x80 | (c & 63));
    return 4;
}

/* p is behind "\u"; returns behind what was used: two escapes for a pair. */
static const char *decode_unicode(char **out, const char *p, const char *end)
{
    uint32_t c = (uint32_t)hex4(p, end);

    p += 4;
    if (c >= 0xd800 && c < 0xdc00 && end - p >= 6 && p[0] == '\\' &&
        p[1] == 'u') {
        uint32_t low = (uint32_t)hex4(p + 2, end);

        if (low >= 0xdc00 && low < 0xe000) {
            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
            p += 6;
        }
    }
    if (c >= 0xd800 && c < 0xe000)
        c = 0xfffd;
    *out += put_utf8(*out, c);
    return p;
}

size_t sl_span_decode(char *out, const struct sl_span *x)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    const char *p = x->p, *end = x->p + x->n;
    char *at = out;

    if (!x->escaped) {
        memcpy(out, x->p, x->n);
        return x->n;
    }
    while (p < end) {
        const char *slash = memchr(p, '\\', (size_t)(end - p));
        size_t plain = (size_t)((slash ? slash : end) - p);
        const char *letter;

        memcpy(at, p, plain);
        at += plain;
        if (!slash)
            break;
        if (slash[1] == 'u') {
            p = decode_unicode(&at, slash + 2, end);
            continue;
        }
        letter = strchr(from, slash[1]);
        *at++ = letter ? to[letter - from] : slash[1];
        p = slash + 2;
    }
    return (size_t)(at - out);
}

bool sl_span_is(const struct sl_span *x, const char *s)
{
    char small[64];
    size_t n = strlen(s);

    if (!x->escaped)
        return x->n == n && !memcmp(x->p, s, n);
    /* An escaped key of ours has at most six bytes a character. */
    return x->n <= sizeof small && sl_span_decode(small, x) == n &&
           !memcmp(small, s, n);
}

/* ---- the rest ------------------------------------------------------------ */

/* Past the comma, or the closing bracket and *more = false. */
static simlm_status next(struct sl_scan *s, char close, const char *what,
                         bool *more, simlm_error *err)
{
    char c = sl_scan_peek(s);

    *more = c != close;
    if (*more && s->first) {
        s->first = false;
        return SIMLM_OK;
    }
    if (*more && c != ',')
        return sl_scan_fail(s, what, err);
    s->at++;
    s->first = false;
    return SIMLM_OK;
}

simlm_status sl_scan_member(struct sl_scan *s, struct sl_span *key, bool *more,
                            simlm_error *err)
{
    SL_TRY(next(s, '}', "',' or '}'", more, err));
    if (!*more)
        return SIMLM_OK;
    SL_TRY(sl_scan_text(s, key, err));
    if (sl_scan_peek(s) != ':')
        return sl_scan_fail(s, "':'", err);
    s->at++;
    return SIMLM_OK;
}

simlm_status sl_scan_element(struct sl_scan *s, bool *more, simlm_error *err)
{
    return next(s, ']', "',' or ']'", more, err);
}

static const char *skip_digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

/* -?(0|[1-9][0-9]*)(.[0-9]+)?([eE][+-]?[0-9]+)? */
simlm_status sl_scan_number(struct sl_scan *s, struct sl_span *number,
                            simlm_error *err)
{
    const char *p, *digits, *end = s->end;

    skip_blanks(s);
    p = s->at;
    p += p < end && *p == '-';
    digits = p;
    p = skip_digits(p, end);
    if (p == digits || (*digits == '0' && p - digits > 1))
        return sl_scan_fail(s, "a number", err);
    if (p < end && *p == '.') {
        digits = ++p;
        p = skip_digits(p, end);
        if (p == digits)
            return sl_scan_fail(s, "a number", err);
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        p += p < end && (*p == '+' || *p == '-');
        digits = p;
        p = skip_digits(p, end);
        if (p == digits)
            return sl_scan_fail(s, "a number", err);
    }
    *number = (struct sl_span){s->at, (size_t)(p - s->at), false};
    s->at = p;
    s->first = false;
    return SIMLM_OK;
}

static simlm_status word(struct sl_scan *s, const char *w, simlm_error *err)
{
    size_t n = strlen(w);

    skip_blanks(s);
    if ((size_t)(s->end - s->at) < n || memcmp(s->at, w, n) != 0)
        return sl_scan_fail(s, n == 4 && *w == 'n' ? "null" : "a value", err);
    s->at += n;
    s->first = false;
    return SIMLM_OK;
}

simlm_status sl_scan_null(struct sl_scan *s, simlm_error *err)
{
    return word(s, "null", err);
}

static simlm_status skip_scalar(struct sl_scan *s, char c, simlm_error *err)
{
    struct sl_span ignored;

    switch (c) {
    case '"':
        return sl_scan_text(s, &ignored, err);
    case 't':
        return word(s, "true", err);
    case 'f':
        return word(s, "false", err);
    case 'n':
        return word(s, "null", err);
    default:
        if (c != '-' && (c < '0' || c > '9'))
            return sl_scan_fail(s, "a value", err);
        return sl_scan_number(s, &ignored, err);
    }
}

/* Not recursive: `open` holds a bit per level, set for objects. */
simlm_status sl_scan_skip(struct sl_scan *s, simlm_error *err)
{
    uint64_t open[SL_SCAN_DEPTH / 64] = {0};
    struct sl_span key;
    int depth = 0;
    bool more;

    for (;;) {
        char c = sl_scan_peek(s);

        if (c == '{' || c == '[') {
            uint64_t bit = (uint64_t)1 << (depth % 64);

            if (depth == SL_SCAN_DEPTH)
                return sl_scan_fail(s, "at most 512 nested values", err);
            if (c == '{')
                open[depth / 64] |= bit;
            else
                open[depth / 64] &= ~bit;
            depth++;
            SL_TRY(sl_scan_open(s, c, err));
        } else {
            SL_TRY(skip_scalar(s, c, err));
        }
        /* To the next value of the innermost bracket that has one. */
        for (more = false; depth && !more; depth -= !more) {
            if (open[(depth - 1) / 64] >> ((depth - 1) % 64) & 1)
                SL_TRY(sl_scan_member(s, &key, &more, err));
            else
                SL_TRY(sl_scan_element(s, &more, err));
        }
        if (!more)
            return SIMLM_OK;
    }
}

simlm_status sl_scan_id(struct sl_str *to, struct sl_scan *s, simlm_error *err)
{
    struct sl_span span;
    int64_t ignored;
    char c = sl_scan_peek(s);

    if (c == '-' || (c >= '0' && c <= '9')) {
        SL_TRY(sl_scan_number(s, &span, err));
        if (!sl_parse_int(&ignored, span.p, span.n))
            return sl_scan_fail(s, "an id, a string or an integer,", err);
    } else {
        SL_TRY(sl_scan_text(s, &span, err));
    }
    sl_str_clear(to);
    sl_str_add(to, span.p, span.n); /* for the room */
    if (!sl_str_ok(to))
        return sl_fail_nomem(err, s->path);
    if (span.escaped) {
        to->len = sl_span_decode(to->s, &span);
        to->s[to->len] = '\0';
    }
    return SIMLM_OK;
}
