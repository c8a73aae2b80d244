#include "text/tokenizer_impl.h"

#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"

enum { IS_SPECIAL = 1, CONTINUES = 2 };

/* ---- building -------------------------------------------------------------
 */

/* Hash of all that decides which ids come out. */
static uint64_t identity(const struct sl_tokenizer_parts *parts,
                         const struct sl_tokenizer *t)
{
    const struct sl_normalise_options *o = &parts->options;
    int64_t n = sl_strmap_count(t->tokens);
    int64_t fixed[] = {n,
                       parts->max_word_chars,
                       o->clean_text,
                       o->chinese_chars,
                       o->strip_accents,
                       o->lowercase};
    uint64_t h = sl_hash64(fixed, sizeof fixed, 1);

    for (int64_t i = 0; i < n; i++)
        h = sl_hash64(sl_strmap_key(t->tokens, i),
                      sl_strmap_key_len(t->tokens, i), h);
    h = sl_hash64(t->role, sizeof t->role, h);
    for (int64_t i = 0; i < parts->n_added; i++)
        h = sl_hash64(&parts->added[i].id, sizeof parts->added[i].id, h);
    return sl_hash64(parts->prefix, strlen(parts->prefix), h);
}

static bool continues(const char *token, size_t len, const char *prefix)
{
    size_t n = strlen(prefix);

    return len >= n && !memcmp(token, prefix, n);
}

static simlm_status set_roles(struct sl_tokenizer *t,
                              const struct sl_tokenizer_parts *parts,
                              const char *path, simlm_error *err)
{
    for (int r = 0; r < SL_N_ROLES; r++) {
        const char *name = parts->role[r];
        int64_t id = sl_strmap_find(t->tokens, name, strlen(name));

        if (id < 0 && r != SL_MASK)
            return sl_fail(err, SIMLM_E_FORMAT,
                           "%s: the vocabulary has no '%s'", path, name);
        t->role[r] = (int32_t)id;
        if (id >= 0)
            t->flags[id] |= IS_SPECIAL;
    }
    return SIMLM_OK;
}

static simlm_status build_pieces(struct sl_tokenizer *t, const char *prefix,
                                 simlm_error *err)
{
    int64_t n = sl_strmap_count(t->tokens);
    struct sl_piece *piece = SL_NEW_ARRAY(struct sl_piece, n);
    simlm_status st;

    if (!piece)
        return sl_fail_nomem(err, "a vocabulary");
    for (int64_t i = 0; i < n; i++) {
        const char *token = sl_strmap_key(t->tokens, i);
        size_t len = sl_strmap_key_len(t->tokens, i);
        bool more = continues(token, len, prefix);
        size_t skip = more ? strlen(prefix) : 0;

        t->flags[i] |= more ? CONTINUES : 0;
        piece[i] = (struct sl_piece){token + skip, (uint32_t)(len - skip),
                                     (int32_t)i, more};
    }
    st = sl_pieces_new(&t->pieces, piece, n, err);
    sl_free(piece);
    return st;
}

static simlm_status build_added(struct sl_tokenizer *t,
                                const struct sl_tokenizer_parts *parts,
                                simlm_error *err)
{
    int64_t n = parts->n_added;
    struct sl_piece *piece = SL_NEW_ARRAY(struct sl_piece, n + 1);
    int n_first = 0;
    simlm_status st;

    if (!piece)
        return sl_fail_nomem(err, "special tokens");
    for (int64_t i = 0; i < n; i++) {
        int32_t id = parts->added[i].id;
        const char *token = sl_strmap_key(t->tokens, id);

        piece[i] = (struct sl_piece){
            token, (uint32_t)sl_strmap_key_len(t->tokens, id), id, 0};
        t->flags[id] |= parts->added[i].special ? IS_SPECIAL : 0;
        if (piece[i].len)
            t->added_first[(unsigned char)*token] = true;
    }
    t->added_byte = -1;
    for (int b = 0; b < 256; b++)
        if (t->added_first[b]) {
            t->added_byte = b;
            n_first++;
        }
    if (n_first > 1)
        t->added_byte = -1;
    st = sl_pieces_new(&t->added, piece, n, err);
    sl_free(piece);
    return st;
}

