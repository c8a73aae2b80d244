/* The k best of a stream of scores are what sorting all of them would give. */
#include "check.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "index/topk.h"

struct hit {
    float score;
    int64_t row;
};

static int better_first(const void *a, const void *b)
{
    const struct hit *x = a, *y = b;

    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

/* Few distinct values, so that ties are the rule; now and then an infinity. */
static float draw_score(struct sl_rng *r, uint64_t levels)
{
    uint64_t v = sl_rng_below(r, levels);

    if (levels > 50 && v == 0)
        return sl_rng_u32(r) & 1 ? INFINITY : -INFINITY;
    return ((float)v - (float)levels / 2) / 8;
}

static void compare_with_sort(const float *score, int64_t n, int64_t k,
                              const float *got, const int64_t *row,
                              int64_t n_got)
{
    struct hit *all = SL_NEW_ARRAY(struct hit, n + 1);

    for (int64_t i = 0; i < n; i++)
        all[i] = (struct hit){score[i], i};
    qsort(all, (size_t)n, sizeof *all, better_first);
    check_msg(n_got == (n < k ? n : k), "%d hits of %d, k = %d", (int)n_got,
              (int)n, (int)k);
    for (int64_t i = 0; i < n_got; i++)
        check_msg(row[i] == all[i].row && got[i] == all[i].score,
                  "n %d, k %d, place %d: row %d (%g), not %d (%g)", (int)n,
                  (int)k, (int)i, (int)row[i], (double)got[i], (int)all[i].row,
                  (double)all[i].score);
    sl_free(all);
}

/* Offer blocks of random sizes, in order or from the last to the first. */
static void offer_all(struct sl_topk *t, const float *score, int64_t n,
                      struct sl_rng *r, bool backwards)
{
    int64_t at = 0;

    while (at < n) {
        int64_t left = n - at;
        int64_t m = 1 + (int64_t)sl_rng_below(r, (uint64_t)left);
        int64_t from = backwards ? n - at - m : at;

        sl_topk_offer(t, score + from, m, from);
        at += m;
    }
}

static void the_k_best_are_those_of_a_full_sort(void **state)
{
    enum { MAX = 1500 };
    static float score[MAX], got[MAX];
    static int64_t row[MAX];
    static uint64_t heap[MAX];
    struct sl_rng r;

    (void)state;
    sl_rng_init(&r, sl_stream(1, SL_PURPOSE_TEST, 0));
    for (int trial = 0; trial < 400; trial++) {
        int64_t n = (int64_t)sl_rng_below(&r, trial % 4 ? 200 : MAX);
        int64_t k = 1 + (int64_t)sl_rng_below(&r, trial % 3 ? 40 : MAX);
        uint64_t levels = trial % 5 ? 1000 : 3;
        struct sl_topk t;

        for (int64_t i = 0; i < n; i++)
            score[i] = draw_score(&r, levels);
        sl_topk_begin(&t, heap, k);
        offer_all(&t, score, n, &r, trial % 2);
        compare_with_sort(score, n, k, got, row, sl_topk_finish(&t, got, row));
        check_msg(!t.nan, "a NaN was seen where there is none");
    }
}

static void equal_scores_go_to_the_lower_row(void **state)
{
    float score[200], got[3];
    uint64_t heap[3];
    int64_t row[3];
    struct sl_topk t;

    (void)state;
    for (int i = 0; i < 200; i++)
        score[i] = i % 2 ? 0.0f : -0.0f; /* the same number, other bits */
    sl_topk_begin(&t, heap, 3);
    sl_topk_offer(&t, score + 100, 100, 100);
    sl_topk_offer(&t, score, 100, 0);
    assert_int_equal(sl_topk_finish(&t, got, row), 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(row[i], i);
}

static void a_nan_is_left_out_and_reported(void **state)
{
    float score[70] = {0}, got[70];
    uint64_t heap[70];
    int64_t row[70];
    struct sl_topk t;

    (void)state;
    score[5] = NAN;
    score[69] = NAN;
    sl_topk_begin(&t, heap, 70);
    sl_topk_offer(&t, score, 70, 0);
    assert_true(t.nan);
    assert_int_equal(sl_topk_finish(&t, got, row), 68);
    for (int i = 0; i < 68; i++)
        check_msg(row[i] != 5 && row[i] != 69, "row %d was kept", (int)row[i]);
}

static void the_last_row_a_key_can_name_survives(void **state)
{
    const float score[2] = {-1.5f, 3e38f};
    float got[2];
    uint64_t heap[2];
    int64_t row[2];
    struct sl_topk t;

    (void)state;
    sl_topk_begin(&t, heap, 2);
    sl_topk_offer(&t, score, 2, SL_TOPK_MAX_ROWS - 2);
    assert_int_equal(sl_topk_finish(&t, got, row), 2);
    assert_true(row[0] == SL_TOPK_MAX_ROWS - 1 && got[0] == 3e38f);
    assert_true(row[1] == SL_TOPK_MAX_ROWS - 2 && got[1] == -1.5f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_k_best_are_those_of_a_full_sort),
        cmocka_unit_test(equal_scores_go_to_the_lower_row),
        cmocka_unit_test(a_nan_is_left_out_and_reported),
        cmocka_unit_test(the_last_row_a_key_can_name_survives),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
