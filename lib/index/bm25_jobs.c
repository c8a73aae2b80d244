#include "index/bm25_jobs.h"

#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/observe.h"
#include "base/parallel.h"
#include "data/queries.h"
#include "format/runfile.h"
#include "index/bm25.h"

static simlm_status stopped(const simlm_observer *obs, simlm_error *err)
{
    if (!sl_observe_cancelled(obs))
        return SIMLM_OK;
    return sl_fail(err, SIMLM_E_CANCELLED, "stopped; nothing was written");
}

/* ---- index --------------------------------------------------------------- */

static simlm_status read_corpus(struct sl_bm25_builder *b,
                                struct sl_corpus_reader *reader,
                                const simlm_observer *obs, simlm_error *err)
{
    struct sl_passage_block block;

    for (;;) {
        SL_TRY(sl_corpus_reader_next(reader, &block, err));
        if (!block.n)
            return SIMLM_OK;
        SL_TRY(sl_bm25_builder_add(b, block.passage, block.n, err));
        SL_TRY(stopped(obs, err));
    }
}

static simlm_status build(const simlm_bm25_index_options *o, struct sl_out *out,
                          const simlm_observer *obs, simlm_error *err)
{
    struct sl_bm25_builder *b = sl_bm25_builder_new();
    struct sl_corpus_reader *reader = NULL;
    simlm_status st;

    if (!b)
        return sl_fail_nomem(err, "a BM25 index");
    st = sl_corpus_reader_open(&reader, o->corpus, o->n_corpora, obs, err);
    if (st == SIMLM_OK)
        st = read_corpus(b, reader, obs, err);
    if (st == SIMLM_OK && !sl_docids_count(sl_corpus_reader_ids(reader)))
        st = sl_fail(err, SIMLM_E_RANGE, "'%s': no passage to index",
                     o->corpus[0]);
    if (st == SIMLM_OK)
        st = sl_bm25_builder_write(b, sl_corpus_reader_ids(reader), out, err);
    sl_corpus_reader_close(reader);
    sl_bm25_builder_free(b);
    return st;
}

/* The output is opened first, so that a place that cannot be written to is
 * known before the work, not after it. */
simlm_status sl_bm25_index_files(const simlm_bm25_index_options *o,
                                 const simlm_observer *obs, simlm_error *err)
{
    bool fresh = !sl_file_exists(o->output);
    char *path = sl_path_join(o->output, SL_BM25_FILE);
    struct sl_out out = {0};
    simlm_status st;

    if (!path)
        return sl_fail_nomem(err, "a file's name");
    sl_parallel_set_threads(o->threads);
    st = sl_dir_make(o->output, err);
    if (st == SIMLM_OK)
        st = sl_out_open(&out, path, err);
    if (st == SIMLM_OK)
        st = build(o, &out, obs, err);
    if (st == SIMLM_OK)
        st = sl_out_commit(&out, err);
    if (st == SIMLM_OK)
        st = sl_dir_sync(o->output, err);
    sl_out_abort(&out);
    if (st < 0 && fresh)
        rmdir(o->output);
    sl_free(path);
    return st;
}

/* ---- search -------------------------------------------------------------- */

/* A round is what must be over before a job can stop, or say how far it is. */
enum { QUERIES_A_RANGE = 16, QUERIES_A_ROUND = 512, HITS_A_ROUND = 1 << 22 };

struct search_job {
    struct sl_bm25 ix;
    struct sl_queries *queries;
    struct sl_bm25_search **worker; /* [n_workers] */
    int n_workers;
    int64_t k, round; /* queries between two writes */
    int64_t first;    /* query of the round */
    float *score;     /* [round, k] */
    int64_t *row;     /* [round, k] */
    int64_t *n_hits;  /* [round] */
};

static void search_range(void *ctx, int64_t begin, int64_t end)
{
    const struct search_job *j = ctx;
    struct sl_bm25_search *s = j->worker[sl_parallel_worker()];

    for (int64_t i = begin; i < end; i++) {
        size_t len;
        const char *text = sl_queries_text(j->queries, j->first + i, &len);

        j->n_hits[i] = sl_bm25_search(s, text, len, j->k, j->score + i * j->k,
                                      j->row + i * j->k);
    }
}

