/* Model directories: a model survives saving and opening, checkpoints may name
 * tensors in several ways, profiles are read as sentence-transformers means
 * them, and thousands of damaged directories do no harm. */
#include "backend/backend.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/parallel.h"
#include "base/str.h"
#include "check.h"
#include "format/safetensors.h"
#include "model/encoder.h"
#include "model/modeldir.h"
#include "tiny.h"

static struct sl_backend *be;

static int set_up(void **state)
{
    (void)state;
    sl_parallel_set_threads(1);
    return sl_backend_open_cpu(&be, SL_FP32, 0, NULL) != SIMLM_OK;
}

static int tear_down(void **state)
{
    (void)state;
    sl_backend_close(be);
    test_tmpdir_remove();
    return 0;
}

static const struct sl_bert_parts with_head = {.head = true}, bare = {0};

/* A fresh directory in the test's own. */
static const char *fresh(const char *name)
{
    const char *path = test_path(name);

    check_ok(sl_dir_remove(path, &err));
    check_ok(sl_dir_make(path, &err));
    return path;
}

static char *join(const char *dir, const char *name)
{
    char *path = sl_path_join(dir, name);

    assert_non_null(path);
    return path;
}

static void put(const char *dir, const char *name, const char *text)
{
    char *path = join(dir, name);

    check_ok(sl_file_write(path, text, strlen(text), &err));
    sl_free(path);
}

/* ---- weights ------------------------------------------------------------- */

static void check_same_weights(const struct sl_bert *a, const struct sl_bert *b)
{
    for (int64_t i = 0; i < b->params.count; i++) {
        const struct sl_param *p = &b->params.list[i];
        int64_t j = sl_params_find(&a->params, p->name);

        check_msg(j >= 0, "no %s", p->name);
        assert_memory_equal(sl_real_at(be, a->w, a->params.list[j].offset),
                            sl_real_at(be, b->w, p->offset),
                            (size_t)p->n * be->real_bytes);
    }
}

static void check_round_trip(struct sl_config cfg, struct sl_bert_parts parts,
                             bool save_head, struct sl_bert_parts again)
{
    const char *dir = fresh("model");
    struct sl_bert *a = tiny_model(be, cfg, parts, 1), *b = NULL;
    struct sl_strmap *ignored = sl_strmap_new();
    int64_t left = (parts.head && !again.head ? 5 : 0) +
                   (parts.score && !again.score ? 4 : 0);

    check_ok(sl_bert_save(a, dir, save_head, &err));
    check_ok(sl_bert_open(&b, be, dir, again, ignored, &err));
    check_same_weights(a, b);
    assert_int_equal(b->cfg.type, cfg.type);
    assert_int_equal(sl_strmap_count(ignored), save_head ? left : 0);
    sl_strmap_free(ignored);
    sl_bert_free(a);
    sl_bert_free(b);
}

static void a_model_survives_saving_and_opening(void **state)
{
    (void)state;
    struct sl_bert_parts rlm = {.head = true, .n_decoder = 2};
    struct sl_bert_parts score = {.score = true};

    check_round_trip(tiny_config(), with_head, true, with_head);
    check_round_trip(tiny_config(), with_head, true, bare);
    check_round_trip(tiny_config(), with_head, false, bare);
    check_round_trip(tiny_config(), rlm, true, rlm);
    check_round_trip(tiny_electra_config(), with_head, true, with_head);
    check_round_trip(tiny_config(), score, true, score);
    check_round_trip(tiny_config(), score, true, bare);
    check_round_trip(tiny_electra_config(), score, true, score);
}

