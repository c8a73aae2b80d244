/*
 * format/lines.h - the lines of a text file: plain, gzip or zstd.
 *
 * The form is told by the file's first bytes, never by its name.  Several gzip
 * members or zstd frames one after another are one text.  A compressed file
 * that ends too early is an error, not a short text.  A path may lead into a zip
 * file as into a directory (format/zip_stream.h).
 *
 *     struct sl_lines *in = NULL;
 *     struct sl_line line;
 *
 *     SL_TRY(sl_lines_open(&in, path, err));
 *     while ((st = sl_lines_next(in, &line, err)) == SIMLM_OK && line.text)
 *         ...
 *     sl_lines_close(in);
 *
 * A line ends with LF or CRLF, which are not part of it; the last one may lack
 * its end.  A byte order mark before the first line is dropped.  Nothing else
 * is interpreted: a line may hold NUL and invalid UTF-8.
 */
#ifndef SL_FORMAT_LINES_H
#define SL_FORMAT_LINES_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* A longer line is an error that says so: no text of ours is near it. */
#define SL_LINE_MAX ((size_t)256 << 20)

struct sl_line {
    char *text;     /* NUL-terminated, the caller may write into it; NULL at
                     * the end.  Valid until the next call. */
    size_t len;     /* bytes before that NUL */
    int64_t number; /* from 1 */
};

struct sl_lines;

/*
 * path "-" reads standard input.
 *
 *   E_IO      cannot be opened
 *   E_NOMEM
 */
simlm_status sl_lines_open(struct sl_lines **out, const char *path,
                           simlm_error *err);
void sl_lines_close(struct sl_lines *in);

/* The path as given, or "standard input": what messages should say. */
const char *sl_lines_path(const struct sl_lines *in);

/* Bytes of the file used so far (compressed ones, if it is): for progress. */
int64_t sl_lines_consumed(const struct sl_lines *in);

/*
 *   E_IO      cannot be read
 *   E_FORMAT  compressed data that is damaged or cut off, a line over
 *             SL_LINE_MAX; the message names the file
 */
simlm_status sl_lines_next(struct sl_lines *in, struct sl_line *line,
                           simlm_error *err);

/*
 * Many lines at once, for code that works on them in parallel: all whole lines
 * that are at hand, at least one, about `want` bytes.  text is NULL at the end
 * of the file; otherwise text[0 .. len] are lines that each end with LF (one is
 * added if the file's last line has none), CR not removed, and a NUL;
 * `number` is the first one's.  Blocks depend on the text and `want` alone.
 */
simlm_status sl_lines_block(struct sl_lines *in, struct sl_line *block,
                            size_t want, simlm_error *err);

#endif
