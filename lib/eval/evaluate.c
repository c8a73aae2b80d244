#include "eval/evaluate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/parallel.h"

enum { QUERIES_A_RANGE = 32 };

/* A hit with all that ordering it needs, so that qsort() needs no context. */
struct entry {
    double score;
    const char *id;
    int32_t grade;
};

/* What one worker writes while it looks at a query. */
struct bench {
    struct entry *entry;         /* [most hits] */
    int32_t *grade, *listed;     /* [most hits] */
    struct sl_judgement *by_doc; /* [most judgements] */
    int32_t *ideal;              /* [most judgements] */
};

struct job {
    struct sl_evaluation *e;
    const struct sl_qrels *q;
    const struct sl_run *r;
    const struct sl_measure *m;
    const struct sl_evaluate_options *options;
    int64_t *judged_doc; /* [docs of the run] its index in q->docs, or -1 */
    int32_t reference_level;
    struct bench *bench; /* one a worker */
};

static int by_score(const void *x, const void *y)
{
    const struct entry *a = x, *b = y;

    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return strcmp(b->id, a->id);
}

static int by_doc(const void *x, const void *y)
{
    const struct sl_judgement *a = x, *b = y;

    return (a->doc > b->doc) - (a->doc < b->doc);
}

static int descending(const void *x, const void *y)
{
    int32_t a = *(const int32_t *)x, b = *(const int32_t *)y;

    return (a < b) - (a > b);
}

static int32_t grade_of(const struct sl_judgement *judged, int64_t n,
                        int64_t doc)
{
    const struct sl_judgement key = {doc, 0}, *found;

    if (doc < 0)
        return SL_UNJUDGED;
    found = bsearch(&key, judged, (size_t)n, sizeof key, by_doc);
    return found ? found->grade : SL_UNJUDGED;
}

/* r's judgements: the sorted copy to look grades up in, ideal list, counts. */
static void judge(struct sl_ranking *r, struct bench *b,
                  const struct sl_judgement *judged, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        int32_t grade = judged[i].grade;

        b->by_doc[i] = judged[i];
        if (grade > 0)
            b->ideal[r->n_ideal++] = grade;
        if (grade >= r->level)
            r->n_rel++;
        else if (grade >= 0)
            r->n_nonrel++;
    }
    qsort(b->by_doc, (size_t)n, sizeof *b->by_doc, by_doc);
    qsort(b->ideal, (size_t)r->n_ideal, sizeof *b->ideal, descending);
}

static void rank_hits(struct sl_ranking *r, struct bench *b,
                      const struct job *job, const struct sl_hit *hit,
                      int64_t n_judged)
{
    for (int64_t i = 0; i < r->n_ret; i++) {
        double score = hit[i].score;

        if (!job->options->score_double)
            score = (float)score;
        b->listed[i] =
            grade_of(b->by_doc, n_judged, job->judged_doc[hit[i].doc]);
        b->entry[i] = (struct entry){
            score, sl_strmap_key(job->r->docs, hit[i].doc), b->listed[i]};
    }
    qsort(b->entry, (size_t)r->n_ret, sizeof *b->entry, by_score);
    for (int64_t i = 0; i < r->n_ret; i++)
        b->grade[i] = b->entry[i].grade;
}

static void evaluate_query(const struct job *job, struct bench *b, int64_t i)
{
    const struct sl_qrels *q = job->q;
    int64_t begin = q->start[i], n = q->start[i + 1] - begin;
    int64_t in_run =
        sl_strmap_find(job->r->queries, sl_strmap_key(q->queries, i),
                       sl_strmap_key_len(q->queries, i));
    double *value = job->e->value + i * job->e->n_measures;
    struct sl_ranking r = {.grade = b->grade,
                           .listed = b->listed,
                           .ideal = b->ideal,
                           .level = job->options->level,
                           .reference_level = job->reference_level};

    job->e->answered[i] = in_run >= 0;
    if (in_run < 0)
        return;
    judge(&r, b, q->judged + begin, n);
    begin = job->r->start[in_run];
    r.n_ret = job->r->start[in_run + 1] - begin;
    rank_hits(&r, b, job, job->r->hit + begin, n);
    for (int64_t m = 0; m < job->e->n_measures; m++)
        value[m] = sl_measure_of(&job->m[m], &r);
}

static void evaluate_range(void *ctx, int64_t begin, int64_t end)
{
    const struct job *job = ctx;

    for (int64_t i = begin; i < end; i++)
        evaluate_query(job, &job->bench[sl_parallel_worker()], i);
}

static int64_t longest(const int64_t *start, int64_t n)
{
    int64_t most = 1;

    for (int64_t i = 0; i < n; i++)
        if (start[i + 1] - start[i] > most)
            most = start[i + 1] - start[i];
    return most;
}

