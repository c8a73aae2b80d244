#include "train/loop.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "base/observe.h"
#include "base/rng.h"
#include "comm/comm.h"
#include "data/lm_batch.h"
#include "train/checkpoint.h"
#include "train/kept.h"
#include "train/optimiser.h"

enum { STATES = 2 }; /* kept to resume from */

simlm_status sl_loop_plan(struct sl_loop *l, simlm_error *err)
{
    const simlm_train_options *o = l->o;
    double n = o->steps ? (double)o->steps
                        : ceil(o->epochs * (double)l->order->steps_per_epoch);

    if (!(n >= 1 && n <= 1e12))
        return sl_fail(err, SIMLM_E_ARG, "%g epochs of %lld steps: no run",
                       o->epochs, (long long)l->order->steps_per_epoch);
    SL_TRY(sl_kept_check(o, l->task.measures, l->order->n_eval, err));
    return sl_schedule_init(&l->schedule, (simlm_schedule)o->schedule, o->lr,
                            o->warmup, (int64_t)n, err);
}

uint64_t sl_loop_dropout(const simlm_train_options *o, int64_t k)
{
    return sl_stream(o->seed, SL_PURPOSE_DROPOUT, (uint64_t)k);
}

uint64_t sl_loop_sampling(const simlm_train_options *o,
                          const struct sl_step *step)
{
    int64_t k = step->train ? step->k : SL_EVAL_EPOCH + step->k;

    return sl_stream(o->seed, SL_PURPOSE_SAMPLE, (uint64_t)k);
}

/* ---- what the loop knows between steps ----------------------------------- */

struct pace {
    struct timespec since; /* of the tokens below */
    int64_t tokens;
};

struct state {
    struct sl_loop *l;
    struct sl_train_state s;
    struct sl_meters held_out; /* of this step; empty: it had no evaluation */
    struct pace pace;
    double shown_loss; /* of the last steps, for who watches; 0: none yet */
    double lr, norm;
    bool warned;
};

static double seconds_since(const struct timespec *t)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - t->tv_sec) +
           1e-9 * (double)(now.tv_nsec - t->tv_nsec);
}

static void pace_reset(struct pace *p)
{
    p->tokens = 0;
    clock_gettime(CLOCK_MONOTONIC, &p->since);
}

static void begin_record(struct sl_json_writer *w, const char *event,
                         const struct state *st)
{
    sl_json_begin(w, NULL, '{');
    sl_json_add_text(w, "event", event);
    sl_json_add_int(w, "step", st->s.step);
    sl_json_add_real(
        w, "epoch", (double)st->s.step / (double)st->l->order->steps_per_epoch);
}

/* A model's card is made of the log, so that no record may be missing. */
static simlm_status end_record(struct sl_json_writer *w, struct state *st,
                               simlm_error *err)
{
    bool ok;

    sl_json_end(w);
    ok = sl_str_ok(w->s);
    if (ok)
        sl_rundir_record(st->l->dir, sl_str_c(w->s));
    sl_str_free(w->s);
    return ok ? SIMLM_OK : sl_fail_nomem(err, "a record");
}

static simlm_status record_step(struct state *st, simlm_error *err)
{
    struct sl_str s = {0};
    struct sl_json_writer w = {.s = &s};
    double t = seconds_since(&st->pace.since);

    begin_record(&w, "step", st);
    sl_json_add_real(&w, "lr", st->lr);
    sl_json_add_real(&w, "loss", sl_meters_mean(&st->s.window, "loss"));
    sl_json_add_real(&w, "grad_norm", st->norm);
    sl_json_begin(&w, "epoch_mean", '{');
    sl_meters_report(&st->s.epoch, &w);
    sl_json_end(&w);
    sl_json_begin(&w, "window_mean", '{');
    sl_meters_report(&st->s.window, &w);
    sl_json_end(&w);
    sl_json_add_real(&w, "tokens_per_second", (double)st->pace.tokens / t);
    return end_record(&w, st, err);
}

/* ---- the parts of a round ------------------------------------------------ */

