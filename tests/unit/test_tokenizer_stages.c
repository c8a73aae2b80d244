/*
 * The tokenizer, which goes through a text once and has short cuts for ASCII
 * and for words that are tokens, against the stages of the specification (10.2)
 * done one after the other over the whole text, with no short cut: the same
 * ids, whatever the options, the vocabulary and the bytes.
 *
 * Both take a character's properties from bert_unicode.h; those are measured on
 * Hugging Face's tokenizer, and tests/golden compares with it.
 */
#include "check.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "text/tokenizer_impl.h"
#include "text/utf8.h"

enum {
    MAX_TEXT = 3000,
    MAX_POINTS = 8 * MAX_TEXT, /* decomposed, blanks around ideographs */
};

struct points {
    uint32_t c[MAX_POINTS];
    int n;
};

static void put(struct points *p, uint32_t c)
{
    assert_true(p->n < MAX_POINTS);
    p->c[p->n++] = c;
}

/* ---- the stages ---------------------------------------------------------- */

struct stages {
    const struct sl_tokenizer *t;
    const struct sl_bert_unicode *u;
    struct sl_normalise_options o;
};

static unsigned flags(const struct stages *s, uint32_t c)
{
    return sl_cp_flags(s->u, c);
}

static void clean(const struct stages *s, struct points *out,
                  const unsigned char *text, size_t len)
{
    const unsigned char *end = text + len;

    out->n = 0;
    while (text < end) {
        uint32_t c = sl_utf8_next(&text, end, NULL);

        if (!s->o.clean_text)
            put(out, c);
        else if (!(flags(s, c) & SL_CP_DROP))
            put(out, flags(s, c) & SL_CP_SPACE ? ' ' : c);
    }
}

static void set_ideographs_apart(const struct stages *s, struct points *out,
                                 const struct points *in)
{
    out->n = 0;
    for (int i = 0; i < in->n; i++) {
        bool apart = s->o.chinese_chars && flags(s, in->c[i]) & SL_CP_CJK;

        if (apart)
            put(out, ' ');
        put(out, in->c[i]);
        if (apart)
            put(out, ' ');
    }
}

/* Canonical order: neighbours change places until no mark of a higher class
 * stands before one of a lower class that is not 0. */
static void order_marks(const struct stages *s, struct points *p)
{
    for (int i = 1; i < p->n; i++) {
        int class = sl_cp_class(s->u, p->c[i]);

        for (int j = i; class && j && sl_cp_class(s->u, p->c[j - 1]) > class;
             j--) {
            uint32_t c = p->c[j];

            p->c[j] = p->c[j - 1];
            p->c[j - 1] = c;
        }
    }
}

static void strip_accents(const struct stages *s, struct points *out,
                          const struct points *in)
{
    uint32_t part[SL_CP_PARTS];
    int n = 0;

    out->n = 0;
    for (int i = 0; i < in->n; i++) {
        int n_parts = sl_cp_decompose(s->u, part, in->c[i]);

        for (int j = 0; j < n_parts; j++)
            put(out, part[j]);
    }
    order_marks(s, out);
    for (int i = 0; i < out->n; i++)
        if (!(flags(s, out->c[i]) & SL_CP_MARK))
            out->c[n++] = out->c[i];
    out->n = n;
}

static void lower(struct points *out, const struct points *in)
{
    uint32_t low[2];

    out->n = 0;
    for (int i = 0; i < in->n; i++) {
        int n = sl_cp_lower(low, in->c[i]);

        for (int j = 0; j < n; j++)
            put(out, low[j]);
    }
}

/* The longest token that the word's characters from `at` start with, and where
 * it ends. */
static int32_t longest(const struct stages *s, const uint32_t *word, int n,
                       int at, int *end)
{
    char token[4 * 256 + 2] = "##";

    for (*end = n; *end > at; --*end) {
        size_t len = at ? 2 : 0;
        int32_t id;

        for (int i = at; i < *end; i++)
            len += sl_utf8_put(token + len, word[i]);
        id = sl_tokenizer_id(s->t, token, len);
        /* "##a" is a piece within a word, never the start of one. */
        if (id >= 0 && sl_tokenizer_continues(s->t, id) == (at > 0))
            return id;
    }
    return -1;
}

static void add_pieces(const struct stages *s, struct sl_id_list *out,
                       const uint32_t *word, int n)
{
    int64_t before = out->n;
    int32_t id = n <= s->t->max_word_chars ? 0 : -1;

    for (int at = 0; id >= 0 && at < n;) {
        id = longest(s, word, n, at, &at);
        out->id[out->n++] = id;
    }
    if (id >= 0)
        return;
    out->n = before;
    out->id[out->n++] = sl_tokenizer_unk(s->t);
}

