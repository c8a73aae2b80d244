/*
 * The training loop over a task of the test's own: a run that is stopped and
 * resumed is the run that was not, bit for bit, and failures say what failed.
 */
#include "check.h"

#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/rng.h"
#include "train/checkpoint.h"
#include "train/loop.h"
#include "train/optimiser.h"

enum { N_STEPS = 24, BATCH = 5, N_EXAMPLES = 43 };

struct world {
    struct sl_backend *be;
    struct sl_bert *model;
    struct sl_order order;
    struct sl_rundir dir;
    simlm_train_options o;
    simlm_observer observer;
    int64_t stop_after; /* cancel then; 0: never */
    int64_t nan_at;     /* the step whose loss is not a number */
    int64_t inf_at;     /* the step whose gradient is infinite */
    double loss;        /* what each example costs; 0: something that falls */
    int64_t steps_done;
    char warning[512];
};

/* A gradient that depends on step, examples and weights: noise + weights. */
static void add_gradient(struct world *w, const struct sl_step *step)
{
    int64_t n = w->model->params.size;
    float *g = SL_NEW_ARRAY(float, n), *x = SL_NEW_ARRAY(float, n);
    struct sl_rng r;

    assert_true(g && x);
    w->be->download_real(w->be, x, w->model->w, n);
    sl_rng_init(&r, sl_stream(3, SL_PURPOSE_TEST,
                              (uint64_t)(step->k * 1000 + step->example[0])));
    for (int64_t p = 0; p < w->model->params.count; p++) {
        const struct sl_param *param = &w->model->params.list[p];

        for (int64_t i = param->offset; i < param->offset + param->n; i++)
            g[i] = (float)sl_rng_normal(&r) + 0.1f * x[i];
    }
    if (step->k == w->inf_at)
        g[w->model->params.list[2].offset] = INFINITY;
    w->be->upload_real(w->be, w->model->g, g, n);
    sl_free(g);
    sl_free(x);
}

static simlm_status fake_step(void *self, const struct sl_step *step,
                              struct sl_meters *meters, int64_t *n_tokens,
                              simlm_error *err)
{
    struct world *w = self;
    double loss = w->loss > 0 ? w->loss : 5.0 / (double)step->k;

    (void)err;
    if (step->train) {
        w->steps_done++;
        add_gradient(w, step);
        if (step->k == w->nan_at)
            loss = NAN;
    }
    sl_meters_add(meters, "loss", loss * (double)step->n, (double)step->n);
    *n_tokens = step->n;
    return SIMLM_OK;
}

static simlm_status fake_save(void *self, const char *dir, simlm_error *err)
{
    struct world *w = self;

    return sl_bert_save(w->model, dir, true, err);
}

static bool cancelled(void *ctx)
{
    const struct world *w = ctx;

    return w->stop_after && w->steps_done >= w->stop_after;
}

static void message(void *ctx, simlm_level level, const char *line)
{
    struct world *w = ctx;

    if (level == SIMLM_WARNING)
        snprintf(w->warning, sizeof w->warning, "%s", line);
}

static void world_open(struct world *w)
{
    struct sl_config c = sl_config_default();
    struct sl_bert_parts parts = {.head = true};

    *w = (struct world){0};
    c.vocab = 20;
    c.hidden = c.embedding = 8;
    c.layers = 1;
    c.heads = 2;
    c.ffn = 12;
    c.positions = 10;
    check_ok(sl_backend_open_cpu(&w->be, SL_FP32, 0, &err));
    check_ok(sl_bert_new(&w->model, w->be, &c, parts, &err));
    check_ok(sl_bert_init(w->model, 1, &err));
    check_ok(sl_bert_train(w->model, &err));
    check_ok(sl_order_init(&w->order, N_EXAMPLES, 6, BATCH, 9, &err));
    w->observer =
        (simlm_observer){.ctx = w, .message = message, .cancelled = cancelled};
    w->o = (simlm_train_options){.beta1 = 0.9,
                                 .beta2 = 0.999,
                                 .eps = 1e-8,
                                 .clip = 1,
                                 .weight_decay = 0.01,
                                 .log_every = 4,
                                 .eval_every = 10,
                                 .save_every = 5};
}

