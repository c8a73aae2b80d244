/* Negatives: the reference's windows (spec section 11), and lists that hold what
 * they should. */
#include "check.h"

#include "data/negatives.h"

/* ---- windows ------------------------------------------------------------- */

/* Positives 5, 7, 9 with scores 1, 2, 0.1; negatives 100 .. 106, all 0.5. */
static struct sl_examples *golden_example(void)
{
    static const float score[] = {1, 2, 0.1f};
    struct sl_examples *e = sl_examples_new();

    assert_non_null(e);
    check_ok(sl_examples_add_query(e, "q", 1, "text", 4, &err));
    for (int i = 0; i < 3; i++)
        check_ok(sl_examples_add_positive(e, 5 + 2 * i, score[i], &err));
    for (int i = 0; i < 7; i++)
        check_ok(sl_examples_add_negative(e, 100 + i, 0.5f, &err));
    return e;
}

static void windows_are_the_references(void **state)
{
    static const struct {
        uint64_t offset;
        int32_t rows[4], first; /* first: the positive if they are filtered */
    } golden[] = {
        {0, {5, 100, 101, 102}, 5},    {1, {7, 103, 104, 105}, 7},
        {2, {9, 106, 100, 101}, 5},    {1234, {7, 106, 100, 101}, 5},
        {1235, {9, 102, 103, 104}, 7},
    };
    struct sl_examples *e = golden_example();

    (void)state;
    for (size_t i = 0; i < SL_LEN(golden); i++) {
        int32_t rows[4];

        sl_choose_passages(rows, e, 0, 4, golden[i].offset, false);
        assert_memory_equal(rows, golden[i].rows, sizeof rows);
        sl_choose_passages(rows, e, 0, 4, golden[i].offset, true);
        assert_int_equal(rows[0], golden[i].first);
        assert_memory_equal(rows + 1, golden[i].rows + 1, 3 * sizeof *rows);
    }
    sl_examples_free(e);
}

static void short_lists_repeat_and_large_offsets_hold(void **state)
{
    struct sl_examples *e = golden_example();
    int32_t rows[20], again[20];

    (void)state;
    sl_choose_passages(rows, e, 0, 20, 3, false);
    for (int j = 0; j < 19; j++)
        assert_int_equal(rows[1 + j], 100 + (3 * 19 + j) % 7);
    /* 2^64 - 1 is 3 mod 7 * 3 * k for no k, but it must not crash, and be
     * what its remainders say: (2^64 - 1) mod 7 = 1, mod 3 = 0. */
    sl_choose_passages(again, e, 0, 4, UINT64_MAX, false);
    assert_int_equal(again[0], 5);
    assert_int_equal(again[1], 103);
    assert_true(sl_is_positive(e, 0, 9));
    assert_false(sl_is_positive(e, 0, 100));
    sl_examples_free(e);
}

static void scores_are_the_last_ones_of_the_lists(void **state)
{
    static const int32_t rows[] = {9, 103, 7, 8};
    static const float want[] = {0.1f, -4, 3, 0.25f};
    struct sl_examples *e = golden_example();
    float scores[4];

    (void)state;
    check_ok(sl_examples_add_negative(e, 8, 0.75f, &err));
    check_ok(sl_examples_add_negative(e, 103, -4, &err)); /* there twice */
    check_ok(sl_examples_add_negative(e, 7, 3, &err));    /* a positive, too */
    check_ok(sl_examples_add_negative(e, 8, 0.25f, &err));
    sl_passage_scores(scores, e, 0, rows, 4);
    assert_memory_equal(scores, want, sizeof want);
    sl_examples_free(e);
}

static void a_positive_alone_needs_no_negatives(void **state)
{
    struct sl_examples *e = sl_examples_new();
    int32_t row = -1;

    (void)state;
    check_ok(sl_examples_add_query(e, "q", 1, "text", 4, &err));
    check_ok(sl_examples_add_positive(e, 8, 1, &err));
    sl_choose_passages(&row, e, 0, 1, 5, false);
    assert_int_equal(row, 8);
    sl_examples_free(e);
}

