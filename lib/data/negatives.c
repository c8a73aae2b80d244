#include "data/negatives.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"

/* ---- the list ------------------------------------------------------------ */

struct builder {
    struct sl_examples *e;
    const struct sl_queries *queries;
    const struct sl_qrels *qrels;
    const struct sl_run *run;
    const struct sl_negatives_rule *rule;
    int64_t n_rows;               /* passages of the corpus */
    int64_t *qrels_row, *run_row; /* document of qrels, run -> row, or -1 */
    /* of one query */
    struct candidate {
        int64_t row;
        double score;
    } * list;
    int64_t *excluded; /* excluded: sorted rows, n_excluded of them */
    int64_t n_list, n_excluded, list_cap, excluded_cap;
    struct sl_rng rng;
};

/* *row [n docs] <- where each document of a file lies in the corpus. */
static simlm_status map_docs(int64_t **row, const struct sl_strmap *docs,
                             const struct sl_docids *ids, const char *what,
                             simlm_error *err)
{
    int64_t n = sl_strmap_count(docs);

    *row = SL_NEW_ARRAY(int64_t, n ? n : 1);
    if (!*row)
        return sl_fail_nomem(err, "rows of passages");
    for (int64_t i = 0; i < n; i++) {
        const char *id = sl_strmap_key(docs, i);

        (*row)[i] = sl_docids_find(ids, id, sl_strmap_key_len(docs, i));
        if ((*row)[i] < 0)
            return sl_fail(err, SIMLM_E_FORMAT,
                           "passage '%s' of the %s is not in the corpus", id,
                           what);
    }
    return SIMLM_OK;
}

static int by_row(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static bool among(const int64_t *sorted, int64_t n, int64_t row)
{
    return bsearch(&row, sorted, (size_t)n, sizeof row, by_row) != NULL;
}

/* Sort and drop what occurs twice. */
static int64_t sort_unique(int64_t *x, int64_t n)
{
    int64_t kept = 0;

    qsort(x, (size_t)n, sizeof *x, by_row);
    for (int64_t i = 0; i < n; i++)
        if (!kept || x[kept - 1] != x[i])
            x[kept++] = x[i];
    return kept;
}

static simlm_status reserve(struct builder *b, int64_t judged, int64_t hits,
                            simlm_error *err)
{
    int64_t list = b->rule->depth + b->rule->count;

    if (list > hits + b->rule->count)
        list = hits + b->rule->count;
    if (sl_grow(&b->list, &b->list_cap, list, sizeof *b->list) &&
        sl_grow(&b->excluded, &b->excluded_cap, judged + hits,
                sizeof *b->excluded))
        return SIMLM_OK;
    return sl_fail_nomem(err, "a list of negatives");
}

static void shuffle_list(struct builder *b)
{
    struct candidate *list = b->list;

    /* The order that sl_rng_shuffle gives, on larger elements. */
    for (int64_t i = b->n_list - 1; i > 0; i--) {
        int64_t j = (int64_t)sl_rng_below(&b->rng, (uint64_t)i + 1);
        struct candidate keep = list[i];

        list[i] = list[j];
        list[j] = keep;
    }
}

/* The run's part of the list; excluded holds the positives when it begins and
 * the whole run, too, when it ends. */
static void take_hits(struct builder *b, const struct sl_hit *hit, int64_t n)
{
    int64_t n_positive = b->n_excluded, keep;

    b->n_list = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t row = b->run_row[hit[i].doc];

        if (among(b->excluded, n_positive, row))
            continue;
        if (b->n_list < b->rule->depth)
            b->list[b->n_list++] = (struct candidate){row, hit[i].score};
        b->excluded[b->n_excluded++] = row;
    }
    b->n_excluded = sort_unique(b->excluded, b->n_excluded);
    shuffle_list(b);
    keep = b->rule->count - b->rule->random;
    if (b->n_list > keep)
        b->n_list = keep;
}

static void take_random(struct builder *b)
{
    if (!b->rule->random || b->n_excluded >= b->n_rows)
        return;
    while (b->n_list < b->rule->count) {
        int64_t row = (int64_t)sl_rng_below(&b->rng, (uint64_t)b->n_rows);

        if (!among(b->excluded, b->n_excluded, row))
            b->list[b->n_list++] = (struct candidate){row, -1};
    }
    shuffle_list(b);
}

static double score_in_run(const struct builder *b, int64_t row,
                           const struct sl_hit *hit, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (b->run_row[hit[i].doc] == row)
            return hit[i].score;
    return -1;
}

static bool makes_positive(const struct builder *b, int64_t judgement)
{
    return b->rule->any_grade || b->qrels->judged[judgement].grade >= 1;
}

/* excluded <- the query's positives, sorted. */
static void take_positives(struct builder *b, int64_t q)
{
    b->n_excluded = 0;
    for (int64_t i = b->qrels->start[q]; i < b->qrels->start[q + 1]; i++)
        if (makes_positive(b, i))
            b->excluded[b->n_excluded++] =
                b->qrels_row[b->qrels->judged[i].doc];
    b->n_excluded = sort_unique(b->excluded, b->n_excluded);
}

