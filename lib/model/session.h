/*
 * model/session.h - what every session has: a borrowed model, a batch in the
 * backend's memory, one arena of activations, and a pass over the encoder.
 */
#ifndef SL_MODEL_SESSION_H
#define SL_MODEL_SESSION_H

#include "model/mlm.h"
#include "nn/embeddings.h"
#include "nn/stack.h"

/*
 * Embeddings and layers, with what they keep for the way back.  What comes out
 * is a row for each token, or for the chosen ones alone.
 */
struct sl_body {
    struct sl_embed_acts embed;
    struct sl_stack stack;
};

struct sl_session {
    struct sl_bert *m;
    struct sl_shape shape;
    struct sl_arena acts;
    struct sl_batch batch;
    struct sl_choice choice; /* of the batch's tokens */
};

/* The arena still measures: carve, reserve with sl_acts_reserve(), carve. */
simlm_status sl_session_init(struct sl_session *s, struct sl_bert *m,
                             int64_t max_tokens, int64_t max_seqs,
                             simlm_error *err);
void sl_session_release(struct sl_session *s); /* a zeroed one is fine */

static inline enum sl_keep sl_session_keep(const struct sl_session_options *o)
{
    return o->checkpoint ? SL_KEEP_OUTPUTS : SL_KEEP_ALL;
}

struct sl_pass sl_session_pass(const struct sl_session *s,
                               struct sl_noise noise, uint32_t site);

/* Check and upload a batch. */
simlm_status sl_session_set(struct sl_session *s, const struct sl_tokens *t,
                            simlm_error *err);

/*
 * Choose tokens of the batch that was last set: rows [R], increasing (see
 * sl_rows_check), or the first of each sequence.
 */
void sl_session_choose(struct sl_session *s, const struct sl_tokens *t,
                       const int32_t *rows, int64_t R);
void sl_session_choose_first(struct sl_session *s, const struct sl_tokens *t);

/* R 0: a row for each token comes out; else for up to R chosen ones. */
void sl_body_carve(struct sl_session *s, struct sl_body *b, enum sl_keep keep,
                   int64_t R);

/* How many rows a pooling needs chosen. */
static inline int64_t sl_session_pooled(const struct sl_session *s,
                                        enum sl_pooling how)
{
    return how == SL_POOL_CLS ? s->batch.max_n : 0;
}

/* The packing of what comes out. */
static inline const struct sl_packing *sl_body_rows(const struct sl_pass *p,
                                                    const struct sl_body *b)
{
    return b->stack.chosen ? &p->chosen->pk : p->pk;
}

/* The last layer's output of the session's batch. */
const sl_act *sl_body_forward(const struct sl_session *s,
                              const struct sl_pass *p, struct sl_body *b);

/* d [N, D]: the gradient of that in its first rows; spent on the way. */
void sl_body_backward(const struct sl_session *s, const struct sl_pass *p,
                      struct sl_body *b, const struct sl_layer_scratch *t,
                      sl_act *d);

/* rows [n] increasing in [0, N); labels (NULL: none) in the vocabulary. */
simlm_status sl_rows_check(const int32_t *rows, const int32_t *labels,
                           int64_t n, int64_t N, int64_t vocab,
                           simlm_error *err);

/* out [n] <- loss [n] after all work is done; E_NUMERIC if one is not finite.
 */
simlm_status sl_session_losses(struct sl_session *s, double *out,
                               const sl_real *loss, int64_t n,
                               simlm_error *err);

static inline int32_t *sl_take_i32(struct sl_arena *a, int64_t n)
{
    return SL_TAKE(a, int32_t, n);
}

#endif
