/* base/: numbers, maps, strings and files behave as their headers say. */
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/parallel.h"
#include "base/pyrandom.h"
#include "base/rng.h"
#include "base/str.h"
#include "base/strmap.h"

static void philox_is_the_published_generator(void **state)
{
    (void)state;
    /* Known answers of Random123's kat_vectors, philox4x32 10. */
    struct sl_philox a = sl_philox4(0, 0, 0, 0, 0);
    struct sl_philox b = sl_philox4(0x299f31d0a4093822, 0x243f6a88, 0x85a308d3,
                                    0x13198a2e, 0x03707344);

    check_msg(a.v[0] == 0x6627e8d5 && a.v[1] == 0xe169c58d &&
                  a.v[2] == 0xbc57ac4c && a.v[3] == 0x9b00dbd8,
              "%x %x %x %x", a.v[0], a.v[1], a.v[2], a.v[3]);
    check_msg(b.v[0] == 0xd16cfe09 && b.v[1] == 0x94fdcceb &&
                  b.v[2] == 0x5001e420 && b.v[3] == 0x24126ea1,
              "%x %x %x %x", b.v[0], b.v[1], b.v[2], b.v[3]);
}

static void python_random_is_cpythons(void **state)
{
    (void)state;
    static const uint32_t want[3] = {224899942u, 1149664691u, 374463918u};
    static const int64_t order[10] = {7, 8, 1, 5, 3, 4, 2, 0, 9, 6};
    static const int64_t split[10] = {178, 830, 641, 410, 255,
                                      470, 433, 580, 257, 450};
    struct sl_pyrandom r;
    int64_t x[1000];

    sl_pyrandom_seed(&r, 123);
    for (int i = 0; i < 3; i++)
        assert_int_equal(sl_pyrandom_u32(&r), want[i]);
    for (int i = 0; i < 1000; i++)
        x[i] = i;
    sl_pyrandom_seed(&r, 0);
    sl_pyrandom_shuffle(&r, x, 10);
    assert_memory_equal(x, order, sizeof order);
    for (int i = 0; i < 1000; i++)
        x[i] = i;
    sl_pyrandom_seed(&r, 123);
    sl_pyrandom_shuffle(&r, x, 1000);
    assert_memory_equal(x, split, sizeof split);
}

static void a_stream_is_uniform_and_a_shuffle_permutes(void **state)
{
    (void)state;
    struct sl_rng r;
    int64_t count[7] = {0}, x[100], sum = 0;
    double mean = 0, square = 0;

    sl_rng_init(&r, sl_stream(1, SL_PURPOSE_TEST, 2));
    for (int i = 0; i < 70000; i++)
        count[sl_rng_below(&r, 7)]++;
    for (int i = 0; i < 7; i++)
        check_msg(count[i] > 9500 && count[i] < 10500, "%d: %ld", i,
                  (long)count[i]);
    for (int i = 0; i < 100000; i++) {
        double z = sl_rng_normal(&r);

        mean += z / 100000;
        square += z * z / 100000;
    }
    check_close(mean, 0, 0.02);
    check_close(square, 1, 0.02);
    for (int i = 0; i < 100; i++)
        x[i] = i;
    sl_rng_shuffle_i64(&r, x, 100);
    for (int i = 0; i < 100; i++)
        sum += x[i] * x[i];
    assert_int_equal(sum, 328350);
}

static void a_map_finds_what_was_added(void **state)
{
    (void)state;
    struct sl_strmap *m = sl_strmap_new();
    char key[32];
    bool added;

    for (int i = 0; i < 5000; i++) {
        int n = snprintf(key, sizeof key, "key %d", i);

        assert_int_equal(sl_strmap_add(m, key, (size_t)n, i * 3, &added), i);
        assert_true(added);
    }
    assert_int_equal(sl_strmap_add(m, "key 77", 6, 0, &added), 77);
    assert_false(added);
    assert_int_equal(sl_strmap_value(m, 77), 231);
    assert_string_equal(sl_strmap_key(m, 4999), "key 4999");
    assert_int_equal(sl_strmap_find(m, "key 5000", 8), -1);
    assert_int_equal(sl_strmap_find(m, "key 7", 5), 7);
    sl_strmap_free(m);
}

