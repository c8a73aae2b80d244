/*
 * What a model directory may hold, and what is taken from it:
 *
 *   vocab.txt              the tokens, a line each
 *   tokenizer.json         the tokens, the options, added tokens; its
 *                          truncation and padding are left to the caller
 *   tokenizer_config.json  options given here count more, as in transformers;
 *   special_tokens_map.json  what [CLS] and the others are called
 */
#include "text/tokenizer_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "format/json.h"
#include "format/lines.h"
#include "text/utf8.h"

enum {
    MAX_TOKENS = 1 << 24,
    MAX_BYTES = 1 << 26, /* of all tokens */
};

/* strip_accents = null means "if lower-casing". */
enum strip { STRIP_AS_CASE = -1, STRIP_NO = 0, STRIP_YES = 1 };

struct load {
    struct sl_tokenizer_parts parts;
    enum strip strip;
    size_t bytes; /* of tokens so far */
};

bool sl_tokenizer_parts_init(struct sl_tokenizer_parts *parts)
{
    static const char *const name[SL_N_ROLES] = {"[PAD]", "[UNK]", "[CLS]",
                                                 "[SEP]", "[MASK]"};
    bool ok;

    *parts = (struct sl_tokenizer_parts){.options = {true, true, true, true},
                                         .max_word_chars = 100};
    parts->tokens = sl_strmap_new();
    parts->prefix = sl_strdup("##");
    ok = parts->tokens && parts->prefix;
    for (int r = 0; r < SL_N_ROLES; r++)
        ok = (parts->role[r] = sl_strdup(name[r])) && ok;
    return ok;
}

void sl_tokenizer_parts_release(struct sl_tokenizer_parts *parts)
{
    sl_strmap_free(parts->tokens);
    sl_free(parts->prefix);
    for (int r = 0; r < SL_N_ROLES; r++)
        sl_free(parts->role[r]);
    sl_free(parts->added);
    *parts = (struct sl_tokenizer_parts){0};
}

static simlm_status replace_text(char **to, const char *text, simlm_error *err)
{
    char *copy = sl_strdup(text);

    if (!copy)
        return sl_fail_nomem(err, "a tokenizer");
    sl_free(*to);
    *to = copy;
    return SIMLM_OK;
}

/* ---- vocab.txt --------------------------------------------------------------
 */

static simlm_status add_line(struct load *l, const struct sl_line *line,
                             const char *path, simlm_error *err)
{
    bool added;
    int64_t entry;

    if (!sl_utf8_valid(line->text, line->len))
        return sl_fail(err, SIMLM_E_FORMAT, "%s:%lld: expected UTF-8", path,
                       (long long)line->number);
    if (memchr(line->text, '\0', line->len))
        return sl_fail(err, SIMLM_E_FORMAT,
                       "%s:%lld: expected a token, not a NUL byte", path,
                       (long long)line->number);
    l->bytes += line->len;
    if (line->number > MAX_TOKENS || l->bytes > MAX_BYTES)
        return sl_fail(err, SIMLM_E_RANGE,
                       "%s:%lld: too large for a vocabulary", path,
                       (long long)line->number);
    entry = sl_strmap_add(l->parts.tokens, line->text, line->len, 0, &added);
    if (entry < 0)
        return sl_fail_nomem(err, path);
    if (!added)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "%s:%lld: the same token as in line %lld: '%s'", path,
                       (long long)line->number, (long long)entry + 1,
                       line->text);
    return SIMLM_OK;
}

static simlm_status read_vocab(struct load *l, const char *path,
                               simlm_error *err)
{
    struct sl_lines *in = NULL;
    struct sl_line line;
    simlm_status st;

    SL_TRY(sl_lines_open(&in, path, err));
    while ((st = sl_lines_next(in, &line, err)) == SIMLM_OK && line.text) {
        st = add_line(l, &line, path, err);
        if (st < 0)
            break;
    }
    sl_lines_close(in);
    return st;
}

