/* The losses of spec section 11, in double: contrastive with its ranks'
 * measures, distillation, R-Drop; and that the last two's gradients are the derivatives of their values. */
#include "check.h"

#include "backend/ops.h"
#include "base/alloc.h"
#include "base/rng.h"
#include "train/meters.h"

static struct sl_backend *be;

/* The fp64 backend's memory is the host's, and its sl_real is a double. */
static sl_real *R(const double *x)
{
    return (sl_real *)(uintptr_t)x;
}

static const double Q[4] = {1, 0, 0.6, 0.8};
static const double P[8] = {0.8, 0.6, 0, 1, 0.28, 0.96, -1, 0};

static void contrastive_is_the_references(void **state)
{
    (void)state;
    static const struct {
        double t, full, qk;
    } want[] = {
        {1, 1.6505930, 0.9639963},
        {0.05, 2.1451559, 0.4932872},
        {0.02, 4.7322343, 0.7317701},
    };

    for (size_t i = 0; i < SL_LEN(want); i++) {
        double full = 0, qk = 0;
        int32_t rank[2];

        be->ops->contrastive(be, R(&full), rank, NULL, NULL, NULL, R(Q), R(P),
                             NULL, 2, 2, 2, 1 / want[i].t, 0.5, true);
        be->ops->contrastive(be, R(&qk), rank, NULL, NULL, NULL, R(Q), R(P),
                             NULL, 2, 2, 2, 1 / want[i].t, 0.5, false);
        check_close(full / 2, want[i].full, 3e-8);
        check_close(qk / 2, want[i].qk, 6e-8);
    }
}

static void contrastive_rows_are_the_references(void **state)
{
    (void)state;
    static const double want[20] = {
        0.8,  0,         0.28, -1,        -INFINITY, 0.96,     -INFINITY,
        0.6,  -INFINITY, 0.8,  0.96,      0.8,       0.936,    -0.6,
        0.28, -INFINITY, 0.6,  -INFINITY, 0.8,       -INFINITY};
    double logits[20], loss = 0;
    int32_t rank[2];

    be->ops->contrastive(be, R(&loss), rank, NULL, NULL, R(logits), R(Q), R(P),
                         NULL, 2, 2, 2, 1, 0.5, true);
    for (int i = 0; i < 20; i++)
        check_msg(logits[i] == want[i] || fabs(logits[i] - want[i]) < 1e-12,
                  "[%d] is %g, not %g", i, logits[i], want[i]);
    assert_int_equal(rank[0], 1);
    assert_int_equal(rank[1], 2);
}

/* Scores [[.9, .1, .5, .3], [.2, .8, .4, .6]], targets 0 and 2. */
static void ranks_and_their_measures_are_the_references(void **state)
{
    static const double q[8] = {0.9, 0.1, 0.5, 0.3, 0.2, 0.8, 0.4, 0.6};
    static const double p[16] = {1, 0, 0, 0, 0, 1, 0, 0,
                                 0, 0, 1, 0, 0, 0, 0, 1};
    struct sl_meters m = {0};
    double loss = 0;
    int32_t rank[2];

    (void)state;
    be->ops->contrastive(be, R(&loss), rank, NULL, NULL, NULL, R(q), R(p), NULL,
                         2, 2, 4, 1, 0.5, true);
    sl_meters_add_ranks(&m, rank, 2);
    check_close(sl_meters_mean(&m, "acc1"), 50, 0);
    check_close(sl_meters_mean(&m, "acc3"), 100, 0);
    check_close(sl_meters_mean(&m, "mrr"), 66.66667, 1e-5);
}

static void distillation_is_the_references(void **state)
{
    (void)state;
    static const double teacher[4] = {2, -1, 0.5, 0.25};
    double kl = 0, ce = 0;
    int32_t rank[2];

    be->ops->distill(be, R(&kl), NULL, NULL, R(Q), R(P), R(teacher), 2, 2, 2,
                     50, 0.5);
    be->ops->contrastive(be, R(&ce), rank, NULL, NULL, NULL, R(Q), R(P), NULL,
                         2, 2, 2, 50, 0.5, true);
    check_close(kl / 2, 17.3228097, 3e-9);
    check_close(kl / 2 + 0.2 * ce / 2, 18.2692566, 3e-9);
}

