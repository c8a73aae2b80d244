/*
 * Whole-word masks: the reference's own outputs (spec section 11), which need
 * Python's shuffle, and what must hold for every text.
 */
#include "check.h"

#include "base/pyrandom.h"
#include "data/masks.h"

static void python_shuffle(void *rng, int64_t *x, int64_t n)
{
    sl_pyrandom_shuffle(rng, x, n);
}

static void the_budget_is_the_references(void **state)
{
    static const struct {
        int64_t n, enc, extra, dec;
    } golden[] = {
        {2, 1, 1, 1},     {3, 1, 1, 2},      {5, 2, 1, 2},
        {6, 2, 2, 3},     {10, 3, 3, 5},     {17, 5, 5, 8},
        {50, 15, 14, 25}, {101, 30, 29, 50}, {144, 43, 41, 72},
    };

    (void)state;
    for (size_t i = 0; i < SL_LEN(golden); i++) {
        assert_int_equal(sl_mask_budget(golden[i].n, 0.3), golden[i].enc);
        assert_int_equal(sl_mask_budget(golden[i].n, 0.2 / 0.7),
                         golden[i].extra);
        assert_int_equal(sl_mask_budget(golden[i].n, 0.5), golden[i].dec);
    }
    assert_int_equal(sl_mask_budget(100000, 0.3), 512);
}

enum { N = 20 };

/* [CLS] qu ##ality assurance ( q ##a ) is a process ##es . [SEP]
 * the re ##trie ##val model [SEP] */
static const uint8_t kind[N] = {5, 0, 2, 0, 0, 0, 2, 0, 0, 0,
                                0, 2, 0, 5, 0, 0, 2, 2, 0, 5};

static void words(char *text, const uint8_t *mask)
{
    for (int i = 0; i < N; i++)
        text[i] = (char)('0' + mask[i]);
    text[N] = '\0';
}

static void masks_are_the_references(void **state)
{
    static const struct {
        uint64_t seed;
        const char *first, *second;
    } golden[] = {
        {0, "00011001100010100000", "01100110110000000000"},
        {1, "01100000001110000010", "00011001100010000010"},
        {123, "00001000101110100000", "00000111000000011100"},
    };

    (void)state;
    for (size_t i = 0; i < SL_LEN(golden); i++) {
        struct sl_pyrandom r;
        uint8_t mask[N], enc[N], dec[N];
        int64_t work[3 * N + 1];
        char text[N + 1];

        sl_pyrandom_seed(&r, golden[i].seed);
        sl_mask_words(mask, kind, N, 0.3, python_shuffle, &r, work);
        words(text, mask);
        assert_string_equal(text, golden[i].first);
        sl_mask_words(mask, kind, N, 0.2 / 0.7, python_shuffle, &r, work);
        words(text, mask);
        assert_string_equal(text, golden[i].second);

        sl_pyrandom_seed(&r, golden[i].seed);
        sl_mask_nested(enc, dec, kind, N, 0.3, 0.5, python_shuffle, &r, work);
        for (int t = 0; t < N; t++) {
            assert_int_equal(enc[t], golden[i].first[t] - '0');
            assert_int_equal(dec[t],
                             (golden[i].first[t] | golden[i].second[t]) - '0');
        }
    }
}

static void the_evaluation_split_is_the_references(void **state)
{
    static const int64_t golden[] = {178, 830, 641, 410, 255,
                                     470, 433, 580, 257, 450};
    struct sl_pyrandom r;
    int64_t x[1000];

    (void)state;
    for (int i = 0; i < 1000; i++)
        x[i] = i;
    sl_pyrandom_seed(&r, 123);
    sl_pyrandom_shuffle(&r, x, 1000);
    for (size_t i = 0; i < SL_LEN(golden); i++)
        assert_int_equal(x[i], golden[i]);
}

