#include "train/schedule.h"

#include <math.h>

simlm_status sl_schedule_init(struct sl_schedule *s, simlm_schedule kind,
                              double lr, double warmup, int64_t n_steps,
                              simlm_error *err)
{
    double w = warmup < 1 ? nearbyint(warmup * (double)n_steps) : warmup;

    if (!(lr > 0 && isfinite(lr)))
        return sl_fail(err, SIMLM_E_ARG, "learning rate %g: must be positive",
                       lr);
    if (!(w >= 0 && w <= (double)n_steps / 2))
        return sl_fail(
            err, SIMLM_E_ARG,
            "warm-up of %.0f steps: more than half of the run's %lld", w,
            (long long)n_steps);
    *s = (struct sl_schedule){kind, lr, (int64_t)w, n_steps};
    return SIMLM_OK;
}

static double decay(int64_t t, int64_t w, int64_t n_steps)
{
    int64_t span = n_steps - w < 1 ? 1 : n_steps - w;

    return t >= n_steps ? 0 : (double)(n_steps - t) / (double)span;
}

static double log_factor(const struct sl_schedule *s, int64_t k)
{
    int64_t w = s->warmup < 2 ? 2 : s->warmup, t = k - 2;

    if (t < 0)
        return 1;
    return t < w ? log((double)t + 1) / log((double)w)
                 : decay(t, w, s->n_steps);
}

double sl_schedule_lr(const struct sl_schedule *s, int64_t k)
{
    int64_t t = k - 1;

    SL_ASSERT(k >= 1);
    if (s->kind == SIMLM_SCHEDULE_LOG)
        return s->lr * log_factor(s, k);
    if (t < s->warmup)
        return s->lr * (double)t / (double)s->warmup;
    return s->kind == SIMLM_SCHEDULE_CONSTANT
               ? s->lr
               : s->lr * decay(t, s->warmup, s->n_steps);
}
