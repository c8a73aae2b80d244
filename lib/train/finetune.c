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
#include "data/lm_batch.h"
#include "data/negatives.h"
#include "model/biencoder.h"
#include "train/loop.h"
#include "train/setup.h"

enum { EVAL_MOST = 512 }; /* held-out queries */

struct finetune {
    const simlm_finetune_options *o;
    struct sl_setup setup;
    struct sl_token_cache *cache;
    struct sl_examples *examples;
    int64_t *usable, n_usable; /* examples that can be trained with */
    struct sl_order order;     /* of the usable ones */
    struct sl_rundir dir;

    struct sl_pack_rule query_rule, passage_rule;
    struct sl_id_list query_prompt, query_ids;
    int64_t *query_start; /* [examples + 1] into query_ids */

    struct sl_biencoder *session;
    struct sl_pack batch; /* B queries, then B m passages */
    int32_t *passage;     /* [B m] rows of the corpus */
    int32_t *rank;        /* [B] */
    uint8_t *mask;        /* [B, B m]; NULL: false negatives are kept */
};

/* ---- a step --------------------------------------------------------------------- */

static void choose(struct finetune *f, const struct sl_step *step)
{
    int64_t m = f->o->passages;
    uint64_t offset = f->o->train.seed +
                      (uint64_t)(step->train ? step->epoch : 0);

    for (int64_t i = 0; i < step->n; i++)
        sl_choose_passages(f->passage + i * m, f->examples,
                           f->usable[step->example[i]], m, offset,
                           f->o->use_first_positive);
}

/* mask [B, B m] <- columns that are known answers to the row's query. */
static void mark_false_negatives(struct finetune *f, const struct sl_step *step)
{
    int64_t m = f->o->passages, columns = step->n * m;

    for (int64_t i = 0; i < step->n; i++)
        for (int64_t j = 0; j < columns; j++)
            f->mask[i * columns + j] =
                j != i * m && sl_is_positive(f->examples,
                                             f->usable[step->example[i]],
                                             f->passage[j]);
}

