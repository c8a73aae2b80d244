#include "nn/tokens.h"

#include "base/alloc.h"

/* SL_ALIGN bytes at least, so that a batch of nothing is a batch, too. */
static simlm_status take(struct sl_backend *be, void *out, int64_t n,
                         size_t size, simlm_error *err)
{
    size_t bytes;

    if (n < 0 || !sl_mul_size(&bytes, (size_t)n, size))
        return sl_fail_nomem(err, "a batch of tokens");
    return be->alloc(be, out, bytes + SL_ALIGN, "a batch of tokens", err);
}

simlm_status sl_batch_init(struct sl_batch *b, struct sl_backend *be,
                           int64_t max_N, int64_t max_n, simlm_error *err)
{
    simlm_status st;
    void *p[5] = {0};

    if (max_N < 1 || max_n < 1 || max_N > INT32_MAX || max_n > INT32_MAX - 1)
        return sl_fail(err, SIMLM_E_ARG,
                       "a batch holds 1 to 2^31 - 2 tokens and sequences");
    *b = (struct sl_batch){.be = be, .max_N = max_N, .max_n = max_n};
    st = take(be, &p[0], max_N, sizeof *b->ids, err);
    if (st == SIMLM_OK)
        st = take(be, &p[1], max_N, sizeof *b->types, err);
    if (st == SIMLM_OK)
        st = take(be, &p[2], max_n + 1, sizeof *b->start, err);
    if (st == SIMLM_OK)
        st = take(be, &p[3], max_N, sizeof *b->pos, err);
    if (st == SIMLM_OK)
        st = take(be, &p[4], max_N, sizeof *b->row_key, err);
    b->ids = p[0];
    b->types = p[1];
    b->start = p[2];
    b->pos = p[3];
    b->row_key = p[4];
    b->host_pos = SL_NEW_ARRAY(int32_t, max_N);
    b->host_key = SL_NEW_ARRAY(uint64_t, max_N);
    if (st == SIMLM_OK && (!b->host_pos || !b->host_key))
        st = sl_fail_nomem(err, "a batch of tokens");
    if (st < 0)
        sl_batch_free(b);
    return st;
}

void sl_batch_free(struct sl_batch *b)
{
    if (!b->be)
        return;
    b->be->free(b->be, b->ids);
    b->be->free(b->be, b->types);
    b->be->free(b->be, b->start);
    b->be->free(b->be, b->pos);
    b->be->free(b->be, b->row_key);
    sl_free(b->host_pos);
    sl_free(b->host_key);
    *b = (struct sl_batch){0};
}

static simlm_status check_shape(const struct sl_batch *b,
                                const struct sl_tokens *t, int64_t positions,
                                simlm_error *err)
{
    if (t->n < 1 || t->n > b->max_n)
        return sl_fail(err, SIMLM_E_RANGE,
                       "a batch of %lld sequences, expected 1 to %lld",
                       (long long)t->n, (long long)b->max_n);
    if (t->N < 1 || t->N > b->max_N)
        return sl_fail(err, SIMLM_E_RANGE,
                       "a batch of %lld tokens, expected 1 to %lld",
                       (long long)t->N, (long long)b->max_N);
    if (t->start[0] != 0 || t->start[t->n] != t->N)
        return sl_fail(err, SIMLM_E_RANGE,
                       "a batch's sequences do not cover its tokens");
    for (int64_t i = 0; i < t->n; i++) {
        int64_t len = (int64_t)t->start[i + 1] - t->start[i];

        if (len < 1 || len > positions)
            return sl_fail(err, SIMLM_E_RANGE,
                           "sequence %lld has %lld tokens, the model takes 1 "
                           "to %lld",
                           (long long)i, (long long)len, (long long)positions);
        if (t->key && t->key[i] >> 48)
            return sl_fail(err, SIMLM_E_RANGE,
                           "sequence %lld has a key of more than 48 bits",
                           (long long)i);
    }
    return SIMLM_OK;
}

simlm_status sl_tokens_check(const int32_t *ids, const char *what, int64_t n,
                             int64_t limit, simlm_error *err)
{
    for (int64_t i = 0; ids && i < n; i++)
        if (ids[i] < 0 || ids[i] >= limit)
            return sl_fail(err, SIMLM_E_RANGE,
                           "%s %ld at place %lld of the batch: the model has "
                           "0 to %lld",
                           what, (long)ids[i], (long long)i,
                           (long long)limit - 1);
    return SIMLM_OK;
}

