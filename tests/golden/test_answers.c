/* What has an answer, against DPR's rule as tools/golden/answers.py has it, and
 * Python's lists against Python. */
#include "check.h"

#include "data/has_answer.h"
#include "format/json.h"
#include "format/lines.h"
#include "format/pylist.h"
#include "text/simple_tokens.h"

#define GOLDEN TEST_DATA "/golden/answers/"

/* Each line of a file of JSON objects. */
static void each_line(const char *path, void (*check)(struct sl_json line))
{
    struct sl_lines *in = NULL;
    struct sl_line line;
    int64_t n = 0;

    check_ok(sl_lines_open(&in, path, &err));
    for (;; n++) {
        struct sl_json_doc *doc = NULL;

        check_ok(sl_lines_next(in, &line, &err));
        if (!line.text)
            break;
        check_ok(
            sl_json_parse(&doc, line.text, line.len, path, line.number, &err));
        check(sl_json_root(doc));
        sl_json_free(doc);
    }
    assert_true(n > 5);
    sl_lines_close(in);
}

/* ---- tokens -------------------------------------------------------------- */

static void check_tokens(struct sl_json line)
{
    struct sl_str got = {0}, want = {0};
    struct sl_simple_room room = {0};
    struct sl_json list = sl_json_field(line, "tokens");
    size_t n;
    const char *text = sl_json_is_text(sl_json_field(line, "text"), &n);

    sl_str_puts(&want, "\n");
    for (int64_t i = 0; i < sl_json_count(list); i++)
        sl_str_printf(&want, "%s\n",
                      sl_json_is_text(sl_json_item(list, i), NULL));
    assert_true(sl_simple_tokens(&got, &room, text, n));
    check_msg(got.len == want.len && !memcmp(got.s, want.s, got.len),
              "'%s': got '%s', not '%s'", text, got.s, want.s);
    sl_simple_room_free(&room);
    sl_str_free(&got);
    sl_str_free(&want);
}

static void tokens_are_dprs(void **state)
{
    (void)state;
    each_line(GOLDEN "tokens.jsonl", check_tokens);
}

/* ---- judging ------------------------------------------------------------- */

static void hits_are_judged_as_dpr_does(void **state)
{
    (void)state;
    struct sl_answers *answers = NULL;
    struct sl_run *run = NULL;
    struct sl_qrels *q = NULL;
    struct sl_json_doc *doc = NULL;
    struct sl_json has;

    check_ok(sl_json_load(&doc, GOLDEN "expected.json", &err));
    has = sl_json_field(sl_json_root(doc), "has");
    check_ok(sl_answers_load(&answers, GOLDEN "questions.tsv", &err));
    check_ok(sl_run_load(&run, GOLDEN "run.tsv", &err));
    check_ok(sl_judge_run(&q, answers, run, GOLDEN "corpus.jsonl", NULL, &err));
    assert_int_equal(sl_answers_count(answers), 8);
    assert_int_equal(sl_strmap_count(q->queries), 8);
    for (int64_t i = 0; i < 8; i++) {
        struct sl_json want = sl_json_field(has, sl_strmap_key(q->queries, i));

        assert_int_equal(q->start[i + 1] - q->start[i], sl_json_count(want));
        for (int64_t j = 0; j < sl_json_count(want); j++) {
            bool yes = false;

            assert_true(sl_json_is_bool(sl_json_item(want, j), &yes));
            check_msg(q->judged[q->start[i] + j].grade == yes, "'%s', hit %d",
                      sl_strmap_key(q->queries, i), (int)j);
        }
    }
    sl_qrels_free(q);
    sl_run_free(run);
    sl_answers_free(answers);
    sl_json_free(doc);
}

/* ---- lists --------------------------------------------------------------- */

static void check_list(const struct sl_pylist *got, struct sl_json want)
{
    assert_int_equal(got->n, sl_json_count(want));
    for (int64_t i = 0; i < got->n; i++) {
        size_t n, m;
        const char *a = sl_pylist_text(got, i, &n);
        const char *b = sl_json_is_text(sl_json_item(want, i), &m);

        assert_int_equal(n, m);
        assert_memory_equal(a, b, n);
    }
}

/* Read as Python reads it; and what is written is read as the same. */
static void check_literal(struct sl_json line)
{
    struct sl_pylist l = {0};
    struct sl_str again = {0};
    size_t n;
    const char *s = sl_json_is_text(sl_json_field(line, "literal"), &n);

    check_ok(sl_pylist_parse(&l, s, n, "f", 1, &err));
    check_list(&l, sl_json_field(line, "list"));
    sl_pylist_put(&again, &l);
    check_ok(sl_pylist_parse(&l, again.s, again.len, "f", 1, &err));
    check_list(&l, sl_json_field(line, "list"));
    sl_str_free(&again);
    sl_pylist_free(&l);
}

static void lists_are_read_as_python_reads_them(void **state)
{
    (void)state;
    each_line(GOLDEN "lists.jsonl", check_literal);
}

static void what_is_no_list_of_texts_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *literal, *want;
    } cases[] = {
        {"", "f:3: expected a list, ['...', ...], at byte 1 of the list"},
        {"'a'", "expected a list"},
        {"['a'", "expected ',' or ']' at byte 5"},
        {"['a' 'b']", "expected ',' or ']' at byte 6"},
        {"['a', ", "expected a text in quotes"},
        {"[,]", "expected a text in quotes"},
        {"[1]", "expected a text in quotes"},
        {"[b'a']", "expected a text in quotes"},
        {"[__import__('os').system('true')]", "expected a text in quotes"},
        {"['a'] + ['b']", "expected nothing more at byte 7"},
        {"['a\nb']", "expected a closing quote"},
        {"['a", "expected a closing quote"},
        {"['a\\", "expected the rest of an escape"},
        {"['\\x4']", "expected more hexadecimal digits"},
        {"['\\U00110000']", "expected a character of Unicode"},
        {"['\\N{DIGIT ONE}']", "expected no character by its name"},
        {"[['a']]", "expected a text in quotes"},
    };
    struct sl_pylist l = {0};

    for (size_t i = 0; i < SL_LEN(cases); i++)
        check_fails(SIMLM_E_FORMAT, cases[i].want,
                    sl_pylist_parse(&l, cases[i].literal,
                                    strlen(cases[i].literal), "f", 3, &err));
    check_ok(sl_pylist_parse(&l, "['\\ud83d']", 10, "f", 1, &err));
    assert_int_equal(l.bytes.len, 3);
    assert_memory_equal(l.bytes.s, "\xef\xbf\xbd", 3);
    sl_pylist_free(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_dprs),
        cmocka_unit_test(hits_are_judged_as_dpr_does),
        cmocka_unit_test(lists_are_read_as_python_reads_them),
        cmocka_unit_test(what_is_no_list_of_texts_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
