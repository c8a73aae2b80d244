/* Qrels, runs and matrices: recognised forms, named mistakes, round trips. */
#include "check.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/rng.h"
#include "base/str.h"
#include "format/npy.h"
#include "format/qrels.h"
#include "format/runfile.h"

/* ---- qrels --------------------------------------------------------------- */

/* "query:doc=grade,doc=grade;query:..." in the order of the struct. */
static void show_qrels(struct sl_str *s, const char *text)
{
    struct sl_qrels *q = NULL;

    sl_str_clear(s);
    check_ok(sl_qrels_load(&q, test_file("qrels", text), &err));
    for (int64_t i = 0; i < sl_strmap_count(q->queries); i++) {
        sl_str_printf(s, "%s:", sl_strmap_key(q->queries, i));
        for (int64_t j = q->start[i]; j < q->start[i + 1]; j++)
            sl_str_printf(s, "%s=%d,", sl_strmap_key(q->docs, q->judged[j].doc),
                          q->judged[j].grade);
        sl_str_putc(s, ';');
    }
    sl_qrels_free(q);
}

static void qrels_of_each_form_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"q1\t0\td1\t1\nq1\t0\td2\t0\nq2\t0\td1\t3\n",
         "q1:d1=1,d2=0,;q2:d1=3,;"},
        {"q1 Q0  d1 1\r\n\n  q2 0 d1 -2", "q1:d1=1,;q2:d1=-2,;"},
        {"query-id\tcorpus-id\tscore\n1\t184\t1\n1\t29\t2\n", "1:184=1,29=2,;"},
        {"1\t184\t1\n", "1:184=1,;"},
        {"who is it\t0\tdoc one\t1\n", "who is it:doc one=1,;"},
        /* Lines in any order: together by query, each query's in order. */
        {"b 0 x 1\na 0 x 2\nb 0 w 3\na 0 v 4\nb 0 v 5\n",
         "b:x=1,w=3,v=5,;a:x=2,v=4,;"},
        {"", ""},
        {"query-id\tcorpus-id\tscore\n", ""},
    };
    struct sl_str s = {0};

    for (size_t i = 0; i < SL_LEN(cases); i++) {
        show_qrels(&s, cases[i].text);
        assert_string_equal(sl_str_c(&s), cases[i].want);
    }
    sl_str_free(&s);
}

static simlm_status try_qrels(const char *path, simlm_error *err)
{
    struct sl_qrels *q = NULL;
    simlm_status st = sl_qrels_load(&q, path, err);

    if (st == SIMLM_OK)
        sl_qrels_free(q);
    return st;
}

static void mistakes_in_qrels_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"q 0 d 1\nq 0 d", "bad:2: expected 'query iteration passage grade'"},
        {"q 0 d x\n", "bad:1: expected 'query"},
        {"q 0 d 1.5\n", "bad:1: expected 'query"},
        {"q 0 d 4294967297\n", "bad:1: expected 'query"},
        {"q 0 d 1 2\n", "bad:1: expected 'query"},
        {"q\t0\t\t1\n", "bad:1: expected 'query"},
        {"query-id\tcorpus-id\tscore\nq\td\n",
         "bad:2: expected 'query-id <tab>"},
        {"q\t0\td\t1\n\nr\t0\td\t1\nq\t0\te\t1\nq\t0\td\t0\n",
         "bad:5: expected a pair judged once, but passage 'd' is judged in "
         "line 1, too"},
        {"a b c d e f g h i j k l\n", "bad:1: expected 'query"},
    };

    for (size_t i = 0; i < SL_LEN(cases); i++)
        check_fails(SIMLM_E_FORMAT, cases[i].message,
                    try_qrels(test_file("bad", cases[i].text), &err));
    check_fails(SIMLM_E_FORMAT, "nul:1: expected",
                try_qrels(test_bytes("nul", "q\0 0 d 1\n", 9), &err));
    check_fails(SIMLM_E_IO, "cannot open", try_qrels("/none", &err));
}

static void shared_qrels_have_their_counts(void **state)
{
    (void)state;
    struct sl_qrels *q = NULL;

    if (!sl_file_exists(SHARED_DATA))
        skip();
    check_ok(sl_qrels_load(&q, SHARED_DATA "/cranfield/qrels/test.tsv", &err));
    assert_int_equal(sl_strmap_count(q->queries), 225);
    assert_int_equal(q->start[225], 1837);
    sl_qrels_free(q);
    check_ok(sl_qrels_load(&q, SHARED_DATA "/squad/train_qrels.txt", &err));
    assert_int_equal(sl_strmap_count(q->queries), 80440);
    sl_qrels_free(q);
}

