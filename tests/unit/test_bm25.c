/* BM25: scores by hand, exact top k, the file's proof, bad input. */
#include <simlm/bm25.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "base/str.h"
#include "check.h"
#include "index/bm25.h"
#include "index/bm25_layout.h"
#include "text/analyzer.h"
#include "text/porter.h"

/* ---- helpers ----------------------------------------------------------------
 */

static simlm_status try_index(const char *corpus, const char *dir, int threads,
                              simlm_error *err)
{
    simlm_bm25_index_options o;

    simlm_bm25_index_options_init(&o);
    o.output = dir;
    o.corpus = &corpus;
    o.n_corpora = 1;
    o.threads = threads;
    return simlm_bm25_index(&o, NULL, err);
}

/* Index lines of a collection.tsv and open the result. */
static void make_index(struct sl_bm25 *ix, const char *tsv)
{
    const char *dir = test_path("ix");

    check_ok(try_index(test_file("corpus.tsv", tsv), dir, 0, &err));
    check_ok(sl_bm25_open(ix, dir, &err));
}

/* The hits of one query. */
static int64_t search(const struct sl_bm25 *ix, const char *query, int64_t k,
                      float *score, int64_t *row)
{
    struct sl_bm25_search *s = NULL;
    int64_t n;

    check_ok(sl_bm25_search_new(&s, ix, 0.9, 0.4, k, strlen(query), &err));
    n = sl_bm25_search(s, query, strlen(query), k, score, row);
    sl_bm25_search_free(s);
    return n;
}

/* ---- the text side ------------------------------------------------------- */

static const char *terms_of(const char *text)
{
    static char out[1024];
    struct sl_terms t;
    size_t n = 0;

    *out = '\0';
    for (sl_terms_begin(&t, text, strlen(text)); sl_terms_next(&t);)
        n += (size_t)snprintf(out + n, sizeof out - n, "%s%s", n ? " " : "",
                              t.term);
    return out;
}

static void words_follow_the_unicode_rules(void **state)
{
    (void)state;
    static const struct {
        const char *text, *terms;
    } cases[] = {
        {"", ""},
        {"The Cat's running; dogs' tails WAGGED.", "cat run dog tail wag"},
        {"can't O\xE2\x80\x99Neil\xE2\x80\x99s 'tis",
         "can't o\xE2\x80\x99neil ti"},
        {"3.14 1,000 2.x a.b .5", "3.14 1,000 2 x a.b 5"},
        {"snake_case __x__ __ e-mail", "snake_cas __x__ e mail"},
        {"caf\xC3\xA9 \xC3\x89t\xC3\xA9", "caf\xC3\xA9 \xC3\xA9t\xC3\xA9"},
        {"\xE6\x9D\xB1\xE4\xBA\xAC", "\xE6\x9D\xB1 \xE4\xBA\xAC"},
        {"bad \xFF\xC3 bytes a\xFF\x62", "bad byte b"},
        {"relational generalizations feasibly analogies",
         "relat gener feasibl analog"},
    };

    for (size_t i = 0; i < SL_LEN(cases); i++)
        check_msg(!strcmp(terms_of(cases[i].text), cases[i].terms),
                  "'%s' gives '%s', not '%s'", cases[i].text,
                  terms_of(cases[i].text), cases[i].terms);
}

static void a_long_word_is_cut_at_255_units(void **state)
{
    (void)state;
    char text[2048];
    struct sl_terms t;
    int n = 0;

    /* U+10400 is two units, so 127 fit. */
    for (int i = 0; i < 300; i++)
        memcpy(text + 4 * i, "\xF0\x90\x90\x80", 4);
    for (sl_terms_begin(&t, text, 1200); sl_terms_next(&t); n++)
        assert_int_equal(t.len, (size_t)(n < 2 ? 127 * 4 : 46 * 4));
    assert_int_equal(n, 3);
}

