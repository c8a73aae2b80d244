/* How alike two runs are: the definitions' values (tools/golden/overlap.py),
 * and what follows from them. */
#include <simlm/eval.h>

#include "check.h"

#define GOLDEN TEST_DATA "/golden/overlap/"

static simlm_overlap overlap_of(const char *a, const char *b)
{
    simlm_overlap o;

    check_ok(simlm_overlap_measure(&o, a, b, &err));
    return o;
}

/* One of the measures by its name in a report. */
static double value_of(const simlm_overlap *o, const char *name)
{
    char what[32];
    int cutoff = 0;

    if (!strcmp(name, "num_q"))
        return (double)o->n_queries;
    if (!strcmp(name, "only_a"))
        return (double)o->n_only_a;
    if (!strcmp(name, "only_b"))
        return (double)o->n_only_b;
    if (!strcmp(name, "rbo"))
        return o->rbo;
    check_msg(sscanf(name, "%31[a-z]@%d", what, &cutoff) == 2, "%s?", name);
    for (int i = 0; i < SIMLM_OVERLAP_CUTOFFS; i++)
        if (o->at[i].cutoff == cutoff)
            return !strcmp(what, "overlap") ? o->at[i].overlap
                   : !strcmp(what, "tied")  ? o->at[i].tied
                                            : o->at[i].order;
    check_msg(false, "no %s", name);
    return NAN;
}

static void every_value_is_the_definitions(void **state)
{
    simlm_overlap o = overlap_of(GOLDEN "a.run", GOLDEN "b.run");
    FILE *f = fopen(GOLDEN "expected.tsv", "r");
    char name[32];
    double want;
    int n = 0;

    (void)state;
    assert_non_null(f);
    for (; fscanf(f, "%31s %lf", name, &want) == 2; n++) {
        double got = value_of(&o, name);

        check_msg(fabs(got - want) <= 1e-14, "%s is %.17g, not %.17g", name,
                  got, want);
    }
    fclose(f);
    assert_int_equal(n, 4 + 3 * SIMLM_OVERLAP_CUTOFFS);
}

static void a_run_is_like_itself(void **state)
{
    simlm_overlap o = overlap_of(GOLDEN "b.run", GOLDEN "b.run");

    (void)state;
    assert_int_equal(o.n_only_a + o.n_only_b, 0);
    check_close(o.rbo, 1, 1e-14);
    for (int i = 0; i < SIMLM_OVERLAP_CUTOFFS; i++) {
        check_close(o.at[i].overlap, 1, 0);
        check_close(o.at[i].tied, 1, 0);
        check_close(o.at[i].order, 1, 0);
    }
}

static void the_two_may_change_places(void **state)
{
    simlm_overlap o = overlap_of(GOLDEN "a.run", GOLDEN "b.run");
    simlm_overlap p = overlap_of(GOLDEN "b.run", GOLDEN "a.run");

    (void)state;
    assert_int_equal(o.n_only_a, p.n_only_b);
    check_close(o.rbo, p.rbo, 1e-14);
    for (int i = 0; i < SIMLM_OVERLAP_CUTOFFS; i++)
        check_close(o.at[i].tied, p.at[i].tied, 1e-14);
}

/* The 50th and the 51st hit have the same score, and each run has its own. */
static void ties_are_no_difference(void **state)
{
    char a[2048] = "", b[2048] = "";
    simlm_overlap o;

    (void)state;
    for (int i = 1; i <= 51; i++) {
        int swapped = i < 50 ? i : 101 - i;

        snprintf(a + strlen(a), sizeof a - strlen(a), "q\td%d\t%d\t%d\n", i, i,
                 i < 50 ? -i : -50);
        snprintf(b + strlen(b), sizeof b - strlen(b), "q\td%d\t%d\t%d\n",
                 swapped, i, i < 50 ? -i : -50);
    }
    o = overlap_of(test_file("a.run", a), test_file("b.run", b));
    check_close(o.at[2].overlap, 0.98, 1e-14);
    check_close(o.at[2].tied, 1, 0);
    check_close(o.at[1].order, 1, 0);
    check_close(o.at[2].order, 0, 0);
}

/* Ranks decide, not scores, nor the order of lines. */
static void hits_are_in_the_order_of_ranks(void **state)
{
    simlm_overlap o =
        overlap_of(test_file("a.run", "q\ta\t1\t1\nq\tb\t2\t2\n"),
                   test_file("b.run", "q\tb\t2\t0\nq\ta\t1\t0\n"));

    (void)state;
    check_close(o.at[0].order, 1, 0);
    check_close(o.at[4].order, 1, 0);
}

static void runs_of_other_queries_are_refused(void **state)
{
    simlm_overlap o;
    const char *a = test_file("a.run", "q\ta\t1\n");

    (void)state;
    check_fails(
        SIMLM_E_FORMAT, "have no query in common",
        simlm_overlap_measure(&o, a, test_file("b.run", "r\ta\t1\n"), &err));
    check_fails(SIMLM_E_FORMAT, "have no query in common",
                simlm_overlap_measure(&o, a, test_file("b.run", ""), &err));
    check_fails(SIMLM_E_IO, "none.run",
                simlm_overlap_measure(&o, a, test_path("none.run"), &err));
    check_fails(SIMLM_E_ARG, "NULL", simlm_overlap_measure(&o, a, NULL, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_is_the_definitions),
        cmocka_unit_test(a_run_is_like_itself),
        cmocka_unit_test(the_two_may_change_places),
        cmocka_unit_test(ties_are_no_difference),
        cmocka_unit_test(hits_are_in_the_order_of_ranks),
        cmocka_unit_test(runs_of_other_queries_are_refused),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    test_tmpdir_remove();
    return failed;
}
