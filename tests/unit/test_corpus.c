/* Corpora: every form gives the same passages; every mistake its line. */
#include "check.h"

#include <zlib.h>

#include "base/file.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "base/str.h"
#include "data/corpus.h"

static simlm_status load(struct sl_corpus **out, const char *path,
                         simlm_error *err)
{
    return sl_corpus_load(out, &path, 1, NULL, err);
}

static simlm_status try_load(const char *path, simlm_error *err)
{
    struct sl_corpus *c = NULL;
    simlm_status st = load(&c, path, err);

    sl_corpus_free(c);
    return st;
}

static void check_passage(const struct sl_corpus *c, int64_t row,
                          const char *id, const char *title,
                          const char *contents)
{
    struct sl_passage p = sl_corpus_get(c, row);

    assert_string_equal(p.id, id);
    assert_string_equal(p.contents, contents);
    assert_int_equal(p.id_len, strlen(id));
    assert_int_equal(p.contents_len, strlen(contents));
    if (title) {
        assert_non_null(p.title);
        assert_string_equal(p.title, title);
        assert_int_equal(p.title_len, strlen(title));
    } else {
        assert_null(p.title);
    }
}

static void simlm_passages_are_read(void **state)
{
    (void)state;
    struct sl_corpus *c = NULL;

    check_ok(
        load(&c,
             test_file("passages.jsonl",
                       "{\"id\":\"0\",\"contents\":\"one\",\"title\":\"T\"}\n"
                       "{\"id\":\"1\",\"contents\":\"two\"}\n"
                       "\n"
                       "{\"title\":\"\", \"id\" : 2 , \"contents\":\"\", "
                       "\"x\":[{\"y\":null}]}\r\n"
                       "{\"id\":\"3\",\"contents\":\"four\",\"title\":null}"),
             &err));
    assert_int_equal(sl_corpus_count(c), 4);
    check_passage(c, 0, "0", "T", "one");
    check_passage(c, 1, "1", NULL, "two");
    check_passage(c, 2, "2", NULL, "");
    check_passage(c, 3, "3", NULL, "four");
    assert_true(sl_docids_are_rows(sl_corpus_ids(c)));
    assert_int_equal(sl_docids_find(sl_corpus_ids(c), "3", 1), 3);
    assert_int_equal(sl_docids_find(sl_corpus_ids(c), "4", 1), -1);
    assert_int_equal(sl_docids_find(sl_corpus_ids(c), "03", 2), -1);
    sl_corpus_free(c);
}

static void beir_corpora_are_read(void **state)
{
    (void)state;
    struct sl_corpus *c = NULL;
    char buf[SL_DOCID_BUF];

    check_ok(load(
        &c,
        test_file("corpus.jsonl",
                  "\xef\xbb\xbf{\"_id\": \"MED-10\", \"title\": \"A\", "
                  "\"text\": \"x\\ty\", "
                  "\"metadata\": {\"url\": \"u\", \"n\": [1, 2.5e3, true]}}\n"
                  "{\"_id\": \"caf\\u00e9 \\ud83d\\ude00\", \"title\": \"\", "
                  "\"text\": "
                  "\"\\\"\\\\\\/\\b\\f\\n\\r\"}\n"),
        &err));
    assert_int_equal(sl_corpus_count(c), 2);
    check_passage(c, 0, "MED-10", "A", "x\ty");
    check_passage(c, 1, "caf\xc3\xa9 \xf0\x9f\x98\x80", NULL, "\"\\/\b\f\n\r");
    assert_false(sl_docids_are_rows(sl_corpus_ids(c)));
    assert_int_equal(sl_docids_find(sl_corpus_ids(c), "MED-10", 6), 0);
    assert_string_equal(sl_docids_get(sl_corpus_ids(c), 0, buf), "MED-10");
    sl_corpus_free(c);
}

static void msmarco_collections_are_read(void **state)
{
    (void)state;
    struct sl_corpus *c = NULL;

    check_ok(load(
        &c,
        test_file("collection.tsv",
                  "0\tThe presence of communication amid scientific minds\r\n"
                  "1\t\n\n2\t {\"not\": \"json\"} \n"),
        &err));
    assert_int_equal(sl_corpus_count(c), 3);
    check_passage(c, 0, "0", NULL,
                  "The presence of communication amid scientific minds");
    check_passage(c, 1, "1", NULL, "");
    check_passage(c, 2, "2", NULL, " {\"not\": \"json\"} ");
    sl_corpus_free(c);
}

