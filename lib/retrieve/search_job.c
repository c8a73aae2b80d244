/*
 * retrieve/search_job.c - queries to a run (spec 4.2): encode them, find each
 * one's best rows, write them in the order of the queries' file.
 *
 * Of several ranks each encodes a share of the queries and searches a share of
 * the rows; the best of their best are the best of all.
 *
 * Unlike the reference, scores are written with all their digits and queries
 * are not sorted by id; the ranking is the same.
 */
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/observe.h"
#include "base/parallel.h"
#include "comm/comm.h"
#include "data/queries.h"
#include "format/runfile.h"
#include "index/flat.h"
#include "index/topk.h"
#include "retrieve/encoded.h"
#include "retrieve/retrieve_jobs.h"
#include "retrieve/vectorizer.h"

enum { MAX_HITS = 1 << 22 };

struct search_job {
    const simlm_search_options *o;
    const simlm_observer *obs;
    struct sl_flat ix;
    struct sl_backend *be;
    struct sl_flat_search *search;

    /* Queries: texts and who encodes them, or vectors. */
    struct sl_queries *queries;
    struct sl_retriever model;
    struct sl_vectorizer *v;
    struct sl_encoded encoded;
    uint64_t model_hash; /* of who made or makes their vectors; 0: unknown */
    int64_t n;

    /* A batch. */
    int64_t batch;
    struct sl_text *text; /* [batch] */
    float *vec;           /* [batch, dim] */
    int64_t *row;         /* [batch, top] */
    float *score;         /* [batch, top] */

    /* Of all ranks, where there are several. */
    int64_t *rows;  /* [ranks, batch, top] */
    float *scores;  /* the same */
    uint64_t *heap; /* [top] */
};

static void warn_if_other_model(const struct search_job *j, const char *path)
{
    if (j->ix.model_hash && j->model_hash && j->model_hash != j->ix.model_hash)
        sl_observe_message(j->obs, SIMLM_WARNING,
                           "the passages of '%s' were encoded by another model "
                           "('%s') than the queries ('%s')",
                           j->o->index, j->ix.model_path,
                           path ? path : "unknown");
}

static simlm_status check_dim(const struct search_job *j, int64_t dim,
                              const char *whose, simlm_error *err)
{
    if (dim != j->ix.dim)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "'%s' makes vectors of %" PRId64
                       " numbers, the index '%s' has %" PRId64,
                       whose, dim, j->o->index, j->ix.dim);
    return SIMLM_OK;
}

static simlm_status open_encoded(struct search_job *j, simlm_error *err)
{
    const struct sl_encoded *e = &j->encoded;

    SL_TRY(sl_encoded_open(&j->encoded, j->o->encoded, err));
    SL_TRY(check_dim(j, e->dim, j->o->encoded, err));
    j->model_hash = e->model_hash;
    warn_if_other_model(j, e->model_path);
    j->n = e->n;
    return SIMLM_OK;
}

static simlm_status open_texts(struct search_job *j, simlm_error *err)
{
    struct sl_vectorizer_options vo = {.max_texts = j->batch,
                                       .batch_tokens = j->o->batch_tokens,
                                       .query_length = j->o->max_length};

    SL_TRY(sl_queries_load(&j->queries, j->o->queries, err));
    SL_TRY(sl_retriever_open(&j->model, j->o->model, j->o->precision, err));
    SL_TRY(check_dim(j, sl_retriever_dim(&j->model), j->o->model, err));
    SL_TRY(sl_retriever_hash(&j->model, &j->model_hash, err));
    warn_if_other_model(j, j->o->model);
    SL_TRY(sl_vectorizer_new(&j->v, &j->model, &vo, err));
    j->n = sl_queries_count(j->queries);
    return SIMLM_OK;
}

static void *room(int64_t n, int64_t m, size_t size)
{
    size_t count;

    return sl_mul_size(&count, (size_t)n, (size_t)m) ? sl_calloc(count, size)
                                                     : NULL;
}

static const char *query_id(const struct search_job *j, int64_t i)
{
    return j->v ? sl_queries_id(j->queries, i) : sl_encoded_id(&j->encoded, i);
}

