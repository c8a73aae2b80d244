/*
 * eval/evaluate.h - a run against its judgements: one value a query and
 * measure.
 *
 * The order of a query's hits is trec_eval's: score descending, compared as
 * float (9.x) or double (10), ties by passage id, strcmp order, *descending*;
 * the run's rank column is not looked at (but by `mrr`).
 *
 * The mean of a measure is over the queries that are in both files, or, when
 * `complete`, over all judged ones with 0 for those the run does not answer
 * (trec_eval -c).  `mrr` is always over all judged queries.
 */
#ifndef SL_EVAL_EVALUATE_H
#define SL_EVAL_EVALUATE_H

#include <stdbool.h>
#include <stdint.h>

#include "eval/measures.h"
#include "format/qrels.h"
#include "format/runfile.h"

struct sl_evaluate_options {
    int32_t level;     /* >= 1: lowest grade that counts as relevant */
    bool complete;     /* average over all judged queries */
    bool score_double; /* compare scores as double, not float */
};

struct sl_evaluation {
    int64_t n_queries; /* judged queries, in the order of the qrels */
    int64_t n_answered;
    int64_t n_measures;
    bool *answered; /* [n_queries] the run has the query */
    double *value;  /* [n_queries, n_measures]; 0 where not answered */
    double *all;    /* [n_measures] mean or sum; mrr in per cent, rounded */
};

/*
 * *e <- the values; release it with sl_evaluation_free().  e keeps no pointer
 * into q, r or m.
 */
simlm_status sl_evaluate(struct sl_evaluation *e, const struct sl_qrels *q,
                         const struct sl_run *r, const struct sl_measure *m,
                         int64_t n_measures,
                         const struct sl_evaluate_options *options,
                         simlm_error *err);
void sl_evaluation_free(struct sl_evaluation *e);

#endif