/* The loss is not finite: at which step, and is a weight to blame? */
static simlm_status nonfinite(struct sl_bert *m, const struct sl_step *step,
                              simlm_error *err)
{
    int64_t i = sl_params_nonfinite(&m->params, m->be, m->w);

    return sl_fail(
        err, SIMLM_E_NUMERIC, "%s %lld: the loss is not finite (%s%s)",
        step->train ? "step" : "evaluation batch", (long long)step->k,
        i < 0 ? "all weights are" : "nor is the weight ",
        i < 0 ? "" : m->params.list[i].name);
}

static simlm_status compute(struct sl_loop *l, const struct sl_step *step,
                            struct sl_meters *meters, int64_t *n_tokens,
                            simlm_error *err)
{
    simlm_status st = l->task.step(l->task.self, step, meters, n_tokens, err);

    if (st == SIMLM_E_NUMERIC ||
        (st == SIMLM_OK && !isfinite(sl_meters_mean(meters, "loss"))))
        return nonfinite(l->model, step, err);
    return st;
}

/* One step's loss jumps about: a mean in which old steps fade is shown. */
static void show_figures(struct state *st, double loss)
{
    const simlm_observer *o = st->l->dir->observer;
    double t = seconds_since(&st->pace.since);

    st->shown_loss += (st->shown_loss != 0 ? 0.1 : 1) * (loss - st->shown_loss);
    sl_observe_figure(o, "loss", st->shown_loss);
    sl_observe_figure(o, "tokens/s", t > 0 ? (double)st->pace.tokens / t : 0);
}

/* Their sum over ranks begins while the backward pass goes on. */
static void gradients_are_final(void *ctx, const sl_real *from)
{
    struct sl_loop *l = ctx;
    const float *g = (const float *)(const void *)l->model->g;

    sl_comm_sum_start(l->sum, (const float *)(const void *)from - g);
}

/* The ranks' shares of the step's gradient become the step's, on each. */
static simlm_status sum_gradients(struct sl_loop *l, simlm_error *err)
{
    if (!l->sum)
        return SIMLM_OK;
    SL_TRY(l->model->be->sync(l->model->be, err));
    sl_comm_sum_wait(l->sum);
    return SIMLM_OK;
}

static simlm_status train_step(struct state *st, simlm_error *err)
{
    struct sl_loop *l = st->l;
    struct sl_meters meters = {0};
    struct sl_watch watch = {gradients_are_final, l};
    struct sl_step step = {.k = st->s.step + 1,
                           .done = st->s.step,
                           .train = true,
                           .watch = l->sum ? &watch : NULL};
    int64_t tokens = 0;

    step.epoch = sl_order_epoch(l->order, step.k);
    if (step.k > 1 && step.epoch != sl_order_epoch(l->order, step.k - 1))
        sl_meters_reset(&st->s.epoch);
    step.n = sl_order_step(l->order, &step.example, step.k);
    SL_TRY(compute(l, &step, &meters, &tokens, err));
    SL_TRY(sum_gradients(l, err));
    st->lr = sl_schedule_lr(&l->schedule, step.k);
    SL_TRY(sl_optimiser_step(l->model, &st->norm, step.k, st->lr, l->o, err));
    sl_meters_add_all(&st->s.epoch, &meters);
    sl_meters_add_all(&st->s.window, &meters);
    st->s.step = step.k;
    st->s.best = false;
    sl_meters_reset(&st->held_out);
    st->pace.tokens += tokens;
    l->dir->started = true;
    show_figures(st, sl_meters_mean(&meters, "loss"));
    return SIMLM_OK;
}

/* A loss that stays where guessing is has a cause: say so once, early enough
 * to save the rest of the run. */
static void warn_at_chance(struct state *st)
{
    struct sl_loop *l = st->l;
    double loss = sl_meters_mean(&st->s.window, "loss");
    double chance = l->task.chance;

    if (st->warned || !(chance > 0) || st->s.step < 10 ||
        4 * st->s.step < l->schedule.n_steps ||
        2 * st->s.step <= 3 * l->schedule.warmup || !(loss > 0.97 * chance))
        return;
    st->warned = true;
    sl_rundir_say(l->dir, SIMLM_WARNING,
                  "the loss is %.3f after %lld of %lld steps; guessing gives "
                  "%.3f: is the learning rate right, does the data fit?",
                  loss, (long long)st->s.step, (long long)l->schedule.n_steps,
                  chance);
}

