/*
 * format/jsonarray.h - a JSON file that is one array, element by element.
 *
 * DPR's training files are gigabytes of [{...}, {...}, ...], on one line or on
 * many.  Only the element at hand is in memory; format/jsonscan.h reads it.
 *
 *     SL_TRY(sl_json_array_open(&in, path, err));
 *     while ((st = sl_json_array_next(in, &element, err)) == SIMLM_OK &&
 *            element.text)
 *         ...
 *     sl_json_array_close(in);
 */
#ifndef SL_FORMAT_JSONARRAY_H
#define SL_FORMAT_JSONARRAY_H

#include "base/status.h"
#include "format/lines.h"

struct sl_json_array;

/* Plain, gzip or zstd, also in a zip file; errors as sl_lines_open()'s. */
simlm_status sl_json_array_open(struct sl_json_array **out, const char *path,
                                simlm_error *err);
void sl_json_array_close(struct sl_json_array *a); /* accepts NULL */

int64_t sl_json_array_consumed(const struct sl_json_array *a); /* bytes */

/*
 * The next element, an object or an array of at most SL_LINE_MAX bytes: where
 * its brackets close is all that is proved of it.  `number` is the line it
 * begins in.  text is NULL behind the last.
 *
 *   E_FORMAT  "path:line: expected ...": no array of such, or it does not end
 *   E_IO, E_NOMEM
 */
simlm_status sl_json_array_next(struct sl_json_array *a,
                                struct sl_line *element, simlm_error *err);

#endif
