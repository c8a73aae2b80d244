/*
 * model/config.h - the shape of a BERT or ELECTRA model: its config.json.
 *
 * Keys and defaults are those of transformers' BertConfig and ElectraConfig.
 * What this library cannot compute is refused by name: an activation other
 * than the erf GELU, relative positions, a decoder with causal attention.
 */
#ifndef SL_MODEL_CONFIG_H
#define SL_MODEL_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

enum sl_model_type {
    SL_MODEL_BERT = 0,
    SL_MODEL_ELECTRA = 1 /* embedding width apart from the hidden width */
};

/* Of a retriever: what a text is encoded as. */
enum sl_side { SL_SIDE_QUERY = 0, SL_SIDE_PASSAGE = 1 };

enum { SL_MAX_LAYERS = 256, SL_MAX_HEADS = 1000 };

struct sl_config {
    enum sl_model_type type;
    int64_t vocab;     /* V  rows of the word embeddings */
    int64_t hidden;    /* D */
    int64_t embedding; /* E  = D for BERT */
    int64_t layers;    /* L */
    int64_t heads;     /* H  divides D */
    int64_t ffn;       /* F */
    int64_t positions; /* P */
    int64_t types;     /* token types: 1 or 2 */
    float hidden_dropout;
    float attention_dropout;
    float ln_eps;   /* of every layer norm but the head's */
    float head_eps; /* of the LM head's: ln_eps unless the caller says 1e-5
                     * (ELECTRA generators under transformers 4.15, spec 1.2) */
    float init_std;
    int32_t pad_id;
    int64_t pooler; /* O  width of the vectors that a pooler makes; 0: there is
                     * none.  Not of config.json: towers.h */
};

/* BERT-base's numbers, vocab 30522. */
struct sl_config sl_config_default(void);

/* Every range; `path` stands at the head of the message. */
simlm_status sl_config_check(const struct sl_config *c, const char *path,
                             simlm_error *err);

/* Read and check <path>, a config.json. */
simlm_status sl_config_load(struct sl_config *c, const char *path,
                            simlm_error *err);

/* What of a model is in the file beside it: BertModel, BertForMaskedLM,
 * BertForSequenceClassification with one label (Electra... likewise). */
enum sl_architecture { SL_ARCH_ENCODER, SL_ARCH_MASKED_LM, SL_ARCH_SCORE };

/* Write a config.json that transformers' AutoModel... loads. */
simlm_status sl_config_save(const struct sl_config *c, const char *path,
                            enum sl_architecture what, simlm_error *err);

/* The embedding matrix must have a row for each token of the tokenizer. */
simlm_status sl_config_check_vocab(const struct sl_config *c, int64_t n_tokens,
                                   const char *dir, simlm_error *err);

#endif
