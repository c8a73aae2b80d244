/*
 * simlm/mine.h - training examples with hard negatives from a ranking
 * (experimental API).
 *
 *   simlm_mine_options o;
 *
 *   simlm_mine_options_init(&o);
 *   o.corpus = "passages.jsonl.gz";
 *   o.queries = "train_queries.tsv";
 *   o.qrels = "train_qrels.txt";
 *   o.run = "train.run";
 *   o.output = "train.jsonl";
 *   st = simlm_mine(&o, NULL, &err);
 *
 * A query's negatives are drawn from the run's first hits that are not its
 * positives, and some from the whole corpus; docs/MODEL.md, section 6.3.
 */
#ifndef SIMLM_MINE_H
#define SIMLM_MINE_H

#include <stdbool.h>
#include <stdint.h>

#include <simlm/observer.h>
#include <simlm/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct simlm_mine_options {
    const char *corpus;  /* passages; required */
    const char *queries; /* id \t text, or BEIR queries.jsonl; required */
    const char *qrels;   /* their judgements; required but with answers */
    const char *run;     /* their rankings, BM25's or a retriever's; required */
    const char *output;  /* the examples, "-": standard output; required */
    int32_t depth;       /* leading hits, positives apart; 200 */
    int32_t count;       /* negatives a query; 210 */
    int32_t random;      /* of these, passages from anywhere; 10 */
    bool any_grade;      /* a judgement of any grade makes a positive, as in the
                          * reference; false: one of 1 or more does */
    bool
        filter_noisy_positives; /* leave queries out none of whose positives the
                                  * run has; false */
    int64_t sample;  /* queries kept, drawn from all; 0: all of them */
    uint64_t seed;   /* 1234, simlm_finetune()'s: the lists are those that it
                          * would make itself */
    int32_t threads; /* 0: one a core */

    /* Questions with their answers, "question \t ['answer', ...]", or NULL.  With
     * them, of the run's first `depth` hits those that have an answer are
     * positives and the others negatives; the first passage that the qrels have
     * for a question, if any, is a positive before them, with the score 1000.
     * queries may be NULL then: they are the questions. */
    const char *answers;
} simlm_mine_options;
SIMLM_API void simlm_mine_options_init(simlm_mine_options *options);

/*
 * One JSON object a query, in the order of the qrels:
 *
 *   {"query_id": "...", "query": "...",
 *    "positives": {"doc_id": [...], "score": [...]}, "negatives": {...}}
 *
 * with the run's scores, -1 where it has none.  Queries that the run has not, or
 * that have no text, are left out and counted in a message.
 *
 *   E_ARG     a number out of range
 *   E_FORMAT  a malformed file; a passage that the corpus has not; no query left
 *   E_IO, E_NOMEM, E_CANCELLED
 */
SIMLM_API simlm_status simlm_mine(const simlm_mine_options *options,
                                  const simlm_observer *observer,
                                  simlm_error *err);

#ifdef __cplusplus
}
#endif
#endif /* SIMLM_MINE_H */
