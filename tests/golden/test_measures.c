/* Measures are trec_eval's, `mrr` is the reference's, and the paired tests are
 * scipy's (fixtures of tools/golden/measures.py; spec section 11). */
#include <simlm/eval.h>

#include "check.h"
#include "eval/evaluate.h"
#include "eval/significance.h"

#define GOLDEN TEST_DATA "/golden/measures/"

static double value_of(const simlm_eval *e, const char *query,
                       const char *measure)
{
    for (int64_t q = 0; q < simlm_eval_n_queries(e); q++)
        for (int32_t i = 0; i < simlm_eval_n_measures(e); i++)
            if (!strcmp(simlm_eval_query(e, q), query) &&
                !strcmp(simlm_eval_measure(e, i), measure)) {
                check_msg(simlm_eval_answered(e, q), "%s not answered", query);
                return simlm_eval_value(e, q, i);
            }
    check_msg(false, "no %s of %s", measure, query);
    return NAN;
}

static const char *const names[] = {
    "ndcg@5",     "ndcg@10",    "ndcg@50",     "ndcg@100",    "ndcg@200",
    "ndcg@1000",  "map@5",      "map@10",      "map@50",      "map@100",
    "map@200",    "map@1000",   "recall@5",    "recall@10",   "recall@50",
    "recall@100", "recall@200", "recall@1000", "p@5",         "p@10",
    "p@50",       "p@100",      "p@200",       "p@1000",      "success@5",
    "success@10", "success@50", "success@100", "success@200", "success@1000",
    "ndcg",       "map",        "rr",          "rprec",       "bpref",
    "num_ret",    "num_rel",    "num_rel_ret",
};

static void compare_with(const char *expected, int32_t level)
{
    simlm_eval_options o;
    simlm_eval *e = NULL;
    char query[64], measure[64];
    double want;
    int n = 0;
    FILE *f = fopen(expected, "r");

    assert_non_null(f);
    simlm_eval_options_init(&o);
    o.measures = names;
    o.n_measures = SL_LEN(names);
    o.level = level;
    check_ok(simlm_eval_open(&e, GOLDEN "qrels.txt", GOLDEN "a.run", &o, &err));
    while (fscanf(f, "%63s %63s %lf", query, measure, &want) == 3) {
        double got = value_of(e, query, measure);

        check_msg(fabs(got - want) <= 1e-14, "%s of %s is %.17g, not %.17g",
                  measure, query, got, want);
        n++;
    }
    fclose(f);
    assert_int_equal(n, simlm_eval_n_answered(e) * (int64_t)SL_LEN(names));
    simlm_eval_close(e);
}

static void every_value_is_trec_evals(void **state)
{
    (void)state;
    compare_with(GOLDEN "expected.tsv", 1);
}

static void also_at_relevance_level_2(void **state)
{
    (void)state;
    compare_with(GOLDEN "level2.tsv", 2);
}

static simlm_eval *open_texts(const char *qrels, const char *run,
                              const char *measure, bool complete)
{
    simlm_eval_options o;
    simlm_eval *e = NULL;

    simlm_eval_options_init(&o);
    o.measures = &measure;
    o.n_measures = 1;
    o.complete = complete;
    check_ok(simlm_eval_open(&e, test_file("qrels.txt", qrels),
                             test_file("a.run", run), &o, &err));
    return e;
}

/* The mean of one measure. */
static double mean_of(const char *qrels, const char *run, const char *measure,
                      bool complete)
{
    simlm_eval *e = open_texts(qrels, run, measure, complete);
    double mean = simlm_eval_all(e, 0);

    simlm_eval_close(e);
    return mean;
}