simlm_status sl_batch_set(struct sl_batch *b, const struct sl_tokens *t,
                          const struct sl_token_limits *limits,
                          simlm_error *err)
{
    struct sl_backend *be = b->be;
    int64_t max_len = 0;

    SL_TRY(check_shape(b, t, limits->positions, err));
    SL_TRY(sl_tokens_check(t->ids, "token id", t->N, limits->vocab, err));
    SL_TRY(sl_tokens_check(t->types, "token type", t->N, limits->types, err));

    for (int64_t i = 0; i < t->n; i++) {
        uint64_t key = t->key ? t->key[i] : (uint64_t)i;
        int32_t first = t->start[i], len = t->start[i + 1] - first;

        max_len = len > max_len ? len : max_len;
        for (int32_t j = 0; j < len; j++) {
            b->host_pos[first + j] = j;
            b->host_key[first + j] = key << 16 | (uint64_t)j;
        }
    }
    be->upload(be, b->ids, t->ids, (size_t)t->N * sizeof *b->ids);
    if (t->types)
        be->upload(be, b->types, t->types, (size_t)t->N * sizeof *b->types);
    be->upload(be, b->start, t->start, (size_t)(t->n + 1) * sizeof *b->start);
    be->upload(be, b->pos, b->host_pos, (size_t)t->N * sizeof *b->pos);
    be->upload(be, b->row_key, b->host_key, (size_t)t->N * sizeof *b->row_key);
    b->typed = t->types != NULL;
    b->pk = (struct sl_packing){.n = t->n,
                                .N = t->N,
                                .max_len = max_len,
                                .seq_start = b->start,
                                .pos = b->pos,
                                .row_key = b->row_key};
    return SIMLM_OK;
}

simlm_status sl_choice_init(struct sl_choice *c, const struct sl_batch *b,
                            simlm_error *err)
{
    struct sl_backend *be = b->be;
    simlm_status st;
    void *p[3] = {0};

    *c = (struct sl_choice){.be = be};
    st = take(be, &p[0], b->max_N, sizeof *c->row, err);
    if (st == SIMLM_OK)
        st = take(be, &p[1], b->max_n + 1, sizeof *c->start, err);
    if (st == SIMLM_OK)
        st = take(be, &p[2], b->max_N, sizeof *c->key, err);
    c->row = p[0];
    c->start = p[1];
    c->key = p[2];
    c->host_start = SL_NEW_ARRAY(int32_t, b->max_n + 1);
    c->host_key = SL_NEW_ARRAY(uint64_t, b->max_N);
    if (st == SIMLM_OK && (!c->host_start || !c->host_key))
        st = sl_fail_nomem(err, "chosen tokens");
    if (st < 0)
        sl_choice_free(c);
    return st;
}

void sl_choice_free(struct sl_choice *c)
{
    if (!c->be)
        return;
    c->be->free(c->be, c->row);
    c->be->free(c->be, c->start);
    c->be->free(c->be, c->key);
    sl_free(c->host_start);
    sl_free(c->host_key);
    *c = (struct sl_choice){0};
}

void sl_choice_set(struct sl_choice *c, const struct sl_batch *b,
                   const struct sl_tokens *t, const int32_t *rows, int64_t R)
{
    struct sl_backend *be = c->be;
    int64_t at = 0;

    for (int64_t i = 0; i < t->n; i++) {
        c->host_start[i] = (int32_t)at;
        for (; at < R && rows[at] < t->start[i + 1]; at++)
            c->host_key[at] = b->host_key[rows[at]];
    }
    SL_ASSERT(at == R);
    c->host_start[t->n] = (int32_t)R;
    be->upload(be, c->row, rows, (size_t)R * sizeof *rows);
    be->upload(be, c->start, c->host_start,
               (size_t)(t->n + 1) * sizeof *c->start);
    be->upload(be, c->key, c->host_key, (size_t)R * sizeof *c->key);
    c->rows.row = c->row;
    c->rows.pk = (struct sl_packing){.n = t->n,
                                     .N = R,
                                     .max_len = b->pk.max_len,
                                     .seq_start = c->start,
                                     .row_key = c->key};
}

struct sl_tokens sl_tokens_slice(const struct sl_tokens *t, int64_t first,
                                 int64_t n, int32_t *start)
{
    int32_t at = t->start[first];

    for (int64_t i = 0; i <= n; i++)
        start[i] = t->start[first + i] - at;
    return (struct sl_tokens){.n = n,
                              .N = start[n],
                              .start = start,
                              .ids = t->ids + at,
                              .types = t->types ? t->types + at : NULL,
                              .key = t->key ? t->key + first : NULL};
}