static void a_decoder_starts_as_the_last_layers(void **state)
{
    (void)state;
    const char *dir = fresh("model");
    struct sl_bert *a = tiny_model(be, tiny_config(), with_head, 1), *b = NULL;
    size_t bytes = 64 * be->real_bytes; /* D * D */

    check_ok(sl_bert_save(a, dir, true, &err));
    check_ok(sl_bert_open(&b, be, dir,
                          (struct sl_bert_parts){.head = true, .n_decoder = 1},
                          NULL, &err));
    assert_memory_equal(b->W.decoder[0].wo, a->W.layer[1].wo, bytes);
    assert_memory_not_equal(b->W.decoder[0].wo, a->W.layer[0].wo, bytes);
    sl_bert_free(b);
    check_fails(
        SIMLM_E_ARG, "a decoder of 3 layers",
        sl_bert_open(&b, be, dir,
                     (struct sl_bert_parts){.head = true, .n_decoder = 3}, NULL,
                     &err));
    sl_bert_free(a);
}

/* Write the tensors of m under other names, with one more and without one. */
struct renamed {
    const struct sl_bert *m;
    int64_t index[64];
};

static void give(void *ctx, float *dst, int64_t i, int64_t first, int64_t n)
{
    const struct renamed *r = ctx;
    int64_t at = r->index[i];

    if (at < 0)
        memset(dst, 0, (size_t)n * sizeof *dst);
    else
        be->download_real(
            be, dst,
            sl_real_at(be, r->m->w, r->m->params.list[at].offset + first), n);
}

/* An old checkpoint's names: no prefix, gamma and beta. */
static void save_old(const struct sl_bert *m, const char *dir,
                     const char *without)
{
    static char names[64][128];
    struct sl_tensor_spec spec[64];
    struct renamed r = {m, {0}};
    char *path = join(dir, "model.safetensors");
    int64_t n = 0;

    for (int64_t i = 0; i < m->params.count; i++) {
        const struct sl_param *p = &m->params.list[i];
        const char *name = strncmp(p->name, "bert.", 5) ? p->name : p->name + 5;
        const char *ln = strstr(name, "LayerNorm.");
        int head = ln ? (int)(ln - name) + 10 : 0;

        if (!strcmp(name, without))
            continue;
        if (ln)
            snprintf(names[n], sizeof names[n], "%.*s%s", head, name,
                     strcmp(ln + 10, "weight") ? "beta" : "gamma");
        else
            snprintf(names[n], sizeof names[n], "%s", name);
        spec[n] = (struct sl_tensor_spec){
            .name = names[n],
            .n_dims = p->n_dims,
            .shape = {p->n_dims == 1 ? p->cols : p->rows, p->cols}};
        r.index[n++] = i;
    }
    spec[n] = (struct sl_tensor_spec){
        .name = "pooler.dense.bias", .n_dims = 1, .shape = {8}};
    r.index[n++] = -1;
    check_ok(sl_safetensors_save(path, spec, n, give, &r, &err));
    sl_free(path);
}

static void old_names_are_understood_and_others_listed(void **state)
{
    (void)state;
    const char *dir = fresh("model");
    struct sl_bert *a = tiny_model(be, tiny_config(), with_head, 1), *b = NULL;
    struct sl_strmap *ignored = sl_strmap_new();

    check_ok(sl_bert_save(a, dir, true, &err));
    save_old(a, dir, "");
    check_ok(sl_bert_open(&b, be, dir, with_head, ignored, &err));
    check_same_weights(a, b);
    assert_int_equal(sl_strmap_count(ignored), 1);
    assert_string_equal(sl_strmap_key(ignored, 0), "pooler.dense.bias");
    sl_bert_free(b);

    save_old(a, dir, "encoder.layer.1.output.dense.bias");
    check_fails(SIMLM_E_FORMAT, "no tensor 'bert.encoder.layer.1.output.dense",
                sl_bert_open(&b, be, dir, with_head, NULL, &err));
    save_old(a, dir, "cls.predictions.bias");
    check_fails(SIMLM_E_FORMAT, "no tensor 'cls.predictions.bias'",
                sl_bert_open(&b, be, dir, with_head, NULL, &err));
    check_ok(sl_bert_open(&b, be, dir, bare, NULL, &err));
    sl_bert_free(b);
    sl_strmap_free(ignored);
    sl_bert_free(a);
}

