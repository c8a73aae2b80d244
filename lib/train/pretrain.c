/*
 * pretrain.c - pre-training on a corpus of passages, with any of the objectives
 * of model/objective.h (spec 1.2; docs/MODEL.md, section 5).
 *
 * Whatever the objective, a step is prepared whole, its tokens counted, and then
 * computed in micro-batches; each loss has the weight 1 / (the tokens of the step
 * that count in it).
 */
#include "train/jobs.h"

#include <math.h>

#include "base/alloc.h"
#include "comm/comm.h"
#include "data/lm_batch.h"
#include "model/pretrainer.h"
#include "train/loop.h"
#include "train/pretrain_options.h"
#include "train/setup.h"

enum { EVAL_MOST = 4096 }; /* held-out passages, spec 1.2.4 */

static const char MEASURES[] = "loss";

/* The rows of one copy of a micro-batch. */
struct copy_rows {
    int32_t *hidden, *counted;
};

struct pretrain {
    const simlm_pretrain_options *o;
    const struct sl_objective *what;
    struct sl_setup setup;
    struct sl_tokenizer *generator_tokenizer;
    struct sl_bert *generator;
    struct sl_token_cache *cache;
    struct sl_order order;
    struct sl_rundir dir;

    struct sl_lm_rule rule;
    uint8_t *kind;
    struct sl_lm_batch batch; /* a whole step */
    struct sl_pretrainer *session;
    /* of a micro-batch */
    int32_t *start;
    struct copy_rows enc, dec;
};

/* ---- what counts --------------------------------------------------------- */

/* The copy that the decoder's loss speaks of: Condenser's has no tokens of its
 * own. */
static const struct sl_lm_copy *dec_copy(const struct pretrain *p)
{
    return p->rule.copies == SL_COPIES_ONE ? &p->batch.enc : &p->batch.dec;
}

/* A flag for each token of the step; NULL: there is no such loss. */
static const uint8_t *counted_flags(const struct pretrain *p,
                                    const struct sl_lm_copy *copy,
                                    enum sl_counted counts)
{
    return counts == SL_COUNT_ALL      ? p->batch.plain
           : counts == SL_COUNT_HIDDEN ? copy->mask
                                       : NULL;
}

/* Tokens that each loss is a mean over, and sequences. */
struct counts {
    int64_t enc, dec, gen, sequences;
};

static int64_t count_flags(const uint8_t *flag, int64_t begin, int64_t end)
{
    int64_t n = 0;

    for (int64_t i = begin; flag && i < end; i++)
        n += flag[i];
    return n;
}

/* Of sequences first .. end - 1 of the step. */
static struct counts count(const struct pretrain *p, int64_t first, int64_t end)
{
    const struct sl_lm_batch *b = &p->batch;
    int64_t at = b->clean.start[first], to = b->clean.start[end];
    const uint8_t *enc = counted_flags(p, &b->enc, p->what->enc_counts);
    const uint8_t *dec = counted_flags(p, dec_copy(p), p->what->dec_counts);
    const uint8_t *gen = p->o->generator_joint ? b->enc.mask : NULL;

    return (struct counts){.enc = count_flags(enc, at, to),
                           .dec = count_flags(dec, at, to),
                           .gen = count_flags(gen, at, to),
                           .sequences = end - first};
}

/* The end of the micro-batch that begins with sequence i, of a share that ends
 * with `end`. */
static int64_t cut(const struct pretrain *p, int64_t i, int64_t end)
{
    int64_t to = sl_pack_cut(&p->batch.clean, i, p->o->train.batch_tokens);

    return to < end ? to : end;
}

/* Of all ranks. */
static simlm_status count_micros(int64_t *n, const struct pretrain *p,
                                 int64_t begin, int64_t end, simlm_error *err)
{
    double sum = 0;

    for (int64_t i = begin; i < end; i = cut(p, i, end))
        sum++;
    SL_TRY(sl_comm_add(&sum, 1, err));
    *n = (int64_t)sum;
    return SIMLM_OK;
}

/* ---- a micro-batch ------------------------------------------------------- */

/* Sequences first .. end - 1 of the step, as it was before anything was hidden. */
static struct sl_tokens micro_tokens(struct pretrain *p, int64_t first,
                                     int64_t end)
{
    const struct sl_pack *all = &p->batch.clean;
    int32_t at = all->start[first];

    for (int64_t i = first; i <= end; i++)
        p->start[i - first] = all->start[i] - at;
    return (struct sl_tokens){.n = end - first,
                              .N = all->start[end] - at,
                              .start = p->start,
                              .ids = all->ids + at,
                              .types = all->types + at,
                              .key = all->key + first};
}

