/*
 * model/crossencoder.h - the re-ranker: query and passage as one sequence, of
 * whose first row the score is made (spec 1.4, 3; nn/scorehead.h).
 *
 * It is trained on groups of m pairs, the positive first, by the listwise loss
 * of each group alone; with R-Drop each group is seen twice, under different
 * dropout, and the two must agree.  So a step is a sum over groups, and is cut
 * between them.  Groups that together exceed the session's size are computed
 * in chunks (model/chunks.h).
 */
#ifndef SL_MODEL_CROSSENCODER_H
#define SL_MODEL_CROSSENCODER_H

#include "model/mlm.h"

struct sl_crossencoder_options {
    struct sl_session_options session; /* of a chunk */
    int64_t max_pairs;                 /* of a call, all passes together */
    bool train;                        /* false: for scores alone */
};

struct sl_crossencoder_batch {
    int64_t passes;      /* 1, or 2 with R-Drop */
    int64_t B, m;        /* groups; pairs of each, the positive first */
    struct sl_tokens in; /* [passes, B, m] sequences, each with a key */
    const struct sl_watch *watch; /* of a training step's last groups */
};

struct sl_crossencoder_result {
    double ce;    /* sum over groups; of two passes the mean of both */
    double rdrop; /* sum over groups; 0 of one pass */
};

struct sl_crossencoder;

/* E_ARG if the model has no score head. */
simlm_status sl_crossencoder_new(struct sl_crossencoder **out,
                                 struct sl_bert *m,
                                 const struct sl_crossencoder_options *o,
                                 simlm_error *err);
void sl_crossencoder_free(struct sl_crossencoder *x); /* accepts NULL */
size_t sl_crossencoder_bytes(const struct sl_crossencoder *x);

/*
 * score [t->n], host memory <- without dropout.  A pair's score does not depend
 * on what else is in the call, bit for bit.  E_NUMERIC if one is not finite.
 */
simlm_status sl_crossencoder_scores(struct sl_crossencoder *x, float *score,
                                    const struct sl_tokens *t,
                                    simlm_error *err);

/*
 * Groups of a step.  score [passes, B, m], host memory <- their scores, unless
 * NULL; if train, gradients of weight * (ce + rdrop) are added to the model's g
 * (weight: 1 / the groups of the whole step).
 */
simlm_status sl_crossencoder_step(struct sl_crossencoder *x,
                                  struct sl_crossencoder_result *r,
                                  float *score,
                                  const struct sl_crossencoder_batch *b,
                                  double weight, bool train,
                                  struct sl_noise noise, simlm_error *err);

#endif
