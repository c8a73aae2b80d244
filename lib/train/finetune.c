/*
 * finetune.c - fine-tuning of a bi-encoder, by contrast or from a teacher (spec
 * 2; docs/MODEL.md): options, description, run.  finetune_step.h is the step.
 */
#include "train/jobs.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "train/finetune_step.h"

static const char MEASURES[] = "loss mrr acc1 acc3";

struct finetune {
    const simlm_finetune_options *o;
    struct sl_setup setup;
    struct sl_groups groups;
    struct sl_rundir dir;
    struct sl_finetune_step step;
    struct sl_id_list query_prompt;
};

static simlm_status finetune_step(void *self, const struct sl_step *step,
                                  struct sl_meters *meters, int64_t *n_tokens,
                                  simlm_error *err)
{
    struct finetune *f = self;

    return sl_finetune_step(&f->step, step, meters, n_tokens, err);
}

static simlm_status finetune_save(void *self, const char *dir, simlm_error *err)
{
    struct finetune *f = self;

    return sl_setup_save(&f->setup, dir, false, err);
}

/* ---- options and description --------------------------------------------- */

static simlm_status check_distillation(const simlm_finetune_options *o,
                                       simlm_error *err)
{
    if (o->distill && !o->groups.examples)
        return sl_fail(err, SIMLM_E_ARG,
                       "distillation needs examples with a teacher's scores");
    if (o->distill && o->groups.passages < 2)
        return sl_fail(err, SIMLM_E_ARG,
                       "distillation needs at least 2 passages a query");
    if (!(o->contrastive_weight >= 0 && o->contrastive_weight <= 1e6))
        return sl_fail(err, SIMLM_E_ARG,
                       "contrastive-weight is %g: expected from 0 to 1e6",
                       o->contrastive_weight);
    if (o->mask_own_negatives && (!o->distill || o->scaled_loss))
        return sl_fail(err, SIMLM_E_ARG,
                       "leaving a query's own negatives out of the contrast is "
                       "for distillation without a scaled loss");
    return SIMLM_OK;
}

static simlm_status check_warmup(const simlm_finetune_options *o,
                                 const struct sl_schedule *schedule,
                                 simlm_error *err)
{
    return !o->temperature_warmup || schedule->warmup
               ? SIMLM_OK
               : sl_fail(err, SIMLM_E_ARG,
                         "a warm-up of the temperature lasts as long as that "
                         "of the learning rate, which has no step");
}

/* Of a run whose length is known. */
static simlm_status check_known_warmup(const simlm_finetune_options *o,
                                       simlm_error *err)
{
    const simlm_train_options *t = &o->train;
    struct sl_schedule schedule;

    if (!t->steps)
        return SIMLM_OK;
    SL_TRY(sl_schedule_init(&schedule, (simlm_schedule)t->schedule, t->lr,
                            t->warmup, t->steps, err));
    return check_warmup(o, &schedule, err);
}

simlm_status sl_check_finetune(const simlm_finetune_options *o,
                               simlm_error *err)
{
    double most;

    SL_TRY(sl_setup_check(&o->train, MEASURES, err));
    SL_TRY(sl_groups_check(&o->groups, err));
    if (!(o->temperature >= 1e-4 && o->temperature <= 100))
        return sl_fail(err, SIMLM_E_ARG,
                       "temperature is %g: expected from 0.0001 to 100",
                       o->temperature);
    if (o->query_length < 3 || o->passage_length < 3)
        return sl_fail(err, SIMLM_E_ARG, "lengths %d and %d: at least 3 tokens",
                       (int)o->query_length, (int)o->passage_length);
    most = (double)o->train.batch *
           ((double)o->query_length +
            (double)o->groups.passages * (double)o->passage_length);
    if (!(most < 1e9))
        return sl_fail(err, SIMLM_E_ARG,
                       "a step of %d queries of %d passages is too large",
                       (int)o->train.batch, (int)o->groups.passages);
    if (o->false_negatives < 0 || o->false_negatives > 1 ||
        !isfinite(o->loss_scale))
        return sl_fail(err, SIMLM_E_ARG,
                       "false-negatives or loss-scale is out of range");
    if (o->grad_cache < 0 || o->grad_cache > 1 << 20)
        return sl_fail(err, SIMLM_E_ARG,
                       "grad-cache is %d: expected from 0 to 1048576",
                       (int)o->grad_cache);
    if (o->normalize < SIMLM_NORMALIZE_MODEL ||
        o->normalize > SIMLM_NORMALIZE_YES)
        return sl_fail(err, SIMLM_E_ARG, "normalize is out of range");
    if (o->pooler < 0 || o->pooler > 1 << 16)
        return sl_fail(err, SIMLM_E_ARG,
                       "pooler is %d: expected from 0 to 65536",
                       (int)o->pooler);
    SL_TRY(check_known_warmup(o, err));
    return check_distillation(o, err);
}

static void describe_distillation(const simlm_finetune_options *o,
                                  struct sl_json_writer *w)
{
    sl_json_add_bool(w, "distill", o->distill);
    if (!o->distill)
        return;
    sl_json_add_real(w, "contrastive_weight", o->contrastive_weight);
    sl_json_add_bool(w, "mask_own_negatives", o->mask_own_negatives);
}

