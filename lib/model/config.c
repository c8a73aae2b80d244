#include "model/config.h"

#include <stddef.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "format/json.h"

struct sl_config sl_config_default(void)
{
    return (struct sl_config){.type = SL_MODEL_BERT,
                              .vocab = 30522,
                              .hidden = 768,
                              .embedding = 768,
                              .layers = 12,
                              .heads = 12,
                              .ffn = 3072,
                              .positions = 512,
                              .types = 2,
                              .hidden_dropout = 0.1f,
                              .attention_dropout = 0.1f,
                              .ln_eps = 1e-12f,
                              .head_eps = 1e-12f,
                              .init_std = 0.02f};
}

/* One row a size: its key in config.json, where it lies, its range. */
static const struct size_row {
    const char *key;
    size_t field;
    int64_t min, max;
} sizes[] = {
#define ROW(key, field, min, max)                                              \
    {                                                                          \
        key, offsetof(struct sl_config, field), min, max                       \
    }
    ROW("vocab_size", vocab, 1, 1 << 24),
    ROW("hidden_size", hidden, 1, 1 << 16),
    ROW("num_hidden_layers", layers, 1, SL_MAX_LAYERS),
    ROW("num_attention_heads", heads, 1, SL_MAX_HEADS),
    ROW("intermediate_size", ffn, 1, 1 << 18),
    ROW("max_position_embeddings", positions, 1, 1 << 16),
    ROW("type_vocab_size", types, 1, 2),
    ROW("embedding_size", embedding, 1, 1 << 16),
#undef ROW
};

static int64_t *size_field(struct sl_config *c, const struct size_row *row)
{
    return (int64_t *)(void *)((char *)c + row->field);
}

simlm_status sl_config_check(const struct sl_config *c, const char *path,
                             simlm_error *err)
{
    struct sl_config copy = *c;

    for (size_t i = 0; i < SL_LEN(sizes); i++) {
        int64_t x = *size_field(&copy, &sizes[i]);

        if (x < sizes[i].min || x > sizes[i].max)
            return sl_fail(err, SIMLM_E_RANGE,
                           "%s: '%s' is %lld, expected %lld to %lld", path,
                           sizes[i].key, (long long)x, (long long)sizes[i].min,
                           (long long)sizes[i].max);
    }
    if (c->hidden % c->heads)
        return sl_fail(err, SIMLM_E_RANGE,
                       "%s: 'hidden_size' %lld is not a multiple of "
                       "'num_attention_heads' %lld",
                       path, (long long)c->hidden, (long long)c->heads);
    if (c->type == SL_MODEL_BERT && c->embedding != c->hidden)
        return sl_fail(err, SIMLM_E_RANGE,
                       "%s: 'embedding_size' %lld differs from 'hidden_size' "
                       "%lld: only ELECTRA has that",
                       path, (long long)c->embedding, (long long)c->hidden);
    if (!(c->hidden_dropout >= 0 && c->hidden_dropout < 1) ||
        !(c->attention_dropout >= 0 && c->attention_dropout < 1))
        return sl_fail(err, SIMLM_E_RANGE,
                       "%s: dropout probabilities are from 0 to below 1", path);
    if (!(c->ln_eps > 0 && c->ln_eps < 1) ||
        !(c->head_eps > 0 && c->head_eps < 1))
        return sl_fail(err, SIMLM_E_RANGE,
                       "%s: 'layer_norm_eps' is between 0 and 1", path);
    if (!(c->init_std >= 0 && c->init_std <= 100))
        return sl_fail(err, SIMLM_E_RANGE,
                       "%s: 'initializer_range' is from 0 to 100", path);
    if (c->pad_id < 0 || c->pad_id >= c->vocab)
        return sl_fail(err, SIMLM_E_RANGE,
                       "%s: 'pad_token_id' lies outside the vocabulary", path);
    return SIMLM_OK;
}

/* ---- reading ------------------------------------------------------------- */

static simlm_status need_text(struct sl_json root, const char *key,
                              const char *want, const char *fallback,
                              const char *path, simlm_error *err)
{
    const char *got = fallback;

    SL_TRY(sl_json_opt_text(root, key, &got, NULL, err));
    if (strcmp(got, want))
        return sl_fail(err, SIMLM_E_FORMAT,
                       "%s: '%s' is '%.60s': this library computes '%s' alone",
                       path, key, got, want);
    return SIMLM_OK;
}

static simlm_status need_false(struct sl_json root, const char *key,
                               const char *path, simlm_error *err)
{
    bool got = false;

    SL_TRY(sl_json_opt_bool(root, key, &got, err));
    if (got)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "%s: '%s' is true: not a BERT encoder of this library",
                       path, key);
    return SIMLM_OK;
}

static simlm_status read_type(struct sl_config *c, struct sl_json root,
                              const char *path, simlm_error *err)
{
    const char *type = NULL;

    SL_TRY(sl_json_need_text(root, "model_type", &type, NULL, err));
    if (!strcmp(type, "bert"))
        c->type = SL_MODEL_BERT;
    else if (!strcmp(type, "electra"))
        c->type = SL_MODEL_ELECTRA;
    else
        return sl_fail(err, SIMLM_E_FORMAT,
                       "%s: 'model_type' is '%.60s': expected 'bert' or "
                       "'electra'",
                       path, type);
    SL_TRY(need_text(root, "hidden_act", "gelu", "gelu", path, err));
    SL_TRY(need_text(root, "position_embedding_type", "absolute", "absolute",
                     path, err));
    SL_TRY(need_false(root, "is_decoder", path, err));
    return need_false(root, "add_cross_attention", path, err);
}

