/*
 * format/qrels.h - relevance judgements: which passages answer which query.
 *
 *   TREC  query iteration passage grade     blanks or tabs (spec 5.5)
 *   BEIR  query-id \t corpus-id \t score    with this very header
 *
 * The form is recognised by the first line; plain, .gz or .zst.  Ids are
 * strings; between tabs they may hold blanks.  Blank lines are skipped.  A
 * pair judged twice is an error that names both lines.
 */
#ifndef SL_FORMAT_QRELS_H
#define SL_FORMAT_QRELS_H

#include <stdint.h>

#include "base/status.h"
#include "base/strmap.h"

struct sl_judgement {
    int64_t doc; /* index in docs */
    int32_t grade;
};

struct sl_qrels {
    struct sl_strmap *queries, *docs; /* ids, in order of first appearance */
    int64_t *start;                   /* [n queries + 1] */
    struct sl_judgement *judged;      /* query i: start[i] .. start[i + 1] - 1,
                                       * in file order */
};

simlm_status sl_qrels_load(struct sl_qrels **out, const char *path,
                           simlm_error *err);
void sl_qrels_free(struct sl_qrels *q);

#endif
