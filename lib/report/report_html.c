/* report_html.c - the page: one file, no script, nothing fetched. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include <simlm/version.h>

#include "report/html.h"
#include "report/report_chart.h"
#include "report/report_style.h"

/* ---- results ------------------------------------------------------------- */

static double largest(const struct sl_report *r, int64_t measure)
{
    double most = 0;

    for (int64_t i = 0; i < r->n_results; i++)
        most = fmax(most, r->result[i].value[measure]);
    return most;
}

static void put_value(struct sl_str *s, const struct sl_report *r, int64_t i,
                      int64_t m)
{
    double value = r->result[i].value[m], most = largest(r, m);

    if (isnan(value)) {
        sl_str_puts(s, "<td class=faint>&ndash;</td>");
        return;
    }
    sl_str_printf(s,
                  "<td class=\"bar%s\"><span>%.*f</span><i><b "
                  "style=\"width:%.1f%%\"></b></i></td>",
                  sl_report_is_best(r, i, m) ? " best" : "",
                  sl_report_decimals(r, m), value,
                  most > 0 ? 100 * fmax(value, 0) / most : 0);
}

static void put_results(struct sl_str *s, const struct sl_report *r)
{
    if (!r->n_results)
        return;
    sl_str_puts(s, "<h2>Results</h2>\n<div class=card><table><tr><th></th>");
    for (int64_t m = 0; m < r->n_measures; m++)
        sl_html_element(s, "th", r->measure[m]);
    sl_str_puts(s, "</tr>\n");
    for (int64_t i = 0; i < r->n_results; i++) {
        sl_str_puts(s, "<tr>");
        sl_html_element(s, "td class=name", r->result[i].name);
        for (int64_t m = 0; m < r->n_measures; m++)
            put_value(s, r, i, m);
        sl_str_puts(s, "</tr>\n");
    }
    sl_str_puts(s, "</table></div>\n");
}

/* ---- comparisons --------------------------------------------------------- */

/* The farthest that any interval reaches from 0. */
static double reach(const struct sl_report *r)
{
    double most = 0;

    for (int64_t i = 0; i < r->n_comparisons; i++)
        most = fmax(most, fmax(fabs(r->comparison[i].low),
                               fabs(r->comparison[i].high)));
    return most > 0 ? most : 1;
}

static void put_interval(struct sl_str *s, const struct sl_report_comparison *c,
                         double most)
{
    double scale = 100 / most;

    sl_str_printf(
        s,
        "<svg class=interval viewBox=\"-110 0 220 22\" role=img "
        "aria-label=\"%+.4g to %+.4g\"><line class=zero x1=0 x2=0 y1=0 y2=22>"
        "</line><line class=whisker x1=%.1f x2=%.1f y1=11 y2=11></line>"
        "<circle class=mean cx=%.1f cy=11 r=4></circle></svg>",
        c->low, c->high, c->low * scale, c->high * scale,
        c->difference * scale);
}

static void put_p(struct sl_str *s, double p)
{
    if (isnan(p))
        sl_str_puts(s, "<td>&ndash;</td>");
    else if (p < 1e-4)
        sl_str_puts(s, "<td>&lt; 0.0001</td>");
    else
        sl_str_printf(s, "<td>%.4f</td>", p);
}

static void put_comparison(struct sl_str *s, const struct sl_report *r,
                           const struct sl_report_comparison *c)
{
    bool open = c->low <= 0 && c->high >= 0;
    int decimals = sl_report_decimals_of(r, c->measure);

    sl_str_printf(s, "<tr%s>", open ? " class=open" : "");
    sl_html_element(s, "td class=name", c->name);
    sl_html_element(s, "td class=faint", c->measure);
    sl_str_printf(s, "<td>%+.*f</td><td class=faint>%+.*f &hellip; %+.*f</td>",
                  decimals, c->difference, decimals, c->low, decimals, c->high);
    sl_str_puts(s, "<td>");
    put_interval(s, c, reach(r));
    sl_str_puts(s, "</td>");
    put_p(s, c->p);
    sl_str_puts(s, "</tr>\n");
}

static void put_comparisons(struct sl_str *s, const struct sl_report *r)
{
    if (!r->n_comparisons)
        return;
    sl_str_puts(s, "<h2>Differences</h2>\n<div class=card><table><tr><th></th>"
                   "<th></th><th>difference</th><th>95% interval</th><th></th>"
                   "<th>p</th></tr>\n");
    for (int64_t i = 0; i < r->n_comparisons; i++)
        put_comparison(s, r, &r->comparison[i]);
    sl_str_puts(s, "</table></div>\n<p class=hint>Paired over the queries: "
                   "bootstrap interval, p of the t test. Grey: the interval "
                   "holds 0, the difference is not resolved.</p>\n");
}

/* ---- what runs share ----------------------------------------------------- */

