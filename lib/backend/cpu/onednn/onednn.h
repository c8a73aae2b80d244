/*
 * backend/cpu/onednn/onednn.h - matrix products in fp32 through oneDNN.
 *
 * oneDNN computes tiles, one tile in one thread; which tiles, and which thread,
 * is our business (onednn_products.c).  Three things follow.  The cut depends
 * on the shape alone, so results do not depend on the number of threads.  Token
 * counts differ in every step, but tiles come in few sizes, so the code that
 * oneDNN generates for each size (0.25 ms a piece) is soon all there.  And one
 * thread runtime, ours, runs everything.
 *
 * Why a row is the same bits in every batch: oneDNN 2.6 adds the products of an
 * element one after the other with fused multiply-adds, whatever the tile's
 * height, as long as the sum is not too long; longer sums we cut ourselves.  With
 * AVX2 alone it is so for some heights only.  These are oneDNN's habits, not its
 * promises: tests/ops/test_batches.c checks them.
 */
#ifndef SL_BACKEND_CPU_ONEDNN_H
#define SL_BACKEND_CPU_ONEDNN_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/cpu/cpu.h"

struct sl_onednn;

/* avx2_only: generate no AVX-512 code; heeded at first use in the process. */
simlm_status sl_onednn_open(struct sl_onednn **out, bool avx2_only,
                            simlm_error *err);
void sl_onednn_close(struct sl_onednn *dnn); /* accepts NULL */

/* Override linear_*, linear_gelu_fwd, vocab_ce, vocab_sample and scores. */
void sl_ops_init_onednn(struct sl_ops *ops);

/* ---- tiles: onednn.c ---- */

/*
 * c [m, n] <- or += a [m, k] b [k, n] (+ bias [n] to each row).  The leading
 * dimension is the distance of rows as stored; a transposed operand is stored
 * as [k, m] or [n, k].
 */
struct sl_tile {
    int64_t m, n, k, lda, ldb, ldc;
    int64_t a_transposed, b_transposed, add, bias; /* 0 or 1 */
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
                 float *c, const float *a, const float *b, const float *bias,
                 void *work);

/*
 * The shapes for which an element's bits are known not to depend on the tile:
 * the longest sum, the highest tile, and the least fitting height for a number
 * of rows up to that.
 */
int64_t sl_onednn_longest(struct sl_backend *be);
int64_t sl_onednn_highest(struct sl_backend *be);
int64_t sl_onednn_height(struct sl_backend *be, int64_t rows);

/* As sl_cpu_scratch(), for tails and work space: logits lie in that one. */
void *sl_onednn_scratch(struct sl_backend *be, size_t bytes);

/* ---- whole products: onednn_products.c ---- */

/*
 * y [M, N] <- or += x [M, K] w, where w is [N, K] if w_transposed, else [K, N].
 * Rows of y are ldy apart, of gelu too.  bias [N] or NULL.
 * gelu, if not NULL, [M, N] <- gelu(y); it may be y.
 */
struct sl_rows_product {
    float *y, *gelu;
    const float *x, *w, *bias;
    int64_t M, N, K, ldy;
    bool w_transposed, add;
};
void sl_rows_product(struct sl_backend *be, const struct sl_rows_product *p);

/* dw [O, I] += dy [M, O]^T x [M, I] */
void sl_weight_product(struct sl_backend *be, float *dw, const float *dy,
                       const float *x, int64_t M, int64_t I, int64_t O);

#endif
