/* A host program may have signal handlers: they run in the middle of a matrix
 * product, on its thread, and neither the product nor the heap is harmed. */
#include "ops_case.h"

#include <signal.h>
#include <sys/time.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "check.h"

enum { N = 272, I = 128, O = 384, ROUNDS = 60 };

static volatile sig_atomic_t n_signals;

/* Uses some stack, as handlers of profilers and interpreters do. */
static void on_signal(int sig)
{
    volatile char frame[4096];

    for (size_t i = 0; i < sizeof frame; i++)
        frame[i] = (char)sig;
    n_signals++;
}

static void ring(suseconds_t every)
{
    const struct itimerval timer = {{0, every}, {0, every}};

    assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

static float *numbers(int64_t n, uint64_t index)
{
    float *v = sl_alloc((size_t)n, sizeof *v);
    struct sl_rng rng;

    sl_rng_init(&rng, sl_stream(12, SL_PURPOSE_TEST, index));
    for (int64_t i = 0; i < n; i++)
        v[i] = (float)(2 * sl_rng_unit(&rng) - 1);
    return v;
}

struct products {
    struct sl_backend *be;
    float *x, *dy, *W;
    float *y, *dx, *dW;
};

/* Forward, and both backward products. */
static void compute(const struct products *p)
{
    const struct sl_ops *ops = p->be->ops;

    memset(p->dW, 0, sizeof(float[O * I]));
    ops->linear_fwd(p->be, (sl_act *)p->y, (const sl_act *)p->x,
                    (const sl_real *)p->W, NULL, N, I, O);
    ops->linear_bwd(p->be, (sl_act *)p->dx, (sl_real *)p->dW, NULL,
                    (const sl_act *)p->dy, (const sl_act *)p->x,
                    (const sl_real *)p->W, N, I, O, false);
    check_ok(p->be->sync(p->be, &err));
}

static void a_handler_harms_no_product(void **state)
{
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    struct products p = {
        .be = ops_open(SL_FP32, SL_CPU_ALL),
        .x = numbers((int64_t)N * I, 1),
        .dy = numbers((int64_t)N * O, 2),
        .W = numbers((int64_t)O * I, 3),
        .y = numbers((int64_t)N * O, 4),
        .dx = numbers((int64_t)N * I, 5),
        .dW = numbers((int64_t)O * I, 6),
    };
    float *y = sl_alloc((size_t)N * O, sizeof *y);
    float *dx = sl_alloc((size_t)N * I, sizeof *dx);
    float *dW = sl_alloc((size_t)O * I, sizeof *dW);

    (void)state;
    sigaction(SIGALRM, &sa, NULL);
    compute(&p);
    memcpy(y, p.y, sizeof(float[N * O]));
    memcpy(dx, p.dx, sizeof(float[N * I]));
    memcpy(dW, p.dW, sizeof(float[O * I]));
    ring(100);
    for (int i = 0; i < ROUNDS || n_signals < 100; i++) {
        compute(&p);
        assert_memory_equal(p.y, y, sizeof(float[N * O]));
        assert_memory_equal(p.dx, dx, sizeof(float[N * I]));
        assert_memory_equal(p.dW, dW, sizeof(float[O * I]));
    }
    ring(0);
    sl_free(p.x);
    sl_free(p.dy);
    sl_free(p.W);
    sl_free(p.y);
    sl_free(p.dx);
    sl_free(p.dW);
    sl_free(y);
    sl_free(dx);
    sl_free(dW);
    sl_backend_close(p.be);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handler_harms_no_product),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
