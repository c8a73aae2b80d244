/*
 * format/lines_source.h - the bytes of a file that may be compressed.
 *
 * Private to lines.c.
 */
#ifndef SL_FORMAT_LINES_SOURCE_H
#define SL_FORMAT_LINES_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct sl_source;

simlm_status sl_source_open(struct sl_source **out, const char *path,
                            simlm_error *err);
void sl_source_close(struct sl_source *s);
const char *sl_source_path(const struct sl_source *s);
int64_t sl_source_consumed(const struct sl_source *s); /* bytes of the file */

/* *n <- how many bytes were put in buf, at most cap; 0 only at the end. */
simlm_status sl_source_read(struct sl_source *s, char *buf, size_t cap,
                            size_t *n, simlm_error *err);

#endif
