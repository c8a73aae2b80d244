/*
 * retrieve/encode_job.c - a file of passages or queries to a directory of
 * embeddings (spec 4.1).
 *
 *     corpus blocks --> slices --> vectorizer --> window --> rowstore
 *                                                 save_every rows
 *
 * The input is streamed: what is in memory is a block of texts and a window of
 * vectors.  A window that is full is saved; a job that is killed loses at most
 * the window it was in, one that is asked to stop the slice.  On the way up again
 * the rows that are saved are skipped over (their ids are still collected).
 *
 * Of several ranks each encodes its share of the rows of a window, contiguous
 * ones, and rank 0 writes; a vector is the same bits wherever it is made.
 *
 * Unlike the reference, texts are encoded sorted by length within a slice, in
 * batches of so many tokens, and ids are kept.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <simlm/version.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/observe.h"
#include "base/parallel.h"
#include "comm/comm.h"
#include "data/corpus.h"
#include "data/queries.h"
#include "format/json.h"
#include "retrieve/retrieve_jobs.h"
#include "retrieve/rowstore.h"
#include "retrieve/vectorizer.h"

/* Texts sorted and encoded together, and multiplications for a token of all: of a
 * large model fewer texts, so that a stop loses no minutes.  (BERT-base: 588.) */
enum { SLICE_MIN = 256, SLICE_MAX = 4096 };
static const int64_t SLICE_WORK = 50000000000;

struct encode_job {
    const simlm_encode_options *o;
    const simlm_observer *obs;
    struct sl_retriever model;
    struct sl_vectorizer *v;
    struct sl_rowstore store;
    uint64_t model_hash, input_hash;
    enum sl_side side;
    struct sl_meter meter;
    struct sl_str ids;     /* ids.txt */
    struct sl_text *slice; /* [slice_max] */
    int64_t slice_max;
    float *window;                   /* [save_every, D] */
    int64_t in_window;               /* rows of it */
    int64_t row;                     /* of the input, next */
    int64_t bytes_read, bytes_total; /* of the corpus's files */
};

/* ---- configuration ------------------------------------------------------- */

static void add_hex(struct sl_json_writer *w, const char *key, uint64_t x)
{
    char hex[17];

    sl_rowstore_key_text(hex, x);
    sl_json_add_text(w, key, hex);
}

/* What the bits of the result depend on. */
static uint64_t key_of(const struct encode_job *j)
{
    char text[256];
    int n = snprintf(text, sizeof text,
                     "1|%" PRIx64 "|%" PRIx64 "|%d|%" PRId64 "|%" PRId64 "|%s",
                     j->model_hash, j->input_hash, (int)j->side,
                     sl_vectorizer_length(j->v, j->side), j->o->shard_size,
                     sl_vectorizer_backend(j->v));

    SL_ASSERT(n > 0 && (size_t)n < sizeof text);
    return sl_hash64(text, (size_t)n, 0);
}

static void describe(const struct encode_job *j, struct sl_str *out)
{
    static const char *const pooling[] = {"cls", "mean"};
    static const char *const form[] = {"pair", "joined"};
    static const char *const precision[] = {"fp32", "bf16"};
    const struct sl_profile *p = &j->model.profile;
    struct sl_json_writer w = {.s = out, .indent = 2};
    bool query = j->side == SL_SIDE_QUERY;

    sl_json_begin(&w, NULL, '{');
    sl_json_add_text(&w, "simlm", SIMLM_VERSION);
    add_hex(&w, "key", j->store.key);
    sl_json_add_text(&w, "side", query ? "query" : "passage");
    sl_json_add_text(&w, "model", j->model.path);
    add_hex(&w, "model_hash", j->model_hash);
    sl_json_begin(&w, "input", '[');
    for (int32_t i = 0; i < j->o->n_inputs; i++)
        sl_json_add_text(&w, NULL, j->o->input[i]);
    sl_json_end(&w);
    add_hex(&w, "input_hash", j->input_hash);
    sl_json_add_int(&w, "rows", j->row);
    sl_json_add_int(&w, "dim", sl_retriever_dim(&j->model));
    sl_json_add_int(&w, "shard_size", j->o->shard_size);
    sl_json_add_int(&w, "max_length", sl_vectorizer_length(j->v, j->side));
    sl_json_add_text(&w, "pooling", pooling[p->pooling]);
    sl_json_add_bool(&w, "normalize", p->normalize);
    if (!query) {
        sl_json_add_text(&w, "passage_form", form[p->form]);
        sl_json_add_text(&w, "missing_title", p->missing_title);
    }
    sl_json_add_text(&w, "prompt", query ? p->query_prompt : p->passage_prompt);
    sl_json_add_text(&w, "precision", precision[j->o->precision]);
    sl_json_add_text(&w, "backend", sl_vectorizer_backend(j->v));
    sl_json_end(&w);
    sl_str_putc(out, '\n');
}

/* ---- texts --------------------------------------------------------------- */

