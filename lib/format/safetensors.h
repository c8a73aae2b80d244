/*
 * format/safetensors.h - tensors in Hugging Face's safetensors files.
 *
 *     8 bytes   n, little endian: length of the header
 *     n bytes   JSON: {"name": {"dtype": "F32", "shape": [2, 3],
 *                               "data_offsets": [begin, end]}, ...,
 *                      "__metadata__": {"format": "pt"}}
 *     the rest  the tensors' bytes, row-major; offsets count from here
 *
 * A file is hostile until proved: the header's length, every type, shape and
 * offset is checked on opening, pieces may not overlap, and each piece must be
 * as long as its shape and type say.  The data stay in the page cache (mmap).
 */
#ifndef SL_FORMAT_SAFETENSORS_H
#define SL_FORMAT_SAFETENSORS_H

#include <stdint.h>

#include "base/status.h"
#include "format/tensor.h"

struct sl_safetensors;

simlm_status sl_safetensors_open(struct sl_safetensors **out, const char *path,
                                 simlm_error *err);
void sl_safetensors_close(struct sl_safetensors *f); /* accepts NULL */

int64_t sl_safetensors_count(const struct sl_safetensors *f);
const struct sl_tensor *sl_safetensors_at(const struct sl_safetensors *f,
                                          int64_t i);
const struct sl_tensor *sl_safetensors_find(const struct sl_safetensors *f,
                                            const char *name); /* or NULL */
const char *sl_safetensors_path(const struct sl_safetensors *f);

/* ---- writing ------------------------------------------------------------- */

/* What to write, in a readable type; F32 if nothing is said. */
struct sl_tensor_spec {
    const char *name;
    int32_t n_dims;
    int64_t shape[SL_TENSOR_MAX_DIMS];
    enum sl_dtype dtype;
};

/* dst [n] <- elements first .. first + n - 1 of tensor i of the list. */
typedef void sl_tensor_source_fn(void *ctx, float *dst, int64_t i,
                                 int64_t first, int64_t n);

/*
 * Write a whole file or none.  Tensors lie in the order of the list; metadata
 * is {"format": "pt"}.  The source is called for pieces of at most 64 Ki
 * elements, in order.
 */
simlm_status sl_safetensors_save(const char *path,
                                 const struct sl_tensor_spec *spec, int64_t n,
                                 sl_tensor_source_fn *source, void *ctx,
                                 simlm_error *err);

#endif