static simlm_status evaluate(struct state *st, simlm_error *err)
{
    struct sl_loop *l = st->l;
    const int64_t *rows = sl_order_eval(l->order);
    struct sl_meters meters = {0};
    struct sl_str s = {0};
    struct sl_json_writer w = {.s = &s};

    if (!l->order->n_eval)
        return SIMLM_OK;
    for (int64_t i = 0; i < l->order->n_eval; i += l->order->batch) {
        struct sl_step step = {.k = i / l->order->batch + 1,
                               .epoch = SL_EVAL_EPOCH,
                               .done = st->s.step,
                               .example = rows + i};
        int64_t tokens = 0;

        step.n = l->order->n_eval - i < l->order->batch ? l->order->n_eval - i
                                                        : l->order->batch;
        SL_TRY(compute(l, &step, &meters, &tokens, err));
    }
    st->held_out = meters;
    if (l->o->keep_best && sl_comm_first())
        SL_TRY(sl_kept_is_better(&st->s.best, l->dir->path, l->o->keep_best,
                                 &meters, err));
    begin_record(&w, "eval", st);
    sl_meters_report(&meters, &w);
    SL_TRY(end_record(&w, st, err));
    if (l->dir->observer && l->dir->observer->message) {
        for (int32_t i = 0; i < meters.n; i++)
            sl_str_printf(&s, " %s %.4f", meters.meter[i].name,
                          meters.meter[i].sum / meters.meter[i].weight);
        sl_rundir_say(l->dir, SIMLM_INFO, "step %lld, held out:%s",
                      (long long)st->s.step, sl_str_c(&s));
        sl_str_free(&s);
    }
    return SIMLM_OK;
}

static simlm_status save_model(void *self, const char *dir, simlm_error *err)
{
    const struct state *st = self;
    const struct sl_task *task = &st->l->task;

    SL_TRY(task->save(task->self, dir, err));
    return sl_kept_describe(st->l->dir, dir, st->s.step, &st->held_out, err);
}

/* A checkpoint; keep: with its model. */
static simlm_status save(struct state *st, bool keep, simlm_error *err)
{
    const char *dir = st->l->dir->path;

    if (!sl_comm_first())
        return SIMLM_OK;
    st->s.log_bytes = sl_rundir_log_bytes(st->l->dir);
    SL_TRY(sl_checkpoint_save(dir, st->l->model, &st->s,
                              keep ? save_model : NULL, st, err));
    if (st->s.best)
        SL_TRY(sl_checkpoint_set_best(dir, st->s.step, err));
    return sl_checkpoint_prune(dir, STATES, st->l->o->keep_last, err);
}

static bool due(const struct state *st, int64_t every)
{
    return every && st->s.step % every == 0;
}

/* Whoever of the ranks is asked to stop, all do after the same step. */
static simlm_status cancelled(bool *stop, const struct sl_loop *l,
                              simlm_error *err)
{
    *stop = sl_observe_cancelled(l->dir->observer);
    return sl_comm_any(stop, err);
}

static void progress(const struct state *st)
{
    sl_observe_progress(st->l->dir->observer, "training", st->s.step,
                        st->l->schedule.n_steps, "steps");
}

static simlm_status stop(const struct state *st, simlm_error *err)
{
    SL_TRY(sl_comm_wait_for_all(err)); /* a rank that ends early ends all */
    return sl_fail(
        err, SIMLM_E_CANCELLED,
        "stopped after step %lld of %lld; the same command continues",
        (long long)st->s.step, (long long)st->l->schedule.n_steps);
}

