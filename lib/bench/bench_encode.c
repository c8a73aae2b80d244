/*
 * bench_encode.c - texts to vectors: many of one length, many of mixed lengths,
 * and one short query, which must read all weights of the layers for a few
 * tokens and so runs against memory.
 */
#include "bench/bench.h"

#include <stdio.h>

#include "base/alloc.h"
#include "bench/batch.h"
#include "bench/flops.h"
#include "model/encoder.h"

enum { QUERY_TOKENS = 8 };

struct encoding {
    struct sl_encoder *encoder;
    struct sl_bench_batch batch;
    float *vec;
};

static simlm_status encode(void *what, simlm_error *err)
{
    struct encoding *e = what;

    return sl_encoder_encode(e->encoder, e->vec, &e->batch.t, err);
}

/* The bytes of the layers' weights, each read once. */
static double layer_bytes(const struct sl_bert *m)
{
    double D = (double)m->cfg.hidden, F = (double)m->cfg.ffn;

    return (double)m->cfg.layers * (4 * D * D + 2 * D * F) *
           (double)m->be->act_bytes;
}

static simlm_status measure(struct sl_bench *b, struct sl_bert *m,
                            struct sl_work *w, int64_t tokens, int64_t least,
                            int64_t most, simlm_error *err)
{
    struct encoding e = {0};
    const struct sl_tokens *t = &e.batch.t;
    simlm_status st;

    st = sl_bench_batch_init(&e.batch, tokens, least, most, m->cfg.vocab, err);
    if (st == SIMLM_OK)
        st = sl_encoder_new(&e.encoder, m, t->N, t->n, SL_POOL_CLS, true, err);
    if (st == SIMLM_OK) {
        e.vec = SL_NEW_ARRAY(float, t->n * m->cfg.hidden);
        st = e.vec ? SIMLM_OK : sl_fail_nomem(err, "vectors");
    }
    if (st == SIMLM_OK) {
        w->units = (double)t->N;
        w->flops = sl_flops_layers(&m->cfg, m->cfg.layers, t);
        w->bytes = layer_bytes(m);
        st = sl_bench_measure(b, w, encode, &e, err);
    }
    sl_free(e.vec);
    sl_encoder_free(e.encoder);
    sl_bench_batch_free(&e.batch);
    return st;
}

static simlm_status measure_all(struct sl_bench *b, struct sl_bert *m,
                                simlm_error *err)
{
    const simlm_bench_options *o = b->o;
    struct sl_work w = {
        .part = "encode", .unit = "tokens/s", .limit = SL_LIMIT_ARITHMETIC};
    int64_t short_query = QUERY_TOKENS < o->length ? QUERY_TOKENS : o->length;
    char name[96];

    w.name = name;
    snprintf(name, sizeof name, "%lld texts of %lld tokens",
             (long long)(o->tokens > o->length ? o->tokens / o->length : 1),
             (long long)o->length);
    SL_TRY(measure(b, m, &w, o->tokens, o->length, o->length, err));
    snprintf(name, sizeof name, "texts of %lld to %lld tokens",
             (long long)o->min_length, (long long)o->max_length);
    SL_TRY(measure(b, m, &w, o->tokens, o->min_length, o->max_length, err));
    snprintf(name, sizeof name, "one query of %lld tokens",
             (long long)short_query);
    w.limit = SL_LIMIT_MEMORY;
    return measure(b, m, &w, short_query, short_query, short_query, err);
}

simlm_status sl_bench_encode(struct sl_bench *b, simlm_error *err)
{
    struct sl_bert_parts parts = {0};
    struct sl_bert *m = NULL;
    struct sl_config cfg;
    simlm_status st;

    SL_TRY(sl_bench_config(&cfg, b, SIMLM_SHAPE_BASE, err));
    st = sl_bert_new(&m, b->be, &cfg, parts, err);
    if (st == SIMLM_OK)
        st = sl_bert_init(m, 0, err);
    if (st == SIMLM_OK)
        st = measure_all(b, m, err);
    sl_bert_free(m);
    return st;
}
