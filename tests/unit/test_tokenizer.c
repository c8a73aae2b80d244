/*
 * The tokenizer's rules (spec 10.2), each by an example; truncation; files that
 * lie; any bytes.
 */
#include "check.h"

#include "base/file.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "base/str.h"
#include "text/tokenizer.h"
#include "text/utf8.h"

#define SPECIALS "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"
#define LONG_A   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" /* 50 */

static const char vocab[] =
    SPECIALS "a\nb\nc\nab\n##a\n##b\n##c\n##bc\nun\n##aff\n##able\n!\n,\n.\n"
             "[\n]\n#\n'\n$\n^\n`\n+\nthe\nthesaurus\n\xE4\xB8\xAD\n"
             "##\xE4\xB8\xAD\ni\n##i\ne\n##e\nss\n\xC3\x9F\n\xCF\x83\n"
             "##\xCF\x82\nabcabcabcabcabcab\nabcabcabcabcabcabc\n"
             "\xEA\xB0\x80\n\xE1\x84\x80\n##\xE1\x85\xA1\nsep\n##ss\n"
             "\xE2\x84\xAB\n\n";

static struct sl_tokenizer *open_text(const char *text)
{
    struct sl_tokenizer *t = NULL;

    check_ok(sl_tokenizer_from_vocab(&t, test_file("vocab.txt", text), &err));
    return t;
}

/* Tokens of the text, "a ##b c". */
static void show(struct sl_str *s, const struct sl_tokenizer *t,
                 const char *text, size_t len)
{
    struct sl_id_list ids = {0};

    assert_true(sl_tokenizer_encode(t, &ids, text, len));
    sl_str_clear(s);
    for (int64_t i = 0; i < ids.n; i++)
        sl_str_printf(s, i ? " %s" : "%s", sl_tokenizer_token(t, ids.id[i]));
    sl_id_list_free(&ids);
}

static void expect_n(const struct sl_tokenizer *t, const char *text, size_t len,
                     const char *want)
{
    struct sl_str s = {0};

    show(&s, t, text, len);
    check_msg(!strcmp(sl_str_c(&s), want), "'%s': got '%s', not '%s'", text,
              sl_str_c(&s), want);
    sl_str_free(&s);
}

static void expect(const struct sl_tokenizer *t, const char *text,
                   const char *want)
{
    expect_n(t, text, strlen(text), want);
}

/* ---- the rules --------------------------------------------------------------
 */

