/*
 * pretrain.c - masked and replaced language modelling on a corpus of passages
 * (spec 1.2; docs/MODEL.md).
 *
 * Both objectives count a step's tokens first, then compute it in micro-batches,
 * each with the weight 1 / (counted tokens of the step):
 *
 *   mlm   30% of the tokens hidden, 80-10-10; they alone count (BERT's loss with
 *         the rate of the paper's table 7)
 *   rlm   30% and 50% replaced by the generator's samples; all tokens but the
 *         special ones count, in the encoder's loss and in the decoder's
 */
#include "train/jobs.h"

#include <math.h>

#include "base/alloc.h"
#include "data/lm_batch.h"
#include "model/mlm.h"
#include "model/rlm.h"
#include "train/loop.h"
#include "train/setup.h"

enum { EVAL_MOST = 4096 }; /* held-out passages, spec 1.2.4 */

struct pretrain {
    const simlm_pretrain_options *o;
    bool rlm;
    struct sl_setup setup;
    struct sl_tokenizer *generator_tokenizer;
    struct sl_bert *generator;
    struct sl_token_cache *cache;
    struct sl_order order;
    struct sl_rundir dir;

    struct sl_lm_rule rule;
    uint8_t *kind;
    struct sl_lm_batch batch; /* a whole step */
    /* of a micro-batch */
    struct sl_mlm *mlm_session;
    struct sl_rlm *rlm_session;
    int32_t *start, *rows, *enc_rows, *dec_rows, *labels;
};

/* ---- a step ---------------------------------------------------------------------- */

/* Sequences first .. end - 1 of the step, as `ids` has them. */
static struct sl_tokens micro_tokens(struct pretrain *p, int64_t first,
                                     int64_t end, const int32_t *ids)
{
    const struct sl_pack *all = &p->batch.clean;
    int32_t at = all->start[first];

    for (int64_t i = first; i <= end; i++)
        p->start[i - first] = all->start[i] - at;
    return (struct sl_tokens){ .n = end - first,
                               .N = all->start[end] - at,
                               .start = p->start,
                               .ids = ids + at,
                               .types = all->types + at,
                               .key = all->key + first };
}

static simlm_status mlm_micro(struct pretrain *p, int64_t first, int64_t end,
                              double scale, const struct sl_step *step,
                              struct sl_meters *meters, simlm_error *err)
{
    const struct sl_lm_batch *b = &p->batch;
    int64_t at = b->clean.start[first], to = b->clean.start[end];
    struct sl_mlm_batch in = { .in = micro_tokens(p, first, end, b->enc.ids),
                               .rows = p->rows,
                               .labels = p->labels };
    struct sl_noise noise = { step->train,
                              sl_loop_dropout(&p->o->train, step->k) };
    double sum;

    in.n_rows = sl_lm_rows(p->rows, b->counted, at, to);
    for (int64_t i = 0; i < in.n_rows; i++)
        p->labels[i] = b->clean.ids[at + p->rows[i]];
    SL_TRY(sl_mlm_step(p->mlm_session, &sum, &in, scale, step->train, noise,
                       err));
    sl_meters_add(meters, "loss", sum, (double)in.n_rows);
    return SIMLM_OK;
}

static simlm_status rlm_micro(struct pretrain *p, int64_t first, int64_t end,
                              double scale, const struct sl_step *step,
                              struct sl_meters *meters, simlm_error *err)
{
    const struct sl_lm_batch *b = &p->batch;
    int64_t at = b->clean.start[first], to = b->clean.start[end];
    struct sl_rlm_batch in = { .clean = micro_tokens(p, first, end,
                                                     b->clean.ids),
                               .enc_ids = b->enc.ids + at,
                               .dec_ids = b->dec.ids + at,
                               .enc_rows = p->enc_rows,
                               .dec_rows = p->dec_rows,
                               .rows = p->rows };
    struct sl_noise noise = { step->train,
                              sl_loop_dropout(&p->o->train, step->k) };
    struct sl_rlm_result r;
    double n;

