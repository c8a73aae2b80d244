/*
 * train/setup.h - what pre-training and fine-tuning open alike: a backend, a
 * model with its tokenizer and profile, the description of the run.
 */
#ifndef SL_TRAIN_SETUP_H
#define SL_TRAIN_SETUP_H

#include <simlm/train.h>

#include "data/pack.h"
#include "data/token_cache.h"
#include "format/json.h"
#include "model/bert.h"
#include "model/modeldir.h"
#include "text/tokenizer.h"
#include "train/rundir.h"

struct sl_setup {
    const simlm_train_options *o;
    const simlm_observer *observer;
    struct sl_backend *be;
    struct sl_tokenizer *tokenizer;
    struct sl_profile profile;
    struct sl_bert *model;                   /* with gradients and moments */
    float hidden_dropout, attention_dropout; /* as config.json has them */
    struct sl_id_list prompt_ids;            /* passage prompt, as tokens */
};

/* Check what the options alone say: E_ARG names the first that is wrong.
 * measures: those of the task, by blanks. */
simlm_status sl_setup_check(const simlm_train_options *o, const char *measures,
                            simlm_error *err);

/* Threads, backend, tokenizer, profile, model with its gradients. */
simlm_status sl_setup_open(struct sl_setup *s, const simlm_train_options *o,
                           struct sl_bert_parts parts,
                           const simlm_observer *observer, simlm_error *err);
void sl_setup_close(struct sl_setup *s); /* accepts a zeroed struct */

/* How passages become sequences of at most max_length tokens; E_ARG if the
 * model has fewer positions, or fewer than 3 are asked for. */
simlm_status sl_setup_passages(struct sl_pack_rule *rule, struct sl_setup *s,
                               int64_t max_length, simlm_error *err);

/* The corpus as tokens, in o->cache or the run's directory. */
simlm_status sl_setup_cache(struct sl_token_cache **out, struct sl_setup *s,
                            const char *const *corpus, int64_t n_corpus,
                            simlm_error *err);

/*
 * Members of train.json that every kind of training has.  The identity gets what
 * decides the weights.
 */
void sl_setup_identity(const struct sl_setup *s, struct sl_json_writer *w);
void sl_setup_settings(const struct sl_setup *s, struct sl_json_writer *w);

/* All members of train.json: its identity and its settings. */
typedef simlm_status sl_describe_fn(void *self, struct sl_json_writer *identity,
                                    struct sl_json_writer *settings,
                                    simlm_error *err);

/* Open the run's directory under that description.  If the run is finished, the
 * observer hears of it. */
simlm_status sl_setup_open_dir(struct sl_rundir *dir, const struct sl_setup *s,
                               sl_describe_fn *describe, void *self,
                               simlm_error *err);

/* "<key>": hash of a model directory's weights, of a corpus, of a file. */
simlm_status sl_setup_add_weights(struct sl_json_writer *w, const char *key,
                                  const char *model_dir, simlm_error *err);
simlm_status sl_setup_add_corpus(struct sl_json_writer *w, const char *key,
                                 const char *const *corpus, int64_t n,
                                 simlm_error *err);
simlm_status sl_setup_add_file(struct sl_json_writer *w, const char *key,
                               const char *path, simlm_error *err);
void sl_setup_add_hash(struct sl_json_writer *w, const char *key, uint64_t x);

/* Write the model's files into an existing directory, a README.md (card.h) among
 * them unless it has two encoders: no other tool opens such a directory. */
simlm_status sl_setup_save(struct sl_setup *s, const char *dir, bool with_head,
                           simlm_error *err);

/*
 * E_NOMEM in words if activations of `bytes` and four blocks of parameters do
 * not fit in this machine's memory.
 */
simlm_status sl_setup_check_memory(const struct sl_setup *s, size_t bytes,
                                   simlm_error *err);

#endif
