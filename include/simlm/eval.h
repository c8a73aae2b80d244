/*
 * simlm/eval.h - how good is a ranking?  Measures of a run, whether the
 * difference of two runs is more than chance, and how alike they are.
 *
 *   simlm_eval *e = NULL;
 *   simlm_error err;
 *
 *   if (simlm_eval_open(&e, "dev_qrels.txt", "dev.run", NULL, &err) < 0)
 *           fprintf(stderr, "%s\n", err.msg);
 *   for (int32_t i = 0; i < simlm_eval_n_measures(e); i++)
 *           printf("%s %.4f\n", simlm_eval_measure(e, i), simlm_eval_all(e,
 * i)); simlm_eval_close(e);
 *
 * Values are those of trec_eval 9: hits are ordered by score as float,
 * descending, ties by passage id in descending strcmp order, and a mean is over
 * the queries that are in both files.  Options give trec_eval 10's comparison
 * as double, and the mean over all judged queries (trec_eval -c).
 *
 * Measures (K is a number)
 *   ndcg ndcg@K        linear gains (the grade), discount log2(rank + 1)
 *   map map@K          (mean) average precision, over all relevant passages
 *   recall@K  p@K  success@K  rr  rr@K  mrr@K (= rr@K)  rprec  bpref
 *   acc@K              success@K in the run's rank order (not by the scores):
 *                      DPR's top-K accuracy
 *   judged@K           share of the first K hits that somebody judged
 *   num_ret num_rel num_rel_ret    counts, added up
 *   mrr                the SimLM reference's own, in per cent, rounded to four
 *                      decimals: cutoff 10, the run's rank order (not the
 *                      scores), relevant from grade 2 if any grade of the file
 *                      is 3 or more, else from 1, mean over all judged queries
 *
 * Default set: ndcg, map and recall at 10, 50, 100, 200, 1000, mrr@10, and mrr;
 * with `answers`: acc at 1, 5, 20, 100.
 */
#ifndef SIMLM_EVAL_H
#define SIMLM_EVAL_H

#include <stdbool.h>
#include <stdint.h>

#include <simlm/observer.h>
#include <simlm/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct simlm_eval simlm_eval;

typedef enum simlm_eval_preset {
    SIMLM_EVAL_DEFAULT = 0,
    /*
     * The columns of SimLM's model card, all in per cent: "MRR@10" (`mrr` as
     * above), "R@50", "R@1k", "nDCG@10".  As the reference computes them: MRR
     * over all judged queries, the others over the answered ones; on TREC DL
     * graded judgements MRR asks for grade 2, recall for grade 1.
     */
    SIMLM_EVAL_MSMARCO = 1
} simlm_eval_preset;

typedef struct simlm_eval_options {
    const char *const *measures; /* [n_measures] names; none: the preset's */
    int32_t n_measures;
    simlm_eval_preset preset;
    int32_t level;     /* relevant means grade >= level; default 1 */
    bool complete;     /* mean over all judged queries, unanswered ones 0 */
    bool score_double; /* compare scores as double */
    int32_t threads;   /* 0: one a core */

    /* Instead of judgements: questions with their answers, and the passages.
     * A hit whose contents have an answer is relevant. */
    const char *answers, *corpus;   /* NULL, or both */
    const simlm_observer *observer; /* of reading the corpus; may be NULL */
} simlm_eval_options;
SIMLM_API void simlm_eval_options_init(simlm_eval_options *options);

/*
 * Evaluate a run file against a qrels file (forms of both are recognised).
 * options NULL: the defaults.
 *
 * With options->answers, qrels is NULL, and the hits are judged as DPR does it
 * (docs/MODEL.md, section 6.4): the queries are the file's questions, "question
 * \t ['answer', ...]", whose ids in the run they are themselves.
 *
 *   E_ARG     unknown measure, or a bad option
 *   E_IO, E_FORMAT, E_NOMEM; E_FORMAT also if a passage of the run is not in
 *   the corpus
 */
SIMLM_API simlm_status simlm_eval_open(simlm_eval **out, const char *qrels,
                                       const char *run,
                                       const simlm_eval_options *options,
                                       simlm_error *err);
SIMLM_API void simlm_eval_close(simlm_eval *e); /* accepts NULL */

/* Would an evaluation with these options begin, and have the measure (NULL: any)
 * among its own?  E_ARG if not; no file is looked at. */
SIMLM_API simlm_status simlm_eval_check(const simlm_eval_options *options,
                                        const char *measure, simlm_error *err);

SIMLM_API int32_t simlm_eval_n_measures(const simlm_eval *e);

/* Name of measure i, 0 <= i < n_measures. */
SIMLM_API const char *simlm_eval_measure(const simlm_eval *e, int32_t i);

/* Its mean (counts: sum) over the queries. */
SIMLM_API double simlm_eval_all(const simlm_eval *e, int32_t i);

