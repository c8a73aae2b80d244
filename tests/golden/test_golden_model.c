/* Forward, backward and ten steps of training equal PyTorch's (transformers'
 * BERT and ELECTRA, masked LMs and sequence classifiers; SimLM's
 * bi-encoder and re-ranker's loss in torch), in fp32 with every CPU variant
 * and, closer, in double.  tools/golden/model.py made the numbers.
 */
#include "base/alloc.h"
#include "check.h"
#include "golden.h"
#include "model/biencoder.h"
#include "model/crossencoder.h"
#include "model/encoder.h"

#define DIR TEST_DATA "/golden/model"

struct problem {
    struct golden_problem g;
    struct sl_mlm *mlm;
    struct sl_mlm_batch mlm_batch;
    struct sl_biencoder *bi;
    struct sl_biencoder_batch bi_batch;
    double bi_scale;
    struct sl_crossencoder *cross;
    struct sl_crossencoder_batch cross_batch;
    struct sl_crossencoder_result cross_result;
    int32_t rank[8];
};

static double mlm_loss(void *self)
{
    struct problem *p = self;
    double sum, n = (double)p->mlm_batch.n_rows;

    check_ok(sl_mlm_step(p->mlm, &sum, &p->mlm_batch, 1 / n, true,
                         (struct sl_noise){0}, &err));
    return sum / n;
}

static double bi_loss(void *self)
{
    struct problem *p = self;
    double n = (double)p->bi_batch.B;
    struct sl_biencoder_loss loss = {
        .scale = p->bi_scale, .full = true, .contrastive = 1 / n};
    struct sl_biencoder_result r;

    check_ok(sl_biencoder_step(p->bi, &r, p->rank, &p->bi_batch, loss, true,
                               (struct sl_noise){0}, &err));
    return r.contrastive / n;
}

static double cross_loss(void *self)
{
    struct problem *p = self;
    struct sl_crossencoder_result *r = &p->cross_result;
    double n = (double)p->cross_batch.B;

    check_ok(sl_crossencoder_step(p->cross, r, NULL, &p->cross_batch, 1 / n,
                                  true, (struct sl_noise){0}, &err));
    return (r->ce + r->rdrop) / n;
}

static const struct sl_session_options session = {128, 16, false};

static void check_hidden(const struct golden_variant *v, struct sl_bert *m,
                         const struct sl_tokens *t, struct sl_json want)
{
    int64_t n = t->N * m->cfg.hidden;
    float *hidden = SL_NEW_ARRAY(float, n);
    struct sl_encoder *e = NULL;

    check_ok(sl_encoder_new(&e, m, 128, 16, SL_POOL_MEAN, false, &err));
    check_ok(sl_encoder_hidden(e, hidden, t, &err));
    golden_check_floats(v, "hidden", hidden, sl_json_field(want, "hidden"), n);
    sl_encoder_free(e);
    sl_free(hidden);
}

static void check_masked_lm(const struct golden_variant *v,
                            struct sl_backend *be, const char *name)
{
    struct sl_json want = golden_section(name);
    struct problem p = {.g = {.v = v, .loss = mlm_loss, .self = &p}};
    struct golden_inputs in = golden_inputs_of(want);
    int64_t n, n_labels;
    int32_t *rows = golden_ints(want, "rows", &n);
    int32_t *labels = golden_ints(want, "labels", &n_labels);
    char path[256];
    float *logits;

    snprintf(path, sizeof path, "%s/%s", DIR, name);
    p.g.m = golden_model(be, path, (struct sl_bert_parts){.head = true});
    check_hidden(v, p.g.m, &in.t, want);
    check_ok(sl_mlm_new(&p.mlm, p.g.m, &session, &err));
    p.mlm_batch = (struct sl_mlm_batch){
        .in = in.t, .n_rows = n, .rows = rows, .labels = labels};
    logits = SL_NEW_ARRAY(float, n *p.g.m->cfg.vocab);
    check_ok(sl_mlm_logits(p.mlm, logits, &p.mlm_batch, &err));
    golden_check_floats(v, "logits", logits, sl_json_field(want, "logits"),
                        n * p.g.m->cfg.vocab);
    golden_check_training(&p.g, want);
    sl_free(logits);
    sl_free(rows);
    sl_free(labels);
    sl_mlm_free(p.mlm);
    sl_bert_free(p.g.m);
    golden_inputs_free(&in);
}

