/*
 * Learning a vocabulary: the layout, the order of joins against a naive
 * recount, and that threads change nothing.
 */
#include "check.h"

#include "base/parallel.h"
#include "base/rng.h"
#include "base/str.h"
#include "text/bpe.h"
#include "text/vocab_train.h"
#include "text/word_count.h"

static const struct sl_normalise_options uncased = {true, true, true, true};

static struct sl_strmap *count_text(const char *text)
{
    struct sl_word_counter *c = NULL;
    struct sl_strmap *words = NULL;

    check_ok(sl_word_counter_new(&c, &uncased, 1, &err));
    sl_word_counter_add(c, 0, text, strlen(text));
    check_ok(sl_word_counter_finish(&words, c, &err));
    sl_word_counter_free(c);
    return words;
}

static struct sl_strmap *learn(const struct sl_strmap *words, int32_t size,
                               int64_t min_frequency, int32_t max_alphabet)
{
    struct sl_vocab_plan plan = {size, min_frequency, max_alphabet};
    struct sl_strmap *tokens = NULL;

    check_ok(sl_vocab_train(&tokens, words, &plan, NULL, &err));
    return tokens;
}

static void expect_tokens(const struct sl_strmap *tokens, int64_t from,
                          const char *want)
{
    struct sl_str got = {0};

    for (int64_t i = from; i < sl_strmap_count(tokens); i++)
        sl_str_printf(&got, i > from ? " %s" : "%s", sl_strmap_key(tokens, i));
    check_msg(!strcmp(sl_str_c(&got), want), "got '%s', not '%s'",
              sl_str_c(&got), want);
    sl_str_free(&got);
}

static void words_are_counted_as_the_tokenizer_sees_them(void **state)
{
    struct sl_strmap *w = count_text("The the, THE\xC3\xA9! caf\xC3\xA9 CAFE");

    (void)state;
    assert_int_equal(sl_strmap_count(w), 5);
    assert_int_equal(sl_strmap_value(w, sl_strmap_find(w, "the", 3)), 2);
    assert_int_equal(sl_strmap_value(w, sl_strmap_find(w, "cafe", 4)), 2);
    assert_int_equal(sl_strmap_value(w, sl_strmap_find(w, "thee", 4)), 1);
    assert_int_equal(sl_strmap_value(w, sl_strmap_find(w, ",", 1)), 1);
    sl_strmap_free(w);
}

/* The counts of the paper: low 5, lower 2, newest 6, widest 3. */
static struct sl_strmap *paper_words(void)
{
    static const struct {
        const char *word;
        int64_t n;
    } rows[] = {{"low", 5}, {"lower", 2}, {"newest", 6}, {"widest", 3}};
    struct sl_strmap *w = sl_strmap_new();

    for (size_t i = 0; i < SL_LEN(rows); i++)
        sl_strmap_add(w, rows[i].word, strlen(rows[i].word), rows[i].n, NULL);
    return w;
}

#define PAPER_ALPHABET "d e i l n o r s t w ##d ##e ##i ##o ##r ##s ##t ##w"

static void the_papers_example_joins_in_the_papers_order(void **state)
{
    struct sl_strmap *w = paper_words();
    struct sl_strmap *t = learn(w, 60, 1, 100);

    (void)state;
    /* es and est (9 each) before lo and low (7).  Then n ##e, ##e ##w and
     * ##w ##est have 6: n is the first token among their left ones, and after
     * it ##w comes before the new ne. */
    expect_tokens(t, 0,
                  "[PAD] [UNK] [CLS] [SEP] [MASK] " PAPER_ALPHABET
                  " ##es ##est lo low ne ##west newest wi ##dest widest"
                  " ##er lower");
    sl_strmap_free(t);
    t = learn(w, 44, 7, 100);
    expect_tokens(t, 23, "##es ##est lo low");
    sl_strmap_free(t);
    t = learn(w, 42, 1, 100);
    assert_int_equal(sl_strmap_count(t), 35);
    sl_strmap_free(t);
    sl_strmap_free(w);
}

