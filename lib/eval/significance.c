#include "eval/significance.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "base/rng.h"

enum { RESAMPLES_A_RANGE = 64 };

/*
 * The continued fraction of the incomplete beta function I_x(a, b), by Lentz's
 * method (Abramowitz and Stegun 26.5.8); converges fast for
 * x < (a + 1) / (a + b + 2).
 */
static double beta_fraction(double a, double b, double x)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1), h;

    d = 1 / (fabs(d) < tiny ? tiny : d);
    h = d;
    for (int m = 1; m < 10000; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd =
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        double step;

        d = 1 + even * d;
        c = 1 + even / c;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        h *= d * c;
        d = 1 + odd * d;
        c = 1 + odd / c;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        step = d * c;
        h *= step;
        if (fabs(step - 1) < 1e-15)
            break;
    }
    return h;
}

/* I_x(a, b) for x in [0, 1]; y is 1 - x, given apart to keep its digits. */
static double incomplete_beta(double a, double b, double x, double y)
{
    double front;

    if (x <= 0 || y <= 0)
        return x <= 0 ? 0 : 1;
    front =
        exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(y));
    if (x < (a + 1) / (a + b + 2))
        return front * beta_fraction(a, b, x) / a;
    return 1 - front * beta_fraction(b, a, y) / b;
}

double sl_student_p(double t, double nu)
{
    double square = t * t;

    SL_ASSERT(nu > 0);
    if (isinf(square))
        return 0;
    return incomplete_beta(nu / 2, 0.5, nu / (nu + square),
                           square / (nu + square));
}

static void t_test(struct sl_significance *s, const double *d, int64_t n,
                   int64_t stride)
{
    double sum = 0, squares = 0, n_d = (double)n, deviation;

    for (int64_t i = 0; i < n; i++) {
        sum += d[i * stride];
        s->better += d[i * stride] > 0;
        s->worse += d[i * stride] < 0;
    }
    s->difference = sum / n_d;
    for (int64_t i = 0; i < n; i++) {
        double away = d[i * stride] - s->difference;

        squares += away * away;
    }
    deviation = sqrt(squares / (n_d - 1));
    if (s->difference == 0 && deviation == 0)
        s->t = 0;
    else
        s->t = s->difference / (deviation / sqrt(n_d));
    s->p_t = sl_student_p(s->t, n_d - 1);
}

struct resampling {
    const double *d; /* [n, m] */
    int64_t n, m;
    uint64_t seed;
    double *flipped; /* [resamples, m] sums under random signs */
    double *redrawn; /* [resamples, m] sums of n rows drawn at random */
};

static void flip_signs(const struct resampling *r, double *sum, uint64_t stream)
{
    struct sl_rng rng;
    uint32_t bits = 0;

    sl_rng_init(&rng, stream);
    for (int64_t i = 0; i < r->n; i++, bits >>= 1) {
        const double *row = r->d + i * r->m;
        double sign;

        if (i % 32 == 0)
            bits = sl_rng_u32(&rng);
        sign = bits & 1 ? -1 : 1;
        for (int64_t j = 0; j < r->m; j++)
            sum[j] += sign * row[j];
    }
}

static void redraw(const struct resampling *r, double *sum, uint64_t stream)
{
    struct sl_rng rng;

    sl_rng_init(&rng, stream);
    for (int64_t i = 0; i < r->n; i++) {
        const double *row =
            r->d + (int64_t)sl_rng_below(&rng, (uint64_t)r->n) * r->m;

        for (int64_t j = 0; j < r->m; j++)
            sum[j] += row[j];
    }
}

/* Streams 2 i and 2 i + 1 belong to resample i. */
static void resample_range(void *ctx, int64_t begin, int64_t end)
{
    const struct resampling *r = ctx;

    for (int64_t i = begin; i < end; i++) {
        uint64_t at = 2 * (uint64_t)i;

        flip_signs(r, r->flipped + i * r->m,
                   sl_stream(r->seed, SL_PURPOSE_PERMUTE, at));
        redraw(r, r->redrawn + i * r->m,
               sl_stream(r->seed, SL_PURPOSE_PERMUTE, at + 1));
    }
}

static int ascending(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;

    return (a > b) - (a < b);
}

/*
 * Flipped sums are added up in the same order as the observed one but round
 * differently, so "at least as large" allows for the rounding of n additions.
 */
static double permutation_p(const struct resampling *r, int64_t j,
                            int64_t resamples)
{
    double observed = 0, size = 0, slack;
    int64_t count = 0;

    for (int64_t i = 0; i < r->n; i++) {
        observed += r->d[i * r->m + j];
        size += fabs(r->d[i * r->m + j]);
    }
    slack = size * (double)r->n * 0x1p-52;
    for (int64_t i = 0; i < resamples; i++)
        count += fabs(r->flipped[i * r->m + j]) >= fabs(observed) - slack;
    return ((double)count + 1) / ((double)resamples + 1);
}

static void interval(struct sl_significance *s, const struct resampling *r,
                     int64_t j, int64_t resamples, double confidence,
                     double *sorted)
{
    double tail = (1 - confidence) / 2, last = (double)(resamples - 1);

    for (int64_t i = 0; i < resamples; i++)
        sorted[i] = r->redrawn[i * r->m + j] / (double)r->n;
    qsort(sorted, (size_t)resamples, sizeof *sorted, ascending);
    s->low = sorted[(int64_t)floor(tail * last)];
    s->high = sorted[(int64_t)ceil((1 - tail) * last)];
}

simlm_status sl_significance(struct sl_significance *out, const double *d,
                             int64_t n_queries, int64_t n_measures,
                             int64_t resamples, double confidence,
                             uint64_t seed, simlm_error *err)
{
    struct resampling r = {d, n_queries, n_measures, seed, NULL, NULL};
    simlm_status st = SIMLM_OK;
    double *sorted = NULL;
    size_t n;

    SL_ASSERT(n_queries >= 2 && resamples >= 1 && confidence > 0 &&
              confidence < 1);
    if (sl_mul_size(&n, (size_t)resamples, (size_t)n_measures)) {
        r.flipped = sl_calloc(n, sizeof *r.flipped);
        r.redrawn = sl_calloc(n, sizeof *r.redrawn);
    }
    sorted = sl_alloc((size_t)resamples, sizeof *sorted);
    if (!r.flipped || !r.redrawn || !sorted) {
        st = sl_fail_nomem(err, "a significance test");
        goto out;
    }
    sl_parallel_for(resamples, RESAMPLES_A_RANGE, resample_range, &r);
    for (int64_t j = 0; j < n_measures; j++) {
        out[j] = (struct sl_significance){0};
        t_test(&out[j], d + j, n_queries, n_measures);
        out[j].p_permutation = permutation_p(&r, j, resamples);
        interval(&out[j], &r, j, resamples, confidence, sorted);
    }
out:
    sl_free(r.flipped);
    sl_free(r.redrawn);
    sl_free(sorted);
    return st;
}
