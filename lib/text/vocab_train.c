#include "text/vocab_train.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/observe.h"
#include "base/str.h"
#include "text/bpe.h"
#include "text/utf8.h"
#include "text/word_count.h"

enum { N_POINTS = 0x110000, BERT_SIZE = 1000, N_UNUSED = 99 };

struct trainer {
    const struct sl_vocab_plan *plan;
    const struct sl_strmap *words;
    struct sl_strmap *tokens;
    struct sl_bpe *bpe;
    int64_t *count;   /* [N_POINTS] occurrences of each character */
    bool *inside;     /* [N_POINTS] occurs after the first of a word */
    int32_t *initial; /* [N_POINTS] token of the character, or -1 */
    int32_t *later;   /* [N_POINTS] token of "##" and the character, or -1 */
    struct sl_str joined;
};

static bool start(struct trainer *r)
{
    r->tokens = sl_strmap_new();
    r->bpe = sl_bpe_new();
    r->count = SL_NEW_ARRAY(int64_t, N_POINTS);
    r->inside = SL_NEW_ARRAY(bool, N_POINTS);
    r->initial = sl_alloc(N_POINTS, sizeof *r->initial);
    r->later = sl_alloc(N_POINTS, sizeof *r->later);
    return r->tokens && r->bpe && r->count && r->inside && r->initial &&
           r->later;
}

static void end(struct trainer *r)
{
    sl_strmap_free(r->tokens);
    sl_bpe_free(r->bpe);
    sl_free(r->count);
    sl_free(r->inside);
    sl_free(r->initial);
    sl_free(r->later);
    sl_str_free(&r->joined);
}

/* The token's id, a new one if need be; -1: out of memory. */
static int32_t add_token(struct trainer *r, const char *token, size_t len)
{
    return (int32_t)sl_strmap_add(r->tokens, token, len, 0, NULL);
}

/* ---- special tokens and alphabet ----------------------------------------- */

static bool add_special(struct trainer *r)
{
    static const char *const name[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]",
                                       "[MASK]"};
    bool ok = true;

    for (size_t i = 0; i < SL_LEN(name); i++) {
        ok = ok && add_token(r, name[i], strlen(name[i])) >= 0;
        for (int u = 0; !i && u < N_UNUSED && r->plan->size >= BERT_SIZE; u++) {
            char unused[24];
            int n = snprintf(unused, sizeof unused, "[unused%d]", u);

            ok = ok && add_token(r, unused, (size_t)n) >= 0;
        }
    }
    return ok;
}

static void count_characters(struct trainer *r)
{
    for (int64_t i = 0; i < sl_strmap_count(r->words); i++) {
        const unsigned char *p =
            (const unsigned char *)sl_strmap_key(r->words, i);
        const unsigned char *stop = p + sl_strmap_key_len(r->words, i);

        for (bool first = true; p < stop; first = false) {
            uint32_t c = sl_utf8_next(&p, stop, NULL);

            r->count[c] += sl_strmap_value(r->words, i);
            r->inside[c] |= !first;
        }
    }
}

struct character {
    int64_t count;
    uint32_t c;
};

static int by_count(const void *a, const void *b)
{
    const struct character *x = a, *y = b;

    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return x->c < y->c ? -1 : x->c > y->c;
}

/* Forget the counts of all characters that are not to be in the alphabet. */
static bool choose_alphabet(struct trainer *r)
{
    int64_t n = 0, keep = 0, room;
    struct character *all;

    for (uint32_t c = 0; c < N_POINTS; c++)
        n += r->count[c] > 0;
    all = SL_NEW_ARRAY(struct character, n + 1);
    if (!all)
        return false;
    n = 0;
    for (uint32_t c = 0; c < N_POINTS; c++)
        if (r->count[c] > 0)
            all[n++] = (struct character){r->count[c], c};
    qsort(all, (size_t)n, sizeof *all, by_count);
    room = (r->plan->size - sl_strmap_count(r->tokens)) / 2;
    for (; keep < n && keep < r->plan->max_alphabet; keep++) {
        room -= 1 + r->inside[all[keep].c];
        if (room < 0)
            break;
    }
    for (int64_t i = keep; i < n; i++)
        r->count[all[i].c] = 0;
    sl_free(all);
    return true;
}