static void the_references_golden_values(void **state)
{
    (void)state;
    check_close(mean_of("1\t0\ta\t1\n1\t0\tb\t1\n2\t0\tc\t1\n3\t0\tz\t1\n",
                        "1\tx\t1\n1\ta\t2\n1\tb\t3\n2\tc\t1\n", "mrr", false),
                50.0, 0);
    check_close(mean_of("1\t0\ta\t1\n1\t0\tb\t3\n2\t0\tc\t2\n",
                        "1\ta\t1\n1\tx\t2\n1\tb\t3\n2\ty\t1\n2\tc\t2\n", "mrr",
                        false),
                41.6667, 0);
    check_close(mean_of("1 0 a 3\n1 0 b 2\n1 0 c 2\n1 0 d 1\n1 0 e 0\n",
                        "1\ta\t1\n1\te\t2\n1\tb\t3\n1\td\t4\n", "ndcg", false),
                0.77833087, 1e-8);
}

/* mrr goes by the run's ranks, rr by scores with ties to the larger id. */
static void mrr_reads_ranks_and_rr_reads_scores(void **state)
{
    (void)state;
    const char *qrels = "1 0 a 1\n", *run = "1\ta\t1\t0.5\n1\tb\t2\t0.5\n";

    check_close(mean_of(qrels, run, "mrr", false), 100, 0);
    check_close(mean_of(qrels, run, "rr", false), 0.5, 0);
    check_close(mean_of(qrels, run, "rr@1", false), 0, 0);
}

/* A three-column run has round(1 / rank, 4) as scores, which first tie at ranks
 * 107 and 108: there the larger id comes first. */
static void rank_only_runs_tie_from_rank_107(void **state)
{
    (void)state;
    char run[200 * 16], *at = run;

    for (int i = 1; i <= 110; i++)
        at += sprintf(at, "1\td%03d\t%d\n", i, i);
    check_close(mean_of("1 0 d106 1\n", run, "rr", false), 1.0 / 106, 1e-15);
    check_close(mean_of("1 0 d107 1\n", run, "rr", false), 1.0 / 108, 1e-15);
    check_close(mean_of("1 0 d108 1\n", run, "rr", false), 1.0 / 107, 1e-15);
}

static void scores_tie_as_float_unless_asked_otherwise(void **state)
{
    (void)state;
    simlm_eval_options o;
    simlm_eval *e = NULL;
    const char *qrels = test_file("q", "1 0 a 1\n"), *measure = "rr";
    const char *run = test_file("r", "1\ta\t1\t1.00000001\n1\tb\t2\t1\n");

    simlm_eval_options_init(&o);
    o.measures = &measure;
    o.n_measures = 1;
    check_ok(simlm_eval_open(&e, qrels, run, &o, &err));
    check_close(simlm_eval_all(e, 0), 0.5, 0);
    simlm_eval_close(e);
    o.score_double = true;
    check_ok(simlm_eval_open(&e, qrels, run, &o, &err));
    check_close(simlm_eval_all(e, 0), 1, 0);
    simlm_eval_close(e);
}

static void the_mean_is_over_answered_or_all_queries(void **state)
{
    (void)state;
    const char *qrels = "1 0 a 1\n2 0 a 1\n3 0 a 0\n",
               *run = "1\ta\t1\n3\ta\t1\n";

    check_close(mean_of(qrels, run, "p@1", false), 0.5, 0);
    check_close(mean_of(qrels, run, "p@1", true), 1.0 / 3, 1e-15);
    check_close(mean_of(qrels, "7\ta\t1\n", "p@1", false), 0, 0);
}

static void the_msmarco_preset_is_in_per_cent(void **state)
{
    (void)state;
    static const char *const column[] = {"MRR@10", "R@50", "R@1k", "nDCG@10"};
    const double want[] = {25, 50, 50, 100 / log2(3) * 0.5};
    simlm_eval_options o;
    simlm_eval *e = NULL;

    simlm_eval_options_init(&o);
    o.preset = SIMLM_EVAL_MSMARCO;
    check_ok(simlm_eval_open(&e, test_file("q", "1 0 a 1\n2 0 b 1\n"),
                             test_file("r", "1\tx\t1\n1\ta\t2\n2\ta\t1\n"), &o,
                             &err));
    assert_int_equal(simlm_eval_n_measures(e), 4);
    for (int32_t i = 0; i < 4; i++) {
        assert_string_equal(simlm_eval_measure(e, i), column[i]);
        check_close(simlm_eval_all(e, i), want[i], 1e-14);
    }
    check_close(simlm_eval_value(e, 0, 0), 50, 0);
    simlm_eval_close(e);
}