static simlm_status describe(void *self, struct sl_json_writer *w,
                             struct sl_json_writer *settings, simlm_error *err)
{
    struct finetune *f = self;
    const simlm_finetune_options *o = f->o;

    sl_json_add_text(w, "command", "finetune");
    SL_TRY(sl_setup_add_weights(w, "model", o->train.model, err));
    SL_TRY(sl_groups_identity(&o->groups, w, err));
    sl_setup_identity(&f->setup, w);
    sl_json_add_text(w, "query_prompt", f->setup.profile.query_prompt);
    sl_json_add_int(w, "pooling", f->setup.profile.pooling);
    sl_json_add_bool(w, "normalize", f->setup.profile.normalize);
    sl_json_add_bool(w, "untied", f->setup.model->passage != NULL);
    sl_json_add_int(w, "pooler", f->setup.model->cfg.pooler);
    sl_json_add_int(w, "passages", o->groups.passages);
    sl_json_add_int(w, "query_length", o->query_length);
    sl_json_add_int(w, "passage_length", o->passage_length);
    sl_json_add_bool(w, "use_first_positive", o->groups.use_first_positive);
    sl_json_add_real(w, "temperature", o->temperature);
    sl_json_add_bool(w, "full_contrastive", o->full_contrastive);
    sl_json_add_bool(w, "temperature_warmup", o->temperature_warmup);
    sl_json_add_bool(w, "scaled_loss", o->scaled_loss);
    sl_json_add_real(w, "loss_scale", o->loss_scale);
    if (o->grad_cache) /* like batch_tokens: decides the order of sums */
        sl_json_add_int(w, "grad_cache", o->grad_cache);
    sl_json_add_text(w, "false_negatives",
                     o->false_negatives ? "mask" : "keep");
    describe_distillation(o, w);

    sl_setup_settings(&f->setup, settings);
    sl_groups_settings(&o->groups, settings);
    return SIMLM_OK;
}

/* ---- before the first step ----------------------------------------------- */

static void set_profile(struct finetune *f)
{
    struct sl_profile *p = &f->setup.profile;

    if (f->o->normalize != SIMLM_NORMALIZE_MODEL)
        p->normalize = f->o->normalize == SIMLM_NORMALIZE_YES;
    p->query_max_length = f->o->query_length;
    p->passage_max_length = f->o->passage_length;
}

static simlm_status make_rules(struct finetune *f, simlm_error *err)
{
    const char *prompt = f->setup.profile.query_prompt;
    struct sl_pack_rule *query = &f->step.query_rule;

    SL_TRY(sl_setup_passages(&f->step.passage_rule, &f->setup,
                             f->o->passage_length, err));
    SL_TRY(sl_setup_passages(query, &f->setup, f->o->query_length, err));
    if (prompt && !sl_tokenizer_encode(f->setup.tokenizer, &f->query_prompt,
                                       prompt, strlen(prompt)))
        return sl_fail_nomem(err, "a prompt");
    query->prompt = (struct sl_ids){f->query_prompt.id, f->query_prompt.n};
    return SIMLM_OK;
}

static simlm_status open_step(struct finetune *f,
                              const struct sl_schedule *schedule,
                              simlm_error *err)
{
    size_t bytes;

    f->step.o = f->o;
    f->step.groups = &f->groups;
    f->step.profile = &f->setup.profile;
    f->step.warmup = schedule->warmup;
    SL_TRY(check_warmup(f->o, schedule, err));
    SL_TRY(sl_finetune_step_open(&f->step, &bytes, f->setup.model, err));
    return sl_setup_check_memory(&f->setup, bytes, err);
}

static simlm_status train(struct finetune *f, simlm_error *err)
{
    const simlm_train_options *t = &f->o->train;
    struct sl_loop loop = {
        .o = t,
        .dir = &f->dir,
        .model = f->setup.model,
        .order = &f->groups.order,
        .task = {f, finetune_step, finetune_save, sl_finetune_chance(f->o),
                 MEASURES},
    };

    f->groups.need_scores = f->o->distill;
    SL_TRY(sl_groups_open(&f->groups, &f->o->groups, &f->setup, &f->dir, err));
    SL_TRY(sl_loop_plan(&loop, err));
    SL_TRY(open_step(f, &loop.schedule, err));
    return sl_loop_run(&loop, err);
}

static simlm_status run(struct finetune *f, const simlm_observer *observer,
                        simlm_error *err)
{
    struct sl_bert_parts parts = {.retriever = true,
                                  .untied = f->o->untied,
                                  .pooler = f->o->pooler,
                                  .seed = f->o->train.seed};

    SL_TRY(sl_check_finetune(f->o, err));
    SL_TRY(sl_setup_open(&f->setup, &f->o->train, parts, observer, err));
    set_profile(f);
    SL_TRY(make_rules(f, err));
    SL_TRY(sl_setup_open_dir(&f->dir, &f->setup, describe, f, err));
    if (f->dir.finished)
        return SIMLM_OK;
    return train(f, err);
}

simlm_status sl_finetune(const simlm_finetune_options *o,
                         const simlm_observer *observer, simlm_error *err)
{
    struct finetune f = {.o = o};
    simlm_status st = run(&f, observer, err);

    sl_finetune_step_close(&f.step);
    sl_id_list_free(&f.query_prompt);
    sl_groups_close(&f.groups);
    sl_setup_close(&f.setup);
    sl_rundir_close(&f.dir);
    return st;
}
