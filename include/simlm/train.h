/*
 * simlm/train.h - pre-training and fine-tuning (experimental API).
 *
 *   simlm_pretrain  masked-LM training of a BERT or an ELECTRA generator, SimLM's
 *                   replaced language modelling through a bottleneck, and the
 *                   objectives it was compared with
 *   simlm_finetune  contrastive training of a bi-encoder
 *   simlm_train_reranker  listwise training of a cross-encoder
 *
 *   simlm_pretrain_options o;
 *   simlm_error err;
 *
 *   simlm_pretrain_options_init(&o);
 *   o.train.model = "base";
 *   o.generator = "generator";
 *   o.train.output = "simlm";
 *   o.corpus = files, o.n_corpus = n;
 *   if (simlm_pretrain(&o, NULL, &err) < 0)
 *           fprintf(stderr, "%s\n", err.msg);
 *
 * A run writes into its output directory
 *
 *   train.json              everything that decides the result: resolved options,
 *                           seed, version, hashes of the data
 *   log.jsonl               one record a line: steps, evaluations, the end
 *   checkpoint-<step>/      state to resume from, the last two; gone when the run
 *                           is over, but for models that are to be kept
 *   best                    a link to one of these, if it is asked for
 *   model.safetensors, ...  the trained model, when the run is over
 *
 * The same call again resumes an interrupted run; the result is, bit for bit,
 * that of a run that was not interrupted.  If the directory holds a run with
 * other options the call is refused, unless `overwrite` is set: then that goes
 * when this run has read its data and begins.
 *
 * Everything random is a function of `seed`.  Results do not depend on the
 * number of threads.
 */
#ifndef SIMLM_TRAIN_H
#define SIMLM_TRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include <simlm/observer.h>
#include <simlm/precision.h>
#include <simlm/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* lib/train/schedule.h has the formulas. */
typedef enum simlm_schedule {
    SIMLM_SCHEDULE_LINEAR = 0, /* linear warm-up, linear decay to 0 */
    SIMLM_SCHEDULE_LOG = 1, /* the reference's: DeepSpeed 0.6 WarmupDecayLR */
    SIMLM_SCHEDULE_CONSTANT = 2 /* linear warm-up, then constant */
} simlm_schedule;

/* What both kinds of training share.  Enumerations are int32_t fields. */
typedef struct simlm_train_options {
    const char *model;  /* directory to start from */
    const char *output; /* directory to write */
    bool overwrite;     /* forget what another run left in output */
    const char *cache;  /* where corpora are kept as tokens; NULL: in output,
                         * until the run is over */

    int64_t steps; /* updates; 0: as many as `epochs` takes */
    double epochs; /* passes over the training examples */
    int32_t batch; /* sequences (pretrain) or queries (finetune) a step */
    int32_t batch_tokens; /* tokens computed at once; decides memory */

    double lr;           /* peak learning rate */
    double warmup;       /* steps, or, below 1, a share of them */
    int32_t schedule;    /* simlm_schedule */
    double weight_decay; /* 0 in all of SimLM's stages */
    bool decay_all;      /* decay biases and layer norms, too (DeepSpeed) */
    double beta1, beta2, eps; /* AdamW */
    double clip;              /* largest global gradient norm; 0: no clipping */
    double dropout;     /* hidden and attention; negative: the model's own */
    bool checkpointing; /* recompute activations: less memory, more time */
    int32_t precision;  /* simlm_precision */

    int64_t eval_samples; /* held out; negative: automatic, at most 2% */
    int32_t log_every;    /* steps between records; 0: never */
    int32_t eval_every;   /* steps between evaluations; 0: at the end only */
    int32_t save_every;   /* steps between checkpoints; 0: when stopped only */
    int32_t keep_last;    /* checkpoints that stay, as models, when the run is
                           * over; 0: none */
    const char
        *keep_best; /* "loss" or another measure of the held-out examples:
                            * the checkpoint of the best evaluation stays, too,
                            * and "best" in output is a link to it; NULL */
    const char *tensorboard; /* directory for TensorBoard's event files, one of
                              * its own for each run; NULL: none are written */
    uint64_t seed;
    int32_t threads; /* 0: one a core */
} simlm_train_options;

/* ---- pre-training -------------------------------------------------------- */

