#include "train/setup.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include <simlm/version.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/parallel.h"
#include "comm/comm.h"
#include "data/corpus.h"
#include "model/towers.h"
#include "train/card.h"
#include "train/kept.h"
#include "train/schedule.h"

/* ---- options ------------------------------------------------------------- */

/* Of a run whose length is known. */
static simlm_status check_schedule(const simlm_train_options *o,
                                   simlm_error *err)
{
    struct sl_schedule s;

    return o->steps ? sl_schedule_init(&s, (simlm_schedule)o->schedule, o->lr,
                                       o->warmup, o->steps, err)
                    : SIMLM_OK;
}

simlm_status sl_setup_check(const simlm_train_options *o, const char *measures,
                            simlm_error *err)
{
    const struct {
        const char *name;
        double value, min, max;
    } range[] = {
        {"steps", (double)o->steps, 0, 1e12},
        {"batch", o->batch, 1, 1 << 20},
        {"batch-tokens", o->batch_tokens, 16, 1 << 28},
        {"schedule", o->schedule, 0, 2},
        {"lr", o->lr, 1e-30, 1e3},
        {"warmup", o->warmup, 0, 1e12},
        {"weight-decay", o->weight_decay, 0, 1e3},
        {"beta1", o->beta1, 0, 0.999999},
        {"beta2", o->beta2, 0, 0.9999999},
        {"eps", o->eps, 1e-20, 1},
        {"clip", o->clip, 0, 1e30},
        {"dropout", o->dropout, -1, 0.9},
        {"log-every", o->log_every, 0, 1e9},
        {"eval-every", o->eval_every, 0, 1e9},
        {"save-every", o->save_every, 0, 1e9},
        {"keep-last", o->keep_last, 0, 1e9},
        {"precision", o->precision, SIMLM_FP32, SIMLM_BF16},
        {"threads", o->threads, 0, 1024},
    };

    if (!o->model || !o->output)
        return sl_fail(err, SIMLM_E_ARG, "no %s directory given",
                       o->model ? "output" : "model");
    for (size_t i = 0; i < SL_LEN(range); i++)
        if (!(range[i].value >= range[i].min && range[i].value <= range[i].max))
            return sl_fail(err, SIMLM_E_ARG, "%s is %g: expected from %g to %g",
                           range[i].name, range[i].value, range[i].min,
                           range[i].max);
    if (o->keep_last && !o->save_every)
        return sl_fail(err, SIMLM_E_ARG,
                       "keep-last: no checkpoint is made, save-every is 0");
    if (!o->steps && !(o->epochs > 0 && o->epochs <= 1e6))
        return sl_fail(err, SIMLM_E_ARG,
                       "epochs is %g: expected above 0, at most 1e6",
                       o->epochs);
    SL_TRY(sl_kept_check(o, measures, o->eval_samples, err));
    return check_schedule(o, err);
}

/* ---- opening ------------------------------------------------------------- */

static void set_dropout(struct sl_setup *s)
{
    struct sl_config *c = &s->model->cfg;

    s->hidden_dropout = c->hidden_dropout;
    s->attention_dropout = c->attention_dropout;
    if (s->o->dropout >= 0)
        c->hidden_dropout = c->attention_dropout = (float)s->o->dropout;
}

static simlm_status open_model(struct sl_setup *s, struct sl_bert_parts parts,
                               simlm_error *err)
{
    const char *dir = s->o->model, *prompt;

    SL_TRY(parts.retriever
               ? sl_towers_open(&s->model, s->be, dir, parts, err)
               : sl_bert_open(&s->model, s->be, dir, parts, NULL, err));
    SL_TRY(sl_config_check_vocab(&s->model->cfg,
                                 sl_tokenizer_size(s->tokenizer), dir, err));
    SL_TRY(parts.score
               ? sl_profile_load_reranker(&s->profile, dir, &s->model->cfg, err)
               : sl_profile_load(&s->profile, dir, &s->model->cfg, err));
    prompt = s->profile.passage_prompt;
    if (prompt && !sl_tokenizer_encode(s->tokenizer, &s->prompt_ids, prompt,
                                       strlen(prompt)))
        return sl_fail_nomem(err, "a prompt");
    set_dropout(s);
    return sl_towers_train(s->model, err);
}

