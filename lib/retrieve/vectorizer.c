#include "retrieve/vectorizer.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "model/encoder.h"

enum {
    SHORTEST = 3, /* [CLS] [SEP] [SEP] */
    GRAIN = 16    /* texts tokenized by one task */
};

struct sl_vectorizer {
    const struct sl_retriever *r;
    struct sl_backend *be;
    struct sl_bert bert; /* the retriever's, but computing with our backend */
    struct sl_encoder *enc;
    int64_t max_texts, max_len, batch_tokens, max_seqs;
    int64_t length[2]; /* by side */
    size_t bytes;

    /* A call's texts, tokenized. */
    int32_t *ids, *types; /* [max_texts, max_len] */
    int32_t *len;         /* [max_texts] -1: out of memory */
    int32_t *order;       /* [max_texts] by length, longest first */
    int32_t *count;       /* [max_len + 2] for the sort */
    float *sorted;        /* [max_texts, D] vectors in that order */

    /* A batch. */
    int32_t *batch_ids, *batch_types; /* [batch_tokens] */
    int32_t *start;                   /* [max_seqs + 1] */

    struct sl_compose_scratch *scratch; /* [n_workers] */
    int n_workers;
};

static void *take(struct sl_vectorizer *v, int64_t n, int64_t m, size_t size,
                  bool *ok)
{
    size_t count, bytes;
    void *p = NULL;

    if (sl_mul_size(&count, (size_t)n, (size_t)m) &&
        sl_mul_size(&bytes, count, size)) {
        p = sl_calloc(count, size);
        v->bytes += bytes;
    }
    if (!p)
        *ok = false;
    return p;
}

/* One scratch a worker of the calling thread's loops. */
static bool ensure_workers(struct sl_vectorizer *v)
{
    int n = sl_parallel_threads();
    struct sl_compose_scratch *s;

    if (n <= v->n_workers)
        return true;
    s = SL_NEW_ARRAY(struct sl_compose_scratch, n);
    if (!s)
        return false;
    for (int i = 0; i < v->n_workers; i++)
        s[i] = v->scratch[i];
    sl_free(v->scratch);
    v->scratch = s;
    while (v->n_workers < n)
        if (!sl_compose_reserve(&s[v->n_workers++]))
            return false;
    return true;
}

static simlm_status choose_length(struct sl_vectorizer *v, enum sl_side side,
                                  int64_t asked, simlm_error *err)
{
    int64_t most = v->r->bert->cfg.positions;
    int64_t n = asked ? asked : sl_compose_max(v->r, side);

    if (n < SHORTEST || n > most)
        return sl_fail(err, SIMLM_E_RANGE,
                       "'%s': a maximum length of %" PRId64
                       " is not possible with this model: 3 to %" PRId64,
                       v->r->path, n, most);
    v->length[side] = n;
    if (v->max_len < n)
        v->max_len = n;
    return SIMLM_OK;
}

static simlm_status take_scratch(struct sl_vectorizer *v, simlm_error *err)
{
    int64_t n = v->max_texts, D = sl_retriever_dim(v->r);
    bool ok = true;

    v->bytes = sizeof *v;
    v->ids = take(v, n, v->max_len, sizeof *v->ids, &ok);
    v->types = take(v, n, v->max_len, sizeof *v->types, &ok);
    v->len = take(v, n, 1, sizeof *v->len, &ok);
    v->order = take(v, n, 1, sizeof *v->order, &ok);
    v->count = take(v, v->max_len + 2, 1, sizeof *v->count, &ok);
    v->sorted = take(v, n, D, sizeof *v->sorted, &ok);
    v->batch_ids = take(v, v->batch_tokens, 1, sizeof *v->batch_ids, &ok);
    v->batch_types = take(v, v->batch_tokens, 1, sizeof *v->batch_types, &ok);
    v->start = take(v, v->max_seqs + 1, 1, sizeof *v->start, &ok);
    if (!ok || !ensure_workers(v))
        return sl_fail_nomem(err, "an encoder");
    return SIMLM_OK;
}

simlm_status sl_vectorizer_new(struct sl_vectorizer **out,
                               const struct sl_retriever *r,
                               const struct sl_vectorizer_options *o,
                               simlm_error *err)
{
    struct sl_vectorizer *v = SL_NEW(struct sl_vectorizer);
    simlm_status st;

    SL_ASSERT(o->max_texts >= 1 && o->batch_tokens >= 1);
    if (!v)
        return sl_fail_nomem(err, "an encoder");
    v->r = r;
    v->max_texts = o->max_texts;
    st = choose_length(v, SL_SIDE_QUERY, o->query_length, err);
    if (st == SIMLM_OK)
        st = choose_length(v, SL_SIDE_PASSAGE, o->passage_length, err);
    if (st < 0)
        goto out;
    /* A batch holds a longest text, and no more than all texts. */
    v->batch_tokens = o->batch_tokens;
    if (v->batch_tokens > v->max_texts * v->max_len)
        v->batch_tokens = v->max_texts * v->max_len;
    if (v->batch_tokens < v->max_len)
        v->batch_tokens = v->max_len;
    v->max_seqs = v->batch_tokens / 2; /* no text is shorter */
    if (v->max_seqs > v->max_texts)
        v->max_seqs = v->max_texts;
    st = take_scratch(v, err);
    /* A backend has scratch of its own, so a thread needs its own backend; the
     * weights, in host memory, serve all. */
    if (st == SIMLM_OK)
        st = sl_backend_open_sibling(&v->be, r->be, err);
    if (st < 0)
        goto out;
    v->bert = *r->bert;
    v->bert.be = v->be;
    st = sl_encoder_new(&v->enc, &v->bert, v->batch_tokens, v->max_seqs,
                        r->profile.pooling, r->profile.normalize, err);
out:
    if (st < 0)
        sl_vectorizer_free(v);
    else
        *out = v;
    return st;
}

