/*
 * backend/ops.h - the whole of what a device must compute.
 *
 * Parameters of an entry are, in order: backend, outputs, inputs, sizes,
 * scalars.  Ops check nothing and cannot fail: shapes were checked when the
 * model was built, and a device error surfaces at backend->sync().
 *
 * Unless an entry says otherwise
 *   - activation gradients (dx) are overwritten, parameter gradients (dw) are
 *     added to, so that micro-batches accumulate;
 *   - outputs do not alias inputs;
 *   - a row's result depends on that row alone, bit for bit, and on no thread
 *     count; sums over rows are taken in an order fixed by the sizes alone.
 *
 *   N  tokens of a packed batch    D  hidden size     F  feed-forward size
 *   E  embedding width             H  heads           V  vocabulary
 *   n  sequences, or selected rows                    I, O  a linear's in, out
 *
 * The specification of each op (formula and derivative) is the comment on its
 * reference in cpu/ref/<op>.inc.
 */
#ifndef SL_BACKEND_OPS_H
#define SL_BACKEND_OPS_H

#include <stdbool.h>

#include "backend/backend.h"

/*
 * Tokens of n sequences laid end to end without padding.  The arrays are in
 * the backend's memory; n, N and max_len are known to everybody.
 */
struct sl_packing {
    int64_t n, N, max_len;
    const int32_t *seq_start; /* [n + 1], seq_start[n] = N */
    const int32_t *pos;       /* [N] position within the sequence, from 0 */
    /*
     * [N] names a token for random numbers: sequence key << 16 | pos, where
     * the sequence key is unique within a training step.  So dropout does not
     * depend on how a step is cut into micro-batches.
     */
    const uint64_t *row_key;
};

/*
 * Chosen tokens of a batch: their rows, increasing, packed as the same
 * sequences: pk.N of them, of a sequence one, several or none; pk.row_key is
 * theirs, pk.pos NULL.
 */
struct sl_chosen {
    struct sl_packing pk;
    const int32_t *row; /* [pk.N] */
};

/*
 * Inverted dropout with probability p (0: off).  Element (row, col) is zeroed
 * when word col % 4 of
 *     philox(stream, col / 4, row_key low 32 bits, row_key high 32 bits, site)
 * is below p * 2^32, else scaled by 1 / (1 - p).  Nothing is stored: the
 * backward pass draws the same numbers.  In attention, row is the query token,
 * col the key's position and the site is `site + head`; sites of a model are
 * at least 1024 apart.
 */
struct sl_dropout {
    float p;
    uint32_t site;
    uint64_t stream;
};

/* Embedding tables and their layer norm; the same struct holds gradients. */
struct sl_embed {
    sl_real *word;  /* [V, E] */
    sl_real *pos;   /* [P, E] */
    sl_real *type;  /* [2, E] */
    sl_real *g, *b; /* [E] */
};

/*
 * y [N, E] <- dropout(LN(word[id] + pos[position] + type[t])); types NULL: all
 * zero.  mean, rstd [N] may be NULL when no backward pass follows.
 */
typedef void sl_embed_fwd_fn(struct sl_backend *be, sl_act *y, sl_real *mean,
                             sl_real *rstd, const int32_t *ids,
                             const int32_t *types, const struct sl_packing *pk,
                             const struct sl_embed *w, int64_t E, float eps,
                             struct sl_dropout drop);
/* Recomputes the sum from ids.  grad: added to; dy [N, E]. */
typedef void sl_embed_bwd_fn(struct sl_backend *be, const struct sl_embed *grad,
                             const sl_act *dy, const sl_real *mean,
                             const sl_real *rstd, const int32_t *ids,
                             const int32_t *types, const struct sl_packing *pk,
                             const struct sl_embed *w, int64_t E,
                             struct sl_dropout drop);

/* y [N, O] <- x [N, I] W^T + b.   W: [O, I] as checkpoints store it. */
typedef void sl_linear_fwd_fn(struct sl_backend *be, sl_act *y, const sl_act *x,
                              const sl_real *W, const sl_real *b, int64_t N,
                              int64_t I, int64_t O);
