/*
 * index/fuse.h - several runs made into one, query by query.
 *
 *   linear   sum over runs of weight * value, where value is the hit's score
 *            normalised over the run's hits of that query:
 *                minmax   (s - min) / (max - min); all equal: 1
 *                none     s
 *                zscore   (s - mean) / population deviation; all equal: 0
 *   rrf      sum over runs of weight / (k + rank), rank counted from 1 in the
 *            run's own order (Cormack, Clarke and Buettcher, SIGIR 2009)
 *
 *   1. A passage that a run with the query does not list gets that run's
 *      lowest value (0 in min-max; in RRF nothing).  A run without the query
 *      adds nothing.
 *   2. Sums are taken in the order of the runs, in double, and rounded to float
 *      before sorting, so the file sorts as it was written whoever reads it.
 *   3. Ties go to the passage that was met first: runs in order, hits by rank.
 *      Queries come in the order in which they were met.
 */
#ifndef SL_INDEX_FUSE_H
#define SL_INDEX_FUSE_H

#include <simlm/bm25.h>

#include "base/status.h"

/* E_IO, E_FORMAT; E_RANGE if a fused score is not finite; E_NOMEM. */
simlm_status sl_fuse(const simlm_fuse_options *options, simlm_error *err);

#endif