static void rules_of_text(void **state)
{
    struct sl_tokenizer *t = open_text(vocab);

    (void)state;
    /* Nothing, and blanks of many kinds, are no tokens. */
    expect(t, "", "");
    expect(t, " \t\r\n \xC2\xA0\xE2\x80\xA8\xE3\x80\x80", "");
    /* 1. Literal special tokens, exactly as written. */
    expect(t, "a[SEP]b", "a [SEP] b");
    expect(t, "[SEP", "[ sep");
    expect(t, "[sep]", "[ sep ]");
    expect(t, "[[MASK]][CLS][CLS]", "[ [MASK] ] [CLS] [CLS]");
    expect(t, "##a", "# # a");
    /* 2. Control, format, private use and U+FFFD go; \t \n \r are blanks. */
    expect(t,
           "a\x01"
           "b\xEF\xBB\xBF"
           "c\x7F",
           "ab ##c");
    expect(t,
           "a\xEE\x80\x80"
           "b\xEF\xBF\xBD"
           "c",
           "ab ##c");
    expect(t, "a\tb\nc\ra", "a b c a");
    expect(t,
           "a\x0B"
           "b\x0C"
           "c\xC2\x85",
           "ab ##c");
    expect(t,
           "a\xE2\x80\x8D"
           "b",
           "ab");
    expect_n(t, "a\0b", 3, "ab");
    /* 3. Ideographs stand alone; hangul and kana do not. */
    expect(t,
           "a\xE4\xB8\xAD"
           "b",
           "a \xE4\xB8\xAD b");
    expect(t, "\xE4\xB8\xAD\xE4\xB8\xAD", "\xE4\xB8\xAD \xE4\xB8\xAD");
    /* 4. Decomposed, marks dropped: e acute, e + U+0301, hangul ga. */
    expect(t, "\xC3\xA9 e\xCC\x81 \xC3\x89", "e e e");
    expect(t, "\xEA\xB0\x80", "\xE1\x84\x80 ##\xE1\x85\xA1");
    /* 5. Case by character: no final sigma; sharp s stays; dotted I is i. */
    expect(t, "THE ThE", "the the");
    expect(t, "\xCE\xA3", "\xCF\x83");
    expect(t, "\xC3\x9F", "\xC3\x9F");
    expect(t, "\xC4\xB0", "i");
    /* 6. Punctuation alone, ASCII's symbols among it. */
    expect(t, "a,b!!c'a", "a , b ! ! c ' a");
    expect(t, "$^`+", "$ ^ ` +");
    /* 7. Longest match first; a word that fails anywhere is one [UNK]. */
    expect(t, "unaffable", "un ##aff ##able");
    expect(t, "thesaurus", "thesaurus");
    expect(t, "thea", "the ##a");
    expect(t, "abc", "ab ##c");
    expect(t, "abd a", "[UNK] a");
    expect(t, "da", "[UNK]");
    expect(t, "abcabcabcabcabcab", "abcabcabcabcabcab");
    expect(t, "abcabcabcabcabcabc", "abcabcabcabcabcabc");
    sl_tokenizer_close(t);
}

static void a_word_of_100_characters_is_the_longest(void **state)
{
    struct sl_tokenizer *t = open_text(vocab);
    struct sl_id_list ids = {0};
    struct sl_str s = {0};

    (void)state;
    assert_true(sl_tokenizer_encode(t, &ids, LONG_A LONG_A, 100));
    assert_int_equal(ids.n, 100);
    expect(t, LONG_A LONG_A "a b", "[UNK] b");
    /* Characters, not bytes; and counted after accents are gone. */
    for (int i = 0; i < 100; i++)
        sl_str_puts(&s, "\xC3\xA9");
    ids.n = 0;
    assert_true(sl_tokenizer_encode(t, &ids, s.s, s.len));
    assert_int_equal(ids.n, 100);
    /* A word of any length is one [UNK], and the next one is itself again. */
    for (int i = 0; i < 5000; i++)
        sl_str_puts(&s, i % 3 ? "a" : "\xD0\xB0");
    sl_str_puts(&s, " unaffable");
    expect(t, s.s, "[UNK] un ##aff ##able");
    sl_str_clear(&s);
    for (int i = 0; i < 3000; i++)
        sl_str_puts(&s, "a");
    sl_str_puts(&s, " b");
    expect(t, s.s, "[UNK] b");
    sl_str_free(&s);
    sl_id_list_free(&ids);
    sl_tokenizer_close(t);
}

static void ill_formed_bytes_are_replacement_characters(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        int characters; /* maximal subparts, as Python's 'replace' counts */
    } ill[] = {
        {"\x80", 1, 1},
        {"\xFF\xFE", 2, 2},
        {"\xC0\x80", 2, 2},
        {"\xC3", 1, 1},
        {"\xE4\xB8", 2, 1},
        {"\xED\xA0\x80", 3, 3},
        {"\xF0\x9F\x98", 3, 1},
        {"\xF0\x80\x80\x80", 4, 4},
        {"\xF4\x90\x80\x80", 4, 4},
        {"\xE4\xB8\xE4\xB8", 4, 2},
    };
    struct sl_tokenizer *t = open_text(vocab);

    (void)state;
    for (size_t i = 0; i < SL_LEN(ill); i++) {
        const unsigned char *p = (const unsigned char *)ill[i].bytes;
        const unsigned char *end = p + ill[i].n;
        char text[16] = "a";
        int n = 0;

        for (; p < end; n++)
            assert_int_equal(sl_utf8_next(&p, end, NULL), SL_REPLACEMENT);
        check_msg(n == ill[i].characters, "case %zu: %d, not %d", i, n,
                  ill[i].characters);
        assert_false(sl_utf8_valid(ill[i].bytes, ill[i].n));
        memcpy(text + 1, ill[i].bytes, ill[i].n);
        text[1 + ill[i].n] = 'b';
        expect_n(t, text, ill[i].n + 2, "ab");
    }
    sl_tokenizer_close(t);
}