/* ---- added tokens -------------------------------------------------------- */

static simlm_status note_added(struct load *l, int64_t id, bool special,
                               simlm_error *err)
{
    struct sl_tokenizer_parts *p = &l->parts;

    for (int64_t i = 0; i < p->n_added; i++)
        if (p->added[i].id == id) {
            p->added[i].special |= special;
            return SIMLM_OK;
        }
    if (!sl_grow(&p->added, &p->cap_added, p->n_added + 1, sizeof *p->added))
        return sl_fail_nomem(err, "special tokens");
    p->added[p->n_added++] = (struct sl_added){(int32_t)id, special};
    return SIMLM_OK;
}

/*
 * {"content": "[CLS]", "special": true, "normalized": false, ...}: a token
 * that the vocabulary has at `id`, or the next one behind it.
 */
static simlm_status read_added(struct load *l, struct sl_json token, int64_t id,
                               simlm_error *err)
{
    bool special = false, normalized = false, single_word = false;
    const char *content;
    struct sl_strmap *m = l->parts.tokens;
    int64_t size = sl_strmap_count(m), found;
    size_t len;

    SL_TRY(sl_json_need_text(token, "content", &content, &len, err));
    SL_TRY(sl_json_opt_bool(token, "special", &special, err));
    SL_TRY(sl_json_opt_bool(token, "normalized", &normalized, err));
    SL_TRY(sl_json_opt_bool(token, "single_word", &single_word, err));
    /* Blanks beside a token are no words: lstrip and rstrip change nothing. */
    if (normalized || single_word)
        return sl_json_fail(token, content,
                            "an added token without normalized, single_word",
                            err);
    if (!len || strlen(content) != len)
        return sl_json_fail(token, "content", "a token", err);
    found = sl_strmap_find(m, content, len);
    if (found < 0 && id == size && id < MAX_TOKENS) {
        found = sl_strmap_add(m, content, len, 0, NULL);
        if (found < 0)
            return sl_fail_nomem(err, "special tokens");
    }
    if (found != id)
        return sl_json_fail(token, content,
                            "the id that the vocabulary gives, or the next",
                            err);
    return note_added(l, id, special, err);
}

/* ---- tokenizer.json ------------------------------------------------------ */

/* (*out)[id] <- the token of each id. */
static simlm_status keys_by_id(const char ***out, struct sl_json vocab,
                               simlm_error *err)
{
    struct sl_json_member m = {0};
    int64_t n = sl_json_count(vocab);
    const char **key;

    if (n < 1 || n > MAX_TOKENS)
        return sl_json_fail(vocab, "vocab", "tokens with their ids", err);
    key = SL_NEW_ARRAY(const char *, n);
    if (!key)
        return sl_fail_nomem(err, "a vocabulary");
    while (sl_json_next(vocab, &m)) {
        int64_t id;

        if (!sl_json_is_int(m.value, &id) || id < 0 || id >= n || key[id]) {
            simlm_status st = sl_json_fail(
                vocab, m.key, "an id of its own below the number of tokens",
                err);

            sl_free(key);
            return st;
        }
        key[id] = m.key;
    }
    *out = key;
    return SIMLM_OK;
}

/* The tokens, or if vocab.txt gave them already, a check that they agree. */
static simlm_status read_tokens(struct load *l, struct sl_json vocab,
                                simlm_error *err)
{
    struct sl_strmap *m = l->parts.tokens;
    int64_t n = sl_json_count(vocab), known = sl_strmap_count(m);
    const char **key = NULL;
    simlm_status st = SIMLM_OK;

    SL_TRY(keys_by_id(&key, vocab, err));
    if (known && known != n)
        st = sl_json_fail(vocab, "vocab", "as many tokens as vocab.txt", err);
    for (int64_t i = 0; i < n && st == SIMLM_OK; i++) {
        l->bytes += strlen(key[i]);
        if (l->bytes > 2 * (size_t)MAX_BYTES)
            st = sl_json_fail(vocab, "vocab", "less text", err);
        else if (known && strcmp(sl_strmap_key(m, i), key[i]) != 0)
            st = sl_json_fail(vocab, key[i], "the token of vocab.txt", err);
        else if (!known &&
                 sl_strmap_add(m, key[i], strlen(key[i]), 0, NULL) < 0)
            st = sl_fail_nomem(err, "a vocabulary");
    }
    sl_free(key);
    return st;
}

