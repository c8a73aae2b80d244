/*
 * Term at a time, a window of rows after the other: a window's sums stay in the
 * cache, a bit for each row says which sums are in use, and the rows that have
 * one are offered to the top k in row order.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "index/bm25.h"
#include "index/bm25_layout.h"
#include "text/analyzer.h"

enum { WINDOW = 1 << 15, WORDS = WINDOW / 64 };

/* The postings of one of the query's terms that are still to be read. */
struct cursor {
    uint64_t at, end;
    float weight;
};

struct sl_bm25_search {
    const struct sl_bm25 *ix;
    float inverse[256]; /* of each norm */
    double sum[WINDOW]; /* all 0 between windows */
    uint64_t used[WORDS];
    int64_t max_k, max_terms;
    uint64_t *heap;        /* [max_k] */
    int64_t *term;         /* [max_terms] */
    struct cursor *cursor; /* [max_terms] */
};

/* 1 / (k1 * ((1 - b) + b * length / mean)), each step rounded to float. */
static void fill_inverse(struct sl_bm25_search *s, float k1, float b)
{
    const struct sl_bm25 *ix = s->ix;
    float mean = 1;

    if (ix->n_filled)
        mean = (float)((double)ix->total_length / (double)ix->n_filled);
    for (int i = 0; i < 256; i++) {
        float length = (float)sl_bm25_length((uint8_t)i);

        s->inverse[i] = 1.0f / (k1 * ((1 - b) + b * length / mean));
    }
}

simlm_status sl_bm25_search_new(struct sl_bm25_search **out,
                                const struct sl_bm25 *ix, double k1, double b,
                                int64_t max_k, size_t max_bytes,
                                simlm_error *err)
{
    struct sl_bm25_search *s = SL_NEW(struct sl_bm25_search);

    SL_ASSERT(max_k >= 1);
    if (s) {
        s->ix = ix;
        s->max_k = max_k;
        s->max_terms = (int64_t)max_bytes + 1; /* a term is a byte or more */
        s->heap = SL_NEW_ARRAY(uint64_t, max_k);
        s->term = SL_NEW_ARRAY(int64_t, s->max_terms);
        s->cursor = SL_NEW_ARRAY(struct cursor, s->max_terms);
    }
    if (!s || !s->heap || !s->term || !s->cursor) {
        sl_bm25_search_free(s);
        return sl_fail_nomem(err, "a search");
    }
    fill_inverse(s, (float)k1, (float)b);
    *out = s;
    return SIMLM_OK;
}

void sl_bm25_search_free(struct sl_bm25_search *s)
{
    if (!s)
        return;
    sl_free(s->heap);
    sl_free(s->term);
    sl_free(s->cursor);
    sl_free(s);
}

float sl_bm25_weight(const struct sl_bm25 *ix, int64_t term, int64_t times)
{
    double df = (double)(ix->post_at[term + 1] - ix->post_at[term]);
    double n = (double)ix->n_filled;

    return (float)times * (float)log(1 + (n - df + 0.5) / (df + 0.5));
}

static int ascending(const void *x, const void *y)
{
    int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;

    return (a > b) - (a < b);
}

/* A cursor for each different term of the query that the index has. */
static int64_t read_query(struct sl_bm25_search *s, const char *query,
                          size_t len)
{
    const struct sl_bm25 *ix = s->ix;
    int64_t n = 0, n_cursors = 0;
    struct sl_terms t;

    sl_terms_begin(&t, query, len);
    while (sl_terms_next(&t)) {
        int64_t term = sl_bm25_find(ix, t.term, t.len);

        SL_ASSERT(n < s->max_terms);
        if (term >= 0)
            s->term[n++] = term;
    }
    qsort(s->term, (size_t)n, sizeof *s->term, ascending);
    for (int64_t i = 0, next; i < n; i = next) {
        int64_t term = s->term[i];

        for (next = i + 1; next < n && s->term[next] == term;)
            next++;
        s->cursor[n_cursors++] =
            (struct cursor){ix->post_at[term], ix->post_at[term + 1],
                            sl_bm25_weight(ix, term, next - i)};
    }
    return n_cursors;
}

/* Add a term's scores to the rows of the window [begin, end). */
static void add_term(struct sl_bm25_search *s, struct cursor *c, uint32_t begin,
                     uint32_t end)
{
    const struct sl_bm25 *ix = s->ix;
    uint64_t i = c->at;

    for (; i < c->end && ix->doc[i] < end; i++) {
        uint32_t row = ix->doc[i] - begin;

        s->sum[row] += sl_bm25_score(c->weight, ix->tf[i],
                                     s->inverse[ix->norm[ix->doc[i]]]);
        s->used[row / 64] |= (uint64_t)1 << row % 64;
    }
    c->at = i;
}

/* Offer the window's rows, and clear it.  Rows ascend, so one that only ties
 * with the worst kept cannot enter. */
static void collect(struct sl_bm25_search *s, struct sl_topk *best,
                    uint32_t begin)
{
    for (uint32_t w = 0; w < WORDS; w++) {
        for (uint64_t bits = s->used[w]; bits; bits &= bits - 1) {
            uint32_t row = w * 64 + (uint32_t)__builtin_ctzll(bits);
            float score = (float)s->sum[row];

            s->sum[row] = 0;
            if (best->n < best->k || score > best->bar)
                sl_topk_offer(best, &score, 1, (int64_t)begin + row);
        }
        s->used[w] = 0;
    }
}

int64_t sl_bm25_search(struct sl_bm25_search *s, const char *query, size_t len,
                       int64_t k, float *score, int64_t *row)
{
    int64_t n = read_query(s, query, len);
    struct sl_topk best;

    SL_ASSERT(k >= 1 && k <= s->max_k);
    sl_topk_begin(&best, s->heap, k);
    while (n > 0) {
        uint32_t first = UINT32_MAX, begin;

        /* The next window that any term has a row in. */
        for (int64_t i = 0; i < n;) {
            const struct cursor *c = &s->cursor[i];

            if (c->at == c->end) {
                s->cursor[i] = s->cursor[--n];
                continue;
            }
            if (s->ix->doc[c->at] < first)
                first = s->ix->doc[c->at];
            i++;
        }
        if (!n)
            break;
        begin = first / WINDOW * WINDOW;
        for (int64_t i = 0; i < n; i++)
            add_term(s, &s->cursor[i], begin, begin + WINDOW);
        collect(s, &best, begin);
    }
    return sl_topk_finish(&best, score, row);
}