static void put_overlap(struct sl_str *s, const struct sl_report_overlap *o)
{
    sl_str_puts(s, "<tr>");
    sl_html_element(s, "td class=name", o->name);
    sl_str_printf(s, "<td>%" PRId64 "</td><td class=faint>%" PRId64 "</td>",
                  o->n_queries, o->n_alone);
    for (int i = 0; i < SL_REPORT_HEADS; i++)
        sl_str_printf(s, "<td>%.4f<br><span class=faint>%.4f</span></td>",
                      o->overlap[i], o->tied[i]);
    sl_str_printf(s, "<td>%.4f</td></tr>\n", o->rbo);
}

static void put_overlaps(struct sl_str *s, const struct sl_report *r)
{
    if (!r->n_overlaps)
        return;
    sl_str_puts(s, "<h2>Shared hits</h2>\n<div class=card><table><tr><th></th>"
                   "<th>queries</th><th>in one alone</th>");
    for (int i = 0; i < SL_REPORT_HEADS; i++)
        sl_str_printf(s, "<th>@%d</th>", sl_report_head[i]);
    sl_str_puts(s, "<th>rbo</th></tr>\n");
    for (int64_t i = 0; i < r->n_overlaps; i++)
        put_overlap(s, &r->overlap[i]);
    sl_str_puts(s,
                "</table></div>\n<p class=hint>Share of a query's first hits "
                "that both runs have, mean over the queries; below: where "
                "hits of equal scores may change places. rbo: rank-biased "
                "overlap, p = 0.9.</p>\n");
}

/* ---- curves -------------------------------------------------------------- */

static bool is_first_of_chart(const struct sl_report *r, int64_t i)
{
    for (int64_t k = 0; k < i; k++)
        if (!strcmp(r->curve[k].chart, r->curve[i].chart))
            return false;
    return true;
}

static void put_curves(struct sl_str *s, const struct sl_report *r)
{
    if (!r->n_curves)
        return;
    sl_str_puts(s, "<h2>Training</h2>\n<div class=charts>\n");
    for (int64_t i = 0; i < r->n_curves; i++)
        if (is_first_of_chart(r, i))
            sl_report_chart(s, r, r->curve[i].chart);
    sl_str_puts(s, "</div>\n<p class=hint>Lines: the loss of training steps. "
                   "Dots, and numbers beside the names: held-out "
                   "examples.</p>\n");
}

/* ---- timings ------------------------------------------------------------- */

static void put_seconds(struct sl_str *s, double seconds)
{
    if (seconds < 0)
        sl_str_puts(s, "<td class=faint>&ndash;</td>");
    else if (seconds < 120)
        sl_str_printf(s, "<td>%.1f s</td>", seconds);
    else
        sl_str_printf(s, "<td>%.1f min</td>", seconds / 60);
}

static void put_timing(struct sl_str *s, const struct sl_report_timing *t,
                       double longest)
{
    sl_str_puts(s, "<tr><td class=name>");
    sl_html_text(s, t->name);
    if (t->note)
        sl_html_element(s, "small", t->note);
    sl_str_printf(s, "</td><td class=time><i style=\"width:%.1f%%\"></i></td>",
                  longest > 0 ? 100 * fmax(t->seconds, 0) / longest : 0);
    put_seconds(s, t->seconds);
    put_seconds(s, t->processor);
    sl_str_puts(s, "</tr>\n");
}

static void put_timings(struct sl_str *s, const struct sl_report *r)
{
    double longest = 0, seconds = 0, processor = 0;

    if (!r->n_timings)
        return;
    for (int64_t i = 0; i < r->n_timings; i++) {
        longest = fmax(longest, r->timing[i].seconds);
        seconds += r->timing[i].seconds;
        processor += fmax(r->timing[i].processor, 0);
    }
    sl_str_puts(s, "<h2>Time</h2>\n<div class=card><table><tr><th></th>"
                   "<th></th><th>clock</th><th>processor</th></tr>\n");
    for (int64_t i = 0; i < r->n_timings; i++)
        put_timing(s, &r->timing[i], longest);
    sl_str_puts(s, "<tr class=total><td>all</td><td></td>");
    put_seconds(s, seconds);
    put_seconds(s, processor);
    sl_str_puts(s, "</tr></table></div>\n");
}

/* ---- examples ------------------------------------------------------------ */

/* The title; the id, too, where it says something else. */
static void put_name(struct sl_str *s, const struct sl_report_passage *p)
{
    sl_html_element(s, "b", p->title ? p->title : p->id);
    if (p->title && strcmp(p->title, p->id) != 0) {
        sl_str_puts(s, " <span class=faint>");
        sl_html_text(s, p->id);
        sl_str_puts(s, "</span>");
    }
}

