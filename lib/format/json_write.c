#include "format/json.h"

#include <string.h>

#include "format/number.h"

/*
 * How many bytes of valid UTF-8 stand at p: 1 to 4, or 0 if p is ill-formed
 * (over-long forms, surrogates and what is above U+10FFFF count as that).
 */
static size_t utf8_length(const unsigned char *p, size_t n)
{
    unsigned char low = 0x80, high = 0xbf;
    size_t len;

    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xc2 && p[0] <= 0xdf)
        len = 2;
    else if ((p[0] & 0xf0) == 0xe0)
        len = 3;
    else if (p[0] >= 0xf0 && p[0] <= 0xf4)
        len = 4;
    else
        return 0;
    if (n < len)
        return 0;
    if (p[0] == 0xe0)
        low = 0xa0;
    else if (p[0] == 0xed)
        high = 0x9f;
    else if (p[0] == 0xf0)
        low = 0x90;
    else if (p[0] == 0xf4)
        high = 0x8f;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

static void put_control(struct sl_str *s, unsigned char c)
{
    static const char from[] = "\b\f\n\r\t\"\\", to[] = "bfnrt\"\\";
    const char *at = c ? strchr(from, c) : NULL;

    if (at) {
        sl_str_putc(s, '\\');
        sl_str_putc(s, to[at - from]);
    } else {
        sl_str_printf(s, "\\u%04x", c);
    }
}

void sl_json_put_text(struct sl_str *s, const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t plain = 0; /* bytes since `i` went over something special */

    sl_str_putc(s, '"');
    for (size_t i = 0; i < len;) {
        size_t n = utf8_length(p + i, len - i);

        if (n && p[i] >= 0x20 && p[i] != '"' && p[i] != '\\') {
            plain += n;
            i += n;
            continue;
        }
        sl_str_add(s, text + i - plain, plain);
        plain = 0;
        if (n)
            put_control(s, p[i]);
        else
            sl_str_puts(s, "\xef\xbf\xbd");
        i++;
    }
    sl_str_add(s, text + len - plain, plain);
    sl_str_putc(s, '"');
}

void sl_json_put_real(struct sl_str *s, double x)
{
    char buf[SL_NUMBER_BUF];
    size_t n = sl_format_real(buf, x);

    if (buf[0] == 'n' || strstr(buf, "inf")) {
        sl_str_puts(s, "null");
        return;
    }
    sl_str_add(s, buf, n);
    if (!strpbrk(buf, ".e"))
        sl_str_puts(s, ".0"); /* so that it is read as a real again */
}

/* ---- objects and arrays -------------------------------------------------- */

static void new_line(struct sl_json_writer *w)
{
    if (!w->indent)
        return;
    sl_str_putc(w->s, '\n');
    for (int i = 0; i < w->indent * w->depth; i++)
        sl_str_putc(w->s, ' ');
}

/* The comma before a value, its place, its key. */
static void start_value(struct sl_json_writer *w, const char *key)
{
    if (w->depth) {
        SL_ASSERT((key != NULL) == (w->open[w->depth - 1] == '{'));
        if (w->filled[w->depth - 1])
            sl_str_putc(w->s, ',');
        w->filled[w->depth - 1] = true;
        new_line(w);
    }
    if (key) {
        sl_json_put_text(w->s, key, strlen(key));
        sl_str_puts(w->s, w->indent ? ": " : ":");
    }
}

void sl_json_begin(struct sl_json_writer *w, const char *key, char bracket)
{
    SL_ASSERT(w->depth < (int)sizeof w->open);
    start_value(w, key);
    sl_str_putc(w->s, bracket);
    w->open[w->depth] = bracket;
    w->filled[w->depth++] = false;
}

void sl_json_end(struct sl_json_writer *w)
{
    SL_ASSERT(w->depth > 0);
    w->depth--;
    if (w->filled[w->depth])
        new_line(w);
    sl_str_putc(w->s, w->open[w->depth] == '{' ? '}' : ']');
}

void sl_json_add_bytes(struct sl_json_writer *w, const char *key,
                       const char *text, size_t len)
{
    start_value(w, key);
    sl_json_put_text(w->s, text, len);
}

void sl_json_add_text(struct sl_json_writer *w, const char *key,
                      const char *text)
{
    if (text)
        sl_json_add_bytes(w, key, text, strlen(text));
    else
        sl_json_add_null(w, key);
}

void sl_json_add_int(struct sl_json_writer *w, const char *key, int64_t x)
{
    start_value(w, key);
    sl_str_printf(w->s, "%lld", (long long)x);
}

void sl_json_add_real(struct sl_json_writer *w, const char *key, double x)
{
    start_value(w, key);
    sl_json_put_real(w->s, x);
}

void sl_json_add_bool(struct sl_json_writer *w, const char *key, bool x)
{
    start_value(w, key);
    sl_str_puts(w->s, x ? "true" : "false");
}

void sl_json_add_null(struct sl_json_writer *w, const char *key)
{
    start_value(w, key);
    sl_str_puts(w->s, "null");
}

/* The members or elements of v, which is open.  Recursion is as deep as the
 * writer allows; what is nested deeper is written as null. */
static void add_children(struct sl_json_writer *w, struct sl_json v)
{
    struct sl_json_member m = {0};

    if (sl_json_kind(v) == SL_JSON_OBJECT)
        while (sl_json_next(v, &m))
            sl_json_add_value(w, m.key, m.value);
    else
        for (int64_t i = 0; i < sl_json_count(v); i++)
            sl_json_add_value(w, NULL, sl_json_item(v, i));
}

void sl_json_add_value(struct sl_json_writer *w, const char *key,
                       struct sl_json v)
{
    enum sl_json_kind kind = sl_json_kind(v);
    const char *text;
    size_t len;
    int64_t i;
    double x;
    bool b;

    if (sl_json_is_bool(v, &b))
        sl_json_add_bool(w, key, b);
    else if (sl_json_is_int(v, &i))
        sl_json_add_int(w, key, i);
    else if (sl_json_is_real(v, &x))
        sl_json_add_real(w, key, x);
    else if ((text = sl_json_is_text(v, &len)))
        sl_json_add_bytes(w, key, text, len);
    else if ((kind == SL_JSON_OBJECT || kind == SL_JSON_ARRAY) &&
             w->depth < (int)sizeof w->open) {
        sl_json_begin(w, key, kind == SL_JSON_OBJECT ? '{' : '[');
        add_children(w, v);
        sl_json_end(w);
    } else
        sl_json_add_null(w, key);
}
