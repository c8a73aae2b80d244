#include "eval/eval_files.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "eval/significance.h"

/* ---- which measures -------------------------------------------------------
 */

struct preset_row {
    const char *measure, *shown; /* shown NULL: as the measure */
};

static const struct preset_row default_set[] = {
    {"ndcg@10", NULL},    {"ndcg@50", NULL},    {"ndcg@100", NULL},
    {"ndcg@200", NULL},   {"ndcg@1000", NULL},  {"map@10", NULL},
    {"map@50", NULL},     {"map@100", NULL},    {"map@200", NULL},
    {"map@1000", NULL},   {"recall@10", NULL},  {"recall@50", NULL},
    {"recall@100", NULL}, {"recall@200", NULL}, {"recall@1000", NULL},
    {"mrr@10", NULL},     {"mrr", NULL},
};

static const struct preset_row msmarco_set[] = {
    {"mrr", "MRR@10"},
    {"recall@50", "R@50"},
    {"recall@1000", "R@1k"},
    {"ndcg@10", "nDCG@10"},
};

static const struct preset_row answers_set[] = {
    {"acc@1", NULL},
    {"acc@5", NULL},
    {"acc@20", NULL},
    {"acc@100", NULL},
};

static simlm_status set_column(struct sl_eval_column *c, const char *measure,
                               const char *shown, simlm_error *err)
{
    bool reference;

    SL_TRY(sl_measure_parse(&c->measure, measure, err));
    reference = c->measure.row->kind == SL_MEASURE_REFERENCE;
    snprintf(c->name, sizeof c->name, "%s", shown ? shown : c->measure.name);
    /* Elsewhere `mrr` is called after its cutoff, too. */
    snprintf(c->type, sizeof c->type, "%s",
             shown && reference ? "mrr@10" : c->measure.name);
    c->scale = shown || reference ? 100 : 1;
    c->scale_all = shown && !reference ? 100 : 1;
    return SIMLM_OK;
}

static simlm_status choose_columns(struct simlm_eval *e,
                                   const simlm_eval_options *o,
                                   simlm_error *err)
{
    const struct preset_row *set = default_set;
    size_t n = SL_LEN(default_set);

    if (o->preset == SIMLM_EVAL_MSMARCO) {
        set = msmarco_set;
        n = SL_LEN(msmarco_set);
    } else if (o->answers) {
        set = answers_set;
        n = SL_LEN(answers_set);
    }
    if (o->n_measures > 0)
        n = (size_t)o->n_measures;
    e->column = SL_NEW_ARRAY(struct sl_eval_column, n);
    if (!e->column)
        return sl_fail_nomem(err, "an evaluation");
    e->n_columns = (int32_t)n;
    for (size_t i = 0; i < n; i++) {
        bool own = o->n_measures > 0;

        SL_TRY(set_column(&e->column[i], own ? o->measures[i] : set[i].measure,
                          own ? NULL : set[i].shown, err));
        for (size_t j = 0; j < i; j++)
            if (!strcmp(e->column[i].name, e->column[j].name))
                return sl_fail(err, SIMLM_E_ARG, "measure '%s' is named twice",
                               e->column[i].name);
    }
    return SIMLM_OK;
}

/* ---- opening ----------------------------------------------------------------
 */

static simlm_status evaluate(struct simlm_eval *e, const struct sl_run *run,
                             const simlm_eval_options *o, simlm_error *err)
{
    const struct sl_evaluate_options how = {.level = o->level,
                                            .complete = o->complete,
                                            .score_double = o->score_double};
    struct sl_measure *m = SL_NEW_ARRAY(struct sl_measure, e->n_columns);
    simlm_status st;

    if (!m)
        return sl_fail_nomem(err, "an evaluation");
    for (int32_t i = 0; i < e->n_columns; i++)
        m[i] = e->column[i].measure;
    st = sl_evaluate(&e->values, e->qrels, run, m, e->n_columns, &how, err);
    sl_free(m);
    return st;
}

simlm_status sl_eval_new(struct simlm_eval **out,
                         const simlm_eval_options *options, simlm_error *err)
{
    struct simlm_eval *e = SL_NEW(struct simlm_eval);
    simlm_status st;

    if (!e)
        return sl_fail_nomem(err, "an evaluation");
    e->complete = options->complete;
    st = choose_columns(e, options, err);
    if (st < 0)
        sl_eval_close(e);
    else
        *out = e;
    return st;
}

