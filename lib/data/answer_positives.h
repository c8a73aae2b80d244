/*
 * data/answer_positives.h - a question's positives, if a passage with an answer
 * is one (spec 5.10).
 *
 * Of a question's first `depth` hits those that have an answer are positives,
 * in the run's order; before them stands the labelled one, the first of the
 * judgements, if there are any, whether the run has it or not.
 */
#ifndef SL_DATA_ANSWER_POSITIVES_H
#define SL_DATA_ANSWER_POSITIVES_H

#include <stdbool.h>

#include "format/qrels.h"
#include "format/runfile.h"

/* The grade of labelled positives, 1 being that of the others. */
#define SL_GRADE_LABELLED 2

/* Keep each query's first `depth` hits. */
void sl_run_cut(struct sl_run *run, int64_t depth);

/*
 * *out <- positives of all questions of `judged` (sl_judge_end()), in their
 * order.  `labelled` may be NULL; of its judgements those of 1 and more count,
 * or with any_grade all.  E_NOMEM.
 */
simlm_status sl_answer_positives(struct sl_qrels **out,
                                 const struct sl_qrels *judged,
                                 const struct sl_qrels *labelled,
                                 bool any_grade, simlm_error *err);

#endif
