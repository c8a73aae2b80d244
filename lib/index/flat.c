#include "index/flat.h"

#include <inttypes.h>
#include <string.h>

#include "index/flat_layout.h"
#include "index/topk.h"

static simlm_status malformed(const char *path, const char *why,
                              simlm_error *err)
{
    return sl_fail(err, SIMLM_E_FORMAT, "'%s': not a usable index: %s", path,
                   why);
}

static simlm_status check_header(const struct sl_flat_header *h, size_t bytes,
                                 const char *path, simlm_error *err)
{
    struct sl_flat_header want = *h;

    if (memcmp(h->magic, SL_FLAT_MAGIC, sizeof h->magic))
        return malformed(path, "it does not start with " SL_FLAT_MAGIC, err);
    if (h->byte_order != SL_FLAT_BYTE_ORDER)
        return malformed(path, "it was written with another byte order", err);
    if (h->version != SL_FLAT_VERSION)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "'%s': index version %" PRIu32
                       ", this program reads version %u",
                       path, h->version, SL_FLAT_VERSION);
    if (h->dim < 1 || h->dim > SL_FLAT_MAX_DIM ||
        h->stride != sl_flat_stride(h->dim))
        return malformed(path, "bad dimension", err);
    if (h->n < 0 || h->n >= SL_TOPK_MAX_ROWS)
        return malformed(path, "bad number of rows", err);
    if (h->file_bytes != bytes)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "'%s': %zu bytes long, its header says %" PRIu64
                       ": truncated?",
                       path, bytes, h->file_bytes);
    /* n < 2^32 and stride <= 2^16: nothing below can overflow, and the sections
     * end where the file does if the two free lengths are in order. */
    if (h->ids_at > bytes || h->model_path_at < h->ids_at ||
        h->model_path_at >= bytes)
        return malformed(path, "sections out of order", err);
    sl_flat_lay_out(&want, h->model_path_at - h->ids_at,
                    bytes - h->model_path_at);
    if (memcmp(&want, h, sizeof want))
        return malformed(path, "sections are not where they belong", err);
    return SIMLM_OK;
}

/* Ids follow one another, none is empty, each ends with its only NUL. */
static simlm_status check_ids(const struct sl_flat *ix, uint64_t room,
                              const char *path, simlm_error *err)
{
    if (ix->id_at[0] != 0)
        return malformed(path, "its ids do not start at 0", err);
    for (int64_t i = 0; i < ix->n; i++) {
        uint64_t at = ix->id_at[i], end = ix->id_at[i + 1];

        if (end > room || at >= end || end - at < 2 ||
            memchr(ix->ids + at, '\0', (size_t)(end - at)) != ix->ids + end - 1)
            return sl_fail(err, SIMLM_E_FORMAT,
                           "'%s': the id of row %" PRId64 " is malformed", path,
                           i);
    }
    if (sl_flat_aligned(ix->id_at[ix->n]) != room)
        return malformed(path, "its ids end in the wrong place", err);
    return SIMLM_OK;
}

simlm_status sl_flat_open(struct sl_flat *ix, const char *path,
                          simlm_error *err)
{
    struct sl_flat f = {0};
    struct sl_flat_header h;
    simlm_status st;

    SL_TRY(sl_map_open(&f.map, path, err));
    if (f.map.n < sizeof h) {
        st = malformed(path, "shorter than an index's header", err);
        goto out;
    }
    memcpy(&h, f.map.p, sizeof h);
    st = check_header(&h, f.map.n, path, err);
    if (st < 0)
        goto out;
    f.n = h.n;
    f.dim = h.dim;
    f.stride = h.stride;
    f.model_hash = h.model_hash;
    f.rows = (const float *)(const void *)(f.map.p + h.rows_at);
    f.id_at = (const uint64_t *)(const void *)(f.map.p + h.id_at_at);
    f.ids = (const char *)f.map.p + h.ids_at;
    f.model_path = (const char *)f.map.p + h.model_path_at;
    if (f.map.p[f.map.n - 1] != '\0') {
        st = malformed(path, "the model's path has no end", err);
        goto out;
    }
    st = check_ids(&f, h.model_path_at - h.ids_at, path, err);
out:
    if (st < 0)
        sl_flat_close(&f);
    else
        *ix = f;
    return st;
}

simlm_status sl_flat_make(struct sl_flat *ix, const float *vec,
                          const char *const *id, int64_t n, int64_t dim,
                          simlm_error *err)
{
    int64_t stride = sl_flat_stride(dim);
    struct sl_flat_ids ids = {0};
    simlm_status st = SIMLM_OK;
    float *rows = NULL;
    size_t floats;

    SL_ASSERT(n >= 0 && dim >= 1 && dim <= SL_FLAT_MAX_DIM);
    if (sl_mul_size(&floats, (size_t)n, (size_t)stride))
        rows = sl_calloc(floats, sizeof *rows);
    if (!rows)
        return sl_fail_nomem(err, "an index");
    for (int64_t i = 0; i < n && st == SIMLM_OK; i++) {
        st = sl_flat_check_vector(vec + i * dim, dim, i, id[i], err);
        if (st == SIMLM_OK)
            st = sl_flat_ids_add(&ids, id[i], err);
        memcpy(rows + i * stride, vec + i * dim, (size_t)dim * sizeof *rows);
    }
    if (st == SIMLM_OK)
        st = sl_flat_ids_close(&ids, err);
    if (st < 0) {
        sl_flat_ids_free(&ids);
        sl_free(rows);
        return st;
    }
    *ix = (struct sl_flat){.n = n, .dim = dim, .stride = stride};
    ix->model_path = "";
    ix->owned[0] = rows;
    ix->owned[1] = ids.at.s;
    ix->owned[2] = ids.text.s;
    ix->rows = rows;
    ix->id_at = (const uint64_t *)(const void *)ids.at.s;
    ix->ids = sl_str_c(&ids.text);
    return SIMLM_OK;
}

void sl_flat_close(struct sl_flat *ix)
{
    sl_map_close(&ix->map);
    for (size_t i = 0; i < SL_LEN(ix->owned); i++)
        sl_free(ix->owned[i]);
    *ix = (struct sl_flat){0};
}

const char *sl_flat_id(const struct sl_flat *ix, int64_t row)
{
    SL_ASSERT(row >= 0 && row < ix->n);
    return ix->ids + ix->id_at[row];
}