static bool add_alphabet(struct trainer *r)
{
    char form[8] = "##";

    if (!choose_alphabet(r))
        return false;
    for (uint32_t c = 0; c < N_POINTS; c++) {
        size_t n = sl_utf8_put(form + 2, c);

        r->initial[c] = r->count[c] ? add_token(r, form + 2, n) : -1;
        if (r->count[c] && r->initial[c] < 0)
            return false;
    }
    for (uint32_t c = 0; c < N_POINTS; c++) {
        size_t n = sl_utf8_put(form + 2, c);
        bool has = r->count[c] && r->inside[c];

        r->later[c] = has ? add_token(r, form, n + 2) : -1;
        if (has && r->later[c] < 0)
            return false;
    }
    return true;
}

/* ---- joining ------------------------------------------------------------- */

static bool add_words(struct trainer *r)
{
    int32_t symbol[SL_COUNTED_CHARS];

    for (int64_t i = 0; i < sl_strmap_count(r->words); i++) {
        const unsigned char *p =
            (const unsigned char *)sl_strmap_key(r->words, i);
        const unsigned char *stop = p + sl_strmap_key_len(r->words, i);
        int32_t n = 0;

        while (p < stop && n >= 0 && n < SL_COUNTED_CHARS) {
            uint32_t c = sl_utf8_next(&p, stop, NULL);

            symbol[n] = n ? r->later[c] : r->initial[c];
            n = symbol[n] < 0 ? -1 : n + 1;
        }
        if (n > 1 && p == stop &&
            !sl_bpe_add(r->bpe, symbol, n, sl_strmap_value(r->words, i)))
            return false;
    }
    return true;
}

/* The token of two joined ones: the right one loses its "##". */
static int32_t join_tokens(struct trainer *r, const struct sl_bpe_pair *pair)
{
    sl_str_clear(&r->joined);
    sl_str_add(&r->joined, sl_strmap_key(r->tokens, pair->left),
               sl_strmap_key_len(r->tokens, pair->left));
    sl_str_add(&r->joined, sl_strmap_key(r->tokens, pair->right) + 2,
               sl_strmap_key_len(r->tokens, pair->right) - 2);
    if (!sl_str_ok(&r->joined))
        return -1;
    return add_token(r, r->joined.s, r->joined.len);
}

static void tell_too_few(const struct trainer *r, const simlm_observer *obs)
{
    sl_observe_message(
        obs, SIMLM_WARNING,
        "the vocabulary has %lld tokens, not %d: no further pair of pieces "
        "occurs %lld times",
        (long long)sl_strmap_count(r->tokens), (int)r->plan->size,
        (long long)r->plan->min_frequency);
}

static simlm_status join_pairs(struct trainer *r, const simlm_observer *obs,
                               simlm_error *err)
{
    struct sl_bpe_pair best;
    int64_t size = r->plan->size, n;
    bool failed = false;

    while ((n = sl_strmap_count(r->tokens)) < size &&
           sl_bpe_best(r->bpe, &best, &failed) &&
           best.count >= r->plan->min_frequency) {
        int32_t joined = join_tokens(r, &best);

        if (joined < 0 || !sl_bpe_join(r->bpe, best.left, best.right, joined))
            return sl_fail_nomem(err, "a vocabulary");
        if (n % 256)
            continue;
        sl_observe_progress(obs, "joining pieces", n, size, "tokens");
        if (sl_observe_cancelled(obs))
            return sl_fail(err, SIMLM_E_CANCELLED, "stopped on request");
    }
    if (failed)
        return sl_fail_nomem(err, "a vocabulary");
    sl_observe_progress(obs, "joining pieces", n, n, "tokens");
    if (n < size)
        tell_too_few(r, obs);
    return SIMLM_OK;
}

simlm_status sl_vocab_train(struct sl_strmap **out,
                            const struct sl_strmap *words,
                            const struct sl_vocab_plan *plan,
                            const simlm_observer *observer, simlm_error *err)
{
    struct trainer r = {.plan = plan, .words = words};
    simlm_status st;

    SL_ASSERT(plan->size >= SL_VOCAB_MIN && plan->size <= SL_VOCAB_MAX);
    if (!start(&r) || !add_special(&r)) {
        end(&r);
        return sl_fail_nomem(err, "a vocabulary");
    }
    count_characters(&r);
    if (!add_alphabet(&r) || !add_words(&r))
        st = sl_fail_nomem(err, "a vocabulary");
    else
        st = join_pairs(&r, observer, err);
    if (st == SIMLM_OK) {
        *out = r.tokens;
        r.tokens = NULL;
    }
    end(&r);
    return st;
}
