/* Queries and training examples: what is read, what is refused, round trips. */
#include "check.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/rng.h"
#include "base/str.h"
#include "data/examples.h"
#include "data/queries.h"

/* ---- queries ------------------------------------------------------------- */

static void check_query(const struct sl_queries *q, int64_t i, const char *id,
                        const char *text)
{
    size_t len;

    assert_string_equal(sl_queries_id(q, i), id);
    assert_string_equal(sl_queries_text(q, i, &len), text);
    assert_int_equal(len, strlen(text));
    assert_int_equal(sl_queries_find(q, id, strlen(id)), i);
}

static void queries_between_tabs_are_read(void **state)
{
    (void)state;
    struct sl_queries *q = NULL;

    check_ok(sl_queries_load(&q,
                             test_file("q.tsv", "who wrote faust\t [goethe] \n"
                                                "  7\twhat is it?\t \r\n\n"
                                                "last \t two  words"),
                             &err));
    assert_int_equal(sl_queries_count(q), 3);
    check_query(q, 0, "who wrote faust", " [goethe]");
    check_query(q, 1, "7", "what is it?");
    check_query(q, 2, "last ", " two  words");
    assert_int_equal(sl_queries_find(q, "8", 1), -1);
    sl_queries_free(q);
}

static void questions_with_answers_are_their_own_ids(void **state)
{
    (void)state;
    struct sl_queries *q = NULL;

    check_ok(sl_queries_load(&q,
                             test_file("q.tsv",
                                       "who wrote faust\t ['goethe'] \n\n"
                                       "\"\"\"it\"\" \"\t\"[\"\"it's\"\"]\"\r\n"
                                       "who wrote faust\t[]\n"),
                             &err));
    assert_int_equal(sl_queries_count(q), 2);
    check_query(q, 0, "who wrote faust", "who wrote faust");
    check_query(q, 1, "it", "it"); /* quotes within blanks within quotes */
    sl_queries_free(q);
    check_fails(
        SIMLM_E_FORMAT, "q.tsv:2: expected a list",
        sl_queries_load(&q, test_file("q.tsv", "a\t['b']\n1\tc\n"), &err));
}

static void beir_queries_are_read(void **state)
{
    (void)state;
    struct sl_queries *q = NULL;

    check_ok(sl_queries_load(
        &q,
        test_file("q.jsonl",
                  "{\"_id\":\"a\",\"text\":\"one\",\"metadata\":{}}\n"
                  "{\"_id\":3,\"text\":\"\"}"),
        &err));
    assert_int_equal(sl_queries_count(q), 2);
    check_query(q, 0, "a", "one");
    check_query(q, 1, "3", "");
    sl_queries_free(q);
}

static simlm_status try_queries(const char *path, simlm_error *err)
{
    struct sl_queries *q = NULL;
    simlm_status st = sl_queries_load(&q, path, err);

    if (st == SIMLM_OK)
        sl_queries_free(q);
    return st;
}

static void mistakes_in_queries_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"1\tone\n2 two\n", "bad:2: expected two fields, 'id <tab> query'"},
        {"1\tone\ttwo\n", "bad:1: expected two fields"},
        {"1\t\n", "bad:1: expected two fields, 'id <tab> query': the query is"},
        {"\tone\n", "bad:1: expected two fields, 'id <tab> query': the id is"},
        {"1\tone\n\n1\ttwo\n", "bad:3: expected an id of its own, but '1' is "
                               "that of line 1, too"},
        {"{\"_id\":\"1\"}\n", "bad:1: expected members '_id' and 'text'"},
        {"{\"_id\":\"1\",\"text\":\"a\"}\n{\"_id\":\"1\",\"text\":\"b\"}\n",
         "bad:2: expected an id of its own"},
        {"{\"_id\":\"1\",\"text\":\"a\"", "bad:1: expected ',' or '}'"},
    };

    for (size_t i = 0; i < SL_LEN(cases); i++)
        check_fails(SIMLM_E_FORMAT, cases[i].message,
                    try_queries(test_file("bad", cases[i].text), &err));
    check_fails(SIMLM_E_IO, "cannot open", try_queries("/none", &err));
}

static void shared_queries_have_their_counts(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        int64_t n;
    } sets[] = {
        {SHARED_DATA "/squad/train_queries.tsv", 80440},
        {SHARED_DATA "/squad/dev_queries.tsv", 7159},
        {SHARED_DATA "/cranfield/queries.jsonl", 225},
    };

    if (!sl_file_exists(SHARED_DATA))
        skip();
    for (size_t i = 0; i < SL_LEN(sets); i++) {
        struct sl_queries *q = NULL;

        check_ok(sl_queries_load(&q, sets[i].path, &err));
        assert_int_equal(sl_queries_count(q), sets[i].n);
        sl_queries_free(q);
    }
}

