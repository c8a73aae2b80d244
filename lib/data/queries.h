/*
 * data/queries.h - queries: id and text (spec 5.4).
 *
 * A .tsv line is stripped of blanks at both ends and has exactly two fields,
 * "id \t query"; an id may hold blanks (NQ's are whole questions).  BEIR's
 * {"_id": ..., "text": ...} lines are recognised by the first '{', and lines
 * "question \t ['answer', ...]" (data/qa.h) by the first one's second field: a
 * question is its own id, and of one that occurs twice the first counts.  Each
 * plain, .gz or .zst.  Blank lines are skipped.  Any other id that occurs twice
 * is an error that names both lines.
 */
#ifndef SL_DATA_QUERIES_H
#define SL_DATA_QUERIES_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct sl_queries;

simlm_status sl_queries_load(struct sl_queries **out, const char *path,
                             simlm_error *err);
void sl_queries_free(struct sl_queries *q);

/* Queries keep the file's order.  len may be NULL; a text may hold NULs. */
int64_t sl_queries_count(const struct sl_queries *q);
const char *sl_queries_id(const struct sl_queries *q, int64_t i);
const char *sl_queries_text(const struct sl_queries *q, int64_t i, size_t *len);

/* The query's index, or -1. */
int64_t sl_queries_find(const struct sl_queries *q, const char *id, size_t len);

#endif
