/*
 * finetune.c - contrastive training of a bi-encoder (spec 2; docs/MODEL.md).
 *
 * A step is B queries with m passages each, a positive and m - 1 negatives from
 * the query's list; every other passage of the step is a negative, too.  The
 * loss couples all of a step's vectors, so it is computed whole, if need be in
 * chunks (model/biencoder.h).
 *
 * Evaluation does the same with the held-out queries in fixed batches and the
 * first window of their lists, so that evaluations of a run can be compared.
 * (The reference's window moves with the epoch.)
 */
#include "train/jobs.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "data/negatives.h"
#include "model/biencoder.h"
#include "train/groups.h"

struct finetune {
    const simlm_finetune_options *o;
    struct sl_setup setup;
    struct sl_groups groups;
    struct sl_rundir dir;

    struct sl_pack_rule query_rule, passage_rule;
    struct sl_id_list query_prompt;

    struct sl_biencoder *session;
    struct sl_pack batch; /* B queries, then B m passages */
    int32_t *passage;     /* [B m] rows of the corpus */
    int32_t *rank;        /* [B] */
    uint8_t *mask;        /* [B, B m]; NULL: false negatives are kept */
};

/* ---- a step --------------------------------------------------------------------- */

static void choose(struct finetune *f, const struct sl_step *step)
{
    for (int64_t i = 0; i < step->n; i++)
        sl_groups_choose(f->passage + i * f->o->groups.passages, &f->groups,
                         step->example[i], step);
}

/* mask [B, B m] <- columns that are known answers to the row's query. */
static void mark_false_negatives(struct finetune *f, const struct sl_step *step)
{
    int64_t m = f->o->groups.passages, columns = step->n * m;

    for (int64_t i = 0; i < step->n; i++) {
        int64_t e = sl_groups_example(&f->groups, step->example[i]);

        for (int64_t j = 0; j < columns; j++)
            f->mask[i * columns + j] =
                j != i * m &&
                sl_is_positive(f->groups.examples, e, f->passage[j]);
    }
}

static void pack_step(struct finetune *f, const struct sl_step *step)
{
    int64_t n_passages = step->n * f->o->groups.passages;

    sl_pack_clear(&f->batch);
    for (int64_t i = 0; i < step->n; i++)
        sl_pack_add_text(&f->batch, (uint64_t)i,
                         sl_groups_query(&f->groups, step->example[i]),
                         &f->query_rule);
    for (int64_t j = 0; j < n_passages; j++)
        sl_pack_add_row(&f->batch, (uint64_t)(step->n + j), f->groups.cache,
                        f->passage[j], &f->passage_rule);
}

static void measure(const struct finetune *f, int64_t n, double loss_sum,
                    struct sl_meters *meters)
{
    double mrr = 0, acc1 = 0, acc3 = 0;

    for (int64_t i = 0; i < n; i++) {
        mrr += 100.0 / f->rank[i];
        acc1 += f->rank[i] <= 1 ? 100 : 0;
        acc3 += f->rank[i] <= 3 ? 100 : 0;
    }
    sl_meters_add(meters, "loss", loss_sum, (double)n);
    sl_meters_add(meters, "mrr", mrr, (double)n);
    sl_meters_add(meters, "acc1", acc1, (double)n);
    sl_meters_add(meters, "acc3", acc3, (double)n);
}

static simlm_status finetune_step(void *self, const struct sl_step *step,
                                  struct sl_meters *meters, int64_t *n_tokens,
                                  simlm_error *err)
{
    struct finetune *f = self;
    const simlm_finetune_options *o = f->o;
    const struct sl_pack *pack = &f->batch;
    struct sl_biencoder_loss loss = {
        f->setup.profile.normalize ? 1 / o->temperature : 1,
        o->full_contrastive
    };
    struct sl_noise noise = { step->train,
                              sl_loop_dropout(&o->train, step->k) };
    struct sl_biencoder_batch in = { .B = step->n, .m = o->groups.passages,
                                     .mask = f->mask };
    double sum, scale = o->loss_scale > 0 ? o->loss_scale : 1;

    choose(f, step);
    if (f->mask)
        mark_false_negatives(f, step);
    pack_step(f, step);
    in.in = (struct sl_tokens){ pack->n, pack->N, pack->start, pack->ids,
                                pack->types, pack->key };
    *n_tokens = pack->N;
    SL_TRY(sl_biencoder_step(f->session, &sum, f->rank, &in, loss,
                             scale / (double)step->n, step->train, noise, err));
    measure(f, step->n, sum, meters);
    return SIMLM_OK;
}

