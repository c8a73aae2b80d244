/*
 * retrieve/compose.h - a query or a passage as the model's token ids.
 *
 *     query              prompt + text                 [CLS] .. [SEP]
 *     passage, pair      title, text                   [CLS] .. [SEP] .. [SEP]
 *     passage, joined    title + " " + text            [CLS] .. [SEP]
 *     re-ranker's pair   query, title + ": " + text    [CLS] .. [SEP] .. [SEP]
 *
 * A missing title is the profile's stand-in ("-" for SimLM's); where it has
 * none, the text is a single sequence (spec 10.5; lib/model/modeldir.h).  A
 * passage's prompt goes before the title, or before the text if that comes
 * first.  What is too long is cut, the longer of a pair first.
 */
#ifndef SL_RETRIEVE_COMPOSE_H
#define SL_RETRIEVE_COMPOSE_H

#include "base/str.h"
#include "retrieve/retriever.h"

/* Any bytes; title NULL or empty: missing (always so for a query). */
struct sl_text {
    const char *text, *title;
    size_t text_len, title_len;
};

/* Scratch that grows with the longest text seen; start from { 0 }. */
struct sl_compose_scratch {
    struct sl_id_list first, second;
    struct sl_str joined;
};
bool sl_compose_reserve(struct sl_compose_scratch *s);
void sl_compose_free(struct sl_compose_scratch *s);

/* The most ids of a text of that side. */
int64_t sl_compose_max(const struct sl_retriever *r, enum sl_side side);

/*
 * ids, types [max_length] <- the text; returns how many, or -1 if out of
 * memory.  max_length >= 3.
 */
int64_t sl_compose(const struct sl_retriever *r, enum sl_side side,
                   const struct sl_text *t, int64_t max_length, int32_t *ids,
                   int32_t *types, struct sl_compose_scratch *s);

/* A query with a passage. */
struct sl_pair {
    struct sl_text query, passage; /* a query's title is ignored */
};

/* The same of a re-ranker's pair. */
int64_t sl_compose_pair(const struct sl_retriever *r, const struct sl_pair *p,
                        int64_t max_length, int32_t *ids, int32_t *types,
                        struct sl_compose_scratch *s);

#endif
