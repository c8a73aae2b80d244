/*
 * format/runfile.h - runs: for each query, ranked passages with scores.
 *
 *   MS MARCO  query \t passage \t rank            (score = round(1 / rank, 4))
 *             query \t passage \t rank \t score   (tabs: an id may hold blanks)
 *   TREC      query Q0 passage rank score tag     (blanks or tabs)
 *
 * The form is recognised by the first line; plain, .gz or .zst.  Blank lines are
 * skipped.  Per query, hits are kept sorted by rank (stable), as the reference
 * reads them; measures re-sort by score themselves.  A rank is an integer from
 * 0 (from 1 where it is all there is), a score finite.
 */
#ifndef SL_FORMAT_RUNFILE_H
#define SL_FORMAT_RUNFILE_H

#include <stdint.h>

#include "base/file.h"
#include "base/strmap.h"

struct sl_hit {
    int64_t doc; /* index in docs */
    int64_t rank;
    double score;
};

struct sl_run {
    struct sl_strmap *queries, *docs; /* ids, in order of first appearance */
    int64_t *start;                   /* [n queries + 1] */
    struct sl_hit *hit;
};

/* A passage listed twice for one query is an error that names both lines. */
simlm_status sl_run_load(struct sl_run **out, const char *path,
                         simlm_error *err);

/* The same of the queries that are keys of `only`, the others' lines passed
 * over (but checked). */
simlm_status sl_run_load_only(struct sl_run **out, const char *path,
                              const struct sl_strmap *only, simlm_error *err);
void sl_run_free(struct sl_run *r);

enum sl_run_format { SL_RUN_MSMARCO = 0, SL_RUN_TREC = 1 };

/* Writing: whole or absent, scores as %.9g so that they sort the same again. */
struct sl_run_writer {
    struct sl_out out;
    enum sl_run_format format;
    const char *tag; /* TREC's sixth column; NULL: "simlm" */
};
simlm_status sl_run_writer_open(struct sl_run_writer *w, const char *path,
                                enum sl_run_format format, const char *tag,
                                simlm_error *err);
void sl_run_writer_add(struct sl_run_writer *w, const char *query,
                       const char *passage, int64_t rank, double score);
simlm_status sl_run_writer_commit(struct sl_run_writer *w, simlm_error *err);
void sl_run_writer_abort(struct sl_run_writer *w);

#endif
