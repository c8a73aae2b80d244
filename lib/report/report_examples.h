/* report/report_examples.h - queries with what was found for them. */
#ifndef SL_REPORT_REPORT_EXAMPLES_H
#define SL_REPORT_REPORT_EXAMPLES_H

#include "report/report.h"

/* Fill r->example from the description's "examples"; base is the directory
 * that its file names are relative to. */
simlm_status sl_report_read_examples(struct sl_report *r, struct sl_json spec,
                                     const char *base, simlm_error *err);
void sl_report_free_examples(struct sl_report *r);

/* "<base>/<path>", or path itself if it is absolute; sl_free() it. */
char *sl_report_path(const char *base, const char *path);

#endif