static void special_tokens_are_where_bert_has_them(void **state)
{
    struct sl_strmap *w = paper_words();
    struct sl_strmap *t = learn(w, 1000, 1, 100);

    (void)state;
    assert_int_equal(sl_strmap_find(t, "[PAD]", 5), 0);
    assert_int_equal(sl_strmap_find(t, "[unused0]", 9), 1);
    assert_int_equal(sl_strmap_find(t, "[unused98]", 10), 99);
    assert_int_equal(sl_strmap_find(t, "[UNK]", 5), 100);
    assert_int_equal(sl_strmap_find(t, "[CLS]", 5), 101);
    assert_int_equal(sl_strmap_find(t, "[SEP]", 5), 102);
    assert_int_equal(sl_strmap_find(t, "[MASK]", 6), 103);
    assert_int_equal(sl_strmap_find(t, "d", 1), 104);
    sl_strmap_free(t);
    t = learn(w, 999, 1, 100);
    assert_int_equal(sl_strmap_find(t, "[MASK]", 6), 4);
    sl_strmap_free(t);
    sl_strmap_free(w);
}

static void the_alphabet_is_the_most_frequent_characters(void **state)
{
    struct sl_strmap *w = count_text("aaa bb aab c cc d \xC3\x9F");
    struct sl_strmap *t = learn(w, 100, 100, 2);

    (void)state;
    expect_tokens(t, 5, "a b ##a ##b");
    sl_strmap_free(t);
    /* A word with another character teaches nothing. */
    t = learn(w, 100, 1, 2);
    expect_tokens(t, 5, "a b ##a ##b aa bb aaa aab");
    sl_strmap_free(t);
    /* Of 11 tokens behind the special ones, at most 5 are alphabet. */
    t = learn(w, 16, 100, 100);
    expect_tokens(t, 5, "a b ##a ##b");
    sl_strmap_free(t);
    sl_strmap_free(w);
}

static void repeated_characters_join_from_the_left(void **state)
{
    struct sl_strmap *w = sl_strmap_new(), *t;

    (void)state;
    sl_strmap_add(w, "aaaaa", 5, 3, NULL);
    t = learn(w, 60, 1, 100);
    /* a ##aa ##aa, then the left pair. */
    expect_tokens(t, 5, "a ##a ##aa aaa aaaaa");
    sl_strmap_free(t);
    sl_strmap_free(w);
}

/* ---- the machine against a recount --------------------------------------- */

enum { N_WORDS = 60, MAX_LEN = 12 };

struct naive {
    int32_t s[N_WORDS][MAX_LEN];
    int n[N_WORDS];
    int64_t count[N_WORDS];
};

static bool naive_best(const struct naive *x, int32_t n_symbols,
                       struct sl_bpe_pair *best)
{
    *best = (struct sl_bpe_pair){0};
    for (int32_t a = 0; a < n_symbols; a++)
        for (int32_t b = 0; b < n_symbols; b++) {
            int64_t count = 0;

            for (int w = 0; w < N_WORDS; w++)
                for (int i = 1; i < x->n[w]; i++)
                    if (x->s[w][i - 1] == a && x->s[w][i] == b)
                        count += x->count[w];
            if (count > best->count)
                *best = (struct sl_bpe_pair){a, b, count};
        }
    return best->count > 0;
}

static void naive_join(struct naive *x, int32_t a, int32_t b, int32_t joined)
{
    for (int w = 0; w < N_WORDS; w++) {
        int j = 0;

        for (int i = 0; i < x->n[w]; i++)
            if (i + 1 < x->n[w] && x->s[w][i] == a && x->s[w][i + 1] == b) {
                x->s[w][j++] = joined;
                i++;
            } else {
                x->s[w][j++] = x->s[w][i];
            }
        x->n[w] = j;
    }
}

