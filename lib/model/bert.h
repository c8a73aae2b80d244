/*
 * model/bert.h - a model: its shape, its parameters, its state of training.
 *
 * One struct serves every stage, because they differ only in which components
 * are present:
 *
 *   encoder, bi-encoder   embeddings, layers
 *   masked LM, generator  ... and the LM head (for ELECTRA: embeddings of width
 *                         E, a projection E -> D, a head D -> E)
 *   RLM and its kin       ... and n_decoder more layers; for replaced-token
 *                         detection a head of yes and no instead of the LM's
 *   cross-encoder         embeddings, layers, the score head
 *
 *   retriever             embeddings, layers; a pooler, if it has one; if passages
 *                         have an encoder of their own, a second model (towers.h)
 *
 * A model owns its blocks and no activations; sessions (encoder.h, mlm.h,
 * pretrainer.h, biencoder.h, ...) own activations and borrow a model.  Weights
 * are read by any number of sessions at once; gradients belong to one.
 */
#ifndef SL_MODEL_BERT_H
#define SL_MODEL_BERT_H

#include "model/config.h"
#include "model/params.h"
#include "nn/pass.h"
#include "nn/tokens.h"
#include "nn/weights.h"

/* The components, over one block (weights, or gradients). */
struct sl_bert_weights {
    struct sl_embed_weights embed;
    struct sl_layer_weights *layer;   /* [L] */
    struct sl_lm_head_weights head;   /* has_head */
    struct sl_score_weights score;    /* has_score */
    struct sl_layer_weights *decoder; /* [n_decoder] */
    struct sl_rtd_head_weights rtd;   /* has_rtd */
    struct sl_pooler_weights pooler;  /* cfg.pooler */
};

struct sl_bert {
    struct sl_backend *be; /* borrowed */
    struct sl_config cfg;
    bool has_head, has_score, has_rtd;
    int64_t n_decoder;
    struct sl_params params;
    /* index of their first parameter */
    int64_t first_head, first_score, first_decoder, first_rtd, first_pooler;
    bool fresh_score; /* some of the score head is random: no file had it */

    sl_real *w;                  /* [params.size] */
    sl_real *g, *m, *v;          /* the same, or NULL before sl_bert_train() */
    bool joined;                 /* to another model, which owns the blocks */
    struct sl_bert_weights W, G; /* bound to w and g */

    struct sl_bert *passage; /* the passages' encoder, owned; NULL: this one
                              * encodes queries and passages */
};

/* The encoder of that side. */
static inline struct sl_bert *sl_bert_of(struct sl_bert *m, enum sl_side side)
{
    return side == SL_SIDE_PASSAGE && m->passage ? m->passage : m;
}

/* Width of the vectors. */
static inline int64_t sl_bert_width(const struct sl_bert *m)
{
    return m->cfg.pooler ? m->cfg.pooler : m->cfg.hidden;
}

/* What a model consists of besides embeddings and layers. */
struct sl_bert_parts {
    bool head;         /* the LM head */
    int64_t n_decoder; /* decoder layers */
    bool score;        /* the score head of a cross-encoder */
    bool may_be_fresh; /* what a file lacks of that is drawn, from `seed` */
    uint64_t seed;
    bool rtd;       /* the head of replaced-token detection */
    int64_t pooler; /* width of a pooler, zeros at first; 0: none */
    bool untied;    /* sl_towers_open() alone: an encoder for passages */
    bool retriever; /* sl_setup_open() alone: open it with that */
};

/* A model without weights or backend: its list of parameters is there. */
simlm_status sl_bert_plan(struct sl_bert **out, const struct sl_config *cfg,
                          struct sl_bert_parts parts, simlm_error *err);

/* Zeroed weights of the shape of cfg. */
simlm_status sl_bert_new(struct sl_bert **out, struct sl_backend *be,
                         const struct sl_config *cfg,
                         struct sl_bert_parts parts, simlm_error *err);
void sl_bert_free(struct sl_bert *m); /* accepts NULL */

/*
 * The weights were written by upload_real: the backend's copies of them are made
 * anew.  (sl_bert_open, _init and _train do it themselves.)
 */
simlm_status sl_bert_written(struct sl_bert *m, simlm_error *err);

/* Random weights, a pure function of seed and shape. */
simlm_status sl_bert_init(struct sl_bert *m, uint64_t seed, simlm_error *err);

/* The same of parameters first, first + 1, ... alone (first_decoder, first_rtd). */
simlm_status sl_bert_init_from(struct sl_bert *m, int64_t first, uint64_t seed,
                               simlm_error *err);

/*
 * Open <dir>/config.json and its weights (modeldir.h says which file).  Decoder
 * layers come from <dir>/decoder.safetensors or decoder.pt if it is there and
 * fits, else they are copies of the encoder's last n_decoder layers, in order
 * (spec 1.2; n_decoder may not exceed L).  The head of replaced-token detection
 * is in no file: it is zeros.  `ignored` (may be NULL) collects names of tensors
 * not used.
 */
simlm_status sl_bert_open(struct sl_bert **out, struct sl_backend *be,
                          const char *dir, struct sl_bert_parts parts,
                          struct sl_strmap *ignored, simlm_error *err);

/* Decoder layers <- copies of the encoder's last n_decoder layers. */
simlm_status sl_bert_copy_decoder(struct sl_bert *m, simlm_error *err);

/* Make g, m and v, zeroed.  Twice is fine. */
simlm_status sl_bert_train(struct sl_bert *m, simlm_error *err);
void sl_bert_zero_grad(struct sl_bert *m);

/*
 * Make `part` a part of m, so that what is done to m's blocks and list (updates,
 * norms, checkpoints) is done to both: its parameters follow m's in one block,
 * named with the prefix, its weights and gradients are m's.  m is being trained
 * (sl_bert_train), and its gradients and moments are zeros again.  Both keep
 * their sessions to themselves, part is freed first, and neither is saved with
 * the other.
 */
simlm_status sl_bert_join(struct sl_bert *m, struct sl_bert *part,
                          const char *prefix, simlm_error *err);

/*
 * Write config.json, model.safetensors (with the heads, names "bert.*" and
 * "cls.*" or "classifier.*"; or, with_head false, a bare encoder without prefix
 * as AutoModel writes it) and, if there are decoder layers and with_head,
 * decoder.safetensors
 * ("0.attention.self.query.weight", ...) into an existing directory.
 */
simlm_status sl_bert_save(const struct sl_bert *m, const char *dir,
                          bool with_head, simlm_error *err);

struct sl_token_limits sl_bert_limits(const struct sl_bert *m);
struct sl_shape sl_bert_shape(const struct sl_bert *m);

#endif
