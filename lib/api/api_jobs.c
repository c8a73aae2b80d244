/* simlm/jobs.h: encode, index, search, re-rank, score over files. */
#include <string.h>

#include "api/api.h"
#include "retrieve/retrieve_jobs.h"
#include "retrieve/rowstore.h"

enum {
    MAX_THREADS = 1024,
    MAX_BATCH_TOKENS = 1 << 22,
    MAX_LENGTH = 1 << 15,
    MAX_SAVE_PAIRS = 1 << 16
};

/* ---- encode -------------------------------------------------------------- */

void simlm_encode_options_init(simlm_encode_options *options)
{
    *options = (simlm_encode_options){
        .side = SIMLM_PASSAGE, .batch_tokens = 4096, .save_every = 4096};
}

simlm_status simlm_encode_files(const simlm_encode_options *options,
                                const simlm_observer *observer,
                                simlm_error *err)
{
    SL_API_NOT_NULL(options);
    SL_API_NOT_NULL(options->model);
    SL_API_NOT_NULL(options->input);
    SL_API_NOT_NULL(options->output);
    SL_API_RANGE(options->side, SIMLM_QUERY, SIMLM_PASSAGE);
    SL_API_RANGE(options->n_inputs, 1, INT32_MAX);
    SL_API_NEED(options->side == SIMLM_PASSAGE || options->n_inputs == 1,
                "inputs: queries are one file, not %d", (int)options->n_inputs);
    for (int32_t i = 0; i < options->n_inputs; i++)
        SL_API_NEED(options->input[i] != NULL, "options->input[%d]: is NULL",
                    (int)i);
    SL_API_RANGE(options->batch_tokens, 1, MAX_BATCH_TOKENS);
    SL_API_RANGE(options->max_length, 0, MAX_LENGTH);
    SL_API_RANGE(options->shard_size, 0, INT64_MAX / 2);
    SL_API_RANGE(options->save_every, 1, SL_ROWSTORE_MAX_SAVE);
    SL_API_PRECISION(options->precision);
    SL_API_RANGE(options->threads, 0, MAX_THREADS);
    return sl_encode_files(options, observer, err);
}

/* ---- index --------------------------------------------------------------- */

void simlm_index_options_init(simlm_index_options *options)
{
    *options = (simlm_index_options){0};
}

simlm_status simlm_index_build(const simlm_index_options *options,
                               const simlm_observer *observer, simlm_error *err)
{
    SL_API_NOT_NULL(options);
    SL_API_NOT_NULL(options->encoded);
    SL_API_NOT_NULL(options->output);
    SL_API_RANGE(options->n_encoded, 1, INT32_MAX);
    for (int32_t i = 0; i < options->n_encoded; i++)
        SL_API_NEED(options->encoded[i] != NULL,
                    "options->encoded[%d]: is NULL", (int)i);
    return sl_index_build(options, observer, err);
}

/* ---- search -------------------------------------------------------------- */

void simlm_search_options_init(simlm_search_options *options)
{
    *options = (simlm_search_options){.top = 1000,
                                      .format = SIMLM_RUN_MSMARCO,
                                      .tag = "simlm",
                                      .batch = 128,
                                      .batch_tokens = 4096};
}

static simlm_status check_tag(const char *tag, simlm_error *err)
{
    SL_API_NEED(tag != NULL, "options->tag: is NULL");
    SL_API_NEED(*tag && !strpbrk(tag, " \t\r\n"),
                "tag '%s': expected a word without blanks", tag);
    return SIMLM_OK;
}

simlm_status simlm_search_files(const simlm_search_options *options,
                                const simlm_observer *observer,
                                simlm_error *err)
{
    SL_API_NOT_NULL(options);
    SL_API_NOT_NULL(options->index);
    SL_API_NOT_NULL(options->output);
    SL_API_NEED(!options->queries != !options->encoded,
                "queries: either these or encoded ones are needed");
    SL_API_NEED(!options->queries || options->model,
                "model: is NULL, but queries are to be encoded");
    SL_API_RANGE(options->top, 1, SIMLM_MAX_TOP);
    SL_API_RANGE(options->format, SIMLM_RUN_MSMARCO, SIMLM_RUN_TREC);
    SL_TRY(check_tag(options->tag, err));
    SL_API_RANGE(options->batch, 1, SIMLM_MAX_BATCH);
    SL_API_PRECISION(options->precision);
    SL_API_RANGE(options->batch_tokens, 1, MAX_BATCH_TOKENS);
    SL_API_RANGE(options->max_length, 0, MAX_LENGTH);
    SL_API_RANGE(options->threads, 0, MAX_THREADS);
    return sl_search_files(options, observer, err);
}

/* ---- rerank -------------------------------------------------------------- */

void simlm_rerank_options_init(simlm_rerank_options *options)
{
    *options = (simlm_rerank_options){.depth = 200,
                                      .format = SIMLM_RUN_MSMARCO,
                                      .tag = "simlm",
                                      .batch_tokens = 4096,
                                      .save_every = 2048};
}

simlm_status simlm_rerank_files(const simlm_rerank_options *options,
                                const simlm_observer *observer,
                                simlm_error *err)
{
    SL_API_NOT_NULL(options);
    SL_API_NOT_NULL(options->model);
    SL_API_NOT_NULL(options->run);
    SL_API_NOT_NULL(options->queries);
    SL_API_NOT_NULL(options->corpus);
    SL_API_NOT_NULL(options->output);
    SL_API_RANGE(options->depth, 1, SIMLM_MAX_TOP);
    SL_API_RANGE(options->format, SIMLM_RUN_MSMARCO, SIMLM_RUN_TREC);
    SL_TRY(check_tag(options->tag, err));
    SL_API_RANGE(options->batch_tokens, 1, MAX_BATCH_TOKENS);
    SL_API_RANGE(options->save_every, 1, MAX_SAVE_PAIRS);
    SL_API_RANGE(options->max_length, 0, MAX_LENGTH);
    SL_API_PRECISION(options->precision);
    SL_API_RANGE(options->threads, 0, MAX_THREADS);
    return sl_rerank_files(options, observer, err);
}

/* ---- score --------------------------------------------------------------- */

void simlm_score_options_init(simlm_score_options *options)
{
    *options = (simlm_score_options){
        .negatives = 30, .batch_tokens = 4096, .save_every = 2048};
}

simlm_status simlm_score_files(const simlm_score_options *options,
                               const simlm_observer *observer, simlm_error *err)
{
    SL_API_NOT_NULL(options);
    SL_API_NOT_NULL(options->model);
    SL_API_NOT_NULL(options->input);
    SL_API_NEED(strcmp(options->input, "-") != 0,
                "input: is read twice, which standard input is not");
    SL_API_NOT_NULL(options->corpus);
    SL_API_NOT_NULL(options->output);
    SL_API_RANGE(options->negatives, 0, INT32_MAX);
    SL_API_RANGE(options->batch_tokens, 1, MAX_BATCH_TOKENS);
    SL_API_RANGE(options->save_every, 1, MAX_SAVE_PAIRS);
    SL_API_RANGE(options->max_length, 0, MAX_LENGTH);
    SL_API_PRECISION(options->precision);
    SL_API_RANGE(options->threads, 0, MAX_THREADS);
    return sl_score_files(options, observer, err);
}