void sl_vectorizer_free(struct sl_vectorizer *v)
{
    if (!v)
        return;
    sl_encoder_free(v->enc);
    sl_backend_close(v->be);
    for (int i = 0; i < v->n_workers; i++)
        sl_compose_free(&v->scratch[i]);
    sl_free(v->scratch);
    sl_free(v->ids);
    sl_free(v->types);
    sl_free(v->len);
    sl_free(v->order);
    sl_free(v->count);
    sl_free(v->sorted);
    sl_free(v->batch_ids);
    sl_free(v->batch_types);
    sl_free(v->start);
    sl_free(v);
}

size_t sl_vectorizer_bytes(const struct sl_vectorizer *v)
{
    return v->bytes + sl_encoder_bytes(v->enc);
}

int64_t sl_vectorizer_length(const struct sl_vectorizer *v, enum sl_side side)
{
    return v->length[side];
}

const char *sl_vectorizer_backend(const struct sl_vectorizer *v)
{
    return v->be->name;
}

struct tokenize_task {
    struct sl_vectorizer *v;
    enum sl_side side;
    const struct sl_text *text;
};

static void tokenize_range(void *ctx, int64_t begin, int64_t end)
{
    const struct tokenize_task *t = ctx;
    struct sl_vectorizer *v = t->v;

    for (int64_t i = begin; i < end; i++)
        v->len[i] = (int32_t)sl_compose(
            v->r, t->side, &t->text[i], v->length[t->side],
            v->ids + i * v->max_len, v->types + i * v->max_len,
            &v->scratch[sl_parallel_worker()]);
}

/* order <- the texts, longest first, equal ones as they came. */
static void sort_by_length(struct sl_vectorizer *v, int64_t n)
{
    int32_t at = 0;

    memset(v->count, 0, (size_t)(v->max_len + 2) * sizeof *v->count);
    for (int64_t i = 0; i < n; i++)
        v->count[v->len[i]]++;
    for (int64_t len = v->max_len; len >= 0; len--) {
        int32_t here = v->count[len];

        v->count[len] = at;
        at += here;
    }
    for (int64_t i = 0; i < n; i++)
        v->order[v->count[v->len[i]]++] = (int32_t)i;
}

/* Pack texts order[first ..] until the budget is spent; returns how many. */
static int64_t pack_batch(struct sl_vectorizer *v, struct sl_tokens *t,
                          int64_t first, int64_t n)
{
    int64_t N = 0, seqs = 0;

    v->start[0] = 0;
    while (first + seqs < n && seqs < v->max_seqs) {
        int64_t i = v->order[first + seqs], len = v->len[i];

        if (N + len > v->batch_tokens)
            break;
        memcpy(v->batch_ids + N, v->ids + i * v->max_len,
               (size_t)len * sizeof *v->ids);
        memcpy(v->batch_types + N, v->types + i * v->max_len,
               (size_t)len * sizeof *v->types);
        N += len;
        v->start[++seqs] = (int32_t)N;
    }
    *t = (struct sl_tokens){.n = seqs,
                            .N = N,
                            .start = v->start,
                            .ids = v->batch_ids,
                            .types = v->batch_types};
    return seqs;
}

static simlm_status tell(struct sl_meter *m, int64_t n, simlm_error *err)
{
    if (!m)
        return SIMLM_OK;
    m->done += n;
    if (!m->obs)
        return SIMLM_OK;
    if (m->obs->progress)
        m->obs->progress(m->obs->ctx, m->phase, m->done, m->total, m->unit);
    if (m->obs->cancelled && m->obs->cancelled(m->obs->ctx))
        return sl_fail(err, SIMLM_E_CANCELLED, "stopped on request");
    return SIMLM_OK;
}

simlm_status sl_vectorizer_run(struct sl_vectorizer *v, float *vec,
                               enum sl_side side, const struct sl_text *text,
                               int64_t n, struct sl_meter *meter,
                               simlm_error *err)
{
    struct tokenize_task task = {v, side, text};
    int64_t D = sl_retriever_dim(v->r);

    SL_ASSERT(n >= 0 && n <= v->max_texts);
    if (!ensure_workers(v))
        return sl_fail_nomem(err, "the tokens of a text");
    sl_parallel_for(n, GRAIN, tokenize_range, &task);
    for (int64_t i = 0; i < n; i++)
        if (v->len[i] < 0)
            return sl_fail_nomem(err, "the tokens of a text");
    sort_by_length(v, n);
    for (int64_t at = 0; at < n;) {
        struct sl_tokens batch;
        int64_t m = pack_batch(v, &batch, at, n);

        SL_TRY(sl_encoder_encode(v->enc, v->sorted + at * D, &batch, err));
        SL_TRY(tell(meter, m, err));
        at += m;
    }
    for (int64_t i = 0; i < n; i++)
        memcpy(vec + v->order[i] * D, v->sorted + i * D,
               (size_t)D * sizeof *vec);
    return SIMLM_OK;
}