static size_t longest_query(const struct sl_queries *q)
{
    size_t most = 0;

    for (int64_t i = 0; i < sl_queries_count(q); i++) {
        size_t len;

        sl_queries_text(q, i, &len);
        most = len > most ? len : most;
    }
    return most;
}

static simlm_status prepare(struct search_job *j,
                            const simlm_bm25_search_options *o,
                            simlm_error *err)
{
    int64_t n = sl_queries_count(j->queries);
    size_t longest = longest_query(j->queries), n_hits;

    j->k = o->top < j->ix.n_docs ? o->top : j->ix.n_docs;
    j->round = HITS_A_ROUND / j->k > 0 ? HITS_A_ROUND / j->k : 1;
    if (j->round > QUERIES_A_ROUND)
        j->round = QUERIES_A_ROUND;
    if (j->round > n)
        j->round = n > 0 ? n : 1;
    j->n_workers = sl_parallel_threads();
    j->worker = SL_NEW_ARRAY(struct sl_bm25_search *, j->n_workers);
    j->n_hits = SL_NEW_ARRAY(int64_t, j->round);
    if (sl_mul_size(&n_hits, (size_t)j->round, (size_t)j->k)) {
        j->score = sl_alloc(n_hits, sizeof *j->score);
        j->row = sl_alloc(n_hits, sizeof *j->row);
    }
    if (!j->worker || !j->n_hits || !j->score || !j->row)
        return sl_fail_nomem(err, "a search");
    for (int i = 0; i < j->n_workers; i++)
        SL_TRY(sl_bm25_search_new(&j->worker[i], &j->ix, o->k1, o->b, j->k,
                                  longest, err));
    return SIMLM_OK;
}

static void write_round(const struct search_job *j, int64_t n,
                        struct sl_run_writer *w)
{
    char buf[SL_DOCID_BUF];

    for (int64_t i = 0; i < n; i++)
        for (int64_t h = 0; h < j->n_hits[i]; h++)
            sl_run_writer_add(w, sl_queries_id(j->queries, j->first + i),
                              sl_bm25_id(&j->ix, j->row[i * j->k + h], buf),
                              h + 1, (double)j->score[i * j->k + h]);
}

static void progress(const simlm_observer *obs, int64_t done, int64_t n)
{
    sl_observe_progress(obs, "searching", done, n, "queries");
}

static simlm_status search_all(struct search_job *j, struct sl_run_writer *w,
                               const simlm_observer *obs, simlm_error *err)
{
    int64_t n = sl_queries_count(j->queries);

    progress(obs, 0, n);
    for (; j->first < n; j->first += j->round) {
        int64_t left = n - j->first, now = left < j->round ? left : j->round;

        sl_parallel_for(now, QUERIES_A_RANGE, search_range, j);
        write_round(j, now, w);
        progress(obs, j->first + now, n);
        SL_TRY(stopped(obs, err));
    }
    return SIMLM_OK;
}

simlm_status sl_bm25_search_file(const simlm_bm25_search_options *o,
                                 const simlm_observer *obs, simlm_error *err)
{
    struct search_job j = {.k = 0};
    struct sl_run_writer w = {0};
    simlm_status st;

    sl_parallel_set_threads(o->threads);
    st = sl_bm25_open(&j.ix, o->index, err);
    if (st == SIMLM_OK)
        st = sl_queries_load(&j.queries, o->queries, err);
    if (st == SIMLM_OK)
        st = prepare(&j, o, err);
    if (st == SIMLM_OK)
        st = sl_run_writer_open(&w, o->output, (enum sl_run_format)o->format,
                                o->tag, err);
    if (st == SIMLM_OK) {
        st = search_all(&j, &w, obs, err);
        if (st == SIMLM_OK)
            st = sl_run_writer_commit(&w, err);
        else
            sl_run_writer_abort(&w);
    }
    for (int i = 0; j.worker && i < j.n_workers; i++)
        sl_bm25_search_free(j.worker[i]);
    sl_free(j.worker);
    sl_free(j.n_hits);
    sl_free(j.score);
    sl_free(j.row);
    sl_queries_free(j.queries);
    sl_bm25_close(&j.ix);
    return st;
}
