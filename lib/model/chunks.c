#include "model/chunks.h"

#include "base/alloc.h"
#include "comm/comm.h"

simlm_status sl_chunks_init(struct sl_chunks *c, struct sl_bert *m,
                            const struct sl_session_options *o,
                            int64_t max_list, simlm_error *err)
{
    *c = (struct sl_chunks){0};
    c->m = m;
    SL_TRY(sl_session_init(&c->s, m, o->max_tokens, o->max_seqs, err));
    c->start = SL_NEW_ARRAY(int32_t, c->s.batch.max_n + 1);
    c->key = SL_NEW_ARRAY(uint64_t, max_list);
    if (!c->start || !c->key)
        return sl_fail_nomem(err, "a session");
    for (int64_t i = 0; i < max_list; i++)
        c->key[i] = (uint64_t)i;
    return SIMLM_OK;
}

void sl_chunks_release(struct sl_chunks *c)
{
    sl_session_release(&c->s);
    sl_free(c->start);
    sl_free(c->key);
}

void sl_chunks_carve(struct sl_chunks *c, enum sl_keep keep,
                     enum sl_pooling pooling)
{
    struct sl_session *s = &c->s;
    const struct sl_backend *be = s->m->be;
    int64_t N = s->batch.max_N;

    sl_body_carve(s, &c->body, keep, sl_session_pooled(s, pooling));
    if (keep == SL_KEEP_NOTHING)
        return;
    sl_layer_scratch_carve(&s->acts, &c->scratch, be, &s->shape, N);
    c->d = sl_take_act(&s->acts, be, N * s->shape.D);
}

/* How many sequences from `first` on fit one chunk; at least one. */
static int64_t length(const struct sl_chunks *c, const struct sl_tokens *t,
                      int64_t first)
{
    const struct sl_batch *b = &c->s.batch;
    int64_t end = c->end, n = 1;

    if (first < c->n_queries && c->n_queries < end)
        end = c->n_queries;

    while (n < b->max_n && first + n < end &&
           t->start[first + n + 1] - t->start[first] <= b->max_N)
        n++;
    return n;
}

/* task hears of the chunk's results, and activations stay for backward(). */
static simlm_status forward(struct sl_chunks *c, const struct sl_pass *p,
                            const struct sl_chunk_task *task,
                            const struct sl_tokens *t, int64_t first, int64_t n,
                            simlm_error *err)
{
    struct sl_tokens part = sl_tokens_slice(t, first, n, c->start);

    part.key = (t->key ? t->key : c->key) + first;
    if (c->n_queries)
        c->s.m = sl_bert_of(c->m, first < c->n_queries ? SL_SIDE_QUERY
                                                       : SL_SIDE_PASSAGE);
    SL_TRY(sl_session_set(&c->s, &part, err));
    sl_session_choose_first(&c->s, &part);
    c->hidden = sl_body_forward(&c->s, p, &c->body);
    task->take(task->self, p, c->hidden, first, n);
    return SIMLM_OK;
}

/* Of the chunk that was last given to forward().  none_left: it is the step's
 * last. */
static void backward(struct sl_chunks *c, const struct sl_pass *p,
                     const struct sl_chunk_task *task, int64_t first, int64_t n,
                     bool none_left)
{
    struct sl_pass pass = *p;

    pass.watch = none_left ? p->watch : NULL;
    task->give(task->self, &pass, c->d, c->hidden, first, n);
    sl_body_backward(&c->s, &pass, &c->body, &c->scratch, c->d);
}

/* The first of the passages, where queries have an encoder of their own. */
static int64_t last_chunk(const struct sl_chunks *c)
{
    return c->begin < c->n_queries && c->n_queries < c->end ? c->n_queries
                                                            : c->begin;
}

/* One chunk last: so a full chunk's activations, not a remainder's, are there
 * when the way back begins. */
simlm_status sl_chunks_forward(struct sl_chunks *c, const struct sl_pass *p,
                               const struct sl_chunk_task *task,
                               const struct sl_tokens *t, simlm_error *err)
{
    int64_t last;

    c->begin = 0;
    c->end = t->n;
    if (task->shared)
        sl_comm_share_tokens(&c->begin, &c->end, t->start, t->n);
    if (c->begin == c->end)
        return SIMLM_OK;
    last = last_chunk(c);
    for (int64_t first = c->begin, n; first < c->end; first += n) {
        n = length(c, t, first);
        if (first != last)
            SL_TRY(forward(c, p, task, t, first, n, err));
    }
    return forward(c, p, task, t, last, length(c, t, last), err);
}

static int64_t count(const struct sl_chunks *c, const struct sl_tokens *t)
{
    int64_t n = 0;

    for (int64_t first = c->begin; first < c->end; first += length(c, t, first))
        n++;
    return n;
}

simlm_status sl_chunks_backward(struct sl_chunks *c, const struct sl_pass *p,
                                const struct sl_chunk_task *task,
                                const struct sl_tokens *t, simlm_error *err)
{
    int64_t last = last_chunk(c), left = count(c, t);

    if (c->begin == c->end)
        return SIMLM_OK;
    backward(c, p, task, last, length(c, t, last), --left == 0);
    for (int64_t first = c->begin, n; first < c->end; first += n) {
        n = length(c, t, first);
        if (first == last)
            continue;
        SL_TRY(forward(c, p, task, t, first, n, err));
        backward(c, p, task, first, n, --left == 0);
    }
    return SIMLM_OK;
}
