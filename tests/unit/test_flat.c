/* The flat index: exact, the same for any cut of the work, and not to be
 * fooled by any file. */
#include "check.h"

#include <unistd.h>

#include "backend/ops.h"
#include "base/alloc.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "index/flat.h"

enum { N = 533, DIM = 21, Q = 37 };

static float rows[N * DIM], queries[Q * DIM];
static char id_text[N][16];
static const char *ids[N];
static struct sl_backend *be;

/* Small integers: products are exact, and ties are many. */
static int set_up(void **state)
{
    struct sl_rng r;

    (void)state;
    sl_rng_init(&r, sl_stream(2, SL_PURPOSE_TEST, 0));
    for (int i = 0; i < N * DIM; i++)
        rows[i] = (float)sl_rng_below(&r, 5) - 2;
    for (int i = 0; i < Q * DIM; i++)
        queries[i] = (float)sl_rng_below(&r, 3) - 1;
    for (int i = 0; i < N; i++) {
        snprintf(id_text[i], sizeof id_text[i], "doc %d", i * i);
        ids[i] = id_text[i];
    }
    check_ok(sl_backend_open_cpu(&be, SL_FP32, sl_cpu_from_env(), &err));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sl_backend_close(be);
    test_tmpdir_remove();
    return 0;
}

static const char *write_index(const char *name, int64_t n)
{
    const char *path = test_path(name);
    struct sl_flat_writer w;

    check_ok(sl_flat_writer_open(&w, path, DIM, 0xfeedULL, "a/model", &err));
    for (int64_t i = 0; i < n; i++)
        check_ok(sl_flat_writer_add(&w, rows + i * DIM, ids[i], &err));
    check_ok(sl_flat_writer_commit(&w, &err));
    return path;
}

/* The place of row j among all rows for query q, by counting. */
static int64_t place_of(int64_t q, int64_t j)
{
    double want[N];
    int64_t place = 0;

    for (int64_t i = 0; i < N; i++) {
        want[i] = 0;
        for (int64_t d = 0; d < DIM; d++)
            want[i] += (double)rows[i * DIM + d] * (double)queries[q * DIM + d];
    }
    for (int64_t i = 0; i < N; i++)
        place += want[i] > want[j] || (want[i] == want[j] && i < j);
    return place;
}

static void search(const struct sl_flat *ix, int64_t *row, float *score,
                   int64_t k, int64_t batch, int64_t block)
{
    struct sl_flat_search *s = NULL;

    check_ok(sl_flat_search_new(&s, ix, be, batch, k, block, &err));
    check_ok(sl_flat_search_run(s, row, score, queries, Q, k, &err));
    sl_flat_search_free(s);
}

static void hits_are_the_best_rows_in_order(void **state)
{
    enum { K = 12 };
    struct sl_flat ix;
    int64_t row[Q * K];
    float score[Q * K];

    (void)state;
    check_ok(sl_flat_open(&ix, write_index("whole", N), &err));
    assert_int_equal(ix.n, N);
    assert_int_equal(ix.dim, DIM);
    assert_true(ix.model_hash == 0xfeedULL);
    assert_string_equal(ix.model_path, "a/model");
    for (int i = 0; i < N; i++)
        assert_string_equal(sl_flat_id(&ix, i), ids[i]);
    search(&ix, row, score, K, Q, 0);
    for (int q = 0; q < Q; q++)
        for (int i = 0; i < K; i++)
            check_msg(place_of(q, row[q * K + i]) == i,
                      "query %d: row %d stands at %d, not at %d", q,
                      (int)row[q * K + i], i, (int)place_of(q, row[q * K + i]));
    sl_flat_close(&ix);
}

