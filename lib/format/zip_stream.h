/*
 * format/zip_stream.h - an entry of a zip file of texts, front to back.
 *
 * Data sets are published as zip files; what is in them is read where it is.
 * An entry has a path, as if the zip file were a directory:
 *
 *     scifact.zip/scifact/qrels/test.tsv
 *
 * Stored or deflated; length and checksum are proved at the end.
 */
#ifndef SL_FORMAT_ZIP_STREAM_H
#define SL_FORMAT_ZIP_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

struct sl_zip_stream;

/* Does the path lead through a file?  *n <- the length of the part that is the
 * file's path. */
bool sl_zip_path(const char *path, size_t *n);

/*
 * path is one that sl_zip_path() has found such.
 *
 *   E_IO      the file cannot be opened
 *   E_FORMAT  not a zip file; no such entry; one that is not to be read
 *   E_NOMEM
 */
simlm_status sl_zip_stream_open(struct sl_zip_stream **out, const char *path,
                                simlm_error *err);
void sl_zip_stream_close(struct sl_zip_stream *s); /* accepts NULL */

/* *n <- how many bytes were put in buf, at most cap; 0 only at the end.
 * E_FORMAT: damaged, or other than the directory says. */
simlm_status sl_zip_stream_read(struct sl_zip_stream *s, char *buf, size_t cap,
                                size_t *n, simlm_error *err);

#endif
