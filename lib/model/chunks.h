/*
 * model/chunks.h - a body over more sequences than fit at once, whose results
 * one loss couples.
 *
 * What is taken of a sequence (a vector, a score) is made of its first row, or
 * of all its rows.  The list of sequences is cut by the session's size:
 *
 *   one chunk     forward (activations kept), loss, backward
 *   more          forward every chunk for its results alone, the first one
 *                 last, loss; backward the first; then for each other chunk
 *                 forward again with activations and backward (Gao et al.,
 *                 "Scaling deep contrastive learning batch size under memory
 *                 limited setup", 2021)
 *
 * Where queries and passages have an encoder each, the list is cut between them,
 * and the passages' first chunk takes the place of the first: theirs is most of
 * the work.
 *
 * Dropout is a function of the sequence's key, so the second forward pass
 * repeats the first bit for bit and the step is the same step either way.
 */
#ifndef SL_MODEL_CHUNKS_H
#define SL_MODEL_CHUNKS_H

#include "model/session.h"

struct sl_chunks {
    struct sl_session s; /* its model: that of the chunk */
    struct sl_bert *m;   /* as it was given */
    int64_t n_queries;   /* leading sequences of the list that are queries, if
                          * they and passages are encoded apart; else 0 */
    struct sl_body body;
    struct sl_layer_scratch scratch;
    sl_act *d;            /* [N, D] */
    const sl_act *hidden; /* the last layer's output, of the last chunk */
    int32_t *start;       /* [max_n + 1] host: a chunk's starts */
    uint64_t *key;      /* [max_list] host: 0, 1, ... for lists without keys */
    int64_t begin, end; /* what is computed of the list */
};

/* What to do with a chunk: sequences first .. first + n - 1 of the list. */
struct sl_chunk_task {
    void *self;
    bool shared; /* this rank has its share of the list's tokens alone */
    /* Take the results from the last layer's output. */
    void (*take)(void *self, const struct sl_pass *p, const sl_act *hidden,
                 int64_t first, int64_t n);
    /* d <- the gradient of that output, which is still there. */
    void (*give)(void *self, const struct sl_pass *p, sl_act *d,
                 const sl_act *hidden, int64_t first, int64_t n);
};

/* For lists of up to max_list sequences, of which a session holds a part. */
simlm_status sl_chunks_init(struct sl_chunks *c, struct sl_bert *m,
                            const struct sl_session_options *o,
                            int64_t max_list, simlm_error *err);
void sl_chunks_release(struct sl_chunks *c); /* accepts a zeroed struct */

/* In c->s.acts; keep NOTHING: there will be no backward pass. */
void sl_chunks_carve(struct sl_chunks *c, enum sl_keep keep,
                     enum sl_pooling pooling);

/* Of all of t, with the keys of t or, for want of them, 0, 1, ... */
simlm_status sl_chunks_forward(struct sl_chunks *c, const struct sl_pass *p,
                               const struct sl_chunk_task *task,
                               const struct sl_tokens *t, simlm_error *err);

/* After a forward pass over the same.  The second forward passes take the
 * results again.  p->watch hears of the last chunk. */
simlm_status sl_chunks_backward(struct sl_chunks *c, const struct sl_pass *p,
                                const struct sl_chunk_task *task,
                                const struct sl_tokens *t, simlm_error *err);

#endif
