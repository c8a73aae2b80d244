#include "index/flat.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "index/topk.h"

#define MAGIC "SIMLMFLT"

enum { VERSION = 1, BYTE_ORDER_MARK = 0x01020304, HEADER_BYTES = 128 };

struct header {
    char magic[8];
    uint32_t version, byte_order;
    int64_t n, dim, stride;
    uint64_t model_hash, rows_at, id_at_at, ids_at, model_path_at, file_bytes;
    unsigned char zero[40];
};
_Static_assert(sizeof(struct header) == HEADER_BYTES, "header has gaps");

static int64_t stride_of(int64_t dim)
{
    return (dim + 15) / 16 * 16;
}

static uint64_t aligned(uint64_t at)
{
    return (at + SL_ALIGN - 1) / SL_ALIGN * SL_ALIGN;
}

/*
 * Where the sections lie follows from n, dim and the ids' bytes alone, so a
 * reader computes it and compares: there is nothing to overlap or to overrun.
 */
static void lay_out(struct header *h, uint64_t ids_bytes, uint64_t path_bytes)
{
    h->rows_at = HEADER_BYTES;
    h->id_at_at = h->rows_at + (uint64_t)h->n * (uint64_t)h->stride * 4;
    h->ids_at = aligned(h->id_at_at + ((uint64_t)h->n + 1) * 8);
    h->model_path_at = aligned(h->ids_at + ids_bytes);
    h->file_bytes = h->model_path_at + path_bytes;
}

/* ---- reading ----------------------------------------------------------------
 */

static simlm_status malformed(const char *path, const char *why,
                              simlm_error *err)
{
    return sl_fail(err, SIMLM_E_FORMAT, "'%s': not a usable index: %s", path,
                   why);
}

static simlm_status check_header(const struct header *h, size_t bytes,
                                 const char *path, simlm_error *err)
{
    struct header want = *h;

    if (memcmp(h->magic, MAGIC, sizeof h->magic))
        return malformed(path, "it does not start with " MAGIC, err);
    if (h->byte_order != BYTE_ORDER_MARK)
        return malformed(path, "it was written with another byte order", err);
    if (h->version != VERSION)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "'%s': index version %" PRIu32
                       ", this program reads version %d",
                       path, h->version, VERSION);
    if (h->dim < 1 || h->dim > SL_FLAT_MAX_DIM ||
        h->stride != stride_of(h->dim))
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
    lay_out(&want, h->model_path_at - h->ids_at, bytes - h->model_path_at);
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
        const char *nul;

        if (end > room || end <= at + 1 || at >= end)
            return sl_fail(err, SIMLM_E_FORMAT,
                           "'%s': the id of row %" PRId64 " is out of place",
                           path, i);
        nul = memchr(ix->ids + at, '\0', (size_t)(end - at));
        if (nul != ix->ids + end - 1)
            return sl_fail(err, SIMLM_E_FORMAT,
                           "'%s': the id of row %" PRId64 " is malformed", path,
                           i);
    }
    if (aligned(ix->id_at[ix->n]) != room)
        return malformed(path, "its ids end in the wrong place", err);
    return SIMLM_OK;
}

simlm_status sl_flat_open(struct sl_flat *ix, const char *path,
                          simlm_error *err)
{
    struct sl_flat f = {0};
    struct header h;
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

void sl_flat_close(struct sl_flat *ix)
{
    sl_map_close(&ix->map);
    *ix = (struct sl_flat){0};
}

const char *sl_flat_id(const struct sl_flat *ix, int64_t row)
{
    SL_ASSERT(row >= 0 && row < ix->n);
    return ix->ids + ix->id_at[row];
}

/* ---- writing
 * ------------------------------------------------------------------ */

simlm_status sl_flat_writer_open(struct sl_flat_writer *w, const char *path,
                                 int64_t dim, uint64_t model_hash,
                                 const char *model_path, simlm_error *err)
{
    static const unsigned char zero[HEADER_BYTES];

    SL_ASSERT(dim >= 1 && dim <= SL_FLAT_MAX_DIM);
    *w = (struct sl_flat_writer){
        .dim = dim, .stride = stride_of(dim), .model_hash = model_hash};
    if (!strcmp(path, "-"))
        return sl_fail(err, SIMLM_E_ARG,
                       "an index cannot be written to standard output");
    SL_TRY(sl_out_open(&w->out, path, err));
    sl_str_puts(&w->model_path, model_path);
    fwrite(zero, 1, sizeof zero, w->out.f); /* the header comes with commit */
    return SIMLM_OK;
}

simlm_status sl_flat_writer_add(struct sl_flat_writer *w, const float *vector,
                                const char *id, simlm_error *err)
{
    static const float zero[16];
    uint64_t at = w->ids.len;

    if (!*id)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "'%s': row %" PRId64 " has an empty id", w->out.path,
                       w->n);
    if (w->n + 1 >= SL_TOPK_MAX_ROWS)
        return sl_fail(err, SIMLM_E_RANGE, "'%s': more than 2^32 rows",
                       w->out.path);
    for (int64_t i = 0; i < w->dim; i++)
        if (!isfinite(vector[i]))
            return sl_fail(err, SIMLM_E_NUMERIC,
                           "cannot index row %" PRId64
                           " (id '%.100s'): element %" PRId64 " is %g",
                           w->n, id, i, (double)vector[i]);
    fwrite(vector, sizeof *vector, (size_t)w->dim, w->out.f);
    fwrite(zero, sizeof *zero, (size_t)(w->stride - w->dim), w->out.f);
    sl_str_add(&w->id_at, (const char *)&at, sizeof at);
    sl_str_add(&w->ids, id, strlen(id) + 1);
    w->n++;
    return SIMLM_OK;
}