/* Random texts: whole words, within budget, nested, no edges. */
static void masks_keep_their_promises(void **state)
{
    struct sl_rng text;

    (void)state;
    sl_rng_init(&text, 5);
    for (int trial = 0; trial < 300; trial++) {
        uint8_t k[200], enc[200], dec[200], extra[200];
        int64_t work[601], n = 2 + sl_rng_u32(&text) % 198;
        int64_t n_enc = 0, n_dec = 0, budget = sl_mask_budget(n, 0.3);
        struct sl_rng r;

        for (int64_t i = 0; i < n; i++)
            k[i] = sl_rng_unit(&text) < 0.3 ? SL_TOKEN_CONTINUES : 0;
        k[0] = k[n - 1] = SL_TOKEN_EDGE | SL_TOKEN_SPECIAL;
        sl_rng_init(&r, sl_mask_stream(1, 2, trial));
        sl_mask_nested(enc, dec, k, n, 0.3, 0.5, sl_mask_shuffle, &r, work);
        for (int64_t i = 0; i < n; i++) {
            n_enc += enc[i];
            n_dec += dec[i];
            check_msg(enc[i] <= dec[i], "trial %d: not nested at %d", trial,
                      (int)i);
            check_msg(!(k[i] & SL_TOKEN_EDGE) || !dec[i],
                      "trial %d: an edge is masked", trial);
            if (i > 1 && k[i] & SL_TOKEN_CONTINUES)
                check_msg(enc[i] == enc[i - 1] && dec[i] == dec[i - 1],
                          "trial %d: a word is cut at %d", trial, (int)i);
        }
        check_msg(n_enc <= budget, "trial %d: %d over budget %d", trial,
                  (int)n_enc, (int)budget);
        check_msg(n_dec <= budget + sl_mask_budget(n, 0.2 / 0.7),
                  "trial %d: %d masked in all", trial, (int)n_dec);

        /* The same numbers again, and others for another text or epoch. */
        sl_rng_init(&r, sl_mask_stream(1, 2, trial));
        sl_mask_words(extra, k, n, 0.3, sl_mask_shuffle, &r, work);
        check_msg(!memcmp(enc, extra, (size_t)n), "trial %d: drifts", trial);
    }
    check_msg(sl_mask_stream(1, 2, 3) != sl_mask_stream(1, 3, 3) &&
                  sl_mask_stream(1, 2, 3) != sl_mask_stream(1, 2, 4) &&
                  sl_mask_stream(1, 2, 3) != sl_mask_stream(2, 2, 3),
              "streams of different texts coincide");
}

static void a_rate_no_larger_gives_equal_masks(void **state)
{
    static const double rate[][2] = {{0.3, 0.3}, {0.5, 0.3}, {1, 0.5}, {1, 1}};
    uint8_t enc[N], dec[N];
    int64_t work[3 * N + 1];
    struct sl_rng r;

    (void)state;
    for (size_t i = 0; i < SL_LEN(rate); i++) {
        sl_rng_init(&r, 9);
        sl_mask_nested(enc, dec, kind, N, rate[i][0], rate[i][1],
                       sl_mask_shuffle, &r, work);
        check_msg(!memcmp(enc, dec, N), "masks differ");
        for (int t = 0; t < N && rate[i][0] == 1; t++)
            check_msg(enc[t] == !(kind[t] & SL_TOKEN_EDGE), "not all at %d", t);
    }
}

enum { LONG = 20000, MASK_ID = 4, VOCAB = 50 };

static void eighty_ten_ten_has_its_shares(void **state)
{
    static int32_t ids[LONG], out[LONG];
    static uint8_t k[LONG], mask[LONG];
    int64_t hidden = 0, kept = 0;
    struct sl_rng r;

    (void)state;
    for (int i = 0; i < LONG; i++) {
        ids[i] = 1000; /* outside the vocabulary: no random id equals it */
        mask[i] = 1;
        k[i] = i % 100 ? 0 : SL_TOKEN_SPECIAL;
    }
    sl_rng_init(&r, 11);
    assert_int_equal(sl_mask_apply(out, mask, ids, k, LONG, SL_MASK_80_10_10,
                                   MASK_ID, VOCAB, &r),
                     LONG - LONG / 100);
    for (int i = 0; i < LONG; i++) {
        check_msg(mask[i] || out[i] == 1000, "a special token was replaced");
        hidden += mask[i] && out[i] == MASK_ID;
        kept += mask[i] && out[i] == 1000;
    }
    /* The expected 15,840 + 2% of 1,980 and 1,980; five sigma is 285 and 211. */
    check_msg(llabs(hidden - 15880) < 285, "%lld hidden", (long long)hidden);
    check_msg(llabs(kept - 1980) < 211, "%lld kept", (long long)kept);

    assert_int_equal(sl_mask_apply(out, mask, ids, k, LONG, SL_MASK_ALL,
                                   MASK_ID, VOCAB, NULL),
                     LONG - LONG / 100);
    for (int i = 0; i < LONG; i++)
        assert_int_equal(out[i], mask[i] ? MASK_ID : 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_budget_is_the_references),
        cmocka_unit_test(masks_are_the_references),
        cmocka_unit_test(the_evaluation_split_is_the_references),
        cmocka_unit_test(masks_keep_their_promises),
        cmocka_unit_test(a_rate_no_larger_gives_equal_masks),
        cmocka_unit_test(eighty_ten_ten_has_its_shares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