static void pack_step(struct finetune *f, const struct sl_step *step)
{
    int64_t n_passages = step->n * f->o->passages;

    sl_pack_clear(&f->batch);
    for (int64_t i = 0; i < step->n; i++) {
        int64_t q = f->usable[step->example[i]], at = f->query_start[q];
        struct sl_ids ids = { f->query_ids.id + at,
                              f->query_start[q + 1] - at };

        sl_pack_add_text(&f->batch, (uint64_t)i, ids, &f->query_rule);
    }
    for (int64_t j = 0; j < n_passages; j++)
        sl_pack_add_row(&f->batch, (uint64_t)(step->n + j), f->cache,
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
    struct sl_biencoder_batch in = { .B = step->n, .m = o->passages,
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
    bool lists = o->queries && o->qrels && o->negatives;
    bool some = o->queries || o->qrels || o->negatives;
    double most;

    SL_TRY(sl_setup_check(&o->train, err));
    if (!o->corpus)
        return sl_fail(err, SIMLM_E_ARG, "no corpus given");
    if (o->examples ? some : !lists)
        return sl_fail(err, SIMLM_E_ARG,
                       "give queries, qrels and a run of negatives, or a file "
                       "of examples");
    if (!(o->temperature >= 1e-4 && o->temperature <= 100))
        return sl_fail(err, SIMLM_E_ARG,
                       "temperature is %g: expected from 0.0001 to 100",
                       o->temperature);
    if (o->passages < 1 || o->passages > 4096 || o->negative_depth < 0 ||
        o->negative_count < 1 || o->negative_random < 0)
        return sl_fail(err, SIMLM_E_ARG,
                       "%d passages a query, %d negatives of depth %d, %d "
                       "random: out of range",
                       (int)o->passages, (int)o->negative_count,
                       (int)o->negative_depth, (int)o->negative_random);
    if (o->negative_random > o->negative_count)
        return sl_fail(err, SIMLM_E_ARG,
                       "negative_random is %d: expected at most "
                       "negative_count, %d",
                       (int)o->negative_random, (int)o->negative_count);
    if (o->query_length < 3 || o->passage_length < 3)
        return sl_fail(err, SIMLM_E_ARG,
                       "lengths %d and %d: at least 3 tokens",
                       (int)o->query_length, (int)o->passage_length);
    most = (double)o->train.batch *
           ((double)o->query_length +
            (double)o->passages * (double)o->passage_length);
    if (!(most < 1e9))
        return sl_fail(err, SIMLM_E_ARG,
                       "a step of %d queries of %d passages is too large",
                       (int)o->train.batch, (int)o->passages);
    if (o->false_negatives < 0 || o->false_negatives > 1 ||
        !isfinite(o->loss_scale))
        return sl_fail(err, SIMLM_E_ARG,
                       "false_negatives or loss_scale is out of range");
    return SIMLM_OK;
}

static simlm_status describe_data(const struct finetune *f,
                                  struct sl_json_writer *w, simlm_error *err)
{
    const simlm_finetune_options *o = f->o;

    SL_TRY(sl_setup_add_corpus(w, "corpus", &o->corpus, 1, err));
    if (o->examples)
        return sl_setup_add_file(w, "examples", o->examples, err);
    SL_TRY(sl_setup_add_file(w, "queries", o->queries, err));
    SL_TRY(sl_setup_add_file(w, "qrels", o->qrels, err));
    SL_TRY(sl_setup_add_file(w, "negatives", o->negatives, err));
    sl_json_add_int(w, "negative_depth", o->negative_depth);
    sl_json_add_int(w, "negative_count", o->negative_count);
    sl_json_add_int(w, "negative_random", o->negative_random);
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
    SL_TRY(describe_data(f, &w, err));
    sl_json_add_int(&w, "steps", o->train.steps);
    sl_json_add_real(&w, "epochs", o->train.steps ? 0 : o->train.epochs);
    sl_json_add_int(&w, "eval_samples", o->train.eval_samples);
    sl_setup_identity(&f->setup, &w);
    sl_json_add_text(&w, "query_prompt", f->setup.profile.query_prompt);
    sl_json_add_int(&w, "pooling", f->setup.profile.pooling);
    sl_json_add_bool(&w, "normalize", f->setup.profile.normalize);
    sl_json_add_int(&w, "passages", o->passages);
    sl_json_add_int(&w, "query_length", o->query_length);
    sl_json_add_int(&w, "passage_length", o->passage_length);
    sl_json_add_bool(&w, "use_first_positive", o->use_first_positive);
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
    sl_json_add_text(&w, "corpus", o->corpus);
    sl_json_add_text(&w, "queries", o->queries);
    sl_json_add_text(&w, "qrels", o->qrels);
    sl_json_add_text(&w, "negatives", o->negatives);
    sl_json_add_text(&w, "examples", o->examples);
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

/* ---- examples ------------------------------------------------------------------------ */

static void say_left_out(struct finetune *f,
                         const struct sl_negatives_report *r)
{
    if (r->no_text || r->no_hits || r->no_positive || r->no_negative)
        sl_rundir_say(&f->dir, SIMLM_INFO,
                      "judged queries left out: %lld without text, %lld not in "
                      "the run, %lld without a positive, %lld without a "
                      "negative",
                      (long long)r->no_text, (long long)r->no_hits,
                      (long long)r->no_positive, (long long)r->no_negative);
}

static simlm_status build_examples(struct finetune *f,
                                   const struct sl_docids *ids,
                                   simlm_error *err)
{
    const simlm_finetune_options *o = f->o;
    struct sl_negatives_rule rule = { o->negative_depth, o->negative_count,
                                      o->negative_random, o->train.seed };
    struct sl_negatives_report report;
    struct sl_queries *queries = NULL;
    struct sl_qrels *qrels = NULL;
    struct sl_run *negatives = NULL;
    simlm_status st = sl_queries_load(&queries, o->queries, err);

    if (st == SIMLM_OK)
        st = sl_qrels_load(&qrels, o->qrels, err);
    if (st == SIMLM_OK)
        st = sl_run_load(&negatives, o->negatives, err);
    if (st == SIMLM_OK)
        st = sl_negatives_build(&f->examples, &report, queries, qrels,
                                negatives, ids, &rule, err);
    if (st == SIMLM_OK)
        say_left_out(f, &report);
    sl_queries_free(queries);
    sl_qrels_free(qrels);
    sl_run_free(negatives);
    return st;
}

/* Training needs a positive, and a negative unless only the others' passages
 * are to be the negatives. */
static simlm_status find_usable(struct finetune *f, simlm_error *err)
{
    const struct sl_examples *e = f->examples;
    const int64_t *p = e->positives.start, *n = e->negatives.start;

    f->usable = SL_NEW_ARRAY(int64_t, e->n + 1);
    if (!f->usable)
        return sl_fail_nomem(err, "training examples");
    for (int64_t i = 0; i < e->n; i++)
        if (p[i + 1] > p[i] && (n[i + 1] > n[i] || f->o->passages == 1))
            f->usable[f->n_usable++] = i;
    if (!f->n_usable)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "no query has a positive and a negative passage");
    if (f->n_usable < e->n)
        sl_rundir_say(&f->dir, SIMLM_WARNING,
                      "%lld of %lld queries have no positive or no negative "
                      "passage and are left out",
                      (long long)(e->n - f->n_usable), (long long)e->n);
    return SIMLM_OK;
}

static simlm_status tokenize_queries(struct finetune *f, simlm_error *err)
{
    const struct sl_examples *e = f->examples;

    f->query_start = SL_NEW_ARRAY(int64_t, e->n + 1);
    if (!f->query_start)
        return sl_fail_nomem(err, "queries");
    for (int64_t i = 0; i < e->n; i++) {
        const struct sl_example_query *q = &e->query[i];

        if (!sl_tokenizer_encode(f->setup.tokenizer, &f->query_ids,
                                 e->text + q->text, (size_t)q->text_len))
            return sl_fail_nomem(err, "queries");
        f->query_start[i + 1] = f->query_ids.n;
    }
    return SIMLM_OK;
}

static simlm_status load_examples(struct finetune *f, simlm_error *err)
{
    const simlm_finetune_options *o = f->o;
    const struct sl_docids *ids = sl_token_cache_ids(f->cache);

    if (o->examples)
        SL_TRY(sl_examples_load(&f->examples, o->examples, ids, err));
    else
        SL_TRY(build_examples(f, ids, err));
    if (o->save_examples)
        SL_TRY(sl_examples_save(f->examples, o->save_examples, ids, err));
    SL_TRY(find_usable(f, err));
    return tokenize_queries(f, err);
}

static simlm_status open_order(struct finetune *f, simlm_error *err)
{
    const simlm_train_options *t = &f->o->train;
    int64_t n = f->n_usable, n_eval = t->eval_samples;

    if (n_eval < 0)
        n_eval = sl_order_eval_count(n, EVAL_MOST);
    if (n_eval >= n)
        return sl_fail(err, SIMLM_E_ARG,
                       "eval_samples is %lld: expected fewer than the %lld "
                       "queries",
                       (long long)n_eval, (long long)n);
    return sl_order_init(&f->order, n, n_eval, t->batch, t->seed, err);
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
    int64_t B = o->train.batch, P = B * o->passages;
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
    double B = o->train.batch, columns = B * o->passages;

    return log(o->full_contrastive ? columns + 3 * (B - 1) : columns);
}

static simlm_status train(struct finetune *f, simlm_error *err)
{
    const simlm_train_options *t = &f->o->train;
    struct sl_loop loop = {
        .o = t,
        .dir = &f->dir,
        .model = f->setup.model,
        .order = &f->order,
        .task = { f, finetune_step, finetune_save, chance(f->o) },
    };
    int64_t n_steps;

    SL_TRY(sl_setup_cache(&f->cache, &f->setup, &f->o->corpus, 1, err));
    SL_TRY(load_examples(f, err));
    SL_TRY(open_order(f, err));
    SL_TRY(sl_loop_count(&n_steps, t, f->order.steps_per_epoch, err));
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
    sl_free(f.query_start);
    sl_id_list_free(&f.query_ids);
    sl_id_list_free(&f.query_prompt);
    sl_free(f.usable);
    sl_order_free(&f.order);
    sl_examples_free(f.examples);
    sl_token_cache_close(f.cache);
    sl_setup_close(&f.setup);
    sl_rundir_close(&f.dir);
    return st;
}