static void world_close(struct world *w)
{
    sl_rundir_close(&w->dir);
    sl_order_free(&w->order);
    sl_bert_free(w->model);
    sl_backend_close(w->be);
}

static simlm_status run(struct world *w, const char *dir, const char *identity,
                        bool overwrite, simlm_error *err)
{
    struct sl_loop l = {.o = &w->o,
                        .dir = &w->dir,
                        .model = w->model,
                        .order = &w->order,
                        .task = {w, fake_step, fake_save, log(20), "loss mrr"}};

    SL_TRY(sl_schedule_init(&l.schedule, SIMLM_SCHEDULE_LINEAR, 1e-2, 3,
                            N_STEPS, err));
    SL_TRY(sl_rundir_open(&w->dir, dir, identity, "{}", overwrite, &w->observer,
                          err));
    return w->dir.finished ? SIMLM_OK : sl_loop_run(&l, err);
}

/* The run that nothing disturbs. */
static void reference(const char *dir)
{
    struct world w;

    world_open(&w);
    check_ok(run(&w, dir, "{\"a\": 1}", false, &err));
    assert_int_equal(w.steps_done, N_STEPS);
    world_close(&w);
}

static void check_same_file(const char *a_dir, const char *b_dir,
                            const char *name)
{
    char *a_path = sl_path_join(a_dir, name),
         *b_path = sl_path_join(b_dir, name);
    char *a, *b;
    size_t n_a, n_b;

    check_ok(sl_file_read(&a, &n_a, a_path, 1 << 24, &err));
    check_ok(sl_file_read(&b, &n_b, b_path, 1 << 24, &err));
    check_msg(n_a == n_b && !memcmp(a, b, n_a), "%s differs", name);
    sl_free(a);
    sl_free(b);
    sl_free(a_path);
    sl_free(b_path);
}

static int64_t count_checkpoints(const char *dir)
{
    int64_t *steps, n;

    check_ok(sl_checkpoint_list(&steps, &n, dir, &err));
    sl_free(steps);
    return n;
}

/* Stopped after every possible step in turn, then resumed. */
static void a_resumed_run_is_the_run_that_was_not_stopped(void **state)
{
    const char *whole = test_path("whole");

    (void)state;
    reference(whole);
    assert_int_equal(count_checkpoints(whole), 0);
    for (int64_t stop = 1; stop < N_STEPS; stop += 3) {
        char name[32];
        const char *dir;
        struct world w;

        snprintf(name, sizeof name, "stopped-%d", (int)stop);
        dir = test_path(name);
        world_open(&w);
        w.stop_after = stop;
        check_fails(SIMLM_E_CANCELLED, "stopped after step",
                    run(&w, dir, "{\"a\": 1}", false, &err));
        assert_int_equal(w.steps_done, stop);
        check_msg(count_checkpoints(dir) <= 2, "%d checkpoints",
                  (int)count_checkpoints(dir));
        world_close(&w);

        world_open(&w);
        check_ok(run(&w, dir, "{\"a\": 1}", false, &err));
        assert_int_equal(w.steps_done, N_STEPS - stop);
        world_close(&w);
        check_same_file(whole, dir, "model.safetensors");
        check_same_file(whole, dir, "train.json");

        /* Once more: nothing is left to do. */
        world_open(&w);
        check_ok(run(&w, dir, "{\"a\": 1}", false, &err));
        assert_int_equal(w.steps_done, 0);
        world_close(&w);
    }
}