/* "type": "X" of a part; an absent type is allowed to. */
static simlm_status expect_type(struct sl_json part, const char *type,
                                simlm_error *err)
{
    const char *got = NULL;

    SL_TRY(sl_json_opt_text(part, "type", &got, NULL, err));
    if (got && strcmp(got, type) != 0)
        return sl_json_fail(part, got, type, err);
    return SIMLM_OK;
}

static simlm_status read_model(struct load *l, struct sl_json root,
                               simlm_error *err)
{
    struct sl_json model, vocab;
    const char *prefix = NULL, *unk = NULL;

    SL_TRY(sl_json_need(root, "model", SL_JSON_OBJECT, &model, err));
    SL_TRY(expect_type(model, "WordPiece", err));
    SL_TRY(sl_json_need(model, "vocab", SL_JSON_OBJECT, &vocab, err));
    SL_TRY(read_tokens(l, vocab, err));
    SL_TRY(sl_json_opt_int(model, "max_input_chars_per_word", 1, SL_WORD_CHARS,
                           &l->parts.max_word_chars, err));
    SL_TRY(sl_json_opt_text(model, "continuing_subword_prefix", &prefix, NULL,
                            err));
    SL_TRY(sl_json_opt_text(model, "unk_token", &unk, NULL, err));
    if (prefix && !*prefix)
        return sl_json_fail(model, "continuing_subword_prefix", "\"##\"", err);
    if (prefix)
        SL_TRY(replace_text(&l->parts.prefix, prefix, err));
    return unk ? replace_text(&l->parts.role[SL_UNK], unk, err) : SIMLM_OK;
}

static simlm_status read_strip(struct load *l, struct sl_json options,
                               simlm_error *err)
{
    bool strip = l->strip == STRIP_YES;

    SL_TRY(sl_json_opt_bool(options, "strip_accents", &strip, err));
    if (sl_json_kind(sl_json_field(options, "strip_accents")) == SL_JSON_BOOL)
        l->strip = strip ? STRIP_YES : STRIP_NO;
    return SIMLM_OK;
}

static simlm_status read_normalizer(struct load *l, struct sl_json root,
                                    simlm_error *err)
{
    struct sl_normalise_options *o = &l->parts.options;
    struct sl_json normalizer = sl_json_field(root, "normalizer");
    enum sl_json_kind kind = sl_json_kind(normalizer);

    if (kind == SL_JSON_NULL || kind == SL_JSON_ABSENT) {
        *o = (struct sl_normalise_options){0};
        l->strip = STRIP_NO;
        return SIMLM_OK;
    }
    SL_TRY(sl_json_need(root, "normalizer", SL_JSON_OBJECT, &normalizer, err));
    SL_TRY(expect_type(normalizer, "BertNormalizer", err));
    SL_TRY(sl_json_opt_bool(normalizer, "clean_text", &o->clean_text, err));
    SL_TRY(sl_json_opt_bool(normalizer, "handle_chinese_chars",
                            &o->chinese_chars, err));
    SL_TRY(sl_json_opt_bool(normalizer, "lowercase", &o->lowercase, err));
    return read_strip(l, normalizer, err);
}

