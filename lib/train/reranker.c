/*
 * reranker.c - training of a cross-encoder (spec 3.2; docs/MODEL.md).
 *
 * A step is B queries with n passages each, a positive and n - 1 negatives.  If
 * the forward factor f is above 1, all B n pairs are scored without dropout,
 * and of each query's negatives only the n / f - 1 that score highest are
 * trained with.  The loss of a group is its own (R-Drop: seen twice), so the
 * step is cut between groups:
 *
 *     pairs    [B, n]          packed from the corpus
 *     kept     [B, m]          m = n / f of them, the positive first
 *     batch    [passes, B', m] B' groups of a micro-batch, each pass after the
 *                              other
 *
 * Evaluation does the same with the held-out queries and the first window of
 * their lists, with one pass and no dropout.
 */
#include "train/jobs.h"

#include <math.h>

#include "base/alloc.h"
#include "comm/comm.h"
#include "data/negatives.h"
#include "model/crossencoder.h"
#include "train/groups.h"

static const char MEASURES[] = "loss acc";

struct reranker {
    const simlm_train_reranker_options *o;
    struct sl_setup setup;
    struct sl_groups groups;
    struct sl_rundir dir;

    struct sl_pack_rule rule;
    struct sl_id_list colon;

    struct sl_crossencoder *session;
    int64_t n, m;       /* passages of a query; of these trained with */
    int64_t begin, end; /* the step's groups that are this rank's */
    int32_t *passage;   /* [n] rows of the corpus */
    struct sl_pack pairs, batch;
    float *score;  /* [max(B n, passes B m)] */
    int32_t *kept; /* [B, m] places in pairs */
};

/* ---- a step -----------------------------------------------------------------
 */

/* Of this rank's groups. */
static void pack_pairs(struct reranker *r, const struct sl_step *step)
{
    sl_pack_clear(&r->pairs);
    for (int64_t i = r->begin; i < r->end; i++) {
        struct sl_ids query = sl_groups_query(&r->groups, step->example[i]);

        sl_groups_choose(r->passage, &r->groups, step->example[i], step);
        for (int64_t j = 0; j < r->n; j++)
            sl_pack_add_pair(&r->pairs, (uint64_t)(i * r->n + j), query,
                             r->groups.cache, r->passage[j], &r->rule);
    }
}

static simlm_status choose_kept(struct reranker *r, int64_t B,
                                int64_t *n_tokens, simlm_error *err)
{
    struct sl_tokens all = sl_groups_tokens(&r->pairs);

    if (r->m == r->n || !B) {
        for (int64_t i = 0; i < B * r->n; i++)
            r->kept[i] = (int32_t)i;
        return SIMLM_OK;
    }
    SL_TRY(sl_crossencoder_scores(r->session, r->score, &all, err));
    *n_tokens += all.N;
    for (int64_t i = 0; i < B; i++)
        sl_keep_hardest(r->kept + i * r->m, r->score, i * r->n, r->n, r->m);
    return SIMLM_OK;
}

static int64_t group_tokens(const struct reranker *r, int64_t i)
{
    int64_t sum = 0;

    for (int64_t j = 0; j < r->m; j++) {
        int32_t k = r->kept[i * r->m + j];

        sum += r->pairs.start[k + 1] - r->pairs.start[k];
    }
    return sum;
}

/* The end of the micro-batch that begins with group i. */
static int64_t cut(const struct reranker *r, int64_t i, int64_t B,
                   int64_t passes)
{
    int64_t sum = passes * group_tokens(r, i++);

    while (i < B) {
        sum += passes * group_tokens(r, i);
        if (sum > r->o->train.batch_tokens)
            break;
        i++;
    }
    return i;
}

/* Each pass's pairs of a step of B groups have keys of their own, whatever the
 * cut. */
static void pack_batch(struct reranker *r, int64_t begin, int64_t end,
                       int64_t passes, int64_t B)
{
    sl_pack_clear(&r->batch);
    for (int64_t pass = 0; pass < passes; pass++)
        for (int64_t i = begin * r->m; i < end * r->m; i++)
            sl_pack_add_copy(
                &r->batch,
                (uint64_t)((pass * B + r->begin) * r->n + r->kept[i]),
                &r->pairs, r->kept[i]);
}

