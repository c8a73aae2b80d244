/*
 * prepare/split.h - the judged queries of a split: {split}_queries.tsv and
 * {split}_qrels.txt (spec 5.4, 5.5).
 *
 * Of the queries those that are judged are written, in their file's order, and
 * the judgements in theirs.
 */
#ifndef SL_PREPARE_SPLIT_H
#define SL_PREPARE_SPLIT_H

#include <simlm/observer.h>

#include "base/str.h"
#include "data/docids.h"
#include "data/queries.h"
#include "format/qrels.h"
#include "prepare/outputs.h"

struct sl_split {
    char name[64];
    const char *queries_path, *qrels_path; /* borrowed */
    const struct sl_queries *queries;      /* borrowed */
    struct sl_qrels *qrels; /* NULL: nobody has judged, all are written */
    struct sl_out *queries_out, *qrels_out;
};

/* What the passages that are judged are called. */
struct sl_split_ids {
    const struct sl_docids *docs;
    bool rows;         /* by their row numbers, not their ids */
    bool skip_unknown; /* leave judgements out whose passage is not there */
};

/*
 * Load the judgements and begin the two files; without qrels_path, one.
 *
 *   E_FORMAT  a malformed file; a judged query that is not among the queries
 *   E_ARG     an output that is there already
 *   E_IO, E_NOMEM
 */
simlm_status sl_split_open(struct sl_split *s, const char *name,
                           const struct sl_queries *queries,
                           const char *queries_path, const char *qrels_path,
                           struct sl_outputs *outputs, simlm_error *err);
void sl_split_close(struct sl_split *s); /* of a zeroed one, too */

/* E_FORMAT  a judged passage that is not there; a query without text */
simlm_status sl_split_write(const struct sl_split *s,
                            const struct sl_split_ids *ids,
                            const simlm_observer *obs, simlm_error *err);

/* Append text as a field of a table: tabs and line ends are blanks, blanks at
 * its ends go, what is not UTF-8 is U+FFFD. */
void sl_field_put(struct sl_str *to, const char *text, size_t len);

/* The number of the first line of the file one of whose fields is `id`, for a
 * message; 0 if none is found. */
int64_t sl_line_with(const char *path, const char *id);

#endif