static simlm_status read_json_parts(struct load *l, struct sl_json root,
                                    simlm_error *err)
{
    struct sl_json pre, added = sl_json_field(root, "added_tokens");

    SL_TRY(read_model(l, root, err));
    SL_TRY(read_normalizer(l, root, err));
    SL_TRY(sl_json_need(root, "pre_tokenizer", SL_JSON_OBJECT, &pre, err));
    SL_TRY(expect_type(pre, "BertPreTokenizer", err));
    for (int64_t i = 0; i < sl_json_count(added); i++) {
        struct sl_json token = sl_json_item(added, i);
        int64_t id;

        SL_TRY(sl_json_need_int(token, "id", 0, MAX_TOKENS, &id, err));
        SL_TRY(read_added(l, token, id, err));
    }
    return SIMLM_OK;
}

static simlm_status read_tokenizer_json(struct load *l, const char *path,
                                        simlm_error *err)
{
    struct sl_json_doc *doc = NULL;
    simlm_status st;

    SL_TRY(sl_json_load(&doc, path, err));
    st = read_json_parts(l, sl_json_root(doc), err);
    sl_json_free(doc);
    return st;
}

/* ---- tokenizer_config.json, special_tokens_map.json ---------------------- */

/* "cls_token": "[CLS]", or {"content": "[CLS]", ...} */
static simlm_status read_roles(struct load *l, struct sl_json root,
                               simlm_error *err)
{
    static const char *const field[SL_N_ROLES] = {
        "pad_token", "unk_token", "cls_token", "sep_token", "mask_token"};

    for (int r = 0; r < SL_N_ROLES; r++) {
        const char *name = NULL;
        struct sl_json v = sl_json_field(root, field[r]);

        if (sl_json_kind(v) == SL_JSON_OBJECT)
            SL_TRY(sl_json_need_text(v, "content", &name, NULL, err));
        else
            SL_TRY(sl_json_opt_text(root, field[r], &name, NULL, err));
        if (name)
            SL_TRY(replace_text(&l->parts.role[r], name, err));
    }
    return SIMLM_OK;
}

static simlm_status read_decoder(struct load *l, struct sl_json root,
                                 simlm_error *err)
{
    struct sl_json decoder = sl_json_field(root, "added_tokens_decoder");
    struct sl_json_member m = {0};

    while (sl_json_next(decoder, &m)) {
        char *end;
        long long id;

        errno = 0;
        id = strtoll(m.key, &end, 10);
        if (errno || end == m.key || *end)
            return sl_json_fail(decoder, m.key, "an id", err);
        SL_TRY(read_added(l, m.value, id, err));
    }
    return SIMLM_OK;
}

static simlm_status read_config_fields(struct load *l, struct sl_json root,
                                       simlm_error *err)
{
    struct sl_normalise_options *o = &l->parts.options;

    SL_TRY(sl_json_opt_bool(root, "do_lower_case", &o->lowercase, err));
    SL_TRY(sl_json_opt_bool(root, "tokenize_chinese_chars", &o->chinese_chars,
                            err));
    SL_TRY(read_strip(l, root, err));
    SL_TRY(read_decoder(l, root, err));
    return read_roles(l, root, err);
}

static simlm_status read_config(struct load *l, const char *path,
                                simlm_status (*read)(struct load *,
                                                     struct sl_json,
                                                     simlm_error *),
                                simlm_error *err)
{
    struct sl_json_doc *doc = NULL;
    simlm_status st;

    if (!sl_file_exists(path))
        return SIMLM_OK;
    SL_TRY(sl_json_load(&doc, path, err));
    if (sl_json_kind(sl_json_root(doc)) != SL_JSON_OBJECT)
        st = sl_json_fail(sl_json_root(doc), NULL, "an object", err);
    else
        st = read(l, sl_json_root(doc), err);
    sl_json_free(doc);
    return st;
}

/* ---- opening ------------------------------------------------------------- */

