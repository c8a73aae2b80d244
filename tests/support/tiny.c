#include "tiny.h"

#include "base/alloc.h"
#include "check.h"

struct sl_config tiny_config(void)
{
    struct sl_config c = sl_config_default();

    c.vocab = 40;
    c.hidden = c.embedding = 8;
    c.layers = 2;
    c.heads = 2;
    c.ffn = 12;
    c.positions = 16;
    return c;
}

struct sl_config tiny_electra_config(void)
{
    struct sl_config c = tiny_config();

    c.type = SL_MODEL_ELECTRA;
    c.embedding = 12;
    return c;
}

struct sl_bert *tiny_model(struct sl_backend *be, struct sl_config cfg,
                           struct sl_bert_parts parts, uint64_t seed)
{
    struct sl_bert *m = NULL;

    check_ok(sl_bert_new(&m, be, &cfg, parts, &err));
    for (int64_t i = 0; i < m->params.count; i++) {
        const struct sl_param *p = &m->params.list[i];
        float *x = SL_NEW_ARRAY(float, p->n);
        struct sl_rng rng;

        assert_non_null(x);
        sl_rng_init(&rng, sl_stream(seed, SL_PURPOSE_TEST, (uint64_t)i));
        for (int64_t j = 0; j < p->n; j++)
            x[j] = (p->init == SL_INIT_ONES ? 1.0f : 0.0f) +
                   0.3f * (float)sl_rng_normal(&rng);
        be->upload_real(be, sl_real_at(be, m->w, p->offset), x, p->n);
        sl_free(x);
    }
    check_ok(sl_bert_train(m, &err));
    return m;
}

struct sl_tokens tiny_tokens(int64_t n, int64_t max_len, int64_t vocab,
                             uint64_t seed)
{
    static int32_t start[65], ids[512], types[512];
    static uint64_t key[64];
    struct sl_rng rng;

    assert_true(n <= 64 && n * max_len <= 512);
    sl_rng_init(&rng, sl_stream(seed, SL_PURPOSE_TEST, 1000));
    for (int64_t i = 0; i < n; i++) {
        int32_t len = 1 + (int32_t)sl_rng_below(&rng, (uint64_t)max_len);
        int32_t second = (int32_t)sl_rng_below(&rng, (uint64_t)len + 1);

        for (int32_t j = 0; j < len; j++) {
            ids[start[i] + j] = (int32_t)sl_rng_below(&rng, (uint64_t)vocab);
            types[start[i] + j] = j >= second;
        }
        start[i + 1] = start[i] + len;
        key[i] = 100 + 7 * (uint64_t)i;
    }
    return (struct sl_tokens){n, start[n], start, ids, types, key};
}

int64_t tiny_rows(const int32_t **rows, const int32_t **labels,
                  const struct sl_tokens *t, int64_t step, int64_t vocab,
                  uint64_t seed)
{
    static int32_t row[512], label[512];
    struct sl_rng rng;
    int64_t n = 0;

    sl_rng_init(&rng, sl_stream(seed, SL_PURPOSE_TEST, 2000));
    for (int64_t i = step - 1; i < t->N; i += step, n++) {
        row[n] = (int32_t)i;
        label[n] = (int32_t)sl_rng_below(&rng, (uint64_t)vocab);
    }
    *rows = row;
    *labels = label;
    return n;
}