static struct sl_pretrain_copy micro_copy(const struct copy_rows *rows,
                                          const struct sl_lm_copy *copy,
                                          const uint8_t *counted, int64_t at,
                                          int64_t to)
{
    struct sl_pretrain_copy c = {
        .ids = copy->ids + at, .hidden = rows->hidden, .rows = rows->counted};

    c.n_hidden = sl_lm_rows(rows->hidden, copy->mask, at, to);
    if (counted)
        c.n_rows = sl_lm_rows(rows->counted, counted, at, to);
    return c;
}

static struct sl_pretrain_batch micro_batch(struct pretrain *p, int64_t first,
                                            int64_t end)
{
    const struct sl_lm_copy *enc = &p->batch.enc, *dec = dec_copy(p);
    int64_t at = p->batch.clean.start[first], to = p->batch.clean.start[end];

    return (struct sl_pretrain_batch){
        .clean = micro_tokens(p, first, end),
        .enc = micro_copy(&p->enc, enc,
                          counted_flags(p, enc, p->what->enc_counts), at, to),
        .dec = micro_copy(&p->dec, dec,
                          counted_flags(p, dec, p->what->dec_counts), at, to),
        .first_vector = first};
}

/* ---- a step -------------------------------------------------------------- */

/* What is known of a step when it is computed. */
struct stage {
    struct pretrain *p;
    const struct sl_step *step;
    struct sl_noise noise;
    struct counts all;
    int64_t micros; /* micro-batches whose means are averaged; 0: one mean */
    struct sl_pretrain_result sum;
    double contrast; /* sum over the spans */
};

static double one_over(int64_t n)
{
    return n ? 1 / (double)n : 0;
}

/* Factors of a micro-batch's losses. */
static struct sl_pretrain_scales scales_of(const struct stage *s,
                                           const struct counts *here)
{
    const struct counts *n = s->micros ? here : &s->all;
    double part = s->micros ? 1 / (double)s->micros : 1;

    return (struct sl_pretrain_scales){.enc = part * one_over(n->enc),
                                       .dec = part * one_over(n->dec),
                                       .gen = part * one_over(n->gen) *
                                              s->p->o->generator_weight};
}

/* `last`: no other of the rank's follows in this step. */
static simlm_status run_micro(struct stage *s, int64_t first, int64_t end,
                              bool last, simlm_error *err)
{
    struct pretrain *p = s->p;
    struct counts here = count(p, first, end);
    struct sl_pretrain_batch b;
    struct sl_pretrain_result r;

    if (!here.enc && !here.dec && !p->what->spans)
        return SIMLM_OK; /* nothing but special tokens: no gradient */
    b = micro_batch(p, first, end);
    b.watch = last ? s->step->watch : NULL;
    SL_TRY(sl_pretrainer_step(p->session, &r, &b, scales_of(s, &here),
                              s->step->train, s->noise,
                              sl_loop_sampling(&p->o->train, s->step), err));
    s->sum.enc_sum += r.enc_sum;
    s->sum.dec_sum += r.dec_sum;
    s->sum.gen_sum += r.gen_sum;
    s->sum.n_changed += r.n_changed;
    return SIMLM_OK;
}

/* The vectors of the rank's spans, begin .. end - 1; what all vectors lack of
 * telling their partners. */
static simlm_status contrast_spans(struct stage *s, int64_t begin, int64_t end,
                                   simlm_error *err)
{
    struct pretrain *p = s->p;
    int64_t n = s->all.sequences;

    for (int64_t i = begin, to; i < end; i = to) {
        struct sl_pretrain_batch b;

        to = cut(p, i, end);
        b = micro_batch(p, i, to);
        SL_TRY(sl_pretrainer_vectors(p->session, &b, s->noise, err));
    }
    return sl_pretrainer_contrast(p->session, &s->contrast,
                                  p->batch.clean.start, n, one_over(n),
                                  s->step->train, err);
}

/* A loss that is a mean over n tokens; name NULL: the objective has but one. */
static double add_loss(struct sl_meters *meters, const char *name, double sum,
                       int64_t n)
{
    if (n && name)
        sl_meters_add(meters, name, sum, (double)n);
    return sum * one_over(n);
}