/* docs/MODEL.md, section 5, has them side by side. */
typedef enum simlm_objective {
    SIMLM_OBJECTIVE_MLM = 0,         /* masked language modelling */
    SIMLM_OBJECTIVE_RLM = 1,         /* replaced language modelling: SimLM's */
    SIMLM_OBJECTIVE_ENCDEC_MLM = 2,  /* the same with [MASK]s, no generator */
    SIMLM_OBJECTIVE_CONDENSER = 3,   /* late [CLS], early tokens */
    SIMLM_OBJECTIVE_ENCDEC_RTD = 4,  /* which tokens were replaced? */
    SIMLM_OBJECTIVE_AUTOENCODER = 5, /* everything from the [CLS] vector */
    SIMLM_OBJECTIVE_COCONDENSER = 6  /* Condenser, and spans contrasted */
} simlm_objective;

/* What the decoder starts from. */
typedef enum simlm_decoder_init {
    SIMLM_DECODER_AUTO =
        0, /* the model's decoder if it has one, else copies, or,
                             * for Condenser, random values, as its paper has it */
    SIMLM_DECODER_COPY = 1, /* the encoder's last layers */
    SIMLM_DECODER_RANDOM = 2
} simlm_decoder_init;

typedef enum simlm_mask_form {
    SIMLM_MASK_ALL = 0,     /* every masked token becomes [MASK] */
    SIMLM_MASK_80_10_10 = 1 /* [MASK], a random token, the token itself */
} simlm_mask_form;

/* How the losses of a step's micro-batches are averaged. */
typedef enum simlm_loss_mean {
    SIMLM_MEAN_STEP = 0, /* over all tokens of the step: no cut matters */
    SIMLM_MEAN_MICRO = 1 /* mean of micro-batch means, as the reference */
} simlm_loss_mean;

typedef struct simlm_pretrain_options {
    simlm_train_options train;
    const char *const *corpus; /* files of passages */
    int32_t n_corpus;
    int32_t objective; /* simlm_objective */
    int32_t
        max_length;    /* tokens of a passage, or span, with its special ones */
    int32_t loss_mean; /* simlm_loss_mean */

    /* What an objective has no use for must be left as it was initialised. */
    int32_t mask_form; /* simlm_mask_form; negative: 80-10-10 where there is no
                        * decoder with tokens of its own, else all */
    double mask_rate;  /* mlm, condenser, cocondenser: share of tokens hidden */
    double
        encoder_rate; /* rlm, encdec-*: share hidden or replaced, encoder's */
    double
        decoder_rate; /* ... and the decoder's, which has both; no larger: the
                          * same tokens */
    int32_t decoder_layers; /* all but mlm */
    int32_t decoder_init;   /* simlm_decoder_init */
    int32_t early_layers; /* condenser, cocondenser: the encoder's layers below
                             * the skip; 0: half of them */

    /* rlm, encdec-rtd */
    const char *generator;     /* directory of the masked LM that replaces */
    bool generator_joint;      /* it is trained, too; it is not saved */
    bool generator_random;     /* its weights are drawn anew */
    double generator_weight;   /* of its loss, if it is trained */
    bool generator_dropout;    /* on while training, as the reference has it */
    double generator_head_eps; /* of its LM head's layer norm; 0: as its config
                                * says.  1e-5 is what transformers 4.15 gave
                                * ELECTRA generators */
} simlm_pretrain_options;

SIMLM_API void simlm_pretrain_options_init(simlm_pretrain_options *o);

/*
 * E_ARG        an option out of range, or that does not fit the objective; a
 *              warm-up over half the run; a directory that holds another run
 * E_FORMAT     a malformed corpus or model; a generator of another vocabulary
 * E_NUMERIC    a loss or gradient that is not finite; names step and tensor
 * E_CANCELLED  the observer asked to stop; a checkpoint was saved
 */
SIMLM_API simlm_status simlm_pretrain(const simlm_pretrain_options *o,
                                      const simlm_observer *observer,
                                      simlm_error *err);

/* Are the options by themselves such that simlm_pretrain() would begin?  E_ARG
 * as there; no file is looked at. */
SIMLM_API simlm_status simlm_pretrain_check(const simlm_pretrain_options *o,
                                            simlm_error *err);

/* ---- groups: queries, each with a positive and negatives ----------------- */

/* Which passages of its lists a query is evaluated with. */
typedef enum simlm_eval_window {
    SIMLM_WINDOW_FIRST = 0, /* always those of the first epoch */
    SIMLM_WINDOW_EPOCH = 1  /* those of the epoch, as the reference */
} simlm_eval_window;

