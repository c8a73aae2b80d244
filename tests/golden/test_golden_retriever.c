/* Two encoders, a pooler and a teacher equal PyTorch's: vectors, both losses,
 * gradients and ten steps of training, in fp32 with every CPU variant and, closer,
 * in double.  The files are as the reference writes them.  A pooler as sentence-
 * transformers writes it gives that library's vectors.  tools/golden/retriever.py
 * made the numbers. */
#include <simlm/simlm.h>

#include "base/alloc.h"
#include "check.h"
#include "golden.h"
#include "model/biencoder.h"
#include "model/encoder.h"
#include "model/towers.h"

#define DIR TEST_DATA "/golden/retriever"

enum { QUERIES = 3, GROUP = 2, TEXTS = QUERIES * (1 + GROUP), WIDTH = 6 };

struct problem {
    struct golden_problem g;
    struct sl_biencoder *s;
    struct sl_biencoder_batch batch;
    struct sl_biencoder_loss loss;
    struct sl_biencoder_result result;
    int32_t rank[QUERIES];
    float teacher[QUERIES * GROUP];
};

static double loss_of(void *self)
{
    struct problem *p = self;

    check_ok(sl_biencoder_step(p->s, &p->result, p->rank, &p->batch, p->loss,
                               true, (struct sl_noise){0}, &err));
    return p->loss.contrastive * p->result.contrastive +
           p->loss.distill * p->result.distill;
}

/* Each side's vectors, by its encoder. */
static void check_vectors(const struct golden_variant *v, struct sl_bert *m,
                          const struct sl_tokens *t, enum sl_pooling pooling,
                          struct sl_json want)
{
    struct sl_encoder *e = NULL;
    float vec[TEXTS * WIDTH];
    int32_t start[TEXTS + 1];

    check_ok(sl_encoder_new(&e, m, 128, 16, pooling, true, &err));
    for (int side = 0; side < 2; side++) {
        int64_t first = side ? QUERIES : 0;
        int64_t n = side ? TEXTS - QUERIES : QUERIES;
        struct sl_tokens part = sl_tokens_slice(t, first, n, start);

        sl_encoder_turn(e, (enum sl_side)side);
        check_ok(sl_encoder_encode(e, vec + first * WIDTH, &part, &err));
    }
    golden_check_floats(v, "vectors", vec, sl_json_field(want, "vectors"),
                        TEXTS * WIDTH);
    sl_encoder_free(e);
}

static void check(const struct golden_variant *v, struct sl_backend *be,
                  const char *section, enum sl_pooling pooling)
{
    struct sl_json want = golden_section(section);
    struct sl_json scores = sl_json_field(want, "teacher");
    struct golden_inputs in = golden_inputs_of(want);
    struct problem p = {.g = {.v = v, .loss = loss_of, .self = &p}};
    struct sl_biencoder_options o = {
        {128, 16, false}, QUERIES, QUERIES * GROUP, pooling, true};
    int64_t n;
    int32_t *rank = golden_ints(want, "rank", &n);

    check_ok(sl_towers_open(&p.g.m, be, DIR, (struct sl_bert_parts){0}, &err));
    assert_int_equal(sl_bert_width(p.g.m), WIDTH);
    check_vectors(v, p.g.m, &in.t, pooling, want);

    check_ok(sl_towers_train(p.g.m, &err));
    check_ok(sl_biencoder_new(&p.s, p.g.m, &o, &err));
    for (int i = 0; i < QUERIES * GROUP; i++)
        p.teacher[i] = (float)golden_real_at(scores, i);
    p.batch = (struct sl_biencoder_batch){
        .B = QUERIES, .m = GROUP, .in = in.t, .teacher = p.teacher};
    p.loss = (struct sl_biencoder_loss){golden_real(want, "scale"), true,
                                        golden_real(want, "alpha") / QUERIES,
                                        1.0 / QUERIES};
    loss_of(&p);
    golden_check_loss(v, "contrastive", 0, p.result.contrastive / QUERIES,
                      golden_real(want, "contrastive"));
    golden_check_loss(v, "distill", 0, p.result.distill / QUERIES,
                      golden_real(want, "distill"));
    if (v->compute != SL_BF16) /* which may well exchange near neighbours */
        assert_memory_equal(p.rank, rank, (size_t)n * sizeof *rank);
    golden_check_training(&p.g, want);
    sl_free(rank);
    sl_biencoder_free(p.s);
    sl_bert_free(p.g.m);
    golden_inputs_free(&in);
}

static void cls(const struct golden_variant *v, struct sl_backend *be)
{
    check(v, be, "cls", SL_POOL_CLS);
}

static void mean(const struct golden_variant *v, struct sl_backend *be)
{
    check(v, be, "mean", SL_POOL_MEAN);
}

static void two_encoders_a_pooler_and_a_teacher_equal_torch(void **state)
{
    (void)state;
    golden_each_variant(cls);
    golden_each_variant(mean);
}

static void a_dense_module_is_sentence_transformers(void **state)
{
    struct sl_json want = golden_section("dense");
    struct sl_json texts = sl_json_field(want, "texts");
    int64_t n = sl_json_count(texts);
    simlm_model *m = NULL;
    simlm_encoder *e = NULL;
    float vec[WIDTH];

    (void)state;
    check_ok(simlm_model_open(&m, DIR "/dense", &err));
    assert_int_equal(simlm_model_dim(m), WIDTH);
    check_ok(simlm_encoder_new(&e, m, 1, &err));
    for (int64_t i = 0; i < n; i++) {
        simlm_text t = {sl_json_is_text(sl_json_item(texts, i), NULL), NULL};

        check_ok(simlm_encode(e, SIMLM_PASSAGE, &t, 1, vec, &err));
        for (int64_t j = 0; j < WIDTH; j++)
            check_close(
                (double)vec[j],
                golden_real_at(sl_json_field(want, "vectors"), i * WIDTH + j),
                1e-5);
    }
    simlm_encoder_free(e);
    simlm_model_close(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_encoders_a_pooler_and_a_teacher_equal_torch),
        cmocka_unit_test(a_dense_module_is_sentence_transformers),
    };
    return golden_main(DIR "/expected.json", tests, SL_LEN(tests));
}
