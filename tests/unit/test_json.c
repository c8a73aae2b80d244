/* JSON: strict where it must be, lenient where files are, always readable. */
#include "check.h"

#include <locale.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "base/str.h"
#include "format/json.h"
#include "format/jsonscan.h"
#include "format/number.h"

static struct sl_json_doc *parse(const char *text)
{
    struct sl_json_doc *doc = NULL;

    check_ok(sl_json_parse(&doc, text, strlen(text), "x.json", 0, &err));
    return doc;
}

/* ---- documents ----------------------------------------------------------- */

static void fields_are_found_with_their_types(void **state)
{
    (void)state;
    struct sl_json_doc *doc =
        parse("\xef\xbb\xbf{\"i\": -7, \"r\": 1e-12, \"b\": true, \"n\": null, "
              "\"s\": \"a\\u0000b\", \"o\": {\"k\": [1, \"x\"]}}");
    struct sl_json root = sl_json_root(doc), v;
    int64_t i = 0;
    double r = 0;
    bool b = false;
    const char *s = NULL;
    size_t len;

    check_ok(sl_json_need_int(root, "i", -10, 0, &i, &err));
    check_ok(sl_json_need_real(root, "r", &r, &err));
    check_ok(sl_json_need_bool(root, "b", &b, &err));
    check_ok(sl_json_need_text(root, "s", &s, &len, &err));
    assert_true(i == -7 && r == 1e-12 && b && len == 3);
    assert_memory_equal(s, "a\0b", 4);
    check_ok(sl_json_need_real(root, "i", &r, &err));
    assert_true(r == -7);
    v = sl_json_item(sl_json_field(sl_json_field(root, "o"), "k"), 1);
    assert_string_equal(sl_json_is_text(v, NULL), "x");
    assert_int_equal(sl_json_count(sl_json_field(root, "o")), 1);
    assert_int_equal(sl_json_kind(sl_json_field(root, "n")), SL_JSON_NULL);
    sl_json_free(doc);
}

static void absent_values_may_be_followed(void **state)
{
    (void)state;
    struct sl_json_doc *doc = parse("{\"a\": 1}");
    struct sl_json v = sl_json_field(
        sl_json_item(sl_json_field(sl_json_root(doc), "x"), 3), "y");
    struct sl_json_member m = {0};
    int64_t i = 5;

    assert_int_equal(sl_json_kind(v), SL_JSON_ABSENT);
    assert_int_equal(sl_json_count(v), 0);
    assert_false(sl_json_next(v, &m));
    assert_null(sl_json_is_text(v, NULL));
    check_ok(sl_json_opt_int(v, "z", 0, 1, &i, &err));
    assert_int_equal(i, 5);
    assert_int_equal(sl_json_kind(sl_json_item(sl_json_root(doc), -1)),
                     SL_JSON_ABSENT);
    sl_json_free(doc);
}

static void members_keep_their_order(void **state)
{
    (void)state;
    struct sl_json_doc *doc = parse("{\"z\":0,\"a\":1,\"m\":2,\"0\":3}");
    struct sl_json_member m = {0};
    static const char want[] = "zam0";
    int64_t n = 0, i;

    for (; sl_json_next(sl_json_root(doc), &m); n++) {
        assert_int_equal(m.key[0], want[n]);
        assert_true(sl_json_is_int(m.value, &i) && i == n);
    }
    assert_int_equal(n, 4);
    sl_json_free(doc);
}