static void several_files_are_one_corpus(void **state)
{
    (void)state;
    const char *path[3];
    struct sl_corpus *c = NULL;
    gzFile gz;

    path[0] = test_file("a.jsonl", "{\"id\":\"0\",\"contents\":\"zero\"}\n");
    path[1] = test_path("b.whatever");
    gz = gzopen(path[1], "wb");
    gzputs(gz, "1\tone\n2\ttwo");
    gzclose(gz);
    path[2] = test_file("c.jsonl", "{\"_id\":\"3\",\"text\":\"three\"}\n");
    check_ok(sl_corpus_load(&c, path, 3, NULL, &err));
    assert_int_equal(sl_corpus_count(c), 4);
    check_passage(c, 2, "2", NULL, "two");
    check_passage(c, 3, "3", NULL, "three");
    assert_true(sl_docids_are_rows(sl_corpus_ids(c)));
    sl_corpus_free(c);

    path[2] = test_file("d.jsonl", "\n{\"_id\":\"1\",\"text\":\"again\"}\n");
    check_fails(SIMLM_E_FORMAT,
                "d.jsonl:2: expected an id of its own, but '1' is that of ",
                sl_corpus_load(&c, path, 3, NULL, &err));
    check_fails(SIMLM_E_FORMAT, "b.whatever:1, too",
                sl_corpus_load(&c, path, 3, NULL, &err));
}

/* As in several of SimLM's corpora, each with rows from 0. */
static void ids_may_be_those_of_their_file(void **state)
{
    (void)state;
    const char *path[2];
    struct sl_corpus_reader *r = NULL;
    struct sl_passage_block block;

    path[0] = test_file("a.jsonl", "{\"id\":\"0\",\"contents\":\"zero\"}\n"
                                   "{\"id\":\"1\",\"contents\":\"one\"}\n");
    path[1] = test_file("b.tsv", "0\ttwo\n7\tthree\n");
    check_ok(sl_corpus_reader_open(&r, path, 2, NULL, &err));
    sl_corpus_reader_ids_apart(r);
    check_ok(sl_corpus_reader_next(r, &block, &err));
    assert_int_equal(block.first_row, 0);
    assert_int_equal(block.n, 2);
    check_ok(sl_corpus_reader_next(r, &block, &err));
    assert_int_equal(block.first_row, 2);
    assert_int_equal(block.n, 2);
    assert_string_equal(block.passage[1].contents, "three");
    check_ok(sl_corpus_reader_next(r, &block, &err));
    assert_int_equal(block.n, 0);
    sl_corpus_reader_close(r);

    path[1] = test_file("c.tsv", "5\tfive\n0\tzero\n5\tagain\n");
    check_ok(sl_corpus_reader_open(&r, path, 2, NULL, &err));
    sl_corpus_reader_ids_apart(r);
    check_ok(sl_corpus_reader_next(r, &block, &err));
    check_fails(SIMLM_E_FORMAT, "c.tsv:1, too",
                sl_corpus_reader_next(r, &block, &err));
    sl_corpus_reader_close(r);
}

static void ids_may_stop_being_row_numbers(void **state)
{
    (void)state;
    struct sl_docids *d = sl_docids_new();
    char buf[SL_DOCID_BUF];
    int64_t row;

    for (int i = 0; i < 100; i++) {
        snprintf(buf, sizeof buf, "%d", i);
        check_ok(sl_docids_add(d, buf, strlen(buf), &row, &err));
        assert_int_equal(row, i);
    }
    check_ok(sl_docids_add(d, "42", 2, &row, &err));
    assert_int_equal(row, 42);
    assert_true(sl_docids_are_rows(d));
    assert_int_equal(sl_docids_find(d, "9223372036854775808", 19), -1);
    check_ok(sl_docids_add(d, "x", 1, &row, &err));
    assert_int_equal(row, 100);
    check_ok(sl_docids_add(d, "7", 1, &row, &err));
    assert_int_equal(row, 7);
    check_ok(sl_docids_add(d, "102", 3, &row, &err));
    assert_int_equal(row, 101);
    assert_int_equal(sl_docids_find(d, "99", 2), 99);
    assert_int_equal(sl_docids_find(d, "102", 3), 101);
    assert_string_equal(sl_docids_get(d, 99, buf), "99");
    assert_int_equal(sl_docids_count(d), 102);
    sl_docids_free(d);
}

