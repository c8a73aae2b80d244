#include "format/grouping.h"

#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"

/* A counting sort: counts, their running sums, then each item to its place. */
simlm_status sl_group(int64_t **start, int64_t **order, const int32_t *group,
                      int64_t n, int64_t n_groups, simlm_error *err)
{
    int64_t *at = SL_NEW_ARRAY(int64_t, n_groups + 1), *to = NULL;
    bool in_order = true;

    if (!at)
        return sl_fail_nomem(err, "the queries of a file");
    for (int64_t i = 0; i < n; i++) {
        at[group[i] + 1]++;
        in_order = in_order && (!i || group[i - 1] <= group[i]);
    }
    for (int64_t g = 0; g < n_groups; g++)
        at[g + 1] += at[g];
    if (!in_order) {
        to = sl_alloc((size_t)n, sizeof *to);
        if (!to) {
            sl_free(at);
            return sl_fail_nomem(err, "the queries of a file");
        }
        for (int64_t i = 0; i < n; i++)
            to[at[group[i]]++] = i;
        /* Now at[g] is where group g ends: shift to where it starts. */
        memmove(at + 1, at, (size_t)n_groups * sizeof *at);
        at[0] = 0;
    }
    *start = at;
    *order = to;
    return SIMLM_OK;
}

simlm_status sl_group_apply(void *items, size_t size, const int64_t *order,
                            int64_t n, simlm_error *err)
{
    const unsigned char *old;
    unsigned char *sorted;

    if (!order)
        return SIMLM_OK;
    memcpy(&old, items, sizeof old);
    sorted = sl_alloc((size_t)n, size);
    if (!sorted)
        return sl_fail_nomem(err, "the queries of a file");
    for (int64_t i = 0; i < n; i++)
        memcpy(sorted + (size_t)i * size, old + (size_t)order[i] * size, size);
    memcpy(items, &sorted, sizeof sorted);
    sl_free((void *)(uintptr_t)old);
    return SIMLM_OK;
}

simlm_status sl_group_find_twice(int64_t *a, int64_t *b, const int64_t *start,
                                 int64_t n_groups, const void *items,
                                 size_t size, int64_t n_values,
                                 simlm_error *err)
{
    const unsigned char *p = items;
    /* The place + 1 where a value was last seen; earlier groups do not count. */
    int64_t *seen = SL_NEW_ARRAY(int64_t, n_values), x;

    *a = -1;
    if (!seen)
        return sl_fail_nomem(err, "the passages of a file");
    for (int64_t g = 0; g < n_groups && *a < 0; g++) {
        for (int64_t i = start[g]; i < start[g + 1]; i++) {
            memcpy(&x, p + (size_t)i * size, sizeof x);
            if (seen[x] > start[g]) {
                *a = seen[x] - 1;
                *b = i;
                break;
            }
            seen[x] = i + 1;
        }
    }
    sl_free(seen);
    return SIMLM_OK;
}