/* ---- examples ------------------------------------------------------------ */

static struct sl_docids *make_ids(int64_t n, const char *prefix)
{
    struct sl_docids *ids = sl_docids_new();
    char id[32];
    int64_t row;

    for (int64_t i = 0; i < n; i++) {
        snprintf(id, sizeof id, "%s%lld", prefix, (long long)i);
        check_ok(sl_docids_add(ids, id, strlen(id), &row, &err));
    }
    return ids;
}

static void show_list(struct sl_str *s, const struct sl_doc_lists *l, int64_t i)
{
    for (int64_t j = l->start[i]; j < l->start[i + 1]; j++)
        sl_str_printf(s, " %d=%g", l->row[j], (double)l->score[j]);
    sl_str_putc(s, ';');
}

static void show(struct sl_str *s, const struct sl_examples *e)
{
    sl_str_clear(s);
    for (int64_t i = 0; i < e->n; i++) {
        sl_str_printf(s, "[%s|%s]", e->text + e->query[i].id,
                      e->text + e->query[i].text);
        show_list(s, &e->positives, i);
        show_list(s, &e->negatives, i);
    }
}

static const char sample[] =
    "{\"query_id\":\"q1\",\"query\":\"one \\u00e9\",\"answers\":[\"x\"],"
    "\"positives\":{\"doc_id\":[\"3\"],\"score\":[-1.0]},"
    "\"negatives\":{\"doc_id\":[\"0\",1,\"\\u0032\"],\"score\":[2.5,-3,1e-3]}}"
    "\n"
    "\n"
    "{\"negatives\":{\"score\":[],\"doc_id\":[]},\"query\":\"two\","
    "\"positives\":{\"doc_id\":[\"7\",\"8\"]},\"query_id\":12}\r\n";

static void examples_are_read(void **state)
{
    (void)state;
    struct sl_docids *ids = make_ids(10, "");
    struct sl_examples *e = NULL;
    struct sl_str s = {0};

    check_ok(sl_examples_load(&e, test_file("train.jsonl", sample), ids, false,
                              &err));
    show(&s, e);
    assert_string_equal(s.s, "[q1|one \xc3\xa9] 3=-1; 0=2.5 1=-3 2=0.001;"
                             "[12|two] 7=-1 8=-1;;");
    sl_examples_free(e);
    sl_docids_free(ids);
    sl_str_free(&s);
}

static void mistakes_in_examples_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"{}", "bad:1: expected members 'query', 'positives' and 'negatives'"},
        {"{\"query\":\"x\",\"positives\":{\"doc_id\":[\"10\"]},"
         "\"negatives\":{}}",
         "bad:1: expected a passage of the corpus, not '10', at column 37"},
        {"{\"query\":\"x\",\"positives\":{\"doc_id\":[\"03\"]}}",
         "expected a passage of the corpus, not '03'"},
        {"{\"query\":\"x\",\"positives\":{\"doc_id\":[-1]}}",
         "expected a passage of the corpus, not '-1'"},
        {"{\"query\":\"x\",\"positives\":{\"doc_id\":[1.5]}}",
         "expected an id, a string or an integer,"},
        {"{\"query\":\"x\",\"positives\":{\"doc_id\":[1],\"score\":[]}}",
         "expected as many scores as doc_ids"},
        {"{\"query\":\"x\",\"positives\":{\"doc_id\":[1],\"score\":[1e39]}}",
         "expected a score that a float can hold"},
        {"{\"query\":\"x\",\"positives\":{\"doc_id\":[1],\"score\":[\"1\"]}}",
         "expected a number"},
        {"{\"query\":\"x\",\"positives\":{\"doc_id\":[1],\"score\":[NaN]}}",
         "expected a number"},
        {"{\"query\":\"x\",\"positives\":[1]}", "expected an object"},
        {"{\"query\":\"x\",\"positives\":{},\"positives\":{}}",
         "expected one such list"},
        {"{\"query\":7,\"positives\":{},\"negatives\":{}}",
         "expected a string"},
        {"{\"query\":\"x\",\"positives\":{\"doc_id\":[1",
         "expected ',' or ']'"},
    };
    struct sl_docids *ids = make_ids(10, "");
    struct sl_examples *e = NULL;

    for (size_t i = 0; i < SL_LEN(cases); i++)
        check_fails(SIMLM_E_FORMAT, cases[i].message,
                    sl_examples_load(&e, test_file("bad", cases[i].text), ids,
                                     false, &err));
    /* The sample's last line has a positive without a score. */
    check_fails(SIMLM_E_FORMAT,
                "train.jsonl:3: expected a teacher's 'score' of each doc_id",
                sl_examples_load(&e, test_file("train.jsonl", sample), ids,
                                 true, &err));
    check_fails(SIMLM_E_IO, "cannot open",
                sl_examples_load(&e, "/none", ids, false, &err));
    sl_docids_free(ids);
}

