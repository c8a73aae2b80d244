/*
 * eval/overlap.h - how alike are two runs?  <simlm/eval.h> has the definitions.
 *
 * One query is two lists.  A passage that stands at i in one and at j in the
 * other is in both heads from depth max(i, j) + 1 on; so one count a depth
 * gives X_d, the passages that the two heads of length d share, for all d at
 * once, and everything but order and ties follows from X.
 */
#ifndef SL_EVAL_OVERLAP_H
#define SL_EVAL_OVERLAP_H

#include <simlm/eval.h>

simlm_status sl_overlap_measure(simlm_overlap *out, const char *run_a,
                                const char *run_b, simlm_error *err);

simlm_status sl_overlap_write(const simlm_overlap *o, bool json,
                              const char *path, simlm_error *err);

#endif