simlm_status sl_setup_open(struct sl_setup *s, const simlm_train_options *o,
                           struct sl_bert_parts parts,
                           const simlm_observer *observer, simlm_error *err)
{
    simlm_status st;

    *s = (struct sl_setup){.o = o, .observer = observer};
    sl_parallel_set_threads(o->threads);
    st = sl_backend_open_cpu(&s->be, sl_compute_in(o->precision),
                             sl_cpu_from_env(), err);
    if (st == SIMLM_OK)
        st = sl_modeldir_check(o->model, err);
    if (st == SIMLM_OK)
        st = sl_modeldir_tokenizer(&s->tokenizer, o->model, err);
    if (st == SIMLM_OK)
        st = open_model(s, parts, err);
    if (st < 0)
        sl_setup_close(s);
    return st;
}

void sl_setup_close(struct sl_setup *s)
{
    sl_bert_free(s->model);
    sl_profile_free(&s->profile);
    sl_tokenizer_close(s->tokenizer);
    sl_id_list_free(&s->prompt_ids);
    sl_backend_close(s->be);
    *s = (struct sl_setup){0};
}

simlm_status sl_setup_passages(struct sl_pack_rule *rule, struct sl_setup *s,
                               int64_t max_length, simlm_error *err)
{
    if (max_length < 3 || max_length > s->model->cfg.positions)
        return sl_fail(err, SIMLM_E_ARG,
                       "a maximum length of %lld tokens: the model '%s' takes "
                       "from 3 to %lld",
                       (long long)max_length, s->o->model,
                       (long long)s->model->cfg.positions);
    *rule = (struct sl_pack_rule){
        .tokenizer = s->tokenizer,
        .prompt = {s->prompt_ids.id, s->prompt_ids.n},
        .max_length = max_length,
        .joined = s->profile.form == SL_PASSAGE_JOINED,
    };
    return SIMLM_OK;
}

simlm_status sl_setup_cache(struct sl_token_cache **out, struct sl_setup *s,
                            const char *const *corpus, int64_t n_corpus,
                            simlm_error *err)
{
    char *own = sl_path_join(s->o->output, "token-cache");
    bool joined = s->profile.form == SL_PASSAGE_JOINED;
    simlm_status st = SIMLM_OK;

    /* Rank 0 makes it, then the others find it. */
    if (!sl_comm_first())
        st = sl_comm_wait_for_all(err);
    if (st < 0) {
        sl_free(own);
        return st;
    }
    st = own ? sl_token_cache_open(out, s->o->cache ? s->o->cache : own, corpus,
                                   n_corpus, s->tokenizer,
                                   joined ? NULL : s->profile.missing_title,
                                   s->observer, err)
             : sl_fail_nomem(err, "a directory's name");
    if (st == SIMLM_OK && sl_comm_first())
        st = sl_comm_wait_for_all(err);
    sl_free(own);
    return st;
}

/* ---- what a run is ------------------------------------------------------- */

void sl_setup_add_hash(struct sl_json_writer *w, const char *key, uint64_t x)
{
    char text[17];

    snprintf(text, sizeof text, "%016" PRIx64, x);
    sl_json_add_text(w, key, text);
}

simlm_status sl_setup_add_file(struct sl_json_writer *w, const char *key,
                               const char *path, simlm_error *err)
{
    uint64_t hash;

    SL_TRY(sl_hash64_file(&hash, path, err));
    sl_setup_add_hash(w, key, hash);
    return SIMLM_OK;
}

