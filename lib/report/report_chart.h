/* report/report_chart.h - curves as inline SVG. */
#ifndef SL_REPORT_REPORT_CHART_H
#define SL_REPORT_REPORT_CHART_H

#include "report/report.h"

/* Colours of the style sheet, used in turn. */
enum { SL_REPORT_COLOURS = 6 };

/* The figure of the curves of one chart, legend included.  Training is a line,
 * held-out examples are dots; curves without a point are left out. */
void sl_report_chart(struct sl_str *s, const struct sl_report *r,
                     const char *chart);

#endif
