/*
 * format/grouping.h - put the items of a file together by group, stably.
 *
 * Private to the readers of qrels and runs: an item is a judgement or a hit,
 * its group is its query.
 */
#ifndef SL_FORMAT_GROUPING_H
#define SL_FORMAT_GROUPING_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/*
 * *start <- [n_groups + 1]: group g will be items start[g] .. start[g + 1] - 1.
 * *order <- [n]: which item comes at each place, or NULL if they lie in order
 * already.  Both are the caller's to free.
 */
simlm_status sl_group(int64_t **start, int64_t **order, const int32_t *group,
                      int64_t n, int64_t n_groups, simlm_error *err);

/* Put the array *items (a pointer's address) into that order. */
simlm_status sl_group_apply(void *items, size_t size, const int64_t *order,
                            int64_t n, simlm_error *err);

/*
 * Two places a < b of one group whose items begin with the same int64_t in
 * 0 .. n_values - 1; a = -1 if there are none.
 */
simlm_status sl_group_find_twice(int64_t *a, int64_t *b, const int64_t *start,
                                 int64_t n_groups, const void *items,
                                 size_t size, int64_t n_values,
                                 simlm_error *err);

#endif
