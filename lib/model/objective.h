/*
 * model/objective.h - the objectives of pre-training, side by side (paper's
 * table 7; docs/MODEL.md, section 5).
 *
 * All but mlm are one picture, and an objective says what goes where in it:
 *
 *     encoder's tokens -> encoder -> H ---------------> head -> loss
 *                                    | H[0]
 *     decoder's tokens -> embeddings v
 *                         [ H[0] ; the rest ] -> decoder -> head -> loss
 *
 * pretrainer.h computes it.
 */
#ifndef SL_MODEL_OBJECTIVE_H
#define SL_MODEL_OBJECTIVE_H

#include <stdbool.h>

/* What the encoder, or the decoder, is given. */
enum sl_input {
    SL_INPUT_NONE,     /* there is no decoder */
    SL_INPUT_CLEAN,    /* the passage */
    SL_INPUT_MASKED,   /* a share of its tokens is hidden by [MASK] */
    SL_INPUT_REPLACED, /* a share is replaced by the generator's draws */
    SL_INPUT_BLANK,    /* every token is hidden */
    SL_INPUT_EARLY,    /* no tokens: the output of the encoder's early layers */
};

/* Which rows of the output a loss counts. */
enum sl_counted {
    SL_COUNT_NONE,   /* there is no loss */
    SL_COUNT_HIDDEN, /* those of hidden tokens */
    SL_COUNT_ALL,    /* all but special tokens' */
};

/* Both losses come from one head. */
enum sl_head_kind {
    SL_HEAD_LM,  /* which token was it? */
    SL_HEAD_RTD, /* is it another than it was? */
};

struct sl_objective {
    const char *name;
    enum sl_input enc;
    enum sl_counted enc_counts;
    enum sl_input dec;
    enum sl_counted dec_counts;
    enum sl_head_kind head;
    bool spans; /* a passage gives two spans, whose vectors are contrasted */
    const char *enc_loss,
        *dec_loss; /* names in logs; NULL: it is all there is */
};

/* Indexed by simlm_objective. */
enum { SL_N_OBJECTIVES = 7 };
extern const struct sl_objective sl_objectives[SL_N_OBJECTIVES];

static inline bool sl_objective_replaces(const struct sl_objective *o)
{
    return o->enc == SL_INPUT_REPLACED || o->dec == SL_INPUT_REPLACED;
}

/* The decoder has tokens of its own, a share of them hidden. */
static inline bool sl_objective_nests(const struct sl_objective *o)
{
    return o->dec == SL_INPUT_MASKED || o->dec == SL_INPUT_REPLACED;
}

#endif
