/*
 * report_chart.c - curves as inline SVG.
 *
 *      y  +--------------------+
 *         |\.  o               |     the box spans all points of the chart;
 *         |  `--.___           |     lines of the grid are at round numbers
 *         |         `-----o    |
 *         +--------------------+  step
 *
 * Colours, widths and fonts are the style sheet's.
 */
#include "report/report_chart.h"

#include <math.h>
#include <string.h>

#include "report/html.h"

enum {
    WIDTH = 640,
    HEIGHT = 300,
    LEFT = 56,
    RIGHT = 16,
    TOP = 12,
    BOTTOM = 36
};

struct range {
    double min, max;
};

struct box {
    struct range x, y;
};

/* ---- scales -------------------------------------------------------------- */

static void widen(struct range *r, double v)
{
    r->min = fmin(r->min, v);
    r->max = fmax(r->max, v);
}

static void widen_by(struct box *b, const struct sl_report_point *p, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        widen(&b->x, p[i].step);
        widen(&b->y, p[i].value);
    }
}

static bool is_of(const struct sl_report_curve *c, const char *chart)
{
    return !strcmp(c->chart, chart) && c->n_train + c->n_held_out > 0;
}

/* False if the chart has no point at all. */
static bool measure_box(struct box *b, const struct sl_report *r,
                        const char *chart)
{
    *b = (struct box){{0, 0}, {INFINITY, -INFINITY}};
    for (int64_t i = 0; i < r->n_curves; i++) {
        if (!is_of(&r->curve[i], chart))
            continue;
        widen_by(b, r->curve[i].train, r->curve[i].n_train);
        widen_by(b, r->curve[i].held_out, r->curve[i].n_held_out);
    }
    if (b->y.min > b->y.max)
        return false;
    if (b->x.max <= b->x.min)
        b->x.max = b->x.min + 1;
    if (b->y.max <= b->y.min) {
        double pad = fmax(fabs(b->y.max) * 0.1, 0.1);

        b->y.min -= pad;
        b->y.max += pad;
    }
    return true;
}

static double at_x(const struct box *b, double x)
{
    return LEFT +
           (x - b->x.min) / (b->x.max - b->x.min) * (WIDTH - LEFT - RIGHT);
}

static double at_y(const struct box *b, double y)
{
    return HEIGHT - BOTTOM -
           (y - b->y.min) / (b->y.max - b->y.min) * (HEIGHT - TOP - BOTTOM);
}

/* 1, 2 or 5 times a power of ten, for about five lines in the range. */
static double round_step(struct range r)
{
    double rough = (r.max - r.min) / 5;
    double power = pow(10, floor(log10(rough)));
    double digit = rough / power;

    return power * (digit < 1.5 ? 1 : digit < 3.5 ? 2 : digit < 7.5 ? 5 : 10);
}

/* ---- pieces -------------------------------------------------------------- */

static void put_grid(struct sl_str *s, const struct box *b)
{
    double dx = round_step(b->x), dy = round_step(b->y);

    for (double k = ceil(b->y.min / dy); k * dy <= b->y.max; k++) {
        double y = at_y(b, k * dy);

        sl_str_printf(s,
                      "<line class=grid x1=%d x2=%d y1=%.1f y2=%.1f></line>"
                      "<text class=y x=%d y=%.1f>%.4g</text>\n",
                      LEFT, WIDTH - RIGHT, y, y, LEFT - 8, y + 4, k * dy);
    }
    for (double k = ceil(b->x.min / dx); k * dx <= b->x.max; k++)
        sl_str_printf(s, "<text class=x x=%.1f y=%d>%.6g</text>\n",
                      at_x(b, k * dx), HEIGHT - BOTTOM + 18, k * dx);
    sl_str_printf(s, "<text class=unit x=%d y=%d>step</text>\n", WIDTH - RIGHT,
                  HEIGHT - 4);
}

static void put_line(struct sl_str *s, const struct box *b,
                     const struct sl_report_point *p, int64_t n, int64_t colour)
{
    if (!n)
        return;
    sl_str_printf(s, "<polyline class=\"line c%d\" points=\"",
                  (int)(colour % SL_REPORT_COLOURS));
    for (int64_t i = 0; i < n; i++)
        sl_str_printf(s, "%s%.1f,%.1f", i ? " " : "", at_x(b, p[i].step),
                      at_y(b, p[i].value));
    sl_str_puts(s, "\"></polyline>\n");
}

static void put_dots(struct sl_str *s, const struct box *b,
                     const struct sl_report_point *p, int64_t n, int64_t colour)
{
    for (int64_t i = 0; i < n; i++)
        sl_str_printf(s,
                      "<circle class=\"dot c%d\" cx=%.1f cy=%.1f r=4><title>"
                      "held out, step %.0f: %.4g</title></circle>\n",
                      (int)(colour % SL_REPORT_COLOURS), at_x(b, p[i].step),
                      at_y(b, p[i].value), p[i].step, p[i].value);
}

/* A name, and what its loss ended at. */
static void put_legend(struct sl_str *s, const struct sl_report_curve *c,
                       int64_t colour)
{
    sl_str_printf(s, "<li><i class=c%d></i>",
                  (int)(colour % SL_REPORT_COLOURS));
    sl_html_text(s, c->name);
    if (c->n_held_out)
        sl_str_printf(s, " <b>%.4g</b>", c->held_out[c->n_held_out - 1].value);
    sl_str_puts(s, "</li>");
}

static void put_svg(struct sl_str *s, const struct sl_report *r,
                    const char *chart, const struct box *b)
{
    int64_t colour = 0;

    sl_str_printf(s, "<svg viewBox=\"0 0 %d %d\" role=img aria-label=\"", WIDTH,
                  HEIGHT);
    sl_html_text(s, chart);
    sl_str_puts(s, "\">\n");
    put_grid(s, b);
    for (int64_t i = 0; i < r->n_curves; i++) {
        const struct sl_report_curve *c = &r->curve[i];

        if (!is_of(c, chart))
            continue;
        put_line(s, b, c->train, c->n_train, colour);
        put_dots(s, b, c->held_out, c->n_held_out, colour++);
    }
    sl_str_puts(s, "</svg>\n");
}

void sl_report_chart(struct sl_str *s, const struct sl_report *r,
                     const char *chart)
{
    struct box b;
    int64_t colour = 0;

    if (!measure_box(&b, r, chart))
        return;
    sl_str_puts(s, "<figure><figcaption>");
    sl_html_text(s, chart);
    sl_str_puts(s, "</figcaption><ul class=legend>");
    for (int64_t i = 0; i < r->n_curves; i++)
        if (is_of(&r->curve[i], chart))
            put_legend(s, &r->curve[i], colour++);
    sl_str_puts(s, "</ul>\n");
    put_svg(s, r, chart, &b);
    sl_str_puts(s, "</figure>\n");
}