/* ---- comparing ----------------------------------------------------------- */

static void open_pair(simlm_eval **a, simlm_eval **b)
{
    static const char *const measure[] = {"ndcg@10", "map", "rr", "recall@50"};
    simlm_eval_options o;

    simlm_eval_options_init(&o);
    o.measures = measure;
    o.n_measures = SL_LEN(measure);
    check_ok(simlm_eval_open(a, GOLDEN "qrels.txt", GOLDEN "a.run", &o, &err));
    check_ok(simlm_eval_open(b, GOLDEN "qrels.txt", GOLDEN "b.run", &o, &err));
}

static void the_t_test_is_scipys(void **state)
{
    (void)state;
    FILE *f = fopen(GOLDEN "ttest.tsv", "r");
    simlm_comparison c[4];
    simlm_eval *a, *b;
    char name[32];
    double t, p;
    int n = 0;

    assert_non_null(f);
    open_pair(&a, &b);
    check_ok(simlm_compare(c, a, b, NULL, &err));
    for (; fscanf(f, "%31s %lf %lf", name, &t, &p) == 3; n++) {
        if (n < 4) {
            assert_string_equal(c[n].measure, name);
            check_close(c[n].t, t, 1e-12);
            check_msg(fabs(c[n].p_t / p - 1) < 1e-11, "p is %.17g, not %.17g",
                      c[n].p_t, p);
        } else {
            double got = sl_student_p(t, strtod(name, NULL));

            check_msg(fabs(got / p - 1) < 1e-10,
                      "p of t %g with %s degrees is %.17g, not %.17g", t, name,
                      got, p);
        }
    }
    assert_int_equal(n, 11);
    fclose(f);
    simlm_eval_close(a);
    simlm_eval_close(b);
}

/* On data near normal the three tests agree; the sign-flip p is near the t
 * test's, and the interval covers 0 exactly when p is large. */
static void resampling_agrees_with_the_t_test(void **state)
{
    (void)state;
    simlm_comparison c[4];
    simlm_eval *a, *b;

    open_pair(&a, &b);
    check_ok(simlm_compare(c, a, b, NULL, &err));
    for (int i = 0; i < 4; i++) {
        check_close(c[i].difference, c[i].b - c[i].a, 1e-14);
        check_msg(fabs(c[i].p_permutation - c[i].p_t) < 0.02,
                  "%s: p %g by permutation, %g by t", c[i].measure,
                  c[i].p_permutation, c[i].p_t);
        check_msg(c[i].low < c[i].difference && c[i].difference < c[i].high &&
                      (c[i].low < 0) == (c[i].p_t > 0.05 || c[i].b < c[i].a),
                  "%s: interval %g .. %g", c[i].measure, c[i].low, c[i].high);
    }
    simlm_eval_close(a);
    simlm_eval_close(b);
}

static void comparing_is_the_same_on_any_number_of_threads(void **state)
{
    (void)state;
    simlm_comparison one[4], three[4];
    simlm_compare_options o;
    simlm_eval *a, *b;

    open_pair(&a, &b);
    simlm_compare_options_init(&o);
    o.resamples = 999;
    o.threads = 1;
    check_ok(simlm_compare(one, a, b, &o, &err));
    o.threads = 3;
    check_ok(simlm_compare(three, a, b, &o, &err));
    for (int i = 0; i < 4; i++)
        check_msg(one[i].p_permutation == three[i].p_permutation &&
                      one[i].low == three[i].low &&
                      one[i].high == three[i].high,
                  "%s differs", one[i].measure);
    simlm_eval_close(a);
    simlm_eval_close(b);
}

/* With n differences of one size and sign, only the two patterns of equal signs
 * reach the mean: the exact p is 2 / 2^n. */