static simlm_status save_window(struct encode_job *j, simlm_error *err)
{
    int64_t n = j->in_window;

    j->in_window = 0;
    if (!sl_comm_first()) {
        j->store.rows += n; /* as rank 0's has them */
        return SIMLM_OK;
    }
    return sl_rowstore_save(&j->store, j->window, n, err);
}

/* vec [n, D] <- the vectors of n texts, of which each rank encodes a share. */
static simlm_status encode_texts(struct encode_job *j, float *vec,
                                 const struct sl_text *text, int64_t n,
                                 simlm_error *err)
{
    int64_t D = sl_retriever_dim(&j->model), begin, end;

    sl_comm_share(&begin, &end, n);
    SL_TRY(sl_vectorizer_run(j->v, vec + begin * D, j->side, text + begin,
                             end - begin, &j->meter, err));
    SL_TRY(sl_comm_gather_shares(vec, n, (size_t)D * sizeof *vec, err));
    return sl_meter_tell(&j->meter, n - (end - begin), err);
}

/* Encode slice[0 .. n - 1], of which `skip` are saved already. */
static simlm_status encode_slice(struct encode_job *j, int64_t n, int64_t skip,
                                 simlm_error *err)
{
    int64_t D = sl_retriever_dim(&j->model);

    for (int64_t at = skip; at < n;) {
        int64_t room = j->o->save_every - j->in_window;
        int64_t m = n - at < room ? n - at : room;

        SL_TRY(encode_texts(j, j->window + j->in_window * D, j->slice + at, m,
                            err));
        j->in_window += m;
        at += m;
        if (j->in_window == j->o->save_every)
            SL_TRY(save_window(j, err));
    }
    return SIMLM_OK;
}

/* The next row's id; what ids.txt cannot hold is refused. */
static simlm_status keep_id(struct encode_job *j, const char *id, int64_t row,
                            simlm_error *err)
{
    if (!*id || strpbrk(id, "\r\n"))
        return sl_fail(err, SIMLM_E_FORMAT,
                       "row %" PRId64
                       ": its id is empty or holds a line end, so ids.txt "
                       "cannot",
                       row);
    sl_str_puts(&j->ids, id);
    sl_str_putc(&j->ids, '\n');
    if (!sl_str_ok(&j->ids))
        return sl_fail_nomem(err, "the ids");
    return SIMLM_OK;
}

/* The rows of the slice that starts at j->row and that are saved already. */
static int64_t rows_to_skip(const struct encode_job *j, int64_t n)
{
    int64_t saved = j->store.rows + j->in_window - j->row;

    return saved < 0 ? 0 : saved < n ? saved : n;
}

static simlm_status encode_block(struct encode_job *j,
                                 const struct sl_passage_block *b,
                                 simlm_error *err)
{
    for (int64_t at = 0; at < b->n;) {
        int64_t n = b->n - at < j->slice_max ? b->n - at : j->slice_max;

        for (int64_t i = 0; i < n; i++) {
            const struct sl_passage *p = &b->passage[at + i];

            j->slice[i] = (struct sl_text){p->contents, p->title,
                                           p->contents_len, p->title_len};
            SL_TRY(keep_id(j, p->id, j->row + i, err));
        }
        SL_TRY(encode_slice(j, n, rows_to_skip(j, n), err));
        j->row += n;
        at += n;
    }
    return SIMLM_OK;
}

static void note_bytes(void *ctx, const char *phase, int64_t done,
                       int64_t total, const char *unit)
{
    struct encode_job *j = ctx;

    (void)phase;
    (void)unit;
    j->bytes_read = done;
    j->bytes_total = total;
}

/*
 * How many passages there are is known when all are read; until then it is
 * told from the share of the files' bytes that is.
 */
static void estimate_total(struct encode_job *j,
                           const struct sl_passage_block *b)
{
    double rows = (double)(b->first_row + b->n);

    if (j->bytes_read > 0 && j->bytes_read < j->bytes_total)
        rows *= (double)j->bytes_total / (double)j->bytes_read;
    j->meter.total = (int64_t)rows;
}

static simlm_status encode_passages(struct encode_job *j, simlm_error *err)
{
    simlm_observer inner = {.ctx = j, .progress = note_bytes};
    struct sl_corpus_reader *in = NULL;
    struct sl_passage_block b;
    simlm_status st;

    SL_TRY(
        sl_corpus_reader_open(&in, j->o->input, j->o->n_inputs, &inner, err));
    while ((st = sl_corpus_reader_next(in, &b, err)) == SIMLM_OK && b.n) {
        estimate_total(j, &b);
        st = encode_block(j, &b, err);
        if (st < 0)
            break;
    }
    sl_corpus_reader_close(in);
    return st;
}

static simlm_status encode_queries(struct encode_job *j, simlm_error *err)
{
    struct sl_queries *q = NULL;
    simlm_status st = sl_queries_load(&q, j->o->input[0], err);

    if (st < 0)
        return st;
    j->meter.total = sl_queries_count(q);
    while (st == SIMLM_OK && j->row < j->meter.total) {
        int64_t left = j->meter.total - j->row;
        int64_t n = left < j->slice_max ? left : j->slice_max;

        for (int64_t i = 0; i < n && st == SIMLM_OK; i++) {
            struct sl_text *t = &j->slice[i];

            *t = (struct sl_text){0};
            t->text = sl_queries_text(q, j->row + i, &t->text_len);
            st = keep_id(j, sl_queries_id(q, j->row + i), j->row + i, err);
        }
        if (st == SIMLM_OK)
            st = encode_slice(j, n, rows_to_skip(j, n), err);
        j->row += n;
    }
    sl_queries_free(q);
    return st;
}