static void errors_name_file_line_and_field(void **state)
{
    (void)state;
    struct sl_json_doc *doc = parse("{\"n\": 70000, \"s\": 1, \"r\": 1.5}");
    struct sl_json root = sl_json_root(doc);
    const char *s;
    int64_t i;
    bool b;
    double r;

    check_fails(SIMLM_E_FORMAT,
                "x.json: 'n': expected an integer from 1 to 65536",
                sl_json_need_int(root, "n", 1, 65536, &i, &err));
    check_fails(SIMLM_E_FORMAT, "x.json: 'r': expected an integer",
                sl_json_opt_int(root, "r", 1, 65536, &i, &err));
    check_fails(SIMLM_E_FORMAT, "x.json: 's': expected a string",
                sl_json_need_text(root, "s", &s, NULL, &err));
    check_fails(SIMLM_E_FORMAT, "x.json: 'q': expected true or false",
                sl_json_need_bool(root, "q", &b, &err));
    check_fails(SIMLM_E_FORMAT, "x.json: 'q': expected a number",
                sl_json_need_real(root, "q", &r, &err));
    sl_json_free(doc);
    check_ok(sl_json_parse(&doc, "[1]", 3, "in.jsonl", 12, &err));
    check_fails(SIMLM_E_FORMAT, "in.jsonl:12: 'text': expected a string",
                sl_json_need_text(sl_json_root(doc), "text", &s, NULL, &err));
    sl_json_free(doc);
}

static void what_is_not_json_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",           " ",
        "{",          "[1,]",
        "{\"a\":1,}", "{\"a\":1,\"a\":2}",
        "{a:1}",      "nul",
        "[NaN]",      "[Infinity]",
        "[01]",       "[1e999]",
        "[\"\xff\"]", "[\"\\ud800\"]",
        "[\"a\nb\"]", "[1] [2]",
        "[1e]",       "[\"\\x\"]",
        "[-1e400]",   "{\"a\" 1}",
        "{1:1}",
    };
    struct sl_json_doc *doc;
    struct sl_str deep = {0};

    for (size_t i = 0; i < SL_LEN(bad); i++) {
        check_fails(
            SIMLM_E_FORMAT, "x.json:",
            sl_json_parse(&doc, bad[i], strlen(bad[i]), "x.json", 0, &err));
        check_fails(
            SIMLM_E_FORMAT, "x.json:7: expected JSON",
            sl_json_parse(&doc, bad[i], strlen(bad[i]), "x.json", 7, &err));
    }
    for (int i = 0; i < 100000; i++)
        sl_str_puts(&deep, i % 2 ? "{\"\":" : "[");
    check_fails(SIMLM_E_FORMAT, "x.json:1: expected JSON",
                sl_json_parse(&doc, deep.s, deep.len, "x.json", 0, &err));
    sl_str_free(&deep);
    check_fails(SIMLM_E_IO, "cannot open", sl_json_load(&doc, "/none", &err));
}

/* Hugging Face's configurations say "no limit" with such a number. */
static void integers_with_too_many_digits_are_clamped(void **state)
{
    (void)state;
    struct sl_json_doc *doc =
        parse("{\"model_max_length\": 1000000000000000019884624838656, "
              "\"low\": -1000000000000000019884624838656, \"n\": 3, "
              "\"f\": 0.5}");
    struct sl_json root = sl_json_root(doc);
    int64_t i;
    double r;

    assert_true(sl_json_is_int(sl_json_field(root, "model_max_length"), &i));
    assert_true(i == INT64_MAX);
    assert_true(sl_json_is_int(sl_json_field(root, "low"), &i));
    assert_true(i == INT64_MIN);
    assert_true(sl_json_is_int(sl_json_field(root, "n"), &i) && i == 3);
    assert_false(sl_json_is_int(sl_json_field(root, "f"), &i));
    assert_true(sl_json_is_real(sl_json_field(root, "f"), &r) && r == 0.5);
    sl_json_free(doc);
}

/* ---- writing ------------------------------------------------------------- */

static void any_bytes_make_a_string_that_can_be_read(void **state)
{
    (void)state;
    struct sl_rng r;
    struct sl_str s = {0};

    sl_rng_init(&r, sl_stream(6, SL_PURPOSE_TEST, 0));
    for (int trial = 0; trial < 3000; trial++) {
        size_t n = (size_t)sl_rng_below(&r, 20), len;
        struct sl_json_doc *doc = NULL;
        char text[20];
        bool ascii = trial % 2;

        for (size_t i = 0; i < n; i++)
            text[i] = (char)sl_rng_below(&r, ascii ? 128 : 256);
        sl_str_clear(&s);
        sl_json_put_text(&s, text, n);
        assert_null(memchr(s.s, '\n', s.len));
        check_ok(sl_json_parse(&doc, s.s, s.len, "x", 1, &err));
        if (ascii) {
            const char *back = sl_json_is_text(sl_json_root(doc), &len);

            assert_int_equal(len, n);
            assert_memory_equal(back, text, n);
        }
        sl_json_free(doc);
    }
    sl_str_free(&s);
}

