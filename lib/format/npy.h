/*
 * format/npy.h - matrices of float32 as NumPy's .npy, version 1.0.
 *
 *   "\x93NUMPY" 1 0 | header length (u16, little-endian) | header | data
 *   header: {'descr': '<f4', 'fortran_order': False, 'shape': (n, dim), }
 *
 * The header is padded with blanks to a fixed 128 bytes in all, so that rows
 * may be written before their number is known; the data start on a cache line.
 */
#ifndef SL_FORMAT_NPY_H
#define SL_FORMAT_NPY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/file.h"

#define SL_NPY_HEADER 128
void sl_npy_header(char header[SL_NPY_HEADER], int64_t n, int64_t dim);

struct sl_npy_writer {
    struct sl_out out;
    int64_t n, dim; /* rows so far */
};

/* Whole or absent; path may not be "-".  dim >= 1. */
simlm_status sl_npy_writer_open(struct sl_npy_writer *w, const char *path,
                                int64_t dim, simlm_error *err);

/* Append rows [n, dim].  Failures show in commit. */
void sl_npy_writer_add(struct sl_npy_writer *w, const float *rows, int64_t n);
simlm_status sl_npy_writer_commit(struct sl_npy_writer *w, simlm_error *err);
void sl_npy_writer_abort(struct sl_npy_writer *w); /* no-op after commit */

/* A mapped matrix; x[i * dim + j]. */
struct sl_npy {
    const float *x; /* [n, dim] */
    int64_t n, dim;
    struct sl_map map; /* private, as is the next */
    float *owned;
};

/*
 * '<f4' is mapped; '<f2' is read and widened.  Versions 1 to 3.
 *
 *   E_FORMAT  another type, order or number of dimensions, a file shorter or
 *             longer than its shape says; the message names what
 */
simlm_status sl_npy_open(struct sl_npy *m, const char *path, simlm_error *err);
void sl_npy_close(struct sl_npy *m);

#endif
