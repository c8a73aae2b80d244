/*
 * model/rlm.h - replaced language modelling with a representation bottleneck:
 * SimLM's pre-training (spec 1.2; docs/MODEL.md).
 */
#ifndef SL_MODEL_RLM_H
#define SL_MODEL_RLM_H

#include "model/generator.h"

/*
 * One micro-batch of passages.  enc_ids and dec_ids are the clean tokens with
 * their masks applied ([MASK], random or kept); what stands at enc_rows and
 * dec_rows is overwritten with the generator's samples.  Without a generator
 * (NULL in sl_rlm_new) the ids are taken as they are: they hold replacements
 * already (tests, or draws made elsewhere).
 */
struct sl_rlm_batch {
    struct sl_tokens clean;  /* original ids; lengths, types and keys of all */
    const int32_t *enc_ids;  /* [N] */
    const int32_t *dec_ids;  /* [N] */
    int64_t n_enc, n_dec;    /* replaced rows; may be 0 */
    const int32_t *enc_rows; /* [n_enc] increasing */
    const int32_t *dec_rows; /* [n_dec] increasing */
    int64_t n_rows;          /* counted rows: all but special tokens */
    const int32_t *rows;     /* [n_rows] increasing; labels are clean ids */
};

struct sl_rlm_options {
    struct sl_session_options session;
    bool generator_dropout; /* on in training, as the reference has it */
};

struct sl_rlm_result {
    double enc_sum, dec_sum; /* sums of cross-entropies over the counted rows */
    int64_t n_rows;          /* counted rows, of each */
    int64_t n_changed;       /* encoder rows whose replacement is another id */
    int64_t n_tokens;        /* N: replace ratio = n_changed / n_tokens */
};

struct sl_rlm;

/*
 * m has a head and n_decoder >= 1 decoder layers; generator (NULL: none) has a
 * head and m's vocabulary size (E_ARG otherwise).  Both are borrowed.
 */
simlm_status sl_rlm_new(struct sl_rlm **out, struct sl_bert *m,
                        struct sl_bert *generator,
                        const struct sl_rlm_options *o, simlm_error *err);
void sl_rlm_free(struct sl_rlm *s);
size_t sl_rlm_bytes(const struct sl_rlm *s);

/*
 * One micro-batch: both losses and, if train, the gradient of
 * scale * (enc_sum + dec_sum) added to m's g; scale = 1 / (counted rows of the
 * whole step).  sample_stream is sl_stream(seed, SL_PURPOSE_SAMPLE, step).
 */
simlm_status sl_rlm_step(struct sl_rlm *s, struct sl_rlm_result *result,
                         const struct sl_rlm_batch *b, double scale, bool train,
                         struct sl_noise noise, uint64_t sample_stream,
                         simlm_error *err);

#endif