static void strings_grow(void **state)
{
    (void)state;
    struct sl_str s = {0};

    assert_string_equal(sl_str_c(&s), "");
    for (int i = 0; i < 100; i++)
        sl_str_printf(&s, "%d,", i);
    sl_str_putc(&s, '!');
    assert_true(sl_str_ok(&s));
    assert_int_equal(s.len, 291);
    assert_string_equal(s.s + 285, "8,99,!");
    sl_str_free(&s);
}

/* A number that was a process's and is no more. */
static pid_t gone_process(void)
{
    pid_t pid = fork();

    if (!pid)
        _exit(0);
    assert_true(pid > 0);
    waitpid(pid, NULL, 0);
    return pid;
}

/* The number of a process that is dead, and is not waited for. */
static pid_t zombie(void)
{
    pid_t pid = fork();
    siginfo_t info;

    if (!pid)
        _exit(0);
    assert_true(pid > 0);
    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
    return pid;
}

static void what_killed_processes_left_is_swept_away(void **state)
{
    (void)state;
    long gone = (long)gone_process(), dead = (long)zombie();
    const struct {
        const char *output;
        long pid;
        const char *suffix;
        bool stays;
    } left[] = {
        {"swept", gone, "", false},
        {"swept", dead, "", false},
        {"swept", (long)getppid(), "", true}, /* at work */
        {"swept", gone, "x", true},           /* not of our making */
        {"other", gone, "", true},
    };
    char name[64];

    for (size_t i = 0; i < SL_LEN(left); i++) {
        snprintf(name, sizeof name, "%s.tmp.%ld%s", left[i].output, left[i].pid,
                 left[i].suffix);
        check_ok(sl_file_write(test_path(name), "x", 1, &err));
    }
    check_ok(sl_file_write(test_path("swept"), "x", 1, &err));
    for (size_t i = 0; i < SL_LEN(left); i++) {
        snprintf(name, sizeof name, "%s.tmp.%ld%s", left[i].output, left[i].pid,
                 left[i].suffix);
        check_msg(sl_file_exists(test_path(name)) == left[i].stays, "%s", name);
    }
    waitpid((pid_t)dead, NULL, 0);
}

static void an_output_is_whole_or_absent(void **state)
{
    (void)state;
    const char *path = test_path("out");
    struct sl_out o;
    char *text;
    size_t n;

    check_ok(sl_out_open(&o, path, &err));
    fputs("half", o.f);
    assert_false(sl_file_exists(path));
    sl_out_abort(&o);
    assert_false(sl_file_exists(path));
    check_ok(sl_file_write(path, "whole", 5, &err));
    check_ok(sl_file_read(&text, &n, path, 100, &err));
    assert_string_equal(text, "whole");
    assert_int_equal(n, 5);
    sl_free(text);
    check_fails(SIMLM_E_RANGE, "larger than 3 bytes",
                sl_file_read(&text, &n, path, 3, &err));
    check_fails(SIMLM_E_IO, "No such file",
                sl_out_open(&o, test_path("no/such/dir"), &err));
    check_fails(SIMLM_E_IO, "is a directory",
                sl_out_open(&o, test_tmpdir(), &err));
}

static void a_full_disk_is_reported(void **state)
{
    (void)state;
    struct sl_out o = {0};

    if (!sl_file_exists("/dev/full"))
        skip();
    o.f = fopen("/dev/full", "wb");
    assert_non_null(o.f);
    fputs("text", o.f);
    check_fails(SIMLM_E_IO, "No space left", sl_out_commit(&o, &err));
}

static void directories_come_and_go(void **state)
{
    (void)state;
    check_ok(sl_dir_make(test_path("a/b/c"), &err));
    check_ok(sl_dir_make(test_path("a/b/c/"), &err));
    test_file("a/b/file", "x");
    assert_true(sl_dir_exists(test_path("a/b/c")));
    check_ok(sl_dir_remove(test_path("a"), &err));
    assert_false(sl_file_exists(test_path("a")));
    check_ok(sl_dir_remove(test_path("a"), &err));
    check_fails(SIMLM_E_IO, "create directory",
                sl_dir_make("/proc/nothing/here", &err));
}

static void a_path_lies_in_its_directory(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"a", "."}, {"a/b", "a"}, {"/a", "/"}, {"/a/b/c", "/a/b"}};

    for (size_t i = 0; i < SL_LEN(cases); i++) {
        char *dir = sl_path_dir(cases[i][0]);

        assert_string_equal(dir, cases[i][1]);
        sl_free(dir);
    }
}