static void damage_is_refused_by_name(void **state)
{
    (void)state;
    static const float bad[] = {NAN, INFINITY};
    static const char *const says[] = {"NaN at element 3",
                                       "infinity at element 3"};
    const char *dir = fresh("model");
    struct sl_bert *a = tiny_model(be, tiny_config(), with_head, 1), *b = NULL;
    struct sl_config cfg = a->cfg;
    char *config = join(dir, "config.json");
    int64_t i =
        sl_params_find(&a->params, "bert.encoder.layer.0.output.dense.bias");

    for (int k = 0; k < 2; k++) {
        be->upload_real(be, sl_real_at(be, a->w, a->params.list[i].offset + 3),
                        &bad[k], 1);
        assert_int_equal(sl_params_nonfinite(&a->params, be, a->w), i);
        check_ok(sl_bert_save(a, dir, true, &err));
        check_fails(SIMLM_E_NUMERIC, says[k],
                    sl_bert_open(&b, be, dir, bare, NULL, &err));
        check_fails(SIMLM_E_NUMERIC, "encoder.layer.0.output.dense.bias",
                    sl_bert_open(&b, be, dir, bare, NULL, &err));
    }
    cfg.ffn = 13;
    check_ok(sl_config_save(&cfg, config, SL_ARCH_MASKED_LM, &err));
    check_fails(SIMLM_E_FORMAT, "is [12, 8], config.json says [13, 8]",
                sl_bert_open(&b, be, dir, bare, NULL, &err));
    cfg = a->cfg;
    cfg.vocab = 1 << 24; /* refused before a block of that size is made */
    cfg.hidden = cfg.embedding = 1 << 16;
    check_ok(sl_config_save(&cfg, config, SL_ARCH_MASKED_LM, &err));
    check_fails(SIMLM_E_FORMAT, "word_embeddings",
                sl_bert_open(&b, be, dir, bare, NULL, &err));
    check_fails(SIMLM_E_FORMAT, "the tokenizer has 41 tokens",
                sl_config_check_vocab(&a->cfg, 41, dir, &err));
    check_ok(sl_config_check_vocab(&a->cfg, 40, dir, &err));
    sl_free(config);
    sl_bert_free(a);
}

/* ---- config.json --------------------------------------------------------- */

static void configs_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"{}", "model_type"},
        {"[1]", "expected an object"},
        {"{\"model_type\":\"roberta\"}", "'bert' or 'electra'"},
        {"{\"model_type\":\"bert\",\"hidden_act\":\"gelu_new\"}", "gelu_new"},
        {"{\"model_type\":\"bert\",\"hidden_size\":0}", "hidden_size"},
        {"{\"model_type\":\"bert\",\"hidden_size\":770}", "multiple"},
        {"{\"model_type\":\"bert\",\"num_hidden_layers\":257}",
         "num_hidden_layers"},
        {"{\"model_type\":\"bert\",\"vocab_size\":\"many\"}", "vocab_size"},
        {"{\"model_type\":\"bert\",\"type_vocab_size\":3}", "type_vocab_size"},
        {"{\"model_type\":\"bert\",\"hidden_dropout_prob\":1}", "dropout"},
        {"{\"model_type\":\"bert\",\"hidden_dropout_prob\":-1e-9}", "dropout"},
        {"{\"model_type\":\"bert\",\"layer_norm_eps\":0}", "layer_norm_eps"},
        {"{\"model_type\":\"bert\",\"layer_norm_eps\":1e-60}",
         "layer_norm_eps"},
        {"{\"model_type\":\"bert\",\"is_decoder\":true}", "is_decoder"},
        {"{\"model_type\":\"bert\",\"pad_token_id\":99999}", "pad_token_id"},
        {"{\"model_type\":\"bert\",\"position_embedding_type\":"
         "\"relative_key\"}",
         "relative_key"},
        {"{\"model_type\":\"bert\"", ""},
    };
    struct sl_config c;

    for (size_t i = 0; i < SL_LEN(bad); i++) {
        simlm_error err = {SIMLM_OK, ""};
        const char *path = test_file("config.json", bad[i].text);
        simlm_status st = sl_config_load(&c, path, &err);

        check_msg(st < 0 && strstr(err.msg, bad[i].says) &&
                      strstr(err.msg, "config.json"),
                  "%s: %d, %s", bad[i].text, (int)st, err.msg);
    }
    check_ok(
        sl_config_load(&c, test_file("c", "{\"model_type\":\"bert\"}"), &err));
    assert_int_equal(c.hidden, 768);
    assert_int_equal(c.embedding, 768);
    check_ok(sl_config_load(&c, test_file("c", "{\"model_type\":\"electra\"}"),
                            &err));
    assert_int_equal(c.hidden, 256);
    assert_int_equal(c.embedding, 128);
}

