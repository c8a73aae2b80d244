#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

void sl_str_free(struct sl_str *s)
{
    sl_free(s->s);
    *s = (struct sl_str){0};
}

void sl_str_clear(struct sl_str *s)
{
    s->len = 0;
    s->failed = false;
    if (s->s)
        s->s[0] = '\0';
}

bool sl_str_ok(const struct sl_str *s)
{
    return !s->failed;
}

const char *sl_str_c(const struct sl_str *s)
{
    return s->s ? s->s : "";
}

/* Room for n more bytes and the NUL. */
static bool make_room(struct sl_str *s, size_t n)
{
    if (s->failed || n > (size_t)INT64_MAX - s->len - 1 ||
        !sl_grow(&s->s, &s->cap, (int64_t)(s->len + n + 1), 1))
        s->failed = true;
    return !s->failed;
}

void sl_str_add(struct sl_str *s, const char *bytes, size_t n)
{
    if (!make_room(s, n))
        return;
    memcpy(s->s + s->len, bytes, n);
    s->len += n;
    s->s[s->len] = '\0';
}

void sl_str_puts(struct sl_str *s, const char *text)
{
    sl_str_add(s, text, strlen(text));
}

void sl_str_putc(struct sl_str *s, char c)
{
    sl_str_add(s, &c, 1);
}

void sl_str_printf(struct sl_str *s, const char *fmt, ...)
{
    va_list ap, again;
    int n;

    va_start(ap, fmt);
    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        s->failed = true;
    else if (make_room(s, (size_t)n)) {
        vsnprintf(s->s + s->len, (size_t)n + 1, fmt, again);
        s->len += (size_t)n;
    }
    va_end(again);
}
