/*
 * train/loop.h - the loop that all kinds of training share.
 *
 *     for k in 1 .. n_steps:
 *         gradient of the step's loss     (the task)
 *         AdamW at the schedule's rate    optimiser.h, schedule.h
 *         meters, records, evaluation, checkpoint
 *
 * A task is what differs: it knows what an example is.  Everything random in a
 * step is a function of (seed, k), so the loop's state is the model's blocks, k
 * and the meters, and a resumed run is the run that was not stopped.
 */
#ifndef SL_TRAIN_LOOP_H
#define SL_TRAIN_LOOP_H

#include <simlm/train.h>

#include "data/order.h"
#include "model/bert.h"
#include "train/meters.h"
#include "train/rundir.h"
#include "train/schedule.h"

struct sl_step {
    int64_t k;     /* 1, 2, ...; of an evaluation its k-th batch */
    int64_t epoch; /* SL_EVAL_EPOCH in an evaluation */
    const int64_t *example;
    int64_t n;
    int64_t done; /* updates made before it */
    bool train;   /* add gradients; false: no dropout, no gradients */
    const struct sl_watch *watch; /* for the last backward pass; NULL: nobody */
};

struct sl_task {
    void *self;
    /*
     * Compute a step: its losses and measures go to meters (the meter "loss" is
     * what is minimised), the number of tokens to *n_tokens.  Of several ranks
     * each adds its share of the gradient, which the loop sums, beginning with
     * what its watch hears of; meters and tokens are those of the whole step.
     * Of E_NUMERIC the loop makes a message with the step and, if it is one, the
     * weight.
     */
    simlm_status (*step)(void *self, const struct sl_step *step,
                         struct sl_meters *meters, int64_t *n_tokens,
                         simlm_error *err);
    sl_rundir_save_fn *save; /* the model's files into a directory */
    double chance;           /* the loss of guessing; 0: not known */
    const char *measures;    /* meters that tell a better model, by blanks; of
                              * "loss" less is better, of the others more */
};

struct sl_loop {
    const simlm_train_options *o;
    struct sl_rundir *dir;
    struct sl_bert *model; /* with gradients and moments */
    struct sl_order *order;
    struct sl_schedule schedule;
    struct sl_task task;
    struct sl_comm_sum
        *sum; /* of the gradients over ranks; NULL: there is one */
};

/*
 * Resume or start, run, finish.
 *
 *   E_CANCELLED  stopped by the observer, after a checkpoint
 *   E_NUMERIC    names step and tensor; the checkpoints are left as they are
 */
simlm_status sl_loop_run(struct sl_loop *l, simlm_error *err);

/* l->schedule <- that of l->o over its steps, or as many as its epochs of
 * l->order take.  Before sl_loop_run(). */
simlm_status sl_loop_plan(struct sl_loop *l, simlm_error *err);

/* The dropout stream of a step. */
uint64_t sl_loop_dropout(const simlm_train_options *o, int64_t k);

/* The generator's sampling stream; evaluations have their own. */
uint64_t sl_loop_sampling(const simlm_train_options *o,
                          const struct sl_step *step);

#endif