static void every_code_point_survives_a_round_trip(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x110000; c++) {
        char bytes[4];
        const unsigned char *p = (const unsigned char *)bytes;
        size_t n = sl_utf8_put(bytes, c);
        bool ok;
        uint32_t back = sl_utf8_next(&p, p + n, &ok);

        if (c >= 0xD800 && c < 0xE000)
            assert_false(ok);
        else
            check_msg(ok && back == c && p == (unsigned char *)bytes + n,
                      "U+%04X came back as U+%04X", (unsigned)c,
                      (unsigned)back);
    }
}

/* ---- options ------------------------------------------------------------- */

static const char json_head[] =
    "{\"truncation\":{\"max_length\":1},\"padding\":{\"strategy\":{\"Fixed\":9}"
    "},"
    "\"added_tokens\":[{\"id\":0,\"content\":\"[PAD]\",\"special\":true}%s],"
    "\"normalizer\":%s,\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},"
    "\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"[PAD]\":0,\"[UNK]\":1,"
    "\"[CLS]\":2,\"[SEP]\":3,\"the\":4,\"The\":5,\"e\":6,\"\xC3\xA9\":7,"
    "\"\xE4\xB8\xAD\":8,\"##\xE4\xB8\xAD\":9}}}";

static struct sl_tokenizer *open_json(const char *added, const char *normalizer,
                                      const char *config)
{
    struct sl_tokenizer *t = NULL;
    struct sl_str s = {0};
    char dir[32];
    static int n;

    snprintf(dir, sizeof dir, "json%d", n++);
    check_ok(sl_dir_make(test_path(dir), &err));
    sl_str_printf(&s, "%s/tokenizer.json", dir);
    {
        struct sl_str text = {0};

        sl_str_printf(&text, json_head, added, normalizer);
        test_file(s.s, text.s);
        sl_str_free(&text);
    }
    sl_str_clear(&s);
    sl_str_printf(&s, "%s/tokenizer_config.json", dir);
    if (config)
        test_file(s.s, config);
    sl_str_free(&s);
    check_ok(sl_tokenizer_open(&t, test_path(dir), &err));
    return t;
}

#define NORMALIZER(clean, chinese, strip, lower)                               \
    "{\"type\":\"BertNormalizer\",\"clean_text\":" clean                       \
    ",\"handle_chinese_chars\":" chinese ",\"strip_accents\":" strip           \
    ",\"lowercase\":" lower "}"

