/*
 * prepare/raw.h - what was downloaded: the files of some places.
 *
 * A place is a folder, looked through four levels deep, a zip file, or a file.
 * Files are found by their names, which is all that the downloads have in
 * common; hidden ones (.name) are passed over.
 */
#ifndef SL_PREPARE_RAW_H
#define SL_PREPARE_RAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct sl_raw;

/*
 *   E_IO      a place that is not there or cannot be read
 *   E_FORMAT  a damaged zip file
 *   E_NOMEM
 */
simlm_status sl_raw_open(struct sl_raw **out, const char *const *place,
                         int64_t n_places, simlm_error *err);
void sl_raw_close(struct sl_raw *raw); /* accepts NULL */

/* All files, sorted: paths as format/lines.h opens them. */
int64_t sl_raw_count(const struct sl_raw *raw);
const char *sl_raw_path(const struct sl_raw *raw, int64_t i);

/*
 * *path <- the file that has the first of the names that any has, each as it
 * is or with .gz or .zst behind it; NULL if there is none.  The names end with
 * NULL.
 *
 *   E_FORMAT  two files have it: "both '...' and '...' are there"
 */
simlm_status sl_raw_find(const char **path, const struct sl_raw *raw,
                         const char *const *names, simlm_error *err);

/* The last part of a path, and the length of what is before its slash (0: it
 * has none). */
const char *sl_raw_name(const char *path);
size_t sl_raw_folder(const char *path);

/* Is the path's last part `name`, or that with .gz or .zst behind it? */
bool sl_raw_is(const char *path, const char *name);

#endif
