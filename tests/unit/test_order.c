/* The order of training examples: each once an epoch, never the held-out ones,
 * a function of seed and epoch alone. */
#include "check.h"

#include "data/order.h"

static void the_held_out_share_is_small(void **state)
{
    (void)state;
    assert_int_equal(sl_order_eval_count(8841823, 4096), 4096);
    assert_int_equal(sl_order_eval_count(18891, 4096), 377);
    assert_int_equal(sl_order_eval_count(49, 4096), 0);
}

static void the_held_out_rows_are_the_references(void **state)
{
    static const int64_t golden[] = {178, 830, 641, 410, 255,
                                     470, 433, 580, 257, 450};
    struct sl_order o;

    (void)state;
    check_ok(sl_order_init(&o, 1000, 20, 7, 99, &err));
    for (size_t i = 0; i < SL_LEN(golden); i++)
        assert_int_equal(sl_order_eval(&o)[i], golden[i]);
    sl_order_free(&o);
}

static void rows_of_a_file_of_their_own_are_the_held_out_ones(void **state)
{
    const int64_t *rows;
    struct sl_order o;
    int seen[13] = {0};

    (void)state;
    check_ok(sl_order_init_apart(&o, 13, 4, 20, 5, &err));
    for (int64_t i = 0; i < 4; i++)
        assert_int_equal(sl_order_eval(&o)[i], 9 + i);
    assert_int_equal(sl_order_step(&o, &rows, 1), 9);
    for (int64_t i = 0; i < 9; i++)
        seen[rows[i]]++;
    for (int64_t i = 0; i < 13; i++)
        assert_int_equal(seen[i], i < 9);
    sl_order_free(&o);
}

static void an_epoch_visits_every_example_once(void **state)
{
    enum { N = 103, EVAL = 10, BATCH = 8 };
    struct sl_order o;

    (void)state;
    check_ok(sl_order_init(&o, N, EVAL, BATCH, 5, &err));
    assert_int_equal(o.steps_per_epoch, 12); /* 93 / 8, the last has 5 */
    for (int64_t epoch = 0; epoch < 3; epoch++) {
        int seen[N] = {0};

        for (int64_t s = 0; s < 12; s++) {
            const int64_t *rows;
            int64_t k = epoch * 12 + s + 1, n = sl_order_step(&o, &rows, k);

            assert_int_equal(n, s == 11 ? 5 : BATCH);
            assert_int_equal(sl_order_epoch(&o, k), epoch);
            for (int64_t i = 0; i < n; i++)
                seen[rows[i]]++;
        }
        for (int i = 0; i < EVAL; i++)
            assert_int_equal(seen[sl_order_eval(&o)[i]], 0);
        for (int i = 0, n = 0; i < N; i++) {
            assert_true(seen[i] <= 1);
            n += seen[i];
            if (i == N - 1)
                assert_int_equal(n, N - EVAL);
        }
    }
    sl_order_free(&o);
}

/* A resumed run asks for step k without the steps before it. */
static void a_step_needs_no_history(void **state)
{
    struct sl_order a, b;
    const int64_t *x, *y;

    (void)state;
    check_ok(sl_order_init(&a, 50, 3, 6, 1, &err));
    check_ok(sl_order_init(&b, 50, 3, 6, 1, &err));
    for (int64_t k = 1; k <= 20; k++) {
        int64_t n = sl_order_step(&a, &x, k);

        if (k < 18)
            continue;
        assert_int_equal(sl_order_step(&b, &y, k), n);
        assert_memory_equal(x, y, (size_t)n * sizeof *x);
    }
    sl_order_free(&b);

    check_ok(sl_order_init(&b, 50, 3, 6, 2, &err));
    sl_order_step(&a, &x, 1);
    sl_order_step(&b, &y, 1);
    check_msg(memcmp(x, y, 6 * sizeof *x), "two seeds, one order");
    sl_order_free(&a);
    sl_order_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_held_out_share_is_small),
        cmocka_unit_test(the_held_out_rows_are_the_references),
        cmocka_unit_test(rows_of_a_file_of_their_own_are_the_held_out_ones),
        cmocka_unit_test(an_epoch_visits_every_example_once),
        cmocka_unit_test(a_step_needs_no_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