static void counts_kept_up_to_date_equal_a_recount(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct sl_bpe *b = sl_bpe_new();
        struct naive x;
        struct sl_rng r;
        int32_t n_symbols = 2 + (int32_t)(seed % 3);
        bool failed;

        sl_rng_init(&r, sl_stream(seed, SL_PURPOSE_TEST, 0));
        for (int w = 0; w < N_WORDS; w++) {
            x.n[w] = (int)sl_rng_below(&r, MAX_LEN) + 1;
            x.count[w] = (int64_t)sl_rng_below(&r, 5) + 1;
            for (int i = 0; i < x.n[w]; i++)
                x.s[w][i] = (int32_t)sl_rng_below(&r, (uint64_t)n_symbols);
            assert_true(sl_bpe_add(b, x.s[w], x.n[w], x.count[w]));
        }
        for (int step = 0; step < 25; step++) {
            struct sl_bpe_pair got, want;
            bool more = naive_best(&x, n_symbols, &want);

            assert_int_equal(sl_bpe_best(b, &got, &failed), more);
            if (!more)
                break;
            check_msg(got.left == want.left && got.right == want.right &&
                          got.count == want.count,
                      "seed %d step %d: (%d %d) %lld, not (%d %d) %lld",
                      (int)seed, step, got.left, got.right,
                      (long long)got.count, want.left, want.right,
                      (long long)want.count);
            naive_join(&x, got.left, got.right, n_symbols);
            assert_true(sl_bpe_join(b, got.left, got.right, n_symbols));
            n_symbols++;
        }
        sl_bpe_free(b);
    }
}

/* ---- threads ------------------------------------------------------------- */

enum { N_TEXTS = 400 };

struct texts {
    struct sl_word_counter *counter;
    char text[N_TEXTS][200];
};

static void count_range(void *ctx, int64_t begin, int64_t end)
{
    struct texts *x = ctx;

    for (int64_t i = begin; i < end; i++)
        sl_word_counter_add(x->counter, sl_parallel_worker(), x->text[i],
                            strlen(x->text[i]));
}

static struct sl_strmap *learn_with(struct texts *x, int threads)
{
    struct sl_strmap *words = NULL, *tokens;

    sl_parallel_set_threads(threads);
    check_ok(sl_word_counter_new(&x->counter, &uncased, sl_parallel_threads(),
                                 &err));
    sl_parallel_for(N_TEXTS, 3, count_range, x);
    check_ok(sl_word_counter_finish(&words, x->counter, &err));
    sl_word_counter_free(x->counter);
    tokens = learn(words, 300, 2, 100);
    sl_strmap_free(words);
    return tokens;
}

static void threads_change_nothing(void **state)
{
    static struct texts x;
    struct sl_strmap *one, *many;
    struct sl_rng r;

    (void)state;
    sl_rng_init(&r, sl_stream(3, SL_PURPOSE_TEST, 0));
    for (int i = 0; i < N_TEXTS; i++)
        for (size_t at = 0; at + 1 < sizeof x.text[i]; at++)
            x.text[i][at] = "etaoin shrdlu, "[sl_rng_below(&r, 15)];
    one = learn_with(&x, 1);
    assert_int_equal(sl_strmap_count(one), 300);
    for (int threads = 2; threads <= 5; threads++) {
        many = learn_with(&x, threads);
        assert_int_equal(sl_strmap_count(many), 300);
        for (int64_t i = 0; i < 300; i++)
            assert_string_equal(sl_strmap_key(one, i), sl_strmap_key(many, i));
        sl_strmap_free(many);
    }
    sl_strmap_free(one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_counted_as_the_tokenizer_sees_them),
        cmocka_unit_test(the_papers_example_joins_in_the_papers_order),
        cmocka_unit_test(special_tokens_are_where_bert_has_them),
        cmocka_unit_test(the_alphabet_is_the_most_frequent_characters),
        cmocka_unit_test(repeated_characters_join_from_the_left),
        cmocka_unit_test(counts_kept_up_to_date_equal_a_recount),
        cmocka_unit_test(threads_change_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
