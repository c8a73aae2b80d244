/*
 * simlm/init.h - a model of random weights, the start of pre-training.
 *
 *   simlm_init_options o;
 *
 *   simlm_init_options_init(&o);
 *   o.vocab = "vocab.txt";
 *   o.output = "models/small";
 *   o.layers = 4;
 *   o.hidden = 256;
 *   st = simlm_init(&o, &err);
 *
 * The directory is one of Hugging Face's: config.json, model.safetensors with
 * a masked-LM head, vocab.txt, tokenizer_config.json, special_tokens_map.json,
 * and sentence-transformers' files.
 */
#ifndef SIMLM_INIT_H
#define SIMLM_INIT_H

#include <stdbool.h>
#include <stdint.h>

#include <simlm/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct simlm_init_options {
    const char *vocab;  /* a vocab.txt, a token a line; required */
    const char *output; /* the model directory; required */
    int64_t layers;     /* 12 */
    int64_t hidden;     /* 768 */
    int64_t heads;      /* 0 (default): one for each 64 of hidden */
    int64_t ffn;        /* 0 (default): four times hidden */
    int64_t embedding;  /* 0 (default): hidden.  Another width makes the model
                         * an ELECTRA generator */
    bool generator;     /* an ELECTRA generator in any case; false */
    int64_t positions;  /* the longest text, in tokens; 512 */
    double dropout;     /* of hidden states and attention; 0.1 */
    double init_std;    /* standard deviation of the weights; 0.02 */
    const char *missing_title;  /* stands for an absent title; "-".  "" or NULL:
                                 * nothing does */
    int32_t query_max_length;   /* tokens; 32 */
    int32_t passage_max_length; /* tokens; 144 */
    uint64_t seed;              /* 0 */
    bool overwrite;             /* replace a model at <output>; false */
} simlm_init_options;
SIMLM_API void simlm_init_options_init(simlm_init_options *options);

/*
 * Weights are a function of shape and seed alone.  A model at <output> is
 * E_ARG unless it is to be overwritten; another directory that is not empty
 * always is.
 *
 *   E_RANGE   a size out of range, or heads that do not divide hidden
 *   E_FORMAT  not a WordPiece vocabulary
 *   E_IO, E_NOMEM
 */
SIMLM_API simlm_status simlm_init(const simlm_init_options *options,
                                  simlm_error *err);

/* Are the options by themselves such that simlm_init() would begin?  No file is
 * looked at. */
SIMLM_API simlm_status simlm_init_check(const simlm_init_options *options,
                                        simlm_error *err);

#ifdef __cplusplus
}
#endif
#endif /* SIMLM_INIT_H */
