/*
 * eval/significance.h - is the difference of two runs more than chance?
 *
 * Over the paired per-query differences d[i] = b[i] - a[i], for several
 * measures at once:
 *
 *   t test        two-sided paired Student's t
 *   permutation   two-sided sign-flip test of the mean difference: the share of
 *                 random sign patterns whose |mean| is at least the observed
 *                 one, (count + 1) / (resamples + 1)
 *   bootstrap     percentile interval of the mean difference over queries drawn
 *                 with replacement
 *
 * (Smucker, Allan and Carterette, CIKM 2007, compare the three.)  Resample i
 * draws its numbers from stream i of the seed, so the result is the same bits
 * on any number of threads.  All measures share the signs and the draws.
 */
#ifndef SL_EVAL_SIGNIFICANCE_H
#define SL_EVAL_SIGNIFICANCE_H

#include <stdint.h>

#include "base/status.h"

struct sl_significance {
    double difference; /* mean of d */
    double t, p_t;     /* t is 0 and p 1 if all d are 0 */
    double p_permutation;
    double low, high;      /* bounds of the confidence interval */
    int64_t better, worse; /* queries with d > 0, d < 0 */
};

/*
 * out[n_measures] <- the tests of d[n_queries, n_measures].
 * n_queries >= 2, resamples >= 1, 0 < confidence < 1.
 */
simlm_status sl_significance(struct sl_significance *out, const double *d,
                             int64_t n_queries, int64_t n_measures,
                             int64_t resamples, double confidence,
                             uint64_t seed, simlm_error *err);

/* Two-sided p of Student's t with nu degrees of freedom; nu > 0. */
double sl_student_p(double t, double nu);

#endif