simlm_status sl_setup_add_weights(struct sl_json_writer *w, const char *key,
                                  const char *model_dir, simlm_error *err)
{
    uint64_t hash;

    SL_TRY(sl_modeldir_hash(&hash, model_dir, err));
    sl_setup_add_hash(w, key, hash);
    return SIMLM_OK;
}

simlm_status sl_setup_add_corpus(struct sl_json_writer *w, const char *key,
                                 const char *const *corpus, int64_t n,
                                 simlm_error *err)
{
    uint64_t hash;

    SL_TRY(sl_corpus_hash(&hash, corpus, n, err));
    sl_setup_add_hash(w, key, hash);
    return SIMLM_OK;
}

void sl_setup_identity(const struct sl_setup *s, struct sl_json_writer *w)
{
    static const char *const schedule[] = {"linear", "log", "constant"};
    static const char *const precision[] = {"fp32", "bf16"};
    const simlm_train_options *o = s->o;
    char seed[24];

    sl_json_add_int(w, "steps", o->steps);
    sl_json_add_real(w, "epochs", o->steps ? 0 : o->epochs);
    sl_json_add_int(w, "eval_samples", o->eval_samples);
    snprintf(seed, sizeof seed, "%" PRIu64, o->seed);
    sl_json_add_text(w, "version", SIMLM_VERSION);
    sl_json_add_text(w, "seed", seed);
    sl_setup_add_hash(w, "tokenizer", sl_tokenizer_hash(s->tokenizer));
    sl_json_add_text(w, "missing_title", s->profile.missing_title);
    sl_json_add_text(w, "passage_prompt", s->profile.passage_prompt);
    sl_json_add_bool(w, "joined", s->profile.form == SL_PASSAGE_JOINED);
    sl_json_add_int(w, "batch", o->batch);
    sl_json_add_int(w, "batch_tokens", o->batch_tokens);
    sl_json_add_real(w, "lr", o->lr);
    sl_json_add_real(w, "warmup", o->warmup);
    sl_json_add_text(w, "schedule", schedule[o->schedule]);
    sl_json_add_real(w, "weight_decay", o->weight_decay);
    sl_json_add_bool(w, "decay_all", o->decay_all);
    sl_json_add_real(w, "beta1", o->beta1);
    sl_json_add_real(w, "beta2", o->beta2);
    sl_json_add_real(w, "eps", o->eps);
    sl_json_add_real(w, "clip", o->clip);
    sl_json_add_text(w, "precision", precision[o->precision]);
    sl_json_add_real(w, "hidden_dropout", (double)s->model->cfg.hidden_dropout);
    sl_json_add_real(w, "attention_dropout",
                     (double)s->model->cfg.attention_dropout);
}

void sl_setup_settings(const struct sl_setup *s, struct sl_json_writer *w)
{
    const simlm_train_options *o = s->o;

    sl_json_add_text(w, "model", o->model);
    sl_json_add_text(w, "backend", s->be->name);
    sl_json_add_int(w, "threads", o->threads);
    sl_json_add_int(w, "ranks", sl_comm_size());
    sl_json_add_bool(w, "checkpointing", o->checkpointing);
    sl_json_add_int(w, "log_every", o->log_every);
    sl_json_add_int(w, "eval_every", o->eval_every);
    sl_json_add_int(w, "save_every", o->save_every);
    sl_json_add_int(w, "keep_last", o->keep_last);
    sl_json_add_text(w, "keep_best", o->keep_best);
}

static simlm_status describe_run(struct sl_str *identity,
                                 struct sl_str *settings,
                                 sl_describe_fn *describe, void *self,
                                 simlm_error *err)
{
    struct sl_json_writer i = {.s = identity, .indent = 2};
    struct sl_json_writer s = {.s = settings, .indent = 2};

    sl_json_begin(&i, NULL, '{');
    sl_json_begin(&s, NULL, '{');
    SL_TRY(describe(self, &i, &s, err));
    sl_json_end(&i);
    sl_json_end(&s);
    return sl_str_ok(identity) && sl_str_ok(settings)
               ? SIMLM_OK
               : sl_fail_nomem(err, "a run's description");
}