static void the_sign_flip_test_is_exact_on_a_small_case(void **state)
{
    (void)state;
    const double d[4] = {0.1, 0.1, 0.1, 0.1};
    struct sl_significance s;

    check_ok(sl_significance(&s, d, 4, 1, 100000, 0.95, 3, &err));
    check_msg(fabs(s.p_permutation - 2.0 / 16) < 0.004, "p is %g, not 1/8",
              s.p_permutation);
    check_msg(s.better == 4 && s.worse == 0, "%d better", (int)s.better);
    check_close(s.low, 0.1, 1e-15);
    check_close(s.high, 0.1, 1e-15);
}

static void a_run_does_not_differ_from_itself(void **state)
{
    (void)state;
    simlm_comparison c[4];
    simlm_eval *a, *b;

    open_pair(&a, &b);
    check_ok(simlm_compare(c, a, a, NULL, &err));
    check_msg(c[0].t == 0 && c[0].p_t == 1 && c[0].p_permutation == 1 &&
                  c[0].low == 0 && c[0].high == 0,
              "t %g, p %g, %g", c[0].t, c[0].p_t, c[0].p_permutation);
    simlm_eval_close(a);
    simlm_eval_close(b);
}

static void bad_names_and_contracts_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "ndgc@10", "p",     "recall", "mrr@0",   "rr@-1",
        "bpref@5", "ndcg@", "",       "map@1e3", "map@99999999999"};
    const char *twice[] = {"rr@5", "rr@5"};
    simlm_comparison c;
    simlm_eval_options o;
    simlm_eval *e = NULL, *other;

    simlm_eval_options_init(&o);
    for (size_t i = 0; i < SL_LEN(bad); i++) {
        o.measures = &bad[i];
        o.n_measures = 1;
        check_fails(SIMLM_E_ARG, "unknown measure",
                    simlm_eval_open(&e, "q", "r", &o, &err));
    }
    o.measures = twice;
    o.n_measures = 2;
    check_fails(SIMLM_E_ARG, "named twice",
                simlm_eval_open(&e, "q", "r", &o, &err));
    check_fails(SIMLM_E_IO, "No such file",
                simlm_eval_open(&e, "/no/qrels", "r", NULL, &err));
    check_fails(SIMLM_E_ARG, "NULL",
                simlm_eval_open(&e, NULL, "r", NULL, &err));
    o.n_measures = 0;
    o.level = 0;
    check_fails(SIMLM_E_ARG, "level", simlm_eval_open(&e, "q", "r", &o, &err));
    simlm_eval_close(NULL);

    e = open_texts("1 0 a 1\n2 0 a 1\n", "1\ta\t1\n", "rr", false);
    other = open_texts("1 0 a 1\n3 0 a 1\n", "1\ta\t1\n", "rr", false);
    check_fails(SIMLM_E_ARG, "differ", simlm_compare(&c, e, other, NULL, &err));
    simlm_eval_close(e);
    simlm_eval_close(other);
    e = open_texts("1 0 a 1\n", "1\ta\t1\n", "rr", false);
    check_fails(SIMLM_E_ARG, "two", simlm_compare(&c, e, e, NULL, &err));
    simlm_eval_close(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_is_trec_evals),
        cmocka_unit_test(also_at_relevance_level_2),
        cmocka_unit_test(the_references_golden_values),
        cmocka_unit_test(mrr_reads_ranks_and_rr_reads_scores),
        cmocka_unit_test(rank_only_runs_tie_from_rank_107),
        cmocka_unit_test(scores_tie_as_float_unless_asked_otherwise),
        cmocka_unit_test(the_mean_is_over_answered_or_all_queries),
        cmocka_unit_test(the_msmarco_preset_is_in_per_cent),
        cmocka_unit_test(the_t_test_is_scipys),
        cmocka_unit_test(resampling_agrees_with_the_t_test),
        cmocka_unit_test(comparing_is_the_same_on_any_number_of_threads),
        cmocka_unit_test(the_sign_flip_test_is_exact_on_a_small_case),
        cmocka_unit_test(a_run_does_not_differ_from_itself),
        cmocka_unit_test(bad_names_and_contracts_are_refused),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    test_tmpdir_remove();
    return failed;
}
