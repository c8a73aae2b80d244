/* Sums over ranks: whatever is started when, each number is the sum in the order
 * of ranks, and nothing is sent before it is said to be final.  (Shares and
 * gathers: the sessions' tests; real processes: tests/cli/t_ranks.sh.) */
#include "base/alloc.h"
#include "base/rng.h"
#include "check.h"
#include "comm/comm.h"
#include "comm/transport.h"

enum { SIZE = 3, N = 300007 };

/* This process is one of three; the transport knows what the others add. */
static struct {
    struct sl_transport t;
    float *x;          /* [N] this rank's, given to the sum */
    float *adds[SIZE]; /* [N] */
    int64_t from;      /* final: what may be sent */
    int64_t scattered; /* all behind this is */
    int64_t collected; /* and this; either goes from the end */
    bool slow;         /* no exchange is over before it is waited for */
    int n_requests;    /* not waited for */
} world;

static float sum_at(int64_t i)
{
    double sum = 0;

    for (int r = 0; r < SIZE; r++)
        sum += (double)world.adds[r][i];
    return (float)sum;
}

static void *scatter(float *parts, const float *x, const int64_t *part)
{
    int64_t at = x - world.x, mine = part[world.t.rank];
    int64_t own = part[world.t.rank + 1] - mine;

    assert_true(at >= world.from);
    assert_int_equal(at + part[SIZE], world.scattered);
    assert_memory_equal(x, world.adds[world.t.rank] + at,
                        (size_t)part[SIZE] * sizeof *x);
    for (int r = 0; r < SIZE; r++)
        memcpy(parts + r * own, world.adds[r] + at + mine,
               (size_t)own * sizeof *parts);
    world.scattered = at;
    world.n_requests++;
    return world.x;
}

static void *collect(float *x, const int64_t *part)
{
    int64_t at = x - world.x, mine = part[world.t.rank];

    assert_true(at >= world.scattered);
    assert_int_equal(at + part[SIZE], world.collected);
    for (int64_t i = 0; i < part[SIZE]; i++)
        if (i >= mine && i < part[world.t.rank + 1])
            check_msg(x[i] == sum_at(at + i), "x[%lld]", (long long)(at + i));
        else
            x[i] = sum_at(at + i);
    world.collected = at;
    world.n_requests++;
    return world.x;
}

static bool over(void *request)
{
    assert_ptr_equal(request, world.x);
    return !world.slow;
}

static void wait_for(void *request)
{
    assert_ptr_equal(request, world.x);
    world.n_requests--;
}

static int make_world(void **state)
{
    struct sl_rng rng;

    (void)state;
    sl_rng_init(&rng, 5);
    world.x = SL_NEW_ARRAY(float, N);
    for (int r = 0; r < SIZE; r++) {
        world.adds[r] = SL_NEW_ARRAY(float, N);
        for (int64_t i = 0; i < N; i++)
            world.adds[r][i] = (float)sl_rng_normal(&rng);
    }
    return 0;
}

static int free_world(void **state)
{
    (void)state;
    sl_free(world.x);
    for (int r = 0; r < SIZE; r++)
        sl_free(world.adds[r]);
    return 0;
}

static int leave(void **state)
{
    (void)state;
    sl_comm_use(NULL);
    return 0;
}

/* A rank's step, in which it is told of `from` [n], falling. */
static void take_sum(struct sl_comm_sum *s, const int64_t *from, int n)
{
    memcpy(world.x, world.adds[world.t.rank], N * sizeof *world.x);
    world.scattered = world.collected = world.from = N;
    for (int i = 0; i < n; i++) {
        world.from = from[i];
        sl_comm_sum_start(s, from[i]);
        /* All pieces that lie behind it, which are no longer than this. */
        assert_true(world.scattered - from[i] < N / 16);
        assert_int_equal(world.collected, world.slow ? N : world.scattered);
    }
    world.from = 0;
    sl_comm_sum_wait(s);
    assert_int_equal(world.n_requests, 0);
    for (int64_t i = 0; i < N; i++)
        check_msg(world.x[i] == sum_at(i), "x[%lld]", (long long)i);
}

static void sums_are_in_the_order_of_ranks_whenever_they_start(void **state)
{
    static const int64_t few[] = {N - 1, 120000, 7};
    static const int64_t many[] = {299000, 250000, 200001, 200000,
                                   200000, 90001,  4096,   0};

    (void)state;
    for (int32_t rank = 0; rank < SIZE; rank++)
        for (int slow = 0; slow < 2; slow++) {
            struct sl_comm_sum *s = NULL;

            world.slow = slow;
            world.t = (struct sl_transport){.rank = rank,
                                            .size = SIZE,
                                            .scatter = scatter,
                                            .collect = collect,
                                            .over = over,
                                            .wait = wait_for};
            sl_comm_use(&world.t);
            check_ok(sl_comm_sum_new(&s, world.x, N, &err));
            take_sum(s, few, SL_LEN(few));
            take_sum(s, NULL, 0);
            take_sum(s, many, SL_LEN(many));
            sl_comm_sum_free(s);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(
            sums_are_in_the_order_of_ranks_whenever_they_start, leave),
    };
    return cmocka_run_group_tests(tests, make_world, free_world);
}
