/*
 * Each function below is the definition of one measure; `k` is its cutoff.
 * Sums are taken in rank order in double, as trec_eval takes them, so the
 * values are the same to the last printed digit.
 */
#include "eval/measures.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static int64_t cut(const struct sl_ranking *r, int64_t k)
{
    return r->n_ret < k ? r->n_ret : k;
}

static bool relevant(const struct sl_ranking *r, int64_t i)
{
    return r->grade[i] != SL_UNJUDGED && r->grade[i] >= r->level;
}

static int64_t n_relevant(const struct sl_ranking *r, int64_t k)
{
    int64_t n = 0;

    for (int64_t i = 0; i < cut(r, k); i++)
        n += relevant(r, i);
    return n;
}

static double ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}

/* Linear gains: a grade is its own gain.  The ideal list holds every judged
 * passage, retrieved or not, and is cut at k, too. */
static double ndcg(const struct sl_ranking *r, int64_t k)
{
    double dcg = 0, ideal = 0;

    for (int64_t i = 0; i < cut(r, k); i++)
        if (r->grade[i] > 0)
            dcg += r->grade[i] / log2((double)i + 2);
    for (int64_t i = 0; i < r->n_ideal && i < k; i++)
        ideal += r->ideal[i] / log2((double)i + 2);
    return ratio(dcg, ideal);
}

static double average_precision(const struct sl_ranking *r, int64_t k)
{
    double sum = 0;
    int64_t found = 0;

    for (int64_t i = 0; i < cut(r, k); i++)
        if (relevant(r, i))
            sum += (double)++found / ((double)i + 1);
    return ratio(sum, (double)r->n_rel);
}

static double recall(const struct sl_ranking *r, int64_t k)
{
    return ratio((double)n_relevant(r, k), (double)r->n_rel);
}

/* A list shorter than k is filled up with irrelevant passages. */
static double precision(const struct sl_ranking *r, int64_t k)
{
    return (double)n_relevant(r, k) / (double)k;
}

static double r_precision(const struct sl_ranking *r, int64_t k)
{
    (void)k;
    return ratio((double)n_relevant(r, r->n_rel), (double)r->n_rel);
}

static double reciprocal_rank(const struct sl_ranking *r, int64_t k)
{
    for (int64_t i = 0; i < cut(r, k); i++)
        if (relevant(r, i))
            return 1 / ((double)i + 1);
    return 0;
}

static double success(const struct sl_ranking *r, int64_t k)
{
    return n_relevant(r, k) > 0;
}

/* DPR's accuracy: in the run's own order. */
static double accuracy(const struct sl_ranking *r, int64_t k)
{
    for (int64_t i = 0; i < cut(r, k); i++)
        if (r->listed[i] != SL_UNJUDGED && r->listed[i] >= r->level)
            return 1;
    return 0;
}

static double judged(const struct sl_ranking *r, int64_t k)
{
    int64_t n = 0;

    for (int64_t i = 0; i < cut(r, k); i++)
        n += r->grade[i] != SL_UNJUDGED;
    return (double)n / (double)k;
}

/* Buckley and Voorhees, SIGIR 2004: how rarely a judged irrelevant passage
 * stands above a relevant one; unjudged passages do not count. */
static double bpref(const struct sl_ranking *r, int64_t k)
{
    int64_t bad = 0, rel = r->n_rel;
    double sum = 0, most = (double)(rel < r->n_nonrel ? rel : r->n_nonrel);

    (void)k;
    for (int64_t i = 0; i < r->n_ret; i++) {
        if (relevant(r, i))
            sum += bad ? 1 - (double)(bad < rel ? bad : rel) / most : 1;
        else if (r->grade[i] >= 0)
            bad++;
    }
    return ratio(sum, (double)rel);
}

/* The reference's compute_mrr: run order, own level, cutoff 10. */
static double reference_mrr(const struct sl_ranking *r, int64_t k)
{
    (void)k;
    for (int64_t i = 0; i < cut(r, 10); i++)
        if (r->listed[i] >= r->reference_level)
            return 1 / ((double)i + 1);
    return 0;
}

