/*
 * train/groups.h - what fine-tuning and re-ranking train on: queries, each with
 * a positive passage and negatives, a group.
 *
 * The lists come from a file of examples, or are made from queries, judgements
 * and a run (data/negatives.h).  Some are held out for evaluation, or a second
 * file has them.  Which passages of its lists a query takes is a function of
 * (seed, epoch); an evaluation takes the first window, so that the evaluations of
 * a run can be compared, or, as the reference, the one that comes next.
 */
#ifndef SL_TRAIN_GROUPS_H
#define SL_TRAIN_GROUPS_H

#include <simlm/train.h>

#include "data/examples.h"
#include "data/order.h"
#include "nn/tokens.h"
#include "train/loop.h"
#include "train/setup.h"

struct sl_groups {
    const simlm_group_options *o;
    struct sl_token_cache *cache; /* of the corpus */
    struct sl_examples *examples;
    int64_t *usable, n_usable; /* examples that can be used */
    int64_t n_dev;             /* the last of these: of o->dev */
    struct sl_order order;     /* of the usable ones */
    struct sl_id_list ids;     /* of all queries, without special tokens */
    int64_t *start;            /* [examples + 1] into ids */
    uint64_t seed;
    bool need_scores; /* a teacher's: set before opening */
};

/* Options in range, and which files go together: E_ARG. */
simlm_status sl_groups_check(const simlm_group_options *o, simlm_error *err);

/* Members of train.json: what decides the lists; where they come from. */
simlm_status sl_groups_identity(const simlm_group_options *o,
                                struct sl_json_writer *w, simlm_error *err);
void sl_groups_settings(const simlm_group_options *o, struct sl_json_writer *w);

/*
 * Open the corpus and the lists, leave out what cannot be trained with (the
 * observer hears of it), tokenize the queries, hold some out.
 *
 *   E_FORMAT  a malformed file; a passage that the corpus has not; a needed score
 *             that is not there; no query left
 */
simlm_status sl_groups_open(struct sl_groups *g, const simlm_group_options *o,
                            struct sl_setup *s, struct sl_rundir *dir,
                            simlm_error *err);
void sl_groups_close(struct sl_groups *g); /* accepts a zeroed struct */

/* Of the order's example i: the example's number in g->examples, the tokens of
 * its query, and rows [o->passages] <- its passages in this step. */
int64_t sl_groups_example(const struct sl_groups *g, int64_t i);
struct sl_ids sl_groups_query(const struct sl_groups *g, int64_t i);
void sl_groups_choose(int32_t *rows, const struct sl_groups *g, int64_t i,
                      const struct sl_step *step);

/* A step that was packed, as a model reads it. */
struct sl_tokens sl_groups_tokens(const struct sl_pack *p);

/* scores [o->passages] <- those that its lists give the chosen rows. */
void sl_groups_scores(float *scores, const struct sl_groups *g, int64_t i,
                      const int32_t *rows);

#endif
