#include "retrieve/scorer.h"

#include <math.h>

#include "base/alloc.h"
#include "comm/comm.h"
#include "model/crossencoder.h"

struct sl_scorer {
    const struct sl_retriever *r;
    struct sl_backend *be;
    struct sl_bert bert; /* the re-ranker's, but computing with our backend */
    struct sl_crossencoder *cross;
    int64_t length;
    struct sl_batches batches;
    float *sorted; /* [max_pairs] scores in the batches' order */
};

static simlm_status set_up(struct sl_scorer *s,
                           const struct sl_scorer_options *o, simlm_error *err)
{
    const struct sl_retriever *r = s->r;
    struct sl_batches *b = &s->batches;
    struct sl_crossencoder_options x = {0};

    s->length = o->max_length ? o->max_length : r->profile.passage_max_length;
    SL_TRY(sl_retriever_check_length(r, s->length, err));
    SL_TRY(sl_batches_init(b, o->max_pairs, s->length, o->batch_tokens, err));
    s->sorted = SL_NEW_ARRAY(float, o->max_pairs);
    if (!s->sorted)
        return sl_fail_nomem(err, "a re-ranker");
    SL_TRY(sl_retriever_borrow(&s->bert, &s->be, r, err));
    x.session.max_tokens = b->batch_tokens;
    x.session.max_seqs = x.max_pairs = b->max_seqs;
    return sl_crossencoder_new(&s->cross, &s->bert, &x, err);
}

simlm_status sl_scorer_new(struct sl_scorer **out, const struct sl_retriever *r,
                           const struct sl_scorer_options *o, simlm_error *err)
{
    struct sl_scorer *s = SL_NEW(struct sl_scorer);
    simlm_status st;

    SL_ASSERT(o->max_pairs >= 1 && o->batch_tokens >= 1);
    if (!s)
        return sl_fail_nomem(err, "a re-ranker");
    s->r = r;
    st = set_up(s, o, err);
    if (st < 0)
        sl_scorer_free(s);
    else
        *out = s;
    return st;
}

void sl_scorer_free(struct sl_scorer *s)
{
    if (!s)
        return;
    sl_crossencoder_free(s->cross);
    sl_backend_close(s->be);
    sl_batches_free(&s->batches);
    sl_free(s->sorted);
    sl_free(s);
}

size_t sl_scorer_bytes(const struct sl_scorer *s)
{
    size_t scores = (size_t)s->batches.max_texts * sizeof *s->sorted;

    return sizeof *s + s->batches.bytes + scores +
           sl_crossencoder_bytes(s->cross);
}

struct pairs {
    const struct sl_scorer *s;
    const struct sl_pair *pair;
};

static int64_t compose(const void *ctx, int64_t i, int32_t *ids, int32_t *types,
                       struct sl_compose_scratch *scratch)
{
    const struct pairs *p = ctx;

    return sl_compose_pair(p->s->r, &p->pair[i], p->s->length, ids, types,
                           scratch);
}

simlm_status sl_scorer_run(struct sl_scorer *s, float *score,
                           const struct sl_pair *pair, int64_t n,
                           struct sl_meter *meter, simlm_error *err)
{
    struct pairs pairs = {s, pair};

    SL_TRY(sl_batches_fill(&s->batches, n, compose, &pairs, err));
    for (int64_t at = 0; at < n;) {
        struct sl_tokens batch;
        int64_t m = sl_batches_pack(&s->batches, &batch, at);

        sl_meter_begin_batch(meter);
        SL_TRY(sl_crossencoder_scores(s->cross, s->sorted + at, &batch, err));
        sl_meter_end_batch(meter, batch.N);
        SL_TRY(sl_meter_tell(meter, m, err));
        at += m;
    }
    for (int64_t i = 0; i < n; i++)
        score[s->batches.order[i]] = s->sorted[i];
    return SIMLM_OK;
}

simlm_status sl_scorer_run_shares(struct sl_scorer *s, float *score,
                                  const struct sl_pair *pair, int64_t n,
                                  struct sl_meter *meter, simlm_error *err)
{
    int64_t begin, end;

    sl_comm_share(&begin, &end, n);
    SL_TRY(
        sl_scorer_run(s, score + begin, pair + begin, end - begin, meter, err));
    SL_TRY(sl_comm_gather_shares(score, n, sizeof *score, err));
    return sl_meter_tell(meter, n - (end - begin), err);
}

double sl_stored_score(float score)
{
    return rint((double)score * 1e5) / 1e5;
}
