/* Forward, backward and ten steps of training equal PyTorch's (transformers'
 * BERT and ELECTRA, masked LMs and sequence classifiers; SimLM's RLM,
 * bi-encoder and re-ranker's loss in torch), in fp32 with every CPU variant
 * and, closer, in double.  tools/golden/model.py made the numbers.
 */
#include "backend/backend.h"
#include "base/alloc.h"
#include "base/parallel.h"
#include "check.h"
#include "format/json.h"
#include "model/biencoder.h"
#include "model/crossencoder.h"
#include "model/encoder.h"
#include "model/rlm.h"

#define DIR TEST_DATA "/golden/model"

/* ---- the expected numbers
 * -------------------------------------------------------- */

static struct sl_json_doc *doc;

static struct sl_json expected(const char *section)
{
    struct sl_json v = sl_json_field(sl_json_root(doc), section);

    assert_int_equal(sl_json_kind(v), SL_JSON_OBJECT);
    return v;
}

static double real_at(struct sl_json list, int64_t i)
{
    double x = 0;

    assert_true(sl_json_is_real(sl_json_item(list, i), &x));
    return x;
}

static double real_of(struct sl_json v, const char *key)
{
    double x = 0;

    assert_true(sl_json_is_real(sl_json_field(v, key), &x));
    return x;
}

/* The integers of a list; sl_free() them. */
static int32_t *ints_of(struct sl_json v, const char *key, int64_t *n)
{
    struct sl_json list = sl_json_field(v, key);
    int32_t *x;

    *n = sl_json_count(list);
    x = SL_NEW_ARRAY(int32_t, *n);
    assert_non_null(x);
    for (int64_t i = 0; i < *n; i++)
        x[i] = (int32_t)real_at(list, i);
    return x;
}

struct inputs {
    int32_t *start, *ids, *types;
    struct sl_tokens t;
};

static struct inputs inputs_of(struct sl_json v)
{
    struct sl_json b = sl_json_field(v, "batch");
    struct inputs in;
    int64_t n, N;

    in.start = ints_of(b, "start", &n);
    in.ids = ints_of(b, "ids", &N);
    in.types = ints_of(b, "types", &N);
    in.t = (struct sl_tokens){n - 1, N, in.start, in.ids, in.types, NULL};
    return in;
}

static void free_inputs(struct inputs *in)
{
    sl_free(in->start);
    sl_free(in->ids);
    sl_free(in->types);
}

/* ---- backends
 * ------------------------------------------------------------------------ */

struct variant {
    const char *name;
    enum sl_compute compute;
    unsigned cpu;
    double tol, loss_tol; /* relative */
};

static const struct variant variants[] = {
    {"fp64", SL_FP64, 0, 1e-9, 1e-9},
    {"ref", SL_FP32, 0, 1e-5, 1e-5},
    {"onednn", SL_FP32, SL_CPU_ONEDNN, 1e-5, 1e-5},
    {"avx2", SL_FP32, SL_CPU_AVX2, 1e-5, 1e-5},
    {"avx2 and onednn", SL_FP32, SL_CPU_AVX2 | SL_CPU_ONEDNN, 1e-5, 1e-5},
    {"everything", SL_FP32, SL_CPU_ALL, 1e-5, 1e-5},
    {"bf16 by way of fp32", SL_BF16, 0, 1e-1, 2e-2},
    {"bf16", SL_BF16, SL_CPU_ALL, 1e-1, 2e-2},
};

static void check_near(const struct variant *v, const char *what, int64_t i,
                       double got, double want, double most)
{
    check_msg(fabs(got - want) <= most, "%s: %s[%lld] is %.10g, not %.10g",
              v->name, what, (long long)i, got, want);
}

static void check_number(const struct variant *v, const char *what, int64_t i,
                         double got, double want, double size)
{
    check_near(v, what, i, got, want, v->tol * fmax(fabs(want), size));
}

static void check_loss(const struct variant *v, const char *what, int64_t step,
                       double got, double want)
{
    double size = v->compute == SL_BF16 ? fmax(fabs(want), 1) : fabs(want);

    check_near(v, what, step, got, want, v->loss_tol * size);
}

/* |difference| within tol of the larger of the number and 1. */
static void check_floats(const struct variant *v, const char *what,
                         const float *got, struct sl_json want, int64_t n)
{
    assert_int_equal(sl_json_count(want), n);
    for (int64_t i = 0; i < n; i++) /* fp64 results were downloaded as float */
        check_number(
            v->tol < 1e-7 ? &(struct variant){v->name, SL_FP64, 0, 1e-7, 0} : v,
            what, i, got[i], real_at(want, i), 1);
}

