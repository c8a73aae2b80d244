/* report/report_style.h - the page's style sheet, in pieces that end with NULL.
 */
#ifndef SL_REPORT_REPORT_STYLE_H
#define SL_REPORT_REPORT_STYLE_H

extern const char *const sl_report_style[];

#endif
