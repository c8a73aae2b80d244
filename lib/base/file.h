/*
 * base/file.h - whole-or-absent output, read-only maps, directories.
 *
 * An output is written to "<path>.tmp.<pid>", flushed, fsynced and renamed over
 * <path>, so that a reader never sees half a file and a failed command leaves
 * nothing behind.  What a killed one has left goes when the same output is
 * written again.
 *
 *     struct sl_out o;
 *     SL_TRY(sl_out_open(&o, path, err));
 *     fprintf(o.f, ...);                       (errors may be ignored here)
 *     st = sl_out_commit(&o, err);             (they are all reported here)
 *     ... or sl_out_abort(&o) on the way out of a failure.
 */
#ifndef SL_BASE_FILE_H
#define SL_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/status.h"

struct sl_out {
    FILE *f;
    char *path, *tmp;
};

/*
 * path "-" writes to standard output; a device or pipe that is there already
 * (/dev/full) is written in place.  Both are written as it comes.
 */
simlm_status sl_out_open(struct sl_out *o, const char *path, simlm_error *err);

/* Flush, fsync, close, rename.  On failure the temporary is gone, too. */
simlm_status sl_out_commit(struct sl_out *o, simlm_error *err);
void sl_out_abort(
    struct sl_out *o); /* after commit, or on a zeroed struct: no-op */

/*
 * tmp is "<path>.tmp.<pid>": remove what processes that were killed have left
 * under the same name but for the number, files and directories.
 */
void sl_tmp_sweep(const char *tmp);

/* The whole of a small file in one go, through the same route. */
simlm_status sl_file_write(const char *path, const void *bytes, size_t n,
                           simlm_error *err);

/*
 * *out <- the whole file plus a NUL; sl_free() it.  E_RANGE if it is larger
 * than max bytes.
 */
simlm_status sl_file_read(char **out, size_t *n, const char *path, size_t max,
                          simlm_error *err);

/* A read-only memory map. */
struct sl_map {
    const unsigned char *p; /* NULL for an empty file */
    size_t n;
};
simlm_status sl_map_open(struct sl_map *m, const char *path, simlm_error *err);
void sl_map_close(struct sl_map *m);

bool sl_file_exists(const char *path); /* a file or directory is there */
bool sl_dir_exists(const char *path);

/* Make the directory and its parents; existing ones are fine. */
simlm_status sl_dir_make(const char *path, simlm_error *err);

/* Make sure that what was renamed into the directory survives a power cut. */
simlm_status sl_dir_sync(const char *path, simlm_error *err);

/* All n bytes at their place in the file, or false: errno says why, unless the
 * file ends before.  Safe from several threads. */
bool sl_read_at(int fd, void *bytes, size_t n, int64_t at);
bool sl_write_at(int fd, const void *bytes, size_t n, int64_t at);

/* "<dir>/<name>", sl_free() it; NULL if out of memory. */
char *sl_path_join(const char *dir, const char *name);

/* The directory that path is in, "." if it names none; sl_free() it; NULL if
 * out of memory. */
char *sl_path_dir(const char *path);

/* Remove a directory and all that is in it; absent is fine. */
simlm_status sl_dir_remove(const char *path, simlm_error *err);

#endif