static void odd_bytes_are_passed_on(void **state)
{
    (void)state;
    static const char want[] = "a\0b\xff\xef\xbf\xbd!\xef\xbf\xbd\xef\xbf\xbd.";
    struct sl_corpus *c = NULL;
    struct sl_passage p;

    check_ok(load(&c,
                  test_file("odd.jsonl",
                            "{\"id\":\"0\",\"contents\":"
                            "\"a\\u0000b\xff\\ud800!\\udc00\\udbff.\"}\n"),
                  &err));
    p = sl_corpus_get(c, 0);
    assert_int_equal(p.contents_len, sizeof want - 1);
    assert_memory_equal(p.contents, want, sizeof want);
    sl_corpus_free(c);
}

static void mistakes_are_named_with_file_and_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"{\"id\":\"0\"}", "bad:1: expected members 'id' and 'contents', or "
                           "'_id' and 'text'"},
        {"{\"contents\":\"x\"}", "bad:1: expected members"},
        {"{\"id\":\"0\",\"contents\":\"x\"}\n{\"id\":\"0\",\"contents\":\"y\"}",
         "bad:2: expected an id of its own, but '0' is that of "},
        {"\n{\"id\":\"0\",\"contents\":\"x\"", "bad:2: expected ',' or '}'"},
        {"{\"id\":\"0\",\"contents\":\"x",
         "expected the string's closing quote"},
        {"{\"id\":\"0\",\"contents\":\"x\"}}",
         "expected the line's end at column"},
        {"{\"id\":\"0\",\"contents\":\"x\"} {}", "expected the line's end"},
        {"{\"id\":\"0\",\"contents\":5}", "expected a string at column 22"},
        {"{\"id\":\"0\",\"contents\":null}", "expected a string"},
        {"{\"id\":1.5,\"contents\":\"x\"}", "expected an id, a string or an "
                                            "integer, at column 7"},
        {"{\"id\":true,\"contents\":\"x\"}", "expected an id"},
        {"{\"id\":\"\",\"contents\":\"x\"}",
         "expected an id that is not empty"},
        {"{\"id\":\"a\\tb\",\"contents\":\"x\"}", "expected an id without tab"},
        {"{\"id\":\"a\\u0000\",\"contents\":\"x\"}",
         "expected an id without tab"},
        {"{\"id\":\"0\",\"contents\":\"x\",\"title\":7}", "expected a string"},
        {"{\"id\":\"0\",\"_id\":\"0\",\"contents\":\"x\"}", "expected one id"},
        {"{\"id\":\"0\",\"text\":\"x\",\"contents\":\"x\"}",
         "expected one text"},
        {"{\"id\":\"0\",\"contents\":\"\\x\"}",
         "expected one of JSON's escapes"},
        {"{\"id\":\"0\",\"contents\":\"\\u12g4\"}", "expected one of JSON's"},
        {"{\"id\":\"0\",\"contents\":\"a\tb\"}",
         "expected an escape for a control"},
        {"{\"id\":\"0\",\"contents\":\"x\",\"n\":01}", "expected a number"},
        {"{\"id\":\"0\",\"contents\":\"x\",\"n\":NaN}", "expected a value"},
        {"{\"id\":\"0\",\"contents\":\"x\",}", "expected a string"},
        {"{\"id\" \"0\"}", "expected ':'"},
        {"{\"id\":\"0\",\"contents\":\"x\"}\n1\tone",
         "bad:2: expected an object"},
        {"0\tone\ttwo", "bad:1: expected two fields, 'id <tab> passage'"},
        {"0\tone\n\n1 two", "bad:3: expected two fields"},
        {"\tone", "bad:1: expected an id that is not empty"},
        {"0\tx\n{\"id\":\"1\",\"contents\":\"x\"}",
         "bad:2: expected two fields"},
        {"[{\"id\":\"0\"}]", "bad:1: expected two fields"},
    };

    for (size_t i = 0; i < SL_LEN(cases); i++)
        check_fails(SIMLM_E_FORMAT, cases[i].message,
                    try_load(test_file("bad", cases[i].text), &err));
    check_fails(SIMLM_E_IO, "cannot open '/none'", try_load("/none", &err));
}