static void options_of_tokenizer_json_and_its_config_hold(void **state)
{
    static const struct {
        const char *normalizer, *config, *text, *want;
    } cases[] = {
        {NORMALIZER("true", "true", "null", "true"), NULL, "The \xC3\x89",
         "the e"},
        {NORMALIZER("true", "true", "false", "true"), NULL, "The \xC3\x89",
         "the \xC3\xA9"},
        {NORMALIZER("true", "true", "null", "false"), NULL, "The \xC3\xA9",
         "The \xC3\xA9"},
        {NORMALIZER("true", "true", "true", "false"), NULL, "The \xC3\xA9",
         "The e"},
        {NORMALIZER("true", "false", "null", "true"), NULL,
         "\xE4\xB8\xAD\xE4\xB8\xAD", "\xE4\xB8\xAD ##\xE4\xB8\xAD"},
        {NORMALIZER("true", "true", "null", "true"), NULL, "e\x01", "e"},
        {NORMALIZER("false", "true", "null", "true"), NULL, "e\x01", "[UNK]"},
        {"null", NULL, "The \xC3\xA9 e\x01", "The \xC3\xA9 [UNK]"},
        {NORMALIZER("true", "true", "null", "true"),
         "{\"do_lower_case\":false}", "The \xC3\xA9", "The \xC3\xA9"},
        {NORMALIZER("true", "true", "null", "true"),
         "{\"strip_accents\":false,\"tokenize_chinese_chars\":false}",
         "The \xC3\x89 \xE4\xB8\xAD\xE4\xB8\xAD",
         "the \xC3\xA9 \xE4\xB8\xAD ##\xE4\xB8\xAD"},
        {NORMALIZER("true", "true", "null", "true"),
         "{\"mask_token\":{\"content\":\"the\"}}", "a The the",
         "[UNK] the the"},
    };

    (void)state;
    for (size_t i = 0; i < SL_LEN(cases); i++) {
        struct sl_tokenizer *t =
            open_json("", cases[i].normalizer, cases[i].config);

        expect(t, cases[i].text, cases[i].want);
        sl_tokenizer_close(t);
    }
}

static void a_nul_that_is_kept_is_no_padding(void **state)
{
    struct sl_tokenizer *t =
        open_json("", NORMALIZER("false", "true", "null", "true"), NULL);

    (void)state;
    expect_n(t, "e\0", 2, "[UNK]");
    expect_n(t, "the\0the the", 11, "[UNK] the");
    sl_tokenizer_close(t);
}

static void added_tokens_are_cut_from_the_raw_text(void **state)
{
    struct sl_tokenizer *t =
        open_json(",{\"id\":10,\"content\":\"<q>\",\"special\":true}"
                  ",{\"id\":11,\"content\":\"<q>>\",\"special\":false}",
                  NORMALIZER("true", "true", "null", "true"), NULL);

    (void)state;
    assert_int_equal(sl_tokenizer_size(t), 12);
    expect(t, "the<q>the<q>>e<Q>", "the <q> the <q>> e [UNK] [UNK] [UNK]");
    assert_true(sl_tokenizer_is_special(t, 10));
    assert_false(sl_tokenizer_is_special(t, 11));
    assert_int_equal(sl_tokenizer_mask(t), -1);
    sl_tokenizer_close(t);
}

static void questions_about_tokens(void **state)
{
    struct sl_tokenizer *t = open_text(vocab);
    struct sl_tokenizer *cased = open_text(SPECIALS "a\n");

    (void)state;
    assert_int_equal(sl_tokenizer_unk(t), 1);
    assert_int_equal(sl_tokenizer_mask(t), 4);
    assert_int_equal(sl_tokenizer_id(t, "##bc", 4), 12);
    assert_int_equal(sl_tokenizer_id(t, "nothing", 7), -1);
    assert_true(sl_tokenizer_is_special(t, 4));
    assert_false(sl_tokenizer_is_special(t, 5));
    assert_true(sl_tokenizer_continues(t, 12));
    assert_false(sl_tokenizer_continues(t, 5));
    assert_true(sl_tokenizer_same_vocab(t, t));
    assert_false(sl_tokenizer_same_vocab(t, cased));
    assert_true(sl_tokenizer_hash(t) != sl_tokenizer_hash(cased));
    sl_tokenizer_close(t);
    sl_tokenizer_close(cased);
}

static void options_are_part_of_the_identity(void **state)
{
    struct sl_tokenizer *a =
        open_json("", NORMALIZER("true", "true", "null", "true"), NULL);
    struct sl_tokenizer *b =
        open_json("", NORMALIZER("true", "true", "true", "true"), NULL);
    struct sl_tokenizer *c =
        open_json("", NORMALIZER("true", "true", "false", "true"), NULL);

    (void)state;
    assert_true(sl_tokenizer_hash(a) == sl_tokenizer_hash(b));
    assert_true(sl_tokenizer_hash(a) != sl_tokenizer_hash(c));
    sl_tokenizer_close(a);
    sl_tokenizer_close(b);
    sl_tokenizer_close(c);
}