static double num_ret(const struct sl_ranking *r, int64_t k)
{
    (void)k;
    return (double)r->n_ret;
}

static double num_rel(const struct sl_ranking *r, int64_t k)
{
    (void)k;
    return (double)r->n_rel;
}

static double num_rel_ret(const struct sl_ranking *r, int64_t k)
{
    return (double)n_relevant(r, k);
}

#define MEAN  SL_MEASURE_MEAN
#define COUNT SL_MEASURE_COUNT
static const struct sl_measure_row table[] = {
    {"ndcg", SL_CUT_MAY, MEAN, ndcg, "normalised DCG, linear gains"},
    {"map", SL_CUT_MAY, MEAN, average_precision, "mean average precision"},
    {"recall", SL_CUT_MUST, MEAN, recall, "share of the relevant found"},
    {"p", SL_CUT_MUST, MEAN, precision, "precision"},
    {"rr", SL_CUT_MAY, MEAN, reciprocal_rank, "reciprocal rank"},
    {"mrr", SL_CUT_MUST, MEAN, reciprocal_rank, "another name of rr@k"},
    {"success", SL_CUT_MUST, MEAN, success, "queries with a hit"},
    {"acc", SL_CUT_MUST, MEAN, accuracy, "the same, in the run's own order"},
    {"rprec", SL_CUT_NEVER, MEAN, r_precision, "precision at R"},
    {"bpref", SL_CUT_NEVER, MEAN, bpref, "binary preference"},
    {"judged", SL_CUT_MUST, MEAN, judged, "share of hits with a judgement"},
    {"num_ret", SL_CUT_NEVER, COUNT, num_ret, "passages retrieved"},
    {"num_rel", SL_CUT_NEVER, COUNT, num_rel, "relevant passages"},
    {"num_rel_ret", SL_CUT_NEVER, COUNT, num_rel_ret, "relevant retrieved"},
    {"mrr", SL_CUT_NEVER, SL_MEASURE_REFERENCE, reference_mrr,
     "the SimLM reference's MRR@10, per cent"},
    {NULL, SL_CUT_NEVER, MEAN, NULL, NULL},
};

const struct sl_measure_row *sl_measure_table(void)
{
    return table;
}

static simlm_status unknown(const char *name, simlm_error *err)
{
    struct sl_str s = {0};
    static const char *const form[] = {"", "[@K]", "@K"};

    for (const struct sl_measure_row *t = table; t->base; t++)
        sl_str_printf(&s, " %s%s", t->base, form[t->cut]);
    sl_fail(err, SIMLM_E_ARG, "unknown measure '%.40s'; there are:%s", name,
            sl_str_c(&s));
    sl_str_free(&s);
    return SIMLM_E_ARG;
}

/* *k <- the cutoff after '@': a plain decimal number in 1 .. 1,000,000,000. */
static bool parse_cutoff(int64_t *k, const char *digits)
{
    size_t n = strspn(digits, "0123456789");

    if (n < 1 || n > 10 || digits[n])
        return false;
    *k = strtoll(digits, NULL, 10);
    return *k >= 1 && *k <= 1000000000;
}

simlm_status sl_measure_parse(struct sl_measure *m, const char *name,
                              simlm_error *err)
{
    const char *at = strchr(name, '@');
    size_t n = at ? (size_t)(at - name) : strlen(name);
    int64_t k = INT64_MAX;

    if (at && !parse_cutoff(&k, at + 1))
        return unknown(name, err);
    for (const struct sl_measure_row *t = table; t->base; t++) {
        if (strlen(t->base) != n || memcmp(t->base, name, n) != 0 ||
            t->cut == (at ? SL_CUT_NEVER : SL_CUT_MUST))
            continue;
        m->row = t;
        m->cutoff = k;
        if (at)
            snprintf(m->name, sizeof m->name, "%s@%lld", t->base, (long long)k);
        else
            snprintf(m->name, sizeof m->name, "%s", t->base);
        return SIMLM_OK;
    }
    return unknown(name, err);
}
