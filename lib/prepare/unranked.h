/*
 * prepare/unranked.h - MS MARCO's own lists of BM25's hits, which are in no
 * order: a sample of each query's.
 *
 *   top1000.*                  query \t passage \t text \t text
 *   qidpidtriples.train.full   query \t positive \t negative
 *
 * Nobody can take the first 200 of those, so 200 are drawn, as the authors did
 * for their first retriever (spec 9.3, #1176): a reservoir a query, its numbers
 * a function of the seed and the query's place in the file.  The last list is
 * of 400 million lines, read once.
 */
#ifndef SL_PREPARE_UNRANKED_H
#define SL_PREPARE_UNRANKED_H

#include <stdbool.h>

#include <simlm/observer.h>

#include "base/strmap.h"
#include "format/runfile.h"

/* Is it the name of such a list? */
bool sl_unranked_is(const char *path);

/*
 * *out <- a run of the queries that are keys of `only`, `depth` hits of each at
 * most, in random order, with scores that fall with it.  A passage that a list
 * has twice for a query may take two of its places; it is then once in the run.
 *
 *   E_FORMAT  "path:line: expected ..."
 *   E_IO, E_NOMEM, E_CANCELLED
 */
simlm_status sl_unranked_load(struct sl_run **out, const char *path,
                              const struct sl_strmap *only, int64_t depth,
                              uint64_t seed, const simlm_observer *obs,
                              simlm_error *err);

#endif