    in.n_enc = sl_lm_rows(p->enc_rows, b->enc.mask, at, to);
    in.n_dec = sl_lm_rows(p->dec_rows, b->dec.mask, at, to);
    in.n_rows = sl_lm_rows(p->rows, b->counted, at, to);
    SL_TRY(sl_rlm_step(p->rlm_session, &r, &in, scale, step->train, noise,
                       sl_loop_sampling(&p->o->train, step), err));
    n = (double)r.n_rows;
    sl_meters_add(meters, "loss", r.enc_sum + r.dec_sum, n);
    sl_meters_add(meters, "enc_mlm_loss", r.enc_sum, n);
    sl_meters_add(meters, "dec_mlm_loss", r.dec_sum, n);
    sl_meters_add(meters, "replace_ratio", (double)r.n_changed,
                  (double)r.n_tokens);
    return SIMLM_OK;
}

static int64_t count_micros(const struct sl_pack *pack, int64_t budget)
{
    int64_t n = 0;

    for (int64_t i = 0; i < pack->n; i = sl_pack_cut(pack, i, budget))
        n++;
    return n;
}

static int64_t counted_in(const struct sl_lm_batch *b, int64_t first,
                          int64_t end)
{
    int64_t n = 0;

    for (int64_t i = b->clean.start[first]; i < b->clean.start[end]; i++)
        n += b->counted[i];
    return n;
}

static simlm_status pretrain_step(void *self, const struct sl_step *step,
                                  struct sl_meters *meters, int64_t *n_tokens,
                                  simlm_error *err)
{
    struct pretrain *p = self;
    struct sl_lm_batch *b = &p->batch;
    int64_t budget = p->o->train.batch_tokens, end, micros;
    bool by_micro = p->o->train.loss_mean == SIMLM_MEAN_MICRO;

    sl_lm_batch_fill(b, p->cache, step->example, step->n, step->epoch,
                     &p->rule);
    *n_tokens = b->clean.N;
    if (!b->n_counted) { /* nothing but special tokens: no gradient */
        sl_meters_add(meters, "loss", 0, 1e-9);
        return SIMLM_OK;
    }
    micros = by_micro ? count_micros(&b->clean, budget) : 0;
    for (int64_t i = 0; i < b->clean.n; i = end) {
        double scale = 1 / (double)b->n_counted;
        int64_t here;

        end = sl_pack_cut(&b->clean, i, budget);
        here = counted_in(b, i, end);
        if (by_micro && here)
            scale = 1 / ((double)micros * (double)here);
        if (here)
            SL_TRY((p->rlm ? rlm_micro : mlm_micro)(p, i, end, scale, step,
                                                    meters, err));
    }
    return SIMLM_OK;
}

static simlm_status pretrain_save(void *self, const char *dir, simlm_error *err)
{
    struct pretrain *p = self;

    return sl_setup_save(&p->setup, dir, true, err);
}

/* ---- before the first step -------------------------------------------------------- */