static void put_rank(struct sl_str *s, const struct sl_report_ranking *ranking)
{
    if (ranking->relevant_rank)
        sl_str_printf(s, "rank %" PRId64, ranking->relevant_rank);
    else
        sl_str_puts(s, "not found");
}

static void put_ranking(struct sl_str *s,
                        const struct sl_report_ranking *ranking)
{
    sl_str_puts(s, "<section><h3>");
    sl_html_text(s, ranking->name);
    sl_str_puts(s, " <span>");
    put_rank(s, ranking);
    sl_str_puts(s, "</span></h3><ol>\n");
    for (int64_t i = 0; i < ranking->n; i++) {
        const struct sl_report_hit *h = &ranking->hit[i];

        sl_str_puts(s, h->relevant ? "<li class=hit>" : "<li>");
        put_name(s, &h->passage);
        sl_html_element(s, "p", h->passage.text);
        sl_str_puts(s, "</li>\n");
    }
    sl_str_puts(s, "</ol></section>\n");
}

/* Where each run has the relevant passage, to be seen while it is closed. */
static void put_ranks(struct sl_str *s, const struct sl_report *r,
                      const struct sl_report_example *e)
{
    sl_str_puts(s, "<span class=ranks>");
    for (int64_t k = 0; k < r->n_runs; k++) {
        sl_str_puts(s, k ? " &middot; " : "");
        sl_html_text(s, e->ranking[k].name);
        sl_str_puts(s, " ");
        if (e->ranking[k].relevant_rank)
            sl_str_printf(s, "<b>%" PRId64 "</b>", e->ranking[k].relevant_rank);
        else
            sl_str_puts(s, "&ndash;");
    }
    sl_str_puts(s, "</span>");
}

static void put_example(struct sl_str *s, const struct sl_report *r,
                        const struct sl_report_example *e, bool open)
{
    sl_str_printf(s, "<details%s><summary>", open ? " open" : "");
    sl_html_text(s, e->query);
    put_ranks(s, r, e);
    sl_str_puts(s, "</summary>\n<div class=body><p class=wanted>wanted: ");
    put_name(s, &e->relevant);
    sl_str_puts(s, "<br>");
    sl_html_text(s, e->relevant.text);
    sl_str_puts(s, "</p>\n<div class=runs>\n");
    for (int64_t k = 0; k < r->n_runs; k++)
        put_ranking(s, &e->ranking[k]);
    sl_str_puts(s, "</div></div></details>\n");
}

static void put_examples(struct sl_str *s, const struct sl_report *r)
{
    if (!r->n_examples)
        return;
    sl_str_puts(s, "<h2>Queries, and what was found</h2>\n");
    for (int64_t i = 0; i < r->n_examples; i++)
        put_example(s, r, &r->example[i], i == 0);
    sl_str_puts(s, "<p class=hint>Evenly spaced over the file of queries; "
                   "nobody chose them. Numbers: the rank of the wanted "
                   "passage.</p>\n");
}

/* ---- the page ------------------------------------------------------------ */

static void put_header(struct sl_str *s, const struct sl_report *r)
{
    sl_str_puts(s, "<header><p class=eyebrow>simlm " SIMLM_VERSION "</p>\n");
    sl_html_element(s, "h1", r->title);
    if (r->subtitle)
        sl_html_element(s, "p class=subtitle", r->subtitle);
    if (r->n_facts)
        sl_str_puts(s, "\n<dl>");
    for (int64_t i = 0; i < r->n_facts; i++) {
        sl_str_puts(s, "<div>");
        sl_html_element(s, "dt", r->fact[i].name);
        sl_html_element(s, "dd", r->fact[i].value);
        sl_str_puts(s, "</div>\n");
    }
    if (r->n_facts)
        sl_str_puts(s, "</dl>");
    sl_str_puts(s, "</header>\n");
    for (int64_t i = 0; i < r->n_notes; i++)
        sl_html_element(s, "p class=note", r->note[i]);
}

void sl_report_html(struct sl_str *s, const struct sl_report *r)
{
    sl_str_puts(s, "<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8>\n"
                   "<meta name=viewport content=\"width=device-width,"
                   "initial-scale=1\">\n"
                   "<meta http-equiv=Content-Security-Policy content=\""
                   "default-src 'none'; style-src 'unsafe-inline'\">\n");
    sl_html_element(s, "title", r->title);
    sl_str_puts(s, "\n<style>\n");
    for (int64_t i = 0; sl_report_style[i]; i++)
        sl_str_puts(s, sl_report_style[i]);
    sl_str_puts(s, "</style></head>\n<body><main>\n");
    put_header(s, r);
    put_results(s, r);
    put_comparisons(s, r);
    put_overlaps(s, r);
    put_examples(s, r);
    put_curves(s, r);
    put_timings(s, r);
    sl_str_puts(s, "</main></body></html>\n");
}