static void a_config_survives_saving(void **state)
{
    (void)state;
    struct sl_config a = tiny_electra_config(), b;
    const char *path = test_path("saved.json");

    a.hidden_dropout = 0.3f;
    a.ln_eps = a.head_eps = 1e-7f;
    a.pad_id = 7;
    check_ok(sl_config_save(&a, path, SL_ARCH_MASKED_LM, &err));
    check_ok(sl_config_load(&b, path, &err));
#define SAME(field) assert_true(a.field == b.field)
    SAME(type), SAME(vocab), SAME(hidden), SAME(embedding), SAME(layers);
    SAME(heads), SAME(ffn), SAME(positions), SAME(types), SAME(pad_id);
    SAME(hidden_dropout), SAME(attention_dropout), SAME(init_std);
    SAME(ln_eps), SAME(head_eps);
#undef SAME
}

/* ---- profiles ------------------------------------------------------------ */

#define MODULES(more)                                                          \
    "[{\"idx\":0,\"path\":\"\",\"type\":\"sentence_transformers.models."       \
    "Transformer\"},{\"idx\":1,\"path\":\"1_Pooling\",\"type\":\"sentence_"    \
    "transformers.models.Pooling\"}" more "]"
#define NORMALIZE                                                              \
    ",{\"idx\":2,\"path\":\"2_Normalize\",\"type\":\"sentence_transformers."   \
    "base.modules.normalize.Normalize\"}"

/* A directory as sentence-transformers writes it. */
static const char *st_dir(const char *modules, const char *pooling)
{
    const char *dir = fresh("st");
    char *sub = join(dir, "1_Pooling");

    check_ok(sl_dir_make(sub, &err));
    put(dir, "modules.json", modules);
    put(dir, "1_Pooling/config.json", pooling);
    sl_free(sub);
    return dir;
}

static void a_plain_bert_gets_simlms_profile(void **state)
{
    (void)state;
    struct sl_config cfg = sl_config_default();
    struct sl_profile p;

    check_ok(sl_profile_load(&p, fresh("plain"), &cfg, &err));
    assert_int_equal(p.pooling, SL_POOL_CLS);
    assert_true(p.normalize);
    assert_int_equal(p.form, SL_PASSAGE_PAIR);
    assert_string_equal(p.missing_title, "-");
    assert_int_equal(p.query_max_length, 32);
    assert_int_equal(p.passage_max_length, 144);
    sl_profile_free(&p);
    cfg.positions = 40;
    check_ok(sl_profile_load(&p, fresh("plain"), &cfg, &err));
    assert_int_equal(p.passage_max_length, 40);
    sl_profile_free(&p);
}