/*
 * dW, db: added to; NULL: not wanted (a frozen part).
 * dx [N, I] <- dy W, or dx += dy W if add_dx; NULL: not wanted.
 */
typedef void sl_linear_bwd_fn(struct sl_backend *be, sl_act *dx, sl_real *dW,
                              sl_real *db, const sl_act *dy, const sl_act *x,
                              const sl_real *W, int64_t N, int64_t I, int64_t O,
                              bool add_dx);

/* y <- gelu(x W^T + b), erf form.  pre [N, O] keeps x W^T + b; NULL: inference. */
typedef void sl_linear_gelu_fwd_fn(struct sl_backend *be, sl_act *y,
                                   sl_act *pre, const sl_act *x,
                                   const sl_real *W, const sl_real *b,
                                   int64_t N, int64_t I, int64_t O);
/* dpre [n] <- dy * gelu'(pre).  dpre may be dy. */
typedef void sl_gelu_bwd_fn(struct sl_backend *be, sl_act *dpre,
                            const sl_act *dy, const sl_act *pre, int64_t n);

/*
 * sum [N, D] <- res + dropout(x);  y [N, D] <- g * (sum - mean) * rstd + b.
 * res NULL: sum is dropout(x).  sum, mean, rstd may be NULL (inference); sum
 * may be x.  row_key [N] may be NULL when drop.p is 0.
 */
typedef void sl_residual_ln_fwd_fn(struct sl_backend *be, sl_act *y,
                                   sl_act *sum, sl_real *mean, sl_real *rstd,
                                   const sl_act *x, const sl_act *res,
                                   const uint64_t *row_key, const sl_real *g,
                                   const sl_real *b, int64_t N, int64_t D,
                                   float eps, struct sl_dropout drop);
/*
 * dres <- gradient that reaches sum; dx <- the same through the dropout mask.
 * dres NULL: not wanted.  dres may be dy; dx may be dy if dres is NULL; dx and
 * dres may be the same array when drop.p is 0.  dg, db NULL: not wanted.
 */
typedef void sl_residual_ln_bwd_fn(struct sl_backend *be, sl_act *dx,
                                   sl_act *dres, sl_real *dg, sl_real *db,
                                   const sl_act *dy, const sl_act *sum,
                                   const sl_real *mean, const sl_real *rstd,
                                   const uint64_t *row_key, const sl_real *g,
                                   int64_t N, int64_t D,
                                   struct sl_dropout drop);

/*
 * Self-attention within each sequence, both directions, scale 1 / sqrt(D / H).
 * qkv [N, 3 D] holds q, k, v of a token side by side, heads side by side in
 * each.  ctx [N, D].  lse [H, N] <- log of the sum of exponentials of each
 * row's scaled scores (before dropout), for the backward pass; may be NULL.
 */
typedef void sl_attention_fwd_fn(struct sl_backend *be, sl_act *ctx,
                                 sl_real *lse, const sl_act *qkv,
                                 const struct sl_packing *pk, int64_t D,
                                 int64_t H, struct sl_dropout drop);
typedef void sl_attention_bwd_fn(struct sl_backend *be, sl_act *dqkv,
                                 const sl_act *dctx, const sl_act *ctx,
                                 const sl_real *lse, const sl_act *qkv,
                                 const struct sl_packing *pk, int64_t D,
                                 int64_t H, struct sl_dropout drop);
/*
 * The same with the queries of R chosen tokens alone, q [R, D], and kv [N, 2 D],
 * k and v of every token side by side.  ctx [R, D], lse [H, R]: the bits that
 * attention_fwd has for those rows.
 */
typedef void sl_attention_rows_fwd_fn(struct sl_backend *be, sl_act *ctx,
                                      sl_real *lse, const sl_act *q,
                                      const sl_act *kv,
                                      const struct sl_packing *pk,
                                      const struct sl_chosen *rows, int64_t D,
                                      int64_t H, struct sl_dropout drop);
typedef void sl_attention_rows_bwd_fn(struct sl_backend *be, sl_act *dq,
                                      sl_act *dkv, const sl_act *dctx,
                                      const sl_act *ctx, const sl_real *lse,
                                      const sl_act *q, const sl_act *kv,
                                      const struct sl_packing *pk,
                                      const struct sl_chosen *rows, int64_t D,
                                      int64_t H, struct sl_dropout drop);