/* The evaluations of this task are all alike: the first, after step 10, is best. */
static void what_is_kept_survives_a_kill_before_the_link(void **state)
{
    const char *dir = test_path("kept");
    char target[64] = "";
    struct world w;

    (void)state;
    world_open(&w);
    w.o.keep_best = "loss";
    w.stop_after = 10;
    check_fails(SIMLM_E_CANCELLED, "", run(&w, dir, "{\"a\": 1}", false, &err));
    world_close(&w);
    assert_int_equal(unlink(test_path("kept/best")), 0);

    world_open(&w);
    w.o.keep_best = "loss";
    check_ok(run(&w, dir, "{\"a\": 1}", false, &err));
    world_close(&w);
    assert_true(readlink(test_path("kept/best"), target, sizeof target - 1) >
                0);
    assert_string_equal(target, "checkpoint-00000010");
    assert_true(sl_file_exists(test_path("kept/best/model.safetensors")));
    assert_false(sl_file_exists(test_path("kept/best/state.safetensors")));
    assert_int_equal(count_checkpoints(dir), 1);
}

static void a_damaged_checkpoint_is_passed_over(void **state)
{
    const char *whole = test_path("whole2"), *dir = test_path("damaged");
    char *blocks;
    struct world w;
    FILE *f;

    (void)state;
    reference(whole);
    world_open(&w);
    w.stop_after = 12;
    check_fails(SIMLM_E_CANCELLED, "", run(&w, dir, "{\"a\": 1}", false, &err));
    world_close(&w);

    blocks = sl_path_join(dir, "checkpoint-00000012/state.safetensors");
    f = fopen(blocks, "r+b");
    assert_non_null(f);
    fseek(f, -5, SEEK_END);
    fputc('!', f);
    fclose(f);
    sl_free(blocks);

    world_open(&w);
    check_ok(run(&w, dir, "{\"a\": 1}", false, &err));
    check_msg(strstr(w.warning, "damaged"), "warning '%s'", w.warning);
    assert_int_equal(w.steps_done, N_STEPS - 10); /* from checkpoint 10 */
    world_close(&w);
    check_same_file(whole, dir, "model.safetensors");
}

static void another_run_is_refused_by_its_first_difference(void **state)
{
    const char *dir = test_path("other");
    struct world w;

    (void)state;
    reference(dir);
    world_open(&w);
    check_fails(SIMLM_E_ARG, "holds a run with a = 1, not 2",
                run(&w, dir, "{\"a\": 2}", false, &err));
    check_fails(SIMLM_E_ARG, "holds a run with b = nothing, not \"x\"",
                run(&w, dir, "{\"a\": 1, \"b\": \"x\"}", false, &err));
    check_fails(SIMLM_E_ARG, "holds a run with a = 1, not nothing",
                run(&w, dir, "{}", false, &err));
    check_msg(sl_file_exists(test_path("other/model.safetensors")),
              "a refusal removed the model");
    check_ok(run(&w, dir, "{\"a\": 2}", true, &err));
    assert_int_equal(w.steps_done, N_STEPS);
    world_close(&w);
}

static void a_directory_of_somebody_elses_is_left_alone(void **state)
{
    const char *dir = test_path("home");
    struct world w;

    (void)state;
    check_ok(sl_dir_make(dir, &err));
    test_file("home/thesis.tex", "years of work");
    world_open(&w);
    check_fails(SIMLM_E_ARG, "holds 'thesis.tex', not a run",
                run(&w, dir, "{}", false, &err));
    w.stop_after = 3;
    check_fails(SIMLM_E_CANCELLED, "", run(&w, dir, "{}", true, &err));
    assert_true(sl_file_exists(test_path("home/thesis.tex")));
    world_close(&w);
}

static void a_run_that_fails_at_once_leaves_nothing(void **state)
{
    const char *dir = test_path("nothing");
    struct world w;

    (void)state;
    world_open(&w);
    w.nan_at = 1;
    check_fails(SIMLM_E_NUMERIC, "step 1: the loss is not finite",
                run(&w, dir, "{}", false, &err));
    world_close(&w);
    assert_false(sl_file_exists(dir));
}