simlm_status sl_eval_measure(struct simlm_eval *e, struct sl_qrels *qrels,
                             const struct sl_run *run,
                             const simlm_eval_options *options,
                             simlm_error *err)
{
    sl_parallel_set_threads(options->threads);
    e->qrels = qrels;
    return evaluate(e, run, options, err);
}

simlm_status sl_eval_open(struct simlm_eval **out, const char *qrels,
                          const char *run, const simlm_eval_options *options,
                          simlm_error *err)
{
    struct simlm_eval *e = NULL;
    struct sl_qrels *q = NULL;
    struct sl_run *r = NULL;
    simlm_status st = sl_eval_new(&e, options, err);

    if (st == SIMLM_OK)
        st = sl_qrels_load(&q, qrels, err);
    if (st == SIMLM_OK)
        st = sl_run_load(&r, run, err);
    if (st == SIMLM_OK)
        st = sl_eval_measure(e, q, r, options, err);
    else
        sl_qrels_free(q);
    sl_run_free(r);
    if (st < 0)
        sl_eval_close(e);
    else
        *out = e;
    return st;
}

void sl_eval_close(struct simlm_eval *e)
{
    if (!e)
        return;
    sl_evaluation_free(&e->values);
    sl_qrels_free(e->qrels);
    sl_free(e->column);
    sl_free(e);
}

const char *sl_eval_query(const struct simlm_eval *e, int64_t query)
{
    return sl_strmap_key(e->qrels->queries, query);
}

double sl_eval_value(const struct simlm_eval *e, int64_t query, int32_t i)
{
    return e->values.value[query * e->n_columns + i] * e->column[i].scale;
}

double sl_eval_all(const struct simlm_eval *e, int32_t i)
{
    return e->values.all[i] * e->column[i].scale_all;
}

int64_t sl_eval_n_averaged(const struct simlm_eval *e)
{
    return e->complete ? e->values.n_queries : e->values.n_answered;
}

/* ---- comparing ----------------------------------------------------------- */

bool sl_eval_comparable(const struct simlm_eval *a, const struct simlm_eval *b)
{
    if (a->n_columns != b->n_columns ||
        a->values.n_queries != b->values.n_queries)
        return false;
    for (int32_t i = 0; i < a->n_columns; i++)
        if (strcmp(a->column[i].name, b->column[i].name) != 0)
            return false;
    for (int64_t i = 0; i < a->values.n_queries; i++)
        if (strcmp(sl_eval_query(a, i), sl_eval_query(b, i)) != 0)
            return false;
    return true;
}

static double mean(const struct simlm_eval *e, int32_t i)
{
    double sum = 0;

    for (int64_t q = 0; q < e->values.n_queries; q++)
        sum += sl_eval_value(e, q, i);
    return sum / (double)e->values.n_queries;
}

static void fill_comparison(simlm_comparison *c, const struct simlm_eval *a,
                            const struct simlm_eval *b, int32_t i,
                            const struct sl_significance *s)
{
    *c = (simlm_comparison){.measure = a->column[i].name,
                            .a = mean(a, i),
                            .b = mean(b, i),
                            .difference = s->difference,
                            .t = s->t,
                            .p_t = s->p_t,
                            .p_permutation = s->p_permutation,
                            .low = s->low,
                            .high = s->high,
                            .better = s->better,
                            .worse = s->worse};
}

simlm_status sl_eval_compare(simlm_comparison *out, const struct simlm_eval *a,
                             const struct simlm_eval *b,
                             const simlm_compare_options *options,
                             simlm_error *err)
{
    int64_t n = a->values.n_queries, m = a->n_columns;
    struct sl_significance *s = SL_NEW_ARRAY(struct sl_significance, m);
    double *d = SL_NEW_ARRAY(double, n *m);
    simlm_status st = SIMLM_OK;

    sl_parallel_set_threads(options->threads);
    if (!s || !d)
        st = sl_fail_nomem(err, "a comparison");
    for (int64_t q = 0; st == SIMLM_OK && q < n; q++)
        for (int32_t i = 0; i < m; i++)
            d[q * m + i] = sl_eval_value(b, q, i) - sl_eval_value(a, q, i);
    if (st == SIMLM_OK)
        st = sl_significance(s, d, n, m, options->resamples,
                             options->confidence, options->seed, err);
    for (int32_t i = 0; st == SIMLM_OK && i < m; i++)
        fill_comparison(&out[i], a, b, i, &s[i]);
    sl_free(s);
    sl_free(d);
    return st;
}
