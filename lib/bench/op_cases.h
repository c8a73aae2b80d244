/*
 * bench/op_cases.h - every op of a training step at a model's shapes: how to
 * call it, and what it costs.
 */
#ifndef SL_BENCH_OP_CASES_H
#define SL_BENCH_OP_CASES_H

#include "backend/ops.h"
#include "base/status.h"
#include "model/config.h"

/* All arrays an op may want, of the largest size that any op wants. */
struct sl_op_data {
    struct sl_backend *be;
    int64_t L, D, H, F, V; /* layers, widths, vocabulary */
    int64_t N, len;        /* tokens, and tokens a sequence */
    int64_t n_params;
    sl_act *x, *y, *z, *dx;     /* [N, max(3 D, F)] */
    sl_real *mean, *rstd, *lse; /* [N], [N], [H, N] */
    sl_real *W, *dW;            /* [V, D], or any matrix of a layer */
    sl_real *m, *v;             /* moments of the same size */
    sl_real *b, *db;            /* [max(V, F, 3 D) + 2 D] */
    int32_t *ids, *sampled;     /* [N] */
    struct sl_packing pk;
    struct sl_dropout drop;
    void *owned[18];
    int n_owned;
};

simlm_status sl_op_data_open(struct sl_op_data *d, struct sl_backend *be,
                             const struct sl_config *c, int64_t tokens,
                             int64_t length, float dropout, simlm_error *err);
void sl_op_data_close(struct sl_op_data *d); /* accepts a zeroed one */

struct sl_op_cost {
    double calls;        /* in a training step; 0: in none */
    double bytes, flops; /* a call: each array once; a multiply-add is two */
};

/*
 * The step is that of an encoder with a masked-LM head on every position:
 * forward, backward, gradient norm, AdamW.
 */
struct sl_op_case {
    const char *name;
    void (*run)(struct sl_op_data *d);
    struct sl_op_cost (*cost)(const struct sl_op_data *d);
};

/* Ended by a name of NULL. */
extern const struct sl_op_case sl_op_cases[];
enum { SL_MAX_OP_CASES = 32 };

#endif
