/*
 * simlm/reranker.h - scores of pairs of a query and a passage (experimental).
 *
 *   simlm_reranker *r = NULL;
 *   simlm_scorer *s = NULL;
 *   simlm_text passage = { "Faust is a tragic play by Goethe.", "-" };
 *   float score;
 *
 *   if (simlm_reranker_open(&r, "models/reranker", SIMLM_FP32, &err) ==
 *           SIMLM_OK &&
 *       simlm_scorer_new(&s, r, 32, &err) == SIMLM_OK &&
 *       simlm_score(s, &score, "who wrote faust", &passage, 1, &err) ==
 *           SIMLM_OK)
 *           use(score);
 *   simlm_scorer_free(s);
 *   simlm_reranker_close(r);
 *
 * The conventions are those of <simlm/simlm.h>.  A re-ranker is immutable and
 * may be shared; a scorer belongs to one thread at a time.
 */
#ifndef SIMLM_RERANKER_H
#define SIMLM_RERANKER_H

#include <simlm/simlm.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct simlm_reranker simlm_reranker;

/*
 * Open the directory of a BERT or ELECTRA sequence classifier with one label,
 * as transformers or `simlm train-reranker` writes it.
 *
 *   E_IO       a file is missing or cannot be read
 *   E_FORMAT   a file is malformed, or no re-ranker's; msg names what is wrong
 *   E_NUMERIC  a weight is NaN or infinite; msg names the tensor
 *   E_NOMEM, E_BACKEND
 */
SIMLM_API simlm_status simlm_reranker_open(simlm_reranker **out,
                                           const char *path,
                                           simlm_precision precision,
                                           simlm_error *err);
/* Its scorers must be freed first. */
SIMLM_API void simlm_reranker_close(simlm_reranker *r);

typedef struct simlm_scorer simlm_scorer;

/* A scorer for up to max_pairs pairs a call, 1 .. SIMLM_MAX_BATCH. */
SIMLM_API simlm_status simlm_scorer_new(simlm_scorer **out,
                                        const simlm_reranker *r,
                                        int32_t max_pairs, simlm_error *err);
SIMLM_API void simlm_scorer_free(simlm_scorer *s);
SIMLM_API size_t simlm_scorer_bytes(const simlm_scorer *s);

/* Threads of its calls; 0 (as it starts): one a core. */
SIMLM_API void simlm_scorer_set_threads(simlm_scorer *s, int32_t threads);

/*
 * score[i] <- how well passage[i] answers the query: a logit, the higher the
 * better, without bounds.
 *
 *   passage  [n]; what the model reads is title + ": " + text, or without a
 *            title (NULL or empty) the text alone.  The model card of SimLM's
 *            published re-ranker gives passages that have no title "-".
 *   n        1 <= n <= max_pairs
 *   score    [n], written in full or, on error, not at all
 */
SIMLM_API simlm_status simlm_score(simlm_scorer *s, float *score,
                                   const char *query, const simlm_text *passage,
                                   int32_t n, simlm_error *err);

#ifdef __cplusplus
}
#endif
#endif /* SIMLM_RERANKER_H */
