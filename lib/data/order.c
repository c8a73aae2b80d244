#include "data/order.h"

#include <string.h>

#include "base/alloc.h"
#include "base/pyrandom.h"
#include "base/rng.h"

enum { SPLIT_SEED = 123 };

int64_t sl_order_eval_count(int64_t n, int64_t most)
{
    int64_t share = n / 50;

    return share < most ? share : most;
}

static simlm_status init(struct sl_order *o, int64_t n, int64_t n_eval,
                         int64_t batch, uint64_t seed, simlm_error *err)
{
    SL_ASSERT(n_eval >= 0 && n_eval < n && batch >= 1);
    *o = (struct sl_order){.n_eval = n_eval,
                           .n_train = n - n_eval,
                           .batch = batch,
                           .seed = seed,
                           .epoch = -1};
    o->steps_per_epoch = (o->n_train + batch - 1) / batch;
    o->split = SL_NEW_ARRAY(int64_t, n);
    o->shuffled = SL_NEW_ARRAY(int64_t, o->n_train);
    if (o->split && o->shuffled)
        return SIMLM_OK;
    sl_order_free(o);
    return sl_fail_nomem(err, "the order of examples");
}

simlm_status sl_order_init(struct sl_order *o, int64_t n, int64_t n_eval,
                           int64_t batch, uint64_t seed, simlm_error *err)
{
    struct sl_pyrandom r;

    SL_TRY(init(o, n, n_eval, batch, seed, err));
    for (int64_t i = 0; i < n; i++)
        o->split[i] = i;
    sl_pyrandom_seed(&r, SPLIT_SEED);
    sl_pyrandom_shuffle(&r, o->split, n);
    return SIMLM_OK;
}

simlm_status sl_order_init_apart(struct sl_order *o, int64_t n, int64_t n_eval,
                                 int64_t batch, uint64_t seed, simlm_error *err)
{
    SL_TRY(init(o, n, n_eval, batch, seed, err));
    for (int64_t i = 0; i < n; i++)
        o->split[i] = i < n_eval ? n - n_eval + i : i - n_eval;
    return SIMLM_OK;
}

void sl_order_free(struct sl_order *o)
{
    sl_free(o->split);
    sl_free(o->shuffled);
    *o = (struct sl_order){0};
}

const int64_t *sl_order_eval(const struct sl_order *o)
{
    return o->split;
}

int64_t sl_order_epoch(const struct sl_order *o, int64_t k)
{
    SL_ASSERT(k >= 1);
    return (k - 1) / o->steps_per_epoch;
}

static void shuffle_epoch(struct sl_order *o, int64_t epoch)
{
    struct sl_rng r;

    memcpy(o->shuffled, o->split + o->n_eval,
           (size_t)o->n_train * sizeof *o->shuffled);
    sl_rng_init(&r, sl_stream(o->seed, SL_PURPOSE_SHUFFLE, (uint64_t)epoch));
    sl_rng_shuffle_i64(&r, o->shuffled, o->n_train);
    o->epoch = epoch;
}

int64_t sl_order_step(struct sl_order *o, const int64_t **rows, int64_t k)
{
    int64_t epoch = sl_order_epoch(o, k), begin, left;

    if (epoch != o->epoch)
        shuffle_epoch(o, epoch);
    begin = (k - 1 - epoch * o->steps_per_epoch) * o->batch;
    left = o->n_train - begin;
    *rows = o->shuffled + begin;
    return left < o->batch ? left : o->batch;
}