static simlm_status finetune_save(void *self, const char *dir,
                                  simlm_error *err)
{
    struct finetune *f = self;

    f->setup.profile.query_max_length = f->o->query_length;
    f->setup.profile.passage_max_length = f->o->passage_length;
    return sl_setup_save(&f->setup, dir, false, err);
}

/* ---- options and description -------------------------------------------------------- */

static simlm_status check_options(const simlm_finetune_options *o,
                                  simlm_error *err)
{
    double most;

    SL_TRY(sl_setup_check(&o->train, err));
    SL_TRY(sl_groups_check(&o->groups, err));
    if (!(o->temperature >= 1e-4 && o->temperature <= 100))
        return sl_fail(err, SIMLM_E_ARG,
                       "temperature is %g: expected from 0.0001 to 100",
                       o->temperature);
    if (o->query_length < 3 || o->passage_length < 3)
        return sl_fail(err, SIMLM_E_ARG,
                       "lengths %d and %d: at least 3 tokens",
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
                       "false_negatives or loss_scale is out of range");
    return SIMLM_OK;
}

static simlm_status describe_identity(struct finetune *f, struct sl_str *s,
                                      simlm_error *err)
{
    const simlm_finetune_options *o = f->o;
    struct sl_json_writer w = { .s = s, .indent = 2 };

    sl_json_begin(&w, NULL, '{');
    sl_json_add_text(&w, "command", "finetune");
    SL_TRY(sl_setup_add_weights(&w, "model", o->train.model, err));
    SL_TRY(sl_groups_identity(&o->groups, &w, err));
    sl_json_add_int(&w, "steps", o->train.steps);
    sl_json_add_real(&w, "epochs", o->train.steps ? 0 : o->train.epochs);
    sl_json_add_int(&w, "eval_samples", o->train.eval_samples);
    sl_setup_identity(&f->setup, &w);
    sl_json_add_text(&w, "query_prompt", f->setup.profile.query_prompt);
    sl_json_add_int(&w, "pooling", f->setup.profile.pooling);
    sl_json_add_bool(&w, "normalize", f->setup.profile.normalize);
    sl_json_add_int(&w, "passages", o->groups.passages);
    sl_json_add_int(&w, "query_length", o->query_length);
    sl_json_add_int(&w, "passage_length", o->passage_length);
    sl_json_add_bool(&w, "use_first_positive", o->groups.use_first_positive);
    sl_json_add_real(&w, "temperature", o->temperature);
    sl_json_add_bool(&w, "full_contrastive", o->full_contrastive);
    sl_json_add_real(&w, "loss_scale", o->loss_scale);
    sl_json_add_text(&w, "false_negatives",
                     o->false_negatives ? "mask" : "keep");
    sl_json_end(&w);
    return SIMLM_OK;
}

static void describe_settings(const struct finetune *f, struct sl_str *s)
{
    const simlm_finetune_options *o = f->o;
    struct sl_json_writer w = { .s = s, .indent = 2 };

    sl_json_begin(&w, NULL, '{');
    sl_setup_settings(&f->setup, &w);
    sl_groups_settings(&o->groups, &w);
    sl_json_end(&w);
}

static simlm_status open_dir(struct finetune *f, simlm_error *err)
{
    const simlm_train_options *t = &f->o->train;
    struct sl_str identity = { 0 }, settings = { 0 };
    simlm_status st = describe_identity(f, &identity, err);

    describe_settings(f, &settings);
    if (st == SIMLM_OK && !(sl_str_ok(&identity) && sl_str_ok(&settings)))
        st = sl_fail_nomem(err, "a run's description");
    if (st == SIMLM_OK)
        st = sl_rundir_open(&f->dir, t->output, sl_str_c(&identity),
                            sl_str_c(&settings), t->overwrite,
                            f->setup.observer, err);
    sl_str_free(&identity);
    sl_str_free(&settings);
    return st;
}

/* ---- before the first step ------------------------------------------------------------ */