/* One step and whatever is due behind it. */
static simlm_status one_round(struct state *st, simlm_error *err)
{
    struct sl_loop *l = st->l;
    bool last, saves, keeps, stopped = false;

    SL_TRY(train_step(st, err));
    last = st->s.step == l->schedule.n_steps;
    warn_at_chance(st);
    if (due(st, l->o->log_every) || (last && l->o->log_every)) {
        SL_TRY(record_step(st, err));
        sl_meters_reset(&st->s.window);
        pace_reset(&st->pace);
    }
    if (due(st, l->o->eval_every) || last) {
        SL_TRY(evaluate(st, err));
        pace_reset(&st->pace);
    }
    progress(st);
    if (!last)
        SL_TRY(cancelled(&stopped, l, err));
    saves = !last && due(st, l->o->save_every);
    keeps = st->s.best || (saves && l->o->keep_last);
    if (saves || keeps || stopped)
        SL_TRY(save(st, keeps, err));
    return stopped ? stop(st, err) : SIMLM_OK;
}

/* What a run that was killed had not got done. */
static simlm_status mend_best(const struct state *st, simlm_error *err)
{
    return st->s.best && sl_comm_first()
               ? sl_checkpoint_set_best(st->l->dir->path, st->s.step, err)
               : SIMLM_OK;
}

/* The run is over: of the models that are kept no more than were asked for.  One
 * state stays until the trained model is in its place. */
static simlm_status leave_kept(const struct state *st, simlm_error *err)
{
    const simlm_train_options *o = st->l->o;

    return (o->keep_last || o->keep_best) && sl_comm_first()
               ? sl_checkpoint_prune(st->l->dir->path, 1, o->keep_last, err)
               : SIMLM_OK;
}

static simlm_status record_start(struct state *st, simlm_error *err)
{
    struct sl_str s = {0};
    struct sl_json_writer w = {.s = &s};
    const struct sl_loop *l = st->l;

    begin_record(&w, st->s.step ? "resume" : "start", st);
    sl_json_add_int(&w, "steps", l->schedule.n_steps);
    sl_json_add_int(&w, "steps_per_epoch", l->order->steps_per_epoch);
    sl_json_add_int(&w, "warmup", l->schedule.warmup);
    sl_json_add_int(&w, "examples", l->order->n_train);
    sl_json_add_int(&w, "held_out", l->order->n_eval);
    sl_json_add_int(&w, "parameters", l->model->params.size);
    sl_json_add_text(&w, "backend", l->model->be->name);
    return end_record(&w, st, err);
}

/* Ranks that start from different states, or round differently, would drift
 * apart. */
static simlm_status check_ranks(const struct state *st, simlm_error *err)
{
    SL_TRY(sl_comm_same_job(st->s.run, st->l->model->be->name, err));
    return sl_comm_same((uint64_t)st->s.step,
                        "this rank finds another checkpoint than rank 0: is "
                        "the output directory shared?",
                        err);
}

static simlm_status run(struct state *st, simlm_error *err)
{
    struct sl_loop *l = st->l;

    SL_TRY(sl_rundir_begin(l->dir, err));
    SL_TRY(sl_checkpoint_load(l->dir->path, l->model, &st->s,
                              sl_comm_first() ? l->dir->observer : NULL, err));
    SL_TRY(check_ranks(st, err));
    SL_TRY(mend_best(st, err));
    SL_TRY(sl_rundir_log_open(l->dir, st->s.log_bytes, err));
    if (st->s.step)
        sl_rundir_say(l->dir, SIMLM_INFO, "continuing after step %lld of %lld",
                      (long long)st->s.step, (long long)l->schedule.n_steps);
    SL_TRY(record_start(st, err));
    sl_bert_zero_grad(l->model);
    progress(st);
    pace_reset(&st->pace);
    while (st->s.step < l->schedule.n_steps)
        SL_TRY(one_round(st, err));
    SL_TRY(leave_kept(st, err));
    SL_TRY(sl_rundir_finish(l->dir, l->task.save, l->task.self, err));
    return sl_comm_wait_for_all(err);
}

simlm_status sl_loop_run(struct sl_loop *l, simlm_error *err)
{
    struct state st = {.l = l, .s.run = l->dir->run};
    struct sl_bert *m = l->model;
    simlm_status status = SIMLM_OK;

    if (sl_comm_size() > 1) {
        SL_ASSERT(m->be->host);
        status = sl_comm_sum_new(&l->sum, (float *)(void *)m->g, m->params.size,
                                 err);
    }
    if (status == SIMLM_OK)
        status = run(&st, err);
    sl_comm_sum_free(l->sum);
    l->sum = NULL;
    return status;
}