/* All judged queries, in the order of the qrels; how many the run answers. */
SIMLM_API int64_t simlm_eval_n_queries(const simlm_eval *e);
SIMLM_API int64_t simlm_eval_n_answered(const simlm_eval *e);
SIMLM_API const char *simlm_eval_query(const simlm_eval *e, int64_t query);
SIMLM_API bool simlm_eval_answered(const simlm_eval *e, int64_t query);

/* Measure i of one query; 0 if it is not answered.  In per cent where the mean
 * is. */
SIMLM_API double simlm_eval_value(const simlm_eval *e, int64_t query,
                                  int32_t i);

/* ---- comparing two runs -------------------------------------------------- */

typedef struct simlm_compare_options {
    int32_t resamples; /* of permutation test and bootstrap; 10000 */
    double confidence; /* of the interval; 0.95 */
    uint64_t seed;     /* 0 */
    int32_t threads;   /* 0: one a core */
} simlm_compare_options;
SIMLM_API void simlm_compare_options_init(simlm_compare_options *options);

typedef struct simlm_comparison {
    const char *measure;   /* lives as long as the first evaluation */
    double a, b;           /* means over ALL judged queries, missing ones 0 */
    double difference;     /* b - a */
    double t, p_t;         /* paired t test, two-sided */
    double p_permutation;  /* sign-flip test of the mean, two-sided */
    double low, high;      /* bootstrap interval of the difference */
    int64_t better, worse; /* queries where b is above, below a */
} simlm_comparison;

/*
 * Paired tests of b against a, two evaluations of the same qrels with the same
 * measures: out[simlm_eval_n_measures(a)].  A query that a run does not answer
 * counts 0.  options NULL: the defaults.
 *
 *   E_ARG    the two do not have the same queries and measures, or fewer than
 *            two queries
 *   E_NOMEM
 */
SIMLM_API simlm_status simlm_compare(simlm_comparison *out, const simlm_eval *a,
                                     const simlm_eval *b,
                                     const simlm_compare_options *options,
                                     simlm_error *err);

/* ---- how alike are two runs? ----------------------------------------------
 *
 * Without judgements: does a run find what another one found?  Hits are taken
 * in the order of the files' ranks.
 */

enum { SIMLM_OVERLAP_CUTOFFS = 5 };

/*
 * Of the first `cutoff` hits; means over the queries.  Where the longer list is
 * shorter than that, of so many hits as it has.
 */
typedef struct simlm_overlap_at {
    int32_t cutoff; /* 1, 10, 50, 200, 1000 */
    double overlap; /* share of hits that are among the other run's */
    double tied;    /* the same, a hit also counting where the other run has it
                     * further down with the score of its last one here: what
                     * rounded scores leave open.  (Of a run without scores,
                     * 1 / rank to four decimals stands for them.) */
    double order;   /* share of queries whose hits are the same in the same
                     * order; at 1: that have the same first hit */
} simlm_overlap_at;

typedef struct simlm_overlap {
    int64_t n_queries;          /* in both runs */
    int64_t n_only_a, n_only_b; /* in one alone: not counted */
    double rbo; /* rank-biased overlap with p = 0.9, extrapolated
                                 * from the depth of the shorter list (Webber,
                                 * Moffat and Zobel, TOIS 2010, eq. 30) */
    simlm_overlap_at at[SIMLM_OVERLAP_CUTOFFS];
} simlm_overlap;

/*
 * Compare two run files.
 *
 *   E_IO, E_NOMEM
 *   E_FORMAT  a run is malformed, or the two have no query in common
 */
SIMLM_API simlm_status simlm_overlap_measure(simlm_overlap *out,
                                             const char *run_a,
                                             const char *run_b,
                                             simlm_error *err);

/*
 * Write it to a file, or to standard output ("-"), as the reports below: text
 * lines, or one JSON object with the members num_q, only_a, only_b, rbo, and
 * overlap@K, tied@K, order@K for each cutoff K.
 */
SIMLM_API simlm_status simlm_overlap_write(const simlm_overlap *overlap,
                                           bool json, const char *path,
                                           simlm_error *err);

/* ---- reports --------------------------------------------------------------
 */

typedef struct simlm_eval_report {
    const simlm_eval *eval;
    const simlm_eval *other;            /* NULL, or the run compared with */
    const simlm_comparison *comparison; /* [n_measures], with other */
    bool per_query;
    bool json;
} simlm_eval_report;

/*
 * Write a report to a file, or to standard output ("-").
 *
 * Text: "measure \t query \t value" lines, the summary's query being "all".
 * JSON: one object, measure names as keys and means as values, further "num_q",
 * the queries averaged over; with per_query a member "per_query", an object of
 * queries, each an object of measures; with a comparison a member "compare", an
 * object of measures with a, b, difference, t, p_t, p_permutation, low, high,
 * better, worse.
 *
 *   E_IO, E_NOMEM
 */
SIMLM_API simlm_status simlm_eval_write(const simlm_eval_report *report,
                                        const char *path, simlm_error *err);

#ifdef __cplusplus
}
#endif
#endif /* SIMLM_EVAL_H */
