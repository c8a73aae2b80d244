/*
 * data/pack.h - sequences laid end to end in host memory, ready for a model.
 *
 * Everything that turns a passage or a query into the ids a model sees is here,
 * so that training, encoding and serving cannot differ (spec 1.3):
 *
 *   pair    [CLS] title [SEP] contents [SEP], types 0 and 1
 *   joined  [CLS] title contents [SEP], type 0
 *   single  [CLS] text [SEP], type 0; a row without title, and every query
 *
 *   a re-ranker's pair (spec 3.1)
 *           [CLS] query [SEP] title : contents [SEP], types 0 and 1; of a row
 *           without title its contents alone
 *
 * Too long a text loses its end, a pair as spec 10.2 says.
 */
#ifndef SL_DATA_PACK_H
#define SL_DATA_PACK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "text/tokenizer.h"

struct sl_token_cache;

/* No row ever moves: all memory is taken by sl_pack_init(). */
struct sl_pack {
    int64_t n, N;   /* sequences, tokens so far */
    int32_t *start; /* [n + 1], start[0] = 0 */
    int32_t *ids;   /* [N] */
    int32_t *types; /* [N] */
    uint64_t *key;  /* [n] names the sequence for random numbers */
    int64_t max_n, max_N;
};

simlm_status sl_pack_init(struct sl_pack *p, int64_t max_n, int64_t max_N,
                          simlm_error *err);
void sl_pack_free(struct sl_pack *p); /* accepts a zeroed struct */
void sl_pack_clear(struct sl_pack *p);

/* How texts of one side become sequences. */
struct sl_pack_rule {
    const struct sl_tokenizer *tokenizer;
    struct sl_ids prompt; /* in front of everything; n 0: none */
    int64_t max_length;   /* with the special tokens, at least 3 */
    bool joined;          /* title and contents are one text */
    struct sl_ids colon;  /* what stands between them in a re-ranker's pair */
};

/* How many tokens (at most max_length) a row of the cache will have. */
int64_t sl_pack_row_length(const struct sl_token_cache *c, int64_t row,
                           const struct sl_pack_rule *rule);

/* Append a passage; there is room (max_n, max_N).  Its key is `key`. */
void sl_pack_add_row(struct sl_pack *p, uint64_t key,
                     const struct sl_token_cache *c, int64_t row,
                     const struct sl_pack_rule *rule);

/* Append contents' tokens first .. first + n - 1 of a passage, as a single text
 * (cut at max_length). */
void sl_pack_add_span(struct sl_pack *p, uint64_t key,
                      const struct sl_token_cache *c, int64_t row,
                      int64_t first, int64_t n,
                      const struct sl_pack_rule *rule);

/* Append a text without title: a query. */
void sl_pack_add_text(struct sl_pack *p, uint64_t key, struct sl_ids text,
                      const struct sl_pack_rule *rule);

/* Append a re-ranker's pair. */
void sl_pack_add_pair(struct sl_pack *p, uint64_t key, struct sl_ids query,
                      const struct sl_token_cache *c, int64_t row,
                      const struct sl_pack_rule *rule);

/* Append sequence i of another pack, under a key of its own. */
void sl_pack_add_copy(struct sl_pack *p, uint64_t key,
                      const struct sl_pack *from, int64_t i);

/*
 * The end of the micro-batch that begins with sequence `first`: as many
 * sequences as `budget` tokens hold, at least one.
 */
int64_t sl_pack_cut(const struct sl_pack *p, int64_t first, int64_t budget);

#endif
