/* Every objective of pre-training but plain MLM, forward, backward and ten steps
 * of training, equals its definition in PyTorch, in fp32 and bf16 with every CPU
 * variant and, closer, in double.  tools/golden/objectives.py made the numbers.
 */
#include <simlm/train.h>

#include "base/alloc.h"
#include "check.h"
#include "golden.h"
#include "model/pretrainer.h"

#define DIR TEST_DATA "/golden/"

struct problem {
    struct golden_problem g;
    const struct sl_objective *o;
    struct sl_pretrainer *s;
    struct sl_pretrain_batch b;
    double enc_loss, dec_loss, co_loss;
};

static double loss(void *self)
{
    struct problem *p = self;
    const struct sl_noise off = {0};
    double n_enc = (double)p->b.enc.n_rows, n_dec = (double)p->b.dec.n_rows;
    int64_t n = p->b.clean.n;
    struct sl_pretrain_scales one = {n_enc > 0 ? 1 / n_enc : 0, 1 / n_dec, 0};
    struct sl_pretrain_result r;
    double co = 0;

    if (p->o->spans) {
        check_ok(sl_pretrainer_vectors(p->s, &p->b, off, &err));
        check_ok(sl_pretrainer_contrast(p->s, &co, p->b.clean.start, n,
                                        1 / (double)n, true, &err));
    }
    check_ok(sl_pretrainer_step(p->s, &r, &p->b, one, true, off, 0, &err));
    p->enc_loss = r.enc_sum * one.enc;
    p->dec_loss = r.dec_sum * one.dec;
    p->co_loss = co / (double)n;
    return p->enc_loss + p->dec_loss + p->co_loss;
}

/* The head of yes and no is in no model directory. */
static void set_rtd_head(struct sl_bert *m, struct sl_json want)
{
    struct sl_json head = sl_json_field(want, "rtd");

    for (int64_t i = m->first_rtd; i < m->params.count; i++) {
        const struct sl_param *p = &m->params.list[i];
        struct sl_json list = sl_json_field(head, p->name);
        float x[256];

        assert_int_equal(sl_json_count(list), p->n);
        for (int64_t j = 0; j < p->n; j++)
            x[j] = (float)golden_real_at(list, j);
        m->be->upload_real(m->be, sl_real_at(m->be, m->w, p->offset), x, p->n);
    }
    check_ok(sl_bert_written(m, &err));
}

static struct sl_bert *open_model(struct sl_backend *be,
                                  const struct sl_objective *o,
                                  struct sl_json want)
{
    struct sl_bert_parts parts = {.head = o->head == SL_HEAD_LM,
                                  .rtd = o->head == SL_HEAD_RTD,
                                  .n_decoder =
                                      (int64_t)golden_real(want, "n_decoder")};
    struct sl_bert *m = golden_model(be, DIR "model/bert", parts);

    if (parts.rtd)
        set_rtd_head(m, want);
    return m;
}

/* A part of the loss is what the section says, or, where it has none, nothing. */
static void check_part(const struct problem *p, const char *name, double got,
                       struct sl_json want)
{
    double x;

    if (!sl_json_is_real(sl_json_field(want, name), &x))
        x = 0;
    golden_check_loss(p->g.v, name, 0, got, x);
}

static void check_objective(const struct golden_variant *v,
                            struct sl_backend *be, simlm_objective objective)
{
    const struct sl_objective *o = &sl_objectives[objective];
    struct sl_json want = golden_section(o->name);
    struct golden_inputs in = golden_inputs_of(want);
    bool early = o->dec == SL_INPUT_EARLY;
    struct sl_pretrainer_options options = {
        .session = {128, 16, false}, .objective = o, .max_spans = 8};
    struct problem p = {.g = {.v = v, .loss = loss, .self = &p}, .o = o};
    int64_t N, n_enc, n_dec;
    int32_t *enc = golden_ints(want, "enc_ids", &N);
    int32_t *enc_rows = golden_ints(want, "enc_rows", &n_enc);
    int32_t *dec = golden_ints(want, early ? "enc_ids" : "dec_ids", &N);
    int32_t *dec_rows =
        golden_ints(want, early ? "enc_rows" : "dec_rows", &n_dec);

    if (early)
        options.early_layers = (int64_t)golden_real(want, "n_early");
    p.g.m = open_model(be, o, want);
    check_ok(sl_pretrainer_new(&p.s, p.g.m, NULL, &options, &err));
    p.b = (struct sl_pretrain_batch){.clean = in.t,
                                     .enc = {enc, 0, NULL, n_enc, enc_rows},
                                     .dec = {dec, 0, NULL, n_dec, dec_rows}};
    loss(&p);
    check_part(&p, "enc_loss", p.enc_loss, want);
    check_part(&p, "dec_loss", p.dec_loss, want);
    check_part(&p, "co_loss", p.co_loss, want);
    golden_check_training(&p.g, want);
    sl_free(enc);
    sl_free(enc_rows);
    sl_free(dec);
    sl_free(dec_rows);
    sl_pretrainer_free(p.s);
    sl_bert_free(p.g.m);
    golden_inputs_free(&in);
}

/* ---- the tests ----------------------------------------------------------- */

#define TEST(name, objective)                                                  \
    static void check_##name(const struct golden_variant *v,                   \
                             struct sl_backend *be)                            \
    {                                                                          \
        check_objective(v, be, SIMLM_OBJECTIVE_##objective);                   \
    }                                                                          \
    static void name##_equals_torch(void **state)                              \
    {                                                                          \
        (void)state;                                                           \
        golden_each_variant(check_##name);                                     \
    }

TEST(rlm, RLM)
TEST(encdec_mlm, ENCDEC_MLM)
TEST(condenser, CONDENSER)
TEST(encdec_rtd, ENCDEC_RTD)
TEST(autoencoder, AUTOENCODER)
TEST(cocondenser, COCONDENSER)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rlm_equals_torch),
        cmocka_unit_test(encdec_mlm_equals_torch),
        cmocka_unit_test(condenser_equals_torch),
        cmocka_unit_test(encdec_rtd_equals_torch),
        cmocka_unit_test(autoencoder_equals_torch),
        cmocka_unit_test(cocondenser_equals_torch),
    };
    return golden_main(DIR "objectives/expected.json", tests, SL_LEN(tests));
}