static void ill_formed_utf8_becomes_replacement_characters(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
    } cases[] = {
        {"\xc3\xa9\xf0\x9f\x98\x80\xe6\xb1\x89", "\"\xc3\xa9\xf0\x9f\x98\x80"
                                                 "\xe6\xb1\x89\""},
        {"\x80", "\"\xef\xbf\xbd\""},
        {"\xc0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\""}, /* over-long */
        {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
        {"a\xe2\x82", "\"a\xef\xbf\xbd\xef\xbf\xbd\""}, /* cut off */
        {"\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
                             "\xef\xbf\xbd\""},
        {"\x01\x1f\"\\\t", "\"\\u0001\\u001f\\\"\\\\\\t\""},
    };
    struct sl_str s = {0};

    for (size_t i = 0; i < SL_LEN(cases); i++) {
        sl_str_clear(&s);
        sl_json_put_text(&s, cases[i].from, strlen(cases[i].from));
        assert_string_equal(s.s, cases[i].to);
    }
    sl_str_free(&s);
}

static void write_sample(struct sl_str *s, int indent)
{
    struct sl_json_writer w = {.s = s, .indent = indent};

    sl_str_clear(s);
    sl_json_begin(&w, NULL, '{');
    sl_json_add_int(&w, "hidden", 768);
    sl_json_add_real(&w, "rate", 0.1);
    sl_json_begin(&w, "list", '[');
    sl_json_add_text(&w, NULL, "a\"b");
    sl_json_add_bool(&w, NULL, false);
    sl_json_end(&w);
    sl_json_begin(&w, "empty", '{');
    sl_json_end(&w);
    sl_json_add_text(&w, "none", NULL);
    sl_json_end(&w);
}

static void objects_are_written_compact_or_indented(void **state)
{
    (void)state;
    struct sl_str s = {0};

    write_sample(&s, 0);
    assert_string_equal(s.s,
                        "{\"hidden\":768,\"rate\":0.1,\"list\":[\"a\\\"b\","
                        "false],\"empty\":{},\"none\":null}");
    write_sample(&s, 2);
    assert_string_equal(s.s, "{\n  \"hidden\": 768,\n  \"rate\": 0.1,\n"
                             "  \"list\": [\n    \"a\\\"b\",\n    false\n  ],\n"
                             "  \"empty\": {},\n  \"none\": null\n}");
    sl_str_free(&s);
}

static void values_are_copied_as_they_were(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":[1,2.5,1e+300,\"\\u0000\",null,true],"
                               "\"b\":{\"c\":{}},\"d\":-0.0}";
    struct sl_json_doc *doc = parse(text);
    struct sl_str s = {0};
    struct sl_json_writer w = {.s = &s};

    sl_json_add_value(&w, NULL, sl_json_root(doc));
    assert_string_equal(s.s, text);
    sl_json_free(doc);
    sl_str_free(&s);
}

/* ---- numbers ------------------------------------------------------------- */

static void integers_are_parsed_strictly(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "-",
                                      "+",
                                      " 1",
                                      "1 ",
                                      "1.0",
                                      "0x1",
                                      "1e3",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "99999999999999999999999"};
    int64_t x;

    for (size_t i = 0; i < SL_LEN(bad); i++)
        check_msg(!sl_parse_int(&x, bad[i], strlen(bad[i])), "'%s'", bad[i]);
    assert_true(sl_parse_int(&x, "-9223372036854775808", 20) && x == INT64_MIN);
    assert_true(sl_parse_int(&x, "9223372036854775807", 19) && x == INT64_MAX);
    assert_true(sl_parse_int(&x, "+007", 4) && x == 7);
    assert_true(sl_parse_int(&x, "123", 2) && x == 12);
}

