/*
 * simlm/simlm.h - encode text with a SimLM model and search the vectors.
 *
 * Everything a program may rely on is in this file and those it includes.  A
 * symbol that is not declared SIMLM_API there is not part of the library.
 * (<simlm/jobs.h>, <simlm/train.h>: whole jobs over files, still in motion.)
 *
 *   simlm_error err;
 *   simlm_model *m = NULL;
 *   simlm_encoder *e = NULL;
 *   float v[768];
 *   simlm_text q = { "who wrote faust", NULL };
 *
 *   if (simlm_model_open(&m, "models/simlm-base", &err) == SIMLM_OK &&
 *       simlm_encoder_new(&e, m, 32, &err) == SIMLM_OK &&
 *       simlm_encode(e, SIMLM_QUERY, &q, 1, v, &err) == SIMLM_OK)
 *           use(v);
 *   else
 *           fprintf(stderr, "%s\n", err.msg);
 *   simlm_encoder_free(e);
 *   simlm_model_close(m);
 *
 * Conventions, stated once
 *   result   0 (SIMLM_OK) or a negative SIMLM_E_*.  Out-parameters are written
 *            only on success.  `err` may be NULL; if not, it is filled on
 *            failure and left alone on success.  A breach of a function's
 *            contract (a NULL that may not be, n out of range) is SIMLM_E_ARG
 *            and names the parameter; a closed or foreign handle is undefined.
 *   shape    [n, dim] is a row-major array of n * dim elements, rows adjacent.
 *   memory   The library never frees what the caller passed in, and the caller
 *            never frees library memory except through the matching _free or
 *            _close.  Both accept NULL.
 *   threads  A model and an index are immutable and may be shared.  An encoder
 *            and a searcher belong to one thread at a time.  There is no global
 *            state that a result depends on.  A call uses one thread a core
 *            of a pool (simlm_encoder_set_threads: fewer); calls that come at
 *            the same time from several threads do not wait for the pool.
 *   signals  The library installs no handlers; the caller's may run at any time,
 *            and are held back for the fractions of a millisecond in which
 *            generated matrix kernels run.
 *   bits     A result does not depend on the number of threads, nor on what
 *            else is in the batch: bit for bit, on one instruction set.
 */
#ifndef SIMLM_SIMLM_H
#define SIMLM_SIMLM_H

#include <stddef.h>
#include <stdint.h>

#include <simlm/eval.h> /* how good a ranking is */
#include <simlm/observer.h>
#include <simlm/precision.h>
#include <simlm/status.h>
#include <simlm/version.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The library's version, e.g. "0.1.0"; compare with SIMLM_VERSION. */
SIMLM_API const char *simlm_version(void);

/* ---- model --------------------------------------------------------------- */

typedef struct simlm_model simlm_model;

/*
 * Open a model directory as Hugging Face and sentence-transformers write it:
 * config.json, model.safetensors or pytorch_model.bin (or an index of several
 * such files), vocab.txt or tokenizer.json, and whatever of their side files is
 * there (pooling, normalisation, lengths, prompts).
 * What they do not say is as the published SimLM retrievers have it: [CLS]
 * pooling, unit length, passages as pairs (title, text).
 *
 *   E_IO       a file is missing or cannot be read
 *   E_FORMAT   a file is malformed, or asks for something not supported; msg
 *              names the file and the field or tensor
 *   E_NUMERIC  a weight is NaN or infinite; msg names the tensor
 *   E_NOMEM, E_BACKEND
 */
SIMLM_API simlm_status simlm_model_open(simlm_model **out, const char *path,
                                        simlm_error *err);
/* In fp32, as above, or in bf16. */
SIMLM_API simlm_status simlm_model_open_in(simlm_model **out, const char *path,
                                           simlm_precision precision,
                                           simlm_error *err);
/* Its encoders must be freed first. */
SIMLM_API void simlm_model_close(simlm_model *m);
SIMLM_API int32_t simlm_model_dim(const simlm_model *m); /* floats a vector */

/* ---- encoding ------------------------------------------------------------ */

typedef struct simlm_encoder simlm_encoder;

/*
 * title NULL or empty: what the model has for a missing one ("-" for SimLM's).
 * Ignored for queries.
 */
typedef struct simlm_text {
    const char *text, *title;
} simlm_text;

/* The two sides are truncated at different lengths. */
typedef enum simlm_side { SIMLM_QUERY = 0, SIMLM_PASSAGE = 1 } simlm_side;