/* ---- runs ---------------------------------------------------------------- */

static void show_run(struct sl_str *s, const char *text)
{
    struct sl_run *r = NULL;

    sl_str_clear(s);
    check_ok(sl_run_load(&r, test_file("run", text), &err));
    for (int64_t i = 0; i < sl_strmap_count(r->queries); i++) {
        sl_str_printf(s, "%s:", sl_strmap_key(r->queries, i));
        for (int64_t j = r->start[i]; j < r->start[i + 1]; j++)
            sl_str_printf(s, "%s@%d=%g,", sl_strmap_key(r->docs, r->hit[j].doc),
                          (int)r->hit[j].rank, r->hit[j].score);
        sl_str_putc(s, ';');
    }
    sl_run_free(r);
}

static void runs_of_each_form_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"q\ta\t1\nq\tb\t2\nq\tc\t3\n", "q:a@1=1,b@2=0.5,c@3=0.3333,;"},
        {"q\ta\t1\t-2.5e1\nq\tb\t2\t7\n", "q:a@1=-25,b@2=7,;"},
        {"q Q0 a 0 1.5 tag\nq Q0 b 1 .5 tag\n", "q:a@0=1.5,b@1=0.5,;"},
        {"q\tQ0\ta\t1\t1.5\ttag\n", "q:a@1=1.5,;"},
        {"what is it\ta b\t1\n", "what is it:a b@1=1,;"},
        /* Sorted by rank, stably; queries may be mixed. */
        {"q\tc\t3\nr\tx\t1\nq\ta\t1\nq\tb\t1\nq\td\t2\n",
         "q:a@1=1,b@1=1,d@2=0.5,c@3=0.3333,;r:x@1=1,;"},
        {"\n", ""},
    };
    struct sl_str s = {0};

    for (size_t i = 0; i < SL_LEN(cases); i++) {
        show_run(&s, cases[i].text);
        assert_string_equal(sl_str_c(&s), cases[i].want);
    }
    sl_str_free(&s);
}

/* Python: round(1 / rank, 4) */
static void scores_of_ranks_are_rounded_as_python_does(void **state)
{
    (void)state;
    static const struct {
        int rank;
        double score;
    } cases[] = {
        {1, 1},        {2, 0.5},      {3, 0.3333},    {6, 0.1667},
        {32, 0.0312},  {96, 0.0104},  {107, 0.0093},  {108, 0.0093},
        {160, 0.0063}, {1000, 0.001}, {6666, 0.0002}, {30000, 0},
    };
    struct sl_str s = {0};
    struct sl_run *r = NULL;

    for (size_t i = 0; i < SL_LEN(cases); i++)
        sl_str_printf(&s, "q\td%zu\t%d\n", i, cases[i].rank);
    check_ok(sl_run_load(&r, test_file("ranks", s.s), &err));
    for (size_t i = 0; i < SL_LEN(cases); i++)
        check_msg(r->hit[i].score == cases[i].score, "rank %d gives %.17g",
                  cases[i].rank, r->hit[i].score);
    sl_run_free(r);
    sl_str_free(&s);
}

static simlm_status try_run(const char *path, simlm_error *err)
{
    struct sl_run *r = NULL;
    simlm_status st = sl_run_load(&r, path, err);

    if (st == SIMLM_OK)
        sl_run_free(r);
    return st;
}

static void mistakes_in_runs_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"q\ta\n", "bad:1: expected a run, 'query passage rank [score]' or"},
        {"q\ta\t1\nq\tb\t2\t3\n", "bad:2: expected 'query <tab> passage <tab> "
                                  "rank', the rank from 1"},
        {"q\ta\t0\n", "rank', the rank from 1, but the rank is '0'"},
        {"q\ta\t1\t1\nq\tb\t-1\t1\n", "bad:2: expected 'query <tab>"},
        {"q\ta\t1\tnan\n", "rank <tab> score', but the score is 'nan'"},
        {"q\ta\t1\tinf\n", "bad:1: expected 'query <tab>"},
        {"q Q0 a 1 x tag\n",
         "bad:1: expected 'query Q0 passage rank score tag'"},
        {"q Q0 a 1.5 1 tag\n", "rank score tag', but the rank is '1.5'"},
        {"q\t\t1\n", "bad:1: expected 'query"},
        {"q\ta\t1\nr\ta\t1\nq\ta\t2\n", "bad:3: expected a passage once for a "
                                        "query, but 'a' is in line 1, too"},
    };

    for (size_t i = 0; i < SL_LEN(cases); i++)
        check_fails(SIMLM_E_FORMAT, cases[i].message,
                    try_run(test_file("bad", cases[i].text), &err));
}