/* Is one of the positives, all that is excluded so far, among the hits? */
static bool is_found(const struct builder *b, const struct sl_hit *hit,
                     int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (among(b->excluded, b->n_excluded, b->run_row[hit[i].doc]))
            return true;
    return false;
}

static simlm_status add_example(struct builder *b, int64_t q, int64_t text,
                                const struct sl_hit *hit, int64_t n_hits,
                                simlm_error *err)
{
    size_t len;
    const char *s = sl_queries_text(b->queries, text, &len);

    SL_TRY(sl_examples_add_query(b->e, sl_strmap_key(b->qrels->queries, q),
                                 sl_strmap_key_len(b->qrels->queries, q), s,
                                 len, err));
    for (int64_t i = b->qrels->start[q]; i < b->qrels->start[q + 1]; i++) {
        const struct sl_judgement *j = &b->qrels->judged[i];
        int64_t row = b->qrels_row[j->doc];
        bool sure = b->rule->sure_grade && j->grade == b->rule->sure_grade;
        float score = sure ? b->rule->sure_score
                           : (float)score_in_run(b, row, hit, n_hits);

        if (makes_positive(b, i))
            SL_TRY(sl_examples_add_positive(b->e, row, score, err));
    }
    for (int64_t i = 0; i < b->n_list; i++)
        SL_TRY(sl_examples_add_negative(b->e, b->list[i].row,
                                        (float)b->list[i].score, err));
    return SIMLM_OK;
}

static simlm_status build_query(struct builder *b, int64_t q,
                                struct sl_negatives_report *report,
                                simlm_error *err)
{
    const char *id = sl_strmap_key(b->qrels->queries, q);
    size_t len = sl_strmap_key_len(b->qrels->queries, q);
    int64_t text = sl_queries_find(b->queries, id, len);
    int64_t r = sl_strmap_find(b->run->queries, id, len), n_hits;
    const struct sl_hit *hit;

    if (text < 0)
        return report->no_text++, SIMLM_OK;
    if (r < 0)
        return report->no_hits++, SIMLM_OK;
    hit = b->run->hit + b->run->start[r];
    n_hits = b->run->start[r + 1] - b->run->start[r];
    SL_TRY(
        reserve(b, b->qrels->start[q + 1] - b->qrels->start[q], n_hits, err));
    sl_rng_init(&b->rng,
                sl_stream(b->rule->seed, SL_PURPOSE_NEGATIVES, (uint64_t)q));
    take_positives(b, q);
    if (!b->n_excluded)
        return report->no_positive++, SIMLM_OK;
    if (b->rule->filter_noisy && !is_found(b, hit, n_hits))
        return report->noisy++, SIMLM_OK;
    take_hits(b, hit, n_hits);
    take_random(b);
    if (!b->n_list)
        return report->no_negative++, SIMLM_OK;
    return add_example(b, q, text, hit, n_hits, err);
}

simlm_status sl_negatives_build(
    struct sl_examples **out, struct sl_negatives_report *report,
    const struct sl_queries *queries, const struct sl_qrels *qrels,
    const struct sl_run *run, const struct sl_docids *ids,
    const struct sl_negatives_rule *rule, simlm_error *err)
{
    struct builder b = {.queries = queries,
                        .qrels = qrels,
                        .run = run,
                        .rule = rule,
                        .n_rows = sl_docids_count(ids)};
    simlm_status st;

    SL_ASSERT(rule->count >= 1 && rule->random >= 0 &&
              rule->random <= rule->count && rule->depth >= 0);
    *report = (struct sl_negatives_report){0};
    b.e = sl_examples_new();
    st = b.e ? SIMLM_OK : sl_fail_nomem(err, "training examples");
    if (st == SIMLM_OK)
        st = map_docs(&b.qrels_row, qrels->docs, ids, "qrels", err);
    if (st == SIMLM_OK)
        st = map_docs(&b.run_row, run->docs, ids, "run of negatives", err);
    for (int64_t q = 0; st == SIMLM_OK && q < sl_strmap_count(qrels->queries);
         q++)
        st = build_query(&b, q, report, err);
    if (st == SIMLM_OK && !b.e->n)
        st = sl_fail(err, SIMLM_E_FORMAT,
                     "no query has a text, a positive passage and hits in the "
                     "run of negatives");
    if (st == SIMLM_OK) {
        *out = b.e;
        b.e = NULL;
    }
    sl_examples_free(b.e);
    sl_free(b.qrels_row);
    sl_free(b.run_row);
    sl_free(b.list);
    sl_free(b.excluded);
    return st;
}