/* ---- the bottleneck (spec 1.2.1) ----------------------------------------- */

/*
 * y [N, D] <- x, but the first row of sequence i is h's row h_start[i].  (h may
 * have other rows than x: the chosen ones of the same sequences.)
 */
typedef void sl_splice_cls_fwd_fn(struct sl_backend *be, sl_act *y,
                                  const sl_act *h, const int32_t *h_start,
                                  const sl_act *x, const struct sl_packing *pk,
                                  int64_t D);
/*
 * dx <- dy with the first rows zero (may be dy);
 * dh: rows h_start[i] += dy's first rows; other rows are left alone.
 */
typedef void sl_splice_cls_bwd_fn(struct sl_backend *be, sl_act *dh,
                                  const int32_t *h_start, sl_act *dx,
                                  const sl_act *dy, const struct sl_packing *pk,
                                  int64_t D);

/* ---- rows, pooling, vectors ---------------------------------------------- */

/* y [n, D] <- x[rows[i], :] */
typedef void sl_gather_rows_fn(struct sl_backend *be, sl_act *y,
                               const sl_act *x, const int32_t *rows, int64_t n,
                               int64_t D);
/* dx [N, D] <- 0, then dx[rows[i], :] = dy[i, :].  rows are distinct. */
typedef void sl_scatter_rows_fn(struct sl_backend *be, sl_act *dx,
                                const sl_act *dy, const int32_t *rows,
                                int64_t n, int64_t N, int64_t D);

/* v [n, D] <- the first row (CLS), or the mean of all rows, of each sequence. */
enum sl_pooling { SL_POOL_CLS = 0, SL_POOL_MEAN = 1 };
typedef void sl_pool_fwd_fn(struct sl_backend *be, sl_real *v, const sl_act *h,
                            const struct sl_packing *pk, int64_t D,
                            enum sl_pooling how);
/* dh [N, D] overwritten (zero where nothing flows). */
typedef void sl_pool_bwd_fn(struct sl_backend *be, sl_act *dh,
                            const sl_real *dv, const struct sl_packing *pk,
                            int64_t D, enum sl_pooling how);

/* y [n, D] <- x / max(|x|, 1e-12); norm [n] <- |x|.  y may be x. */
typedef void sl_l2norm_fwd_fn(struct sl_backend *be, sl_real *y, sl_real *norm,
                              const sl_real *x, int64_t n, int64_t D);
/* dx may be dy.  y is the forward's output. */
typedef void sl_l2norm_bwd_fn(struct sl_backend *be, sl_real *dx,
                              const sl_real *dy, const sl_real *y,
                              const sl_real *norm, int64_t n, int64_t D);

/* y [n] += x */
typedef void sl_add_fn(struct sl_backend *be, sl_act *y, const sl_act *x,
                       int64_t n);
typedef void sl_zero_real_fn(struct sl_backend *be, sl_real *x, int64_t n);

/* ---- from a row to a score ----------------------------------------------- */

/* y [n] <- tanh(x).  y may be x. */
typedef void sl_tanh_fwd_fn(struct sl_backend *be, sl_act *y, const sl_act *x,
                            int64_t n);
/* From the forward's output y.  dx may be dy. */
typedef void sl_tanh_bwd_fn(struct sl_backend *be, sl_act *dx, const sl_act *dy,
                            const sl_act *y, int64_t n);

/* y [N, D] <- dropout(x); its own backward pass, from dy to dx.  y may be x. */
typedef void sl_dropout_fn(struct sl_backend *be, sl_act *y, const sl_act *x,
                           const uint64_t *row_key, int64_t N, int64_t D,
                           struct sl_dropout drop);

/* y [N] <- x [N, I] w + b[0]: one number a row, in full precision. */
typedef void sl_linear_one_fwd_fn(struct sl_backend *be, sl_real *y,
                                  const sl_act *x, const sl_real *w,
                                  const sl_real *b, int64_t N, int64_t I);
