/*
 * simlm/checkpoint.h - looking into checkpoints, and rewriting them.
 *
 *   simlm_inspect_options o;
 *
 *   simlm_inspect_options_init(&o);
 *   o.input = "models/bert-base-uncased";
 *   o.output = "-";
 *   st = simlm_inspect(&o, &err);
 *
 * Experimental: options may be added.
 */
#ifndef SIMLM_CHECKPOINT_H
#define SIMLM_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include <simlm/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct simlm_inspect_options {
    const char *input;  /* a model directory, or a file: safetensors, of
                         * torch.save(), an index of such; required */
    const char *output; /* the text to write; "-": standard output; required */
    bool json;          /* one JSON object instead */
} simlm_inspect_options;
SIMLM_API void simlm_inspect_options_init(simlm_inspect_options *options);

/*
 * Each tensor's name, shape, type and bytes, by file.  Of a directory also what
 * becomes of it when the model is opened, with a masked-LM head and a decoder
 * if the files have them:
 *
 *   used       read
 *   tied       a copy of one that is
 *   misfit     read, but it is of another shape or type than config.json says
 *   ignored
 *
 * and the names of those that are missing.
 */
SIMLM_API simlm_status simlm_inspect(const simlm_inspect_options *options,
                                     simlm_error *err);

/*
 * Is <model> a model directory, by its config.json and the names in it, and does
 * it take texts of so many tokens (0: any)?  What is quickly told before long
 * work; the weights are not read.
 *
 *   E_RANGE   it takes fewer tokens
 *   E_FORMAT  a file, or a config.json that is none of a model's
 *   E_IO, E_NOMEM
 */
SIMLM_API simlm_status simlm_model_check(const char *model, int64_t tokens,
                                         simlm_error *err);

typedef enum simlm_weight_type {
    SIMLM_WEIGHTS_FP32 = 0,
    SIMLM_WEIGHTS_FP16 = 1,
    SIMLM_WEIGHTS_BF16 = 2
} simlm_weight_type;

typedef struct simlm_convert_options {
    const char *model;  /* a model directory of Hugging Face's form; required */
    const char *output; /* the directory to write; required */
    int32_t type;       /* simlm_weight_type; fp32 */
    bool overwrite;     /* replace a model at <output>; false */
} simlm_convert_options;
SIMLM_API void simlm_convert_options_init(simlm_convert_options *options);

/*
 * The same model: its weights in model.safetensors (a decoder's in
 * decoder.safetensors), rounded to the type, by the names of today; the
 * tokenizer's files; config.json as it was but for the type; and the files that
 * say how texts become vectors or scores.  Every floating-point tensor is kept,
 * needed or not, but for tied copies and position_ids.  Models with a pooler or
 * two encoders are refused (E_FORMAT).
 *
 *   E_RANGE    a weight is beyond fp16's 65504; msg names the tensor
 *   E_NUMERIC  a weight is NaN or infinite
 *   E_ARG      a model is at <output>, and it is not to be overwritten
 *   E_FORMAT, E_IO, E_NOMEM
 */
SIMLM_API simlm_status simlm_convert(const simlm_convert_options *options,
                                     simlm_error *err);

#ifdef __cplusplus
}
#endif
#endif /* SIMLM_CHECKPOINT_H */