/* Built, saved, loaded: nothing changed; saved again: the same bytes. */
static void examples_survive_a_round_trip(void **state)
{
    (void)state;
    struct sl_rng r;
    struct sl_str a = {0}, b = {0};

    sl_rng_init(&r, sl_stream(11, SL_PURPOSE_TEST, 0));
    for (int named = 0; named < 2; named++) {
        struct sl_docids *ids = make_ids(1000, named ? "doc \"" : "");
        struct sl_examples *e = sl_examples_new(), *back = NULL;
        const char *path[2] = {test_path("e1"), test_path("e2")};
        char *bytes[2];
        size_t n[2];

        for (int i = 0; i < 200; i++) {
            char id[32];

            snprintf(id, sizeof id, "q%d", i);
            check_ok(sl_examples_add_query(e, id, strlen(id),
                                           "what\tis\n\"it\"?", 13, &err));
            for (int64_t k = (int64_t)sl_rng_below(&r, 3); k--;)
                check_ok(sl_examples_add_positive(
                    e, (int64_t)sl_rng_below(&r, 1000), -1, &err));
            for (int64_t k = (int64_t)sl_rng_below(&r, 9); k--;)
                check_ok(
                    sl_examples_add_negative(e, (int64_t)sl_rng_below(&r, 1000),
                                             (float)sl_rng_normal(&r), &err));
        }
        check_ok(sl_examples_save(e, path[0], ids, &err));
        check_ok(sl_examples_load(&back, path[0], ids, false, &err));
        check_ok(sl_examples_save(back, path[1], ids, &err));
        show(&a, e);
        show(&b, back);
        assert_string_equal(a.s, b.s);
        assert_memory_equal(e->negatives.score, back->negatives.score,
                            (size_t)e->negatives.start[e->n] * sizeof(float));
        for (int i = 0; i < 2; i++)
            check_ok(sl_file_read(&bytes[i], &n[i], path[i], 1 << 24, &err));
        assert_string_equal(bytes[0], bytes[1]);
        sl_free(bytes[0]);
        sl_free(bytes[1]);
        sl_examples_free(e);
        sl_examples_free(back);
        sl_docids_free(ids);
    }
    sl_str_free(&a);
    sl_str_free(&b);
}

static void damaged_examples_never_crash(void **state)
{
    (void)state;
    static const char change[] = "{}[]\",:\\0129.eE+-n \t\n";
    struct sl_docids *ids = make_ids(10, "");
    struct sl_rng r;
    int failures = 0;

    sl_rng_init(&r, sl_stream(12, SL_PURPOSE_TEST, 0));
    for (int trial = 0; trial < 3000; trial++) {
        char text[sizeof sample];
        struct sl_examples *e = NULL;

        memcpy(text, sample, sizeof sample);
        for (int64_t k = 1 + (int64_t)sl_rng_below(&r, 3); k--;)
            text[sl_rng_below(&r, sizeof sample - 1)] =
                change[sl_rng_below(&r, sizeof change - 1)];
        if (sl_examples_load(&e, test_bytes("m", text, sizeof sample - 1), ids,
                             false, NULL) < 0)
            failures++;
        else
            sl_examples_free(e);
    }
    assert_in_range(failures, 1000, 2999);
    sl_docids_free(ids);
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
        cmocka_unit_test(queries_between_tabs_are_read),
        cmocka_unit_test(questions_with_answers_are_their_own_ids),
        cmocka_unit_test(beir_queries_are_read),
        cmocka_unit_test(mistakes_in_queries_are_named),
        cmocka_unit_test(shared_queries_have_their_counts),
        cmocka_unit_test(examples_are_read),
        cmocka_unit_test(mistakes_in_examples_are_named),
        cmocka_unit_test(examples_survive_a_round_trip),
        cmocka_unit_test(damaged_examples_never_crash),
    };
    return cmocka_run_group_tests(tests, NULL, remove_dir);
}
