/* Fusion of runs: each rule of index/fuse.h, by hand. */
#include <simlm/bm25.h>

#include "base/alloc.h"
#include "base/file.h"
#include "check.h"

static simlm_fuse_options options;
static const char *runs[3];

static void begin(const char *a, const char *b)
{
    simlm_fuse_options_init(&options);
    runs[0] = test_file("a.run", a);
    runs[1] = test_file("b.run", b);
    options.runs = runs;
    options.n_runs = 2;
    options.output = test_path("fused.run");
}

static void gives(const char *want)
{
    char *got;

    check_ok(simlm_fuse(&options, &err));
    check_ok(sl_file_read(&got, NULL, options.output, 1 << 20, &err));
    check_msg(!strcmp(got, want), "got\n%snot\n%s", got, want);
    sl_free(got);
}

static void minmax_maps_a_runs_hits_to_0_to_1(void **state)
{
    (void)state;
    /* a: x 1, y 0.5, z 0 (and w 0, unlisted); b: w 1, y 0. */
    begin("q\tx\t1\t30\nq\ty\t2\t20\nq\tz\t3\t10\n",
          "q\tw\t1\t-1\nq\ty\t2\t-3\n");
    gives("q\tx\t1\t1\nq\tw\t2\t1\nq\ty\t3\t0.5\nq\tz\t4\t0\n");
}

static void weights_scale_each_run(void **state)
{
    (void)state;
    const double weight[2] = {0.25, 2};

    begin("q\tx\t1\t30\nq\ty\t2\t20\nq\tz\t3\t10\n",
          "q\tw\t1\t-1\nq\ty\t2\t-3\n");
    options.weights = weight;
    gives("q\tw\t1\t2\nq\tx\t2\t0.25\nq\ty\t3\t0.125\nq\tz\t4\t0\n");
}

static void a_single_hit_is_worth_1(void **state)
{
    (void)state;
    begin("q\tx\t1\t5\n", "q\ty\t1\t7\nq\tz\t2\t7\n");
    gives("q\tx\t1\t1\nq\ty\t2\t1\nq\tz\t3\t1\n");
}

static void raw_scores_give_the_unlisted_the_lowest(void **state)
{
    (void)state;
    /* x: 30 + -3, y: 20 - 3, w: 20 - 1. */
    begin("q\tx\t1\t30\nq\ty\t2\t20\n", "q\tw\t1\t-1\nq\ty\t2\t-3\n");
    options.normalize = SIMLM_FUSE_NONE;
    gives("q\tx\t1\t27\nq\tw\t2\t19\nq\ty\t3\t17\n");
}

static void zscores_have_mean_0_and_deviation_1(void **state)
{
    (void)state;
    /* a: 1, -1; b: all equal, so 0 for listed and unlisted alike. */
    begin("q\tx\t1\t30\nq\ty\t2\t20\n", "q\tw\t1\t4\nq\ty\t2\t4\n");
    options.normalize = SIMLM_FUSE_ZSCORE;
    gives("q\tx\t1\t1\nq\ty\t2\t-1\nq\tw\t3\t-1\n");
}

static void rrf_adds_reciprocal_ranks(void **state)
{
    (void)state;
    /* With k 1: x 1/2, y 1/3 + 1/2, z 1/3; scores do not matter. */
    begin("q\tx\t1\t9\nq\ty\t2\t9\n", "q\ty\t1\t0\nq\tz\t2\t5\n");
    options.method = SIMLM_FUSE_RRF;
    options.rrf_k = 1;
    gives("q\ty\t1\t0.833333313\nq\tx\t2\t0.5\nq\tz\t3\t0.333333343\n");
}

static void a_run_without_the_query_adds_nothing(void **state)
{
    (void)state;
    begin("q\tx\t1\t8\nq\ty\t2\t4\n", "r\tx\t1\t3\n");
    options.normalize = SIMLM_FUSE_NONE;
    gives("q\tx\t1\t8\nq\ty\t2\t4\nr\tx\t1\t3\n");
}

static void the_top_is_cut_and_trec_form_written(void **state)
{
    (void)state;
    begin("q\tx\t1\t3\nq\ty\t2\t2\nq\tz\t3\t1\n", "q\tz\t1\t1\n");
    options.top = 2;
    options.format = SIMLM_RUN_TREC;
    options.tag = "both";
    gives("q Q0 x 1 1 both\nq Q0 z 2 1 both\n");
}

static void one_run_keeps_its_order(void **state)
{
    (void)state;
    begin("q\tx\t1\t3\nq\ty\t2\t2\nq\tz\t3\t2\n", "");
    options.n_runs = 1;
    options.normalize = SIMLM_FUSE_NONE;
    gives("q\tx\t1\t3\nq\ty\t2\t2\nq\tz\t3\t2\n");
}

static void what_cannot_be_fused_is_refused(void **state)
{
    (void)state;
    const double bad[2] = {1, NAN}, huge[2] = {1e300, 1e300};

    begin("q\tx\t1\t3e9\nq\ty\t2\t1\n", "q\tz\t1\t1\n");
    options.normalize = SIMLM_FUSE_NONE;
    options.weights = bad;
    check_fails(SIMLM_E_ARG, "weight", simlm_fuse(&options, &err));
    options.weights = huge;
    check_fails(SIMLM_E_RANGE, "query 'q' and passage 'x'",
                simlm_fuse(&options, &err));
    assert_false(sl_file_exists(options.output));
    options.weights = NULL;
    runs[1] = test_file("bad.run", "q\tz\n");
    check_fails(SIMLM_E_FORMAT, "bad.run:1", simlm_fuse(&options, &err));
    options.n_runs = 0;
    check_fails(SIMLM_E_ARG, "no run", simlm_fuse(&options, &err));
    check_fails(SIMLM_E_ARG, "NULL", simlm_fuse(NULL, &err));
    assert_false(sl_file_exists(options.output));
}

static int forget_the_output(void **state)
{
    (void)state;
    remove(test_path("fused.run"));
    return 0;
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup(f, forget_the_output)
    const struct CMUnitTest tests[] = {
        CASE(minmax_maps_a_runs_hits_to_0_to_1),
        CASE(weights_scale_each_run),
        CASE(a_single_hit_is_worth_1),
        CASE(raw_scores_give_the_unlisted_the_lowest),
        CASE(zscores_have_mean_0_and_deviation_1),
        CASE(rrf_adds_reciprocal_ranks),
        CASE(a_run_without_the_query_adds_nothing),
        CASE(the_top_is_cut_and_trec_form_written),
        CASE(one_run_keeps_its_order),
        CASE(what_cannot_be_fused_is_refused),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    test_tmpdir_remove();
    return failed;
}