/* ---- truncation ---------------------------------------------------------- */

static void truncation_is_the_references(void **state)
{
    static const int64_t golden[][5] = {
        /* n1   n2   M    a1   a2 */
        {5, 200, 141, 5, 136},   {200, 5, 141, 136, 5},
        {70, 200, 141, 70, 71},  {71, 200, 141, 70, 71},
        {100, 100, 141, 70, 71}, {100, 99, 141, 71, 70},
        {0, 200, 141, 0, 141},   {10, 300, 189, 10, 179},
        {94, 300, 189, 94, 95},  {200, 100, 189, 95, 94},
        {140, 3, 141, 138, 3},   {3, 4, 141, 3, 4},
        {5, 5, 0, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < SL_LEN(golden); i++) {
        const int64_t *g = golden[i];
        int64_t a, b;

        assert_true(sl_truncate_pair(&a, &b, g[0], g[1], g[2],
                                     SL_TRUNCATE_LONGEST_FIRST));
        check_msg(a == g[3] && b == g[4], "case %zu: %lld and %lld", i,
                  (long long)a, (long long)b);
    }
}

static void only_second_keeps_the_first_whole_or_fails(void **state)
{
    int64_t a, b;

    (void)state;
    assert_true(sl_truncate_pair(&a, &b, 5, 9, 10, SL_TRUNCATE_ONLY_SECOND));
    assert_int_equal(a, 5);
    assert_int_equal(b, 5);
    assert_true(sl_truncate_pair(&a, &b, 9, 9, 10, SL_TRUNCATE_ONLY_SECOND));
    assert_int_equal(b, 1);
    assert_false(sl_truncate_pair(&a, &b, 10, 9, 10, SL_TRUNCATE_ONLY_SECOND));
    assert_false(sl_truncate_pair(&a, &b, 12, 0, 10, SL_TRUNCATE_ONLY_SECOND));
    assert_true(sl_truncate_pair(&a, &b, 10, 0, 10, SL_TRUNCATE_ONLY_SECOND));
}

static void packing_puts_special_tokens_around(void **state)
{
    struct sl_tokenizer *t = open_text(vocab);
    const int32_t x[] = {10, 11, 12}, y[] = {20, 21};
    const struct sl_ids a = {x, 3}, b = {y, 2}, none = {NULL, 0};
    const int32_t single[] = {2, 10, 11, 12, 3};
    const int32_t pair[] = {2, 10, 11, 12, 3, 20, 21, 3};
    const int32_t pair_types[] = {0, 0, 0, 0, 0, 1, 1, 1};
    int32_t ids[8], types[8];

    (void)state;
    assert_int_equal(sl_tokenizer_packed_max(&a, NULL, 0), 5);
    assert_int_equal(sl_tokenizer_packed_max(&a, &b, 7), 7);
    assert_int_equal(sl_tokenizer_pack(t, ids, NULL, &a, NULL, 0, 0), 5);
    assert_memory_equal(ids, single, sizeof single);
    assert_int_equal(sl_tokenizer_pack(t, ids, types, &a, &b, 0, 0), 8);
    assert_memory_equal(ids, pair, sizeof pair);
    assert_memory_equal(types, pair_types, sizeof pair_types);
    assert_int_equal(sl_tokenizer_pack(t, ids, types, &a, NULL, 3, 0), 3);
    assert_int_equal(ids[1], 10);
    assert_int_equal(ids[2], 3);
    assert_int_equal(sl_tokenizer_pack(t, ids, types, &none, NULL, 2, 0), 2);
    assert_int_equal(sl_tokenizer_pack(t, ids, types, &none, &none, 3, 0), 3);
    assert_int_equal(types[1], 0);
    assert_int_equal(types[2], 1);
    assert_int_equal(sl_tokenizer_pack(t, ids, types, &a, NULL, 1, 0), -1);
    assert_int_equal(sl_tokenizer_pack(t, ids, types, &a, &b, 2, 0), -1);
    assert_int_equal(
        sl_tokenizer_pack(t, ids, types, &a, &b, 6, SL_TRUNCATE_ONLY_SECOND),
        -1);
    sl_tokenizer_close(t);
}

/* ---- files that lie ------------------------------------------------------ */

static void bad_vocabularies_are_refused(void **state)
{
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"", "no '[PAD]'"},
        {"a\nb\n", "no '[PAD]'"},
        {"[PAD]\n[UNK]\n[CLS]\n", "no '[SEP]'"},
        {SPECIALS "a\nb\na\n", ":8: the same token as in line 6: 'a'"},
        {SPECIALS "a\xFF\n", ":6: expected UTF-8"},
        {SPECIALS "\xED\xA0\x80\n", ":6: expected UTF-8"},
    };
    struct sl_tokenizer *t = NULL;

    (void)state;
    for (size_t i = 0; i < SL_LEN(bad); i++)
        check_fails(
            SIMLM_E_FORMAT, bad[i].message,
            sl_tokenizer_open(&t, test_file("bad.txt", bad[i].text), &err));
    check_ok(sl_file_write(test_path("nul.txt"), "[PAD]\0x\n", 8, &err));
    check_fails(SIMLM_E_FORMAT, ":1: expected a token, not a NUL",
                sl_tokenizer_open(&t, test_path("nul.txt"), &err));
    check_fails(SIMLM_E_IO, "absent",
                sl_tokenizer_open(&t, test_path("absent"), &err));
    check_ok(sl_dir_make(test_path("empty"), &err));
    check_fails(SIMLM_E_IO, "no vocab.txt or tokenizer.json",
                sl_tokenizer_open(&t, test_path("empty"), &err));
    assert_null(t);
}