static void the_hardest_are_kept_behind_the_positive(void **state)
{
    /* Another group's, then ours of six: a poor positive, ties. */
    static const float score[8] = {9, 9, -5, 1, 3, 2, 3, 0.5f};
    static const int32_t want[6] = {2, 4, 6, 5, 3, 7};

    (void)state;
    for (int64_t m = 1; m <= 6; m++) {
        int32_t kept[7] = {0, 0, 0, 0, 0, 0, -7};

        kept[m] = -7;
        sl_keep_hardest(kept, score, 2, 6, m);
        assert_memory_equal(kept, want, (size_t)m * sizeof *kept);
        assert_int_equal(kept[m], -7);
    }
}

/* ---- lists --------------------------------------------------------------- */

struct files {
    struct sl_queries *queries;
    struct sl_qrels *qrels;
    struct sl_run *run;
    struct sl_docids *ids;
};

static void files_open(struct files *f, const char *qrels, const char *run)
{
    const char *path =
        test_file("queries.tsv", "q1\tone\nq2\ttwo\nq3\tthree\nq4\tfour\n");

    *f = (struct files){0};
    check_ok(sl_queries_load(&f->queries, path, &err));
    path = test_file("qrels.txt", qrels);
    check_ok(sl_qrels_load(&f->qrels, path, &err));
    path = test_file("run.tsv", run);
    check_ok(sl_run_load(&f->run, path, &err));
    f->ids = sl_docids_new();
    for (int i = 0; i < 1000; i++) {
        char id[8];
        int64_t row;
        int n = snprintf(id, sizeof id, "%d", i);

        check_ok(sl_docids_add(f->ids, id, (size_t)n, &row, &err));
    }
}

static void files_close(struct files *f)
{
    sl_queries_free(f->queries);
    sl_qrels_free(f->qrels);
    sl_run_free(f->run);
    sl_docids_free(f->ids);
}

/* q1: positives 3 and 900, hits 0 .. 99; q2: one hit, its positive; q3: judged
 * 0 only; q4: no hits; qx: no text. */
static const char qrels_text[] = "q1 0 3 1\nq1 0 900 2\nq1 0 4 0\nq2 0 50 1\n"
                                 "q3 0 1 0\nq4 0 1 1\nqx 0 1 1\n";

static char *run_text(void)
{
    static char text[8192];
    size_t at = 0;

    for (int i = 0; i < 100; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "q1\t%d\t%d\t%d\n",
                               i, i + 1, 1000 - i);
    snprintf(text + at, sizeof text - at,
             "q2\t50\t1\t9\nq3\t7\t1\t9\nqx\t7\t1\t9\n");
    return text;
}

static bool has(const struct sl_doc_lists *d, int64_t i, int32_t row)
{
    for (int64_t j = d->start[i]; j < d->start[i + 1]; j++)
        if (d->row[j] == row)
            return true;
    return false;
}