static void reals_are_parsed_strictly_and_exactly(void **state)
{
    (void)state;
    static const char *const bad[] = {"",      ".",      "-",   "e5",   "1e",
                                      "1e+",   "nan",    "inf", "0x1",  "1 ",
                                      "1e309", "-1e309", "1,5", "1.2.3"};
    char buf[SL_NUMBER_BUF];
    struct sl_rng r;
    double x, y;

    for (size_t i = 0; i < SL_LEN(bad); i++)
        check_msg(!sl_parse_real(&x, bad[i], strlen(bad[i])), "'%s'", bad[i]);
    assert_true(sl_parse_real(&x, ".5", 2) && x == 0.5);
    assert_true(sl_parse_real(&x, "5.", 2) && x == 5);
    assert_true(sl_parse_real(&x, "-0", 2) && x == 0 && signbit(x));
    assert_true(sl_parse_real(&x, "1e-400", 6) && x == 0);
    assert_true(sl_parse_real(&x,
                              "0.1000000000000000055511151231257827021181583"
                              "404541015625",
                              57) &&
                x == 0.1);
    sl_rng_init(&r, sl_stream(7, SL_PURPOSE_TEST, 0));
    for (int trial = 0; trial < 20000; trial++) {
        uint64_t bits = (uint64_t)sl_rng_u32(&r) << 32 | sl_rng_u32(&r);
        int digits = 1 + (int)sl_rng_below(&r, 20);
        size_t n;

        memcpy(&x, &bits, sizeof x);
        if (trial % 2)
            x = sl_rng_normal(&r);
        if (!isfinite(x))
            continue;
        n = (size_t)snprintf(buf, sizeof buf, "%.*g", digits, x);
        if (!sl_parse_real(&y, buf, n)) { /* rounded up beyond the largest */
            assert_true(isinf(strtod(buf, NULL)));
            continue;
        }
        check_msg(y == strtod(buf, NULL), "'%s' is %.17g", buf, y);
        n = sl_format_real(buf, x);
        assert_true(sl_parse_real(&y, buf, n) && y == x);
    }
}

static void nine_digits_keep_the_order_of_floats(void **state)
{
    (void)state;
    char buf[SL_NUMBER_BUF];
    struct sl_rng r;

    sl_rng_init(&r, sl_stream(8, SL_PURPOSE_TEST, 0));
    for (int trial = 0; trial < 20000; trial++) {
        float a = (float)sl_rng_normal(&r) * (trial % 3 ? 1.0f : 1e-20f);
        double back;
        size_t n = sl_format_real9(buf, (double)a);

        assert_true(sl_parse_real(&back, buf, n) && (float)back == a);
        n = sl_format_real9(buf, (double)nextafterf(a, 1e30f));
        assert_true(sl_parse_real(&back, buf, n) && (float)back > a);
    }
}

static void a_locale_with_decimal_commas_changes_nothing(void **state)
{
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8",
                                        "fr_FR.UTF-8"};
    char buf[SL_NUMBER_BUF];
    double x;
    size_t i = 0;

    while (i < SL_LEN(names) && !setlocale(LC_NUMERIC, names[i]))
        i++;
    if (i == SL_LEN(names))
        skip(); /* no such locale on this machine */
    assert_true(sl_parse_real(&x, "1.5e300", 7) && x == 1.5e300);
    assert_true(sl_parse_real(&x, "0.12345678901234567890", 22) &&
                x == 0.12345678901234567890);
    sl_format_real9(buf, 2.5);
    setlocale(LC_NUMERIC, "C");
    assert_string_equal(buf, "2.5");
}

/* ---- the scanner --------------------------------------------------------- */

