/*
 * retrieve/vectorizer.h - texts to vectors: tokenize, sort by length, encode in
 * packed batches (batches.h), put back in order.
 *
 * The vector of a text is the same bits alone, in any batch, on any number of
 * threads.
 */
#ifndef SL_RETRIEVE_VECTORIZER_H
#define SL_RETRIEVE_VECTORIZER_H

#include "retrieve/batches.h"

struct sl_vectorizer;

struct sl_vectorizer_options {
    int64_t max_texts;      /* of a call */
    int64_t batch_tokens;   /* encoded together; raised to one text's most */
    int64_t query_length;   /* 0: the profile's; else at most the model's */
    int64_t passage_length; /* positions and at least 3 */
};

/*
 * Scratch of its own and a backend of its own; it borrows the retriever.
 * E_RANGE if a length is not possible with this model.
 */
simlm_status sl_vectorizer_new(struct sl_vectorizer **out,
                               const struct sl_retriever *r,
                               const struct sl_vectorizer_options *o,
                               simlm_error *err);
void sl_vectorizer_free(struct sl_vectorizer *v); /* accepts NULL */
size_t sl_vectorizer_bytes(const struct sl_vectorizer *v);

/* Tokens a text of that side is cut to. */
int64_t sl_vectorizer_length(const struct sl_vectorizer *v, enum sl_side side);

/* The backend's name: bits are comparable where it is the same. */
const char *sl_vectorizer_backend(const struct sl_vectorizer *v);

/*
 * vec [n, D] <- the vectors of text [n], n <= max_texts; all, or on failure
 * none.  E_CANCELLED if the meter's observer says so.
 */
simlm_status sl_vectorizer_run(struct sl_vectorizer *v, float *vec,
                               enum sl_side side, const struct sl_text *text,
                               int64_t n, struct sl_meter *meter,
                               simlm_error *err);

#endif