static void sentence_transformers_files_are_read_as_it_means_them(void **state)
{
    (void)state;
    struct sl_config cfg = sl_config_default();
    struct sl_profile p;
    const char *dir = st_dir(MODULES(NORMALIZE),
                             "{\"word_embedding_dimension\":768,\"pooling_mode_"
                             "mean_tokens\":true,\"pooling_mode_cls_token\":"
                             "false}");

    put(dir, "tokenizer_config.json",
        "{\"model_max_length\":1000000000000000019884624838656}");
    put(dir, "sentence_bert_config.json", "{\"max_seq_length\":256}");
    put(dir, "config_sentence_transformers.json",
        "{\"prompts\":{\"query\":\"query: \",\"passage\":\"passage: \"}}");
    check_ok(sl_profile_load(&p, dir, &cfg, &err));
    assert_int_equal(p.pooling, SL_POOL_MEAN);
    assert_true(p.normalize);
    assert_int_equal(p.form, SL_PASSAGE_JOINED);
    assert_null(p.missing_title);
    assert_int_equal(p.query_max_length, 256);
    assert_int_equal(p.passage_max_length, 256);
    assert_string_equal(p.query_prompt, "query: ");
    assert_string_equal(p.passage_prompt, "passage: ");
    sl_profile_free(&p);

    /* The newer form; no length anywhere; prompts that are there and empty. */
    dir = st_dir(MODULES(""), "{\"embedding_dimension\":768,\"pooling_mode\":"
                              "\"cls\",\"include_prompt\":true}");
    put(dir, "config_sentence_transformers.json",
        "{\"default_prompt_name\":null,\"prompts\":{\"query\":\"\","
        "\"document\":\"\"}}");
    check_ok(sl_profile_load(&p, dir, &cfg, &err));
    assert_int_equal(p.pooling, SL_POOL_CLS);
    assert_false(p.normalize);
    assert_int_equal(p.passage_max_length, 512);
    assert_null(p.query_prompt);
    assert_null(p.passage_prompt);
    sl_profile_free(&p);
}

static void what_cannot_be_computed_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *modules, *pooling, *says;
    } bad[] = {
        {MODULES(""), "{\"pooling_mode\":\"max\"}", "pooling_mode"},
        {MODULES(""), "{\"pooling_mode_max_tokens\":true}", "pooling_mode"},
        {MODULES(""), "{}", "pooling_mode"},
        {MODULES(""),
         "{\"pooling_mode_max_tokens\":true,\"pooling_mode_cls_token\":true}",
         "pooling_mode"},
        {MODULES(""),
         "{\"pooling_mode\":\"cls\",\"word_embedding_dimension\":384}",
         "word_embedding_dimension"},
        {MODULES(""), "{\"pooling_mode\":\"cls\",\"include_prompt\":false}",
         "include_prompt"},
        {MODULES(",{\"type\":\"sentence_transformers.models.LSTM\"}"),
         "{\"pooling_mode\":\"cls\"}", "other modules"},
        {MODULES(",{\"type\":\"x.Dense\",\"path\":\"3_Dense\"}"),
         "{\"pooling_mode\":\"cls\"}", "expected '2_Dense'"},
        {MODULES(",{\"type\":\"x.Dense\",\"path\":\"2_Dense\"}"),
         "{\"pooling_mode\":\"cls\"}", "no 2_Dense/config.json"},
        {MODULES(",{\"idx\":2}"), "{\"pooling_mode\":\"cls\"}", "type"},
        {"[{\"type\":\"x.Transformer\"}]", "{}", "a Pooling module"},
        {"[{\"type\":\"x.Pooling\",\"path\":\"../../etc\"}]", "{}",
         "within the model"},
        {"[{\"type\":\"x.Pooling\",\"path\":\"9_None\"}]", "{}",
         "no 9_None/config.json"},
        {"{}", "{}", "list of modules"},
    };
    struct sl_config cfg = sl_config_default();
    struct sl_profile p;

    for (size_t i = 0; i < SL_LEN(bad); i++)
        check_fails(SIMLM_E_FORMAT, bad[i].says,
                    sl_profile_load(&p, st_dir(bad[i].modules, bad[i].pooling),
                                    &cfg, &err));
    put(fresh("own"), "simlm.json", "{\"passage_form\":\"split\"}");
    check_fails(SIMLM_E_FORMAT, "'pair' or 'joined'",
                sl_profile_load(&p, test_path("own"), &cfg, &err));
    put(fresh("own"), "simlm.json", "{\"query_max_length\":2}");
    check_fails(SIMLM_E_FORMAT, "query_max_length",
                sl_profile_load(&p, test_path("own"), &cfg, &err));
}