/* Of what is searched, and for what; the vectors themselves are not read. */
static uint64_t key_of(const struct search_job *j)
{
    const struct sl_flat *ix = &j->ix;
    const uint64_t numbers[] = {
        (uint64_t)ix->n, (uint64_t)ix->dim,   ix->model_hash,    j->model_hash,
        (uint64_t)j->n,  (uint64_t)j->o->top, (uint64_t)j->batch};
    uint64_t key = sl_hash64(numbers, sizeof numbers, 0);

    key = sl_hash64(ix->ids, ix->id_at[ix->n], key);
    for (int64_t i = 0; i < j->n; i++) {
        const char *id = query_id(j, i), *text;
        size_t len = 0;

        text = j->v ? sl_queries_text(j->queries, i, &len) : "";
        key = sl_hash64(text, len, sl_hash64(id, strlen(id), key));
    }
    return key;
}

/* Each rank searches its share of the rows. */
static simlm_status set_up_ranks(struct search_job *j, simlm_error *err)
{
    int64_t begin, end, top = j->o->top;

    SL_TRY(sl_comm_same_job(key_of(j), j->be->name, err));
    sl_comm_share(&begin, &end, j->ix.n);
    sl_flat_search_rows(j->search, begin, end);
    j->rows = room(sl_comm_size(), j->batch * top, sizeof *j->rows);
    j->scores = room(sl_comm_size(), j->batch * top, sizeof *j->scores);
    j->heap = room(1, top, sizeof *j->heap);
    return j->rows && j->scores && j->heap
               ? SIMLM_OK
               : sl_fail_nomem(err, "the hits of several ranks");
}

static simlm_status set_up(struct search_job *j, simlm_error *err)
{
    const simlm_search_options *o = j->o;

    /* Fewer at a time if many hits are wanted: they are all held. */
    j->batch = MAX_HITS / o->top;
    if (j->batch > o->batch)
        j->batch = o->batch;
    if (j->batch < 1)
        j->batch = 1;
    SL_TRY(sl_flat_open(&j->ix, o->index, err));
    SL_TRY(o->encoded ? open_encoded(j, err) : open_texts(j, err));
    SL_TRY(sl_backend_open_cpu(&j->be, SL_FP32, sl_cpu_from_env(), err));
    SL_TRY(sl_flat_search_new(&j->search, &j->ix, j->be, j->batch, o->top, 0,
                              err));
    j->text = room(j->batch, 1, sizeof *j->text);
    j->vec = room(j->batch, j->ix.dim, sizeof *j->vec);
    j->row = room(j->batch, o->top, sizeof *j->row);
    j->score = room(j->batch, o->top, sizeof *j->score);
    if (!j->text || !j->vec || !j->row || !j->score)
        return sl_fail_nomem(err, "a batch of queries");
    return sl_comm_size() > 1 ? set_up_ranks(j, err) : SIMLM_OK;
}

/* vec <- the vectors of queries first .. first + n - 1. */
static simlm_status vectors(struct search_job *j, int64_t first, int64_t n,
                            simlm_error *err)
{
    int64_t begin, end;

    if (!j->v) {
        for (int64_t i = 0; i < n; i++)
            memcpy(j->vec + i * j->ix.dim,
                   sl_encoded_row(&j->encoded, first + i),
                   (size_t)j->ix.dim * sizeof *j->vec);
        return SIMLM_OK;
    }
    for (int64_t i = 0; i < n; i++) {
        j->text[i] = (struct sl_text){0};
        j->text[i].text =
            sl_queries_text(j->queries, first + i, &j->text[i].text_len);
    }
    sl_comm_share(&begin, &end, n);
    SL_TRY(sl_vectorizer_run(j->v, j->vec + begin * j->ix.dim, SL_SIDE_QUERY,
                             j->text + begin, end - begin, NULL, err));
    return sl_comm_gather_shares(j->vec, n, (size_t)j->ix.dim * sizeof *j->vec,
                                 err);
}

