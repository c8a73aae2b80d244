/*
 * format/jsonscan.h - read JSON records without building anything.
 *
 * A corpus is millions of lines {"id": ..., "contents": ...}; examples hold two
 * hundred passages each.  For these a document per line (format/json.h) would
 * be most of the work, and would refuse what corpora do contain.  The scanner
 * walks one text once and hands out spans of it:
 *
 *     sl_scan_begin(&s, text, n, path, line);
 *     SL_TRY(sl_scan_open(&s, '{', err));
 *     for (;;) {
 *         SL_TRY(sl_scan_member(&s, &key, &more, err));
 *         if (!more)
 *             break;
 *         if (sl_span_is(&key, "id"))
 *             SL_TRY(sl_scan_text(&s, &id, err));
 *         else
 *             SL_TRY(sl_scan_skip(&s, err));
 *     }
 *     SL_TRY(sl_scan_end(&s, err));
 *
 * It is as strict as JSON is about structure, numbers, escapes and control
 * characters, nesting at most 512 deep.  It is lenient in two things: bytes
 * that are not UTF-8 are passed on, and the escape of a lone surrogate decodes
 * to U+FFFD (Python writes such escapes, and Python's reader takes them).
 *
 * Errors are E_FORMAT "path:line: expected <what> at column <bytes, from 1>".
 */
#ifndef SL_FORMAT_JSONSCAN_H
#define SL_FORMAT_JSONSCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

#define SL_SCAN_DEPTH 512

struct sl_scan {
    const char *text, *at, *end;
    const char *path;
    int64_t line;
    bool first; /* no comma before the next member or element */
};

/* A string as it stands between its quotes, or a number. */
struct sl_span {
    const char *p;
    size_t n;
    bool escaped; /* holds a backslash */
};

void sl_scan_begin(struct sl_scan *s, const char *text, size_t n,
                   const char *path, int64_t line);

/* The next value's first character; 0 at the end. */
char sl_scan_peek(struct sl_scan *s);

/* Enter an object '{' or an array '['. */
simlm_status sl_scan_open(struct sl_scan *s, char bracket, simlm_error *err);

/* *more: there is a next one, stand before its value; else behind the bracket. */
simlm_status sl_scan_member(struct sl_scan *s, struct sl_span *key, bool *more,
                            simlm_error *err);
simlm_status sl_scan_element(struct sl_scan *s, bool *more, simlm_error *err);

simlm_status sl_scan_text(struct sl_scan *s, struct sl_span *text,
                          simlm_error *err);
simlm_status sl_scan_number(struct sl_scan *s, struct sl_span *number,
                            simlm_error *err);
/* to <- the decoded string, or the digits of an integer. */
simlm_status sl_scan_id(struct sl_str *to, struct sl_scan *s, simlm_error *err);
simlm_status sl_scan_null(struct sl_scan *s, simlm_error *err);
simlm_status sl_scan_skip(struct sl_scan *s, simlm_error *err); /* any value */
simlm_status sl_scan_end(struct sl_scan *s,
                         simlm_error *err); /* no more text */

/* "path:line: expected <what> at column ...", for the place where s stands. */
simlm_status sl_scan_fail(const struct sl_scan *s, const char *what,
                          simlm_error *err);

/* Is the decoded string this one?  */
bool sl_span_is(const struct sl_span *x, const char *s);

/* Decode a string to out, which has room for x->n bytes; returns how many. */
size_t sl_span_decode(char *out, const struct sl_span *x);

#endif