/* What is written is read again: same floats, so the same order. */
static void runs_survive_a_round_trip_in_both_formats(void **state)
{
    (void)state;
    enum { N = 500 };
    struct sl_rng r;
    float score[N];

    sl_rng_init(&r, sl_stream(10, SL_PURPOSE_TEST, 0));
    for (int i = 0; i < N; i++)
        score[i] = (float)(sl_rng_normal(&r) * (i % 7 ? 1e-6 : 1e3));
    for (int format = 0; format < 2; format++)
        for (int blanks = 0; blanks < 2; blanks++) {
            const char *path = test_path("written");
            struct sl_run_writer w;
            struct sl_run *run = NULL;
            char doc[32];

            check_ok(sl_run_writer_open(&w, path, (enum sl_run_format)format,
                                        NULL, &err));
            for (int i = 0; i < N; i++) {
                snprintf(doc, sizeof doc, blanks ? "doc %d" : "doc%d", i);
                sl_run_writer_add(&w, i < N / 2 ? "q1" : "q2", doc, i + 1,
                                  (double)score[i]);
            }
            check_ok(sl_run_writer_commit(&w, &err));
            check_ok(sl_run_load(&run, path, &err));
            assert_int_equal(sl_strmap_count(run->queries), 2);
            assert_int_equal(run->start[2], N);
            for (int i = 0; i < N; i++) {
                snprintf(doc, sizeof doc, blanks ? "doc %d" : "doc%d", i);
                assert_true((float)run->hit[i].score == score[i]);
                assert_int_equal(run->hit[i].rank, i + 1);
                assert_string_equal(sl_strmap_key(run->docs, run->hit[i].doc),
                                    doc);
            }
            sl_run_free(run);
        }
}

static void an_aborted_run_leaves_nothing(void **state)
{
    (void)state;
    const char *path = test_path("aborted");
    struct sl_run_writer w;

    check_ok(sl_run_writer_open(&w, path, SL_RUN_TREC, "tag", &err));
    sl_run_writer_add(&w, "q", "d", 1, 1);
    sl_run_writer_abort(&w);
    assert_false(sl_file_exists(path));
    check_fails(SIMLM_E_IO, "cannot write '/none/run'",
                sl_run_writer_open(&w, "/none/run", SL_RUN_TREC, NULL, &err));
}

/* ---- npy ----------------------------------------------------------------- */

static void matrices_survive_a_round_trip(void **state)
{
    (void)state;
    const char *path = test_path("m.npy");
    float rows[7 * 3];
    struct sl_npy_writer w;
    struct sl_npy m;
    char *bytes;
    size_t n;

    for (int i = 0; i < 21; i++)
        rows[i] = (float)i / 7;
    check_ok(sl_npy_writer_open(&w, path, 3, &err));
    sl_npy_writer_add(&w, rows, 5);
    sl_npy_writer_add(&w, rows + 15, 2);
    check_ok(sl_npy_writer_commit(&w, &err));
    check_ok(sl_npy_open(&m, path, &err));
    assert_int_equal(m.n, 7);
    assert_int_equal(m.dim, 3);
    assert_memory_equal(m.x, rows, sizeof rows);
    sl_npy_close(&m);
    check_ok(sl_file_read(&bytes, &n, path, 1 << 20, &err));
    assert_int_equal(n, 128 + sizeof rows);
    assert_non_null(strstr(bytes + 10,
                           "{'descr': '<f4', 'fortran_order': False,"
                           " 'shape': (7, 3), }"));
    assert_int_equal(bytes[127], '\n');
    sl_free(bytes);
    check_fails(SIMLM_E_ARG, "standard output",
                sl_npy_writer_open(&w, "-", 3, &err));
}

static const char *make_npy(const char *header, const void *data, size_t n)
{
    char bytes[512] = "\x93NUMPY\x01\x00";
    size_t len = strlen(header);

    bytes[8] = (char)len;
    memcpy(bytes + 10, header, len);
    memcpy(bytes + 10 + len, data, n);
    return test_bytes("made.npy", bytes, 10 + len + n);
}