typedef void sl_linear_one_bwd_fn(struct sl_backend *be, sl_act *dx,
                                  sl_real *dw, sl_real *db, const sl_real *dy,
                                  const sl_act *x, const sl_real *w, int64_t N,
                                  int64_t I);

/* ---- losses -------------------------------------------------------------- */

/*
 * Cross-entropy over the vocabulary of rows h [n, D], logits h W^T + b, without
 * ever holding all of [n, V]:
 *     loss[0] += sum_i -log softmax(logits_i)[labels_i]
 * and, unless dh is NULL (evaluation), the gradient of scale * that sum:
 *     dh [n, D] overwritten, dW [V, D] and db [V] added to (NULL: frozen).
 * b may be NULL.  labels are in [0, V).
 */
typedef void sl_vocab_ce_fn(struct sl_backend *be, sl_real *loss, sl_act *dh,
                            sl_real *dW, sl_real *db, const sl_act *h,
                            const sl_real *W, const sl_real *b,
                            const int32_t *labels, int64_t n, int64_t D,
                            int64_t V, double scale);

/*
 * ids [n] <- one draw a row from softmax(h W^T + b), temperature 1: the first
 * id whose cumulative probability exceeds u, where u in [0, 1) is word 0 of
 * philox(stream, 0, row_key low, row_key high, site) / 2^32.
 */
typedef void sl_vocab_sample_fn(struct sl_backend *be, int32_t *ids,
                                const sl_act *h, const sl_real *W,
                                const sl_real *b, const uint64_t *row_key,
                                int64_t n, int64_t D, int64_t V,
                                uint64_t stream, uint32_t site);

/*
 * Binary cross-entropy of rows h [n, D], logits z = h w + b:
 *     loss[0] += sum_i log(1 + exp z_i) - labels_i z_i        labels 0 or 1
 * and, unless dh is NULL (evaluation), the gradient of scale * that sum:
 *     dh [n, D] overwritten, dw [D] and db [1] added to.
 */
typedef void sl_binary_ce_fn(struct sl_backend *be, sl_real *loss, sl_act *dh,
                             sl_real *dw, sl_real *db, const sl_act *h,
                             const sl_real *w, const sl_real *b,
                             const int32_t *labels, int64_t n, int64_t D,
                             double scale);

/*
 * Vectors v [n, D], n even, 2 i and 2 i + 1 being a pair.  Row i's logits are
 * v_i . v_j for all j but i, its label its partner:
 *     loss[0] += sum over the n rows of CE
 * and, unless dv is NULL, dv [n, D] <- the gradient of weight * that sum.
 */
typedef void sl_pair_contrast_fn(struct sl_backend *be, sl_real *loss,
                                 sl_real *dv, const sl_real *v, int64_t n,
                                 int64_t D, double weight);

/*
 * The four-block contrastive loss of spec 2.2 over B queries and m passages
 * each, m >= 1, passage i * m the positive of query i:
 *     loss[0] += sum over rows of CE;  rank[i] (int32, 1-based; ties count
 *     against the positive) <- place of the positive among QK's B * m columns
 * and, unless dq is NULL, gradients of weight * that sum, overwritten.
 * full false: the QK block alone.  scale multiplies all logits.
 * mask [B, B * m] bytes or NULL: QK columns with mask 1 count as -inf (known
 * false negatives); the positive's own column is never masked.
 * logits [B, B * m + 3 B] (or [B, B * m]) receives the row logits; NULL: scratch.
 */
typedef void sl_contrastive_fn(struct sl_backend *be, sl_real *loss,
                               int32_t *rank, sl_real *dq, sl_real *dp,
                               sl_real *logits, const sl_real *q,
                               const sl_real *p, const uint8_t *mask, int64_t B,
                               int64_t m, int64_t D, double scale,
                               double weight, bool full);

/*
 * Knowledge distillation over each query's own m passages (spec 2.3):
 *     loss[0] += sum_i KL(softmax(teacher_i) || softmax(scale * q_i . p_i,k))
 * and, unless dq is NULL, the gradient of weight * that sum is added to dq
 * [B, D] and dp [B * m, D], which the contrastive loss overwrote before.
 * teacher [B, m].
 */