static void split_words(const struct stages *s, struct sl_id_list *out,
                        const struct points *in)
{
    int begin = 0;

    for (int i = 0; i <= in->n; i++) {
        unsigned f = i < in->n ? flags(s, in->c[i]) : SL_CP_SPACE;

        if (!(f & (SL_CP_SPACE | SL_CP_PUNCT)))
            continue;
        if (i > begin)
            add_pieces(s, out, in->c + begin, i - begin);
        if (!(f & SL_CP_SPACE))
            add_pieces(s, out, in->c + i, 1);
        begin = i + 1;
    }
}

static void plain_stages(const struct stages *s, struct sl_id_list *out,
                         const unsigned char *text, size_t len)
{
    static struct points a, b;

    clean(s, &a, text, len);
    set_ideographs_apart(s, &b, &a);
    if (s->o.strip_accents)
        strip_accents(s, &a, &b);
    else
        a = b;
    if (s->o.lowercase)
        lower(&b, &a);
    else
        b = a;
    split_words(s, out, &b);
}

/* The special token that the text starts with, or -1. */
static int32_t special_at(const struct stages *s, const unsigned char *text,
                          size_t len, size_t *matched)
{
    for (int r = 0; r < SL_N_ROLES; r++) {
        const char *name = sl_tokenizer_token(s->t, s->t->role[r]);

        *matched = strlen(name);
        if (len >= *matched && !memcmp(text, name, *matched))
            return s->t->role[r];
    }
    return -1;
}

static void all_stages(const struct stages *s, struct sl_id_list *out,
                       const unsigned char *text, size_t len)
{
    size_t begin = 0, matched;

    out->n = 0;
    for (size_t i = 0; i < len; i++) {
        int32_t id = special_at(s, text + i, len - i, &matched);

        if (id < 0)
            continue;
        plain_stages(s, out, text + begin, i - begin);
        out->id[out->n++] = id;
        begin = i + matched;
        i = begin - 1;
    }
    plain_stages(s, out, text + begin, len - begin);
}

/* ---- texts and vocabularies ---------------------------------------------- */

/* What short cuts stumble over: ends of ranges, marks, what lower case or
 * decomposition lengthens, ill-formed bytes, pieces of special tokens. */
static const char *const odd[] = {
    "@",
    "[",
    "`",
    "{",
    "/",
    ":",
    "0",
    "9",
    "A",
    "Z",
    "a",
    "z",
    "\x7F",
    "\x80",
    "\xC1",
    "\xFF",
    "\xC3\xA9",
    "\xC3\x89",
    "e\xCC\x81",
    "\xCC\x81",
    "\xCC\xA7",
    "\xCC\x87",
    "\xC4\xB0",
    "\xC3\x9F",
    "\xE4\xB8\xAD",
    "\xEA\xB0\x81",
    "\xE0\xA7\x8D",
    "\xE3\x80\xAE",
    "\xE3\x80\xAF",
    "\xE2\x80\x8D",
    "\xE2\x80\xA8",
    "\xE3\x80\x80",
    "\xEF\xBF\xBD",
    "\xED\xA0\x80",
    "\xF0\x9F\x98\x80",
    "\xF0\x9F\x98",
    "\xC0\x80",
    "\xE2\x80\x99",
    "\xE1\xBA\x9E",
    "\xCE\xA3",
    "[SEP]",
    "[MASK",
    "[[CLS]]",
    "\t",
    "\x0B",
};

static uint64_t below(struct sl_rng *r, uint64_t n)
{
    return sl_rng_below(r, n);
}

static size_t put_letters(unsigned char *out, size_t n, struct sl_rng *r)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (unsigned char)"abcdABC01"[below(r, 9)];
    return n;
}

static size_t put_odd(unsigned char *out, struct sl_rng *r)
{
    const char *s = odd[below(r, SL_LEN(odd))];

    memcpy(out, s, strlen(s));
    return strlen(s);
}

/* Words short, about as long as a register (8, 16 bytes), and about as long as
 * the limits (100, 256 characters). */
static size_t word_length(struct sl_rng *r)
{
    switch (below(r, 24)) {
    case 0:
        return 98 + below(r, 5);
    case 1:
        return 250 + below(r, 10);
    case 2:
    case 3:
        return 14 + below(r, 5);
    default:
        return below(r, 10);
    }
}