static simlm_status check_options(const simlm_pretrain_options *o,
                                  simlm_error *err)
{
    SL_TRY(sl_setup_check(&o->train, err));
    if (o->n_corpus < 1 || !o->corpus)
        return sl_fail(err, SIMLM_E_ARG, "no corpus given");
    if (o->objective < 0 || o->objective > 1 || o->mask_form > 1)
        return sl_fail(err, SIMLM_E_ARG, "no such objective or mask form");
    if ((int64_t)o->train.batch * o->max_length >= INT32_MAX)
        return sl_fail(err, SIMLM_E_ARG, "a step of %d passages of %d tokens "
                       "is too large", (int)o->train.batch, (int)o->max_length);
    if (o->objective == SIMLM_OBJECTIVE_MLM) {
        if (!(o->mask_rate > 0 && o->mask_rate <= 1))
            return sl_fail(err, SIMLM_E_ARG,
                           "mask_rate is %g: expected above 0, at most 1",
                           o->mask_rate);
        return SIMLM_OK;
    }
    if (!o->generator)
        return sl_fail(err, SIMLM_E_ARG,
                       "the objective rlm needs a generator's directory");
    if (!(o->generator_head_eps >= 0 && o->generator_head_eps < 1))
        return sl_fail(err, SIMLM_E_ARG,
                       "generator_head_eps is %g: expected in [0, 1)",
                       o->generator_head_eps);
    if (!(o->encoder_rate >= 0 && o->encoder_rate < 1 &&
          o->decoder_rate >= 0 && o->decoder_rate <= 1))
        return sl_fail(err, SIMLM_E_ARG,
                       "replace rates %g and %g: expected in [0, 1) and [0, 1]",
                       o->encoder_rate, o->decoder_rate);
    if (o->decoder_layers < 1 || o->decoder_layers > 64)
        return sl_fail(err, SIMLM_E_ARG,
                       "decoder_layers is %d: expected from 1 to 64",
                       (int)o->decoder_layers);
    return SIMLM_OK;
}

static simlm_status open_generator(struct pretrain *p, simlm_error *err)
{
    const char *dir = p->o->generator;
    struct sl_bert_parts parts = { .head = true };

    SL_TRY(sl_modeldir_check(dir, err));
    SL_TRY(sl_tokenizer_open(&p->generator_tokenizer, dir, err));
    if (!sl_tokenizer_same_vocab(p->generator_tokenizer, p->setup.tokenizer))
        return sl_fail(err, SIMLM_E_FORMAT,
                       "generator '%s' has another vocabulary than model '%s'",
                       dir, p->o->train.model);
    SL_TRY(sl_bert_open(&p->generator, p->setup.be, dir, parts, NULL, err));
    if (p->o->generator_head_eps > 0)
        p->generator->cfg.head_eps = (float)p->o->generator_head_eps;
    if (p->generator->cfg.vocab != p->setup.model->cfg.vocab)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "generator '%s' has %lld word embeddings, model '%s' "
                       "%lld",
                       dir, (long long)p->generator->cfg.vocab,
                       p->o->train.model,
                       (long long)p->setup.model->cfg.vocab);
    if (p->generator->cfg.positions < p->o->max_length)
        return sl_fail(err, SIMLM_E_ARG,
                       "generator '%s' takes %lld tokens, not %d", dir,
                       (long long)p->generator->cfg.positions,
                       (int)p->o->max_length);
    return SIMLM_OK;
}

/* How passages become examples of this objective. */
static simlm_status make_rule(struct pretrain *p, simlm_error *err)
{
    const simlm_pretrain_options *o = p->o;
    struct sl_lm_rule *r = &p->rule;
    const struct sl_tokenizer *t = p->setup.tokenizer;

    SL_TRY(sl_setup_passages(&r->pack, &p->setup, o->max_length, err));
    r->mask_id = sl_tokenizer_mask(t);
    if (r->mask_id < 0)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "the vocabulary of '%s' has no [MASK]", o->train.model);
    r->vocab = sl_tokenizer_size(t);
    p->kind = SL_NEW_ARRAY(uint8_t, r->vocab);
    if (!p->kind)
        return sl_fail_nomem(err, "kinds of tokens");
    sl_token_kinds(p->kind, t);
    r->kind = p->kind;
    r->two = p->rlm;
    r->form = o->mask_form >= 0 ? (enum sl_mask_form)o->mask_form
              : p->rlm          ? SL_MASK_ALL
                                : SL_MASK_80_10_10;
    r->p_enc = p->rlm ? o->encoder_rate : o->mask_rate;
    r->p_dec = o->decoder_rate;
    r->seed = o->train.seed;
    return SIMLM_OK;
}

static simlm_status describe(struct pretrain *p, struct sl_str *identity,
                             struct sl_str *settings, simlm_error *err)
{
    const simlm_pretrain_options *o = p->o;
    struct sl_json_writer w = { .s = identity, .indent = 2 };

