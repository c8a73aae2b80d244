/*
 * prepare/passages.h - passages.jsonl.gz, row by row (spec 5.1):
 *
 *   {"id":"0","contents":"...","title":"..."}
 *
 * Without "title" where there is none.  What is not UTF-8 becomes U+FFFD, and
 * the passages it is in are counted.
 */
#ifndef SL_PREPARE_PASSAGES_H
#define SL_PREPARE_PASSAGES_H

#include <simlm/observer.h>

#include "data/corpus.h"
#include "format/gzip.h"

struct sl_passages {
    struct sl_gzip gz;
    struct sl_str line;
    int64_t n, titled, ill_formed; /* passages so far */
    int64_t first_ill_formed;      /* a row */
};

/* f is borrowed; *p needs no other beginning. */
void sl_passages_begin(struct sl_passages *p, FILE *f);

/* E_NOMEM */
simlm_status sl_passages_put(struct sl_passages *p,
                             const struct sl_passage *passage,
                             simlm_error *err);

/* Write the rest, and tell how many there were. */
simlm_status sl_passages_end(struct sl_passages *p, const simlm_observer *obs,
                             simlm_error *err);
void sl_passages_abort(struct sl_passages *p); /* after the end: no-op */

#endif