static void rdrop_is_the_references(void **state)
{
    (void)state;
    static const double z[12] = {1,   0,   -1,   0.2, 0.1,  0.4,
                                 0.5, 0.5, -0.5, 0.3, -0.1, 0};
    double loss[2] = {0, 0};

    be->ops->listwise(be, R(loss), NULL, R(z), 2, 2, 3, 0.5);
    check_close(loss[0] / 2, 0.8223827, 6e-8);
    check_close(loss[1] / 2, 0.0720180, 6e-8);
    /* The reference's sum was taken in fp32: 0.89440067 was cut, not rounded.
     */
    check_close((loss[0] + loss[1]) / 2, 0.8944006, 1e-7);
}

enum { GROUPS = 3, SIZE = 4, DIM = 5 };

static double distill_value(const double *x, const double *teacher)
{
    double loss = 0;

    be->ops->distill(be, R(&loss), NULL, NULL, R(x), R(x + GROUPS * DIM),
                     R(teacher), GROUPS, SIZE, DIM, 3, 0);
    return loss;
}

static void the_distillation_gradient_is_its_derivative(void **state)
{
    (void)state;
    enum { N = GROUPS * DIM * (1 + SIZE) };
    double x[N], dx[N], teacher[GROUPS * SIZE], loss = 0;
    const double h = 1e-6, weight = 0.7;
    struct sl_rng r;

    sl_rng_init(&r, sl_stream(1, SL_PURPOSE_TEST, 0));
    for (int i = 0; i < N; i++) {
        x[i] = sl_rng_normal(&r);
        dx[i] = i; /* added to, not overwritten */
    }
    for (int i = 0; i < GROUPS * SIZE; i++)
        teacher[i] = 2 * sl_rng_normal(&r);
    be->ops->distill(be, R(&loss), R(dx), R(dx + GROUPS * DIM), R(x),
                     R(x + GROUPS * DIM), R(teacher), GROUPS, SIZE, DIM, 3,
                     weight);
    for (int i = 0; i < N; i++) {
        double keep = x[i], hi, lo;

        x[i] = keep + h, hi = distill_value(x, teacher);
        x[i] = keep - h, lo = distill_value(x, teacher);
        x[i] = keep;
        check_close(dx[i] - i, weight * (hi - lo) / (2 * h), 1e-7);
    }
}

static double rdrop_value(const double *z)
{
    double loss[2] = {0, 0};

    be->ops->listwise(be, R(loss), NULL, R(z), 2, GROUPS, SIZE, 0);
    return loss[0] + loss[1];
}

static void the_rdrop_gradient_is_its_derivative(void **state)
{
    (void)state;
    enum { N = 2 * GROUPS * SIZE };
    double z[N], dz[N], loss[2] = {0, 0};
    const double h = 1e-6, weight = 0.7;
    struct sl_rng r;

    sl_rng_init(&r, sl_stream(2, SL_PURPOSE_TEST, 0));
    for (int i = 0; i < N; i++)
        z[i] = 2 * sl_rng_normal(&r);
    be->ops->listwise(be, R(loss), R(dz), R(z), 2, GROUPS, SIZE, weight);
    for (int i = 0; i < N; i++) {
        double keep = z[i], hi, lo;

        z[i] = keep + h, hi = rdrop_value(z);
        z[i] = keep - h, lo = rdrop_value(z);
        z[i] = keep;
        check_close(dz[i], weight * (hi - lo) / (2 * h), 1e-7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contrastive_is_the_references),
        cmocka_unit_test(contrastive_rows_are_the_references),
        cmocka_unit_test(ranks_and_their_measures_are_the_references),
        cmocka_unit_test(distillation_is_the_references),
        cmocka_unit_test(rdrop_is_the_references),
        cmocka_unit_test(the_distillation_gradient_is_its_derivative),
        cmocka_unit_test(the_rdrop_gradient_is_its_derivative),
    };
    int failed;

    check_ok(sl_backend_open_cpu(&be, SL_FP64, 0, &err));
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    sl_backend_close(be);
    return failed;
}