static void deep_nesting_is_refused_not_followed(void **state)
{
    (void)state;
    struct sl_str s = {0};

    for (int deep = 400; deep <= 100000; deep *= 250) {
        sl_str_clear(&s);
        sl_str_puts(&s, "{\"id\":\"0\",\"contents\":\"x\",\"y\":");
        for (int i = 0; i < deep; i++)
            sl_str_puts(&s, i % 2 ? "{\"a\":" : "[");
        sl_str_puts(&s, "1");
        for (int i = deep; i-- > 0;)
            sl_str_puts(&s, i % 2 ? "}" : "]");
        sl_str_puts(&s, "}");
        if (deep <= 512)
            check_ok(try_load(test_file("deep", s.s), &err));
        else
            check_fails(SIMLM_E_FORMAT, "expected at most 512 nested values",
                        try_load(test_file("deep", s.s), &err));
    }
    sl_str_free(&s);
}

/* Large enough for several blocks and pieces; blank lines here and there. */
static void make_large(struct sl_str *s, int64_t n, const char *id_prefix)
{
    for (int64_t i = 0; i < n; i++) {
        if (i % 97 == 3)
            sl_str_puts(s, i % 2 ? "\n" : " \r\n");
        sl_str_printf(
            s,
            "{\"id\":\"%s%lld\",\"title\":\"t%lld\",\"contents\":\""
            "passage %lld %.*s\"}\n",
            id_prefix, (long long)i, (long long)(i * i), (long long)i,
            (int)(i % 300),
            "................................................."
            "................................................."
            "................................................."
            "................................................."
            "................................................."
            ".......................................................");
    }
}

static void large_corpora_are_the_same_on_any_number_of_threads(void **state)
{
    (void)state;
    enum { N = 25000 };
    int threads = sl_parallel_threads();
    struct sl_str s = {0};
    const char *path = test_path("large.jsonl");

    for (int prefix = 0; prefix < 2; prefix++) {
        sl_str_clear(&s);
        make_large(&s, N, prefix ? "doc" : "");
        test_bytes(strrchr(path, '/') + 1, s.s, s.len);
        for (int t = 1; t <= 3; t++) {
            struct sl_corpus *c = NULL;
            char id[32], title[32];

            sl_parallel_set_threads(t);
            check_ok(load(&c, path, &err));
            assert_int_equal(sl_corpus_count(c), N);
            for (int64_t i = 0; i < N; i++) {
                struct sl_passage p = sl_corpus_get(c, i);

                snprintf(id, sizeof id, "%s%lld", prefix ? "doc" : "",
                         (long long)i);
                snprintf(title, sizeof title, "t%lld", (long long)(i * i));
                assert_string_equal(p.id, id);
                assert_string_equal(p.title, title);
                assert_int_equal(
                    sl_docids_find(sl_corpus_ids(c), id, strlen(id)), i);
            }
            sl_corpus_free(c);
        }
        /* A mistake far down is found at its own line. */
        sl_str_puts(&s, "{\"id\":\"x\",\"contents\":1}\n");
        test_bytes(strrchr(path, '/') + 1, s.s, s.len);
        check_fails(SIMLM_E_FORMAT, "large.jsonl:25259: expected a string",
                    try_load(path, &err));
    }
    sl_parallel_set_threads(threads);
    sl_str_free(&s);
}

static void count_progress(void *ctx, const char *phase, int64_t done,
                           int64_t total, const char *unit)
{
    int64_t *seen = ctx;

    assert_string_equal(phase, "reading");
    assert_string_equal(unit, "bytes");
    assert_true(done >= seen[1] && done <= total);
    seen[0]++;
    seen[1] = done;
    seen[2] = total;
}

static bool stop(void *ctx)
{
    (void)ctx;
    return true;
}

static void progress_reaches_its_total_and_stops_on_request(void **state)
{
    (void)state;
    int64_t seen[3] = {0};
    simlm_observer obs = {.ctx = seen, .progress = count_progress};
    struct sl_corpus *c = NULL;
    struct sl_str s = {0};
    const char *path = test_path("progress.jsonl");

    make_large(&s, 1000, "");
    test_bytes(strrchr(path, '/') + 1, s.s, s.len);
    check_ok(sl_corpus_load(&c, &path, 1, &obs, &err));
    assert_true(seen[0] >= 2);
    assert_int_equal(seen[1], s.len);
    assert_int_equal(seen[2], s.len);
    sl_corpus_free(c);
    obs.cancelled = stop;
    check_fails(SIMLM_E_CANCELLED, "stopped while reading",
                sl_corpus_load(&c, &path, 1, &obs, &err));
    sl_str_free(&s);
}

