/*
 * format/gzip.h - write a text as a gzip file, on all cores.
 *
 * The text is cut every MiB, and each piece becomes a gzip member of its own:
 * members one after another are one text (RFC 1952, 2.2), to gzip, zlib and
 * Python alike.  No name and no time goes into them, so the same text gives the
 * same bytes.
 *
 *     struct sl_gzip gz = { .f = out.f };
 *     sl_gzip_put(&gz, text, n);                 (errors may be ignored here)
 *     st = sl_gzip_end(&gz, err);                (they are all reported here)
 */
#ifndef SL_FORMAT_GZIP_H
#define SL_FORMAT_GZIP_H

#include <stddef.h>
#include <stdio.h>

#include "base/status.h"
#include "base/str.h"

struct sl_gzip {
    FILE *f;               /* borrowed; its own errors show when it is closed */
    struct sl_str waiting; /* private, like the rest: text not yet compressed */
    bool failed, begun;
};

void sl_gzip_put(struct sl_gzip *g, const char *bytes, size_t n);

/* Write what waits.  E_NOMEM, of any call before, too. */
simlm_status sl_gzip_end(struct sl_gzip *g, simlm_error *err);

/* After an end that was not reached; after one that was: no-op. */
void sl_gzip_abort(struct sl_gzip *g);

#endif