static void a_profile_survives_saving(void **state)
{
    (void)state;
    struct sl_config cfg = sl_config_default();
    struct sl_profile p, q, r;
    const char *dir = fresh("own");
    char *own = join(dir, "simlm.json");

    check_ok(sl_profile_default(&p, &err));
    sl_free(p.missing_title);
    p.missing_title = NULL;
    p.pooling = SL_POOL_MEAN;
    p.query_prompt = sl_strdup("q \"1\": ");
    p.query_max_length = 20;
    check_ok(sl_profile_save(&p, dir, &cfg, &err));
    check_ok(sl_profile_load(&q, dir, &cfg, &err));
    check_ok(sl_profile_copy(&r, &q, &err));
    assert_null(r.missing_title);
    assert_int_equal(r.pooling, SL_POOL_MEAN);
    assert_int_equal(r.form, SL_PASSAGE_PAIR);
    assert_int_equal(r.query_max_length, 20);
    assert_string_equal(r.query_prompt, "q \"1\": ");
    assert_null(r.passage_prompt);
    sl_profile_free(&q);
    sl_profile_free(&r);

    /* Without our file the others say the same in their words. */
    assert_int_equal(remove(own), 0);
    check_ok(sl_profile_load(&q, dir, &cfg, &err));
    assert_int_equal(q.pooling, SL_POOL_MEAN);
    assert_true(q.normalize);
    assert_int_equal(q.passage_max_length, 144);
    assert_string_equal(q.query_prompt, "q \"1\": ");
    sl_profile_free(&q);
    sl_profile_free(&p);
    sl_free(own);
}

/* ---- directories as a whole ---------------------------------------------- */

static void a_directory_is_written_whole_or_not_at_all(void **state)
{
    (void)state;
    struct sl_bert *m = tiny_model(be, tiny_config(), with_head, 1), *b = NULL;
    const char *from = fresh("from"), *to = test_path("to");
    struct sl_profile p;

    check_ok(sl_profile_default(&p, &err));
    check_fails(SIMLM_E_IO, "no vocab.txt",
                sl_modeldir_save(to, m, true, &p, from, &err));
    assert_false(sl_file_exists(to));
    put(from, "vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n");
    check_ok(sl_modeldir_save(to, m, true, &p, from, &err));
    check_ok(sl_modeldir_save(to, m, false, &p, from, &err)); /* over it */
    check_ok(sl_bert_open(&b, be, to, bare, NULL, &err));
    check_same_weights(m, b);
    sl_bert_free(b);
    put(from, "precious", "x");
    check_fails(SIMLM_E_ARG, "not a model directory",
                sl_modeldir_save(from, m, false, &p, to, &err));
    assert_true(sl_file_exists(from));
    sl_profile_free(&p);
    sl_bert_free(m);
}

/* Damage in the same places at every run. */
static void damage(char *x, size_t *n, struct sl_rng *rng)
{
    static const char *const words[] = {
        "-1", "0", "1e999", "null", "[", "\"", "9999999999999999999"};

    for (uint64_t k = 1 + sl_rng_below(rng, 3); k && *n; k--) {
        size_t at = (size_t)sl_rng_below(rng, *n);
        const char *word = words[sl_rng_below(rng, SL_LEN(words))];

        switch (sl_rng_below(rng, 4)) {
        case 0:
            x[at] = (char)sl_rng_below(rng, 256);
            break;
        case 1:
            x[at] = (char)(x[at] ^ 1 << sl_rng_below(rng, 8));
            break;
        case 2:
            for (size_t i = 0; word[i] && at + i < *n; i++)
                x[at + i] = word[i];
            break;
        default:
            if (sl_rng_below(rng, 8) == 0)
                *n = at;
        }
    }
}

