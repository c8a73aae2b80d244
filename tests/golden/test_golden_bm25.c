/* The analyser's terms and BM25's ranking are Lucene's, to the last bit of the
 * scores (fixtures of tools/golden/bm25.py). */
#include <simlm/bm25.h>

#include "base/alloc.h"
#include "base/file.h"
#include "check.h"
#include "format/json.h"
#include "index/bm25.h"
#include "text/analyzer.h"

#define GOLDEN TEST_DATA "/golden/bm25/"

static void check_terms(struct sl_json row, int line)
{
    size_t n;
    const char *text = sl_json_is_text(sl_json_field(row, "text"), &n);
    struct sl_json want = sl_json_field(row, "terms");
    int64_t i = 0;
    struct sl_terms t;

    assert_non_null(text);
    for (sl_terms_begin(&t, text, n); sl_terms_next(&t); i++) {
        size_t len;
        const char *term = sl_json_is_text(sl_json_item(want, i), &len);

        check_msg(term && len == t.len && !memcmp(term, t.term, len),
                  "line %d, term %d is '%s', not '%s'", line, (int)i, t.term,
                  term ? term : "(none)");
        assert_int_equal(strlen(t.term), t.len);
    }
    check_msg(i == sl_json_count(want), "line %d: %d terms, not %d", line,
              (int)i, (int)sl_json_count(want));
}

static void the_terms_are_lucenes(void **state)
{
    (void)state;
    char *all;
    size_t n;
    int line = 0;

    check_ok(sl_file_read(&all, &n, GOLDEN "analysis.jsonl", 1 << 20, &err));
    for (char *at = all, *end; at < all + n; at = end + 1) {
        struct sl_json_doc *doc = NULL;

        end = memchr(at, '\n', (size_t)(all + n - at));
        assert_non_null(end);
        line++;
        check_ok(sl_json_parse(&doc, at, (size_t)(end - at), "analysis.jsonl",
                               line, &err));
        check_terms(sl_json_root(doc), line);
        sl_json_free(doc);
    }
    assert_true(line > 500);
    sl_free(all);
}

static void compare_run(const char *want_path, double k1, double b)
{
    simlm_bm25_search_options o;
    char query[32], passage[32], got_query[32], got_passage[32];
    FILE *want, *got;
    float score, got_score;
    int n = 0, rank;

    simlm_bm25_search_options_init(&o);
    o.index = test_path("index");
    o.queries = GOLDEN "queries.tsv";
    o.output = test_path("run");
    o.top = 10;
    o.k1 = k1;
    o.b = b;
    check_ok(simlm_bm25_search(&o, NULL, &err));
    want = fopen(want_path, "r");
    got = fopen(o.output, "r");
    assert_true(want && got);
    while (fscanf(want, "%31s %31s %f", query, passage, &score) == 3) {
        n++;
        assert_int_equal(fscanf(got, "%31s %31s %d %f", got_query, got_passage,
                                &rank, &got_score),
                         4);
        check_msg(!strcmp(query, got_query) && !strcmp(passage, got_passage) &&
                      score == got_score,
                  "hit %d: query %s, passage %s, %.9g; Lucene: %s, %s, %.9g", n,
                  got_query, got_passage, (double)got_score, query, passage,
                  (double)score);
    }
    assert_int_equal(fscanf(got, "%31s", got_query), EOF);
    assert_true(n > 200);
    fclose(want);
    fclose(got);
}

static void the_ranking_is_lucenes(void **state)
{
    (void)state;
    const char *corpus = GOLDEN "corpus.jsonl";
    simlm_bm25_index_options o;

    simlm_bm25_index_options_init(&o);
    o.output = test_path("index");
    o.corpus = &corpus;
    o.n_corpora = 1;
    check_ok(simlm_bm25_index(&o, NULL, &err));
    compare_run(GOLDEN "lucene.tsv", 0.9, 0.4);
    compare_run(GOLDEN "other.tsv", 1.2, 0.75);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_terms_are_lucenes),
        cmocka_unit_test(the_ranking_is_lucenes),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    test_tmpdir_remove();
    return failed;
}