static void bad_tokenizer_json_is_refused(void **state)
{
#define MODEL(vocab) "\"model\":{\"type\":\"WordPiece\",\"vocab\":" vocab "}"
#define FOUR         "\"[PAD]\":0,\"[UNK]\":1,\"[CLS]\":2,\"[SEP]\":3"
#define PRE          ",\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"}"
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"", "bad.json"},
        {"[]", "'model'"},
        {"{\"model\":3}", "'model'"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{}}}", "WordPiece"},
        {"{" MODEL("[]") PRE "}", "'vocab'"},
        {"{" MODEL("{}") PRE "}", "'vocab'"},
        {"{" MODEL("{\"a\":\"0\"}") PRE "}", "'a': expected an id"},
        {"{" MODEL("{\"a\":0,\"b\":0}") PRE "}", "'b': expected an id"},
        {"{" MODEL("{\"a\":-1}") PRE "}", "'a': expected an id"},
        {"{" MODEL("{\"a\":2000000000}") PRE "}", "'a': expected an id"},
        {"{" MODEL("{\"a\":1e300}") PRE "}", "'a': expected an id"},
        {"{" MODEL("{\"a\":0}") PRE "}", "no '[PAD]'"},
        {"{" MODEL("{" FOUR "}") "}", "'pre_tokenizer'"},
        {"{" MODEL("{" FOUR "}") ",\"pre_tokenizer\":{\"type\":\"ByteLevel\"}}",
         "BertPreTokenizer"},
        {"{" MODEL("{" FOUR "}") PRE ",\"normalizer\":{\"type\":\"NFC\"}}",
         "BertNormalizer"},
        {"{" MODEL("{" FOUR "}") PRE ",\"normalizer\":{\"lowercase\":1}}",
         "'lowercase'"},
        {"{" MODEL("{" FOUR "}") PRE ",\"added_tokens\":[3]}", "'id'"},
        {"{" MODEL("{" FOUR "}") PRE
         ",\"added_tokens\":[{\"id\":9,\"content\":\"x\"}]}",
         "'x': expected the id"},
        {"{" MODEL("{" FOUR "}") PRE
         ",\"added_tokens\":[{\"id\":0,\"content\":\"[SEP]\"}]}",
         "'[SEP]': expected the id"},
        {"{" MODEL("{" FOUR "}") PRE
         ",\"added_tokens\":[{\"id\":4,\"content\":\"\"}]}",
         "'content'"},
        {"{" MODEL("{" FOUR "}") PRE ",\"added_tokens\":[{\"id\":4,\"content\":"
                                     "\"x\",\"normalized\":true}]}",
         "without normalized"},
        {"{\"model\":{\"vocab\":{" FOUR
         "},\"max_input_chars_per_word\":1000000}}",
         "'max_input_chars_per_word'"},
        {"{\"model\":{\"vocab\":{" FOUR
         "},\"continuing_subword_prefix\":\"\"}}",
         "'continuing_subword_prefix'"},
    };
    struct sl_tokenizer *t = NULL;

    (void)state;
    for (size_t i = 0; i < SL_LEN(bad); i++)
        check_fails(
            SIMLM_E_FORMAT, bad[i].message,
            sl_tokenizer_open(&t, test_file("bad.json", bad[i].text), &err));
    assert_null(t);
}

