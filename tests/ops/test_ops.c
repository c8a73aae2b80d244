/* Every op of every CPU variant: the gradient is the derivative of the output,
 * fp32 agrees with the fp64 reference, threads change no bit. */
#include "ops_case.h"

#include "base/parallel.h"
#include "check.h"

/* f(inputs) = sum of dout * out[0], whose gradient is what backward computes. */
static double weighted_output(struct ops_run *r, const double *dout)
{
    double *y, sum = 0;

    ops_run_forward(r);
    y = ops_run_read(r, r->out[0], r->out_n[0]);
    for (int64_t i = 0; i < r->out_n[0]; i++)
        sum += dout[i] * y[i];
    free(y);
    return sum;
}

static void check_input(struct ops_run *r, int k, const double *dout,
                        const double *base, const double *got)
{
    double *at = r->in[k]; /* the fp64 CPU backend's memory is ours */
    const double h = 1e-5;

    for (int64_t i = 0; i < r->in_n[k]; i++) {
        double keep = at[i], hi, lo, want;

        at[i] = keep + h;
        hi = weighted_output(r, dout);
        at[i] = keep - h;
        lo = weighted_output(r, dout);
        at[i] = keep;
        want = (hi - lo) / (2 * h) + base[i];
        check_msg(fabs(got[i] - want) <= 2e-7 * (1 + fabs(want)),
                  "%s, p %g: d%s[%d] is %.10g, the difference %.10g",
                  r->c->name, r->s.p, r->c->in[k].name, (int)i, got[i], want);
    }
}

static void check_gradient(struct sl_backend *be, const struct ops_case *c,
                           const struct ops_shape *s)
{
    struct ops_run *r = ops_run_new(be, c, s);
    double *dout = ops_run_read(r, r->dout, r->out_n[0]);
    double *base[OPS_MAX_TENSORS], *got[OPS_MAX_TENSORS];

    for (int k = 0; k < r->n_in; k++)
        base[k] = ops_run_base(r, k);
    ops_run_forward(r);
    ops_run_backward(r);
    for (int k = 0; k < r->n_in; k++)
        got[k] = ops_run_read(r, r->din[k], r->in_n[k]);
    for (int k = 0; k < r->n_in; k++)
        if (!(c->in[k].flags & OPS_CONST))
            check_input(r, k, dout, base[k], got[k]);
    for (int k = 0; k < r->n_in; k++) {
        free(base[k]);
        free(got[k]);
    }
    free(dout);
    ops_run_free(r);
}

static void gradient_is_the_derivative(void **state)
{
    static const float dropout[] = {0, 0.25f};
    struct sl_backend *be = ops_open(SL_FP64, 0);

    (void)state;
    for (int i = 0; i < n_ops_cases; i++)
        for (size_t p = 0; p < SL_LEN(dropout) && ops_cases[i].backward; p++) {
            struct ops_shape s = ops_shape_small(40 + p);

            s.p = dropout[p];
            check_gradient(be, &ops_cases[i], &s);
            s.H = 3; /* heads of width 2; one sequence of one token */
            s.n = s.N = s.len[0] = 1;
            check_gradient(be, &ops_cases[i], &s);
        }
    sl_backend_close(be);
}

static void variants_of(enum sl_compute compute, double tol)
{
    struct sl_backend *f64 = ops_open(SL_FP64, 0);

    for (int v = 0; v < n_ops_variants; v++) {
        struct sl_backend *be;
        struct sl_rng rng;

        if (!ops_variant_present(&ops_variants[v]))
            continue;
        be = ops_open(compute, ops_variants[v].cpu);
        sl_rng_init(&rng, sl_stream(7, SL_PURPOSE_TEST, 0));
        for (int trial = 0; trial < 12; trial++) {
            struct ops_shape s = ops_shape_random(&rng);

            /* The norm of a few columns, which may be nearly equal, magnifies
             * the rounding of its input. */
            if (compute == SL_BF16 && s.D < 16)
                s.D *= 16;
            for (int i = 0; i < n_ops_cases; i++)
                ops_case_agrees(be, f64, &ops_cases[i], &s, tol);
        }
        sl_backend_close(be);
    }
    sl_backend_close(f64);
}

static void variants_agree(void **state)
{
    (void)state;
    variants_of(SL_FP32, 3e-5);
}

/* Weights and results are rounded to 1 / 512 of their size. */
static void variants_agree_in_bf16(void **state)
{
    (void)state;
    variants_of(SL_BF16, 1e-2);
}

static void threads_for(enum sl_compute compute)
{
    for (int v = 0; v < n_ops_variants; v++) {
        struct sl_backend *be;
        struct sl_rng rng;

        if (!ops_variant_present(&ops_variants[v]))
            continue;
        be = ops_open(compute, ops_variants[v].cpu);
        sl_rng_init(&rng, sl_stream(8, SL_PURPOSE_TEST, 0));
        for (int trial = 0; trial < 6; trial++) {
            struct ops_shape s = ops_shape_random(&rng);

            for (int i = 0; i < n_ops_cases; i++)
                ops_case_same_on_threads(be, &ops_cases[i], &s);
        }
        sl_backend_close(be);
    }
}

static void threads_change_no_bit(void **state)
{
    (void)state;
    threads_for(SL_FP32);
    threads_for(SL_BF16);
}

/* Differences take thousands of tiny loops: not worth two threads. */
static int one_thread(void **state)
{
    (void)state;
    sl_parallel_set_threads(1);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(gradient_is_the_derivative, one_thread),
        cmocka_unit_test_setup(variants_agree, one_thread),
        cmocka_unit_test_setup(variants_agree_in_bf16, one_thread),
        cmocka_unit_test(threads_change_no_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
