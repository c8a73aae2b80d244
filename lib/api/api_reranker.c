/* simlm/reranker.h: re-rankers and scores. */
#include <simlm/reranker.h>

#include <string.h>

#include "api/api.h"
#include "base/alloc.h"
#include "base/parallel.h"
#include "retrieve/scorer.h"

/* Enough for the matrix products to be at their best. */
enum { BATCH_TOKENS = 4096 };

struct simlm_reranker {
    struct sl_retriever model;
};

struct simlm_scorer {
    struct sl_scorer *s;
    struct sl_pair *pair; /* [max_pairs] */
    int32_t max_pairs, threads;
};

simlm_status simlm_reranker_open(simlm_reranker **out, const char *path,
                                 simlm_precision precision, simlm_error *err)
{
    simlm_reranker *r;
    simlm_status st;

    SL_API_NOT_NULL(out);
    SL_API_NOT_NULL(path);
    SL_API_PRECISION(precision);
    r = SL_NEW(simlm_reranker);
    if (!r)
        return sl_fail_nomem(err, "a re-ranker");
    st = sl_reranker_open(&r->model, path, (int32_t)precision, err);
    if (st < 0)
        sl_free(r);
    else
        *out = r;
    return st;
}

void simlm_reranker_close(simlm_reranker *r)
{
    if (!r)
        return;
    sl_retriever_close(&r->model);
    sl_free(r);
}

simlm_status simlm_scorer_new(simlm_scorer **out, const simlm_reranker *r,
                              int32_t max_pairs, simlm_error *err)
{
    struct sl_scorer_options o = {.max_pairs = max_pairs,
                                  .batch_tokens = BATCH_TOKENS};
    simlm_scorer *s;
    simlm_status st;

    SL_API_NOT_NULL(out);
    SL_API_NOT_NULL(r);
    SL_API_RANGE(max_pairs, 1, SIMLM_MAX_BATCH);
    s = SL_NEW(simlm_scorer);
    if (!s)
        return sl_fail_nomem(err, "a re-ranker");
    s->max_pairs = max_pairs;
    s->pair = SL_NEW_ARRAY(struct sl_pair, max_pairs);
    st = s->pair ? sl_scorer_new(&s->s, &r->model, &o, err)
                 : sl_fail_nomem(err, "a re-ranker");
    if (st < 0)
        simlm_scorer_free(s);
    else
        *out = s;
    return st;
}

void simlm_scorer_free(simlm_scorer *s)
{
    if (!s)
        return;
    sl_scorer_free(s->s);
    sl_free(s->pair);
    sl_free(s);
}

size_t simlm_scorer_bytes(const simlm_scorer *s)
{
    return s ? sizeof *s + (size_t)s->max_pairs * sizeof *s->pair +
                   sl_scorer_bytes(s->s)
             : 0;
}

void simlm_scorer_set_threads(simlm_scorer *s, int32_t threads)
{
    if (s)
        s->threads = threads > 0 ? threads : 0;
}

simlm_status simlm_score(simlm_scorer *s, float *score, const char *query,
                         const simlm_text *passage, int32_t n, simlm_error *err)
{
    int before = sl_parallel_threads();
    simlm_status st;

    SL_API_NOT_NULL(s);
    SL_API_NOT_NULL(score);
    SL_API_NOT_NULL(query);
    SL_API_NOT_NULL(passage);
    SL_API_RANGE(n, 1, s->max_pairs);
    for (int32_t i = 0; i < n; i++) {
        const char *text = passage[i].text, *title = passage[i].title;

        SL_API_NEED(text != NULL, "passage[%d].text: is NULL", (int)i);
        s->pair[i] = (struct sl_pair){
            .query = {.text = query, .text_len = strlen(query)},
            .passage = {text, title, strlen(text), title ? strlen(title) : 0}};
    }
    if (s->threads)
        sl_parallel_set_threads(s->threads);
    st = sl_scorer_run(s->s, score, s->pair, n, NULL, err);
    if (s->threads)
        sl_parallel_set_threads(before);
    return st;
}