static simlm_status make_rules(struct finetune *f, simlm_error *err)
{
    const char *prompt = f->setup.profile.query_prompt;

    SL_TRY(sl_setup_passages(&f->passage_rule, &f->setup,
                             f->o->passage_length, err));
    SL_TRY(sl_setup_passages(&f->query_rule, &f->setup, f->o->query_length,
                             err));
    if (prompt && !sl_tokenizer_encode(f->setup.tokenizer, &f->query_prompt,
                                       prompt, strlen(prompt)))
        return sl_fail_nomem(err, "a prompt");
    f->query_rule.prompt = (struct sl_ids){ f->query_prompt.id,
                                            f->query_prompt.n };
    return SIMLM_OK;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static simlm_status open_session(struct finetune *f, simlm_error *err)
{
    const simlm_finetune_options *o = f->o;
    int64_t B = o->train.batch, P = B * o->groups.passages;
    int64_t longest = o->passage_length > o->query_length ? o->passage_length
                                                          : o->query_length;
    int64_t all = B * o->query_length + P * o->passage_length;
    struct sl_biencoder_options b = { .max_queries = B,
                                      .max_passages = P,
                                      .pooling = f->setup.profile.pooling,
                                      .normalize = f->setup.profile.normalize };

    b.session.max_tokens = least(
        all, o->train.batch_tokens > longest ? o->train.batch_tokens : longest);
    b.session.max_seqs = least(B + P, b.session.max_tokens / 2);
    b.session.checkpoint = o->train.checkpointing;
    SL_TRY(sl_pack_init(&f->batch, B + P, all, err));
    f->passage = SL_NEW_ARRAY(int32_t, P);
    f->rank = SL_NEW_ARRAY(int32_t, B);
    if (o->false_negatives == SIMLM_FALSE_NEGATIVES_MASK)
        f->mask = SL_NEW_ARRAY(uint8_t, B * P);
    if (!f->passage || !f->rank ||
        (o->false_negatives == SIMLM_FALSE_NEGATIVES_MASK && !f->mask))
        return sl_fail_nomem(err, "a step of training");
    SL_TRY(sl_biencoder_new(&f->session, f->setup.model, &b, err));
    return sl_setup_check_memory(&f->setup, sl_biencoder_bytes(f->session),
                                 err);
}

static double chance(const simlm_finetune_options *o)
{
    double B = o->train.batch, columns = B * o->groups.passages;

    return log(o->full_contrastive ? columns + 3 * (B - 1) : columns);
}

static simlm_status train(struct finetune *f, simlm_error *err)
{
    const simlm_train_options *t = &f->o->train;
    struct sl_loop loop = {
        .o = t,
        .dir = &f->dir,
        .model = f->setup.model,
        .order = &f->groups.order,
        .task = { f, finetune_step, finetune_save, chance(f->o) },
    };
    int64_t n_steps;

    SL_TRY(sl_groups_open(&f->groups, &f->o->groups, &f->setup, &f->dir, err));
    SL_TRY(sl_loop_count(&n_steps, t, f->groups.order.steps_per_epoch, err));
    SL_TRY(sl_schedule_init(&loop.schedule, (simlm_schedule)t->schedule, t->lr,
                            t->warmup, n_steps, err));
    SL_TRY(open_session(f, err));
    return sl_loop_run(&loop, err);
}

static simlm_status run(struct finetune *f, const simlm_observer *observer,
                        simlm_error *err)
{
    struct sl_bert_parts parts = { 0 };

    SL_TRY(check_options(f->o, err));
    SL_TRY(sl_setup_open(&f->setup, &f->o->train, parts, observer, err));
    SL_TRY(make_rules(f, err));
    SL_TRY(open_dir(f, err));
    if (f->dir.finished) {
        sl_rundir_say(&f->dir, SIMLM_INFO, "'%s': this run is finished",
                      f->o->train.output);
        return SIMLM_OK;
    }
    return train(f, err);
}

simlm_status sl_finetune(const simlm_finetune_options *o,
                         const simlm_observer *observer, simlm_error *err)
{
    struct finetune f = { .o = o };
    simlm_status st = run(&f, observer, err);

    sl_biencoder_free(f.session);
    sl_pack_free(&f.batch);
    sl_free(f.passage);
    sl_free(f.rank);
    sl_free(f.mask);
    sl_id_list_free(&f.query_prompt);
    sl_groups_close(&f.groups);
    sl_setup_close(&f.setup);
    sl_rundir_close(&f.dir);
    return st;
}