simlm_status sl_tokenizer_build(struct sl_tokenizer **out,
                                struct sl_tokenizer_parts *parts,
                                const char *path, simlm_error *err)
{
    struct sl_tokenizer *t = SL_NEW(struct sl_tokenizer);
    simlm_status st;

    if (!t || !sl_normaliser_init(&t->normaliser, &parts->options)) {
        sl_tokenizer_close(t);
        return sl_fail_nomem(err, "a tokenizer");
    }
    t->max_word_chars = parts->max_word_chars;
    t->tokens = parts->tokens;
    parts->tokens = NULL;
    t->flags = SL_NEW_ARRAY(unsigned char, sl_strmap_count(t->tokens) + 1);
    st = t->flags ? SIMLM_OK : sl_fail_nomem(err, "a tokenizer");
    if (st == SIMLM_OK)
        st = set_roles(t, parts, path, err);
    if (st == SIMLM_OK)
        st = build_pieces(t, parts->prefix, err);
    if (st == SIMLM_OK)
        st = build_added(t, parts, err);
    if (st < 0) {
        sl_tokenizer_close(t);
        return st;
    }
    t->hash = identity(parts, t);
    *out = t;
    return SIMLM_OK;
}

void sl_tokenizer_close(struct sl_tokenizer *t)
{
    if (!t)
        return;
    sl_normaliser_release(&t->normaliser);
    sl_strmap_free(t->tokens);
    sl_pieces_free(t->pieces);
    sl_pieces_free(t->added);
    sl_free(t->flags);
    sl_free(t);
}

/* ---- questions -------------------------------------------------------------
 */

int32_t sl_tokenizer_size(const struct sl_tokenizer *t)
{
    return (int32_t)sl_strmap_count(t->tokens);
}

const char *sl_tokenizer_token(const struct sl_tokenizer *t, int32_t id)
{
    SL_ASSERT(id >= 0 && id < sl_tokenizer_size(t));
    return sl_strmap_key(t->tokens, id);
}

bool sl_tokenizer_is_special(const struct sl_tokenizer *t, int32_t id)
{
    SL_ASSERT(id >= 0 && id < sl_tokenizer_size(t));
    return t->flags[id] & IS_SPECIAL;
}

bool sl_tokenizer_continues(const struct sl_tokenizer *t, int32_t id)
{
    SL_ASSERT(id >= 0 && id < sl_tokenizer_size(t));
    return t->flags[id] & CONTINUES;
}

int32_t sl_tokenizer_pad(const struct sl_tokenizer *t)
{
    return t->role[SL_PAD];
}

int32_t sl_tokenizer_unk(const struct sl_tokenizer *t)
{
    return t->role[SL_UNK];
}

int32_t sl_tokenizer_cls(const struct sl_tokenizer *t)
{
    return t->role[SL_CLS];
}

int32_t sl_tokenizer_sep(const struct sl_tokenizer *t)
{
    return t->role[SL_SEP];
}

int32_t sl_tokenizer_mask(const struct sl_tokenizer *t)
{
    return t->role[SL_MASK];
}

int32_t sl_tokenizer_id(const struct sl_tokenizer *t, const char *token,
                        size_t len)
{
    return (int32_t)sl_strmap_find(t->tokens, token, len);
}

uint64_t sl_tokenizer_hash(const struct sl_tokenizer *t)
{
    return t->hash;
}

bool sl_tokenizer_same_vocab(const struct sl_tokenizer *a,
                             const struct sl_tokenizer *b)
{
    int32_t n = sl_tokenizer_size(a);

    if (n != sl_tokenizer_size(b))
        return false;
    for (int32_t i = 0; i < n; i++)
        if (sl_strmap_key_len(a->tokens, i) !=
                sl_strmap_key_len(b->tokens, i) ||
            memcmp(sl_strmap_key(a->tokens, i), sl_strmap_key(b->tokens, i),
                   sl_strmap_key_len(a->tokens, i)))
            return false;
    return true;
}

/* ---- encoding ------------------------------------------------------------ */

void sl_id_list_free(struct sl_id_list *x)
{
    sl_free(x->id);
    *x = (struct sl_id_list){0};
}

/* Where the next added token is in text[0 .. len), the leftmost and there the
 * longest; len if there is none. */
static size_t find_added(const struct sl_tokenizer *t,
                         const unsigned char *text, size_t len, int32_t *id,
                         size_t *matched)
{
    for (size_t i = 0; i < len; i++) {
        if (t->added_byte >= 0) {
            const unsigned char *p = memchr(text + i, t->added_byte, len - i);

            if (!p)
                break;
            i = (size_t)(p - text);
        } else if (!t->added_first[text[i]]) {
            continue;
        }
        *id = sl_pieces_longest(t->added, 0, text + i, len - i, matched);
        if (*id >= 0)
            return i;
    }
    *id = -1;
    *matched = 0;
    return len;
}

