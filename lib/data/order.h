/*
 * data/order.h - which examples are held out, and in what order the others come.
 *
 * The evaluation split is the reference's (spec 1.2.4): rows 0 .. n - 1 shuffled
 * by Python's Random(123), the first of them held out.  It depends on n alone,
 * never on the seed, so that runs can be compared.  Or the last rows are: a file
 * of their own.
 *
 * Each epoch visits the rest once, in an order that is a function of (seed,
 * epoch).  Nothing is sorted by length.  A step takes the next `batch` of them;
 * an epoch's last step may have fewer.
 */
#ifndef SL_DATA_ORDER_H
#define SL_DATA_ORDER_H

#include <stdint.h>

#include "base/status.h"

struct sl_order {
    int64_t n_eval, n_train;
    int64_t batch, steps_per_epoch;
    uint64_t seed;
    /* private */
    int64_t *split;    /* [n_eval + n_train] held out first */
    int64_t *shuffled; /* [n_train] of `epoch` */
    int64_t epoch;     /* -1: none yet */
};

/* Held out by default: 2% of n, at most `most`. */
int64_t sl_order_eval_count(int64_t n, int64_t most);

/* 0 <= n_eval < n, batch >= 1.  E_NOMEM. */
simlm_status sl_order_init(struct sl_order *o, int64_t n, int64_t n_eval,
                           int64_t batch, uint64_t seed, simlm_error *err);
/* The same with the last n_eval rows held out, whatever the others are. */
simlm_status sl_order_init_apart(struct sl_order *o, int64_t n, int64_t n_eval,
                                 int64_t batch, uint64_t seed,
                                 simlm_error *err);
void sl_order_free(struct sl_order *o); /* accepts a zeroed struct */

/* The held-out rows [n_eval]. */
const int64_t *sl_order_eval(const struct sl_order *o);

/* *rows <- the rows of step k = 1, 2, ..., valid until the next call; their
 * number. */
int64_t sl_order_step(struct sl_order *o, const int64_t **rows, int64_t k);

/* The epoch (from 0) that step k belongs to. */
int64_t sl_order_epoch(const struct sl_order *o, int64_t k);

#endif