static void vocab_txt_and_tokenizer_json_must_agree(void **state)
{
    struct sl_tokenizer *t = NULL;

    (void)state;
    check_ok(sl_dir_make(test_path("two"), &err));
    test_file("two/tokenizer.json", "{" MODEL("{" FOUR ",\"a\":4}") PRE "}");
    test_file("two/vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n");
    check_ok(sl_tokenizer_open(&t, test_path("two"), &err));
    sl_tokenizer_close(t);
    t = NULL;
    test_file("two/vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n");
    check_fails(SIMLM_E_FORMAT, "as many tokens as vocab.txt",
                sl_tokenizer_open(&t, test_path("two"), &err));
    test_file("two/vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\nb\n");
    check_fails(SIMLM_E_FORMAT, "'a': expected the token of vocab.txt",
                sl_tokenizer_open(&t, test_path("two"), &err));
    test_file("two/tokenizer_config.json", "[1]");
    assert_null(t);
}

/* ---- any bytes, any thread ----------------------------------------------- */

/* Random text: mostly ASCII, some of every kind of trouble. */
static size_t random_text(unsigned char *text, size_t cap, struct sl_rng *r)
{
    static const char *const odd[] = {
        "[SEP]",
        "\xC3\xA9",
        "\xCC\x81",
        "\xE4\xB8\xAD",
        "\xF0\x9F\x98\x80",
        "\xED\xA0\x80",
        "\xEA\xB0\x81",
        "[MAS",
        "\xE3\x80\xAE",
        "\xE0\xA7\x8D",
    };
    size_t n = 0, want = (size_t)sl_rng_below(r, cap - 16);

    while (n < want) {
        uint64_t kind = sl_rng_below(r, 20);

        if (kind < 2) {
            text[n++] = (unsigned char)sl_rng_below(r, 256);
        } else if (kind < 4) {
            const char *s = odd[sl_rng_below(r, SL_LEN(odd))];

            memcpy(text + n, s, strlen(s));
            n += strlen(s);
        } else {
            text[n++] = (unsigned char)" abcABC,."[sl_rng_below(r, 9)];
        }
    }
    return n;
}