simlm_status sl_setup_open_dir(struct sl_rundir *dir, const struct sl_setup *s,
                               sl_describe_fn *describe, void *self,
                               simlm_error *err)
{
    struct sl_str identity = {0}, settings = {0};
    simlm_status st = describe_run(&identity, &settings, describe, self, err);

    if (st == SIMLM_OK)
        st = sl_rundir_open(dir, s->o->output, sl_str_c(&identity),
                            sl_str_c(&settings), s->o->overwrite, s->observer,
                            err);
    if (st == SIMLM_OK && dir->finished)
        sl_rundir_say(dir, SIMLM_INFO, "'%s': this run is finished",
                      s->o->output);
    sl_str_free(&identity);
    sl_str_free(&settings);
    return st;
}

/* The encoder m, of one side or of both, with what belongs to it. */
static simlm_status save_model(const struct sl_setup *s,
                               const struct sl_bert *m, enum sl_side side,
                               const char *dir, bool with_head,
                               simlm_error *err)
{
    SL_TRY(sl_bert_save(m, dir, with_head, err));
    SL_TRY(sl_pooler_save(s->model, dir, err));
    SL_TRY(sl_profile_save_tower(&s->profile, dir, &s->model->cfg, side, err));
    return sl_modeldir_copy_tokenizer(dir, s->o->model, err);
}

/* Each encoder is a model directory of its own; what they share is above. */
static simlm_status save_towers(const struct sl_setup *s, const char *dir,
                                simlm_error *err)
{
    SL_TRY(sl_towers_save(s->model, dir, err));
    SL_TRY(sl_profile_save_router(&s->profile, dir, &s->model->cfg, err));
    for (int side = 0; side < 2; side++) {
        char *path = NULL;
        simlm_status st =
            sl_modeldir_encoder(&path, dir, (enum sl_side)side, err);

        if (st == SIMLM_OK)
            st = save_model(s, sl_bert_of(s->model, (enum sl_side)side),
                            (enum sl_side)side, path, false, err);
        sl_free(path);
        SL_TRY(st);
    }
    return sl_modeldir_copy_tokenizer(dir, s->o->model, err);
}

static simlm_status save_files(const struct sl_setup *s, const char *dir,
                               bool with_head, simlm_error *err)
{
    SL_TRY(s->model->passage
               ? save_towers(s, dir, err)
               : save_model(s, s->model, SL_SIDE_PASSAGE, dir, with_head, err));
    return sl_card_save(dir, s->model->cfg.pooler, s->o->output, err);
}

/* A dropout of this run's is not the model's. */
simlm_status sl_setup_save(struct sl_setup *s, const char *dir, bool with_head,
                           simlm_error *err)
{
    struct sl_config *c = &s->model->cfg, used = *c;
    simlm_status st;

    c->hidden_dropout = s->hidden_dropout;
    c->attention_dropout = s->attention_dropout;
    st = save_files(s, dir, with_head, err);
    c->hidden_dropout = used.hidden_dropout;
    c->attention_dropout = used.attention_dropout;
    return st;
}

simlm_status sl_setup_check_memory(const struct sl_setup *s, size_t bytes,
                                   simlm_error *err)
{
    double here =
        (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    double need = (double)bytes + 4.0 * (double)s->model->params.size *
                                      (double)s->be->real_bytes;

    if (here <= 0 || need < 0.95 * here)
        return SIMLM_OK;
    return sl_fail(err, SIMLM_E_NOMEM,
                   "training needs %.1f GiB and this machine has %.1f: lower "
                   "the tokens computed at once, or recompute activations",
                   need / 0x1p30, here / 0x1p30);
}
