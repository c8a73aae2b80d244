/*
 * retrieve/scorer.h - pairs of a query and a passage to a re-ranker's scores:
 * tokenize, sort by length, compute in packed batches (batches.h), put back in
 * order.
 *
 * The score of a pair is the same bits alone, in any batch, on any number of
 * threads.
 */
#ifndef SL_RETRIEVE_SCORER_H
#define SL_RETRIEVE_SCORER_H

#include "retrieve/batches.h"

struct sl_scorer;

struct sl_scorer_options {
    int64_t max_pairs;    /* of a call */
    int64_t batch_tokens; /* computed together; raised to one pair's most */
    int64_t max_length;   /* tokens of a pair; 0: as the model says */
};

/*
 * Scratch of its own and a backend of its own; it borrows the re-ranker, opened
 * by sl_reranker_open().  E_RANGE if the length is not possible.
 */
simlm_status sl_scorer_new(struct sl_scorer **out, const struct sl_retriever *r,
                           const struct sl_scorer_options *o, simlm_error *err);
void sl_scorer_free(struct sl_scorer *s); /* accepts NULL */
size_t sl_scorer_bytes(const struct sl_scorer *s);

/*
 * score [n] <- those of pair [n], n <= max_pairs; all, or on failure none.
 * E_CANCELLED if the meter's observer says so.
 */
simlm_status sl_scorer_run(struct sl_scorer *s, float *score,
                           const struct sl_pair *pair, int64_t n,
                           struct sl_meter *meter, simlm_error *err);

/*
 * The same by all ranks together (comm/comm.h): each scores its share of the
 * pairs, and then has all scores.
 */
simlm_status sl_scorer_run_shares(struct sl_scorer *s, float *score,
                                  const struct sl_pair *pair, int64_t n,
                                  struct sl_meter *meter, simlm_error *err);

/* As scores are stored (spec 3.3): to five decimals. */
double sl_stored_score(float score);

#endif