/* ---- the job ------------------------------------------------------------- */

/* Rank 0 has it; the others hear what it holds. */
static simlm_status open_store(struct encode_job *j, simlm_error *err)
{
    uint64_t key = key_of(j);

    SL_TRY(sl_comm_same_job(key, sl_vectorizer_backend(j->v), err));
    if (sl_comm_first())
        SL_TRY(sl_rowstore_open(&j->store, j->o->output, key,
                                sl_retriever_dim(&j->model), j->o->shard_size,
                                j->o->overwrite, err));
    sl_comm_broadcast(&j->store.rows, sizeof j->store.rows);
    sl_comm_broadcast(&j->store.finished, sizeof j->store.finished);
    return SIMLM_OK;
}

/* By the model alone, so that ranks have the same slices. */
static int64_t choose_slice(const struct sl_config *c)
{
    int64_t n =
        SLICE_WORK / (c->layers * c->hidden * (4 * c->hidden + 2 * c->ffn));

    return n < SLICE_MIN ? SLICE_MIN : n > SLICE_MAX ? SLICE_MAX : n;
}

static simlm_status set_up(struct encode_job *j, simlm_error *err)
{
    const simlm_encode_options *o = j->o;
    struct sl_vectorizer_options vo = {.batch_tokens = o->batch_tokens};
    int64_t *length =
        j->side == SL_SIDE_QUERY ? &vo.query_length : &vo.passage_length;
    size_t floats;

    *length = o->max_length;
    SL_TRY(sl_corpus_hash(&j->input_hash, o->input, o->n_inputs, err));
    SL_TRY(sl_retriever_open(&j->model, o->model, o->precision, err));
    SL_TRY(sl_retriever_hash(&j->model, &j->model_hash, err));
    vo.max_texts = j->slice_max = choose_slice(&j->model.bert->cfg);
    SL_TRY(sl_vectorizer_new(&j->v, &j->model, &vo, err));
    j->slice = SL_NEW_ARRAY(struct sl_text, j->slice_max);
    if (sl_mul_size(&floats, (size_t)o->save_every,
                    (size_t)sl_retriever_dim(&j->model)))
        j->window = sl_alloc(floats, sizeof *j->window);
    if (!j->slice || !j->window)
        return sl_fail_nomem(err, "a window of vectors");
    return open_store(j, err);
}

static simlm_status encode_all(struct encode_job *j, simlm_error *err)
{
    struct sl_str config = {0};
    simlm_status st;

    j->meter = (struct sl_meter){.obs = j->obs,
                                 .phase = "encoding",
                                 .unit = j->side == SL_SIDE_QUERY ? "queries"
                                                                  : "passages",
                                 .done = j->store.rows};
    sl_observe_progress(j->obs, j->meter.phase, j->meter.done, 0,
                        j->meter.unit);
    if (j->store.rows)
        sl_observe_message(j->obs, SIMLM_INFO,
                           "'%s': continuing after %" PRId64 " rows",
                           j->o->output, j->store.rows);
    st = j->side == SL_SIDE_QUERY ? encode_queries(j, err)
                                  : encode_passages(j, err);
    if (st == SIMLM_OK)
        st = save_window(j, err);
    else if (st == SIMLM_E_CANCELLED)
        save_window(j, NULL); /* what is done in whole slices */
    if (st == SIMLM_OK && sl_comm_first()) {
        describe(j, &config);
        st = sl_rowstore_finish(&j->store, &j->ids, &config, err);
    }
    if (st == SIMLM_OK)
        sl_observe_message(j->obs, SIMLM_INFO,
                           "'%s': %" PRId64 " vectors of %" PRId64 " numbers",
                           j->o->output, j->row, sl_retriever_dim(&j->model));
    sl_str_free(&config);
    return st;
}

simlm_status sl_encode_files(const simlm_encode_options *o,
                             const simlm_observer *obs, simlm_error *err)
{
    struct encode_job j = {.o = o, .obs = obs, .store = {.fd = -1}};
    simlm_status st;

    j.side = o->side == SIMLM_QUERY ? SL_SIDE_QUERY : SL_SIDE_PASSAGE;
    sl_parallel_set_threads(o->threads);
    st = set_up(&j, err);
    if (st == SIMLM_OK && j.store.finished)
        sl_observe_message(obs, SIMLM_INFO,
                           "'%s' is finished already: nothing to do",
                           o->output);
    else if (st == SIMLM_OK)
        st = encode_all(&j, err);
    sl_rowstore_close(&j.store);
    sl_vectorizer_free(j.v);
    sl_retriever_close(&j.model);
    sl_str_free(&j.ids);
    sl_free(j.slice);
    sl_free(j.window);
    return st;
}