static void the_hash_is_of_the_files_in_order(void **state)
{
    (void)state;
    const char *path[2] = {test_file("h1", "0\ta\n"),
                           test_file("h2", "1\tb\n")};
    const char *other[2] = {path[1], path[0]}, *dash = "-";
    uint64_t a, b, c, d;

    check_ok(sl_corpus_hash(&a, path, 2, &err));
    check_ok(sl_corpus_hash(&b, path, 2, &err));
    check_ok(sl_corpus_hash(&c, other, 2, &err));
    check_ok(sl_corpus_hash(&d, path, 1, &err));
    assert_true(a == b && a != c && a != d);
    test_file("h2", "1\tc\n");
    check_ok(sl_corpus_hash(&b, path, 2, &err));
    assert_true(a != b);
    check_fails(SIMLM_E_ARG, "standard input",
                sl_corpus_hash(&a, &dash, 1, &err));
}

/* Change bytes of good files, thousands of times: an answer or a message. */
static void damaged_corpora_never_crash(void **state)
{
    (void)state;
    static const char *const good[] = {
        "{\"id\":\"0\",\"contents\":\"one "
        "\\u00e9\\ud83d\\ude00\",\"title\":\"T\"}\n"
        "{\"id\":\"1\",\"contents\":\"two\",\"x\":{\"y\":[1,-2.5e3,true,null]}}"
        "\n",
        "0\tone\n1\ttwo\r\n\n2\tthree",
    };
    struct sl_rng r;
    int failures = 0;

    sl_rng_init(&r, sl_stream(5, SL_PURPOSE_TEST, 0));
    for (int trial = 0; trial < 3000; trial++) {
        const char *from = good[trial % 2];
        size_t n = strlen(from);
        char text[256];
        simlm_error why = {SIMLM_OK, ""};

        memcpy(text, from, n);
        for (int64_t k = 1 + (int64_t)sl_rng_below(&r, 3); k--;) {
            size_t at = (size_t)sl_rng_below(&r, n);

            if (sl_rng_below(&r, 2))
                text[at] = "\"\\{}[],:\t\n\0u0eE-+.nt"[sl_rng_below(&r, 20)];
            else
                text[at] = (char)sl_rng_below(&r, 256);
        }
        if (!sl_rng_below(&r, 4))
            n = (size_t)sl_rng_below(&r, n);
        test_bytes("m", text, n);
        if (try_load(test_path("m"), &why) < 0) {
            failures++;
            assert_true(why.code < 0 && strstr(why.msg, "/m:"));
            assert_null(strchr(why.msg, '\n'));
        }
    }
    assert_in_range(failures, 1000, 2999);
}

static void the_shared_collections_have_their_counts(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        int64_t n;
        bool titled;
    } sets[] = {
        {SHARED_DATA "/squad/passages.jsonl.gz", 18891, true},
        {SHARED_DATA "/wiki/passages.jsonl.gz", 101250, true},
        {SHARED_DATA "/cranfield/corpus.jsonl", 1400, true},
    };

    if (!sl_file_exists(SHARED_DATA))
        skip();
    for (size_t i = 0; i < SL_LEN(sets); i++) {
        struct sl_corpus *c = NULL;

        check_ok(load(&c, sets[i].path, &err));
        assert_int_equal(sl_corpus_count(c), sets[i].n);
        assert_int_equal(sl_docids_are_rows(sl_corpus_ids(c)), i < 2);
        assert_non_null(sl_corpus_get(c, 0).title);
        sl_corpus_free(c);
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
        cmocka_unit_test(simlm_passages_are_read),
        cmocka_unit_test(beir_corpora_are_read),
        cmocka_unit_test(msmarco_collections_are_read),
        cmocka_unit_test(several_files_are_one_corpus),
        cmocka_unit_test(ids_may_be_those_of_their_file),
        cmocka_unit_test(ids_may_stop_being_row_numbers),
        cmocka_unit_test(odd_bytes_are_passed_on),
        cmocka_unit_test(mistakes_are_named_with_file_and_line),
        cmocka_unit_test(deep_nesting_is_refused_not_followed),
        cmocka_unit_test(large_corpora_are_the_same_on_any_number_of_threads),
        cmocka_unit_test(progress_reaches_its_total_and_stops_on_request),
        cmocka_unit_test(the_hash_is_of_the_files_in_order),
        cmocka_unit_test(damaged_corpora_never_crash),
        cmocka_unit_test(the_shared_collections_have_their_counts),
    };
    return cmocka_run_group_tests(tests, NULL, remove_dir);
}
