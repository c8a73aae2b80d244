/* The progress line: what it says, and that it fits; and the nearest word. */
#include "bar.h"
#include "suggest.h"

#include "check.h"

static struct bar training(void)
{
    struct bar b = {.phase = "training",
                    .unit = "steps",
                    .done = 840,
                    .total = 2000,
                    .rate = 6.4,
                    .elapsed = 131};

    bar_set_figure(&b, "loss", 2.31338);
    bar_set_figure(&b, "tokens/s", 8234);
    return b;
}

static void check_line(const struct bar *b, int width, const char *want)
{
    char line[BAR_LINE];

    bar_format(line, sizeof line, b, width);
    assert_string_equal(line, want);
}

static void all_is_said_where_there_is_room(void **state)
{
    struct bar b = training();

    (void)state;
    check_line(&b, 120,
               "training   42% [===========>               ]  840/2000 steps  "
               "loss 2.313  tokens/s 8.23k  6.4/s  3:01 left");
}

static void what_says_least_is_left_out_first(void **state)
{
    struct bar b = training();

    (void)state;
    check_line(
        &b, 80,
        "training   42% [=======>         ]  840/2000 steps  loss 2.313  "
        "6.4/s  3:01 left");
    check_line(&b, 64,
               "training   42%  840/2000 steps  loss 2.313  "
               "6.4/s  3:01 left");
    check_line(&b, 50, "training   42%  loss 2.313  6.4/s  3:01 left");
    check_line(&b, 40, "training   42%  loss 2.313  3:01 left");
    check_line(&b, 26, "training   42%  3:01 left");
    check_line(&b, 20, "training   42%");
    check_line(&b, 5, "train");
}

static void no_width_is_exceeded(void **state)
{
    struct bar b = training();
    char line[BAR_LINE];

    (void)state;
    for (int width = -1; width < 400; width++) {
        memset(line, 'x', sizeof line);
        bar_format(line, sizeof line, &b, width);
        check_msg((int)strlen(line) <= (width < 0 ? 0 : width),
                  "%zu columns, not %d: '%s'", strlen(line), width, line);
    }
    bar_format(line, 10, &b, 80);
    assert_string_equal(line, "training ");
}

static void a_job_without_a_known_end_shows_no_share(void **state)
{
    struct bar b = {.phase = "reading", .unit = "lines", .done = 12, .rate = 3};

    (void)state;
    check_line(&b, 80, "reading  12 lines  3/s");
    b.rate = 0;
    check_line(&b, 80, "reading  12 lines");
}

static void an_estimate_that_was_too_low_stays_at_its_end(void **state)
{
    struct bar b = {.phase = "encoding",
                    .unit = "passages",
                    .done = 120,
                    .total = 100,
                    .rate = 50};

    (void)state;
    check_line(&b, 50, "encoding  100% [=========]  120/100 passages  50/s");
}

static void bytes_are_scaled(void **state)
{
    struct bar b = {.phase = "reading",
                    .unit = "bytes",
                    .done = 1234567,
                    .total = 3000000000,
                    .rate = 98.7e6};

    (void)state;
    check_line(&b, 60, "reading    0%  1.23 MB of 3 GB  98.7 MB/s  0:30 left");
}

static void long_times_are_hours(void **state)
{
    struct bar b = {
        .phase = "x", .unit = "u", .done = 0, .total = 7439, .rate = 1};

    (void)state;
    check_line(&b, 32, "x    0%  1/s  2:03:59 left");
    b.total = 1000000;
    check_line(&b, 28, "x    0%  1/s  277 h left");
    b.rate = 1e-300;
    check_line(&b, 22, "x    0%  27777 h left");
}

static void a_finished_phase_says_what_it_took(void **state)
{
    struct bar b = {.phase = "encoding",
                    .unit = "passages",
                    .done = 950,
                    .total = 950,
                    .elapsed = 4.1};
    char line[BAR_LINE];

    (void)state;
    bar_format_end(line, sizeof line, &b);
    assert_string_equal(line, "encoding: 950 passages in 0:04, 232/s");
    b.elapsed = 0;
    bar_format_end(line, sizeof line, &b);
    assert_string_equal(line, "encoding: 950 passages in 0:00");
}

static void a_figure_is_replaced_by_name(void **state)
{
    struct bar b = {.n_figures = 0};

    (void)state;
    bar_set_figure(&b, "loss", 1);
    bar_set_figure(&b, "lr", 2);
    bar_set_figure(&b, "loss", 3);
    assert_int_equal(b.n_figures, 2);
    assert_true(b.figure[0].value == 3);
    for (int i = 0; i < 10; i++) {
        char name[2] = {(char)('a' + i), '\0'};

        bar_set_figure(&b, name, i);
    }
    assert_int_equal(b.n_figures, BAR_FIGURES);
}

static void a_rate_counts_what_this_run_did(void **state)
{
    struct pace p = {.started = false};

    (void)state;
    pace_add(&p, 0, 5000); /* done by an earlier run */
    assert_true(p.rate == 0);
    pace_add(&p, 2, 5020);
    check_close(p.rate, 10, 1e-9);
}

static void a_rate_follows_a_job_that_slows_down(void **state)
{
    struct pace p = {.started = false};
    double t = 0;
    int64_t done = 0;

    (void)state;
    for (; t < 100; t += 1, done += 100)
        pace_add(&p, t, done);
    check_close(p.rate, 100, 1e-9);
    for (; t < 115; t += 1, done += 10)
        pace_add(&p, t, done);
    check_msg(p.rate > 10 && p.rate < 60, "rate %g", p.rate);
    for (; t < 300; t += 1, done += 10)
        pace_add(&p, t, done);
    check_close(p.rate, 10, 0.01);
}

static const char *nearest(const char *typed)
{
    static const char *const known[] = {"search", "encode", "eval", "index"};
    struct suggestion s = {.typed = typed};

    for (size_t i = 0; i < SL_LEN(known); i++)
        suggestion_offer(&s, known[i]);
    return suggestion_best(&s);
}

static void the_nearest_word_is_suggested(void **state)
{
    (void)state;
    assert_string_equal(nearest("serach"), "search");
    assert_string_equal(nearest("evla"), "eval");
    assert_string_equal(nearest("indexx"), "index");
    assert_null(nearest("frobnicate"));
    assert_null(nearest(""));
    assert_null(
        nearest("a-word-that-is-far-longer-than-any-option-or-command-is"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_said_where_there_is_room),
        cmocka_unit_test(what_says_least_is_left_out_first),
        cmocka_unit_test(no_width_is_exceeded),
        cmocka_unit_test(a_job_without_a_known_end_shows_no_share),
        cmocka_unit_test(an_estimate_that_was_too_low_stays_at_its_end),
        cmocka_unit_test(bytes_are_scaled),
        cmocka_unit_test(long_times_are_hours),
        cmocka_unit_test(a_finished_phase_says_what_it_took),
        cmocka_unit_test(a_figure_is_replaced_by_name),
        cmocka_unit_test(a_rate_counts_what_this_run_did),
        cmocka_unit_test(a_rate_follows_a_job_that_slows_down),
        cmocka_unit_test(the_nearest_word_is_suggested),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