static void any_bytes_give_known_ids(void **state)
{
    struct sl_tokenizer *t = open_text(vocab);
    struct sl_id_list ids = {0}, again = {0};
    unsigned char text[400];
    struct sl_rng r;

    (void)state;
    sl_rng_init(&r, sl_stream(1, SL_PURPOSE_TEST, 0));
    for (int round = 0; round < 20000; round++) {
        size_t n = random_text(text, sizeof text, &r);
        size_t cut = (size_t)sl_rng_below(&r, n + 1);

        ids.n = again.n = 0;
        assert_true(sl_tokenizer_encode(t, &ids, (char *)text, n));
        for (int64_t i = 0; i < ids.n; i++)
            assert_true(ids.id[i] >= 0 && ids.id[i] < sl_tokenizer_size(t));
        /* A blank separates: the halves give what the whole gives. */
        text[cut] = ' ';
        ids.n = 0;
        assert_true(sl_tokenizer_encode(t, &ids, (char *)text, n));
        assert_true(sl_tokenizer_encode(t, &again, (char *)text, cut));
        if (cut < n)
            assert_true(
                sl_tokenizer_encode(t, &again, (char *)text + cut, n - cut));
        assert_int_equal(ids.n, again.n);
        if (ids.n)
            assert_memory_equal(ids.id, again.id,
                                (size_t)ids.n * sizeof *ids.id);
    }
    sl_id_list_free(&ids);
    sl_id_list_free(&again);
    sl_tokenizer_close(t);
}

struct shared {
    const struct sl_tokenizer *t;
    int64_t n[64];
};

static void encode_range(void *ctx, int64_t begin, int64_t end)
{
    struct shared *s = ctx;

    for (int64_t i = begin; i < end; i++) {
        struct sl_id_list ids = {0};
        unsigned char text[4000];
        struct sl_rng r;

        sl_rng_init(&r, sl_stream(2, SL_PURPOSE_TEST, 7));
        sl_tokenizer_encode(s->t, &ids, (char *)text,
                            random_text(text, sizeof text, &r));
        s->n[i] = ids.n;
        sl_id_list_free(&ids);
    }
}

static void threads_share_a_tokenizer(void **state)
{
    struct shared s = {.t = open_text(vocab)};

    (void)state;
    sl_parallel_set_threads(4);
    sl_parallel_for(64, 1, encode_range, &s);
    for (int i = 1; i < 64; i++)
        assert_int_equal(s.n[i], s.n[0]);
    assert_true(s.n[0] > 0);
    sl_tokenizer_close((struct sl_tokenizer *)(uintptr_t)s.t);
}

static int remove_files(void **state)
{
    (void)state;
    test_tmpdir_remove();
    return 0;
}

static void a_saved_tokenizer_is_the_same(void **state)
{
    (void)state;
    struct sl_tokenizer *t = open_text(vocab), *again = NULL;
    const char *path = test_path("tokenizer.json");

    check_ok(sl_tokenizer_save(t, path, &err));
    check_ok(sl_tokenizer_open(&again, path, &err));
    assert_true(sl_tokenizer_same_vocab(t, again));
    assert_true(sl_tokenizer_hash(t) == sl_tokenizer_hash(again));
    expect(again, "ABC [SEP] UNaffable!", "ab ##c [SEP] un ##aff ##able !");
    sl_tokenizer_close(again);
    sl_tokenizer_close(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_of_text),
        cmocka_unit_test(a_word_of_100_characters_is_the_longest),
        cmocka_unit_test(ill_formed_bytes_are_replacement_characters),
        cmocka_unit_test(every_code_point_survives_a_round_trip),
        cmocka_unit_test(options_of_tokenizer_json_and_its_config_hold),
        cmocka_unit_test(a_nul_that_is_kept_is_no_padding),
        cmocka_unit_test(added_tokens_are_cut_from_the_raw_text),
        cmocka_unit_test(questions_about_tokens),
        cmocka_unit_test(options_are_part_of_the_identity),
        cmocka_unit_test(truncation_is_the_references),
        cmocka_unit_test(only_second_keeps_the_first_whole_or_fails),
        cmocka_unit_test(packing_puts_special_tokens_around),
        cmocka_unit_test(bad_vocabularies_are_refused),
        cmocka_unit_test(bad_tokenizer_json_is_refused),
        cmocka_unit_test(vocab_txt_and_tokenizer_json_must_agree),
        cmocka_unit_test(a_saved_tokenizer_is_the_same),
        cmocka_unit_test(any_bytes_give_known_ids),
        cmocka_unit_test(threads_share_a_tokenizer),
    };

    return cmocka_run_group_tests(tests, NULL, remove_files);
}