/* What can be opened can encode or says why not. */
static bool try_model(const char *dir)
{
    struct sl_bert *m = NULL;
    struct sl_encoder *e = NULL;
    struct sl_profile p;
    simlm_error err = {SIMLM_OK, ""};
    simlm_status st = sl_bert_open(&m, be, dir, with_head, NULL, &err);
    struct sl_tokens t = tiny_tokens(2, 4, 6, 3);

    if (st == SIMLM_OK &&
        (st = sl_profile_load(&p, dir, &m->cfg, &err)) == SIMLM_OK) {
        float *v = SL_NEW_ARRAY(float, 2 * m->cfg.hidden);

        st = sl_encoder_new(&e, m, 8, 2, p.pooling, p.normalize, &err);
        if (st == SIMLM_OK)
            st = sl_encoder_encode(e, v, &t, &err);
        sl_encoder_free(e);
        sl_profile_free(&p);
        sl_free(v);
    }
    sl_bert_free(m);
    check_msg(st == SIMLM_OK || *err.msg, "status %d without a message",
              (int)st);
    return st == SIMLM_OK;
}

static void damaged_directories_do_no_harm(void **state)
{
    (void)state;
    static const char *const files[] = {"config.json", "model.safetensors",
                                        "simlm.json", "modules.json",
                                        "1_Pooling/config.json"};
    struct sl_config cfg = tiny_config();
    struct sl_profile p;
    const char *dir = fresh("hurt");
    struct sl_bert *m;
    int64_t n_ok = 0, n = 0;

    cfg.vocab = 6;
    cfg.hidden = cfg.embedding = 4;
    cfg.layers = 1;
    cfg.ffn = 4;
    cfg.positions = 4;
    m = tiny_model(be, cfg, with_head, 1);
    check_ok(sl_profile_default(&p, &err));
    check_ok(sl_bert_save(m, dir, true, &err));
    check_ok(sl_profile_save(&p, dir, &cfg, &err));
    assert_true(try_model(dir));
    for (size_t f = 0; f < SL_LEN(files); f++) {
        char *path = join(dir, files[f]), *good = NULL, *x, *own;
        size_t size;

        check_ok(sl_file_read(&good, &size, path, 1 << 20, &err));
        x = sl_alloc(size, 1);
        if (f == 3) { /* simlm.json hides those */
            own = join(dir, "simlm.json");
            assert_int_equal(remove(own), 0);
            sl_free(own);
        }
        for (uint64_t i = 0; i < 600; i++, n++) {
            size_t len = size;
            struct sl_rng rng;
            FILE *out;

            sl_rng_init(&rng, sl_stream(i, SL_PURPOSE_TEST, f));
            memcpy(x, good, size);
            damage(x, &len, &rng);
            out = fopen(path, "wb"); /* no fsync: there are thousands */
            assert_true(out && fwrite(x, 1, len, out) == len && !fclose(out));
            n_ok += try_model(dir);
        }
        check_ok(sl_file_write(path, good, size, &err));
        sl_free(x);
        sl_free(good);
        sl_free(path);
    }
    assert_in_range(n_ok, n / 20, n * 19 / 20); /* some of each */
    sl_profile_free(&p);
    sl_bert_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_survives_saving_and_opening),
        cmocka_unit_test(a_decoder_starts_as_the_last_layers),
        cmocka_unit_test(old_names_are_understood_and_others_listed),
        cmocka_unit_test(damage_is_refused_by_name),
        cmocka_unit_test(configs_are_checked),
        cmocka_unit_test(a_config_survives_saving),
        cmocka_unit_test(a_plain_bert_gets_simlms_profile),
        cmocka_unit_test(sentence_transformers_files_are_read_as_it_means_them),
        cmocka_unit_test(what_cannot_be_computed_is_refused),
        cmocka_unit_test(a_profile_survives_saving),
        cmocka_unit_test(a_directory_is_written_whole_or_not_at_all),
        cmocka_unit_test(damaged_directories_do_no_harm),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
