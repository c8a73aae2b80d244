/*
 * data/examples.h - training examples: a query, its positives, its negatives.
 *
 * SimLM's train.jsonl (spec 5.2), one object a line:
 *
 *   {"query_id": "...", "query": "...",
 *    "positives": {"doc_id": ["7067032"], "score": [-1.0]},
 *    "negatives": {"doc_id": [...], "score": [...]}}
 *
 * Passages are held as rows of the corpus.  Everything lies in flat arrays:
 * 500,000 queries with 200 negatives each are 800 MB.
 */
#ifndef SL_DATA_EXAMPLES_H
#define SL_DATA_EXAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/file.h"
#include "base/status.h"
#include "data/docids.h"

/*
 * Lists of passages, one a query: that of query i is
 * row[start[i]] .. row[start[i + 1] - 1], and score likewise.
 */
struct sl_doc_lists {
    int64_t *start; /* [n + 1] */
    int32_t *row;   /* row in the corpus */
    float *score;   /* e.g. a teacher's; -1 where there is none */
    int64_t start_cap, row_cap, score_cap; /* private */
};

struct sl_example_query {
    int64_t id, text; /* where in sl_examples.text; each ended by a NUL */
    int64_t id_len, text_len;
};

struct sl_examples {
    int64_t n;
    struct sl_example_query *query; /* [n] */
    char *text;
    struct sl_doc_lists positives, negatives;
    int64_t query_cap, text_len, text_cap; /* private */
};

/*
 * Read train.jsonl.  A doc_id, string or integer, is looked up in `ids`.  A
 * query without positives or negatives is kept: what it is worth is for the
 * trainer to say.  Scores may be absent, then they are -1, unless need_scores.
 *
 *   E_FORMAT  "path:line: expected ...", an unknown passage, lists of unequal
 *             length, a score that is not finite or, if needed, not there
 */
simlm_status sl_examples_load(struct sl_examples **out, const char *path,
                              const struct sl_docids *ids, bool need_scores,
                              simlm_error *err);
/* The same behind those that e has already; on failure e is to be freed. */
simlm_status sl_examples_append(struct sl_examples *e, const char *path,
                                const struct sl_docids *ids, bool need_scores,
                                simlm_error *err);
void sl_examples_free(struct sl_examples *e);

/* Write them in the same form, whole or absent; scores as %.9g.  (To a file
 * that is open already: what a job opens before it works.) */
simlm_status sl_examples_save(const struct sl_examples *e, const char *path,
                              const struct sl_docids *ids, simlm_error *err);
simlm_status sl_examples_write(const struct sl_examples *e, struct sl_out *out,
                               const struct sl_docids *ids, simlm_error *err);

/* Building: begin a query, then add its passages, in the order they keep. */
struct sl_examples *sl_examples_new(void); /* NULL if out of memory */
simlm_status sl_examples_add_query(struct sl_examples *e, const char *id,
                                   size_t id_len, const char *text,
                                   size_t text_len, simlm_error *err);
simlm_status sl_examples_add_positive(struct sl_examples *e, int64_t row,
                                      float score, simlm_error *err);
simlm_status sl_examples_add_negative(struct sl_examples *e, int64_t row,
                                      float score, simlm_error *err);

/* Keep n of the queries, drawn by the seed, in their order; all if they are no
 * more. */
void sl_examples_sample(struct sl_examples *e, int64_t n, uint64_t seed);

#endif