static size_t piece_length(struct sl_rng *r)
{
    return (size_t)below(r, below(r, 8) ? 4 : 20);
}

static size_t random_text(unsigned char *text, size_t cap, struct sl_rng *r)
{
    size_t n = 0, want = (size_t)below(r, below(r, 4) ? 60 : cap - 300);

    while (n < want) {
        uint64_t kind = below(r, 16);

        if (kind < 7)
            n += put_letters(text + n, word_length(r), r);
        else if (kind < 10)
            n += put_odd(text + n, r);
        else if (kind == 10)
            text[n++] = (unsigned char)below(r, 256);
        else if (kind == 11)
            n += sl_utf8_put((char *)text + n, (uint32_t)below(r, 0xD800));
        else
            text[n++] = (unsigned char)" \n.,-"[below(r, 5)];
    }
    return n;
}

/* A thousand pieces of such letters and characters (no loader lets ill-formed
 * ones in), some with a NUL. */
static void fill_vocabulary(struct sl_strmap *tokens, struct sl_rng *r)
{
    char token[64] = "##";
    unsigned char *body = (unsigned char *)token + 2;

    for (int i = 0; i < 1000; i++) {
        size_t n = below(r, 4) ? put_letters(body, 1 + piece_length(r), r)
                               : put_odd(body, r);

        if (below(r, 50) == 0)
            body[n++] = '\0';
        if (!sl_utf8_valid((char *)body, n))
            continue;
        if (below(r, 2))
            sl_strmap_add(tokens, token, n + 2, 0, NULL);
        else
            sl_strmap_add(tokens, token + 2, n, 0, NULL);
    }
}

static struct sl_tokenizer *random_tokenizer(struct sl_rng *r, unsigned options)
{
    struct sl_tokenizer_parts parts;
    struct sl_tokenizer *t = NULL;

    assert_true(sl_tokenizer_parts_init(&parts));
    parts.options = (struct sl_normalise_options){
        .clean_text = options & 1,
        .chinese_chars = options & 2,
        .strip_accents = options & 4,
        .lowercase = options & 8,
    };
    parts.added = sl_calloc(SL_N_ROLES, sizeof *parts.added);
    for (int i = 0; i < SL_N_ROLES; i++) {
        sl_strmap_add(parts.tokens, parts.role[i], strlen(parts.role[i]), 0,
                      NULL);
        parts.added[i] = (struct sl_added){i, true};
    }
    parts.n_added = SL_N_ROLES;
    fill_vocabulary(parts.tokens, r);
    check_ok(sl_tokenizer_build(&t, &parts, "test", &err));
    sl_tokenizer_parts_release(&parts);
    return t;
}

/* ---- the property -------------------------------------------------------- */

static void expect_same(const struct stages *s, struct sl_id_list *got,
                        struct sl_id_list *want, const unsigned char *text,
                        size_t len, int round)
{
    /* On the heap and just as long: reading beyond it is seen by asan. */
    char *copy = malloc(len ? len : 1);

    assert_non_null(copy);
    memcpy(copy, text, len);
    got->n = 0;
    assert_true(sl_tokenizer_encode(s->t, got, copy, len));
    free(copy);
    all_stages(s, want, text, len);
    check_msg(got->n == want->n &&
                  !memcmp(got->id, want->id, (size_t)got->n * sizeof *got->id),
              "text %d of %zu bytes: ids differ (%lld, not %lld)", round, len,
              (long long)got->n, (long long)want->n);
}

/* Under one tokenizer, many texts. */
static void check_texts(const struct sl_tokenizer *t, struct sl_rng *r)
{
    const struct stages s = {t, t->normaliser.unicode, t->normaliser.options};
    unsigned char text[MAX_TEXT + 300];
    struct sl_id_list got = {0}, want = {0};

    assert_true(sl_grow(&want.id, &want.cap, MAX_POINTS + 1, sizeof *want.id));
    for (int round = 0; round < 300; round++)
        expect_same(&s, &got, &want, text, random_text(text, MAX_TEXT, r),
                    round);
    sl_id_list_free(&got);
    sl_id_list_free(&want);
}

static void one_pass_gives_what_the_stages_give(void **state)
{
    struct sl_rng r;

    (void)state;
    sl_rng_init(&r, sl_stream(3, SL_PURPOSE_TEST, 10));
    for (unsigned options = 0; options < 16; options++) {
        struct sl_tokenizer *t = random_tokenizer(&r, options);

        check_texts(t, &r);
        sl_tokenizer_close(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_pass_gives_what_the_stages_give),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
