#include "golden.h"

#include "base/alloc.h"
#include "base/parallel.h"
#include "check.h"

/* ---- the expected numbers ------------------------------------------------ */

static const char *doc_path;
static struct sl_json_doc *doc;

static int load(void **state)
{
    (void)state;
    sl_parallel_set_threads(1); /* tiny products: threads only wait */
    return sl_json_load(&doc, doc_path, NULL) != SIMLM_OK;
}

static int unload(void **state)
{
    (void)state;
    sl_json_free(doc);
    return 0;
}

int golden_main(const char *path, const struct CMUnitTest *tests, size_t n)
{
    doc_path = path;
    return _cmocka_run_group_tests("golden", tests, n, load, unload);
}

struct sl_json golden_section(const char *section)
{
    struct sl_json v = sl_json_field(sl_json_root(doc), section);

    assert_int_equal(sl_json_kind(v), SL_JSON_OBJECT);
    return v;
}

double golden_real_at(struct sl_json list, int64_t i)
{
    double x = 0;

    assert_true(sl_json_is_real(sl_json_item(list, i), &x));
    return x;
}

double golden_real(struct sl_json v, const char *key)
{
    double x = 0;

    assert_true(sl_json_is_real(sl_json_field(v, key), &x));
    return x;
}

int32_t *golden_ints(struct sl_json v, const char *key, int64_t *n)
{
    struct sl_json list = sl_json_field(v, key);
    int32_t *x;

    *n = sl_json_count(list);
    x = SL_NEW_ARRAY(int32_t, *n);
    assert_non_null(x);
    for (int64_t i = 0; i < *n; i++)
        x[i] = (int32_t)golden_real_at(list, i);
    return x;
}

struct golden_inputs golden_inputs_of(struct sl_json v)
{
    struct sl_json b = sl_json_field(v, "batch");
    struct golden_inputs in;
    int64_t n, N;

    in.start = golden_ints(b, "start", &n);
    in.ids = golden_ints(b, "ids", &N);
    in.types = golden_ints(b, "types", &N);
    in.t = (struct sl_tokens){n - 1, N, in.start, in.ids, in.types, NULL};
    return in;
}

void golden_inputs_free(struct golden_inputs *in)
{
    sl_free(in->start);
    sl_free(in->ids);
    sl_free(in->types);
}

/* ---- variants ------------------------------------------------------------ */

static const struct golden_variant golden_variants[] = {
    {"fp64", SL_FP64, 0, 1e-9, 1e-9},
    {"ref", SL_FP32, 0, 1e-5, 1e-5},
    {"onednn", SL_FP32, SL_CPU_ONEDNN, 1e-5, 1e-5},
    {"avx2", SL_FP32, SL_CPU_AVX2, 1e-5, 1e-5},
    {"avx2 and onednn", SL_FP32, SL_CPU_AVX2 | SL_CPU_ONEDNN, 1e-5, 1e-5},
    {"everything", SL_FP32, SL_CPU_ALL, 1e-5, 1e-5},
    {"bf16 by way of fp32", SL_BF16, 0, 1e-1, 2e-2},
    {"bf16", SL_BF16, SL_CPU_ALL, 1e-1, 2e-2},
};
static const int n_golden_variants = (int)SL_LEN(golden_variants);

static void check_near(const struct golden_variant *v, const char *what,
                       int64_t i, double got, double want, double most)
{
    check_msg(fabs(got - want) <= most, "%s: %s[%lld] is %.10g, not %.10g",
              v->name, what, (long long)i, got, want);
}

void golden_check_number(const struct golden_variant *v, const char *what,
                         int64_t i, double got, double want, double size)
{
    check_near(v, what, i, got, want, v->tol * fmax(fabs(want), size));
}

void golden_check_loss(const struct golden_variant *v, const char *what,
                       int64_t step, double got, double want)
{
    double size = v->compute == SL_BF16 ? fmax(fabs(want), 1) : fabs(want);

    check_near(v, what, step, got, want, v->loss_tol * size);
}

void golden_check_floats(const struct golden_variant *v, const char *what,
                         const float *got, struct sl_json want, int64_t n)
{
    struct golden_variant rounded = *v;

    if (v->tol < 1e-7) /* fp64 results were downloaded as float */
        rounded.tol = 1e-7;
    assert_int_equal(sl_json_count(want), n);
    for (int64_t i = 0; i < n; i++)
        golden_check_number(&rounded, what, i, got[i], golden_real_at(want, i),
                            1);
}

/* ---- training ------------------------------------------------------------ */

static double norm_of(const struct sl_bert *m, int64_t offset, int64_t n)
{
    double sum = 0;

    m->be->ops->sum_squares(m->be, &sum, sl_real_at(m->be, m->g, offset), n);
    return sqrt(sum);
}

/* A key's bias moves no attention, so its gradient is 0 but for rounding, which
 * is measured against the whole gradient. */
static void check_grad_norms(const struct golden_problem *p,
                             struct sl_json want)
{
    double whole = norm_of(p->m, 0, p->m->params.size);

    for (int64_t i = 0; i < p->m->params.count; i++) {
        const struct sl_param *t = &p->m->params.list[i];
        double norm = golden_real(want, t->name);

        golden_check_number(p->v, t->name, i, norm_of(p->m, t->offset, t->n),
                            norm, norm < 1e-12 * whole ? 0.1 * whole : 0);
    }
    assert_int_equal(p->m->params.count, sl_json_count(want));
}

static void adamw(const struct sl_bert *m, double lr, int t)
{
    double c = (norm_of(m, 0, m->params.size) + 1e-6) / 1.0;
    struct sl_adamw hp = {.lr = lr,
                          .beta1 = 0.9,
                          .beta2 = 0.999,
                          .eps = 1e-8,
                          .decay = 0.01,
                          .bias1 = 1 - pow(0.9, t),
                          .bias2 = 1 - pow(0.999, t),
                          .grad_scale = c > 1 ? 1 / c : 1};

    m->be->ops->adamw(m->be, m->w, m->m, m->v, m->g, m->params.size, &hp);
}

void golden_check_training(const struct golden_problem *p, struct sl_json want)
{
    struct sl_json lr = sl_json_field(sl_json_root(doc), "lr");
    struct sl_json curve = sl_json_field(want, "curve");

    assert_int_equal(sl_json_count(curve), 10);
    for (int step = 0; step < 10; step++) {
        double loss;

        sl_bert_zero_grad(p->m);
        loss = p->loss(p->self);
        golden_check_loss(p->v, "loss", step, loss,
                          golden_real_at(curve, step));
        if (step == 0)
            check_grad_norms(p, sl_json_field(want, "grad_norms"));
        adamw(p->m, golden_real_at(lr, step), step + 1);
    }
}

void golden_each_variant(void (*check)(const struct golden_variant *v,
                                       struct sl_backend *be))
{
    for (int i = 0; i < n_golden_variants; i++) {
        const struct golden_variant *v = &golden_variants[i];
        struct sl_backend *be = NULL;

        if (v->cpu != SL_CPU_ALL && (v->cpu & ~sl_cpu_detect()))
            continue;
        check_ok(sl_backend_open_cpu(&be, v->compute, v->cpu, &err));
        check(v, be);
        sl_backend_close(be);
    }
}

struct sl_bert *golden_model(struct sl_backend *be, const char *dir,
                             struct sl_bert_parts parts)
{
    struct sl_bert *m = NULL;

    check_ok(sl_bert_open(&m, be, dir, parts, NULL, &err));
    check_ok(sl_bert_train(m, &err));
    return m;
}