static void check_biencoder(const struct golden_variant *v,
                            struct sl_backend *be, const char *section,
                            enum sl_pooling pooling)
{
    struct sl_json want = golden_section(section);
    struct problem p = {.g = {.v = v, .loss = bi_loss, .self = &p}};
    struct sl_biencoder_options o = {session, 3, 6, pooling, true};
    struct golden_inputs in = golden_inputs_of(want);
    struct sl_encoder *e = NULL;
    int64_t n;
    int32_t *rank = golden_ints(want, "rank", &n);
    float vec[9 * 16];

    p.g.m = golden_model(be, DIR "/bert", (struct sl_bert_parts){0});
    check_ok(sl_encoder_new(&e, p.g.m, 128, 16, pooling, true, &err));
    check_ok(sl_encoder_encode(e, vec, &in.t, &err));
    golden_check_floats(v, "vectors", vec, sl_json_field(want, "vectors"),
                        9 * 16);

    check_ok(sl_biencoder_new(&p.bi, p.g.m, &o, &err));
    p.bi_batch = (struct sl_biencoder_batch){.B = 3, .m = 2, .in = in.t};
    p.bi_scale = golden_real(want, "scale");
    bi_loss(&p);
    assert_memory_equal(p.rank, rank, (size_t)n * sizeof *rank);
    golden_check_training(&p.g, want);
    sl_free(rank);
    sl_encoder_free(e);
    sl_biencoder_free(p.bi);
    sl_bert_free(p.g.m);
    golden_inputs_free(&in);
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
    golden_check_loss(p->g.v, "loss of one pass", 0, r.ce / (double)half.B,
                      golden_real(want, "one_pass"));
    assert_true(r.rdrop == 0);
}

static void check_crossencoder(const struct golden_variant *v,
                               struct sl_backend *be, const char *name)
{
    struct sl_json want = golden_section(name);
    struct problem p = {.g = {.v = v, .loss = cross_loss, .self = &p}};
    struct golden_inputs in = golden_inputs_of(want);
    struct sl_crossencoder_options o = {session, in.t.n, true};
    int64_t m = (int64_t)golden_real(want, "m"), B = in.t.n / 2 / m;
    float score[64];
    char path[256];

    snprintf(path, sizeof path, "%s/%s", DIR, name);
    p.g.m = golden_model(be, path, (struct sl_bert_parts){.score = true});
    check_ok(sl_crossencoder_new(&p.cross, p.g.m, &o, &err));
    check_ok(sl_crossencoder_scores(p.cross, score, &in.t, &err));
    golden_check_floats(v, "scores", score, sl_json_field(want, "scores"),
                        in.t.n);
    p.cross_batch =
        (struct sl_crossencoder_batch){.passes = 2, .B = B, .m = m, .in = in.t};
    check_one_pass(&p, want);
    cross_loss(&p);
    golden_check_loss(v, "cross-entropy", 0, p.cross_result.ce / (double)B,
                      golden_real(want, "ce"));
    golden_check_number(v, "R-Drop", 0, p.cross_result.rdrop / (double)B,
                        golden_real(want, "rdrop"), 1);
    golden_check_training(&p.g, want);
    sl_crossencoder_free(p.cross);
    sl_bert_free(p.g.m);
    golden_inputs_free(&in);
}

/* ---- the tests ----------------------------------------------------------- */

static void bert(const struct golden_variant *v, struct sl_backend *be)
{
    check_masked_lm(v, be, "bert");
}

static void electra(const struct golden_variant *v, struct sl_backend *be)
{
    check_masked_lm(v, be, "electra");
}

static void cls(const struct golden_variant *v, struct sl_backend *be)
{
    check_biencoder(v, be, "cls", SL_POOL_CLS);
}

static void mean(const struct golden_variant *v, struct sl_backend *be)
{
    check_biencoder(v, be, "mean", SL_POOL_MEAN);
}

static void bert_score(const struct golden_variant *v, struct sl_backend *be)
{
    check_crossencoder(v, be, "bert-score");
}

static void electra_score(const struct golden_variant *v, struct sl_backend *be)
{
    check_crossencoder(v, be, "electra-score");
}

static void bert_equals_transformers(void **state)
{
    (void)state;
    golden_each_variant(bert);
}

static void electra_generator_equals_transformers(void **state)
{
    (void)state;
    golden_each_variant(electra);
}

static void biencoder_equals_torch(void **state)
{
    (void)state;
    golden_each_variant(cls);
    golden_each_variant(mean);
}

static void rerankers_equal_transformers(void **state)
{
    (void)state;
    golden_each_variant(bert_score);
    golden_each_variant(electra_score);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bert_equals_transformers),
        cmocka_unit_test(electra_generator_equals_transformers),
        cmocka_unit_test(biencoder_equals_torch),
        cmocka_unit_test(rerankers_equal_transformers),
    };
    return golden_main(DIR "/expected.json", tests, SL_LEN(tests));
}
