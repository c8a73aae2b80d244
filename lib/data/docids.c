#include "data/docids.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/strmap.h"
#include "format/number.h"

struct sl_docids {
    int64_t n;
    struct sl_strmap *map; /* entry i is row i's id; NULL: the ids are rows */
};

struct sl_docids *sl_docids_new(void)
{
    return SL_NEW(struct sl_docids);
}

struct sl_docids *sl_docids_new_rows(int64_t n)
{
    struct sl_docids *d = sl_docids_new();

    if (d)
        d->n = n;
    return d;
}

void sl_docids_free(struct sl_docids *d)
{
    if (!d)
        return;
    sl_strmap_free(d->map);
    sl_free(d);
}

int64_t sl_docids_count(const struct sl_docids *d)
{
    return d->n;
}

bool sl_docids_are_rows(const struct sl_docids *d)
{
    return !d->map;
}

/* The row that a canonical decimal ("7", not "07" or "+7") names, or -1. */
static int64_t parse_row(const char *id, size_t len)
{
    int64_t row;

    if (!len || id[0] < '0' || id[0] > '9' || (id[0] == '0' && len > 1) ||
        !sl_parse_int(&row, id, len))
        return -1;
    return row;
}

/* The first id that is no row number: write down those that were. */
static bool make_map(struct sl_docids *d)
{
    struct sl_strmap *map = sl_strmap_new();
    char buf[SL_DOCID_BUF];

    for (int64_t row = 0; map && row < d->n; row++) {
        int n = snprintf(buf, sizeof buf, "%lld", (long long)row);

        if (sl_strmap_add(map, buf, (size_t)n, 0, NULL) < 0) {
            sl_strmap_free(map);
            map = NULL;
        }
    }
    d->map = map;
    return map != NULL;
}

simlm_status sl_docids_add(struct sl_docids *d, const char *id, size_t len,
                           int64_t *row, simlm_error *err)
{
    if (!d->map && parse_row(id, len) == d->n) {
        *row = d->n++;
        return SIMLM_OK;
    }
    if (!d->map) {
        *row = sl_docids_find(d, id, len);
        if (*row >= 0)
            return SIMLM_OK;
        if (!make_map(d))
            return sl_fail_nomem(err, "the passages' ids");
    }
    *row = sl_strmap_add(d->map, id, len, 0, NULL);
    if (*row < 0)
        return sl_fail_nomem(err, "the passages' ids");
    d->n = sl_strmap_count(d->map);
    return SIMLM_OK;
}

int64_t sl_docids_find(const struct sl_docids *d, const char *id, size_t len)
{
    int64_t row;

    if (d->map)
        return sl_strmap_find(d->map, id, len);
    row = parse_row(id, len);
    return row < d->n ? row : -1;
}

const char *sl_docids_get(const struct sl_docids *d, int64_t row,
                          char buf[SL_DOCID_BUF])
{
    SL_ASSERT(row >= 0 && row < d->n);
    if (d->map)
        return sl_strmap_key(d->map, row);
    snprintf(buf, SL_DOCID_BUF, "%lld", (long long)row);
    return buf;
}
