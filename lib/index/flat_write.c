/* The writing half of flat.h. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "index/flat_layout.h"
#include "index/topk.h"

/* ---- ids ----------------------------------------------------------------- */

simlm_status sl_flat_ids_add(struct sl_flat_ids *ids, const char *id,
                             simlm_error *err)
{
    uint64_t at = ids->text.len;

    if (!*id)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "cannot index row %" PRId64 ": its id is empty", ids->n);
    if (ids->n + 1 >= SL_TOPK_MAX_ROWS)
        return sl_fail(err, SIMLM_E_RANGE,
                       "cannot index more than 2^32 - 1 rows");
    sl_str_add(&ids->at, (const char *)&at, sizeof at);
    sl_str_add(&ids->text, id, strlen(id) + 1);
    ids->n++;
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

/* 16 bytes a row; a hash table with the ids would take many times that. */
static simlm_status check_distinct(const struct sl_flat_ids *ids,
                                   simlm_error *err)
{
    const uint64_t *at = (const uint64_t *)(const void *)ids->at.s;
    struct hashed_id *h = SL_NEW_ARRAY(struct hashed_id, ids->n);
    int64_t first = -1, again = ids->n; /* the earliest row that repeats one */

    if (!h)
        return sl_fail_nomem(err, "the ids of an index");
    for (int64_t i = 0; i < ids->n; i++) {
        const char *id = ids->text.s + at[i];

        h[i] = (struct hashed_id){sl_hash64(id, strlen(id), 0), i};
    }
    qsort(h, (size_t)ids->n, sizeof *h, by_hash);
    for (int64_t i = 1; i < ids->n; i++)
        if (h[i].hash == h[i - 1].hash && h[i].row < again &&
            !strcmp(ids->text.s + at[h[i].row],
                    ids->text.s + at[h[i - 1].row])) {
            first = h[i - 1].row;
            again = h[i].row;
        }
    sl_free(h);
    if (first < 0)
        return SIMLM_OK;
    return sl_fail(err, SIMLM_E_FORMAT,
                   "cannot index rows %" PRId64 " and %" PRId64
                   ": they have the same id '%.200s'",
                   first, again, ids->text.s + at[first]);
}

simlm_status sl_flat_ids_close(struct sl_flat_ids *ids, simlm_error *err)
{
    uint64_t end = ids->text.len;

    sl_str_add(&ids->at, (const char *)&end, sizeof end);
    if (!sl_str_ok(&ids->text) || !sl_str_ok(&ids->at))
        return sl_fail_nomem(err, "the ids of an index");
    return check_distinct(ids, err);
}

void sl_flat_ids_free(struct sl_flat_ids *ids)
{
    sl_str_free(&ids->text);
    sl_str_free(&ids->at);
}

/* ---- rows ---------------------------------------------------------------- */

simlm_status sl_flat_check_vector(const float *v, int64_t dim, int64_t row,
                                  const char *id, simlm_error *err)
{
    for (int64_t i = 0; i < dim; i++)
        if (!isfinite(v[i]))
            return sl_fail(err, SIMLM_E_NUMERIC,
                           "cannot index row %" PRId64
                           " (id '%.200s'): element %" PRId64
                           " of its vector is %g",
                           row, id, i, (double)v[i]);
    return SIMLM_OK;
}

simlm_status sl_flat_writer_open(struct sl_flat_writer *w, const char *path,
                                 int64_t dim, uint64_t model_hash,
                                 const char *model_path, simlm_error *err)
{
    static const unsigned char zero[SL_FLAT_HEADER_BYTES];

    SL_ASSERT(dim >= 1 && dim <= SL_FLAT_MAX_DIM);
    *w = (struct sl_flat_writer){.dim = dim, .model_hash = model_hash};
    if (!strcmp(path, "-"))
        return sl_fail(err, SIMLM_E_ARG,
                       "an index cannot be written to standard output");
    w->model_path = sl_strdup(model_path);
    if (!w->model_path)
        return sl_fail_nomem(err, "an index");
    SL_TRY(sl_out_open(&w->out, path, err));
    fwrite(zero, 1, sizeof zero, w->out.f); /* the header comes with commit */
    return SIMLM_OK;
}

simlm_status sl_flat_writer_add(struct sl_flat_writer *w, const float *vector,
                                const char *id, simlm_error *err)
{
    static const float zero[16];
    size_t dim = (size_t)w->dim;

    SL_TRY(sl_flat_check_vector(vector, w->dim, w->ids.n, id, err));
    SL_TRY(sl_flat_ids_add(&w->ids, id, err));
    fwrite(vector, sizeof *vector, dim, w->out.f);
    fwrite(zero, sizeof *zero, (size_t)sl_flat_stride(w->dim) - dim, w->out.f);
    return SIMLM_OK;
}

/* The section at `at`, and zeros up to the next. */
static void write_section(FILE *f, const void *bytes, size_t n, uint64_t at,
                          uint64_t next)
{
    static const unsigned char zero[SL_ALIGN];

    SL_ASSERT(at + n <= next && next - (at + n) < SL_ALIGN);
    fwrite(bytes, 1, n, f);
    fwrite(zero, 1, (size_t)(next - (at + n)), f);
}

static simlm_status finish_file(struct sl_flat_writer *w, simlm_error *err)
{
    struct sl_flat_header h = {.magic = SL_FLAT_MAGIC,
                               .version = SL_FLAT_VERSION,
                               .byte_order = SL_FLAT_BYTE_ORDER,
                               .n = w->ids.n,
                               .dim = w->dim,
                               .stride = sl_flat_stride(w->dim),
                               .model_hash = w->model_hash};
    size_t path_bytes = strlen(w->model_path) + 1;
    FILE *f = w->out.f;

    sl_flat_lay_out(&h, w->ids.text.len, path_bytes);
    write_section(f, w->ids.at.s, w->ids.at.len, h.id_at_at, h.ids_at);
    write_section(f, sl_str_c(&w->ids.text), w->ids.text.len, h.ids_at,
                  h.model_path_at);
    write_section(f, w->model_path, path_bytes, h.model_path_at, h.file_bytes);
    if (fseek(f, 0, SEEK_SET))
        return sl_fail_errno(err, "write", w->out.path);
    fwrite(&h, 1, sizeof h, f);
    return sl_out_commit(&w->out, err);
}

simlm_status sl_flat_writer_commit(struct sl_flat_writer *w, simlm_error *err)
{
    simlm_status st = sl_flat_ids_close(&w->ids, err);

    if (st == SIMLM_OK)
        st = finish_file(w, err);
    sl_flat_writer_abort(w);
    return st;
}

void sl_flat_writer_abort(struct sl_flat_writer *w)
{
    sl_out_abort(&w->out);
    sl_flat_ids_free(&w->ids);
    sl_free(w->model_path);
    w->model_path = NULL;
}