static simlm_status read_reals(struct sl_config *c, struct sl_json root,
                               simlm_error *err)
{
    double hidden = c->hidden_dropout, attention = c->attention_dropout;
    double eps = 1e-12, std = 0.02;

    SL_TRY(sl_json_opt_real(root, "hidden_dropout_prob", &hidden, err));
    SL_TRY(sl_json_opt_real(root, "attention_probs_dropout_prob", &attention,
                            err));
    SL_TRY(sl_json_opt_real(root, "layer_norm_eps", &eps, err));
    SL_TRY(sl_json_opt_real(root, "initializer_range", &std, err));
    c->hidden_dropout = (float)hidden;
    c->attention_dropout = (float)attention;
    c->ln_eps = c->head_eps = (float)eps;
    c->init_std = (float)std;
    return SIMLM_OK;
}

static simlm_status read_config(struct sl_config *c, struct sl_json root,
                                const char *path, simlm_error *err)
{
    int64_t pad = 0;

    if (sl_json_kind(root) != SL_JSON_OBJECT)
        return sl_fail(err, SIMLM_E_FORMAT, "%s: expected an object", path);
    SL_TRY(read_type(c, root, path, err));
    if (c->type == SL_MODEL_ELECTRA) /* ElectraConfig's own defaults */
        c->hidden = 256, c->heads = 4, c->ffn = 1024, c->embedding = 128;
    for (size_t i = 0; i < SL_LEN(sizes); i++) {
        if (!strcmp(sizes[i].key, "embedding_size") &&
            c->type == SL_MODEL_BERT) {
            c->embedding = c->hidden;
            continue;
        }
        SL_TRY(sl_json_opt_int(root, sizes[i].key, sizes[i].min, sizes[i].max,
                               size_field(c, &sizes[i]), err));
    }
    SL_TRY(sl_json_opt_int(root, "pad_token_id", 0, INT32_MAX, &pad, err));
    c->pad_id = (int32_t)pad;
    SL_TRY(read_reals(c, root, err));
    return sl_config_check(c, path, err);
}

simlm_status sl_config_load(struct sl_config *out, const char *path,
                            simlm_error *err)
{
    struct sl_config c = sl_config_default();
    struct sl_json_doc *doc = NULL;
    simlm_status st;

    SL_TRY(sl_json_load(&doc, path, err));
    st = read_config(&c, sl_json_root(doc), path, err);
    sl_json_free(doc);
    if (st == SIMLM_OK)
        *out = c;
    return st;
}

simlm_status sl_config_check_vocab(const struct sl_config *c, int64_t n_tokens,
                                   const char *dir, simlm_error *err)
{
    if (n_tokens > c->vocab)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "'%s': the tokenizer has %lld tokens, the model %lld "
                       "word embeddings",
                       dir, (long long)n_tokens, (long long)c->vocab);
    return SIMLM_OK;
}

/* ---- writing ------------------------------------------------------------- */

/* A float as the decimal that people wrote: 0.1, not 0.10000000149011612. */
static double shortest(float x)
{
    char text[32];
    double y = 0;

    for (int digits = 1; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)x);
        y = strtod(text, NULL);
        if ((float)y == x)
            break;
    }
    return y;
}

static void put_one_label(struct sl_json_writer *w)
{
    sl_json_begin(w, "id2label", '{');
    sl_json_add_text(w, "0", "LABEL_0");
    sl_json_end(w);
    sl_json_begin(w, "label2id", '{');
    sl_json_add_int(w, "LABEL_0", 0);
    sl_json_end(w);
}

static void write_config(struct sl_str *s, const struct sl_config *c,
                         enum sl_architecture what)
{
    static const char *const names[2][3] = {
        {"BertModel", "BertForMaskedLM", "BertForSequenceClassification"},
        {"ElectraModel", "ElectraForMaskedLM",
         "ElectraForSequenceClassification"},
    };
    struct sl_json_writer w = {.s = s, .indent = 2};
    struct sl_config copy = *c;
    bool electra = c->type == SL_MODEL_ELECTRA;

    sl_json_begin(&w, NULL, '{');
    sl_json_begin(&w, "architectures", '[');
    sl_json_add_text(&w, NULL, names[electra][what]);
    sl_json_end(&w);
    sl_json_add_text(&w, "model_type", electra ? "electra" : "bert");
    for (size_t i = 0; i < SL_LEN(sizes); i++)
        if (electra || strcmp(sizes[i].key, "embedding_size"))
            sl_json_add_int(&w, sizes[i].key, *size_field(&copy, &sizes[i]));
    sl_json_add_text(&w, "hidden_act", "gelu");
    sl_json_add_text(&w, "position_embedding_type", "absolute");
    sl_json_add_real(&w, "hidden_dropout_prob", shortest(c->hidden_dropout));
    sl_json_add_real(&w, "attention_probs_dropout_prob",
                     shortest(c->attention_dropout));
    sl_json_add_real(&w, "layer_norm_eps", shortest(c->ln_eps));
    sl_json_add_real(&w, "initializer_range", shortest(c->init_std));
    sl_json_add_int(&w, "pad_token_id", c->pad_id);
    sl_json_add_bool(&w, "tie_word_embeddings", true);
    sl_json_add_text(&w, "torch_dtype", "float32");
    if (what == SL_ARCH_SCORE) /* how transformers says: one label */
        put_one_label(&w);
    sl_json_end(&w);
    sl_str_putc(s, '\n');
}

simlm_status sl_config_save(const struct sl_config *c, const char *path,
                            enum sl_architecture what, simlm_error *err)
{
    struct sl_str s = {0};
    simlm_status st;

    write_config(&s, c, what);
    st = sl_str_ok(&s) ? sl_file_write(path, s.s, s.len, err)
                       : sl_fail_nomem(err, path);
    sl_str_free(&s);
    return st;
}