static void halves_and_odd_offsets_are_widened_exactly(void **state)
{
    (void)state;
    static const unsigned char half[] = {0x00, 0x3c, 0x00, 0xc0, 0x01, 0x00,
                                         0xff, 0x7b, 0x00, 0x80, 0x55, 0x35};
    static const float want[] = {1,     -2,    0x1p-24f,
                                 65504, -0.0f, 0.333251953125f};
    struct sl_npy m;

    check_ok(sl_npy_open(&m,
                         make_npy("{'shape': (2, 3,), 'fortran_order': "
                                  "False, 'descr': '<f2'}",
                                  half, sizeof half),
                         &err));
    assert_int_equal(m.n, 2);
    assert_memory_equal(m.x, want, sizeof want);
    sl_npy_close(&m);
    for (int pad = 0; pad < 4; pad++) {
        char header[80];

        snprintf(header, sizeof header,
                 "{'descr': '<f4', 'fortran_order': "
                 "False, 'shape': (3,2), }%*s",
                 pad, "");
        check_ok(sl_npy_open(&m, make_npy(header, want, sizeof want), &err));
        assert_memory_equal(m.x, want, sizeof want);
        sl_npy_close(&m);
    }
}

static void matrices_of_other_kinds_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *header, *message;
    } cases[] = {
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 1), }",
         "made.npy: expected a .npy of type '<f4' or '<f2'"},
        {"{'descr': '>f4', 'fortran_order': False, 'shape': (2, 1), }", "type"},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (2, 1), }",
         "C order"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }",
         "two dimensions"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1, 1), }",
         "two dimensions"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 0), }",
         "at least one column"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-2, 1), }",
         "two dimensions"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 1), }",
         "expected the data of shape (3, 1), but the file has 8 bytes"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1), }",
         "expected the data of shape (1, 1)"},
        {"{'descr': '<f4', 'fortran_order': False, "
         "'shape': (4611686018427387904, 4), }",
         "expected the data of shape"},
        {"{'descr': '<f4', 'fortran_order': False, "
         "'shape': (99999999999999999999, 4), }",
         "two dimensions"},
        {"", "type"},
    };
    struct sl_npy m;

    for (size_t i = 0; i < SL_LEN(cases); i++)
        check_fails(SIMLM_E_FORMAT, cases[i].message,
                    sl_npy_open(&m,
                                make_npy(cases[i].header, "\0\0\0\0\0\0\0", 8),
                                &err));
    check_fails(SIMLM_E_FORMAT, "expected a .npy file",
                sl_npy_open(&m, test_file("short", ""), &err));
    check_fails(
        SIMLM_E_FORMAT, "version",
        sl_npy_open(&m, test_file("v9", "\x93NUMPY\x09\x01xxxxxxxxx"), &err));
    check_fails(
        SIMLM_E_FORMAT, "header within",
        sl_npy_open(&m, test_file("cut", "\x93NUMPY\x01\x01\xff\xff{'"), &err));
}

/* Room for the header alone, for some rows, for all but one byte. */
static void a_full_disk_leaves_no_matrix_and_no_run(void **state)
{
    (void)state;
    static const float rows[4096] = {1};
    const char *npy = test_path("full.npy"), *run = test_path("full.run");

    for (long room = 0; room < 128 + 4 * 4096; room += 8255) {
        struct sl_npy_writer m;
        struct sl_run_writer r;

        check_ok(sl_npy_writer_open(&m, npy, 64, &err));
        check_ok(sl_run_writer_open(&r, run, SL_RUN_TREC, NULL, &err));
        test_disk_full(room);
        sl_npy_writer_add(&m, rows, 64);
        for (int i = 0; i < 2000; i++)
            sl_run_writer_add(&r, "query", "passage", i, 0.5);
        check_fails(SIMLM_E_IO, "full.npy", sl_npy_writer_commit(&m, &err));
        check_fails(SIMLM_E_IO, "full.run", sl_run_writer_commit(&r, &err));
        test_disk_full(-1);
        assert_false(sl_file_exists(npy) || sl_file_exists(run));
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
        cmocka_unit_test(qrels_of_each_form_are_read),
        cmocka_unit_test(mistakes_in_qrels_are_named),
        cmocka_unit_test(shared_qrels_have_their_counts),
        cmocka_unit_test(runs_of_each_form_are_read),
        cmocka_unit_test(scores_of_ranks_are_rounded_as_python_does),
        cmocka_unit_test(mistakes_in_runs_are_named),
        cmocka_unit_test(runs_survive_a_round_trip_in_both_formats),
        cmocka_unit_test(an_aborted_run_leaves_nothing),
        cmocka_unit_test(matrices_survive_a_round_trip),
        cmocka_unit_test(halves_and_odd_offsets_are_widened_exactly),
        cmocka_unit_test(matrices_of_other_kinds_are_refused),
        cmocka_unit_test(a_full_disk_leaves_no_matrix_and_no_run),
    };
    return cmocka_run_group_tests(tests, NULL, remove_dir);
}
