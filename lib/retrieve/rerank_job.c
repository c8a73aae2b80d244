/*
 * retrieve/rerank_job.c - a run's head, ranked anew (spec 4.4).
 *
 * The first `depth` passages of each query get the re-ranker's scores, rounded
 * as the reference stores them, and are sorted by them; of equals the one that
 * was ahead stays ahead.  The rest of the run follows in its order, with scores
 * that fall by 1 from the last of the head's, so that measures at greater depth
 * are the run's own.
 *
 * Unlike the reference, the head is what stands first, not what says so in its
 * rank column (they differ where ranks have gaps), and queries keep the run's
 * order.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "comm/comm.h"
#include "data/picked.h"
#include "data/queries.h"
#include "format/runfile.h"
#include "retrieve/retrieve_jobs.h"
#include "retrieve/scorestore.h"

struct rerank_job {
    const simlm_rerank_options *o;
    const simlm_observer *obs;
    struct sl_run *run;
    struct sl_queries *queries;
    int64_t n;     /* queries of the run */
    int64_t *text; /* [n] each one's place in `queries` */

    struct sl_strmap *wanted; /* passages of the heads */
    int64_t *slot;            /* [docs] a passage's place in `wanted` */
    struct sl_picked *passages;

    struct sl_retriever model;
    struct sl_scorer *scorer;
    struct sl_scorestore store;
    int64_t *start; /* [n + 1] a query's pairs among all */
    float *score;   /* [start[n]] */
};

static int64_t head_length(const struct rerank_job *j, int64_t q)
{
    int64_t n = j->run->start[q + 1] - j->run->start[q];

    return n < j->o->depth ? n : j->o->depth;
}

/* ---- what is to be scored ---------------------------------------------------
 */

static simlm_status find_queries(struct rerank_job *j, simlm_error *err)
{
    const struct sl_strmap *ids = j->run->queries;

    for (int64_t q = 0; q < j->n; q++) {
        j->text[q] = sl_queries_find(j->queries, sl_strmap_key(ids, q),
                                     sl_strmap_key_len(ids, q));
        if (j->text[q] < 0)
            return sl_fail(err, SIMLM_E_FORMAT,
                           "query '%.100s' of the run is not in '%s'",
                           sl_strmap_key(ids, q), j->o->queries);
        j->start[q + 1] = j->start[q] + head_length(j, q);
    }
    return SIMLM_OK;
}

static simlm_status list_passages(struct rerank_job *j, simlm_error *err)
{
    const struct sl_strmap *ids = j->run->docs;

    for (int64_t q = 0; q < j->n; q++)
        for (int64_t i = 0; i < head_length(j, q); i++) {
            int64_t doc = j->run->hit[j->run->start[q] + i].doc;

            j->slot[doc] = sl_strmap_add(j->wanted, sl_strmap_key(ids, doc),
                                         sl_strmap_key_len(ids, doc), 0, NULL);
            if (j->slot[doc] < 0)
                return sl_fail_nomem(err, "the passages of a run");
        }
    return SIMLM_OK;
}

static simlm_status set_up(struct rerank_job *j, simlm_error *err)
{
    const simlm_rerank_options *o = j->o;
    struct sl_scorer_options so = {.max_pairs = o->save_every,
                                   .batch_tokens = o->batch_tokens,
                                   .max_length = o->max_length};

    SL_TRY(sl_run_load(&j->run, o->run, err));
    SL_TRY(sl_queries_load(&j->queries, o->queries, err));
    j->n = sl_strmap_count(j->run->queries);
    j->text = SL_NEW_ARRAY(int64_t, j->n + 1);
    j->start = SL_NEW_ARRAY(int64_t, j->n + 1);
    j->slot = SL_NEW_ARRAY(int64_t, sl_strmap_count(j->run->docs) + 1);
    j->wanted = sl_strmap_new();
    if (!j->text || !j->start || !j->slot || !j->wanted)
        return sl_fail_nomem(err, "a run");
    SL_TRY(find_queries(j, err));
    j->score = SL_NEW_ARRAY(float, j->start[j->n] + 1);
    if (!j->score)
        return sl_fail_nomem(err, "the scores of a run");
    SL_TRY(list_passages(j, err));
    SL_TRY(sl_reranker_open(&j->model, o->model, o->precision, err));
    SL_TRY(sl_scorer_new(&j->scorer, &j->model, &so, err));
    return sl_picked_load(&j->passages, j->wanted, "the run", o->corpus, j->obs,
                          err);
}

/* What was scored for the same output before a kill is kept. */
static simlm_status open_store(struct rerank_job *j, simlm_error *err)
{
    const simlm_rerank_options *o = j->o;
    const char *const file[] = {o->run, o->queries, o->corpus};
    char rest[80];

    snprintf(rest, sizeof rest, "rerank|%d|%d|%d", (int)o->depth,
             (int)o->max_length, (int)o->precision);
    return sl_scorestore_open(&j->store, o->output, &j->model, file,
                              SL_LEN(file), rest, err);
}