static void add_meters(const struct stage *s, struct sl_meters *meters)
{
    const struct pretrain *p = s->p;
    const struct counts *n = &s->all;
    double weight = (double)(n->dec ? n->dec : n->enc), loss;
    struct sl_meters parts = {0};

    loss = add_loss(&parts, p->what->enc_loss, s->sum.enc_sum, n->enc) +
           add_loss(&parts, p->what->dec_loss, s->sum.dec_sum, n->dec) +
           add_loss(&parts, "g_mlm_loss", s->sum.gen_sum, n->gen) *
               p->o->generator_weight;
    if (p->what->spans)
        loss += add_loss(&parts, "co_loss", s->contrast, n->sequences);
    if (p->generator)
        sl_meters_add(&parts, "replace_ratio", (double)s->sum.n_changed,
                      (double)p->batch.clean.N);
    weight = weight > 0 ? weight : 1e-9;
    sl_meters_add(meters, "loss", loss * weight, weight);
    sl_meters_add_all(meters, &parts);
}

/* Over the ranks' shares. */
static simlm_status sum_results(struct sl_pretrain_result *r, simlm_error *err)
{
    double x[] = {r->enc_sum, r->dec_sum, r->gen_sum, (double)r->n_changed};

    SL_TRY(sl_comm_add(x, SL_LEN(x), err));
    r->enc_sum = x[0];
    r->dec_sum = x[1];
    r->gen_sum = x[2];
    r->n_changed = (int64_t)x[3];
    return SIMLM_OK;
}

static simlm_status pretrain_step(void *self, const struct sl_step *step,
                                  struct sl_meters *meters, int64_t *n_tokens,
                                  simlm_error *err)
{
    struct pretrain *p = self;
    const simlm_train_options *t = &p->o->train;
    const struct sl_pack *pack = &p->batch.clean;
    int64_t begin, end;
    struct stage s = {.p = p,
                      .step = step,
                      .noise = {step->train, sl_loop_dropout(t, step->k)}};

    sl_lm_batch_fill(&p->batch, p->cache, step->example, step->n, step->epoch,
                     &p->rule);
    *n_tokens = pack->N;
    s.all = count(p, 0, pack->n);
    sl_comm_share_tokens(&begin, &end, pack->start, pack->n);
    if (p->o->loss_mean == SIMLM_MEAN_MICRO)
        SL_TRY(count_micros(&s.micros, p, begin, end, err));
    if (p->what->spans)
        SL_TRY(contrast_spans(&s, begin, end, err));
    for (int64_t i = begin, to; i < end; i = to) {
        to = cut(p, i, end);
        SL_TRY(run_micro(&s, i, to, to == end, err));
    }
    SL_TRY(sum_results(&s.sum, err));
    add_meters(&s, meters);
    return SIMLM_OK;
}

static simlm_status pretrain_save(void *self, const char *dir, simlm_error *err)
{
    struct pretrain *p = self;

    return sl_setup_save(&p->setup, dir, true, err);
}

/* ---- before the first step ----------------------------------------------- */

/* That a step has at most. */
static int64_t texts_of(const struct sl_objective *o, int64_t passages)
{
    return o->spans ? 2 * passages : passages;
}

simlm_status sl_check_pretrain(const simlm_pretrain_options *o,
                               simlm_error *err)
{
    int64_t texts;

    SL_TRY(sl_setup_check(&o->train, MEASURES, err));
    SL_TRY(sl_pretrain_check(o, err));
    texts = texts_of(&sl_objectives[o->objective], o->train.batch);
    if (texts * o->max_length >= INT32_MAX)
        return sl_fail(err, SIMLM_E_ARG,
                       "a step of %d passages of %d tokens "
                       "is too large",
                       (int)o->train.batch, (int)o->max_length);
    return SIMLM_OK;
}

static simlm_status open_generator(struct pretrain *p, simlm_error *err)
{
    const char *dir = p->o->generator;
    struct sl_bert_parts parts = {.head = true};

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
                       p->o->train.model, (long long)p->setup.model->cfg.vocab);
    if (p->generator->cfg.positions < p->o->max_length)
        return sl_fail(
            err, SIMLM_E_ARG, "generator '%s' takes %lld tokens, not %d", dir,
            (long long)p->generator->cfg.positions, (int)p->o->max_length);
    return SIMLM_OK;
}

