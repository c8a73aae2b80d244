/*
 * eval/eval_files.h - what is behind <simlm/eval.h>: an evaluation of two files
 * with the names that its report shows, and the report.
 */
#ifndef SL_EVAL_EVAL_FILES_H
#define SL_EVAL_EVAL_FILES_H

#include <simlm/eval.h>

#include "eval/evaluate.h"

struct sl_eval_column {
    struct sl_measure measure;
    char name[32];    /* shown: the measure's own, or the preset's */
    char type[32];    /* in a model card: as other programs call it */
    double scale;     /* of a query's value: 1, or 100 for per cent */
    double scale_all; /* of the summary, which `mrr` has in per cent already */
};

struct simlm_eval {
    struct sl_evaluation values;
    struct sl_eval_column *column; /* [n_columns] */
    int32_t n_columns;
    bool complete;
    struct sl_qrels *qrels;
};

/* *out <- what is to be measured; E_ARG: no such measure. */
simlm_status sl_eval_new(struct simlm_eval **out,
                         const simlm_eval_options *options, simlm_error *err);

/* Measure; qrels becomes the evaluation's, also on failure. */
simlm_status sl_eval_measure(struct simlm_eval *e, struct sl_qrels *qrels,
                             const struct sl_run *run,
                             const simlm_eval_options *options,
                             simlm_error *err);

/* Both, of two files. */
simlm_status sl_eval_open(struct simlm_eval **out, const char *qrels,
                          const char *run, const simlm_eval_options *options,
                          simlm_error *err);
void sl_eval_close(struct simlm_eval *e);

const char *sl_eval_query(const struct simlm_eval *e, int64_t query);
double sl_eval_value(const struct simlm_eval *e, int64_t query, int32_t i);
double sl_eval_all(const struct simlm_eval *e, int32_t i);
int64_t sl_eval_n_averaged(const struct simlm_eval *e); /* queries */

/* Do the two have the same queries, in the same order, and columns? */
bool sl_eval_comparable(const struct simlm_eval *a, const struct simlm_eval *b);

simlm_status sl_eval_compare(simlm_comparison *out, const struct simlm_eval *a,
                             const struct simlm_eval *b,
                             const simlm_compare_options *options,
                             simlm_error *err);

simlm_status sl_eval_write(const simlm_eval_report *report, const char *path,
                           simlm_error *err);

#endif