typedef struct simlm_group_options {
    const char *corpus; /* passages */

    /* Either these three ... */
    const char *queries; /* id \t text, or BEIR queries.jsonl */
    const char *qrels;   /* every judged passage of grade >= 1 is a positive */
    const char *negatives; /* a run: its hits that are not positives */
    /* ... or examples in SimLM's own form. */
    const char *examples;      /* train.jsonl: query, positives, negatives */
    const char *more_examples; /* NULL, or a second such file */

    int32_t negative_depth;    /* leading hits of the run that are used */
    int32_t negative_count;    /* negatives kept a query */
    int32_t negative_random;   /* random passages among them */
    const char *save_examples; /* write the list as train.jsonl; may be NULL */

    const char *dev; /* examples to evaluate with, dev.jsonl; NULL: some of the
                      * training ones are held out */
    int32_t eval_window; /* simlm_eval_window */

    int32_t passages; /* a query: one positive and passages - 1 negatives */
    bool use_first_positive; /* the NQ scripts' filter of positives */
} simlm_group_options;

/* ---- fine-tuning --------------------------------------------------------- */

typedef enum simlm_false_negatives {
    SIMLM_FALSE_NEGATIVES_KEEP = 0, /* the reference: another query's passage is
                                     * a negative even if it is a known answer */
    SIMLM_FALSE_NEGATIVES_MASK = 1  /* known answers leave the denominator */
} simlm_false_negatives;

typedef enum simlm_normalize {
    SIMLM_NORMALIZE_MODEL = 0, /* as the model directory says */
    SIMLM_NORMALIZE_NO = 1,
    SIMLM_NORMALIZE_YES = 2
} simlm_normalize;

typedef struct simlm_finetune_options {
    simlm_train_options train;
    simlm_group_options groups;
    int32_t query_length, passage_length; /* tokens with the special ones */
    bool untied; /* passages get an encoder of their own, by default a copy */
    int32_t pooler; /* width of a linear layer behind the encoders, by default a
                     * new one; 0: as the model has it */
    int32_t normalize;       /* simlm_normalize: of vectors, to unit length */
    double temperature;      /* of unit vectors' similarities */
    bool temperature_warmup; /* the logits' factor grows from 1 to
                              * 1 / temperature while the learning rate does */
    bool full_contrastive;   /* four blocks; false: query-passage alone */
    bool scaled_loss;        /* over the rows of all processes, by loss_scale;
                              * false: over this one's */
    int32_t grad_cache; /* sequences computed at once, the gradients of their
                              * vectors being kept (gradient caching); 0: as
                              * many as train.batch_tokens allows */
    double loss_scale;  /* factor of the loss; 0 or less: 1 */
    int32_t false_negatives; /* simlm_false_negatives */

    /* From a teacher: the scores of groups.examples, kd_train.jsonl. */
    bool distill;
    double contrastive_weight; /* of the contrastive loss beside it */
    bool mask_own_negatives;   /* a query's hard negatives leave the contrastive
                                * loss in training; not with scaled_loss */
} simlm_finetune_options;

SIMLM_API void simlm_finetune_options_init(simlm_finetune_options *o);

/* Errors as simlm_pretrain(); E_ARG also where a step's activations cannot fit
 * in this machine's memory. */
SIMLM_API simlm_status simlm_finetune(const simlm_finetune_options *o,
                                      const simlm_observer *observer,
                                      simlm_error *err);

/* As simlm_pretrain_check(). */
SIMLM_API simlm_status simlm_finetune_check(const simlm_finetune_options *o,
                                            simlm_error *err);

/* ---- re-ranking ---------------------------------------------------------- */

typedef struct simlm_train_reranker_options {
    simlm_train_options train;
    simlm_group_options groups;
    int32_t max_length; /* tokens of query and passage with the special ones */
    int32_t forward_factor; /* f: all `passages` are scored, and the positive
                             * and the best passages / f - 1 negatives trained
                             * with; 1: all of them */
    bool rdrop; /* two passes under different dropout that must agree */
} simlm_train_reranker_options;

SIMLM_API void simlm_train_reranker_options_init(
    simlm_train_reranker_options *o);

/*
 * Of a model that is no re-ranker yet the head starts from random weights.
 * Errors as simlm_finetune().
 */
SIMLM_API simlm_status
simlm_train_reranker(const simlm_train_reranker_options *o,
                     const simlm_observer *observer, simlm_error *err);

/* As simlm_pretrain_check(). */
SIMLM_API simlm_status simlm_train_reranker_check(
    const simlm_train_reranker_options *o, simlm_error *err);

#ifdef __cplusplus
}
#endif
#endif /* SIMLM_TRAIN_H */