/* The stemmer never lengthens a word, never empties it, and is safe on any. */
static void stemming_any_letters_stays_inside(void **state)
{
    (void)state;
    struct sl_rng rng;
    static const char letters[] = "aeiouysltnbdgiongz";

    sl_rng_init(&rng, sl_stream(1, SL_PURPOSE_TEST, 0));
    for (int trial = 0; trial < 20000; trial++) {
        int n = 1 + (int)sl_rng_below(&rng, 12), got;
        uint16_t *w = sl_alloc((size_t)n, sizeof *w);

        for (int i = 0; i < n; i++)
            w[i] = (unsigned char)letters[sl_rng_below(&rng, 18)];
        got = sl_porter_stem(w, n);
        check_msg(got >= 1 && got <= n, "%d letters became %d", n, got);
        sl_free(w);
    }
}

/* Every cut of a text, and any bytes, are safe to analyse. */
static void any_bytes_may_be_analysed(void **state)
{
    (void)state;
    static const char seed[] =
        "#\xEF\xB8\x8F\xE2\x83\xA3 \xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x91\xA7"
        " \xF0\x9F\x87\xA9\xF0\x9F\x87\xAA \xD7\x92'\xD7\xA8 a_b 1.2 it's";
    struct sl_rng rng;

    sl_rng_init(&rng, sl_stream(2, SL_PURPOSE_TEST, 0));
    for (int trial = 0; trial < 5000; trial++) {
        size_t n = 1 + sl_rng_below(&rng, sizeof seed - 1);
        char *text = sl_strndup(seed, n); /* exact, so that asan sees past it */
        struct sl_terms t;

        for (uint64_t flips = sl_rng_below(&rng, 4); flips > 0; flips--)
            text[sl_rng_below(&rng, n)] = (char)sl_rng_u32(&rng);
        for (sl_terms_begin(&t, text, n); sl_terms_next(&t);)
            assert_true(t.len >= 1 && t.len <= SL_WORD_MAX_BYTES);
        sl_free(text);
    }
}

/* ---- scores -------------------------------------------------------------- */

static void lengths_keep_four_bits(void **state)
{
    (void)state;
    static const int64_t pairs[][2] = {
        {0, 0},   {23, 23}, {39, 39},  {40, 40},    {41, 40},
        {42, 42}, {55, 54}, {100, 96}, {1000, 984}, {INT32_MAX, 2013265944}};

    for (size_t i = 0; i < SL_LEN(pairs); i++)
        assert_int_equal(sl_bm25_length(sl_bm25_norm(pairs[i][0])),
                         pairs[i][1]);
    for (int n = 0; n < 256; n++)
        if (sl_bm25_length((uint8_t)n) <= INT32_MAX)
            assert_int_equal(sl_bm25_norm(sl_bm25_length((uint8_t)n)), n);
}

/* Two passages of 2 and 4 terms, mean 3, and one without any. */
static void scores_are_the_formulas(void **state)
{
    (void)state;
    struct sl_bm25 ix;
    float score[3];
    int64_t row[3];
    double idf = log(1 + (2 - 2 + 0.5) / (2 + 0.5)); /* N 2, df 2 */
    double rare = log(1 + (2 - 1 + 0.5) / (1 + 0.5));
    double a = 0.9 * (0.6 + 0.4 * 2 / 3), b = 0.9 * (0.6 + 0.4 * 4 / 3);

    make_index(&ix, "x\tred fox\ny\tred red red hen\nz\tthe of\n");
    assert_int_equal(ix.n_docs, 3);
    assert_int_equal(ix.n_filled, 2);
    assert_int_equal(ix.total_length, 6);
    assert_int_equal(search(&ix, "Red", 3, score, row), 2);
    assert_int_equal(row[0], 1);
    check_close((double)score[0], idf * 3 / (3 + b), 1e-6);
    check_close((double)score[1], idf * 1 / (1 + a), 1e-6);
    /* A term that occurs twice in the query counts twice. */
    assert_int_equal(search(&ix, "hen red hens", 3, score, row), 2);
    check_close((double)score[0], 2 * rare / (1 + b) + idf * 3 / (3 + b), 1e-6);
    assert_int_equal(search(&ix, "the of", 3, score, row), 0);
    assert_int_equal(search(&ix, "", 3, score, row), 0);
    assert_int_equal(search(&ix, "absent", 3, score, row), 0);
    sl_bm25_close(&ix);
}