static void carve(struct sl_arena *a, char **x, double **y)
{
    *x = SL_TAKE(a, char, 3);
    *y = SL_TAKE(a, double, 100);
}

static void an_arena_measures_then_carves(void **state)
{
    (void)state;
    struct sl_arena a = SL_ARENA_MEASURE;
    double *y;
    char *x;

    carve(&a, &x, &y);
    assert_int_equal(a.used, 64 + 832);
    check_ok(sl_arena_reserve(&a, "a test", &err));
    carve(&a, &x, &y);
    assert_int_equal((char *)y - x, 64);
    assert_true(y[99] == 0);
    sl_arena_release(&a);
}

static void square_range(void *ctx, int64_t begin, int64_t end)
{
    int64_t *x = ctx;

    for (int64_t i = begin; i < end; i++)
        x[i] = i * i;
}

static void a_parallel_loop_covers_its_range_once(void **state)
{
    (void)state;
    int64_t x[1000] = {0};

    for (int threads = 1; threads <= 4; threads++) {
        sl_parallel_set_threads(threads);
        memset(x, 0, sizeof x);
        sl_parallel_for(1000, 7, square_range, x);
        for (int64_t i = 0; i < 1000; i++)
            assert_int_equal(x[i], i * i);
    }
    sl_parallel_for(0, 1, square_range, NULL);
}

static void count_ranges(void *ctx, int64_t begin, int64_t end)
{
    atomic_llong *sum = ctx;

    atomic_fetch_add(sum, end - begin);
    assert_true(sl_parallel_worker() >= 0 && sl_parallel_worker() < 4);
}

static void nest(void *ctx, int64_t begin, int64_t end)
{
    for (int64_t i = begin; i < end; i++)
        sl_parallel_for(100, 3, count_ranges, ctx);
}

static void *loop_many_times(void *ctx)
{
    sl_parallel_set_threads(4);
    for (int i = 0; i < 2000; i++)
        sl_parallel_for(50, 1, count_ranges, ctx);
    return NULL;
}

static void loops_may_nest_and_meet(void **state)
{
    (void)state;
    atomic_llong sum = 0;
    pthread_t other;

    sl_parallel_set_threads(4);
    sl_parallel_for(20, 1, nest, &sum);
    assert_int_equal(sum, 2000);
    sum = 0;
    assert_int_equal(pthread_create(&other, NULL, loop_many_times, &sum), 0);
    loop_many_times(&sum);
    pthread_join(other, NULL);
    assert_int_equal(sum, 200000);
}

static void sizes_are_checked(void **state)
{
    (void)state;
    assert_null(sl_alloc(SIZE_MAX / 2, 4));
    assert_null(sl_calloc(SIZE_MAX, 1));
    check_msg(sl_hash64("abc", 3, 0) == 0x44BC2CF5AD770999u, "XXH64 differs");
}

/* 64 TiB: granted by some systems, to be paid for with the process's life. */
static void more_than_the_machine_has_is_refused(void **state)
{
    (void)state;
    assert_null(sl_alloc((size_t)1 << 46, 1));
    assert_null(sl_calloc((size_t)1 << 23, (size_t)1 << 23));
    assert_null(sl_calloc(SIZE_MAX / 2, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_than_the_machine_has_is_refused),
        cmocka_unit_test(philox_is_the_published_generator),
        cmocka_unit_test(python_random_is_cpythons),
        cmocka_unit_test(a_stream_is_uniform_and_a_shuffle_permutes),
        cmocka_unit_test(a_map_finds_what_was_added),
        cmocka_unit_test(strings_grow),
        cmocka_unit_test(an_output_is_whole_or_absent),
        cmocka_unit_test(what_killed_processes_left_is_swept_away),
        cmocka_unit_test(a_full_disk_is_reported),
        cmocka_unit_test(directories_come_and_go),
        cmocka_unit_test(a_path_lies_in_its_directory),
        cmocka_unit_test(an_arena_measures_then_carves),
        cmocka_unit_test(a_parallel_loop_covers_its_range_once),
        cmocka_unit_test(loops_may_nest_and_meet),
        cmocka_unit_test(sizes_are_checked),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    test_tmpdir_remove();
    return failed;
}
