/*
 * bench_ops.c - every op of a training step by itself, and its share of the
 * step; with `variants` on each instruction set, in turns, so that a busy
 * machine is busy for all of them.
 */
#include "bench/bench.h"

#include "base/parallel.h"
#include "bench/op_cases.h"

enum { MAX_VARIANTS = 3, MOST_CALLS = 500, LEAST_CALLS = 10 };

struct ops_bench {
    struct sl_bench *b;
    int n;                                /* variants */
    struct sl_backend *own[MAX_VARIANTS]; /* opened here; NULL: b's */
    struct sl_op_data data[MAX_VARIANTS];
    struct sl_timing t[SL_MAX_OP_CASES][MAX_VARIANTS]; /* calls 0: left out */
};

/* All variants of one op. */
static simlm_status measure(struct ops_bench *x, const struct sl_op_case *c,
                            struct sl_timing *t, simlm_error *err)
{
    double took[MAX_VARIANTS][MOST_CALLS], begin, at;
    int64_t calls = 0;

    for (int k = 0; k < x->n; k++)
        c->run(&x->data[k]);
    begin = at = sl_bench_now(x->b);
    while (calls < LEAST_CALLS ||
           (calls < MOST_CALLS && at - begin < x->b->o->seconds * x->n)) {
        for (int k = 0; k < x->n; k++) {
            double now;

            c->run(&x->data[k]);
            now = sl_bench_now(x->b);
            took[k][calls] = now - at;
            at = now;
        }
        calls++;
    }
    for (int k = 0; k < x->n; k++) {
        t[k] = sl_timing_of(took[k], calls);
        SL_TRY(x->data[k].be->sync(x->data[k].be, err));
    }
    return SIMLM_OK;
}

static void report(struct ops_bench *x, int k)
{
    const struct sl_op_data *d = &x->data[k];
    double step = 0;

    for (int i = 0; sl_op_cases[i].name; i++)
        if (x->t[i][k].calls)
            step += sl_op_cases[i].cost(d).calls * x->t[i][k].median;
    for (int i = 0; sl_op_cases[i].name; i++) {
        const struct sl_op_case *c = &sl_op_cases[i];
        struct sl_op_cost cost = c->cost(d);
        struct sl_work w = {.part = "ops",
                            .name = c->name,
                            .flops = cost.flops,
                            .bytes = cost.bytes,
                            .limit = cost.flops > 0 ? SL_LIMIT_ARITHMETIC
                                                    : SL_LIMIT_MEMORY};
        simlm_bench_figure f;

        if (!x->t[i][k].calls)
            continue;
        f = sl_bench_figure(&w, &x->t[i][k], d->be, &x->b->peaks,
                            sl_parallel_threads());
        f.share = 100 * cost.calls * x->t[i][k].median / step;
        sl_bench_report(x->b, &f);
    }
}

/* The data of one more variant, on a backend of its own unless be is given. */
static simlm_status add(struct ops_bench *x, struct sl_backend *be,
                        unsigned cpu, const struct sl_config *c,
                        simlm_error *err)
{
    const simlm_bench_options *o = x->b->o;
    int k = x->n;

    if (!be)
        SL_TRY(sl_backend_open_cpu(&x->own[k], sl_compute_in(o->precision), cpu,
                                   err));
    x->n++;
    return sl_op_data_open(&x->data[k], be ? be : x->own[k], c, o->tokens,
                           o->length, (float)o->dropout, err);
}

static simlm_status add_all(struct ops_bench *x, simlm_error *err)
{
    unsigned has = sl_cpu_from_env();
    struct sl_config c;

    SL_TRY(sl_bench_config(&c, x->b, SIMLM_SHAPE_MINI, err));
    if (!x->b->o->variants)
        return add(x, x->b->be, has, &c, err);
    SL_TRY(add(x, NULL, 0, &c, err));
    if (has & SL_CPU_AVX512)
        SL_TRY(add(x, NULL, has & ~(unsigned)SL_CPU_AVX512, &c, err));
    return has ? add(x, NULL, has, &c, err) : SIMLM_OK;
}

static simlm_status run(struct ops_bench *x, simlm_error *err)
{
    SL_TRY(add_all(x, err));
    for (int i = 0; sl_op_cases[i].name; i++) {
        SL_ASSERT(i < SL_MAX_OP_CASES);
        if (sl_bench_wants(x->b, sl_op_cases[i].name))
            SL_TRY(measure(x, &sl_op_cases[i], x->t[i], err));
    }
    for (int k = 0; k < x->n; k++)
        report(x, k);
    return SIMLM_OK;
}

simlm_status sl_bench_ops(struct sl_bench *b, simlm_error *err)
{
    struct ops_bench x = {.b = b};
    simlm_status st = run(&x, err);

    for (int k = 0; k < x.n; k++)
        sl_op_data_close(&x.data[k]);
    for (int k = 0; k < MAX_VARIANTS; k++)
        sl_backend_close(x.own[k]);
    return st;
}
