/*
 * simlm/cases.h - training examples, or what a run found, with their texts: to
 * be read by people (experimental API).
 *
 *   simlm_cases_options o;
 *
 *   simlm_cases_options_init(&o);
 *   o.input = "train.jsonl";
 *   o.corpus = "passages.jsonl.gz";
 *   o.output = "readable_train.json";
 *   st = simlm_cases(&o, NULL, &err);
 */
#ifndef SIMLM_CASES_H
#define SIMLM_CASES_H

#include <stdint.h>

#include <simlm/observer.h>
#include <simlm/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct simlm_cases_options {
    const char *input;   /* examples (train.jsonl), or a run; required */
    const char *corpus;  /* the passages; required */
    const char *queries; /* of a run, with which it is required; else NULL */
    const char *qrels;   /* of a run; NULL: nothing is said of judgements */
    const char *output;  /* "-": standard output; required */
    int32_t passages;    /* of a list, at most; 5 */
    int64_t limit;       /* the first examples or queries only; 0: all */
    int32_t threads;     /* 0: one a core */
} simlm_cases_options;
SIMLM_API void simlm_cases_options_init(simlm_cases_options *options);

/*
 * A JSON array, indented, of objects with query_id, query and lists of
 * passages, which are objects with doc_id, title, contents, score.
 *
 *   of examples   positives, negatives
 *   of a run      hits, with `judged`, the grade or null, if there are qrels,
 * and then relevant: the passages judged 1 or more, with `rank`, null if the
 * run has them not
 *
 *   E_ARG     a number out of range; a run without queries, or examples
 * with queries or qrels
 *   E_FORMAT  a malformed file, a passage that the corpus has not
 *   E_IO, E_NOMEM, E_CANCELLED
 */
SIMLM_API simlm_status simlm_cases(const simlm_cases_options *options,
                                   const simlm_observer *observer,
                                   simlm_error *err);

#ifdef __cplusplus
}
#endif
#endif /* SIMLM_CASES_H */
