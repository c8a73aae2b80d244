/*
 * eval/measures.h - the table of measures, each a function of one ranking.
 *
 * Names are "<base>" or "<base>@<cutoff>": ndcg@10, map@1000, recall@50, rr.
 * The semantics are trec_eval's, but for three rows that it does not have:
 * rr@k (the reciprocal rank, 0 beyond the cutoff), acc@k (DPR's accuracy:
 * success@k in run order instead of score order) and `mrr`, the SimLM
 * reference's own (spec 4.7): cutoff 10, run order, its own relevance level, a
 * mean over all judged queries, in per cent.
 */
#ifndef SL_EVAL_MEASURES_H
#define SL_EVAL_MEASURES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

#define SL_UNJUDGED INT32_MIN

/* What a measure may look at: one query's ranking against its judgements. */
struct sl_ranking {
    const int32_t *grade;  /* [n_ret] by score, ties by id descending */
    const int32_t *listed; /* [n_ret] the same grades in the run's rank order */
    int64_t n_ret;
    const int32_t *ideal; /* [n_ideal] the query's grades > 0, descending */
    int64_t n_ideal;
    int64_t n_rel, n_nonrel; /* judged >= level; judged 0 .. level - 1 */
    int32_t level;           /* relevant means grade >= level */
    int32_t reference_level; /* `mrr`: 2 if any grade of the qrels is >= 3 */
};

enum sl_measure_kind {
    SL_MEASURE_MEAN,     /* averaged over queries */
    SL_MEASURE_COUNT,    /* added up over queries */
    SL_MEASURE_REFERENCE /* mean over all judged queries, x 100, 4 decimals */
};

struct sl_measure_row {
    const char *base;
    enum { SL_CUT_NEVER, SL_CUT_MAY, SL_CUT_MUST } cut;
    enum sl_measure_kind kind;
    double (*of)(const struct sl_ranking *r, int64_t cutoff);
    const char *help;
};

struct sl_measure {
    const struct sl_measure_row *row;
    int64_t cutoff; /* INT64_MAX: none */
    char name[32];  /* canonical */
};

/* The table, ended by a row whose base is NULL. */
const struct sl_measure_row *sl_measure_table(void);

/* E_ARG with the list of names if there is no such measure. */
simlm_status sl_measure_parse(struct sl_measure *m, const char *name,
                              simlm_error *err);

/* The value for one query, not yet in per cent. */
static inline double sl_measure_of(const struct sl_measure *m,
                                   const struct sl_ranking *r)
{
    return m->row->of(r, m->cutoff);
}

#endif