/* The generator's weights drawn anew, its blocks joined to the model's. */
static simlm_status prepare_generator(struct pretrain *p, simlm_error *err)
{
    const simlm_pretrain_options *o = p->o;

    if (o->generator_random)
        SL_TRY(sl_bert_init(p->generator, o->train.seed, err));
    if (o->generator_joint)
        SL_TRY(sl_bert_join(p->setup.model, p->generator, "generator.", err));
    return SIMLM_OK;
}

/* What no model directory gives: a decoder of other weights than it was opened
 * with, a head of replaced-token detection. */
static simlm_status init_parts(struct pretrain *p, simlm_error *err)
{
    struct sl_bert *m = p->setup.model;
    bool early = p->what->dec == SL_INPUT_EARLY, found;
    int32_t how = p->o->decoder_init;
    char *path = NULL;

    SL_TRY(sl_modeldir_decoder(&path, p->o->train.model, err));
    found = path != NULL;
    sl_free(path);
    if (how == SIMLM_DECODER_RANDOM ||
        (how == SIMLM_DECODER_AUTO && early && !found))
        return sl_bert_init_from(m, m->first_decoder, p->o->train.seed, err);
    if (how == SIMLM_DECODER_COPY)
        SL_TRY(sl_bert_copy_decoder(m, err));
    return sl_bert_init_from(m, m->first_rtd, p->o->train.seed, err);
}

static enum sl_lm_copies copies_of(const struct sl_objective *o)
{
    return sl_objective_nests(o)      ? SL_COPIES_NESTED
           : o->dec == SL_INPUT_BLANK ? SL_COPIES_BLANK
                                      : SL_COPIES_ONE;
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
    r->copies = copies_of(p->what);
    r->spans = p->what->spans;
    r->form = o->mask_form >= 0            ? (enum sl_mask_form)o->mask_form
              : r->copies == SL_COPIES_ONE ? SL_MASK_80_10_10
                                           : SL_MASK_ALL;
    r->p_enc = r->copies == SL_COPIES_ONE ? o->mask_rate : o->encoder_rate;
    r->p_dec = o->decoder_rate;
    r->seed = o->train.seed;
    return SIMLM_OK;
}

static simlm_status describe(void *self, struct sl_json_writer *w,
                             struct sl_json_writer *settings, simlm_error *err)
{
    struct pretrain *p = self;
    const simlm_pretrain_options *o = p->o;

    sl_json_add_text(w, "command", "pretrain");
    sl_json_add_text(w, "objective", p->what->name);
    SL_TRY(sl_setup_add_weights(w, "model", o->train.model, err));
    SL_TRY(sl_setup_add_corpus(w, "corpus", o->corpus, o->n_corpus, err));
    sl_setup_identity(&p->setup, w);
    sl_json_add_int(w, "max_length", o->max_length);
    sl_json_add_int(w, "mask_form", p->rule.form);
    if (p->generator)
        SL_TRY(sl_setup_add_weights(w, "generator", o->generator, err));
    sl_pretrain_identity(o, w);

    sl_setup_settings(&p->setup, settings);
    if (p->generator)
        sl_json_add_text(settings, "generator", o->generator);
    sl_json_begin(settings, "corpus", '[');
    for (int32_t i = 0; i < o->n_corpus; i++)
        sl_json_add_text(settings, NULL, o->corpus[i]);
    sl_json_end(settings);
    return SIMLM_OK;
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
                       "%lld passages to evaluate with: expected fewer than "
                       "there are, %lld",
                       (long long)n_eval, (long long)n);
    return sl_order_init(&p->order, n, n_eval, t->batch, t->seed, err);
}

static bool copy_rows_init(struct copy_rows *r, int64_t n)
{
    r->hidden = SL_NEW_ARRAY(int32_t, n);
    r->counted = SL_NEW_ARRAY(int32_t, n);
    return r->hidden && r->counted;
}

static void copy_rows_free(struct copy_rows *r)
{
    sl_free(r->hidden);
    sl_free(r->counted);
}