static void a_list_holds_hits_then_strangers(void **state)
{
    struct sl_negatives_rule rule = {
        .depth = 40, .count = 30, .random = 5, .seed = 7};
    struct sl_negatives_report report;
    struct sl_examples *e, *again;
    const struct sl_doc_lists *N, *P;
    struct files f;
    int strangers = 0;

    (void)state;
    files_open(&f, qrels_text, run_text());
    check_ok(sl_negatives_build(&e, &report, f.queries, f.qrels, f.run, f.ids,
                                &rule, &err));
    N = &e->negatives;
    P = &e->positives;
    assert_int_equal(e->n, 2);
    assert_int_equal(report.no_text, 1);
    assert_int_equal(report.no_hits, 1);
    assert_int_equal(report.no_positive, 1);
    assert_int_equal(P->start[1], 2);
    assert_int_equal(P->row[0], 3);
    assert_int_equal(P->row[1], 900);
    check_close((double)P->score[0], 997, 0);
    check_close((double)P->score[1], -1, 0);

    assert_int_equal(N->start[1], 30);
    for (int64_t j = 0; j < 30; j++) {
        bool stranger = N->score[j] < 0;

        strangers += stranger;
        assert_true(N->row[j] != 3 && N->row[j] != 900);
        /* Depth counts what is left when positives are gone: 0 .. 40. */
        check_msg(stranger ? N->row[j] >= 100 : N->row[j] <= 40,
                  "negative %d has score %g", (int)N->row[j],
                  (double)N->score[j]);
        if (!stranger)
            check_close((double)N->score[j], 1000 - N->row[j], 0);
    }
    assert_int_equal(strangers, 5);
    /* q2's one hit is its positive: 25 + 5 strangers. */
    assert_int_equal(N->start[2] - N->start[1], 30);
    assert_false(has(N, 1, 50));

    check_ok(sl_negatives_build(&again, &report, f.queries, f.qrels, f.run,
                                f.ids, &rule, &err));
    assert_memory_equal(N->row, again->negatives.row, 60 * sizeof *N->row);
    sl_examples_free(again);
    rule.seed = 8;
    check_ok(sl_negatives_build(&again, &report, f.queries, f.qrels, f.run,
                                f.ids, &rule, &err));
    check_msg(memcmp(N->row, again->negatives.row, 60 * sizeof *N->row),
              "two seeds, one list");
    sl_examples_free(again);
    sl_examples_free(e);

    /* No strangers: q2 has nothing left. */
    rule.random = 0;
    check_ok(sl_negatives_build(&e, &report, f.queries, f.qrels, f.run, f.ids,
                                &rule, &err));
    assert_int_equal(e->n, 1);
    assert_int_equal(report.no_negative, 1);
    assert_int_equal(e->negatives.start[1], 30);
    sl_examples_free(e);
    files_close(&f);
}

static void a_full_corpus_leaves_no_stranger(void **state)
{
    struct sl_negatives_rule rule = {
        .depth = 1000, .count = 1010, .random = 10, .seed = 1};
    struct sl_negatives_report report;
    struct sl_examples *e;
    struct files f;
    static char run[32768];
    size_t at = 0;

    (void)state;
    for (int i = 0; i < 1000; i++)
        at += (size_t)snprintf(run + at, sizeof run - at, "q1\t%d\t%d\t1\n", i,
                               i + 1);
    files_open(&f, "q1 0 3 1\n", run);
    check_ok(sl_negatives_build(&e, &report, f.queries, f.qrels, f.run, f.ids,
                                &rule, &err));
    assert_int_equal(e->negatives.start[1], 999);
    sl_examples_free(e);
    files_close(&f);
}

/* 900 rows are neither hits (0 .. 99) nor positives, but for 900 itself: a
 * chi-squared of 898 degrees of freedom, at most four deviations off. */
static void strangers_come_from_everywhere_alike(void **state)
{
    enum { DRAWS = 50000 };
    struct sl_negatives_rule rule = {
        .depth = 0, .count = DRAWS, .random = DRAWS, .seed = 3};
    struct sl_negatives_report report;
    static int64_t times[1000];
    double each = DRAWS / 899.0, chi2 = 0;
    struct sl_examples *e;
    struct files f;

    (void)state;
    files_open(&f, qrels_text, run_text());
    check_ok(sl_negatives_build(&e, &report, f.queries, f.qrels, f.run, f.ids,
                                &rule, &err));
    assert_int_equal(e->negatives.start[1], DRAWS);
    for (int64_t j = 0; j < DRAWS; j++)
        times[e->negatives.row[j]]++;
    for (int row = 0; row < 1000; row++) {
        double d = (double)times[row] - each;

        if (row < 100 || row == 900)
            check_msg(!times[row], "row %d is a hit or a positive", row);
        else
            chi2 += d * d / each;
    }
    check_msg(fabs(chi2 - 898) < 4 * sqrt(2 * 898), "chi-squared is %g", chi2);
    sl_examples_free(e);
    files_close(&f);
}