    sl_json_begin(&w, NULL, '{');
    sl_json_add_text(&w, "command", "pretrain");
    sl_json_add_text(&w, "objective", p->rlm ? "rlm" : "mlm");
    SL_TRY(sl_setup_add_weights(&w, "model", o->train.model, err));
    SL_TRY(sl_setup_add_corpus(&w, "corpus", o->corpus, o->n_corpus, err));
    sl_json_add_int(&w, "steps", o->train.steps);
    sl_json_add_real(&w, "epochs", o->train.steps ? 0 : o->train.epochs);
    sl_json_add_int(&w, "eval_samples", o->train.eval_samples);
    sl_setup_identity(&p->setup, &w);
    sl_json_add_int(&w, "max_length", o->max_length);
    sl_json_add_int(&w, "mask_form", p->rule.form);
    if (p->rlm) {
        SL_TRY(sl_setup_add_weights(&w, "generator", o->generator, err));
        sl_json_add_bool(&w, "generator_dropout", o->generator_dropout);
        sl_json_add_real(&w, "generator_head_eps", o->generator_head_eps);
        sl_json_add_real(&w, "encoder_rate", o->encoder_rate);
        sl_json_add_real(&w, "decoder_rate", o->decoder_rate);
        sl_json_add_int(&w, "decoder_layers", o->decoder_layers);
    } else {
        sl_json_add_real(&w, "mask_rate", o->mask_rate);
    }
    sl_json_end(&w);

    w = (struct sl_json_writer){ .s = settings, .indent = 2 };
    sl_json_begin(&w, NULL, '{');
    sl_setup_settings(&p->setup, &w);
    if (p->rlm)
        sl_json_add_text(&w, "generator", o->generator);
    sl_json_begin(&w, "corpus", '[');
    for (int32_t i = 0; i < o->n_corpus; i++)
        sl_json_add_text(&w, NULL, o->corpus[i]);
    sl_json_end(&w);
    sl_json_end(&w);
    return sl_str_ok(identity) && sl_str_ok(settings)
               ? SIMLM_OK
               : sl_fail_nomem(err, "a run's description");
}

static simlm_status open_dir(struct pretrain *p, simlm_error *err)
{
    const simlm_train_options *t = &p->o->train;
    struct sl_str identity = { 0 }, settings = { 0 };
    simlm_status st = describe(p, &identity, &settings, err);

    if (st == SIMLM_OK)
        st = sl_rundir_open(&p->dir, t->output, sl_str_c(&identity),
                            sl_str_c(&settings), t->overwrite,
                            p->setup.observer, err);
    sl_str_free(&identity);
    sl_str_free(&settings);
    return st;
}

static simlm_status open_order(struct pretrain *p, simlm_error *err)
{
    const simlm_train_options *t = &p->o->train;
    int64_t n = sl_token_cache_count(p->cache), n_eval = t->eval_samples;

    if (n_eval < 0)
        n_eval = sl_order_eval_count(n, EVAL_MOST);
    if (n == 0)
        return sl_fail(err, SIMLM_E_FORMAT, "%s: no passage to train on",
                       p->o->corpus[0]);
    if (n_eval >= n)
        return sl_fail(err, SIMLM_E_ARG,
                       "eval_samples is %lld: expected fewer than the %lld "
                       "passages",
                       (long long)n_eval, (long long)n);
    return sl_order_init(&p->order, n, n_eval, t->batch, t->seed, err);
}

