#include "model/fresh.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/str.h"
#include "model/bert.h"
#include "model/modeldir.h"
#include "text/tokenizer.h"

static const char tokenizer_config[] =
    "{\n"
    "  \"tokenizer_class\": \"BertTokenizer\",\n"
    "  \"do_lower_case\": true,\n"
    "  \"tokenize_chinese_chars\": true,\n"
    "  \"strip_accents\": null,\n"
    "  \"model_max_length\": %lld,\n"
    "  \"unk_token\": \"[UNK]\",\n"
    "  \"sep_token\": \"[SEP]\",\n"
    "  \"pad_token\": \"[PAD]\",\n"
    "  \"cls_token\": \"[CLS]\",\n"
    "  \"mask_token\": \"[MASK]\"\n"
    "}\n";

static const char special_tokens[] = "{\n"
                                     "  \"unk_token\": \"[UNK]\",\n"
                                     "  \"sep_token\": \"[SEP]\",\n"
                                     "  \"pad_token\": \"[PAD]\",\n"
                                     "  \"cls_token\": \"[CLS]\",\n"
                                     "  \"mask_token\": \"[MASK]\"\n"
                                     "}\n";

enum { MAX_VOCAB_FILE = 1 << 28 };

static struct sl_config make_config(const simlm_init_options *o, int64_t vocab,
                                    int32_t pad)
{
    struct sl_config c = sl_config_default();
    int64_t heads = o->hidden / 64 > 0 ? o->hidden / 64 : 1;

    c.vocab = vocab;
    c.hidden = o->hidden;
    c.embedding = o->embedding ? o->embedding : o->hidden;
    c.type = o->generator || c.embedding != c.hidden ? SL_MODEL_ELECTRA
                                                     : SL_MODEL_BERT;
    c.layers = o->layers;
    c.heads = o->heads ? o->heads : heads;
    c.ffn = o->ffn ? o->ffn : 4 * o->hidden;
    c.positions = o->positions;
    c.hidden_dropout = c.attention_dropout = (float)o->dropout;
    c.init_std = (float)o->init_std;
    c.pad_id = pad;
    return c;
}

/* The size of the vocabulary and the id of [PAD]. */
static simlm_status look_at_vocab(int64_t *size, int32_t *pad, const char *path,
                                  simlm_error *err)
{
    struct sl_tokenizer *t = NULL;
    bool mask;

    SL_TRY(sl_tokenizer_from_vocab(&t, path, err));
    *size = sl_tokenizer_size(t);
    *pad = sl_tokenizer_pad(t);
    mask = sl_tokenizer_mask(t) >= 0;
    sl_tokenizer_close(t);
    return mask ? SIMLM_OK
                : sl_fail(err, SIMLM_E_FORMAT, "%s: no [MASK] token", path);
}

static simlm_status write_text(const char *dir, const char *name,
                               const char *text, size_t n, simlm_error *err)
{
    char *path = sl_path_join(dir, name);
    simlm_status st;

    st = path ? sl_file_write(path, text, n, err) : sl_fail_nomem(err, dir);
    sl_free(path);
    return st;
}

static simlm_status write_tokenizer(const char *dir, const char *vocab,
                                    int64_t positions, simlm_error *err)
{
    struct sl_str config = {0};
    char *text = NULL;
    size_t n = 0;
    simlm_status st;

    st = sl_file_read(&text, &n, vocab, MAX_VOCAB_FILE, err);
    if (st == SIMLM_OK)
        st = write_text(dir, "vocab.txt", text, n, err);
    sl_str_printf(&config, tokenizer_config, (long long)positions);
    if (st == SIMLM_OK && !sl_str_ok(&config))
        st = sl_fail_nomem(err, dir);
    if (st == SIMLM_OK)
        st =
            write_text(dir, "tokenizer_config.json", config.s, config.len, err);
    if (st == SIMLM_OK)
        st = write_text(dir, "special_tokens_map.json", special_tokens,
                        sizeof special_tokens - 1, err);
    if (st == SIMLM_OK)
        st = sl_modeldir_complete_tokenizer(dir, err);
    sl_str_free(&config);
    sl_free(text);
    return st;
}

/* SimLM's profile, with what the options say and the positions allow. */
static simlm_status make_profile(struct sl_profile *p,
                                 const simlm_init_options *o, simlm_error *err)
{
    bool none = !o->missing_title || !*o->missing_title;
    int64_t q = o->query_max_length, n = o->passage_max_length;

    SL_TRY(sl_profile_default(p, err));
    sl_free(p->missing_title);
    p->missing_title = none ? NULL : sl_strdup(o->missing_title);
    if (!none && !p->missing_title)
        return sl_fail_nomem(err, "a model's profile");
    p->query_max_length = (int32_t)(q < o->positions ? q : o->positions);
    p->passage_max_length = (int32_t)(n < o->positions ? n : o->positions);
    return SIMLM_OK;
}

static simlm_status write_model(const struct sl_config *cfg,
                                const simlm_init_options *o, const char *dir,
                                simlm_error *err)
{
    struct sl_backend *be = NULL;
    struct sl_bert *m = NULL;
    simlm_status st;

    st = sl_backend_open_cpu(&be, SL_FP32, 0, err);
    if (st == SIMLM_OK)
        st =
            sl_bert_new(&m, be, cfg, (struct sl_bert_parts){.head = true}, err);
    if (st == SIMLM_OK)
        st = sl_bert_init(m, o->seed, err);
    if (st == SIMLM_OK)
        st = sl_bert_save(m, dir, true, err);
    sl_bert_free(m);
    sl_backend_close(be);
    return st;
}

simlm_status sl_fresh_check(const simlm_init_options *o, simlm_error *err)
{
    struct sl_config cfg = make_config(o, sl_config_default().vocab, 0);

    if (cfg.heads > 0 && cfg.hidden % cfg.heads)
        return sl_fail(err, SIMLM_E_RANGE,
                       "hidden is %lld: expected a multiple of heads, %lld",
                       (long long)cfg.hidden, (long long)cfg.heads);
    return sl_config_check(&cfg, "the model", err);
}

simlm_status sl_fresh_model(const simlm_init_options *o, simlm_error *err)
{
    struct sl_profile profile = {0};
    struct sl_dir_out out = {0};
    struct sl_config cfg;
    int64_t vocab;
    int32_t pad;
    simlm_status st;

    if (!o->overwrite)
        SL_TRY(sl_modeldir_refuse(o->output, err));
    SL_TRY(look_at_vocab(&vocab, &pad, o->vocab, err));
    cfg = make_config(o, vocab, pad);
    SL_TRY(sl_config_check(&cfg, "the model", err));
    st = make_profile(&profile, o, err);
    if (st == SIMLM_OK)
        st = sl_dir_out_open(&out, o->output, err);
    if (st == SIMLM_OK)
        st = write_tokenizer(out.tmp, o->vocab, cfg.positions, err);
    if (st == SIMLM_OK)
        st = sl_profile_save(&profile, out.tmp, &cfg, err);
    if (st == SIMLM_OK)
        st = write_model(&cfg, o, out.tmp, err);
    if (st == SIMLM_OK)
        st = sl_dir_out_commit(&out, err);
    sl_dir_out_abort(&out);
    sl_profile_free(&profile);
    return st;
}
