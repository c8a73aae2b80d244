#include "retrieve/batches.h"

#include <string.h>

#include "base/alloc.h"
#include "base/observe.h"
#include "base/parallel.h"

enum { GRAIN = 16 }; /* texts tokenized by one task */

static void *take(struct sl_batches *b, int64_t n, int64_t m, size_t size,
                  bool *ok)
{
    size_t count, bytes;
    void *p = NULL;

    if (sl_mul_size(&count, (size_t)n, (size_t)m) &&
        sl_mul_size(&bytes, count, size)) {
        p = sl_calloc(count, size);
        b->bytes += bytes;
    }
    if (!p)
        *ok = false;
    return p;
}

/* One scratch a worker of the calling thread's loops. */
static bool ensure_workers(struct sl_batches *b)
{
    int n = sl_parallel_threads();
    struct sl_compose_scratch *s;

    if (n <= b->n_workers)
        return true;
    s = SL_NEW_ARRAY(struct sl_compose_scratch, n);
    if (!s)
        return false;
    for (int i = 0; i < b->n_workers; i++)
        s[i] = b->scratch[i];
    sl_free(b->scratch);
    b->scratch = s;
    while (b->n_workers < n)
        if (!sl_compose_reserve(&s[b->n_workers++]))
            return false;
    return true;
}

simlm_status sl_batches_init(struct sl_batches *b, int64_t max_texts,
                             int64_t max_len, int64_t batch_tokens,
                             simlm_error *err)
{
    bool ok = true;

    *b = (struct sl_batches){.max_texts = max_texts,
                             .max_len = max_len,
                             .batch_tokens = batch_tokens};
    if (b->batch_tokens > max_texts * max_len)
        b->batch_tokens = max_texts * max_len;
    if (b->batch_tokens < max_len)
        b->batch_tokens = max_len;
    b->max_seqs = b->batch_tokens / 2; /* no text is shorter */
    if (b->max_seqs > max_texts)
        b->max_seqs = max_texts;
    b->ids = take(b, max_texts, max_len, sizeof *b->ids, &ok);
    b->types = take(b, max_texts, max_len, sizeof *b->types, &ok);
    b->len = take(b, max_texts, 1, sizeof *b->len, &ok);
    b->order = take(b, max_texts, 1, sizeof *b->order, &ok);
    b->count = take(b, max_len + 2, 1, sizeof *b->count, &ok);
    b->batch_ids = take(b, b->batch_tokens, 1, sizeof *b->batch_ids, &ok);
    b->batch_types = take(b, b->batch_tokens, 1, sizeof *b->batch_types, &ok);
    b->start = take(b, b->max_seqs + 1, 1, sizeof *b->start, &ok);
    if (!ok || !ensure_workers(b))
        return sl_fail_nomem(err, "an encoder");
    return SIMLM_OK;
}

void sl_batches_free(struct sl_batches *b)
{
    for (int i = 0; i < b->n_workers; i++)
        sl_compose_free(&b->scratch[i]);
    sl_free(b->scratch);
    sl_free(b->ids);
    sl_free(b->types);
    sl_free(b->len);
    sl_free(b->order);
    sl_free(b->count);
    sl_free(b->batch_ids);
    sl_free(b->batch_types);
    sl_free(b->start);
    *b = (struct sl_batches){0};
}

struct tokenize_task {
    struct sl_batches *b;
    sl_batches_fn *fn;
    const void *ctx;
};

static void tokenize_range(void *ctx, int64_t begin, int64_t end)
{
    const struct tokenize_task *t = ctx;
    struct sl_batches *b = t->b;

    for (int64_t i = begin; i < end; i++)
        b->len[i] = (int32_t)t->fn(t->ctx, i, b->ids + i * b->max_len,
                                   b->types + i * b->max_len,
                                   &b->scratch[sl_parallel_worker()]);
}

/* order <- the texts, longest first, equal ones as they came. */
static void sort_by_length(struct sl_batches *b)
{
    int32_t at = 0;

    memset(b->count, 0, (size_t)(b->max_len + 2) * sizeof *b->count);
    for (int64_t i = 0; i < b->n; i++)
        b->count[b->len[i]]++;
    for (int64_t len = b->max_len; len >= 0; len--) {
        int32_t here = b->count[len];

        b->count[len] = at;
        at += here;
    }
    for (int64_t i = 0; i < b->n; i++)
        b->order[b->count[b->len[i]]++] = (int32_t)i;
}

simlm_status sl_batches_fill(struct sl_batches *b, int64_t n, sl_batches_fn *fn,
                             const void *ctx, simlm_error *err)
{
    struct tokenize_task task = {b, fn, ctx};

    SL_ASSERT(n >= 0 && n <= b->max_texts);
    b->n = n;
    if (!ensure_workers(b))
        return sl_fail_nomem(err, "the tokens of a text");
    sl_parallel_for(n, GRAIN, tokenize_range, &task);
    for (int64_t i = 0; i < n; i++)
        if (b->len[i] < 0)
            return sl_fail_nomem(err, "the tokens of a text");
    sort_by_length(b);
    return SIMLM_OK;
}

int64_t sl_batches_pack(struct sl_batches *b, struct sl_tokens *t,
                        int64_t first)
{
    int64_t N = 0, seqs = 0;

    b->start[0] = 0;
    while (first + seqs < b->n && seqs < b->max_seqs) {
        int64_t i = b->order[first + seqs], len = b->len[i];

        if (N + len > b->batch_tokens)
            break;
        memcpy(b->batch_ids + N, b->ids + i * b->max_len,
               (size_t)len * sizeof *b->ids);
        memcpy(b->batch_types + N, b->types + i * b->max_len,
               (size_t)len * sizeof *b->types);
        N += len;
        b->start[++seqs] = (int32_t)N;
    }
    *t = (struct sl_tokens){.n = seqs,
                            .N = N,
                            .start = b->start,
                            .ids = b->batch_ids,
                            .types = b->batch_types};
    return seqs;
}

void sl_meter_begin_batch(struct sl_meter *m)
{
    if (m && !m->tokens)
        clock_gettime(CLOCK_MONOTONIC, &m->began);
}

void sl_meter_end_batch(struct sl_meter *m, int64_t tokens)
{
    struct timespec now;
    double t;

    if (!m)
        return;
    m->tokens += tokens;
    clock_gettime(CLOCK_MONOTONIC, &now);
    t = (double)(now.tv_sec - m->began.tv_sec) +
        1e-9 * (double)(now.tv_nsec - m->began.tv_nsec);
    if (t > 0)
        sl_observe_figure(m->obs, "tokens/s", (double)m->tokens / t);
}

simlm_status sl_meter_tell(struct sl_meter *m, int64_t n, simlm_error *err)
{
    if (!m)
        return SIMLM_OK;
    m->done += n;
    sl_observe_progress(m->obs, m->phase, m->done, m->total, m->unit);
    if (sl_observe_cancelled(m->obs))
        return sl_fail(err, SIMLM_E_CANCELLED, "stopped on request");
    return SIMLM_OK;
}