/* Groups of the first pass whose positive scores above all others. */
static int64_t count_right(const struct reranker *r, int64_t B)
{
    int64_t right = 0;

    for (int64_t i = 0; i < B; i++) {
        const float *score = r->score + i * r->m;
        bool best = true;

        for (int64_t j = 1; j < r->m; j++)
            best = best && score[0] > score[j];
        right += best;
    }
    return right;
}

/* Over the ranks' shares. */
static simlm_status sum_results(struct sl_crossencoder_result *r,
                                int64_t *right, int64_t *n_tokens,
                                simlm_error *err)
{
    double x[] = {r->ce, r->rdrop, (double)*right, (double)*n_tokens};

    SL_TRY(sl_comm_add(x, SL_LEN(x), err));
    *r = (struct sl_crossencoder_result){.ce = x[0], .rdrop = x[1]};
    *right = (int64_t)x[2];
    *n_tokens = (int64_t)x[3];
    return SIMLM_OK;
}

static simlm_status reranker_step(void *self, const struct sl_step *step,
                                  struct sl_meters *meters, int64_t *n_tokens,
                                  simlm_error *err)
{
    struct reranker *r = self;
    int64_t passes = step->train && r->o->rdrop ? 2 : 1, right = 0, end;
    struct sl_noise noise = {step->train,
                             sl_loop_dropout(&r->o->train, step->k)};
    struct sl_crossencoder_result sum = {0}, part;
    double B = (double)step->n;
    int64_t own;

    *n_tokens = 0;
    sl_comm_share(&r->begin, &r->end, step->n);
    own = r->end - r->begin;
    pack_pairs(r, step);
    SL_TRY(choose_kept(r, own, n_tokens, err));
    for (int64_t i = 0; i < own; i = end) {
        struct sl_crossencoder_batch b = {.passes = passes, .m = r->m};

        end = cut(r, i, own, passes);
        pack_batch(r, i, end, passes, step->n);
        b.B = end - i;
        b.watch = end == own ? step->watch : NULL;
        b.in = sl_groups_tokens(&r->batch);
        SL_TRY(sl_crossencoder_step(r->session, &part, r->score, &b, 1 / B,
                                    step->train, noise, err));
        sum.ce += part.ce;
        sum.rdrop += part.rdrop;
        right += count_right(r, b.B);
        *n_tokens += b.in.N;
    }
    SL_TRY(sum_results(&sum, &right, n_tokens, err));
    sl_meters_add(meters, "loss", sum.ce + sum.rdrop, B);
    if (passes == 2)
        sl_meters_add(meters, "rdrop", sum.rdrop, B);
    sl_meters_add(meters, "acc", 100.0 * (double)right, B);
    return SIMLM_OK;
}

static simlm_status reranker_save(void *self, const char *dir, simlm_error *err)
{
    struct reranker *r = self;

    r->setup.profile.passage_max_length = r->o->max_length;
    return sl_setup_save(&r->setup, dir, true, err);
}

/* ---- options and description ------------------------------------------------
 */

simlm_status sl_check_reranker(const simlm_train_reranker_options *o,
                               simlm_error *err)
{
    int32_t n = o->groups.passages, f = o->forward_factor;

    SL_TRY(sl_setup_check(&o->train, MEASURES, err));
    SL_TRY(sl_groups_check(&o->groups, err));
    if (f < 1 || n % f || n / f < 2)
        return sl_fail(err, SIMLM_E_ARG,
                       "%d passages a query with a forward factor of %d: "
                       "expected a multiple of it, at least twice as much",
                       (int)n, (int)f);
    if (!((double)o->train.batch * n * o->max_length < 1e9))
        return sl_fail(err, SIMLM_E_ARG,
                       "a step of %d queries of %d passages is too large",
                       (int)o->train.batch, (int)n);
    return SIMLM_OK;
}

static simlm_status describe(void *self, struct sl_json_writer *w,
                             struct sl_json_writer *settings, simlm_error *err)
{
    struct reranker *r = self;
    const simlm_train_reranker_options *o = r->o;

    sl_json_add_text(w, "command", "train-reranker");
    SL_TRY(sl_setup_add_weights(w, "model", o->train.model, err));
    SL_TRY(sl_groups_identity(&o->groups, w, err));
    sl_setup_identity(&r->setup, w);
    sl_json_add_int(w, "passages", o->groups.passages);
    sl_json_add_bool(w, "use_first_positive", o->groups.use_first_positive);
    sl_json_add_int(w, "max_length", o->max_length);
    sl_json_add_int(w, "forward_factor", o->forward_factor);
    sl_json_add_bool(w, "rdrop", o->rdrop);

