#include "ops_case.h"

#include "base/alloc.h"
#include "base/parallel.h"
#include "check.h"

static double *read_tensor(const struct ops_run *r, const struct ops_tensor *t,
                           const void *tensor, int64_t n)
{
    double *v;
    float *f;

    if (ops_element_bytes(r->be, t) == r->be->real_bytes)
        return ops_run_read(r, tensor, n);
    v = malloc((size_t)(n + 1) * sizeof *v);
    f = malloc((size_t)(n + 1) * sizeof *f);
    r->be->download_act(r->be, f, tensor, n);
    for (int64_t i = 0; i < n; i++)
        v[i] = (double)f[i];
    free(f);
    return v;
}

static void compare(const struct ops_run *got, const struct ops_run *want,
                    const char *grad, const struct ops_tensor *t, const void *g,
                    const void *w, int64_t n, double tol)
{
    double *a = read_tensor(got, t, g, n), *b = read_tensor(want, t, w, n);
    const struct ops_shape *s = &want->s;
    double size = 1;

    for (int64_t i = 0; i < n; i++)
        if (isfinite(b[i]) && fabs(b[i]) > size)
            size = fabs(b[i]);
    for (int64_t i = 0; i < n; i++)
        check_msg(a[i] == b[i] || fabs(a[i] - b[i]) <= tol * size,
                  "%s, %s: %s%s[%d of %d] is %.9g, not %.9g (seed %lu, n %d, "
                  "N %d, D %d, H %d, I %d, O %d, V %d, m %d, p %g)",
                  got->be->name, got->c->name, grad, t->name, (int)i, (int)n,
                  a[i], b[i], (unsigned long)s->seed, (int)s->n, (int)s->N,
                  (int)s->D, (int)s->H, (int)s->I, (int)s->O, (int)s->V,
                  (int)s->m, s->p);
    free(a);
    free(b);
}

static void compare_all(const struct ops_run *got, const struct ops_run *want,
                        double tol)
{
    for (int k = 0; k < want->n_out; k++)
        compare(got, want, "", &want->c->out[k], got->out[k], want->out[k],
                want->out_n[k], tol);
    for (int k = 0; k < want->n_in && want->c->backward; k++)
        if (!(want->c->in[k].flags & OPS_CONST))
            compare(got, want, "d", &want->c->in[k], got->din[k], want->din[k],
                    want->in_n[k], tol);
}

static struct ops_run *run_both(struct sl_backend *be, const struct ops_case *c,
                                const struct ops_shape *s)
{
    struct ops_run *r = ops_run_new(be, c, s);

    ops_run_forward(r);
    if (c->backward)
        ops_run_backward(r);
    return r;
}

void ops_case_agrees(struct sl_backend *be, struct sl_backend *f64,
                     const struct ops_case *c, const struct ops_shape *s,
                     double tol)
{
    struct ops_run *want = run_both(f64, c, s), *got = run_both(be, c, s);

    compare_all(got, want, tol);
    ops_run_free(want);
    ops_run_free(got);
}

void ops_case_same_on_threads(struct sl_backend *be, const struct ops_case *c,
                              const struct ops_shape *s)
{
    int threads = sl_parallel_threads();
    struct ops_run *one, *two;

    sl_parallel_set_threads(1);
    one = run_both(be, c, s);
    sl_parallel_set_threads(2);
    two = run_both(be, c, s);
    sl_parallel_set_threads(threads);
    compare_all(two, one, 0);
    ops_run_free(one);
    ops_run_free(two);
}

struct sl_backend *ops_open(enum sl_compute compute, unsigned cpu)
{
    struct sl_backend *be = NULL;

    check_ok(sl_backend_open_cpu(&be, compute, cpu, &err));
    return be;
}

/* The best first: what oneDNN may use is settled when it is first used. */
const struct ops_variant ops_variants[] = {
    {"everything", SL_CPU_ALL},
    {"avx512", SL_CPU_AVX2 | SL_CPU_AVX512},
    {"avx2", SL_CPU_AVX2},
    {"onednn", SL_CPU_ONEDNN},
    {"ref", 0},
};
const int n_ops_variants = (int)SL_LEN(ops_variants);

bool ops_variant_present(const struct ops_variant *v)
{
    return !(v->cpu & ~sl_cpu_detect());
}
