/*
 * data/records.h - one line of a corpus or of queries.
 *
 * Private to the readers of corpora and queries, whose headers say what the
 * forms are.  A record's strings are copied, decoded, to room that the caller
 * owns: they are never longer than the line was.
 */
#ifndef SL_DATA_RECORDS_H
#define SL_DATA_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "data/corpus.h"

enum sl_record_form {
    SL_RECORD_UNKNOWN, /* nothing but blanks */
    SL_RECORD_JSON,
    SL_RECORD_TABS
};
enum sl_record_form sl_record_form(const char *text, size_t n);

/* Where a line is from, and what it is one of. */
struct sl_record_place {
    const char *path;
    int64_t line;
    bool query; /* else a passage */
};

/*
 * Parse line[0 .. len), which has no line end.  out has room for len + 1
 * bytes; *used of them are taken.  A blank line gives p->id == NULL.
 */
simlm_status sl_record_parse(struct sl_passage *p, char *out, size_t *used,
                             const char *line, size_t len,
                             enum sl_record_form form,
                             const struct sl_record_place *at,
                             simlm_error *err);

#endif