static void what_is_not_finite_is_named(void **state)
{
    const char *dir = test_path("numeric");
    struct world w;

    (void)state;
    world_open(&w);
    w.inf_at = 7;
    check_fails(SIMLM_E_NUMERIC,
                "step 7: the gradient of "
                "'bert.embeddings.token_type_embeddings.weight' is not finite",
                run(&w, dir, "{}", false, &err));
    world_close(&w);
    assert_int_equal(count_checkpoints(dir), 1); /* of step 5 */

    world_open(&w);
    w.nan_at = 6;
    check_fails(SIMLM_E_NUMERIC, "step 6: the loss is not finite (all weights",
                run(&w, dir, "{}", false, &err));
    world_close(&w);
}

static void a_loss_at_chance_is_reported(void **state)
{
    struct world w;

    (void)state;
    world_open(&w);
    w.loss = 2.99; /* ln 20 = 2.996 */
    check_ok(run(&w, test_path("chance"), "{}", false, &err));
    check_msg(strstr(w.warning, "guessing gives 2.996"), "warning '%s'",
              w.warning);
    world_close(&w);

    world_open(&w);
    check_ok(run(&w, test_path("learns"), "{}", false, &err));
    check_msg(!*w.warning, "warning '%s'", w.warning);
    world_close(&w);
}

static void the_clipped_gradient_has_the_references_norm(void **state)
{
    (void)state;
    check_close(sl_clip_factor(0.5, 1), 1, 0);
    check_close(sl_clip_factor(3, 1), 1 / 3.000001, 1e-15);
    check_close(sl_clip_factor(1, 1), 1 / 1.000001, 1e-15);
    check_close(sl_clip_factor(1e9, 0), 1, 0);
}

/* One update by hand: decay reaches matrices only, unless all are asked for. */
static void decay_spares_biases_and_norms(void **state)
{
    (void)state;
    for (int all = 0; all < 2; all++) {
        struct world w;
        float *x, *y;
        double norm;
        int64_t n;

        world_open(&w);
        n = w.model->params.size;
        x = SL_NEW_ARRAY(float, n);
        y = SL_NEW_ARRAY(float, n);
        assert_true(x && y);
        for (int64_t i = 0; i < n; i++)
            x[i] = 1; /* gaps too: they must keep what they hold: zero */
        for (int64_t p = 0; p + 1 < w.model->params.count; p++) {
            const struct sl_param *a = &w.model->params.list[p];

            for (int64_t i = a->offset + a->n; i < a[1].offset; i++)
                x[i] = 0;
        }
        w.be->upload_real(w.be, w.model->w, x, n);
        w.o.weight_decay = 0.5;
        w.o.decay_all = all;
        /* No gradient: the moments are 0 and decay alone acts. */
        check_ok(sl_optimiser_step(w.model, &norm, 1, 0.1, &w.o, &err));
        check_close(norm, 0, 0);
        w.be->download_real(w.be, y, w.model->w, n);
        for (int64_t p = 0; p < w.model->params.count; p++) {
            const struct sl_param *a = &w.model->params.list[p];
            double want = a->decay || all ? 0.95 : 1;

            check_msg(fabs((double)y[a->offset] - want) < 1e-6 &&
                          fabs((double)y[a->offset + a->n - 1] - want) < 1e-6,
                      "%s: %g and %g, not %g", a->name, (double)y[a->offset],
                      (double)y[a->offset + a->n - 1], want);
        }
        sl_free(x);
        sl_free(y);
        world_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_resumed_run_is_the_run_that_was_not_stopped),
        cmocka_unit_test(what_is_kept_survives_a_kill_before_the_link),
        cmocka_unit_test(a_damaged_checkpoint_is_passed_over),
        cmocka_unit_test(another_run_is_refused_by_its_first_difference),
        cmocka_unit_test(a_directory_of_somebody_elses_is_left_alone),
        cmocka_unit_test(a_run_that_fails_at_once_leaves_nothing),
        cmocka_unit_test(what_is_not_finite_is_named),
        cmocka_unit_test(a_loss_at_chance_is_reported),
        cmocka_unit_test(the_clipped_gradient_has_the_references_norm),
        cmocka_unit_test(decay_spares_biases_and_norms),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    test_tmpdir_remove();
    return failed;
}