/* Append the ids of text that holds no added token. */
static bool encode_plain(const struct sl_tokenizer *t, struct sl_words *w,
                         struct sl_id_list *out, const char *text, size_t len)
{
    sl_words_init(w, &t->normaliser, text, len);
    while (sl_words_next(w)) {
        int64_t n = 0;

        if (out->n + SL_WORD_BYTES > out->cap &&
            !sl_grow(&out->id, &out->cap, out->n + SL_WORD_BYTES,
                     sizeof *out->id))
            return false;
        if (w->chars <= t->max_word_chars)
            n = sl_pieces_split(t->pieces, out->id + out->n, w->word, w->len);
        if (!n) {
            out->id[out->n] = t->role[SL_UNK];
            n = 1;
        }
        out->n += n;
    }
    return true;
}

bool sl_tokenizer_encode(const struct sl_tokenizer *t, struct sl_id_list *out,
                         const char *text, size_t len)
{
    struct sl_words words;
    int64_t before = out->n;

    for (size_t at = 0; at < len;) {
        size_t matched;
        int32_t id;
        size_t plain = find_added(t, (const unsigned char *)text + at, len - at,
                                  &id, &matched);

        if (!encode_plain(t, &words, out, text + at, plain) ||
            (id >= 0 &&
             !sl_grow(&out->id, &out->cap, out->n + 1, sizeof *out->id))) {
            out->n = before;
            return false;
        }
        if (id >= 0)
            out->id[out->n++] = id;
        at += plain + matched;
    }
    return true;
}

/* ---- truncation and special tokens --------------------------------------- */

bool sl_truncate_pair(int64_t *keep_a, int64_t *keep_b, int64_t n_a,
                      int64_t n_b, int64_t budget, enum sl_truncation how)
{
    int64_t lesser = n_a <= n_b ? n_a : n_b;
    int64_t greater;

    *keep_a = n_a;
    *keep_b = n_b;
    if (n_a + n_b <= budget)
        return true;
    if (how == SL_TRUNCATE_ONLY_SECOND) {
        *keep_b = budget - n_a;
        return *keep_b > 0;
    }
    greater = lesser > budget - lesser ? lesser : budget - lesser;
    if (lesser + greater > budget) {
        lesser = budget / 2;
        greater = lesser + budget % 2;
    }
    *keep_a = n_a <= n_b ? lesser : greater;
    *keep_b = n_a <= n_b ? greater : lesser;
    return true;
}

int64_t sl_tokenizer_packed_max(const struct sl_ids *a, const struct sl_ids *b,
                                int64_t max_len)
{
    int64_t n = a->n + 2 + (b ? b->n + 1 : 0);

    return max_len > 0 && max_len < n ? max_len : n;
}

static int64_t put_part(int32_t *ids, int32_t *types, const struct sl_ids *x,
                        int64_t n, int32_t sep, int32_t type)
{
    if (n)
        memcpy(ids, x->id, (size_t)n * sizeof *ids);
    ids[n] = sep;
    for (int64_t i = 0; types && i <= n; i++)
        types[i] = type;
    return n + 1;
}

int64_t sl_tokenizer_pack(const struct sl_tokenizer *t, int32_t *ids,
                          int32_t *types, const struct sl_ids *a,
                          const struct sl_ids *b, int64_t max_len,
                          enum sl_truncation how)
{
    int64_t n_special = b ? 3 : 2, n = 1;
    int64_t keep_a = a->n, keep_b = b ? b->n : 0;

    if (max_len > 0 && max_len < n_special)
        return -1;
    if (max_len > 0 && !b && keep_a > max_len - n_special)
        keep_a = max_len - n_special;
    if (max_len > 0 && b &&
        !sl_truncate_pair(&keep_a, &keep_b, a->n, b->n, max_len - n_special,
                          how))
        return -1;
    ids[0] = t->role[SL_CLS];
    if (types)
        types[0] = 0;
    n += put_part(ids + n, types ? types + n : NULL, a, keep_a, t->role[SL_SEP],
                  0);
    if (b)
        n += put_part(ids + n, types ? types + n : NULL, b, keep_b,
                      t->role[SL_SEP], 1);
    return n;
}
