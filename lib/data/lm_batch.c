#include "data/lm_batch.h"

#include <string.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "data/token_cache.h"

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
                              int64_t max_length, enum sl_lm_copies copies,
                              simlm_error *err)
{
    int64_t max_N = max_n * max_length;
    bool two = copies != SL_COPIES_ONE;
    bool ok;

    *b = (struct sl_lm_batch){0};
    SL_TRY(sl_pack_init(&b->clean, max_n, max_N, err));
    ok = copy_init(&b->enc, max_N) && (!two || copy_init(&b->dec, max_N));
    b->plain = SL_NEW_ARRAY(uint8_t, max_N);
    b->kind = SL_NEW_ARRAY(uint8_t, max_N);
    b->work = SL_NEW_ARRAY(int64_t, 3 * max_N + max_n);
    if (ok && b->plain && b->kind && b->work)
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
    sl_free(b->plain);
    sl_free(b->kind);
    sl_free(b->work);
    *b = (struct sl_lm_batch){0};
}

struct fill {
    struct sl_lm_batch *b;
    const struct sl_lm_rule *rule;
    const int64_t *rows;
    int64_t epoch;
};

/* What names text i's masks: its row; of two spans of a row, each has its own. */
static int64_t mask_row(const struct fill *f, int64_t i)
{
    return f->rule->spans ? 2 * f->rows[i / 2] + i % 2 : f->rows[i];
}

/* The copies' masks of the n tokens from `at` on. */
static void draw_masks(struct sl_lm_batch *b, const struct sl_lm_rule *r,
                       int64_t at, int64_t n, struct sl_rng *rng, int64_t *work)
{
    uint8_t *enc = b->enc.mask + at, *kind = b->kind + at;

    switch (r->copies) {
    case SL_COPIES_ONE:
        sl_mask_words(enc, kind, n, r->p_enc, sl_mask_shuffle, rng, work);
        break;
    case SL_COPIES_NESTED:
        sl_mask_nested(enc, b->dec.mask + at, kind, n, r->p_enc, r->p_dec,
                       sl_mask_shuffle, rng, work);
        break;
    case SL_COPIES_BLANK:
        memset(enc, 0, (size_t)n);
        memset(b->dec.mask + at, 1, (size_t)n);
        break;
    }
}

/* Masks of text i. */
static void mask_sequence(const struct fill *f, int64_t i)
{
    struct sl_lm_batch *b = f->b;
    const struct sl_lm_rule *r = f->rule;
    int64_t at = b->clean.start[i], n = b->clean.start[i + 1] - at;
    const int32_t *ids = b->clean.ids + at;
    int64_t *work = b->work + 3 * at + i;
    uint8_t *kind = b->kind + at;
    struct sl_rng rng;

    for (int64_t j = 0; j < n; j++) {
        kind[j] = r->kind[ids[j]];
        b->plain[at + j] = !(kind[j] & SL_TOKEN_SPECIAL);
    }
    sl_rng_init(&rng, sl_mask_stream(r->seed, f->epoch, mask_row(f, i)));
    draw_masks(b, r, at, n, &rng, work);
    sl_mask_apply(b->enc.ids + at, b->enc.mask + at, ids, kind, n, r->form,
                  r->mask_id, r->vocab, &rng);
    if (r->copies != SL_COPIES_ONE)
        sl_mask_apply(b->dec.ids + at, b->dec.mask + at, ids, kind, n, r->form,
                      r->mask_id, r->vocab, &rng);
}

static void mask_range(void *ctx, int64_t begin, int64_t end)
{
    for (int64_t i = begin; i < end; i++)
        mask_sequence(ctx, i);
}

void sl_lm_spans(int64_t first[2], int64_t *n, int64_t length, int64_t room,
                 struct sl_rng *rng)
{
    uint64_t places;
    int64_t a, b;

    *n = length < 2 ? length : length / 2;
    *n = *n < room ? *n : room;
    first[0] = first[1] = 0;
    if (length < 2)
        return;
    places = (uint64_t)(length - 2 * *n + 1);
    a = (int64_t)sl_rng_below(rng, places);
    b = (int64_t)sl_rng_below(rng, places);
    first[0] = a < b ? a : b;
    first[1] = (a < b ? b : a) + *n;
}

static void add_spans(const struct fill *f, const struct sl_token_cache *c,
                      int64_t i)
{
    const struct sl_pack_rule *pack = &f->rule->pack;
    int64_t room = pack->max_length - 2 - pack->prompt.n;
    int64_t row = f->rows[i], first[2], n;
    struct sl_rng rng;

    sl_rng_init(&rng, sl_span_stream(f->rule->seed, f->epoch, row));
    sl_lm_spans(first, &n, sl_token_cache_row(c, row).contents,
                room > 0 ? room : 0, &rng);
    for (int64_t j = 0; j < 2; j++)
        sl_pack_add_span(&f->b->clean, (uint64_t)(2 * i + j), c, row, first[j],
                         n, pack);
}

void sl_lm_batch_fill(struct sl_lm_batch *b, const struct sl_token_cache *c,
                      const int64_t *rows, int64_t n, int64_t epoch,
                      const struct sl_lm_rule *rule)
{
    struct fill f = {b, rule, rows, epoch};

    sl_pack_clear(&b->clean);
    for (int64_t i = 0; i < n; i++)
        if (rule->spans)
            add_spans(&f, c, i);
        else
            sl_pack_add_row(&b->clean, (uint64_t)i, c, rows[i], &rule->pack);
    sl_parallel_for(b->clean.n, 16, mask_range, &f);
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