#define SIMLM_MAX_BATCH 4096

/*
 * An encoder for up to max_batch texts a call, 1 .. SIMLM_MAX_BATCH.  All
 * scratch is taken here, once: simlm_encoder_bytes() tells how much.
 */
SIMLM_API simlm_status simlm_encoder_new(simlm_encoder **out,
                                         const simlm_model *m,
                                         int32_t max_batch, simlm_error *err);
SIMLM_API void simlm_encoder_free(simlm_encoder *e);
SIMLM_API size_t simlm_encoder_bytes(const simlm_encoder *e);

/* Threads of its calls; 0 (as it starts): one a core. */
SIMLM_API void simlm_encoder_set_threads(simlm_encoder *e, int32_t threads);

/*
 * vec[i, :] <- the embedding of text[i], of unit length if the model says so.
 *
 *   text  [n] UTF-8, NUL-terminated.  Ill-formed bytes become U+FFFD.
 *         An empty query is valid and encodes "[CLS] [SEP]".
 *   n     1 <= n <= max_batch
 *   vec   [n, dim], written in full or, on error, not at all
 *
 * Allocates nothing, but for three things that are kept: room for a text of more
 * than 8,192 tokens, the matrix code for a batch of a size not seen before, and,
 * in a model's first calls, its matrices in the order that the code wants.
 */
SIMLM_API simlm_status simlm_encode(simlm_encoder *e, simlm_side side,
                                    const simlm_text *text, int32_t n,
                                    float *vec, simlm_error *err);

/* ---- index --------------------------------------------------------------- */

typedef struct simlm_index simlm_index;

/*
 * Map an index file made by `simlm index`.  Processes share the pages.
 *
 *   E_IO, E_NOMEM
 *   E_FORMAT  not an index, truncated, or damaged; msg says where
 */
SIMLM_API simlm_status simlm_index_open(simlm_index **out, const char *path,
                                        simlm_error *err);

/*
 * An index in memory over copies of vec [n, dim] and id [n] (distinct, not
 * empty); n >= 0, dim in 1 .. 65536.
 *
 *   E_FORMAT   an empty id, or the same twice
 *   E_NUMERIC  a vector has a NaN or an infinity
 *   E_NOMEM
 */
SIMLM_API simlm_status simlm_index_new(simlm_index **out, const float *vec,
                                       const char *const *id, int64_t n,
                                       int32_t dim, simlm_error *err);

/* Its searchers must be freed first. */
SIMLM_API void simlm_index_close(simlm_index *ix);
SIMLM_API int64_t simlm_index_count(const simlm_index *ix); /* rows */
SIMLM_API int32_t simlm_index_dim(const simlm_index *ix);

/* The id of a row; NULL if row is not in 0 .. count - 1. */
SIMLM_API const char *simlm_index_id(const simlm_index *ix, int64_t row);

/* ---- search -------------------------------------------------------------- */

typedef struct simlm_searcher simlm_searcher;

typedef struct simlm_hit {
    int64_t row; /* simlm_index_id() names it; -1: the index has no more */
    float score; /* inner product; -inf where row is -1 */
} simlm_hit;

#define SIMLM_MAX_TOP 1000000

/*
 * Scratch for searches of up to max_queries at a time (1 .. SIMLM_MAX_BATCH)
 * and max_top hits a query (1 .. SIMLM_MAX_TOP).
 */
SIMLM_API simlm_status simlm_searcher_new(simlm_searcher **out,
                                          const simlm_index *ix,
                                          int32_t max_queries, int32_t max_top,
                                          simlm_error *err);
SIMLM_API void simlm_searcher_free(simlm_searcher *s);
SIMLM_API size_t simlm_searcher_bytes(const simlm_searcher *s);
SIMLM_API void simlm_searcher_set_threads(simlm_searcher *s, int32_t threads);

/*
 * hit[i, :] <- the `top` rows with the largest inner product with vec[i, :],
 * best first, exactly; ties go to the lower row.
 *
 *   hit  [n, top]
 *   vec  [n, dim]
 *   n    1 <= n <= max_queries          top  1 <= top <= max_top
 *
 *   E_NUMERIC  a score is not a number: vec has a NaN or infinity, or the
 *              index is damaged
 */
SIMLM_API simlm_status simlm_search(simlm_searcher *s, simlm_hit *hit,
                                    const float *vec, int32_t n, int32_t top,
                                    simlm_error *err);

#ifdef __cplusplus
}
#endif
#endif /* SIMLM_SIMLM_H */
