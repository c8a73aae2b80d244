/*
 * format/pylist.h - a list of texts as Python writes it: ['a', "it's", 'b\n'].
 *
 * DPR's files give a question's answers so.  The reference evaluates them as a
 * program; here they are parsed, and whatever else a program could be is an
 * error.  Texts are in quotes of either kind, with Python's escapes, but for
 * \N{name}; a prefix u is allowed, no other.  What an escape cannot mean stays
 * as it is ("\d" is a backslash and a d), and a lone surrogate is U+FFFD.
 */
#ifndef SL_FORMAT_PYLIST_H
#define SL_FORMAT_PYLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

struct sl_pylist {
    int64_t n;
    struct sl_str bytes; /* the texts, end to end */
    size_t *end;         /* [n] where each ends in bytes */
    int64_t cap;         /* private */
};

/*
 * *l <- the list that s [n] is; l is a zeroed one or has been used before.
 *
 *   E_FORMAT  "path:line: expected ... at byte <of s, from 1> of the list"
 *   E_NOMEM
 */
simlm_status sl_pylist_parse(struct sl_pylist *l, const char *s, size_t n,
                             const char *path, int64_t line, simlm_error *err);
void sl_pylist_free(struct sl_pylist *l); /* and make it empty */

/* Building: none, and one more; false if out of memory. */
void sl_pylist_clear(struct sl_pylist *l);
bool sl_pylist_add(struct sl_pylist *l, const char *text, size_t n);

/* Text i and its length; not ended by a NUL, and may hold some. */
const char *sl_pylist_text(const struct sl_pylist *l, int64_t i, size_t *n);

/* Append the list as Python would write it; it holds no control character. */
void sl_pylist_put(struct sl_str *to, const struct sl_pylist *l);

#endif
