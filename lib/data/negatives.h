/*
 * data/negatives.h - which passages a query is trained with.
 *
 * Twice chosen.  First, once for all, a list of negatives for each query from
 * a run, BM25's or a retriever's (spec 5.8, step 2):
 *
 *     from the run's first `depth` hits, those that are not positives, in random
 *     order, the first count - random;
 *     then passages from anywhere, neither positive nor in the run, until there
 *     are `count`; all in random order again
 *
 * (The reference draws these from unseeded generators; here query i of the
 * qrels has the Philox stream (seed, negatives, i).)
 *
 * Then, each epoch, a window of that list (spec 2.1): with no randomness at all,
 *
 *     offset = epoch + seed
 *     positive = P[offset mod |P|],  negatives = N[(offset m + j) mod |N|], j < m
 *
 * A re-ranker trains with a third choice of that window: sl_keep_hardest().
 */
#ifndef SL_DATA_NEGATIVES_H
#define SL_DATA_NEGATIVES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "data/docids.h"
#include "data/examples.h"
#include "data/queries.h"
#include "format/qrels.h"
#include "format/runfile.h"

struct sl_negatives_rule {
    int64_t depth;  /* of the run */
    int64_t count;  /* negatives a query, at least 1 */
    int64_t random; /* of these, how many come from anywhere; <= count */
    uint64_t seed;
    bool any_grade;     /* a judgement of any grade makes a positive, as in the
                     * reference; else 1 or more does */
    bool filter_noisy;  /* leave queries out none of whose positives is among
                        * the run's hits */
    int32_t sure_grade; /* positives of this grade have sure_score, whatever the
                         * run says; 0: none */
    float sure_score;
};

/* Judged queries that were left out, each counted once. */
struct sl_negatives_report {
    int64_t no_text;     /* not in the queries' file */
    int64_t no_hits;     /* not in the run */
    int64_t no_positive; /* all judgements are 0 */
    int64_t noisy;       /* filter_noisy */
    int64_t no_negative; /* nothing left that is not a positive */
};

/* Write a line about them into buf; "" if nothing was left out. */
void sl_negatives_describe(char *buf, size_t size,
                           const struct sl_negatives_report *report);

/*
 * Examples in the qrels' order.  Positives are the passages judged 1 or more
 * (MS MARCO has no other grade), with their score in the run or -1; random
 * negatives have -1.
 *
 *   E_FORMAT  a passage of qrels or run that the corpus has not; no query left
 */
simlm_status sl_negatives_build(
    struct sl_examples **out, struct sl_negatives_report *report,
    const struct sl_queries *queries, const struct sl_qrels *qrels,
    const struct sl_run *run, const struct sl_docids *ids,
    const struct sl_negatives_rule *rule, simlm_error *err);

/* The same from files of queries, judgements and a run. */
struct sl_negatives_files {
    const char *queries, *qrels, *run;
};
simlm_status sl_negatives_load(struct sl_examples **out,
                               struct sl_negatives_report *report,
                               const struct sl_negatives_files *files,
                               const struct sl_docids *ids,
                               const struct sl_negatives_rule *rule,
                               simlm_error *err);

/*
 * rows [n] <- the passages of example i: a positive, then n - 1 negatives, which
 * repeat if there are fewer.  The example has a positive and, if n > 1, a
 * negative; n >= 1.
 *
 * use_first_positive (the NQ scripts'): a positive takes part only if it is the
 * first, or scores at least as high as the first, or higher than any negative.
 */
void sl_choose_passages(int32_t *rows, const struct sl_examples *e, int64_t i,
                        int64_t n, uint64_t offset, bool use_first_positive);

/*
 * scores [n] <- those of rows [n] in example i's lists, in which they are; of a
 * passage that is there twice the last one, negatives behind positives, as in
 * the reference (spec 2.1).
 */
void sl_passage_scores(float *scores, const struct sl_examples *e, int64_t i,
                       const int32_t *rows, int64_t n);

/*
 * kept [m] <- of a group's passages first .. first + n - 1, a positive and n - 1
 * negatives, the positive and the m - 1 negatives with the highest scores, in
 * that order, of equals the earlier; 1 <= m <= n (spec 3.2).
 */
void sl_keep_hardest(int32_t *kept, const float *score, int64_t first,
                     int64_t n, int64_t m);

/* Is the row among example i's positives? */
bool sl_is_positive(const struct sl_examples *e, int64_t i, int32_t row);

#endif
