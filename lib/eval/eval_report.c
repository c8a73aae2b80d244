/* The report of <simlm/eval.h>: lines for people and trec_eval's readers, or
 * one JSON object. */
#include <inttypes.h>

#include "base/file.h"
#include "eval/eval_files.h"
#include "format/json.h"

static void put_line(struct sl_str *s, const struct simlm_eval *e, int32_t i,
                     const char *query, double value)
{
    bool count = e->column[i].measure.row->kind == SL_MEASURE_COUNT;

    sl_str_printf(s, "%-15s\t%s\t%.*f\n", e->column[i].name, query,
                  count ? 0 : 4, value);
}

static void text_report(struct sl_str *s, const simlm_eval_report *r)
{
    const struct simlm_eval *e = r->eval;

    for (int64_t q = 0; r->per_query && q < e->values.n_queries; q++)
        for (int32_t i = 0; e->values.answered[q] && i < e->n_columns; i++)
            put_line(s, e, i, sl_eval_query(e, q), sl_eval_value(e, q, i));
    sl_str_printf(s, "%-15s\tall\t%" PRId64 "\n", "num_q", sl_eval_n_averaged(e));
    for (int32_t i = 0; i < e->n_columns; i++)
        put_line(s, e, i, "all", sl_eval_all(e, i));
    if (!r->comparison)
        return;
    sl_str_puts(s, "\ncompared, all judged queries\ta\tb\tb-a\tlow\thigh\tt"
                   "\tp(t)\tp(perm)\tbetter\tworse\n");
    for (int32_t i = 0; i < e->n_columns; i++) {
        const simlm_comparison *c = &r->comparison[i];

        sl_str_printf(s,
                      "%-15s\t%.4f\t%.4f\t%+.4f\t%+.4f\t%+.4f\t%.3f\t%.3g"
                      "\t%.3g\t%" PRId64 "\t%" PRId64 "\n",
                      c->measure, c->a, c->b, c->difference, c->low, c->high,
                      c->t, c->p_t, c->p_permutation, c->better, c->worse);
    }
}

/* ---- JSON ------------------------------------------------------------------
 */

static void add_value(struct sl_json_writer *w, const struct simlm_eval *e,
                      int32_t i, double value)
{
    if (e->column[i].measure.row->kind == SL_MEASURE_COUNT)
        sl_json_add_int(w, e->column[i].name, (int64_t)value);
    else
        sl_json_add_real(w, e->column[i].name, value);
}

static void add_queries(struct sl_json_writer *w, const struct simlm_eval *e)
{
    sl_json_begin(w, "per_query", '{');
    for (int64_t q = 0; q < e->values.n_queries; q++) {
        if (!e->values.answered[q])
            continue;
        sl_json_begin(w, sl_eval_query(e, q), '{');
        for (int32_t i = 0; i < e->n_columns; i++)
            add_value(w, e, i, sl_eval_value(e, q, i));
        sl_json_end(w);
    }
    sl_json_end(w);
}

static void add_comparison(struct sl_json_writer *w,
                           const simlm_comparison *comparison, int32_t n)
{
    sl_json_begin(w, "compare", '{');
    for (int32_t i = 0; i < n; i++) {
        const simlm_comparison *c = &comparison[i];

        sl_json_begin(w, c->measure, '{');
        sl_json_add_real(w, "a", c->a);
        sl_json_add_real(w, "b", c->b);
        sl_json_add_real(w, "difference", c->difference);
        sl_json_add_real(w, "low", c->low);
        sl_json_add_real(w, "high", c->high);
        sl_json_add_real(w, "t", c->t);
        sl_json_add_real(w, "p_t", c->p_t);
        sl_json_add_real(w, "p_permutation", c->p_permutation);
        sl_json_add_int(w, "better", c->better);
        sl_json_add_int(w, "worse", c->worse);
        sl_json_end(w);
    }
    sl_json_end(w);
}

static void json_report(struct sl_str *s, const simlm_eval_report *r)
{
    struct sl_json_writer w = {.s = s, .indent = 4};
    const struct simlm_eval *e = r->eval;

    sl_json_begin(&w, NULL, '{');
    for (int32_t i = 0; i < e->n_columns; i++)
        add_value(&w, e, i, sl_eval_all(e, i));
    sl_json_add_int(&w, "num_q", sl_eval_n_averaged(e));
    if (r->per_query)
        add_queries(&w, e);
    if (r->comparison)
        add_comparison(&w, r->comparison, e->n_columns);
    sl_json_end(&w);
    sl_str_putc(s, '\n');
}

simlm_status sl_eval_write(const simlm_eval_report *report, const char *path,
                           simlm_error *err)
{
    struct sl_str s = {0};
    simlm_status st;

    if (report->json)
        json_report(&s, report);
    else
        text_report(&s, report);
    st = sl_str_ok(&s) ? sl_file_write(path, s.s, s.len, err)
                       : sl_fail_nomem(err, "a report");
    sl_str_free(&s);
    return st;
}
