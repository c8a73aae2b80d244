#include "data/answer_positives.h"

#include "base/alloc.h"

void sl_run_cut(struct sl_run *run, int64_t depth)
{
    int64_t n_queries = sl_strmap_count(run->queries), to = 0, from = 0;

    for (int64_t q = 0; q < n_queries; q++) {
        int64_t end = run->start[q + 1], n = end - from;

        if (n > depth)
            n = depth;
        for (int64_t i = 0; i < n; i++)
            run->hit[to + i] = run->hit[from + i];
        to += n;
        from = end;
        run->start[q + 1] = to;
    }
}

struct builder {
    struct sl_qrels *q;
    int64_t n, cap;
};

static bool add(struct builder *b, const struct sl_strmap *docs, int64_t doc,
                int32_t grade)
{
    int64_t own = sl_strmap_add(b->q->docs, sl_strmap_key(docs, doc),
                                sl_strmap_key_len(docs, doc), 0, NULL);

    if (own < 0 ||
        !sl_grow(&b->q->judged, &b->cap, b->n + 1, sizeof *b->q->judged))
        return false;
    b->q->judged[b->n++] = (struct sl_judgement){own, grade};
    return true;
}

/* The labelled positive of question i of `judged`: which judgement it is, or
 * -1. */
static int64_t find_labelled(const struct sl_qrels *labelled,
                             const struct sl_qrels *judged, int64_t i,
                             bool any_grade)
{
    int64_t q = labelled ? sl_strmap_find(labelled->queries,
                                          sl_strmap_key(judged->queries, i),
                                          sl_strmap_key_len(judged->queries, i))
                         : -1;

    for (int64_t j = q < 0 ? 0 : labelled->start[q];
         q >= 0 && j < labelled->start[q + 1]; j++)
        if (any_grade || labelled->judged[j].grade >= 1)
            return j;
    return -1;
}

static bool add_question(struct builder *b, const struct sl_qrels *judged,
                         int64_t i, const struct sl_qrels *labelled,
                         int64_t label)
{
    const struct sl_strmap *docs = judged->docs;
    int64_t same = -1;

    if (sl_strmap_add(b->q->queries, sl_strmap_key(judged->queries, i),
                      sl_strmap_key_len(judged->queries, i), 0, NULL) < 0)
        return false;
    b->q->start[i] = b->n;
    if (label >= 0) {
        int64_t doc = labelled->judged[label].doc;

        same = sl_strmap_find(docs, sl_strmap_key(labelled->docs, doc),
                              sl_strmap_key_len(labelled->docs, doc));
        if (!add(b, labelled->docs, doc, SL_GRADE_LABELLED))
            return false;
    }
    for (int64_t j = judged->start[i]; j < judged->start[i + 1]; j++)
        if (judged->judged[j].grade && judged->judged[j].doc != same &&
            !add(b, docs, judged->judged[j].doc, 1))
            return false;
    return true;
}

simlm_status sl_answer_positives(struct sl_qrels **out,
                                 const struct sl_qrels *judged,
                                 const struct sl_qrels *labelled,
                                 bool any_grade, simlm_error *err)
{
    int64_t n = sl_strmap_count(judged->queries);
    struct builder b = {.q = SL_NEW(struct sl_qrels)};
    bool ok = b.q != NULL;

    if (ok) {
        b.q->queries = sl_strmap_new();
        b.q->docs = sl_strmap_new();
        b.q->start = SL_NEW_ARRAY(int64_t, n + 1);
        ok = b.q->queries && b.q->docs && b.q->start;
    }
    for (int64_t i = 0; ok && i < n; i++)
        ok = add_question(&b, judged, i, labelled,
                          find_labelled(labelled, judged, i, any_grade));
    if (!ok) {
        sl_qrels_free(b.q);
        return sl_fail_nomem(err, "positives");
    }
    b.q->start[n] = b.n;
    *out = b.q;
    return SIMLM_OK;
}