/* Everything a step needs, so that no step allocates. */
static simlm_status open_session(struct pretrain *p, simlm_error *err)
{
    const simlm_train_options *t = &p->o->train;
    int64_t texts = texts_of(p->what, t->batch);
    int64_t all = texts * p->o->max_length;
    struct sl_pretrainer_options o = {
        .objective = p->what,
        .early_layers = p->o->early_layers,
        .generator_dropout = p->o->generator_dropout,
        .joint = p->o->generator_joint,
        .max_spans = texts,
    };
    struct sl_session_options *s = &o.session;

    s->max_tokens =
        t->batch_tokens > p->o->max_length ? t->batch_tokens : p->o->max_length;
    if (s->max_tokens > all)
        s->max_tokens = all;
    s->max_seqs = texts < s->max_tokens / 2 ? texts : s->max_tokens / 2;
    s->checkpoint = t->checkpointing;
    SL_TRY(
        sl_pretrainer_new(&p->session, p->setup.model, p->generator, &o, err));
    SL_TRY(
        sl_setup_check_memory(&p->setup, sl_pretrainer_bytes(p->session), err));
    p->start = SL_NEW_ARRAY(int32_t, s->max_seqs + 1);
    if (!p->start || !copy_rows_init(&p->enc, s->max_tokens) ||
        !copy_rows_init(&p->dec, s->max_tokens))
        return sl_fail_nomem(err, "a micro-batch");
    return sl_lm_batch_init(&p->batch, texts, p->o->max_length, p->rule.copies,
                            err);
}

/* The entropy of a coin that shows heads with probability p, in nats. */
static double coin(double p)
{
    return p > 0 && p < 1 ? -p * log(p) - (1 - p) * log(1 - p) : 0;
}

/* The loss of guessing. */
static double chance(const struct pretrain *p)
{
    const struct sl_objective *o = p->what;
    bool lm = o->head == SL_HEAD_LM;
    double word = log((double)p->rule.vocab), sum = 0;

    if (o->enc_counts != SL_COUNT_NONE)
        sum += lm ? word : coin(p->rule.p_enc);
    if (o->dec_counts != SL_COUNT_NONE)
        sum += lm ? word : coin(p->rule.p_dec);
    if (p->o->generator_joint)
        sum += p->o->generator_weight * word;
    if (o->spans)
        sum += log(2.0 * p->o->train.batch - 1);
    return sum;
}

static simlm_status train(struct pretrain *p, simlm_error *err)
{
    const simlm_train_options *t = &p->o->train;
    struct sl_loop loop = {
        .o = t,
        .dir = &p->dir,
        .model = p->setup.model,
        .order = &p->order,
        .task = {p, pretrain_step, pretrain_save, chance(p), MEASURES},
    };

    SL_TRY(sl_setup_cache(&p->cache, &p->setup, p->o->corpus, p->o->n_corpus,
                          err));
    SL_TRY(open_order(p, err));
    SL_TRY(sl_loop_plan(&loop, err));
    SL_TRY(open_session(p, err));
    return sl_loop_run(&loop, err);
}

static simlm_status run(struct pretrain *p, const simlm_observer *observer,
                        simlm_error *err)
{
    const simlm_pretrain_options *o = p->o;
    struct sl_bert_parts parts = {0};

    SL_TRY(sl_check_pretrain(o, err));
    p->what = &sl_objectives[o->objective];
    parts.head = p->what->head == SL_HEAD_LM;
    parts.rtd = p->what->head == SL_HEAD_RTD;
    parts.n_decoder = p->what->dec == SL_INPUT_NONE ? 0 : o->decoder_layers;
    SL_TRY(sl_setup_open(&p->setup, &o->train, parts, observer, err));
    SL_TRY(init_parts(p, err));
    SL_TRY(make_rule(p, err));
    if (sl_objective_replaces(p->what)) {
        SL_TRY(open_generator(p, err));
        SL_TRY(prepare_generator(p, err));
    }
    SL_TRY(sl_setup_open_dir(&p->dir, &p->setup, describe, p, err));
    if (p->dir.finished)
        return SIMLM_OK;
    return train(p, err);
}

simlm_status sl_pretrain(const simlm_pretrain_options *o,
                         const simlm_observer *observer, simlm_error *err)
{
    struct pretrain p = {.o = o};
    simlm_status st = run(&p, observer, err);

    sl_pretrainer_free(p.session);
    sl_lm_batch_free(&p.batch);
    sl_free(p.start);
    copy_rows_free(&p.enc);
    copy_rows_free(&p.dec);
    sl_free(p.kind);
    sl_order_free(&p.order);
    sl_token_cache_close(p.cache);
    sl_bert_free(p.generator);
    sl_tokenizer_close(p.generator_tokenizer);
    sl_setup_close(&p.setup);
    sl_rundir_close(&p.dir);
    return st;
}