static void batch_block_and_threads_change_nothing(void **state)
{
    enum { K = 50 };
    static const int64_t cut[][3] = {/* batch, block, threads */
                                     {1, 1, 1},
                                     {1, 100, 2},
                                     {5, 64, 2},
                                     {37, 17, 3},
                                     {64, 533, 1}};
    static int64_t want[Q * K], row[Q * K];
    static float want_score[Q * K], score[Q * K];
    static float kept[N * DIM];
    struct sl_rng r;
    struct sl_flat ix;

    (void)state;
    /* Real numbers here: rounding is what might differ. */
    memcpy(kept, rows, sizeof kept);
    sl_rng_init(&r, sl_stream(3, SL_PURPOSE_TEST, 0));
    for (int i = 0; i < N * DIM; i++)
        rows[i] = (float)sl_rng_normal(&r);
    check_ok(sl_flat_make(&ix, rows, ids, N, DIM, &err));
    search(&ix, want, want_score, K, Q, 0);
    for (size_t c = 0; c < SL_LEN(cut); c++) {
        sl_parallel_set_threads((int)cut[c][2]);
        search(&ix, row, score, K, cut[c][0], cut[c][1]);
        check_msg(!memcmp(row, want, sizeof row) &&
                      !memcmp(score, want_score, sizeof score),
                  "batch %d, block %d, threads %d give other hits",
                  (int)cut[c][0], (int)cut[c][1], (int)cut[c][2]);
    }
    sl_parallel_set_threads(0);
    sl_flat_close(&ix);
    memcpy(rows, kept, sizeof kept);
}

static void asking_for_more_than_there_is_gives_all_then_nothing(void **state)
{
    enum { K = 9 };
    int64_t row[Q * K];
    float score[Q * K];
    struct sl_flat ix;

    (void)state;
    check_ok(sl_flat_open(&ix, write_index("four", 4), &err));
    search(&ix, row, score, K, Q, 0);
    for (int i = 0; i < Q * K; i++)
        check_msg((row[i] >= 0) == (i % K < 4) &&
                      (row[i] >= 0 || score[i] == -INFINITY),
                  "hit %d is row %d", i % K, (int)row[i]);
    sl_flat_close(&ix);
    check_ok(sl_flat_open(&ix, write_index("none", 0), &err));
    search(&ix, row, score, K, Q, 0);
    for (int i = 0; i < Q * K; i++)
        assert_int_equal(row[i], -1);
    sl_flat_close(&ix);
}

static void bad_rows_are_refused_when_building(void **state)
{
    float bad[DIM] = {0};
    struct sl_flat_writer w;
    const char *path = test_path("bad");

    (void)state;
    bad[7] = NAN;
    check_ok(sl_flat_writer_open(&w, path, DIM, 0, "", &err));
    check_ok(sl_flat_writer_add(&w, rows, "first", &err));
    check_fails(SIMLM_E_NUMERIC, "row 1 (id 'second'): element 7",
                sl_flat_writer_add(&w, bad, "second", &err));
    check_fails(SIMLM_E_FORMAT, "empty",
                sl_flat_writer_add(&w, rows, "", &err));
    check_ok(sl_flat_writer_add(&w, rows, "first", &err));
    check_fails(SIMLM_E_FORMAT, "same id 'first'",
                sl_flat_writer_commit(&w, &err));
    assert_int_equal(access(path, F_OK), -1);
    check_fails(SIMLM_E_ARG, "standard output",
                sl_flat_writer_open(&w, "-", DIM, 0, "", &err));
    sl_flat_writer_abort(&w);
    check_fails(SIMLM_E_IO, "no/such/dir",
                sl_flat_writer_open(&w, "no/such/dir/x", DIM, 0, "", &err));
    sl_flat_writer_abort(&w);
}

static void a_query_that_is_no_number_is_an_error(void **state)
{
    float q[DIM] = {0}, score[2];
    int64_t row[2];
    struct sl_flat_search *s = NULL;
    struct sl_flat ix;

    (void)state;
    q[0] = NAN;
    check_ok(sl_flat_make(&ix, rows, ids, N, DIM, &err));
    check_ok(sl_flat_search_new(&s, &ix, be, 1, 2, 0, &err));
    check_fails(SIMLM_E_NUMERIC, "not a number",
                sl_flat_search_run(s, row, score, q, 1, 2, &err));
    q[0] = 1;
    check_ok(sl_flat_search_run(s, row, score, q, 1, 2, &err));
    sl_flat_search_free(s);
    sl_flat_close(&ix);
}

/* ---- hostile files ------------------------------------------------------- */

