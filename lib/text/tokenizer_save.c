/* tokenizer.json, as Hugging Face's tokenizers writes it: for tools that read
 * no vocab.txt (text-embeddings-inference, tokenizers itself). */
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "format/json.h"
#include "text/tokenizer_impl.h"

static void put_added(struct sl_json_writer *w, const struct sl_tokenizer *t)
{
    sl_json_begin(w, "added_tokens", '[');
    for (int32_t id = 0; id < sl_tokenizer_size(t); id++) {
        if (!sl_tokenizer_is_special(t, id))
            continue;
        sl_json_begin(w, NULL, '{');
        sl_json_add_int(w, "id", id);
        sl_json_add_text(w, "content", sl_tokenizer_token(t, id));
        sl_json_add_bool(w, "single_word", false);
        sl_json_add_bool(w, "lstrip", false);
        sl_json_add_bool(w, "rstrip", false);
        sl_json_add_bool(w, "normalized", false);
        sl_json_add_bool(w, "special", true);
        sl_json_end(w);
    }
    sl_json_end(w);
}

static void put_normalizer(struct sl_json_writer *w,
                           const struct sl_normalise_options *o)
{
    sl_json_begin(w, "normalizer", '{');
    sl_json_add_text(w, "type", "BertNormalizer");
    sl_json_add_bool(w, "clean_text", o->clean_text);
    sl_json_add_bool(w, "handle_chinese_chars", o->chinese_chars);
    sl_json_add_bool(w, "strip_accents", o->strip_accents);
    sl_json_add_bool(w, "lowercase", o->lowercase);
    sl_json_end(w);
    sl_json_begin(w, "pre_tokenizer", '{');
    sl_json_add_text(w, "type", "BertPreTokenizer");
    sl_json_end(w);
}

/* "<key>": [token, id] */
static void put_pair(struct sl_json_writer *w, const char *key,
                     const struct sl_tokenizer *t, int32_t id)
{
    sl_json_begin(w, key, '[');
    sl_json_add_text(w, NULL, sl_tokenizer_token(t, id));
    sl_json_add_int(w, NULL, id);
    sl_json_end(w);
}

static void put_processor(struct sl_json_writer *w,
                          const struct sl_tokenizer *t)
{
    sl_json_begin(w, "post_processor", '{');
    sl_json_add_text(w, "type", "BertProcessing");
    put_pair(w, "sep", t, t->role[SL_SEP]);
    put_pair(w, "cls", t, t->role[SL_CLS]);
    sl_json_end(w);
    sl_json_begin(w, "decoder", '{');
    sl_json_add_text(w, "type", "WordPiece");
    sl_json_add_text(w, "prefix", "##");
    sl_json_add_bool(w, "cleanup", true);
    sl_json_end(w);
}

static void put_model(struct sl_json_writer *w, const struct sl_tokenizer *t)
{
    sl_json_begin(w, "model", '{');
    sl_json_add_text(w, "type", "WordPiece");
    sl_json_add_text(w, "unk_token", sl_tokenizer_token(t, t->role[SL_UNK]));
    sl_json_add_text(w, "continuing_subword_prefix", "##");
    sl_json_add_int(w, "max_input_chars_per_word", t->max_word_chars);
    sl_json_begin(w, "vocab", '{');
    for (int32_t id = 0; id < sl_tokenizer_size(t); id++)
        sl_json_add_int(w, sl_tokenizer_token(t, id), id);
    sl_json_end(w);
    sl_json_end(w);
}

simlm_status sl_tokenizer_save(const struct sl_tokenizer *t, const char *path,
                               simlm_error *err)
{
    struct sl_str s = {0};
    struct sl_json_writer w = {.s = &s, .indent = 1};
    simlm_status st;

    sl_json_begin(&w, NULL, '{');
    sl_json_add_text(&w, "version", "1.0");
    sl_json_add_null(&w, "truncation");
    sl_json_add_null(&w, "padding");
    put_added(&w, t);
    put_normalizer(&w, &t->normaliser.options);
    put_processor(&w, t);
    put_model(&w, t);
    sl_json_end(&w);
    sl_str_putc(&s, '\n');
    st = sl_str_ok(&s) ? sl_file_write(path, s.s, s.len, err)
                       : sl_fail_nomem(err, path);
    sl_str_free(&s);
    return st;
}
