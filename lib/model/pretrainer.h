/*
 * model/pretrainer.h - a session for any objective of objective.h: one
 * micro-batch of pre-training forward and backward (spec 1.2; docs/MODEL.md).
 */
#ifndef SL_MODEL_PRETRAINER_H
#define SL_MODEL_PRETRAINER_H

#include "model/generator.h"
#include "model/objective.h"

/*
 * A micro-batch.  The copies' ids are the clean tokens with what is hidden of
 * them taken out ([MASK], random or kept); where the objective replaces, the
 * generator overwrites `hidden` with its draws.  Without a generator (NULL in
 * sl_pretrainer_new) ids are taken as they are: they hold replacements already
 * (tests, or draws made elsewhere).
 */
struct sl_pretrain_batch {
    struct sl_tokens clean; /* original ids; lengths, types and keys of all */
    struct sl_pretrain_copy {
        const int32_t *ids;    /* [N] */
        int64_t n_hidden;      /* may be 0 */
        const int32_t *hidden; /* [n_hidden] increasing */
        int64_t n_rows;        /* that count in this side's loss; may be 0 */
        const int32_t *rows;   /* [n_rows] increasing */
    } enc, dec;                /* dec.ids NULL: of a decoder without tokens */
    int64_t first_vector; /* spans: the first sequence's place in the step */
    const struct sl_watch *watch; /* of a training step's last micro-batch */
};

struct sl_pretrainer_options {
    struct sl_session_options session;
    const struct sl_objective *objective; /* of sl_objectives */
    int64_t early_layers;   /* below Condenser's skip; 0: half of them */
    bool generator_dropout; /* on in training, as the reference has it */
    bool joint;             /* the generator learns, too; it has gradients */
    int64_t max_spans;      /* sequences of a step, if spans are contrasted */
};

/* Factors of each loss's gradient: one over the counted rows of the *step*,
 * the generator's times its weight. */
struct sl_pretrain_scales {
    double enc, dec, gen;
};

/* Sums over counted rows of each loss. */
struct sl_pretrain_result {
    double enc_sum, dec_sum;
    double gen_sum;    /* over enc.hidden; 0 unless joint */
    int64_t n_changed; /* encoder rows whose replacement is another id */
};

struct sl_pretrainer;

/*
 * m has the objective's head and, unless its decoder is SL_INPUT_NONE, decoder
 * layers; generator (NULL: none) has an LM head and m's vocabulary size (E_ARG
 * otherwise).  Both are borrowed.
 */
simlm_status sl_pretrainer_new(struct sl_pretrainer **out, struct sl_bert *m,
                               struct sl_bert *generator,
                               const struct sl_pretrainer_options *o,
                               simlm_error *err);
void sl_pretrainer_free(struct sl_pretrainer *s);
size_t sl_pretrainer_bytes(const struct sl_pretrainer *s);

/*
 * One micro-batch: its losses and, if train, the gradient of
 *
 *     scales.enc * enc_sum + scales.dec * dec_sum     added to m's g
 *     scales.gen * gen_sum                            added to the generator's
 *
 * sample_stream is sl_stream(seed, SL_PURPOSE_SAMPLE, step).
 */
simlm_status sl_pretrainer_step(struct sl_pretrainer *s,
                                struct sl_pretrain_result *result,
                                const struct sl_pretrain_batch *b,
                                struct sl_pretrain_scales scales, bool train,
                                struct sl_noise noise, uint64_t sample_stream,
                                simlm_error *err);

/*
 * Spans: before the micro-batches of a step, the vectors of all its sequences,
 * micro-batch by micro-batch (the same ids and noise as in the step to come);
 * then their loss, whose gradient the steps add on their way.  Sequences 2 i and
 * 2 i + 1 of the step are a pair.
 *
 * Of several ranks (comm/comm.h) each computes the vectors of its share of the
 * step, in tokens (start [n + 1]); here they are gathered, and every rank has the
 * loss of all, as one process would.
 *
 * *loss_sum <- the sum over the n vectors; weight is one over n.
 */
simlm_status sl_pretrainer_vectors(struct sl_pretrainer *s,
                                   const struct sl_pretrain_batch *b,
                                   struct sl_noise noise, simlm_error *err);
simlm_status sl_pretrainer_contrast(struct sl_pretrainer *s, double *loss_sum,
                                    const int32_t *start, int64_t n,
                                    double weight, bool train,
                                    simlm_error *err);

#endif
