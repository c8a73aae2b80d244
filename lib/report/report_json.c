/* report_json.c - the report as one JSON object, for programs. */
#include <stdio.h>

#include "format/json.h"
#include "report/report.h"

static void add_results(struct sl_json_writer *w, const struct sl_report *r)
{
    sl_json_begin(w, "results", '[');
    for (int64_t i = 0; i < r->n_results; i++) {
        sl_json_begin(w, NULL, '{');
        sl_json_add_text(w, "name", r->result[i].name);
        for (int64_t m = 0; m < r->n_measures; m++)
            sl_json_add_real(w, r->measure[m], r->result[i].value[m]);
        sl_json_end(w);
    }
    sl_json_end(w);
}

static void add_comparisons(struct sl_json_writer *w, const struct sl_report *r)
{
    sl_json_begin(w, "comparisons", '[');
    for (int64_t i = 0; i < r->n_comparisons; i++) {
        const struct sl_report_comparison *c = &r->comparison[i];

        sl_json_begin(w, NULL, '{');
        sl_json_add_text(w, "name", c->name);
        sl_json_add_text(w, "measure", c->measure);
        sl_json_add_real(w, "difference", c->difference);
        sl_json_add_real(w, "low", c->low);
        sl_json_add_real(w, "high", c->high);
        sl_json_add_real(w, "p_t", c->p);
        sl_json_end(w);
    }
    sl_json_end(w);
}

static void add_heads(struct sl_json_writer *w, const char *what,
                      const double *value)
{
    char key[32];

    for (int i = 0; i < SL_REPORT_HEADS; i++) {
        snprintf(key, sizeof key, "%s@%d", what, sl_report_head[i]);
        sl_json_add_real(w, key, value[i]);
    }
}

static void add_overlaps(struct sl_json_writer *w, const struct sl_report *r)
{
    sl_json_begin(w, "overlaps", '[');
    for (int64_t i = 0; i < r->n_overlaps; i++) {
        const struct sl_report_overlap *o = &r->overlap[i];

        sl_json_begin(w, NULL, '{');
        sl_json_add_text(w, "name", o->name);
        sl_json_add_int(w, "num_q", o->n_queries);
        sl_json_add_int(w, "alone", o->n_alone);
        sl_json_add_real(w, "rbo", o->rbo);
        add_heads(w, "overlap", o->overlap);
        add_heads(w, "tied", o->tied);
        sl_json_end(w);
    }
    sl_json_end(w);
}

static void add_points(struct sl_json_writer *w, const char *key,
                       const struct sl_report_point *p, int64_t n)
{
    sl_json_begin(w, key, '[');
    for (int64_t i = 0; i < n; i++) {
        sl_json_begin(w, NULL, '[');
        sl_json_add_real(w, NULL, p[i].step);
        sl_json_add_real(w, NULL, p[i].value);
        sl_json_end(w);
    }
    sl_json_end(w);
}

static void add_curves(struct sl_json_writer *w, const struct sl_report *r)
{
    sl_json_begin(w, "curves", '[');
    for (int64_t i = 0; i < r->n_curves; i++) {
        const struct sl_report_curve *c = &r->curve[i];

        sl_json_begin(w, NULL, '{');
        sl_json_add_text(w, "chart", c->chart);
        sl_json_add_text(w, "name", c->name);
        add_points(w, "train", c->train, c->n_train);
        add_points(w, "held_out", c->held_out, c->n_held_out);
        sl_json_end(w);
    }
    sl_json_end(w);
}

static void add_timings(struct sl_json_writer *w, const struct sl_report *r)
{
    sl_json_begin(w, "timings", '[');
    for (int64_t i = 0; i < r->n_timings; i++) {
        const struct sl_report_timing *t = &r->timing[i];

        sl_json_begin(w, NULL, '{');
        sl_json_add_text(w, "name", t->name);
        sl_json_add_real(w, "seconds", t->seconds);
        if (t->processor >= 0)
            sl_json_add_real(w, "processor", t->processor);
        if (t->note)
            sl_json_add_text(w, "note", t->note);
        sl_json_end(w);
    }
    sl_json_end(w);
}

static void add_ranking(struct sl_json_writer *w,
                        const struct sl_report_ranking *ranking)
{
    sl_json_begin(w, NULL, '{');
    sl_json_add_text(w, "name", ranking->name);
    if (ranking->relevant_rank)
        sl_json_add_int(w, "relevant_rank", ranking->relevant_rank);
    else
        sl_json_add_null(w, "relevant_rank");
    sl_json_begin(w, "hits", '[');
    for (int64_t i = 0; i < ranking->n; i++) {
        sl_json_begin(w, NULL, '{');
        sl_json_add_text(w, "passage", ranking->hit[i].passage.id);
        sl_json_add_real(w, "score", ranking->hit[i].score);
        sl_json_add_bool(w, "relevant", ranking->hit[i].relevant);
        sl_json_end(w);
    }
    sl_json_end(w);
    sl_json_end(w);
}

static void add_examples(struct sl_json_writer *w, const struct sl_report *r)
{
    sl_json_begin(w, "examples", '[');
    for (int64_t i = 0; i < r->n_examples; i++) {
        const struct sl_report_example *e = &r->example[i];

        sl_json_begin(w, NULL, '{');
        sl_json_add_text(w, "query", e->id);
        sl_json_add_text(w, "text", e->query);
        sl_json_add_text(w, "relevant", e->relevant.id);
        sl_json_begin(w, "runs", '[');
        for (int64_t k = 0; k < r->n_runs; k++)
            add_ranking(w, &e->ranking[k]);
        sl_json_end(w);
        sl_json_end(w);
    }
    sl_json_end(w);
}

void sl_report_json(struct sl_str *s, const struct sl_report *r)
{
    struct sl_json_writer w = {.s = s, .indent = 1};

    sl_json_begin(&w, NULL, '{');
    sl_json_add_text(&w, "title", r->title);
    sl_json_begin(&w, "facts", '{');
    for (int64_t i = 0; i < r->n_facts; i++)
        sl_json_add_text(&w, r->fact[i].name, r->fact[i].value);
    sl_json_end(&w);
    add_results(&w, r);
    add_comparisons(&w, r);
    add_overlaps(&w, r);
    add_curves(&w, r);
    add_timings(&w, r);
    add_examples(&w, r);
    sl_json_end(&w);
    sl_str_putc(s, '\n');
}