/* Hits of query i: the best of all ranks' best. */
static void merge_query(struct search_job *j, int64_t i, int64_t n)
{
    int64_t top = j->o->top, got;
    struct sl_topk t;

    sl_topk_begin(&t, j->heap, top);
    for (int32_t r = 0; r < sl_comm_size(); r++) {
        int64_t at = (r * n + i) * top;

        for (int64_t k = 0; k < top && j->rows[at + k] >= 0; k++)
            sl_topk_offer(&t, &j->scores[at + k], 1, j->rows[at + k]);
    }
    got = sl_topk_finish(&t, j->score + i * top, j->row + i * top);
    for (; got < top; got++)
        j->row[i * top + got] = -1;
}

/* row, score <- the best of the whole index; they hold those of our share. */
static simlm_status merge(struct search_job *j, int64_t n, simlm_error *err)
{
    int32_t size = sl_comm_size();
    int64_t hits = n * j->o->top, at = sl_comm_rank() * hits;

    if (size == 1)
        return SIMLM_OK;
    memcpy(j->rows + at, j->row, (size_t)hits * sizeof *j->row);
    memcpy(j->scores + at, j->score, (size_t)hits * sizeof *j->score);
    SL_TRY(sl_comm_gather_shares(j->rows, size, (size_t)hits * sizeof *j->row,
                                 err));
    SL_TRY(sl_comm_gather_shares(j->scores, size,
                                 (size_t)hits * sizeof *j->score, err));
    for (int64_t i = 0; i < n; i++)
        merge_query(j, i, n);
    return SIMLM_OK;
}

static void write_hits(struct search_job *j, struct sl_run_writer *w,
                       int64_t first, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t r = 0; r < j->o->top; r++) {
            int64_t at = i * j->o->top + r;

            if (j->row[at] < 0)
                break;
            sl_run_writer_add(w, query_id(j, first + i),
                              sl_flat_id(&j->ix, j->row[at]), r + 1,
                              (double)j->score[at]);
        }
}

static void progress(const struct search_job *j, int64_t done)
{
    sl_observe_progress(j->obs, "searching", done, j->n, "queries");
}

static simlm_status search_all(struct search_job *j, struct sl_run_writer *w,
                               simlm_error *err)
{
    progress(j, 0);
    for (int64_t at = 0; at < j->n; at += j->batch) {
        int64_t n = j->n - at < j->batch ? j->n - at : j->batch;

        SL_TRY(vectors(j, at, n, err));
        SL_TRY(sl_flat_search_run(j->search, j->row, j->score, j->vec, n,
                                  j->o->top, err));
        SL_TRY(merge(j, n, err));
        if (sl_comm_first())
            write_hits(j, w, at, n);
        progress(j, at + n);
        if (sl_observe_cancelled(j->obs))
            return sl_fail(err, SIMLM_E_CANCELLED,
                           "stopped on request; no run was written");
    }
    return SIMLM_OK;
}

simlm_status sl_search_files(const simlm_search_options *o,
                             const simlm_observer *obs, simlm_error *err)
{
    struct search_job j = {.o = o, .obs = obs};
    struct sl_run_writer w = {0};
    simlm_status st;

    sl_parallel_set_threads(o->threads);
    st = set_up(&j, err);
    if (st == SIMLM_OK && sl_comm_first())
        st = sl_run_writer_open(&w, o->output,
                                o->format == SIMLM_RUN_TREC ? SL_RUN_TREC
                                                            : SL_RUN_MSMARCO,
                                o->tag, err);
    if (st == SIMLM_OK)
        st = search_all(&j, &w, err);
    if (st == SIMLM_OK && sl_comm_first())
        st = sl_run_writer_commit(&w, err);
    sl_run_writer_abort(&w);
    sl_flat_search_free(j.search);
    sl_backend_close(j.be);
    sl_flat_close(&j.ix);
    sl_encoded_close(&j.encoded);
    sl_vectorizer_free(j.v);
    sl_retriever_close(&j.model);
    sl_queries_free(j.queries);
    sl_free(j.text);
    sl_free(j.vec);
    sl_free(j.row);
    sl_free(j.score);
    sl_free(j.rows);
    sl_free(j.scores);
    sl_free(j.heap);
    return st;
}
