/*
 * retrieve/retriever.h - a model directory opened to encode or to re-rank with:
 * weights, tokenizer, and how texts become vectors, or pairs of them scores.
 *
 * Immutable once open; any number of vectorizers and scorers (vectorizer.h,
 * scorer.h), each with a backend of its own, may read it at once.
 */
#ifndef SL_RETRIEVE_RETRIEVER_H
#define SL_RETRIEVE_RETRIEVER_H

#include "model/bert.h"
#include "model/modeldir.h"
#include "text/tokenizer.h"

struct sl_retriever {
    struct sl_backend *be; /* owns the weights' memory */
    struct sl_bert *bert;
    struct sl_tokenizer *tokenizer;
    struct sl_profile profile;
    char *path; /* as given */
};

/*
 * precision is a simlm_precision.
 * E_IO, E_FORMAT, E_NUMERIC as the parts say; E_FORMAT if the vocabulary has
 * more tokens than the model has rows for.
 */
simlm_status sl_retriever_open(struct sl_retriever *r, const char *path,
                               int32_t precision, simlm_error *err);
void sl_retriever_close(struct sl_retriever *r); /* a zeroed one: no-op */

/* The same of a re-ranker; E_FORMAT if the model has no score head. */
simlm_status sl_reranker_open(struct sl_retriever *r, const char *path,
                              int32_t precision, simlm_error *err);

/* E_RANGE unless texts may have so many tokens: 3 to the model's positions. */
simlm_status sl_retriever_check_length(const struct sl_retriever *r,
                                       int64_t length, simlm_error *err);

/*
 * *bert <- r's model, computing with *be, a new backend: one owns scratch, so a
 * thread needs its own; the weights, in host memory, serve all.  Close the
 * backend; *bert owns nothing.
 */
simlm_status sl_retriever_borrow(struct sl_bert *bert, struct sl_backend **be,
                                 const struct sl_retriever *r,
                                 simlm_error *err);

int64_t sl_retriever_dim(const struct sl_retriever *r);

/*
 * *out <- what identifies the vectors it makes: the bytes of the weights and
 * the configuration, the tokenizer and the profile; never 0.  Reads the
 * weights' file.
 */
simlm_status sl_retriever_hash(const struct sl_retriever *r, uint64_t *out,
                               simlm_error *err);

#endif