static simlm_status finish(struct sl_tokenizer **out, struct load *l,
                           const char *path, simlm_error *err)
{
    struct sl_tokenizer_parts *p = &l->parts;

    p->options.strip_accents = l->strip == STRIP_AS_CASE
                                   ? p->options.lowercase
                                   : l->strip == STRIP_YES;
    for (int r = 0; r < SL_N_ROLES; r++) {
        int64_t id = sl_strmap_find(p->tokens, p->role[r], strlen(p->role[r]));

        if (id >= 0)
            SL_TRY(note_added(l, id, true, err));
    }
    return sl_tokenizer_build(out, p, path, err);
}

static simlm_status read_directory(struct load *l, const char *dir,
                                   simlm_error *err)
{
    char *vocab = sl_path_join(dir, "vocab.txt");
    char *json = sl_path_join(dir, "tokenizer.json");
    char *map = sl_path_join(dir, "special_tokens_map.json");
    char *config = sl_path_join(dir, "tokenizer_config.json");
    simlm_status st = SIMLM_OK;

    if (!vocab || !json || !map || !config)
        st = sl_fail_nomem(err, "file names");
    else if (!sl_file_exists(vocab) && !sl_file_exists(json))
        st = sl_fail(err, SIMLM_E_IO,
                     "cannot open '%s': no vocab.txt or tokenizer.json there",
                     dir);
    if (st == SIMLM_OK && sl_file_exists(vocab))
        st = read_vocab(l, vocab, err);
    if (st == SIMLM_OK && sl_file_exists(json))
        st = read_tokenizer_json(l, json, err);
    if (st == SIMLM_OK)
        st = read_config(l, map, read_roles, err);
    if (st == SIMLM_OK)
        st = read_config(l, config, read_config_fields, err);
    sl_free(vocab);
    sl_free(json);
    sl_free(map);
    sl_free(config);
    return st;
}

static bool names_json(const char *path)
{
    size_t n = strlen(path);

    return n >= 5 && !strcmp(path + n - 5, ".json");
}

simlm_status sl_tokenizer_open(struct sl_tokenizer **out, const char *path,
                               simlm_error *err)
{
    struct load l = {.strip = STRIP_AS_CASE};
    simlm_status st;

    if (!sl_tokenizer_parts_init(&l.parts))
        st = sl_fail_nomem(err, "a tokenizer");
    else if (sl_dir_exists(path))
        st = read_directory(&l, path, err);
    else if (names_json(path))
        st = read_tokenizer_json(&l, path, err);
    else
        st = read_vocab(&l, path, err);
    if (st == SIMLM_OK)
        st = finish(out, &l, path, err);
    sl_tokenizer_parts_release(&l.parts);
    return st;
}

simlm_status sl_tokenizer_from_vocab(struct sl_tokenizer **out,
                                     const char *vocab_path, simlm_error *err)
{
    struct load l = {.strip = STRIP_AS_CASE};
    simlm_status st;

    if (!sl_tokenizer_parts_init(&l.parts))
        st = sl_fail_nomem(err, "a tokenizer");
    else
        st = read_vocab(&l, vocab_path, err);
    if (st == SIMLM_OK)
        st = finish(out, &l, vocab_path, err);
    sl_tokenizer_parts_release(&l.parts);
    return st;
}

simlm_status sl_tokenizer_from_tokens(struct sl_tokenizer **out,
                                      struct sl_strmap *tokens,
                                      simlm_error *err)
{
    struct load l = {.strip = STRIP_AS_CASE};
    simlm_status st;

    if (!sl_tokenizer_parts_init(&l.parts)) {
        st = sl_fail_nomem(err, "a tokenizer");
        sl_strmap_free(tokens);
    } else {
        sl_strmap_free(l.parts.tokens);
        l.parts.tokens = tokens;
        st = finish(out, &l, "the vocabulary", err);
    }
    sl_tokenizer_parts_release(&l.parts);
    return st;
}
