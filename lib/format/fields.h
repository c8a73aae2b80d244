/*
 * format/fields.h - cut a line of a table into its fields, in place.
 *
 * For the readers of tab- and blank-separated files.  A line is first
 * stripped of blanks at both ends, as the reference does.  If it has tabs, the
 * fields lie between tabs and may hold blanks; else they lie between blanks.
 */
#ifndef SL_FORMAT_FIELDS_H
#define SL_FORMAT_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/lines.h"

#define SL_FIELDS_MAX 8

struct sl_fields {
    int n; /* SL_FIELDS_MAX + 1: more than that; -1: the line holds a NUL */
    const char *s[SL_FIELDS_MAX]; /* each NUL-terminated */
    size_t len[SL_FIELDS_MAX];
};

/* Writes NULs into the line.  n is 0 for a blank line. */
void sl_fields_cut(struct sl_fields *f, struct sl_line *line);

/*
 * Which line of a file the i-th item was read from: items mostly lie one a
 * line, so only the places where lines were left out are stored.
 */
struct sl_linemap {
    struct sl_linemap_run {
        int64_t item, line, file;
    } * run;
    int64_t n, cap;
};

/* Items come in order.  False if out of memory. */
bool sl_linemap_add(struct sl_linemap *m, int64_t item, int64_t line,
                    int64_t file);
int64_t sl_linemap_line(const struct sl_linemap *m, int64_t item,
                        int64_t *file); /* file may be NULL */
void sl_linemap_free(struct sl_linemap *m);

#endif