/* Another judge of what is JSON, over thousands of small mistakes. */
static void the_scanner_agrees_with_the_parser(void **state)
{
    (void)state;
    static const char good[] =
        "{\"a\":[1,-2.5e+3,{\"b\":\"x\\u00e9\\n\"}],\"c\":null,\"d\":true}";
    static const char change[] = "{}[]\",:\\0129.eE+-tfnu x\t";
    struct sl_rng r;
    int accepted = 0;

    sl_rng_init(&r, sl_stream(9, SL_PURPOSE_TEST, 0));
    for (int trial = 0; trial < 60000; trial++) {
        char text[sizeof good];
        struct sl_json_doc *doc = NULL;
        struct sl_scan s;
        simlm_error why = {SIMLM_OK, ""};
        bool parsed, scanned;

        memcpy(text, good, sizeof good);
        for (int k = 1 + trial % 2; k--;)
            text[sl_rng_below(&r, sizeof good - 1)] =
                change[sl_rng_below(&r, sizeof change - 1)];
        parsed = sl_json_parse(&doc, text, sizeof good - 1, "x", 1, &why) ==
                 SIMLM_OK;
        sl_json_free(parsed ? doc : NULL);
        sl_scan_begin(&s, text, sizeof good - 1, "x", 1);
        scanned = sl_scan_skip(&s, NULL) == SIMLM_OK &&
                  sl_scan_end(&s, NULL) == SIMLM_OK;
        accepted += parsed;
        /* The scanner takes three things more, by its contract. */
        if (scanned && !parsed &&
            (strstr(why.msg, "duplicate object key") ||
             strstr(why.msg, "real number overflow") ||
             strstr(why.msg, "invalid Unicode")))
            continue;
        check_msg(scanned == parsed, "%s by the scanner: %s (%s)",
                  scanned ? "taken" : "refused", text, why.msg);
    }
    assert_in_range(accepted, 3000, 59000);
}

static void spans_decode_to_at_most_their_length(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"\"\"", ""},
        {"\"plain text, long enough for eight\"",
         "plain text, long enough for eight"},
        {"\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\"",
         "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"\"\\ud83d\\u0041\"", "\xef\xbf\xbd"
                               "A"},
        {"\"\\ud83d\\ud83d\\ude00\"", "\xef\xbf\xbd\xf0\x9f\x98\x80"},
        {"\"\\ude00\\n\"", "\xef\xbf\xbd\n"},
        {"\"\\\\u0041\"", "\\u0041"},
        {"\"\\ud83d\\\\\"", "\xef\xbf\xbd\\"},
    };

    for (size_t i = 0; i < SL_LEN(cases); i++) {
        struct sl_scan s;
        struct sl_span x;
        char out[64];
        size_t n;

        sl_scan_begin(&s, cases[i].text, strlen(cases[i].text), "x", 1);
        check_ok(sl_scan_text(&s, &x, &err));
        check_ok(sl_scan_end(&s, &err));
        n = sl_span_decode(out, &x);
        assert_true(n <= x.n);
        assert_int_equal(n, strlen(cases[i].want));
        assert_memory_equal(out, cases[i].want, n);
        assert_true(sl_span_is(&x, cases[i].want));
        assert_false(sl_span_is(&x, "something else"));
    }
}

static int remove_dir(void **state)
{
    (void)state;
    test_tmpdir_remove();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_found_with_their_types),
        cmocka_unit_test(absent_values_may_be_followed),
        cmocka_unit_test(members_keep_their_order),
        cmocka_unit_test(errors_name_file_line_and_field),
        cmocka_unit_test(what_is_not_json_is_refused),
        cmocka_unit_test(integers_with_too_many_digits_are_clamped),
        cmocka_unit_test(any_bytes_make_a_string_that_can_be_read),
        cmocka_unit_test(ill_formed_utf8_becomes_replacement_characters),
        cmocka_unit_test(objects_are_written_compact_or_indented),
        cmocka_unit_test(values_are_copied_as_they_were),
        cmocka_unit_test(integers_are_parsed_strictly),
        cmocka_unit_test(reals_are_parsed_strictly_and_exactly),
        cmocka_unit_test(nine_digits_keep_the_order_of_floats),
        cmocka_unit_test(a_locale_with_decimal_commas_changes_nothing),
        cmocka_unit_test(the_scanner_agrees_with_the_parser),
        cmocka_unit_test(spans_decode_to_at_most_their_length),
    };
    return cmocka_run_group_tests(tests, NULL, remove_dir);
}
