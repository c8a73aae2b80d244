#include "data/examples.h"

#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"

/* ---- building ------------------------------------------------------------ */

struct sl_examples *sl_examples_new(void)
{
    struct sl_examples *e = SL_NEW(struct sl_examples);

    if (!e)
        return NULL;
    if (!sl_grow(&e->positives.start, &e->positives.start_cap, 1,
                 sizeof *e->positives.start) ||
        !sl_grow(&e->negatives.start, &e->negatives.start_cap, 1,
                 sizeof *e->negatives.start)) {
        sl_examples_free(e);
        return NULL;
    }
    e->positives.start[0] = e->negatives.start[0] = 0;
    return e;
}

static void free_lists(struct sl_doc_lists *l)
{
    sl_free(l->start);
    sl_free(l->row);
    sl_free(l->score);
}

void sl_examples_free(struct sl_examples *e)
{
    if (!e)
        return;
    free_lists(&e->positives);
    free_lists(&e->negatives);
    sl_free(e->query);
    sl_free(e->text);
    sl_free(e);
}

/* A new, empty list, the n-th. */
static bool begin_list(struct sl_doc_lists *l, int64_t n)
{
    if (!sl_grow(&l->start, &l->start_cap, n + 2, sizeof *l->start))
        return false;
    l->start[n + 1] = l->start[n];
    return true;
}

static int64_t put_text(struct sl_examples *e, const char *s, size_t len)
{
    int64_t at = e->text_len;

    memcpy(e->text + at, s, len);
    e->text[at + (int64_t)len] = '\0';
    e->text_len += (int64_t)len + 1;
    return at;
}

simlm_status sl_examples_add_query(struct sl_examples *e, const char *id,
                                   size_t id_len, const char *text,
                                   size_t text_len, simlm_error *err)
{
    struct sl_example_query *q;
    int64_t need = e->text_len + (int64_t)id_len + (int64_t)text_len + 2;

    if (!sl_grow(&e->query, &e->query_cap, e->n + 1, sizeof *e->query) ||
        !sl_grow(&e->text, &e->text_cap, need, 1) ||
        !begin_list(&e->positives, e->n) || !begin_list(&e->negatives, e->n))
        return sl_fail_nomem(err, "training examples");
    q = &e->query[e->n++];
    q->id = put_text(e, id, id_len);
    q->id_len = (int64_t)id_len;
    q->text = put_text(e, text, text_len);
    q->text_len = (int64_t)text_len;
    return SIMLM_OK;
}

static simlm_status add_doc(struct sl_doc_lists *l, int64_t n_queries,
                            int64_t row, float score, simlm_error *err)
{
    int64_t n = l->start[n_queries];

    SL_ASSERT(n_queries > 0 && row >= 0);
    if (row > INT32_MAX)
        return sl_fail(err, SIMLM_E_RANGE,
                       "expected a corpus of at most %d passages to train on",
                       INT32_MAX);
    if (!sl_grow(&l->row, &l->row_cap, n + 1, sizeof *l->row) ||
        !sl_grow(&l->score, &l->score_cap, n + 1, sizeof *l->score))
        return sl_fail_nomem(err, "training examples");
    l->row[n] = (int32_t)row;
    l->score[n] = score;
    l->start[n_queries] = n + 1;
    return SIMLM_OK;
}

simlm_status sl_examples_add_positive(struct sl_examples *e, int64_t row,
                                      float score, simlm_error *err)
{
    return add_doc(&e->positives, e->n, row, score, err);
}

simlm_status sl_examples_add_negative(struct sl_examples *e, int64_t row,
                                      float score, simlm_error *err)
{
    return add_doc(&e->negatives, e->n, row, score, err);
}

/* ---- a sample ------------------------------------------------------------ */

/* The list of query `from` becomes that of `to`, which is not behind it; what
 * lies before it stays. */
static void move_list(struct sl_doc_lists *l, int64_t to, int64_t from)
{
    int64_t at = l->start[to], n = l->start[from + 1] - l->start[from];

    memmove(l->row + at, l->row + l->start[from], (size_t)n * sizeof *l->row);
    memmove(l->score + at, l->score + l->start[from],
            (size_t)n * sizeof *l->score);
    l->start[to + 1] = at + n;
}

/* Selection sampling (Knuth, volume 2, 3.4.2, algorithm S). */
void sl_examples_sample(struct sl_examples *e, int64_t n, uint64_t seed)
{
    struct sl_rng rng;
    int64_t kept = 0;

    if (n >= e->n)
        return;
    sl_rng_init(&rng, sl_stream(seed, SL_PURPOSE_QUERIES, 0));
    for (int64_t i = 0; i < e->n && kept < n; i++) {
        if ((int64_t)sl_rng_below(&rng, (uint64_t)(e->n - i)) >= n - kept)
            continue;
        e->query[kept] = e->query[i];
        move_list(&e->positives, kept, i);
        move_list(&e->negatives, kept, i);
        kept++;
    }
    e->n = kept;
}