static void ties_go_to_the_lower_row(void **state)
{
    (void)state;
    struct sl_bm25 ix;
    float score[2];
    int64_t row[2];

    make_index(&ix, "c\tred fox\nb\tfox red\na\tred fox\nz\tblue\n");
    assert_int_equal(search(&ix, "fox", 2, score, row), 2);
    assert_int_equal(row[0], 0);
    assert_int_equal(row[1], 1);
    sl_bm25_close(&ix);
}

/* ---- exactness ----------------------------------------------------------- */

enum { MANY = 70000, WORDS = 40, LENGTH = 6 }; /* three windows of rows */

static unsigned char word[MANY][LENGTH]; /* [row] its words, 0: none */

/* Words with small numbers are common, in places for long stretches only. */
static void draw_corpus(struct sl_str *tsv)
{
    struct sl_rng rng;

    sl_rng_init(&rng, sl_stream(3, SL_PURPOSE_TEST, 0));
    for (int i = 0; i < MANY; i++) {
        uint64_t n = sl_rng_below(&rng, LENGTH + 1);

        sl_str_printf(tsv, "%d\t", i);
        for (uint64_t j = 0; j < n; j++) {
            double u = sl_rng_unit(&rng);
            int w = 1 + (int)(u * u * u * WORDS);

            if (w > 30 && i < 60000)
                w = 1;
            word[i][j] = (unsigned char)w;
            sl_str_printf(tsv, "w%d ", w);
        }
        sl_str_putc(tsv, '\n');
    }
}

struct scored {
    float score;
    int64_t row;
};