    sl_setup_settings(&r->setup, settings);
    sl_groups_settings(&o->groups, settings);
    return SIMLM_OK;
}

/* ---- before the first step --------------------------------------------------
 */

static simlm_status make_rule(struct reranker *r, simlm_error *err)
{
    SL_TRY(sl_setup_passages(&r->rule, &r->setup, r->o->max_length, err));
    if (!sl_tokenizer_encode(r->setup.tokenizer, &r->colon, ":", 1))
        return sl_fail_nomem(err, "a rule");
    r->rule.colon = (struct sl_ids){r->colon.id, r->colon.n};
    return SIMLM_OK;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static simlm_status open_session(struct reranker *r, simlm_error *err)
{
    const simlm_train_reranker_options *o = r->o;
    int64_t B = o->train.batch, length = o->max_length;
    int64_t passes = o->rdrop ? 2 : 1, group = passes * r->m;
    int64_t all = most(B * r->n, B * group);
    int64_t budget = most(o->train.batch_tokens, length);
    struct sl_crossencoder_options x = {.max_pairs = all, .train = true};

    x.session.max_tokens = least(budget, all * length);
    x.session.max_seqs = least(all, x.session.max_tokens / 3);
    x.session.checkpoint = o->train.checkpointing;
    SL_TRY(sl_pack_init(&r->pairs, B * r->n, B * r->n * length, err));
    SL_TRY(sl_pack_init(&r->batch, B * group,
                        most(B * group, least(most(budget, group * length),
                                              B * group * length)),
                        err));
    r->passage = SL_NEW_ARRAY(int32_t, r->n);
    r->score = SL_NEW_ARRAY(float, all);
    r->kept = SL_NEW_ARRAY(int32_t, B * r->m);
    if (!r->passage || !r->score || !r->kept)
        return sl_fail_nomem(err, "a step of training");
    SL_TRY(sl_crossencoder_new(&r->session, r->setup.model, &x, err));
    return sl_setup_check_memory(&r->setup, sl_crossencoder_bytes(r->session),
                                 err);
}

static simlm_status train(struct reranker *r, simlm_error *err)
{
    const simlm_train_options *t = &r->o->train;
    struct sl_loop loop = {
        .o = t,
        .dir = &r->dir,
        .model = r->setup.model,
        .order = &r->groups.order,
        .task = {r, reranker_step, reranker_save, log((double)r->m), MEASURES},
    };

    SL_TRY(sl_groups_open(&r->groups, &r->o->groups, &r->setup, &r->dir, err));
    SL_TRY(sl_loop_plan(&loop, err));
    SL_TRY(open_session(r, err));
    return sl_loop_run(&loop, err);
}

static simlm_status run(struct reranker *r, const simlm_observer *observer,
                        simlm_error *err)
{
    const simlm_train_reranker_options *o = r->o;
    struct sl_bert_parts parts = {
        .score = true, .may_be_fresh = true, .seed = o->train.seed};

    SL_TRY(sl_check_reranker(o, err));
    r->n = o->groups.passages;
    r->m = r->n / o->forward_factor;
    SL_TRY(sl_setup_open(&r->setup, &o->train, parts, observer, err));
    SL_TRY(make_rule(r, err));
    SL_TRY(sl_setup_open_dir(&r->dir, &r->setup, describe, r, err));
    if (r->dir.finished)
        return SIMLM_OK;
    if (r->setup.model->fresh_score)
        sl_rundir_say(&r->dir, SIMLM_INFO,
                      "'%s' is no re-ranker yet: its score head starts from "
                      "random weights",
                      o->train.model);
    return train(r, err);
}

simlm_status sl_train_reranker(const simlm_train_reranker_options *o,
                               const simlm_observer *observer, simlm_error *err)
{
    struct reranker r = {.o = o};
    simlm_status st = run(&r, observer, err);

    sl_crossencoder_free(r.session);
    sl_pack_free(&r.pairs);
    sl_pack_free(&r.batch);
    sl_free(r.passage);
    sl_free(r.score);
    sl_free(r.kept);
    sl_id_list_free(&r.colon);
    sl_groups_close(&r.groups);
    sl_setup_close(&r.setup);
    sl_rundir_close(&r.dir);
    return st;
}