static bool bench_init(struct bench *b, int64_t n_hits, int64_t n_judged)
{
    b->entry = SL_NEW_ARRAY(struct entry, n_hits);
    b->grade = SL_NEW_ARRAY(int32_t, n_hits);
    b->listed = SL_NEW_ARRAY(int32_t, n_hits);
    b->by_doc = SL_NEW_ARRAY(struct sl_judgement, n_judged);
    b->ideal = SL_NEW_ARRAY(int32_t, n_judged);
    return b->entry && b->grade && b->listed && b->by_doc && b->ideal;
}

static void bench_free(struct bench *b)
{
    sl_free(b->entry);
    sl_free(b->grade);
    sl_free(b->listed);
    sl_free(b->by_doc);
    sl_free(b->ideal);
}

/* spec 4.7: the threshold of `mrr` is a property of the whole qrels file. */
static int32_t reference_level(const struct sl_qrels *q)
{
    int64_t n = q->start[sl_strmap_count(q->queries)];

    for (int64_t i = 0; i < n; i++)
        if (q->judged[i].grade >= 3)
            return 2;
    return 1;
}

/* Python's round(x, 4): correctly rounded from the binary value. */
static double round4(double x)
{
    char text[64];

    snprintf(text, sizeof text, "%.4f", x);
    return strtod(text, NULL);
}

static void summarise(struct sl_evaluation *e, const struct sl_measure *m,
                      bool complete)
{
    for (int64_t i = 0; i < e->n_queries; i++)
        e->n_answered += e->answered[i];
    for (int64_t j = 0; j < e->n_measures; j++) {
        enum sl_measure_kind kind = m[j].row->kind;
        int64_t n = complete ? e->n_queries : e->n_answered;
        double sum = 0;

        for (int64_t i = 0; i < e->n_queries; i++)
            sum += e->value[i * e->n_measures + j];
        if (kind == SL_MEASURE_REFERENCE)
            e->all[j] =
                e->n_queries ? round4(sum / (double)e->n_queries * 100) : 0;
        else if (kind == SL_MEASURE_COUNT)
            e->all[j] = sum;
        else
            e->all[j] = n ? sum / (double)n : 0;
    }
}

static simlm_status prepare(struct job *job, int n_workers, simlm_error *err)
{
    const struct sl_qrels *q = job->q;
    const struct sl_run *r = job->r;
    int64_t n_docs = sl_strmap_count(r->docs);
    int64_t n_hits = longest(r->start, sl_strmap_count(r->queries));
    int64_t n_judged = longest(q->start, job->e->n_queries);

    job->reference_level = reference_level(q);
    job->judged_doc = SL_NEW_ARRAY(int64_t, n_docs);
    job->bench = SL_NEW_ARRAY(struct bench, n_workers);
    if (!job->judged_doc || !job->bench)
        return sl_fail_nomem(err, "an evaluation");
    for (int i = 0; i < n_workers; i++)
        if (!bench_init(&job->bench[i], n_hits, n_judged))
            return sl_fail_nomem(err, "an evaluation");
    for (int64_t i = 0; i < n_docs; i++)
        job->judged_doc[i] = sl_strmap_find(q->docs, sl_strmap_key(r->docs, i),
                                            sl_strmap_key_len(r->docs, i));
    return SIMLM_OK;
}

simlm_status sl_evaluate(struct sl_evaluation *e, const struct sl_qrels *q,
                         const struct sl_run *r, const struct sl_measure *m,
                         int64_t n_measures,
                         const struct sl_evaluate_options *options,
                         simlm_error *err)
{
    struct job job = {.e = e, .q = q, .r = r, .m = m, .options = options};
    int n_workers = sl_parallel_threads();
    int64_t n = sl_strmap_count(q->queries);
    simlm_status st = SIMLM_OK;
    size_t n_values;

    SL_ASSERT(n_measures >= 0 && options->level >= 1);
    *e = (struct sl_evaluation){.n_queries = n, .n_measures = n_measures};
    if (sl_mul_size(&n_values, (size_t)n, (size_t)n_measures))
        e->value = sl_calloc(n_values, sizeof *e->value);
    e->answered = SL_NEW_ARRAY(bool, n);
    e->all = SL_NEW_ARRAY(double, n_measures);
    if (!e->value || !e->answered || !e->all)
        st = sl_fail_nomem(err, "an evaluation");
    else
        st = prepare(&job, n_workers, err);
    if (st == SIMLM_OK) {
        sl_parallel_for(n, QUERIES_A_RANGE, evaluate_range, &job);
        summarise(e, m, options->complete);
    }
    for (int i = 0; job.bench && i < n_workers; i++)
        bench_free(&job.bench[i]);
    sl_free(job.bench);
    sl_free(job.judged_doc);
    if (st < 0)
        sl_evaluation_free(e);
    return st;
}

void sl_evaluation_free(struct sl_evaluation *e)
{
    sl_free(e->answered);
    sl_free(e->value);
    sl_free(e->all);
    *e = (struct sl_evaluation){0};
}