/* Everything a step needs, so that no step allocates. */
static simlm_status open_session(struct pretrain *p, simlm_error *err)
{
    const simlm_train_options *t = &p->o->train;
    struct sl_rlm_options o = { .generator_dropout = p->o->generator_dropout };
    struct sl_session_options *s = &o.session;
    int64_t all = (int64_t)t->batch * p->o->max_length;
    size_t bytes;

    s->max_tokens = t->batch_tokens > p->o->max_length ? t->batch_tokens
                                                       : p->o->max_length;
    if (s->max_tokens > all)
        s->max_tokens = all;
    s->max_seqs = t->batch < s->max_tokens / 2 ? t->batch : s->max_tokens / 2;
    s->checkpoint = t->checkpointing;
    if (p->rlm)
        SL_TRY(sl_rlm_new(&p->rlm_session, p->setup.model, p->generator, &o,
                          err));
    else
        SL_TRY(sl_mlm_new(&p->mlm_session, p->setup.model, s, err));
    bytes = p->rlm ? sl_rlm_bytes(p->rlm_session)
                   : sl_mlm_bytes(p->mlm_session);
    SL_TRY(sl_setup_check_memory(&p->setup, bytes, err));
    p->start = SL_NEW_ARRAY(int32_t, s->max_seqs + 1);
    p->rows = SL_NEW_ARRAY(int32_t, s->max_tokens);
    p->enc_rows = SL_NEW_ARRAY(int32_t, s->max_tokens);
    p->dec_rows = SL_NEW_ARRAY(int32_t, s->max_tokens);
    p->labels = SL_NEW_ARRAY(int32_t, s->max_tokens);
    if (!p->start || !p->rows || !p->enc_rows || !p->dec_rows || !p->labels)
        return sl_fail_nomem(err, "a micro-batch");
    return sl_lm_batch_init(&p->batch, t->batch, p->o->max_length, p->rlm, err);
}

static simlm_status train(struct pretrain *p, simlm_error *err)
{
    const simlm_train_options *t = &p->o->train;
    double chance = log((double)p->rule.vocab);
    struct sl_loop loop = {
        .o = t,
        .dir = &p->dir,
        .model = p->setup.model,
        .order = &p->order,
        .task = { p, pretrain_step, pretrain_save, p->rlm ? 2 * chance
                                                          : chance },
    };
    int64_t n_steps;

    SL_TRY(sl_setup_cache(&p->cache, &p->setup, p->o->corpus, p->o->n_corpus,
                          err));
    SL_TRY(open_order(p, err));
    SL_TRY(sl_loop_count(&n_steps, t, p->order.steps_per_epoch, err));
    SL_TRY(sl_schedule_init(&loop.schedule, (simlm_schedule)t->schedule, t->lr,
                            t->warmup, n_steps, err));
    SL_TRY(open_session(p, err));
    return sl_loop_run(&loop, err);
}

static simlm_status run(struct pretrain *p, const simlm_observer *observer,
                        simlm_error *err)
{
    const simlm_pretrain_options *o = p->o;
    struct sl_bert_parts parts = { .head = true };

    SL_TRY(check_options(o, err));
    parts.n_decoder = p->rlm ? o->decoder_layers : 0;
    SL_TRY(sl_setup_open(&p->setup, &o->train, parts, observer, err));
    SL_TRY(make_rule(p, err));
    if (p->rlm)
        SL_TRY(open_generator(p, err));
    SL_TRY(open_dir(p, err));
    if (p->dir.finished) {
        sl_rundir_say(&p->dir, SIMLM_INFO, "'%s': this run is finished",
                      o->train.output);
        return SIMLM_OK;
    }
    return train(p, err);
}

simlm_status sl_pretrain(const simlm_pretrain_options *o,
                         const simlm_observer *observer, simlm_error *err)
{
    struct pretrain p = { .o = o, .rlm = o->objective == SIMLM_OBJECTIVE_RLM };
    simlm_status st = run(&p, observer, err);

    sl_mlm_free(p.mlm_session);
    sl_rlm_free(p.rlm_session);
    sl_lm_batch_free(&p.batch);
    sl_free(p.start);
    sl_free(p.rows);
    sl_free(p.enc_rows);
    sl_free(p.dec_rows);
    sl_free(p.labels);
    sl_free(p.kind);
    sl_order_free(&p.order);
    sl_token_cache_close(p.cache);
    sl_bert_free(p.generator);
    sl_tokenizer_close(p.generator_tokenizer);
    sl_setup_close(&p.setup);
    sl_rundir_close(&p.dir);
    return st;
}
