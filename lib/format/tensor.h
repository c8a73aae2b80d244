/*
 * format/tensor.h - a tensor as a file holds it, whatever the file's format.
 *
 * A tensor is a view of mapped bytes: nothing is read before sl_tensor_read().
 * Views of PyTorch's files may be strided (a transposed matrix, a column);
 * reading walks them in the row-major order of the shape.
 */
#ifndef SL_FORMAT_TENSOR_H
#define SL_FORMAT_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sl_dtype {
    SL_DTYPE_F32,
    SL_DTYPE_F16,
    SL_DTYPE_BF16,
    SL_DTYPE_F64,
    SL_DTYPE_I64, /* from here on: listed, never read */
    SL_DTYPE_I32,
    SL_DTYPE_I16,
    SL_DTYPE_I8,
    SL_DTYPE_U64,
    SL_DTYPE_U32,
    SL_DTYPE_U16,
    SL_DTYPE_U8,
    SL_DTYPE_BOOL,
    SL_DTYPE_F8_E4M3,
    SL_DTYPE_F8_E5M2,
    SL_DTYPE_OTHER /* a type that this library does not know */
};

/* Its name as safetensors has it ("F32"); "other" for SL_DTYPE_OTHER. */
const char *sl_dtype_name(enum sl_dtype d);

/* The type of that name, or SL_DTYPE_OTHER. */
enum sl_dtype sl_dtype_named(const char *name);

/* Bytes of an element; 0 for SL_DTYPE_OTHER. */
int64_t sl_dtype_bytes(enum sl_dtype d);

/* Can sl_tensor_read() read it?  Integers are no weights: a model quantised to
 * them would be read as numbers that it does not mean. */
bool sl_dtype_readable(enum sl_dtype d);

enum { SL_TENSOR_MAX_DIMS = 8 };

struct sl_tensor {
    const char *name;
    const char *why; /* it cannot be read ("complex"), and nothing but its name
                        is known (SL_DTYPE_OTHER, nothing in it); else NULL */
    enum sl_dtype dtype;
    int32_t n_dims;
    bool strided; /* else row-major without gaps, and stride is not set */
    int64_t shape[SL_TENSOR_MAX_DIMS];
    int64_t stride[SL_TENSOR_MAX_DIMS]; /* elements, not negative */
    int64_t count;                      /* elements: the product of the shape */
    int64_t bytes;                      /* of count elements */
    const unsigned char *data;          /* in a map; no alignment is promised */
};

/*
 * Fill n_dims, shape, count and bytes from a shape of any kind; the type is
 * set.  False if a dimension is negative, there are too many, or the product
 * does not fit.
 */
bool sl_tensor_set_shape(struct sl_tensor *t, const int64_t *shape, int64_t n);

/*
 * dst [n] <- elements first .. first + n - 1, converted to float.  False if the
 * type is not readable.  The range lies within the tensor.
 */
bool sl_tensor_read(float *dst, const struct sl_tensor *t, int64_t first,
                    int64_t n);

/*
 * dst <- n elements of a readable type, rounded to nearest, ties to even.  What
 * is beyond the type's range becomes an infinity.
 */
void sl_tensor_pack(void *dst, enum sl_dtype dtype, const float *src,
                    int64_t n);

#endif