static void any_judgement_can_make_a_positive(void **state)
{
    struct sl_negatives_rule rule = {
        .depth = 40, .count = 30, .random = 5, .seed = 7, .any_grade = true};
    struct sl_negatives_report report;
    struct sl_examples *e;
    struct files f;

    (void)state;
    files_open(&f, qrels_text, run_text());
    check_ok(sl_negatives_build(&e, &report, f.queries, f.qrels, f.run, f.ids,
                                &rule, &err));
    assert_int_equal(e->n, 3); /* q3, judged 0 alone, is one now */
    assert_int_equal(report.no_positive, 0);
    assert_true(has(&e->positives, 0, 4));
    assert_false(has(&e->negatives, 0, 4));
    sl_examples_free(e);
    files_close(&f);
}

static void queries_whose_positives_are_not_found_can_be_left_out(void **state)
{
    struct sl_negatives_rule rule = {
        .depth = 40, .count = 30, .random = 5, .seed = 7, .filter_noisy = true};
    struct sl_negatives_report report;
    struct sl_examples *e;
    struct files f;
    char line[256];

    (void)state;
    files_open(&f, "q1 0 3 1\nq1 0 900 1\nq2 0 50 1\nq3 0 8 1\nqx 0 1 1\n",
               run_text());
    check_ok(sl_negatives_build(&e, &report, f.queries, f.qrels, f.run, f.ids,
                                &rule, &err));
    assert_int_equal(e->n, 2); /* of q1's two the run has one, of q3's none */
    assert_int_equal(report.noisy, 1);
    sl_negatives_describe(line, sizeof line, &report);
    assert_string_equal(line, "judged queries left out: 1 without text, "
                              "1 whose positives the run has not");
    sl_negatives_describe(line, sizeof line, &(struct sl_negatives_report){0});
    assert_string_equal(line, "");
    sl_examples_free(e);
    files_close(&f);
}

static void unknown_passages_are_named(void **state)
{
    struct sl_negatives_rule rule = {
        .depth = 40, .count = 30, .random = 5, .seed = 7};
    struct sl_negatives_report report;
    struct sl_examples *e;
    struct files f;

    (void)state;
    files_open(&f, "q1 0 mars 1\n", "q1\t5\t1\t1\n");
    check_fails(SIMLM_E_FORMAT, "'mars' of the qrels is not in the corpus",
                sl_negatives_build(&e, &report, f.queries, f.qrels, f.run,
                                   f.ids, &rule, &err));
    files_close(&f);
    files_open(&f, "q1 0 5 1\n", "q1\t1000\t1\t1\n");
    check_fails(SIMLM_E_FORMAT, "'1000' of the run of negatives is not",
                sl_negatives_build(&e, &report, f.queries, f.qrels, f.run,
                                   f.ids, &rule, &err));
    files_close(&f);
    files_open(&f, "qx 0 5 1\n", "q1\t10\t1\t1\n");
    check_fails(SIMLM_E_FORMAT, "no query has",
                sl_negatives_build(&e, &report, f.queries, f.qrels, f.run,
                                   f.ids, &rule, &err));
    files_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_are_the_references),
        cmocka_unit_test(short_lists_repeat_and_large_offsets_hold),
        cmocka_unit_test(scores_are_the_last_ones_of_the_lists),
        cmocka_unit_test(a_positive_alone_needs_no_negatives),
        cmocka_unit_test(the_hardest_are_kept_behind_the_positive),
        cmocka_unit_test(a_list_holds_hits_then_strangers),
        cmocka_unit_test(a_full_corpus_leaves_no_stranger),
        cmocka_unit_test(strangers_come_from_everywhere_alike),
        cmocka_unit_test(any_judgement_can_make_a_positive),
        cmocka_unit_test(queries_whose_positives_are_not_found_can_be_left_out),
        cmocka_unit_test(unknown_passages_are_named),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    test_tmpdir_remove();
    return failed;
}
