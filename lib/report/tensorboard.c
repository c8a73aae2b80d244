#include "report/tensorboard.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/observe.h"
#include "format/json.h"

enum { MAX_SCALARS = 24, TAG = 48 };

struct scalars {
    struct sl_scalar scalar[MAX_SCALARS];
    char tag[MAX_SCALARS][TAG];
    int64_t n;
};

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- what a record has --------------------------------------------------- */

static void add(struct scalars *s, const char *group, const char *name,
                struct sl_json value)
{
    double x;

    if (s->n == MAX_SCALARS || !sl_json_is_real(value, &x))
        return;
    snprintf(s->tag[s->n], TAG, "%s/%s", group, name);
    s->scalar[s->n] = (struct sl_scalar){s->tag[s->n], x};
    s->n++;
}

static void add_step(struct scalars *s, struct sl_json record)
{
    static const struct {
        const char *key, *name;
    } own[] = {
        {"loss", "loss"},           {"lr", "learning_rate"},
        {"grad_norm", "grad_norm"}, {"tokens_per_second", "tokens_per_second"},
        {"epoch", "epoch"},
    };
    struct sl_json window = sl_json_field(record, "window_mean");
    struct sl_json_member part = {0};

    for (size_t i = 0; i < SL_LEN(own); i++)
        add(s, "train", own[i].name, sl_json_field(record, own[i].key));
    while (sl_json_next(window, &part))
        if (strcmp(part.key, "loss") != 0)
            add(s, "train", part.key, part.value);
}

static void add_eval(struct scalars *s, struct sl_json record)
{
    struct sl_json_member measure = {0};

    while (sl_json_next(record, &measure))
        if (strcmp(measure.key, "step") != 0 &&
            strcmp(measure.key, "epoch") != 0)
            add(s, "eval", measure.key, measure.value);
}

/* ---- writing ------------------------------------------------------------- */

/* After `step` updates: the next is the first that this file tells of. */
static simlm_status begin(struct sl_tensorboard *t, int64_t step,
                          simlm_error *err)
{
    if (!t->file.f) {
        SL_TRY(sl_dir_make(t->dir, err));
        SL_TRY(sl_tfevents_open(&t->file, t->dir, now(), err));
    }
    return sl_tfevents_start(&t->file, now(), step + 1, err);
}

static simlm_status write_record(struct sl_tensorboard *t,
                                 struct sl_json record, simlm_error *err)
{
    const char *event = sl_json_is_text(sl_json_field(record, "event"), NULL);
    struct scalars s = {.n = 0};
    int64_t step;

    if (!event || !sl_json_is_int(sl_json_field(record, "step"), &step))
        return SIMLM_OK;
    if (!strcmp(event, "start") || !strcmp(event, "resume"))
        return begin(t, step, err);
    if (!strcmp(event, "step"))
        add_step(&s, record);
    else if (!strcmp(event, "eval"))
        add_eval(&s, record);
    return s.n && t->file.f
               ? sl_tfevents_add(&t->file, now(), step, s.scalar, s.n, err)
               : SIMLM_OK;
}

/* ---- the observer -------------------------------------------------------- */

static void on_record(void *ctx, const char *json)
{
    struct sl_tensorboard *t = ctx;
    struct sl_json_doc *doc = NULL;

    if (t->st == SIMLM_OK)
        t->st = sl_json_parse(&doc, json, strlen(json), "a record", 0, &t->err);
    if (t->st == SIMLM_OK)
        t->st = write_record(t, sl_json_root(doc), &t->err);
    sl_json_free(doc);
    sl_observe_record(t->next, json);
}

static void on_progress(void *ctx, const char *phase, int64_t done,
                        int64_t total, const char *unit)
{
    sl_observe_progress(((struct sl_tensorboard *)ctx)->next, phase, done,
                        total, unit);
}

static void on_message(void *ctx, simlm_level level, const char *line)
{
    sl_observe_message(((struct sl_tensorboard *)ctx)->next, level, "%s", line);
}

static bool on_cancelled(void *ctx)
{
    const struct sl_tensorboard *t = ctx;

    return t->st < 0 || sl_observe_cancelled(t->next);
}

static void on_figure(void *ctx, const char *name, double value)
{
    sl_observe_figure(((struct sl_tensorboard *)ctx)->next, name, value);
}

simlm_status sl_tensorboard_open(struct sl_tensorboard *t, const char *dir,
                                 const simlm_observer *next, simlm_error *err)
{
    *t = (struct sl_tensorboard){
        .observer = {.ctx = t,
                     .progress = on_progress,
                     .message = on_message,
                     .record = on_record,
                     .cancelled = on_cancelled,
                     .figure = on_figure},
        .next = next,
        .dir = dir,
    };
    if (!sl_file_exists(dir))
        return SIMLM_OK;
    if (!sl_dir_exists(dir))
        return sl_fail(err, SIMLM_E_IO, "cannot write into '%s': is a file",
                       dir);
    return access(dir, W_OK) ? sl_fail_errno(err, "write into", dir) : SIMLM_OK;
}

simlm_status sl_tensorboard_close(struct sl_tensorboard *t, simlm_status st,
                                  simlm_error *err)
{
    simlm_status closed = sl_tfevents_close(&t->file, &t->err);

    if (t->st == SIMLM_OK)
        t->st = closed;
    if (t->st < 0 && (st == SIMLM_OK || st == SIMLM_E_CANCELLED))
        return sl_fail(err, t->st, "%s", t->err.msg);
    return st;
}