/* ---- training
 * -------------------------------------------------------------------------- */

struct problem {
    const struct variant *v;
    struct sl_bert *m;
    double (*loss)(struct problem *p); /* and its gradient */
    struct sl_mlm *mlm;
    struct sl_mlm_batch mlm_batch;
    struct sl_rlm *rlm;
    struct sl_rlm_batch rlm_batch;
    struct sl_rlm_result rlm_result;
    struct sl_biencoder *bi;
    struct sl_biencoder_batch bi_batch;
    double bi_scale;
    struct sl_crossencoder *cross;
    struct sl_crossencoder_batch cross_batch;
    struct sl_crossencoder_result cross_result;
    int32_t rank[8];
};

static double mlm_loss(struct problem *p)
{
    double sum, n = (double)p->mlm_batch.n_rows;

    check_ok(sl_mlm_step(p->mlm, &sum, &p->mlm_batch, 1 / n, true,
                         (struct sl_noise){0}, &err));
    return sum / n;
}

static double rlm_loss(struct problem *p)
{
    struct sl_rlm_result *r = &p->rlm_result;
    double n = (double)p->rlm_batch.n_rows;

    check_ok(sl_rlm_step(p->rlm, r, &p->rlm_batch, 1 / n, true,
                         (struct sl_noise){0}, 0, &err));
    return (r->enc_sum + r->dec_sum) / n;
}

static double bi_loss(struct problem *p)
{
    double n = (double)p->bi_batch.B;
    struct sl_biencoder_loss loss = {
        .scale = p->bi_scale, .full = true, .contrastive = 1 / n};
    struct sl_biencoder_result r;

    check_ok(sl_biencoder_step(p->bi, &r, p->rank, &p->bi_batch, loss, true,
                               (struct sl_noise){0}, &err));
    return r.contrastive / n;
}

static double cross_loss(struct problem *p)
{
    struct sl_crossencoder_result *r = &p->cross_result;
    double n = (double)p->cross_batch.B;

    check_ok(sl_crossencoder_step(p->cross, r, NULL, &p->cross_batch, 1 / n,
                                  true, (struct sl_noise){0}, &err));
    return (r->ce + r->rdrop) / n;
}

static double norm_of(const struct sl_bert *m, int64_t offset, int64_t n)
{
    double sum = 0;

    m->be->ops->sum_squares(m->be, &sum, sl_real_at(m->be, m->g, offset), n);
    return sqrt(sum);
}

/* A key's bias moves no attention, so its gradient is 0 but for rounding, which
 * is measured against the whole gradient. */
