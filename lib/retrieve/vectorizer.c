#include "retrieve/vectorizer.h"

#include <string.h>

#include "base/alloc.h"
#include "model/encoder.h"

struct sl_vectorizer {
    const struct sl_retriever *r;
    struct sl_backend *be;
    struct sl_bert bert, passage; /* the retriever's, with our backend */
    struct sl_encoder *enc;
    int64_t length[2]; /* by side */
    struct sl_batches batches;
    float *sorted; /* [max_texts, D] vectors in the batches' order */
};

/* The lengths of both sides, and the longer of them. */
static simlm_status choose_lengths(struct sl_vectorizer *v, int64_t *max_len,
                                   const struct sl_vectorizer_options *o,
                                   simlm_error *err)
{
    const int64_t asked[2] = {o->query_length, o->passage_length};

    *max_len = 0;
    for (int side = SL_SIDE_QUERY; side <= SL_SIDE_PASSAGE; side++) {
        int64_t own = sl_compose_max(v->r, (enum sl_side)side);

        v->length[side] = asked[side] ? asked[side] : own;
        SL_TRY(sl_retriever_check_length(v->r, v->length[side], err));
        if (*max_len < v->length[side])
            *max_len = v->length[side];
    }
    return SIMLM_OK;
}

static simlm_status set_up(struct sl_vectorizer *v,
                           const struct sl_vectorizer_options *o,
                           simlm_error *err)
{
    const struct sl_retriever *r = v->r;
    struct sl_batches *b = &v->batches;
    int64_t max_len;

    SL_TRY(choose_lengths(v, &max_len, o, err));
    SL_TRY(sl_batches_init(b, o->max_texts, max_len, o->batch_tokens, err));
    v->sorted = SL_NEW_ARRAY(float, o->max_texts *sl_retriever_dim(r));
    if (!v->sorted)
        return sl_fail_nomem(err, "an encoder");
    SL_TRY(sl_retriever_borrow(&v->bert, &v->be, r, err));
    if (v->bert.passage) {
        v->passage = *v->bert.passage;
        v->passage.be = v->be;
        v->bert.passage = &v->passage;
    }
    return sl_encoder_new(&v->enc, &v->bert, b->batch_tokens, b->max_seqs,
                          r->profile.pooling, r->profile.normalize, err);
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
    st = set_up(v, o, err);
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
    sl_batches_free(&v->batches);
    sl_free(v->sorted);
    sl_free(v);
}

size_t sl_vectorizer_bytes(const struct sl_vectorizer *v)
{
    size_t vectors = (size_t)(v->batches.max_texts * sl_retriever_dim(v->r));

    return sizeof *v + v->batches.bytes + vectors * sizeof *v->sorted +
           sl_encoder_bytes(v->enc);
}

int64_t sl_vectorizer_length(const struct sl_vectorizer *v, enum sl_side side)
{
    return v->length[side];
}

const char *sl_vectorizer_backend(const struct sl_vectorizer *v)
{
    return v->be->name;
}

struct texts {
    const struct sl_vectorizer *v;
    enum sl_side side;
    const struct sl_text *text;
};

static int64_t compose(const void *ctx, int64_t i, int32_t *ids, int32_t *types,
                       struct sl_compose_scratch *s)
{
    const struct texts *t = ctx;

    return sl_compose(t->v->r, t->side, &t->text[i], t->v->length[t->side], ids,
                      types, s);
}

simlm_status sl_vectorizer_run(struct sl_vectorizer *v, float *vec,
                               enum sl_side side, const struct sl_text *text,
                               int64_t n, struct sl_meter *meter,
                               simlm_error *err)
{
    struct texts texts = {v, side, text};
    int64_t D = sl_retriever_dim(v->r);

    SL_TRY(sl_batches_fill(&v->batches, n, compose, &texts, err));
    sl_encoder_turn(v->enc, side);
    for (int64_t at = 0; at < n;) {
        struct sl_tokens batch;
        int64_t m = sl_batches_pack(&v->batches, &batch, at);

        sl_meter_begin_batch(meter);
        SL_TRY(sl_encoder_encode(v->enc, v->sorted + at * D, &batch, err));
        sl_meter_end_batch(meter, batch.N);
        SL_TRY(sl_meter_tell(meter, m, err));
        at += m;
    }
    for (int64_t i = 0; i < n; i++)
        memcpy(vec + v->batches.order[i] * D, v->sorted + i * D,
               (size_t)D * sizeof *vec);
    return SIMLM_OK;
}
