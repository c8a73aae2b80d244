/* Arrays of JSON, element by element, however they lie in lines and buffers. */
#include "check.h"

#include "base/str.h"
#include "format/jsonarray.h"

/* The elements, '|' behind each; the line of the last one in *line. */
static simlm_status read_all(struct sl_str *got, int64_t *line,
                             const char *path, simlm_error *err)
{
    struct sl_json_array *in = NULL;
    struct sl_line element;
    simlm_status st = sl_json_array_open(&in, path, err);

    sl_str_clear(got);
    while (st == SIMLM_OK) {
        st = sl_json_array_next(in, &element, err);
        if (st < 0 || !element.text)
            break;
        *line = element.number;
        sl_str_add(got, element.text, element.len);
        sl_str_putc(got, '|');
    }
    sl_json_array_close(in);
    return st;
}

static void elements_come_as_they_stand(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
        int line;
    } cases[] = {
        {"[]", "", 0},
        {" [ ] \n\n", "", 0},
        {"[{}]", "{}|", 1},
        {"[\n {\"a\": [1, {}]},\n\n [\"]\"] ]", "{\"a\": [1, {}]}|[\"]\"]|", 4},
        {"[{\"}\\\"\\\\\": \"\\\\\"},{\"x\":\n1}]",
         "{\"}\\\"\\\\\": \"\\\\\"}|{\"x\":\n1}|", 1},
    };
    struct sl_str got = {0};

    for (size_t i = 0; i < SL_LEN(cases); i++) {
        int64_t line = 0;

        check_ok(
            read_all(&got, &line, test_file("a.json", cases[i].text), &err));
        assert_string_equal(sl_str_c(&got), cases[i].want);
        assert_int_equal(line, cases[i].line);
    }
    sl_str_free(&got);
}

/* Elements of many sizes, some larger than what is read at a time. */
static void elements_may_be_of_any_size(void **state)
{
    (void)state;
    struct sl_str text = {0}, want = {0}, got = {0};
    int64_t line;

    sl_str_puts(&text, "[");
    for (size_t i = 0; i < 9; i++) {
        size_t begin;

        sl_str_puts(&text, i ? ",\n" : "\n");
        begin = text.len;
        sl_str_puts(&text, "{\"x\": \"");
        for (size_t k = 0; k < ((size_t)1 << 2 * i) * 33; k++)
            sl_str_putc(&text, (char)('a' + k % 26));
        sl_str_puts(&text, "\"}");
        sl_str_add(&want, text.s + begin, text.len - begin);
        sl_str_putc(&want, '|');
    }
    sl_str_puts(&text, "\n]\n");
    check_ok(
        read_all(&got, &line, test_bytes("a.json", text.s, text.len), &err));
    assert_int_equal(got.len, want.len);
    assert_memory_equal(got.s, want.s, got.len);
    assert_int_equal(line, 10);
    sl_str_free(&text);
    sl_str_free(&want);
    sl_str_free(&got);
}

static void what_is_no_such_array_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"", "a.json:1: expected an array, '['"},
        {"\n{}", "a.json:2: expected an array, '['"},
        {"[", "expected an object"},
        {"[1]", "expected an object"},
        {"[{},]", "expected an object"},
        {"[{} {}]", "expected ',' or ']'"},
        {"[{}", "expected ',' or ']'"},
        {"[{\n\n", "a.json:1: expected the end of what begins here"},
        {"[{\"]}", "expected the end of what begins here"},
        {"[{}]\nx", "a.json:2: expected nothing behind the array"},
    };
    struct sl_str got = {0};
    int64_t line;

    for (size_t i = 0; i < SL_LEN(cases); i++)
        check_fails(
            SIMLM_E_FORMAT, cases[i].want,
            read_all(&got, &line, test_file("a.json", cases[i].text), &err));
    sl_str_free(&got);
}

static int clean_up(void **state)
{
    (void)state;
    test_tmpdir_remove();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_come_as_they_stand),
        cmocka_unit_test(elements_may_be_of_any_size),
        cmocka_unit_test(what_is_no_such_array_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, clean_up);
}
