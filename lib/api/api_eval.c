/* <simlm/eval.h>: checks of the caller's contract, then the library. */
#include <math.h>
#include <string.h>

#include "base/parallel.h"
#include "data/has_answer.h"
#include "eval/eval_files.h"
#include "eval/overlap.h"

static simlm_status bad(simlm_error *err, const char *what)
{
    return sl_fail(err, SIMLM_E_ARG, "%s", what);
}

void simlm_eval_options_init(simlm_eval_options *options)
{
    if (options)
        *options = (simlm_eval_options){.level = 1};
}

static simlm_status check_options(const simlm_eval_options *o, simlm_error *err)
{
    if (o->n_measures < 0 || o->n_measures > 10000 ||
        (o->n_measures > 0 && !o->measures))
        return bad(err, "n_measures is out of range or measures is NULL");
    for (int32_t i = 0; i < o->n_measures; i++)
        if (!o->measures[i])
            return bad(err, "a measure is NULL");
    if (o->preset != SIMLM_EVAL_DEFAULT && o->preset != SIMLM_EVAL_MSMARCO)
        return bad(err, "unknown preset");
    if (o->level < 1)
        return bad(err, "level is below 1");
    if (o->threads < 0)
        return bad(err, "threads is negative");
    if (!o->answers != !o->corpus)
        return bad(err, "of answers and corpus one is NULL");
    return SIMLM_OK;
}

/* Judgements made of the run, for the run alone. */
static simlm_status measure_by_answers(simlm_eval *e, const char *run,
                                       const simlm_eval_options *o,
                                       simlm_error *err)
{
    struct sl_answers *answers = NULL;
    struct sl_qrels *qrels = NULL;
    struct sl_run *r = NULL;
    simlm_status st = sl_answers_load(&answers, o->answers, err);

    sl_parallel_set_threads(o->threads);
    if (st == SIMLM_OK)
        st = sl_run_load(&r, run, err);
    if (st == SIMLM_OK)
        st = sl_judge_run(&qrels, answers, r, o->corpus, o->observer, err);
    if (st == SIMLM_OK)
        st = sl_eval_measure(e, qrels, r, o, err);
    sl_run_free(r);
    sl_answers_free(answers);
    return st;
}

static simlm_status open_by_answers(simlm_eval **out, const char *run,
                                    const simlm_eval_options *o,
                                    simlm_error *err)
{
    simlm_eval *e = NULL;
    simlm_status st = sl_eval_new(&e, o, err);

    if (st == SIMLM_OK)
        st = measure_by_answers(e, run, o, err);
    if (st == SIMLM_OK)
        *out = e;
    else
        sl_eval_close(e);
    return st;
}

simlm_status simlm_eval_open(simlm_eval **out, const char *qrels,
                             const char *run, const simlm_eval_options *options,
                             simlm_error *err)
{
    simlm_eval_options o;

    simlm_eval_options_init(&o);
    if (options)
        o = *options;
    if (!out || !run || !qrels == !o.answers)
        return bad(err, "simlm_eval_open: out or run is NULL, or not one of "
                        "qrels and answers");
    SL_TRY(check_options(&o, err));
    return o.answers ? open_by_answers(out, run, &o, err)
                     : sl_eval_open(out, qrels, run, &o, err);
}

simlm_status simlm_eval_check(const simlm_eval_options *options,
                              const char *measure, simlm_error *err)
{
    simlm_eval_options o;
    simlm_eval *e = NULL;
    bool found = !measure;

    simlm_eval_options_init(&o);
    if (options)
        o = *options;
    SL_TRY(check_options(&o, err));
    SL_TRY(sl_eval_new(&e, &o, err));
    for (int32_t i = 0; i < e->n_columns && !found; i++)
        found = !strcmp(e->column[i].name, measure);
    sl_eval_close(e);
    return found ? SIMLM_OK
                 : sl_fail(err, SIMLM_E_ARG,
                           "'%.40s' is not among what is measured", measure);
}

void simlm_eval_close(simlm_eval *e)
{
    sl_eval_close(e);
}

int32_t simlm_eval_n_measures(const simlm_eval *e)
{
    return e ? e->n_columns : 0;
}

const char *simlm_eval_measure(const simlm_eval *e, int32_t i)
{
    return i >= 0 && i < simlm_eval_n_measures(e) ? e->column[i].name : NULL;
}

double simlm_eval_all(const simlm_eval *e, int32_t i)
{
    return i >= 0 && i < simlm_eval_n_measures(e) ? sl_eval_all(e, i) : NAN;
}

int64_t simlm_eval_n_queries(const simlm_eval *e)
{
    return e ? e->values.n_queries : 0;
}

int64_t simlm_eval_n_answered(const simlm_eval *e)
{
    return e ? e->values.n_answered : 0;
}

static bool has_query(const simlm_eval *e, int64_t query)
{
    return query >= 0 && query < simlm_eval_n_queries(e);
}

const char *simlm_eval_query(const simlm_eval *e, int64_t query)
{
    return has_query(e, query) ? sl_eval_query(e, query) : NULL;
}

bool simlm_eval_answered(const simlm_eval *e, int64_t query)
{
    return has_query(e, query) && e->values.answered[query];
}

double simlm_eval_value(const simlm_eval *e, int64_t query, int32_t i)
{
    if (!has_query(e, query) || i < 0 || i >= e->n_columns)
        return NAN;
    return sl_eval_value(e, query, i);
}

void simlm_compare_options_init(simlm_compare_options *options)
{
    if (options)
        *options =
            (simlm_compare_options){.resamples = 10000, .confidence = 0.95};
}

simlm_status simlm_compare(simlm_comparison *out, const simlm_eval *a,
                           const simlm_eval *b,
                           const simlm_compare_options *options,
                           simlm_error *err)
{
    simlm_compare_options o;

    simlm_compare_options_init(&o);
    if (options)
        o = *options;
    if (!out || !a || !b)
        return bad(err, "simlm_compare: out, a or b is NULL");
    if (o.resamples < 1 || !(o.confidence > 0 && o.confidence < 1) ||
        o.threads < 0)
        return bad(err, "simlm_compare: an option is out of range");
    if (!sl_eval_comparable(a, b))
        return bad(err, "the two evaluations differ in queries or measures");
    if (a->values.n_queries < 2)
        return bad(err, "a comparison needs at least two judged queries");
    return sl_eval_compare(out, a, b, &o, err);
}

simlm_status simlm_eval_write(const simlm_eval_report *report, const char *path,
                              simlm_error *err)
{
    if (!report || !report->eval || !path)
        return bad(err, "simlm_eval_write: report, its eval or path is NULL");
    return sl_eval_write(report, path, err);
}

simlm_status simlm_overlap_measure(simlm_overlap *out, const char *run_a,
                                   const char *run_b, simlm_error *err)
{
    if (!out || !run_a || !run_b)
        return bad(err, "simlm_overlap_measure: out or a run is NULL");
    return sl_overlap_measure(out, run_a, run_b, err);
}

simlm_status simlm_overlap_write(const simlm_overlap *overlap, bool json,
                                 const char *path, simlm_error *err)
{
    if (!overlap || !path)
        return bad(err, "simlm_overlap_write: overlap or path is NULL");
    return sl_overlap_write(overlap, json, path, err);
}