/* ---- scores -----------------------------------------------------------------
 */

static struct sl_pair make_pair(const struct rerank_job *j, int64_t q,
                                int64_t i)
{
    int64_t doc = j->run->hit[j->run->start[q] + i].doc;
    struct sl_passage p = sl_picked_get(j->passages, j->slot[doc]);
    struct sl_pair pair = {
        .passage = {p.contents, p.title, p.contents_len, p.title_len}};

    pair.query.text =
        sl_queries_text(j->queries, j->text[q], &pair.query.text_len);
    return pair;
}

static simlm_status score_all(struct rerank_job *j, struct sl_pair *pair,
                              simlm_error *err)
{
    struct sl_meter meter = {.obs = j->obs,
                             .phase = "re-ranking",
                             .unit = "pairs",
                             .total = j->start[j->n]};
    int64_t n = 0, done = 0;

    for (int64_t q = 0; q < j->n; q++)
        for (int64_t i = 0; i < head_length(j, q); i++) {
            pair[n++] = make_pair(j, q, i);
            if (n < j->o->save_every && done + n < meter.total)
                continue;
            SL_TRY(sl_scorestore_run(&j->store, j->scorer, j->score + done,
                                     pair, n, &meter, err));
            done += n;
            n = 0;
        }
    return SIMLM_OK;
}

/* ---- the run ----------------------------------------------------------------
 */

struct ranked {
    double score;
    int64_t at; /* place in the run's list */
};

static int best_first(const void *x, const void *y)
{
    const struct ranked *a = x, *b = y;

    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return (a->at > b->at) - (a->at < b->at);
}

static void write_query(const struct rerank_job *j, struct sl_run_writer *w,
                        struct ranked *list, int64_t q)
{
    const struct sl_hit *hit = j->run->hit + j->run->start[q];
    int64_t n = j->run->start[q + 1] - j->run->start[q];
    int64_t head = head_length(j, q);

    for (int64_t i = 0; i < head; i++)
        list[i] =
            (struct ranked){sl_stored_score(j->score[j->start[q] + i]), i};
    qsort(list, (size_t)head, sizeof *list, best_first);
    for (int64_t i = 0; i < n; i++) {
        const struct ranked *last = &list[head - 1];
        int64_t at = i < head ? list[i].at : i;
        double score =
            i < head ? list[i].score : last->score - (double)(i - head + 1);

        sl_run_writer_add(w, sl_strmap_key(j->run->queries, q),
                          sl_strmap_key(j->run->docs, hit[at].doc), i + 1,
                          score);
    }
}

static simlm_status write_all(const struct rerank_job *j,
                              struct sl_run_writer *w, simlm_error *err)
{
    struct ranked *list;
    int64_t longest = 1;

    for (int64_t q = 0; q < j->n; q++)
        if (longest < head_length(j, q))
            longest = head_length(j, q);
    list = SL_NEW_ARRAY(struct ranked, longest);
    if (!list)
        return sl_fail_nomem(err, "a ranking");
    for (int64_t q = 0; q < j->n; q++)
        write_query(j, w, list, q);
    sl_free(list);
    return sl_run_writer_commit(w, err);
}

/* The output, which rank 0 writes, is opened before the work, so that a place
 * that cannot be written to is known then. */
static simlm_status run(struct rerank_job *j, simlm_error *err)
{
    struct sl_run_writer w = {0};
    struct sl_pair *pair;
    simlm_status st;

    SL_TRY(set_up(j, err));
    if (sl_comm_first())
        SL_TRY(sl_run_writer_open(
            &w, j->o->output,
            j->o->format == SIMLM_RUN_TREC ? SL_RUN_TREC : SL_RUN_MSMARCO,
            j->o->tag, err));
    pair = SL_NEW_ARRAY(struct sl_pair, j->o->save_every);
    st = pair ? SIMLM_OK : sl_fail_nomem(err, "pairs of texts");
    if (st == SIMLM_OK)
        st = open_store(j, err);
    if (st == SIMLM_OK)
        st = score_all(j, pair, err);
    sl_free(pair);
    if (st == SIMLM_OK && sl_comm_first())
        st = write_all(j, &w, err);
    sl_scorestore_close(&j->store, st == SIMLM_OK);
    sl_run_writer_abort(&w);
    return st;
}

simlm_status sl_rerank_files(const simlm_rerank_options *o,
                             const simlm_observer *obs, simlm_error *err)
{
    struct rerank_job j = {.o = o, .obs = obs, .store = SL_SCORESTORE_NONE};
    simlm_status st;

    sl_parallel_set_threads(o->threads);
    st = run(&j, err);
    sl_scorer_free(j.scorer);
    sl_retriever_close(&j.model);
    sl_picked_free(j.passages);
    sl_strmap_free(j.wanted);
    sl_queries_free(j.queries);
    sl_run_free(j.run);
    sl_free(j.text);
    sl_free(j.slot);
    sl_free(j.start);
    sl_free(j.score);
    return st;
}
