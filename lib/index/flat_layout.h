/*
 * index/flat_layout.h - what the reader and the writer of flat.h share: the
 * header, where the sections lie, and the table of ids.
 */
#ifndef SL_INDEX_FLAT_LAYOUT_H
#define SL_INDEX_FLAT_LAYOUT_H

#include "base/alloc.h"
#include "index/flat.h"

#define SL_FLAT_MAGIC        "SIMLMFLT"
#define SL_FLAT_VERSION      1u
#define SL_FLAT_BYTE_ORDER   0x01020304u
#define SL_FLAT_HEADER_BYTES 128

struct sl_flat_header {
    char magic[8];
    uint32_t version, byte_order;
    int64_t n, dim, stride;
    uint64_t model_hash, rows_at, id_at_at, ids_at, model_path_at, file_bytes;
    unsigned char zero[40];
};
_Static_assert(sizeof(struct sl_flat_header) == SL_FLAT_HEADER_BYTES,
               "the header has gaps");

static inline int64_t sl_flat_stride(int64_t dim)
{
    return (dim + 15) / 16 * 16;
}

static inline uint64_t sl_flat_aligned(uint64_t at)
{
    return (at + SL_ALIGN - 1) / SL_ALIGN * SL_ALIGN;
}

/*
 * Where the sections lie follows from n, stride and two lengths alone, so a
 * reader computes it and compares: there is nothing to overlap or to overrun.
 */
static inline void sl_flat_lay_out(struct sl_flat_header *h, uint64_t ids_bytes,
                                   uint64_t path_bytes)
{
    h->rows_at = SL_FLAT_HEADER_BYTES;
    h->id_at_at = h->rows_at + (uint64_t)h->n * (uint64_t)h->stride * 4;
    h->ids_at = sl_flat_aligned(h->id_at_at + ((uint64_t)h->n + 1) * 8);
    h->model_path_at = sl_flat_aligned(h->ids_at + ids_bytes);
    h->file_bytes = h->model_path_at + path_bytes;
}

/* E_FORMAT if it is empty, E_RANGE if there are too many.  Running out of
 * memory shows in _close. */
simlm_status sl_flat_ids_add(struct sl_flat_ids *ids, const char *id,
                             simlm_error *err);

/* Write the last offset; E_NOMEM; E_FORMAT if an id occurs twice. */
simlm_status sl_flat_ids_close(struct sl_flat_ids *ids, simlm_error *err);
void sl_flat_ids_free(struct sl_flat_ids *ids);

/* E_NUMERIC, naming the row and its id, if v [dim] is not finite. */
simlm_status sl_flat_check_vector(const float *v, int64_t dim, int64_t row,
                                  const char *id, simlm_error *err);

#endif