struct hashed_id {
    uint64_t hash;
    int64_t row;
};

static int by_hash(const void *a, const void *b)
{
    const struct hashed_id *x = a, *y = b;

    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

/* 16 bytes a row, where a hash table with the ids would take many times that.
 */
static simlm_status check_distinct(const struct sl_flat_writer *w,
                                   simlm_error *err)
{
    const uint64_t *id_at = (const uint64_t *)(const void *)w->id_at.s;
    struct hashed_id *h = SL_NEW_ARRAY(struct hashed_id, w->n);
    simlm_status st = SIMLM_OK;

    if (!h)
        return sl_fail_nomem(err, "the ids of an index");
    for (int64_t i = 0; i < w->n; i++) {
        const char *id = w->ids.s + id_at[i];

        h[i] = (struct hashed_id){sl_hash64(id, strlen(id), 0), i};
    }
    qsort(h, (size_t)w->n, sizeof *h, by_hash);
    for (int64_t i = 1; i < w->n && st == SIMLM_OK; i++) {
        const char *id = w->ids.s + id_at[h[i].row];

        if (h[i].hash == h[i - 1].hash &&
            !strcmp(id, w->ids.s + id_at[h[i - 1].row]))
            st = sl_fail(err, SIMLM_E_FORMAT,
                         "rows %" PRId64 " and %" PRId64
                         " have the same id '%.200s'",
                         h[i - 1].row, h[i].row, id);
    }
    sl_free(h);
    return st;
}

static void write_at(FILE *f, uint64_t at, const void *bytes, size_t n)
{
    static const unsigned char zero[SL_ALIGN];
    long here = ftell(f);

    if (here >= 0 && (uint64_t)here < at)
        fwrite(zero, 1, (size_t)(at - (uint64_t)here), f);
    fwrite(bytes, 1, n, f);
}

simlm_status sl_flat_writer_commit(struct sl_flat_writer *w, simlm_error *err)
{
    struct header h = {.magic = MAGIC,
                       .version = VERSION,
                       .byte_order = BYTE_ORDER_MARK,
                       .n = w->n,
                       .dim = w->dim,
                       .stride = w->stride,
                       .model_hash = w->model_hash};
    uint64_t end = w->ids.len;
    simlm_status st = SIMLM_OK;

    sl_str_add(&w->id_at, (const char *)&end, sizeof end);
    sl_str_add(&w->model_path, "", 1); /* its NUL belongs to the file */
    if (!sl_str_ok(&w->ids) || !sl_str_ok(&w->id_at) ||
        !sl_str_ok(&w->model_path))
        st = sl_fail_nomem(err, "the ids of an index");
    if (st == SIMLM_OK)
        st = check_distinct(w, err);
    if (st == SIMLM_OK) {
        lay_out(&h, w->ids.len, w->model_path.len);
        write_at(w->out.f, h.id_at_at, w->id_at.s, w->id_at.len);
        write_at(w->out.f, h.ids_at, sl_str_c(&w->ids), w->ids.len);
        write_at(w->out.f, h.model_path_at, w->model_path.s, w->model_path.len);
        if (!fseek(w->out.f, 0, SEEK_SET))
            fwrite(&h, 1, sizeof h, w->out.f);
        st = sl_out_commit(&w->out, err);
    }
    sl_flat_writer_abort(w);
    return st;
}

void sl_flat_writer_abort(struct sl_flat_writer *w)
{
    sl_out_abort(&w->out);
    sl_str_free(&w->ids);
    sl_str_free(&w->id_at);
    sl_str_free(&w->model_path);
}
