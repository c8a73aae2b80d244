#include "data/lm_batch.h"

#include <string.h>

#include "base/alloc.h"
#include "base/parallel.h"

void sl_token_kinds(uint8_t *kind, const struct sl_tokenizer *t)
{
    int32_t cls = sl_tokenizer_cls(t), sep = sl_tokenizer_sep(t);

    for (int32_t id = 0; id < sl_tokenizer_size(t); id++) {
        uint8_t k = 0;

        if (id == cls || id == sep)
            k |= SL_TOKEN_EDGE;
        if (sl_tokenizer_continues(t, id))
            k |= SL_TOKEN_CONTINUES;
        if (sl_tokenizer_is_special(t, id))
            k |= SL_TOKEN_SPECIAL;
        kind[id] = k;
    }
}

static bool copy_init(struct sl_lm_copy *c, int64_t max_N)
{
    c->ids = SL_NEW_ARRAY(int32_t, max_N);
    c->mask = SL_NEW_ARRAY(uint8_t, max_N);
    return c->ids && c->mask;
}

simlm_status sl_lm_batch_init(struct sl_lm_batch *b, int64_t max_n,
                              int64_t max_length, bool two, simlm_error *err)
{
    int64_t max_N = max_n * max_length;
    bool ok;

    *b = (struct sl_lm_batch){ 0 };
    SL_TRY(sl_pack_init(&b->clean, max_n, max_N, err));
    ok = copy_init(&b->enc, max_N) && (!two || copy_init(&b->dec, max_N));
    b->counted = SL_NEW_ARRAY(uint8_t, max_N);
    b->kind = SL_NEW_ARRAY(uint8_t, max_N);
    b->work = SL_NEW_ARRAY(int64_t, 3 * max_N + max_n);
    if (ok && b->counted && b->kind && b->work)
        return SIMLM_OK;
    sl_lm_batch_free(b);
    return sl_fail_nomem(err, "a batch of masks");
}

void sl_lm_batch_free(struct sl_lm_batch *b)
{
    sl_pack_free(&b->clean);
    sl_free(b->enc.ids);
    sl_free(b->enc.mask);
    sl_free(b->dec.ids);
    sl_free(b->dec.mask);
    sl_free(b->counted);
    sl_free(b->kind);
    sl_free(b->work);
    *b = (struct sl_lm_batch){ 0 };
}

struct fill {
    struct sl_lm_batch *b;
    const struct sl_lm_rule *rule;
    const int64_t *rows;
    int64_t epoch;
};

/* Masks and counts of sequence i. */
static void mask_sequence(const struct fill *f, int64_t i)
{
    struct sl_lm_batch *b = f->b;
    const struct sl_lm_rule *r = f->rule;
    int64_t at = b->clean.start[i], n = b->clean.start[i + 1] - at;
    const int32_t *ids = b->clean.ids + at;
    int64_t *work = b->work + 3 * at + i;
    uint8_t *kind = b->kind + at, *counted = b->counted + at;
    struct sl_rng rng;

    for (int64_t j = 0; j < n; j++)
        kind[j] = r->kind[ids[j]];
    sl_rng_init(&rng, sl_mask_stream(r->seed, f->epoch, f->rows[i]));
    if (r->two)
        sl_mask_nested(b->enc.mask + at, b->dec.mask + at, kind, n, r->p_enc,
                       r->p_dec, sl_mask_shuffle, &rng, work);
    else
        sl_mask_words(b->enc.mask + at, kind, n, r->p_enc, sl_mask_shuffle,
                      &rng, work);
    sl_mask_apply(b->enc.ids + at, b->enc.mask + at, ids, kind, n, r->form,
                  r->mask_id, r->vocab, &rng);
    if (r->two)
        sl_mask_apply(b->dec.ids + at, b->dec.mask + at, ids, kind, n, r->form,
                      r->mask_id, r->vocab, &rng);
    for (int64_t j = 0; j < n; j++)
        counted[j] = r->two ? !(kind[j] & SL_TOKEN_SPECIAL)
                            : b->enc.mask[at + j];
}

static void mask_range(void *ctx, int64_t begin, int64_t end)
{
    for (int64_t i = begin; i < end; i++)
        mask_sequence(ctx, i);
}

void sl_lm_batch_fill(struct sl_lm_batch *b, const struct sl_token_cache *c,
                      const int64_t *rows, int64_t n, int64_t epoch,
                      const struct sl_lm_rule *rule)
{
    struct fill f = { b, rule, rows, epoch };

    sl_pack_clear(&b->clean);
    for (int64_t i = 0; i < n; i++)
        sl_pack_add_row(&b->clean, (uint64_t)i, c, rows[i], &rule->pack);
    sl_parallel_for(n, 16, mask_range, &f);
    b->n_counted = 0;
    for (int64_t i = 0; i < b->clean.N; i++)
        b->n_counted += b->counted[i];
}

int64_t sl_lm_rows(int32_t *rows, const uint8_t *flag, int64_t begin,
                   int64_t end)
{
    int64_t n = 0;

    for (int64_t i = begin; i < end; i++)
        if (flag[i])
            rows[n++] = (int32_t)(i - begin);
    return n;
}