static int best_first(const void *x, const void *y)
{
    const struct scored *a = x, *b = y;

    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

static float inverse_of(const struct sl_bm25 *ix, int64_t row)
{
    float mean = (float)((double)ix->total_length / (double)ix->n_filled);
    float length = 0;

    for (int j = 0; j < LENGTH; j++)
        length += word[row][j] > 0; /* below 40, a length is exact */
    return 1.0f / (0.9f * ((1 - 0.4f) + 0.4f * length / mean));
}

/* Score every row, without an inverted list. */
static int64_t brute_force(const struct sl_bm25 *ix, const int *query, int n,
                           struct scored *out)
{
    int64_t n_out = 0;

    for (int64_t i = 0; i < MANY; i++) {
        double sum = 0;

        for (int q = 0; q < n; q++) {
            char term[8];
            int len = snprintf(term, sizeof term, "w%d", query[q]), tf = 0;
            int64_t t = sl_bm25_find(ix, term, (size_t)len);

            for (int j = 0; j < LENGTH; j++)
                tf += word[i][j] == query[q];
            if (tf)
                sum += sl_bm25_score(sl_bm25_weight(ix, t, 1), (float)tf,
                                     inverse_of(ix, i));
        }
        if (sum > 0)
            out[n_out++] = (struct scored){(float)sum, i};
    }
    qsort(out, (size_t)n_out, sizeof *out, best_first);
    return n_out;
}

static void the_top_k_is_exact(void **state)
{
    (void)state;
    static const int queries[][4] = {
        {1, 2, 3, 4}, {1, 40, 39, 38}, {35, 36, 0, 0}, {40, 0, 0, 0},
        {1, 0, 0, 0}, {20, 10, 5, 33}, {7, 30, 31, 1},
    };
    static struct scored want[MANY];
    static float score[MANY];
    static int64_t row[MANY];
    static const int64_t ks[] = {1, 10, 1000, MANY};
    struct sl_str tsv = {0};
    struct sl_bm25 ix;

    draw_corpus(&tsv);
    make_index(&ix, sl_str_c(&tsv));
    sl_str_free(&tsv);
    for (size_t q = 0; q < SL_LEN(queries); q++) {
        char text[64] = "";
        int n = 0;
        int64_t n_want;

        for (; n < 4 && queries[q][n]; n++)
            snprintf(text + strlen(text), sizeof text - strlen(text), "W%d ",
                     queries[q][n]);
        n_want = brute_force(&ix, queries[q], n, want);
        for (size_t k = 0; k < SL_LEN(ks); k++) {
            int64_t got = search(&ix, text, ks[k], score, row);

            assert_int_equal(got, n_want < ks[k] ? n_want : ks[k]);
            for (int64_t i = 0; i < got; i++)
                check_msg(
                    row[i] == want[i].row && score[i] == want[i].score,
                    "query %zu, k %d, hit %d: row %d (%.9g), not %d (%.9g)", q,
                    (int)ks[k], (int)i, (int)row[i], (double)score[i],
                    (int)want[i].row, (double)want[i].score);
        }
    }
    sl_bm25_close(&ix);
}

/* ---- the file ------------------------------------------------------------ */

#define GOLDEN TEST_DATA "/golden/bm25/"

static void threads_do_not_change_the_bytes(void **state)
{
    (void)state;
    char *one, *three;
    size_t n_one, n_three;

    check_ok(try_index(GOLDEN "corpus.jsonl", test_path("t1"), 1, &err));
    check_ok(try_index(GOLDEN "corpus.jsonl", test_path("t3"), 3, &err));
    check_ok(sl_file_read(&one, &n_one, test_path("t1/" SL_BM25_FILE), 1 << 20,
                          &err));
    check_ok(sl_file_read(&three, &n_three, test_path("t3/" SL_BM25_FILE),
                          1 << 20, &err));
    assert_int_equal(n_one, n_three);
    assert_memory_equal(one, three, n_one);
    sl_free(one);
    sl_free(three);
    sl_parallel_set_threads(0);
}

/* Search an index that opened: whatever it holds, nothing may go wrong. */
static void use(const struct sl_bm25 *ix)
{
    float score[20];
    int64_t row[20],
        n = search(ix, "boundary layer flow of the wing 3.5", 20, score, row);
    char buf[SL_DOCID_BUF];

    for (int64_t i = 0; i < n; i++) {
        assert_true(row[i] >= 0 && row[i] < ix->n_docs);
        assert_true(*sl_bm25_id(ix, row[i], buf) != '\0');
    }
}

/* Open bytes as an index; true if it was accepted (and then searched). */
static bool opens(const char *bytes, size_t n)
{
    const char *dir = test_path("hostile");
    simlm_error why = {SIMLM_OK, ""};
    struct sl_bm25 ix;
    simlm_status st;

    FILE *f;

    check_ok(sl_dir_make(dir, &err));
    f = fopen(test_path("hostile/" SL_BM25_FILE), "wb");
    assert_true(f && fwrite(bytes, 1, n, f) == n && !fclose(f));
    st = sl_bm25_open(&ix, dir, &why);
    if (st == SIMLM_OK) {
        use(&ix);
        sl_bm25_close(&ix);
        return true;
    }
    check_msg(st == SIMLM_E_FORMAT && strstr(why.msg, SL_BM25_FILE), "%d: %s",
              (int)st, why.msg);
    return false;
}

static char *golden_index(size_t *n)
{
    char *bytes;

    check_ok(try_index(GOLDEN "corpus.jsonl", test_path("good"), 0, &err));
    check_ok(sl_file_read(&bytes, n, test_path("good/" SL_BM25_FILE), 1 << 20,
                          &err));
    return bytes;
}

static void a_truncated_index_is_refused(void **state)
{
    (void)state;
    size_t n;
    char *bytes = golden_index(&n), *longer;

    assert_true(opens(bytes, n));
    for (size_t cut = 0; cut < n; cut += cut < 140 ? 1 : 197)
        check_msg(!opens(bytes, cut), "%zu of %zu bytes were accepted", cut, n);
    longer = sl_calloc(n + 64, 1);
    memcpy(longer, bytes, n);
    assert_false(opens(longer, n + 64));
    sl_free(longer);
    sl_free(bytes);
}

static void a_mutated_index_is_refused_or_harmless(void **state)
{
    (void)state;
    static const unsigned char values[] = {0, 1, 0x7F, 0x80, 0xFF};
    size_t n;
    char *bytes = golden_index(&n);
    struct sl_rng rng;
    int refused = 0;

    sl_rng_init(&rng, sl_stream(4, SL_PURPOSE_TEST, 0));
    for (int trial = 0; trial < 1000; trial++) {
        /* Half of them in the header. */
        size_t at = sl_rng_below(&rng, trial % 2 ? n : 96);
        char keep = bytes[at];

        bytes[at] = (char)values[sl_rng_below(&rng, SL_LEN(values))];
        refused += !opens(bytes, n);
        bytes[at] = keep;
    }
    check_msg(refused > 450, "only %d of 1000 were refused", refused);
    sl_free(bytes);
}

/* Each property that opening proves, broken alone. */
static void every_property_is_checked(void **state)
{
    (void)state;
    size_t n;
    char *bytes = golden_index(&n);
    struct sl_bm25_header h;
    uint64_t at[SL_BM25_N_SECTIONS + 1];
    uint64_t *id_at, *term_at, *post_at;
    uint32_t *doc, keep;
    uint16_t *tf;

    memcpy(&h, bytes, sizeof h);
    assert_true(sl_bm25_lay_out(at, &h));
    id_at = (void *)(bytes + at[SL_BM25_ID_AT]);
    term_at = (void *)(bytes + at[SL_BM25_TERM_AT]);
    post_at = (void *)(bytes + at[SL_BM25_POST_AT]);
    doc = (void *)(bytes + at[SL_BM25_DOC]);
    tf = (void *)(bytes + at[SL_BM25_TF]);

#define BROKEN(place, value)                                                   \
    do {                                                                       \
        char whole[sizeof(place)];                                             \
        memcpy(whole, &(place), sizeof whole);                                 \
        (place) = (value);                                                     \
        check_msg(!opens(bytes, n), "%s = %s was accepted", #place, #value);   \
        memcpy(&(place), whole, sizeof whole);                                 \
    } while (0)
    BROKEN(id_at[3], id_at[4] + 1);
    BROKEN(id_at[h.n_docs], 0);
    BROKEN(bytes[at[SL_BM25_IDS] + 1], '\n');
    BROKEN(bytes[at[SL_BM25_IDS] + 3], 'x');
    BROKEN(term_at[1], 0);
    BROKEN(term_at[2], UINT64_MAX);
    BROKEN(bytes[at[SL_BM25_TERMS] + term_at[5]], '\x7f');
    BROKEN(post_at[1], 0);
    BROKEN(post_at[1], post_at[2]);
    BROKEN(tf[0], 0);
    BROKEN(tf[0], 9);
    keep = doc[post_at[1] - 1];
    BROKEN(doc[post_at[1] - 1], (uint32_t)h.n_docs);
    BROKEN(doc[h.n_postings - 1], UINT32_MAX);
    assert_int_equal(doc[post_at[1] - 1], keep);
#undef BROKEN
    assert_true(opens(bytes, n));
    sl_free(bytes);
}

static void a_failed_build_leaves_nothing(void **state)
{
    (void)state;
    const char *dir = test_path("fresh");

    check_fails(
        SIMLM_E_FORMAT, "bad.tsv:2",
        try_index(test_file("bad.tsv", "1\ta\nno tab\n"), dir, 0, &err));
    assert_false(sl_file_exists(dir));
    check_fails(SIMLM_E_RANGE, "no passage",
                try_index(test_file("empty.tsv", ""), dir, 0, &err));
    assert_false(sl_file_exists(dir));
    check_fails(SIMLM_E_IO, "No such file",
                try_index("/no/corpus", dir, 0, &err));
    assert_false(sl_file_exists(dir));
    check_fails(SIMLM_E_IO, "not-a-dir",
                try_index(test_file("c.tsv", "1\ta\n"),
                          test_file("not-a-dir", "x"), 0, &err));

    /* An index that is there stays whole. */
    check_ok(try_index(test_file("c.tsv", "1\ta cat\n"), dir, 0, &err));
    check_fails(SIMLM_E_FORMAT, "bad.tsv:2",
                try_index(test_path("bad.tsv"), dir, 0, &err));
    {
        struct sl_bm25 ix;

        check_ok(sl_bm25_open(&ix, dir, &err));
        assert_int_equal(ix.n_docs, 1);
        sl_bm25_close(&ix);
    }
}

static void bad_options_are_refused(void **state)
{
    (void)state;
    simlm_bm25_search_options o;

    simlm_bm25_search_options_init(&o);
    check_fails(SIMLM_E_ARG, "NULL", simlm_bm25_search(&o, NULL, &err));
    check_fails(SIMLM_E_ARG, "NULL", simlm_bm25_index(NULL, NULL, &err));
    o.index = o.queries = o.output = "x";
    o.k1 = NAN;
    check_fails(SIMLM_E_ARG, "k1", simlm_bm25_search(&o, NULL, &err));
    o.k1 = 1;
    o.top = 0;
    check_fails(SIMLM_E_ARG, "top", simlm_bm25_search(&o, NULL, &err));
    o.top = 1;
    check_fails(SIMLM_E_IO, "x/bm25.index", simlm_bm25_search(&o, NULL, &err));
}

/* ---- jobs ---------------------------------------------------------------- */

static int n_reports;

static void count_report(void *ctx, const char *phase, int64_t done,
                         int64_t total, const char *unit)
{
    (void)ctx, (void)phase, (void)done, (void)total, (void)unit;
    n_reports++;
}

static bool after_the_first(void *ctx)
{
    (void)ctx;
    return n_reports > 1;
}

/* Though all hits of so few would fit into memory. */
static void a_search_for_many_queries_reports_and_stops(void **state)
{
    (void)state;
    simlm_observer obs = {.progress = count_report,
                          .cancelled = after_the_first};
    simlm_bm25_search_options o;
    struct sl_str queries = {0};

    check_ok(try_index(test_file("c.tsv", "1\ta cat\n"), test_path("many"), 0,
                       &err));
    for (int i = 0; i < 2000; i++)
        sl_str_printf(&queries, "%d\tcat\n", i);
    simlm_bm25_search_options_init(&o);
    o.index = test_path("many");
    o.queries = test_file("many.tsv", sl_str_c(&queries));
    o.output = test_path("many.run");
    n_reports = 0;
    check_fails(SIMLM_E_CANCELLED, "stopped",
                simlm_bm25_search(&o, &obs, &err));
    assert_int_equal(n_reports, 2);
    assert_false(sl_file_exists(o.output));
    obs.cancelled = NULL;
    check_ok(simlm_bm25_search(&o, &obs, &err));
    assert_true(n_reports > 4);
    sl_str_free(&queries);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_follow_the_unicode_rules),
        cmocka_unit_test(a_long_word_is_cut_at_255_units),
        cmocka_unit_test(stemming_any_letters_stays_inside),
        cmocka_unit_test(any_bytes_may_be_analysed),
        cmocka_unit_test(lengths_keep_four_bits),
        cmocka_unit_test(scores_are_the_formulas),
        cmocka_unit_test(ties_go_to_the_lower_row),
        cmocka_unit_test(the_top_k_is_exact),
        cmocka_unit_test(threads_do_not_change_the_bytes),
        cmocka_unit_test(a_truncated_index_is_refused),
        cmocka_unit_test(a_mutated_index_is_refused_or_harmless),
        cmocka_unit_test(every_property_is_checked),
        cmocka_unit_test(a_failed_build_leaves_nothing),
        cmocka_unit_test(bad_options_are_refused),
        cmocka_unit_test(a_search_for_many_queries_reports_and_stops),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    test_tmpdir_remove();
    return failed;
}
