/* report_make.c - read, show in every form that is asked for; the plain forms.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "report/report.h"

int sl_report_decimals(const struct sl_report *r, int64_t measure)
{
    for (int64_t i = 0; i < r->n_results; i++)
        if (fabs(r->result[i].value[measure]) > 1)
            return 2;
    return 4;
}

int sl_report_decimals_of(const struct sl_report *r, const char *measure)
{
    for (int64_t m = 0; m < r->n_measures; m++)
        if (!strcmp(r->measure[m], measure))
            return sl_report_decimals(r, m);
    return 4;
}

bool sl_report_is_best(const struct sl_report *r, int64_t result,
                       int64_t measure)
{
    for (int64_t i = 0; i < r->n_results; i++)
        if (r->result[i].value[measure] > r->result[result].value[measure])
            return false;
    return r->n_results > 1;
}

/* ---- a terminal ---------------------------------------------------------- */

/* Columns that a text takes: its characters, not its bytes. */
static int width_of(const char *text)
{
    int n = 0;

    for (; *text; text++)
        n += ((unsigned char)*text & 0xC0) != 0x80;
    return n;
}

/* The text without control characters, padded to a width. */
static void put_padded(struct sl_str *s, const char *text, int width)
{
    int pad = width - width_of(text);

    for (const char *p = text; *p; p++)
        sl_str_putc(s, (unsigned char)*p < 0x20 || *p == 0x7F ? ' ' : *p);
    sl_str_printf(s, "%*s", pad > 0 ? pad : 0, "");
}

static int widest_name(const struct sl_report *r)
{
    int width = 0;

    for (int64_t i = 0; i < r->n_results; i++)
        if (width_of(r->result[i].name) > width)
            width = width_of(r->result[i].name);
    for (int64_t i = 0; i < r->n_comparisons; i++)
        if (width_of(r->comparison[i].name) > width)
            width = width_of(r->comparison[i].name);
    for (int64_t i = 0; i < r->n_overlaps; i++)
        if (width_of(r->overlap[i].name) > width)
            width = width_of(r->overlap[i].name);
    return width;
}

static void put_value(struct sl_str *s, double value, int decimals)
{
    if (isnan(value))
        sl_str_printf(s, " %9s", "-");
    else
        sl_str_printf(s, " %9.*f", decimals, value);
}

static void put_results(struct sl_str *s, const struct sl_report *r, int width)
{
    put_padded(s, "", width);
    for (int64_t m = 0; m < r->n_measures; m++)
        sl_str_printf(s, " %9s", r->measure[m]);
    sl_str_putc(s, '\n');
    for (int64_t i = 0; i < r->n_results; i++) {
        put_padded(s, r->result[i].name, width);
        for (int64_t m = 0; m < r->n_measures; m++)
            put_value(s, r->result[i].value[m], sl_report_decimals(r, m));
        sl_str_putc(s, '\n');
    }
}

static void put_comparisons(struct sl_str *s, const struct sl_report *r,
                            int width)
{
    for (int64_t i = 0; i < r->n_comparisons; i++) {
        const struct sl_report_comparison *c = &r->comparison[i];
        int decimals = sl_report_decimals_of(r, c->measure);

        put_padded(s, c->name, width);
        sl_str_printf(s, " %9s %+.*f (%+.*f to %+.*f)", c->measure, decimals,
                      c->difference, decimals, c->low, decimals, c->high);
        if (!isnan(c->p))
            sl_str_printf(s, ", p = %.2g", c->p);
        sl_str_putc(s, '\n');
    }
}

static void put_heads(struct sl_str *s, const double *value)
{
    for (int i = 0; i < SL_REPORT_HEADS; i++)
        put_value(s, value[i], 4);
}

static void put_head_name(struct sl_str *s, int head)
{
    char name[16];

    snprintf(name, sizeof name, "@%d", head);
    sl_str_printf(s, " %9s", name);
}

static void put_overlaps(struct sl_str *s, const struct sl_report *r, int width)
{
    put_padded(s, "shared hits", width);
    sl_str_printf(s, " %9s %9s", "queries", "alone");
    for (int i = 0; i < SL_REPORT_HEADS; i++)
        put_head_name(s, sl_report_head[i]);
    sl_str_printf(s, " %9s\n", "rbo");
    for (int64_t i = 0; i < r->n_overlaps; i++) {
        const struct sl_report_overlap *o = &r->overlap[i];

        put_padded(s, o->name, width);
        sl_str_printf(s, " %9" PRId64 " %9" PRId64, o->n_queries, o->n_alone);
        put_heads(s, o->overlap);
        put_value(s, o->rbo, 4);
        sl_str_putc(s, '\n');
        put_padded(s, "  but for ties", width);
        sl_str_printf(s, " %9s %9s", "", "");
        put_heads(s, o->tied);
        sl_str_putc(s, '\n');
    }
}

void sl_report_text(struct sl_str *s, const struct sl_report *r)
{
    int width = widest_name(r);
    bool above = r->n_results > 0;

    if (r->n_results)
        put_results(s, r, width);
    if (above && r->n_comparisons)
        sl_str_putc(s, '\n');
    put_comparisons(s, r, width);
    above = above || r->n_comparisons;
    if (above && r->n_overlaps)
        sl_str_putc(s, '\n');
    if (r->n_overlaps)
        put_overlaps(s, r, width);
}

/* ---- files --------------------------------------------------------------- */

static simlm_status write_form(const struct sl_report *r, const char *path,
                               void (*form)(struct sl_str *,
                                            const struct sl_report *),
                               simlm_error *err)
{
    struct sl_str s = {0};
    simlm_status st;

    if (!path)
        return SIMLM_OK;
    form(&s, r);
    st = sl_str_ok(&s) ? sl_file_write(path, sl_str_c(&s), s.len, err)
                       : sl_fail_nomem(err, "a report");
    sl_str_free(&s);
    return st;
}

simlm_status sl_report_make(const simlm_report_options *o, simlm_error *err)
{
    struct sl_report *r = NULL;
    simlm_status st = sl_report_read(&r, o->input, err);

    if (st == SIMLM_OK)
        st = write_form(r, o->html, sl_report_html, err);
    if (st == SIMLM_OK)
        st = write_form(r, o->json, sl_report_json, err);
    if (st == SIMLM_OK)
        st = write_form(r, o->text, sl_report_text, err);
    sl_report_free(r);
    return st;
}
