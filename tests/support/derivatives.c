#include "derivatives.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "check.h"

/* The element of a tensor to look at: its largest gradient, then random ones. */
static int64_t pick(const double *g, int64_t n, int trial, struct sl_rng *rng)
{
    int64_t best = 0;

    if (trial)
        return (int64_t)sl_rng_below(rng, (uint64_t)n);
    for (int64_t i = 1; i < n; i++)
        if (fabs(g[i]) > fabs(g[best]))
            best = i;
    return best;
}

void check_derivatives(struct sl_bert *m, loss_fn *loss, void *self,
                       int64_t n_flat)
{
    double *w = (double *)m->w, *g = (double *)m->g;
    const double h = 1e-5;
    struct sl_rng rng;
    int64_t n_zero = 0;

    sl_rng_init(&rng, 99);
    sl_bert_zero_grad(m);
    loss(self, true);
    for (int64_t i = 0; i < m->params.count; i++) {
        const struct sl_param *t = &m->params.list[i];

        for (int trial = 0; trial < 3; trial++) {
            int64_t j = t->offset + pick(g + t->offset, t->n, trial, &rng);
            double keep = w[j], hi, lo, want;

            w[j] = keep + h;
            hi = loss(self, false);
            w[j] = keep - h;
            lo = loss(self, false);
            w[j] = keep;
            want = (hi - lo) / (2 * h);
            check_msg(fabs(g[j] - want) <= 2e-7 * (1 + fabs(want)),
                      "%s[%lld]: gradient %.10g, difference %.10g", t->name,
                      (long long)(j - t->offset), g[j], want);
            n_zero += trial == 0 && g[j] == 0;
        }
    }
    /* A gradient that is nowhere would pass above where the loss is flat. */
    assert_true(n_zero <= n_flat);
}

static void on_final(void *ctx, const sl_real *from)
{
    struct gradient_watch *w = ctx;
    const double *g = (const double *)w->m->g;
    int64_t at = (const double *)from - g;

    assert_true(at >= 0 && at < w->from);
    memcpy(w->seen + at, g + at, (size_t)(w->from - at) * sizeof *g);
    w->from = at;
    w->n_told++;
}

void gradient_watch_begin(struct gradient_watch *w, const struct sl_bert *m)
{
    *w = (struct gradient_watch){.watch = {on_final, w},
                                 .m = m,
                                 .seen = SL_NEW_ARRAY(double, m->params.size),
                                 .from = m->params.size};
    assert_non_null(w->seen);
}

void gradient_watch_check(struct gradient_watch *w)
{
    const double *g = (const double *)w->m->g;

    assert_true(w->n_told > 0);
    assert_memory_equal(w->seen + w->from, g + w->from,
                        (size_t)(w->m->params.size - w->from) * sizeof *g);
    sl_free(w->seen);
}

double *copy_grad(const struct sl_bert *m)
{
    double *g = SL_NEW_ARRAY(double, m->params.size);

    assert_non_null(g);
    memcpy(g, m->g, (size_t)m->params.size * sizeof *g);
    return g;
}

void check_same(const struct sl_bert *m, const double *want, double tol)
{
    const double *got = (const double *)m->g;

    for (int64_t i = 0; i < m->params.size; i++)
        check_msg(fabs(got[i] - want[i]) <= tol * fmax(1, fabs(want[i])),
                  "element %lld: %.17g, not %.17g", (long long)i, got[i],
                  want[i]);
}