/* Whatever opens must be safe to use in full. */
static bool opens_and_works(const char *path)
{
    struct sl_flat ix;
    simlm_error why;
    size_t bytes = 0;

    if (sl_flat_open(&ix, path, &why) < 0) {
        check_msg(*why.msg && !strchr(why.msg, '\n'), "message '%s'", why.msg);
        return false;
    }
    for (int64_t i = 0; i < ix.n; i++)
        bytes += strlen(sl_flat_id(&ix, i));
    check_msg(bytes <= ix.map.n && strlen(ix.model_path) < ix.map.n,
              "ids longer than the file");
    if (ix.dim == DIM) {
        struct sl_flat_search *s = NULL;
        int64_t row[3];
        float score[3];

        check_ok(sl_flat_search_new(&s, &ix, be, 1, 3, 0, &err));
        (void)sl_flat_search_run(s, row, score, queries, 1, 3, NULL);
        sl_flat_search_free(s);
    }
    sl_flat_close(&ix);
    return true;
}

static void put(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");

    check_msg(f && fwrite(bytes, 1, n, f) == n && !fclose(f), "write %s", path);
}

static void every_truncation_is_refused(void **state)
{
    const char *path = write_index("small", 3), *cut = test_path("cut");
    char *bytes;
    size_t n;

    (void)state;
    check_ok(sl_file_read(&bytes, &n, path, 1 << 20, &err));
    assert_true(opens_and_works(path));
    for (size_t m = 0; m < n; m++) {
        put(cut, bytes, m);
        check_msg(!opens_and_works(cut), "opened with %zu of %zu bytes", m, n);
    }
    sl_free(bytes);
}

static void no_changed_byte_of_the_structure_does_harm(void **state)
{
    static const unsigned char xor_with[] = {0x01, 0x80, 0xff};
    const char *path = write_index("small", 3), *bad = test_path("changed");
    size_t n, refused = 0;
    char *bytes;

    (void)state;
    check_ok(sl_file_read(&bytes, &n, path, 1 << 20, &err));
    for (size_t at = 0; at < n; at++) {
        if (at >= 128 && at < 128 + 3 * 32 * 4 - 8)
            continue; /* the vectors may be anything; a few bytes suffice */
        for (size_t x = 0; x < sizeof xor_with; x++) {
            bytes[at] = (char)(bytes[at] ^ xor_with[x]);
            put(bad, bytes, n);
            refused += !opens_and_works(bad);
            bytes[at] = (char)(bytes[at] ^ xor_with[x]);
        }
    }
    /* Header fields and offsets: nearly every change must have been seen. */
    check_msg(refused > 300, "only %zu changes were refused", refused);
    sl_free(bytes);
}

static void the_message_says_what_is_wrong(void **state)
{
    const char *path = write_index("small", 3), *bad = test_path("wrong");
    char *bytes;
    size_t n;

    (void)state;
    check_ok(sl_file_read(&bytes, &n, path, 1 << 20, &err));
    put(bad, bytes, n - 1);
    {
        struct sl_flat ix;

        check_fails(SIMLM_E_FORMAT, "truncated", sl_flat_open(&ix, bad, &err));
        bytes[8] = 2;
        put(bad, bytes, n);
        check_fails(SIMLM_E_FORMAT, "version 2", sl_flat_open(&ix, bad, &err));
        check_fails(SIMLM_E_FORMAT, "SIMLMFLT",
                    sl_flat_open(&ix,
                                 test_file("text", "just some text, long "
                                                   "enough to be a header "
                                                   "of an index, which is "
                                                   "a hundred and twenty "
                                                   "eight bytes at least, "
                                                   "so here are some "
                                                   "more"),
                                 &err));
        check_fails(SIMLM_E_IO, "cannot open",
                    sl_flat_open(&ix, test_path("absent"), &err));
    }
    sl_free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hits_are_the_best_rows_in_order),
        cmocka_unit_test(batch_block_and_threads_change_nothing),
        cmocka_unit_test(asking_for_more_than_there_is_gives_all_then_nothing),
        cmocka_unit_test(bad_rows_are_refused_when_building),
        cmocka_unit_test(a_query_that_is_no_number_is_an_error),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(no_changed_byte_of_the_structure_does_harm),
        cmocka_unit_test(the_message_says_what_is_wrong),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
