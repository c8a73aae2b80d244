/*
 * nn/weights.h - the parameters of each component, as pointers into a block.
 *
 * The same structs, bound to the gradients' block, hold gradients.
 *
 *   D hidden   E embedding width   F feed-forward   V vocabulary   P positions
 */
#ifndef SL_NN_WEIGHTS_H
#define SL_NN_WEIGHTS_H

#include "backend/ops.h"

struct sl_embed_weights {
    struct sl_embed table; /* word [V, E], pos [P, E], type [T, E], g, b [E] */
    sl_real *proj_w, *proj_b; /* [D, E], [D]; NULL when E = D in a BERT */
};

/* wq, wk, wv lie side by side, and so do bq, bk, bv: one product serves all. */
struct sl_layer_weights {
    sl_real *wq, *wk, *wv; /* [D, D] each, adjacent */
    sl_real *bq, *bk, *bv; /* [D] each, adjacent */
    sl_real *wo, *bo;      /* [D, D], [D] */
    sl_real *ln1g, *ln1b;  /* [D] */
    sl_real *w1, *b1;      /* [F, D], [F] */
    sl_real *w2, *b2;      /* [D, F], [D] */
    sl_real *ln2g, *ln2b;  /* [D] */
};

/* The output projection is the word embedding itself (tied). */
struct sl_lm_head_weights {
    sl_real *w, *b;    /* [E, D], [E] */
    sl_real *g, *beta; /* [E] layer norm */
    sl_real *bias;     /* [V] */
};

/* From a first row to a score (scorehead.h). */
struct sl_score_weights {
    sl_real *w1, *b1; /* [D, D], [D] */
    sl_real *w2, *b2; /* [1, D], [1] */
};

/* A yes or no for a row: ELECTRA's discriminator_predictions. */
struct sl_rtd_head_weights {
    sl_real *w, *b;         /* [D, D], [D] */
    sl_real *out_w, *out_b; /* [1, D], [1] */
};

/* Behind the encoder, before vectors are taken (model/vectors.h). */
struct sl_pooler_weights {
    sl_real *w, *b; /* [O, D], [O] */
};

#endif
