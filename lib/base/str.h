/*
 * base/str.h - a growable byte string that is always NUL-terminated.
 *
 * Appending never fails half way: after the first failed allocation the string
 * is marked and further appends do nothing, so a builder checks sl_str_ok()
 * once at the end.
 */
#ifndef SL_BASE_STR_H
#define SL_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sl_str {
    char *s;     /* NULL until the first append; use sl_str_c() to read */
    size_t len;  /* bytes without the NUL */
    int64_t cap; /* bytes owned */
    bool failed;
};

void sl_str_free(struct sl_str *s); /* and make it empty */
void sl_str_clear(struct sl_str *s);
bool sl_str_ok(const struct sl_str *s);
const char *sl_str_c(const struct sl_str *s); /* "" if empty */

void sl_str_add(struct sl_str *s, const char *bytes, size_t n);
void sl_str_puts(struct sl_str *s, const char *text);
void sl_str_putc(struct sl_str *s, char c);
void sl_str_printf(struct sl_str *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
