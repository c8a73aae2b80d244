/*
 * train/finetune_step.h - one step of fine-tuning a bi-encoder (spec 2;
 * docs/MODEL.md, section 6).
 *
 * A step is B queries with m passages each, a positive and m - 1 negatives from
 * the query's list; every other passage of the step is a negative, too.  The
 * loss couples all of a step's vectors, so it is computed whole, if need be in
 * chunks (model/chunks.h).  With a teacher, each group's scores are to follow
 * the teacher's, besides.
 *
 * Evaluation does the same with the held-out queries in fixed batches.
 */
#ifndef SL_TRAIN_FINETUNE_STEP_H
#define SL_TRAIN_FINETUNE_STEP_H

#include "model/biencoder.h"
#include "train/groups.h"

struct sl_finetune_step {
    const simlm_finetune_options *o;
    const struct sl_groups *groups;
    const struct sl_profile *profile;
    struct sl_pack_rule query_rule, passage_rule;
    int64_t warmup; /* updates of the learning rate's warm-up */
    /* private */
    struct sl_biencoder *session;
    struct sl_pack batch; /* B queries, then B m passages */
    int32_t *passage;     /* [B m] rows of the corpus */
    int32_t *rank;        /* [B] */
    uint8_t *mask;        /* [B, B m]; NULL: no column is left out */
    float *teacher;       /* [B m]; NULL: there is none */
};

/* Memory for the steps: the members above `private` are set, the others 0.
 * *bytes <- what the activations take. */
simlm_status sl_finetune_step_open(struct sl_finetune_step *s, size_t *bytes,
                                   struct sl_bert *m, simlm_error *err);
void sl_finetune_step_close(struct sl_finetune_step *s);

/* What a loop's task does in a step (train/loop.h). */
simlm_status sl_finetune_step(struct sl_finetune_step *s,
                              const struct sl_step *step,
                              struct sl_meters *meters, int64_t *n_tokens,
                              simlm_error *err);

/* Factor of all logits in a step that `done` steps were made before (spec 2.2);
 * warmup: updates of the learning rate's, above 0 if the temperature has one. */
double sl_finetune_scale(const simlm_finetune_options *o, bool normalize,
                         int64_t warmup, int64_t done);

/* The loss of guessing; 0: not known. */
double sl_finetune_chance(const simlm_finetune_options *o);

#endif