static void check_grad_norms(struct problem *p, struct sl_json want)
{
    double whole = norm_of(p->m, 0, p->m->params.size);

    for (int64_t i = 0; i < p->m->params.count; i++) {
        const struct sl_param *t = &p->m->params.list[i];
        double norm = real_of(want, t->name);

        check_number(p->v, t->name, i, norm_of(p->m, t->offset, t->n), norm,
                     norm < 1e-12 * whole ? 0.1 * whole : 0);
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

static void check_training(struct problem *p, struct sl_json want)
{
    struct sl_json lr = sl_json_field(sl_json_root(doc), "lr");
    struct sl_json curve = sl_json_field(want, "curve");

    assert_int_equal(sl_json_count(curve), 10);
    for (int step = 0; step < 10; step++) {
        double loss;

        sl_bert_zero_grad(p->m);
        loss = p->loss(p);
        check_loss(p->v, "loss", step, loss, real_at(curve, step));
        if (step == 0)
            check_grad_norms(p, sl_json_field(want, "grad_norms"));
        adamw(p->m, real_at(lr, step), step + 1);
    }
}

static const struct sl_session_options session = {128, 16, false};

static struct sl_bert *open_model(struct sl_backend *be, const char *name,
                                  struct sl_bert_parts parts)
{
    struct sl_bert *m = NULL;

    check_ok(sl_bert_open(&m, be, name, parts, NULL, &err));
    check_ok(sl_bert_train(m, &err));
    return m;
}

static void check_hidden(const struct variant *v, struct sl_bert *m,
                         const struct sl_tokens *t, struct sl_json want)
{
    int64_t n = t->N * m->cfg.hidden;
    float *hidden = SL_NEW_ARRAY(float, n);
    struct sl_encoder *e = NULL;

    check_ok(sl_encoder_new(&e, m, 128, 16, SL_POOL_MEAN, false, &err));
    check_ok(sl_encoder_hidden(e, hidden, t, &err));
    check_floats(v, "hidden", hidden, sl_json_field(want, "hidden"), n);
    sl_encoder_free(e);
    sl_free(hidden);
}

static void check_masked_lm(const struct variant *v, struct sl_backend *be,
                            const char *name)
{
    struct sl_json want = expected(name);
    struct problem p = {.v = v, .loss = mlm_loss};
    struct inputs in = inputs_of(want);
    int64_t n, n_labels;
    int32_t *rows = ints_of(want, "rows", &n);
    int32_t *labels = ints_of(want, "labels", &n_labels);
    char path[256];
    float *logits;

    snprintf(path, sizeof path, "%s/%s", DIR, name);
    p.m = open_model(be, path, (struct sl_bert_parts){.head = true});
    check_hidden(v, p.m, &in.t, want);
    check_ok(sl_mlm_new(&p.mlm, p.m, &session, &err));
    p.mlm_batch = (struct sl_mlm_batch){in.t, n, rows, labels};
    logits = SL_NEW_ARRAY(float, n *p.m->cfg.vocab);
    check_ok(sl_mlm_logits(p.mlm, logits, &p.mlm_batch, &err));
    check_floats(v, "logits", logits, sl_json_field(want, "logits"),
                 n * p.m->cfg.vocab);
    check_training(&p, want);
    sl_free(logits);
    sl_free(rows);
    sl_free(labels);
    sl_mlm_free(p.mlm);
    sl_bert_free(p.m);
    free_inputs(&in);
}

static void check_rlm(const struct variant *v, struct sl_backend *be)
{
    struct sl_json want = expected("rlm");
    struct problem p = {.v = v, .loss = rlm_loss};
    struct sl_rlm_options o = {session, true};
    struct inputs in = inputs_of(want);
    int64_t n, N;
    int32_t *rows = ints_of(want, "rows", &n);
    int32_t *enc = ints_of(want, "enc_ids", &N);
    int32_t *dec = ints_of(want, "dec_ids", &N);

    p.m = open_model(
        be, DIR "/bert",
        (struct sl_bert_parts){
            .head = true, .n_decoder = (int64_t)real_of(want, "n_decoder")});
    check_ok(sl_rlm_new(&p.rlm, p.m, NULL, &o, &err));
    p.rlm_batch = (struct sl_rlm_batch){.clean = in.t,
                                        .enc_ids = enc,
                                        .dec_ids = dec,
                                        .n_rows = n,
                                        .rows = rows};
    rlm_loss(&p);
    check_loss(v, "encoder's loss", 0, p.rlm_result.enc_sum / (double)n,
               real_of(want, "enc_loss"));
    check_loss(v, "decoder's loss", 0, p.rlm_result.dec_sum / (double)n,
               real_of(want, "dec_loss"));
    check_training(&p, want);
    sl_free(rows);
    sl_free(enc);
    sl_free(dec);
    sl_rlm_free(p.rlm);
    sl_bert_free(p.m);
    free_inputs(&in);
}

static void check_biencoder(const struct variant *v, struct sl_backend *be,
                            const char *section, enum sl_pooling pooling)
{
    struct sl_json want = expected(section);
    struct problem p = {.v = v, .loss = bi_loss};
    struct sl_biencoder_options o = {session, 3, 6, pooling, true};
    struct inputs in = inputs_of(want);
    struct sl_encoder *e = NULL;
    int64_t n;
    int32_t *rank = ints_of(want, "rank", &n);
    float vec[9 * 16];

    p.m = open_model(be, DIR "/bert", (struct sl_bert_parts){0});
    check_ok(sl_encoder_new(&e, p.m, 128, 16, pooling, true, &err));
    check_ok(sl_encoder_encode(e, vec, &in.t, &err));
    check_floats(v, "vectors", vec, sl_json_field(want, "vectors"), 9 * 16);

    check_ok(sl_biencoder_new(&p.bi, p.m, &o, &err));
    p.bi_batch = (struct sl_biencoder_batch){.B = 3, .m = 2, .in = in.t};
    p.bi_scale = real_of(want, "scale");
    bi_loss(&p);
    assert_memory_equal(p.rank, rank, (size_t)n * sizeof *rank);
    check_training(&p, want);
    sl_free(rank);
    sl_encoder_free(e);
    sl_biencoder_free(p.bi);
    sl_bert_free(p.m);
    free_inputs(&in);
}

static void check_one_pass(struct problem *p, struct sl_json want)
{
    struct sl_crossencoder_batch half = p->cross_batch;
    struct sl_crossencoder_result r;

    half.passes = 1;
    half.in.n /= 2;
    half.in.N = half.in.start[half.in.n];
    check_ok(sl_crossencoder_step(p->cross, &r, NULL, &half, 1, false,
                                  (struct sl_noise){0}, &err));
    check_loss(p->v, "loss of one pass", 0, r.ce / (double)half.B,
               real_of(want, "one_pass"));
    assert_true(r.rdrop == 0);
}

static void check_crossencoder(const struct variant *v, struct sl_backend *be,
                               const char *name)
{
    struct sl_json want = expected(name);
    struct problem p = {.v = v, .loss = cross_loss};
    struct inputs in = inputs_of(want);
    struct sl_crossencoder_options o = {session, in.t.n, true};
    int64_t m = (int64_t)real_of(want, "m"), B = in.t.n / 2 / m;
    float score[64];
    char path[256];

    snprintf(path, sizeof path, "%s/%s", DIR, name);
    p.m = open_model(be, path, (struct sl_bert_parts){.score = true});
    check_ok(sl_crossencoder_new(&p.cross, p.m, &o, &err));
    check_ok(sl_crossencoder_scores(p.cross, score, &in.t, &err));
    check_floats(v, "scores", score, sl_json_field(want, "scores"), in.t.n);
    p.cross_batch = (struct sl_crossencoder_batch){2, B, m, in.t};
    check_one_pass(&p, want);
    cross_loss(&p);
    check_loss(v, "cross-entropy", 0, p.cross_result.ce / (double)B,
               real_of(want, "ce"));
    check_number(v, "R-Drop", 0, p.cross_result.rdrop / (double)B,
                 real_of(want, "rdrop"), 1);
    check_training(&p, want);
    sl_crossencoder_free(p.cross);
    sl_bert_free(p.m);
    free_inputs(&in);
}

/* ---- the tests
 * ----------------------------------------------------------------------------
 */

static void each_variant(void (*check)(const struct variant *v,
                                       struct sl_backend *be))
{
    for (size_t i = 0; i < SL_LEN(variants); i++) {
        struct sl_backend *be = NULL;

        if (variants[i].cpu != SL_CPU_ALL &&
            (variants[i].cpu & ~sl_cpu_detect()))
            continue;
        check_ok(sl_backend_open_cpu(&be, variants[i].compute, variants[i].cpu,
                                     &err));
        check(&variants[i], be);
        sl_backend_close(be);
    }
}

static void bert(const struct variant *v, struct sl_backend *be)
{
    check_masked_lm(v, be, "bert");
}

static void electra(const struct variant *v, struct sl_backend *be)
{
    check_masked_lm(v, be, "electra");
}

static void cls(const struct variant *v, struct sl_backend *be)
{
    check_biencoder(v, be, "cls", SL_POOL_CLS);
}

static void mean(const struct variant *v, struct sl_backend *be)
{
    check_biencoder(v, be, "mean", SL_POOL_MEAN);
}

static void bert_score(const struct variant *v, struct sl_backend *be)
{
    check_crossencoder(v, be, "bert-score");
}

static void electra_score(const struct variant *v, struct sl_backend *be)
{
    check_crossencoder(v, be, "electra-score");
}

static void bert_equals_transformers(void **state)
{
    (void)state;
    each_variant(bert);
}

static void electra_generator_equals_transformers(void **state)
{
    (void)state;
    each_variant(electra);
}

static void rlm_equals_torch(void **state)
{
    (void)state;
    each_variant(check_rlm);
}

static void biencoder_equals_torch(void **state)
{
    (void)state;
    each_variant(cls);
    each_variant(mean);
}

static void rerankers_equal_transformers(void **state)
{
    (void)state;
    each_variant(bert_score);
    each_variant(electra_score);
}

static int load_expected(void **state)
{
    (void)state;
    sl_parallel_set_threads(1); /* tiny products: threads only wait */
    return sl_json_load(&doc, DIR "/expected.json", NULL) != SIMLM_OK;
}

static int free_expected(void **state)
{
    (void)state;
    sl_json_free(doc);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bert_equals_transformers),
        cmocka_unit_test(electra_generator_equals_transformers),
        cmocka_unit_test(rlm_equals_torch),
        cmocka_unit_test(biencoder_equals_torch),
        cmocka_unit_test(rerankers_equal_transformers),
    };
    return cmocka_run_group_tests(tests, load_expected, free_expected);
}