typedef void sl_distill_fn(struct sl_backend *be, sl_real *loss, sl_real *dq,
                           sl_real *dp, const sl_real *q, const sl_real *p,
                           const sl_real *teacher, int64_t B, int64_t m,
                           int64_t D, double scale, double weight);

/*
 * The listwise loss of groups of m passages with label 0 (spec 3.2), of one or
 * two passes over them; of two with R-Drop.  logits [passes, B, m]
 *     passes 1   loss[0] += sum_i CE
 *     passes 2   loss[0] += sum_i (CE_1 + CE_2) / 2
 *                loss[1] += sum_i (KL(2 || 1) + KL(1 || 2)) / 2
 * dlogits [passes, B, m] <- gradient of weight * (both sums); NULL: not wanted.
 */
typedef void sl_listwise_fn(struct sl_backend *be, sl_real *loss,
                            sl_real *dlogits, const sl_real *logits,
                            int64_t passes, int64_t B, int64_t m,
                            double weight);

/* ---- optimiser ----------------------------------------------------------- */

/* out[0] <- sum of squares of x [n], summed in fp64 in an order fixed by n. */
typedef void sl_sum_squares_fn(struct sl_backend *be, double *out,
                               const sl_real *x, int64_t n);

/*
 * One AdamW step (spec 6.1) over [n] elements:
 *     g' = grad_scale * g;  m = b1 m + (1 - b1) g';  v = b2 v + (1 - b2) g'^2
 *     w -= lr * ((m / bias1) / (sqrt(v / bias2) + eps) + decay * w)
 * with bias1 = 1 - b1^t, bias2 = 1 - b2^t.  g is left alone.
 */
struct sl_adamw {
    double lr, beta1, beta2, eps, decay, bias1, bias2, grad_scale;
};
typedef void sl_adamw_fn(struct sl_backend *be, sl_real *w, sl_real *m,
                         sl_real *v, const sl_real *g, int64_t n,
                         const struct sl_adamw *hp);

/* ---- search -------------------------------------------------------------- */

/*
 * s [n_q, n_p] <- q [n_q, D] p [n_p, D]^T in fp32.  The value of an element
 * does not depend on n_q, n_p or threads.
 */
typedef void sl_scores_fn(struct sl_backend *be, sl_real *s, const sl_real *q,
                          const sl_real *p, int64_t n_q, int64_t n_p,
                          int64_t D);

#define SL_OPS(X)                                                              \
    X(embed_fwd)                                                               \
    X(embed_bwd)                                                               \
    X(linear_fwd)                                                              \
    X(linear_bwd)                                                              \
    X(linear_gelu_fwd)                                                         \
    X(gelu_bwd)                                                                \
    X(residual_ln_fwd)                                                         \
    X(residual_ln_bwd)                                                         \
    X(attention_fwd)                                                           \
    X(attention_bwd)                                                           \
    X(attention_rows_fwd)                                                      \
    X(attention_rows_bwd)                                                      \
    X(splice_cls_fwd)                                                          \
    X(splice_cls_bwd)                                                          \
    X(gather_rows)                                                             \
    X(scatter_rows)                                                            \
    X(pool_fwd)                                                                \
    X(pool_bwd)                                                                \
    X(l2norm_fwd)                                                              \
    X(l2norm_bwd)                                                              \
    X(add)                                                                     \
    X(zero_real)                                                               \
    X(tanh_fwd)                                                                \
    X(tanh_bwd)                                                                \
    X(dropout)                                                                 \
    X(linear_one_fwd)                                                          \
    X(linear_one_bwd)                                                          \
    X(vocab_ce)                                                                \
    X(vocab_sample)                                                            \
    X(binary_ce)                                                               \
    X(pair_contrast)                                                           \
    X(contrastive)                                                             \
    X(distill)                                                                 \
    X(listwise)                                                                \
    X(sum_squares)                                                             \
    X(adamw)                                                                   \
    X(scores)

struct sl_ops {
#define X(name) sl_##name##_fn *name;
    SL_OPS(X)
#undef X
};

#endif