simlm_status sl_negatives_load(struct sl_examples **out,
                               struct sl_negatives_report *report,
                               const struct sl_negatives_files *files,
                               const struct sl_docids *ids,
                               const struct sl_negatives_rule *rule,
                               simlm_error *err)
{
    struct sl_queries *queries = NULL;
    struct sl_qrels *qrels = NULL;
    struct sl_run *run = NULL;
    simlm_status st = sl_queries_load(&queries, files->queries, err);

    if (st == SIMLM_OK)
        st = sl_qrels_load(&qrels, files->qrels, err);
    if (st == SIMLM_OK)
        st = sl_run_load(&run, files->run, err);
    if (st == SIMLM_OK)
        st = sl_negatives_build(out, report, queries, qrels, run, ids, rule,
                                err);
    sl_queries_free(queries);
    sl_qrels_free(qrels);
    sl_run_free(run);
    return st;
}

void sl_negatives_describe(char *buf, size_t size,
                           const struct sl_negatives_report *r)
{
    const struct {
        int64_t n;
        const char *why;
    } part[] = {{r->no_text, "without text"},
                {r->no_hits, "not in the run"},
                {r->no_positive, "without a positive"},
                {r->noisy, "whose positives the run has not"},
                {r->no_negative, "without a negative"}};
    size_t at = 0;

    *buf = '\0';
    for (size_t i = 0; i < SL_LEN(part); i++)
        if (part[i].n && at < size)
            at += (size_t)snprintf(buf + at, size - at, "%s %lld %s",
                                   at ? "," : "judged queries left out:",
                                   (long long)part[i].n, part[i].why);
}

/* ---- the window ---------------------------------------------------------- */

static bool takes_part(const struct sl_examples *e, int64_t i, int64_t p,
                       double best_negative)
{
    const struct sl_doc_lists *P = &e->positives;
    int64_t first = P->start[i];

    return p == first || P->score[p] >= P->score[first] ||
           P->score[p] > best_negative;
}

static double best_score(const struct sl_doc_lists *d, int64_t i)
{
    double best = -INFINITY;

    for (int64_t j = d->start[i]; j < d->start[i + 1]; j++)
        best = fmax(best, d->score[j]);
    return best;
}

static int32_t choose_positive(const struct sl_examples *e, int64_t i,
                               uint64_t offset, bool use_first_positive)
{
    const struct sl_doc_lists *P = &e->positives;
    int64_t begin = P->start[i], end = P->start[i + 1], n = 0, skip;
    double best;

    if (!use_first_positive)
        return P->row[begin + (int64_t)(offset % (uint64_t)(end - begin))];
    best = best_score(&e->negatives, i);
    for (int64_t p = begin; p < end; p++)
        n += takes_part(e, i, p, best);
    skip = (int64_t)(offset % (uint64_t)n);
    for (int64_t p = begin; p < end; p++)
        if (takes_part(e, i, p, best) && !skip--)
            return P->row[p];
    SL_ASSERT(false && "a positive that takes part");
    return -1;
}

void sl_choose_passages(int32_t *rows, const struct sl_examples *e, int64_t i,
                        int64_t n, uint64_t offset, bool use_first_positive)
{
    const struct sl_doc_lists *N = &e->negatives;
    uint64_t n_neg = (uint64_t)(N->start[i + 1] - N->start[i]);
    uint64_t m = (uint64_t)n - 1, first;

    SL_ASSERT(n >= 1 && (n == 1 || n_neg >= 1) &&
              e->positives.start[i + 1] > e->positives.start[i]);
    rows[0] = choose_positive(e, i, offset, use_first_positive);
    if (n == 1)
        return;
    first = offset % n_neg * (m % n_neg); /* no overflow: both are small */
    for (uint64_t j = 0; j < m; j++)
        rows[1 + j] = N->row[N->start[i] + (int64_t)((first + j) % n_neg)];
}

/* The row's last place in a list, or -1. */
static int64_t last_place(const struct sl_doc_lists *d, int64_t i, int32_t row)
{
    for (int64_t j = d->start[i + 1] - 1; j >= d->start[i]; j--)
        if (d->row[j] == row)
            return j;
    return -1;
}

void sl_passage_scores(float *scores, const struct sl_examples *e, int64_t i,
                       const int32_t *rows, int64_t n)
{
    for (int64_t k = 0; k < n; k++) {
        int64_t neg = last_place(&e->negatives, i, rows[k]);
        int64_t pos = neg < 0 ? last_place(&e->positives, i, rows[k]) : -1;

        SL_ASSERT(neg >= 0 || pos >= 0);
        scores[k] =
            neg >= 0 ? e->negatives.score[neg] : e->positives.score[pos];
    }
}

void sl_keep_hardest(int32_t *kept, const float *score, int64_t first,
                     int64_t n, int64_t m)
{
    kept[0] = (int32_t)first;
    for (int64_t j = 1; j < n; j++) {
        int64_t at = j < m ? j : m, i = first + j;

        for (; at > 1 && score[kept[at - 1]] < score[i]; at--)
            if (at < m)
                kept[at] = kept[at - 1];
        if (at < m)
            kept[at] = (int32_t)i;
    }
}

bool sl_is_positive(const struct sl_examples *e, int64_t i, int32_t row)
{
    return last_place(&e->positives, i, row) >= 0;
}
