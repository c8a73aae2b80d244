/*
 * data/has_answer.h - which hits of a run have an answer to their question
 * (spec 4.8, as DPR has it).
 *
 * A passage has one if the tokens of some answer stand together in those of its
 * contents (text/simple_tokens.h); its title does not count.  The passages are
 * looked at as a corpus is read, so nothing of it is held:
 *
 *     SL_TRY(sl_answers_load(&answers, "nq_test_queries.tsv", err));
 *     SL_TRY(sl_judge_new(&judge, answers, run, err));
 *     for each block of a corpus
 *         sl_judge_block(judge, &block);
 *     SL_TRY(sl_judge_end(&qrels, judge, err));
 */
#ifndef SL_DATA_HAS_ANSWER_H
#define SL_DATA_HAS_ANSWER_H

#include "base/status.h"
#include "data/corpus.h"
#include "format/qrels.h"
#include "format/runfile.h"

/* Questions with the tokens of their answers (data/qa.h says what the file
 * has).  Of a question that is there twice the first counts. */
struct sl_answers;

simlm_status sl_answers_load(struct sl_answers **out, const char *path,
                             simlm_error *err);
void sl_answers_free(struct sl_answers *a); /* accepts NULL */
int64_t sl_answers_count(const struct sl_answers *a);

/* Does the text have an answer to question i?  False, too, if out of memory. */
bool sl_has_answer(const struct sl_answers *a, int64_t i, const char *text,
                   size_t n);

struct sl_judge;

/* answers and run are borrowed; queries of the run that have no answers are
 * passed over. */
simlm_status sl_judge_new(struct sl_judge **out,
                          const struct sl_answers *answers,
                          const struct sl_run *run, simlm_error *err);
void sl_judge_free(struct sl_judge *j); /* accepts NULL */

/* Look at some passages, on all cores; each of the corpus comes once. */
void sl_judge_block(struct sl_judge *j, const struct sl_passage_block *block);

/*
 * *out <- judgements: all questions in their order, each one's hits in the
 * run's, 1: it has an answer, 0: it has none.
 *
 *   E_FORMAT  a passage of the run that has not come
 *   E_NOMEM
 */
simlm_status sl_judge_end(struct sl_qrels **out, const struct sl_judge *j,
                          simlm_error *err);

/* All of that, with the corpus read for it. */
simlm_status sl_judge_run(struct sl_qrels **out,
                          const struct sl_answers *answers,
                          const struct sl_run *run, const char *corpus,
                          const simlm_observer *obs, simlm_error *err);

#endif
