/*
 * backend/cpu/onednn/onednn.h - matrix products in fp32 and bf16 through oneDNN.
 *
 * oneDNN computes tiles, one tile in one thread; which tiles, and which thread,
 * is our business (onednn_products.c).  Three things follow.  The cut depends
 * on the shape alone, so results do not depend on the number of threads.  Token
 * counts differ in every step, but tiles come in few sizes, so the code that
 * oneDNN generates for each size (0.25 ms a piece) is soon all there.  And one
 * thread runtime, ours, runs everything.
 *
 * Why a row is the same bits in every batch: oneDNN 2.6's code for dense tiles
 * adds up an element in the same order whatever the tile's height and width, in
 * fp32 and in bf16 (sums in fp32).  Its other code does so as long as the sum is
 * not too long; longer sums we cut ourselves.  With AVX2 alone it is so for some
 * heights only.  These are oneDNN's habits, not its promises:
 * tests/ops/test_batches.c checks them.
 */
#ifndef SL_BACKEND_CPU_ONEDNN_H
#define SL_BACKEND_CPU_ONEDNN_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/cpu/cpu.h"
#include "backend/cpu/weight_copies.h"

struct sl_onednn;

/* avx2_only: generate no AVX-512 code; heeded at first use in the process. */
simlm_status sl_onednn_open(struct sl_onednn **out, bool avx2_only,
                            simlm_error *err);
void sl_onednn_close(struct sl_onednn *dnn); /* accepts NULL */

/* Is there AVX512_BF16?  Without it oneDNN would be slower than in fp32. */
bool sl_onednn_has_bf16(const struct sl_onednn *dnn);

/* Override linear_*, linear_gelu_fwd, vocab_ce, vocab_sample and scores: for
 * fp32 and, where there is bf16, for that. */
void sl_ops_init_onednn(struct sl_ops *ops);

/* ---- tiles: onednn.c ----------------------------------------------------- */

/*
 * c [m, n] <- or += a [m, k] b [k, n] (+ bias [n] to each row).  The leading
 * dimension is the distance of rows as stored; a transposed operand is stored
 * as [k, m] or [n, k], a packed b as oneDNN likes it (sl_tile_pack()).
 */
struct sl_tile {
    int64_t m, n, k, lda, ldb, ldc;
    int64_t a_transposed, b_transposed, packed, add, bias; /* 0 or 1 */
    int64_t half, half_c; /* a and b, and c, are bf16; else fp32 */
};

struct sl_tile_code;

/*
 * The code for a tile, generated on first use.  NULL on failure, which is
 * recorded for sync().  Valid until the next sl_tile_forget().
 */
const struct sl_tile_code *sl_tile_find(struct sl_backend *be,
                                        const struct sl_tile *tile);

/* Between ops: drop all code if there is very much of it. */
void sl_tile_forget(struct sl_backend *be);

/* Bytes of work space sl_tile_run() wants. */
size_t sl_tile_work_bytes(const struct sl_tile_code *code);

/* In any thread, with work space of its own.  False on failure. */
bool sl_tile_run(struct sl_onednn *dnn, const struct sl_tile_code *code,
                 void *c, const void *a, const void *b, const float *bias,
                 void *work);

/* Bytes of a packed b; to <- fp32 w stored as [n, k], rows ld apart, as the b
 * of a tile with this code.  In any thread.  False on failure. */
size_t sl_tile_packed_bytes(const struct sl_tile_code *code);
bool sl_tile_pack(struct sl_onednn *dnn, const struct sl_tile_code *code,
                  void *to, const float *w, int64_t ld);

/*
 * The shapes for which an element's bits are known not to depend on the tile:
 * the longest sum, the highest tile, and the least fitting height for a number
 * of rows up to that.  dense: the terms of a sum if all of the tile's matrices
 * are dense, else 0.
 */
int64_t sl_onednn_longest(struct sl_backend *be, int64_t dense);
int64_t sl_onednn_highest(struct sl_backend *be);
int64_t sl_onednn_height(struct sl_backend *be, int64_t rows);

/* As sl_cpu_scratch(), for tails and work space: logits lie in that one. */
void *sl_onednn_scratch(struct sl_backend *be, size_t bytes);

/* W [n] in bf16: the backend's copy, or one made now, valid until the next
 * call.  NULL if memory is short: recorded. */
const sl_bf16 *sl_onednn_rounded(struct sl_backend *be, const sl_real *W,
                                 int64_t n);

/* ---- whole products: onednn_products.c ----------------------------------- */

/*
 * y [M, N] <- or += x [M, K] w, where w is [N, K] if w_transposed, else [K, N].
 * Rows of y and gelu are ldy apart, N unless `cut`.  bias [N] or NULL.
 * gelu, if not NULL, [M, N] <- gelu(y); it may be y.
 *
 * after, if not NULL: there is no y; instead after(ctx, rows, i, n) is called in
 * any thread with rows i .. i + n - 1 of it, [n, N], which it may overwrite.
 */
struct sl_rows_product {
    void *y, *gelu;
    const void *x, *w;
    const float *bias;
    int64_t M, N, K, ldy;
    bool w_transposed, add, cut;
    bool half, half_y; /* x and w, and y and gelu, are bf16; else fp32 */
    const struct sl_packed *packed; /* of w; NULL: w is read */
    void (*after)(void *ctx, void *rows, int64_t first, int64_t n);
    void *ctx;
};
void sl_rows_product(struct sl_backend *be, const struct sl_rows_product *p);

/* The matrix W [N, K] packed, if it is of a fixed block; else NULL. */
const struct sl_packed *sl_onednn_packed(struct sl_backend *be, const float *W,
                                         int64_t N, int64_t K, bool half);

/* dw [O, I] += dy [M, O]^T x [M, I], dw in fp32. */
struct sl_weight_product {
    float *dw;
    const void *dy, *x;
    int64_t M, I, O;
    bool half; /* dy and x are bf16 */
};
void sl_weight_product(struct sl_backend *be,
                       const struct sl_weight_product *p);

#endif
