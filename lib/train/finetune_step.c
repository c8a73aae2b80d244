#include "train/finetune_step.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "data/negatives.h"

/* ---- memory -------------------------------------------------------------- */

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static bool masks(const simlm_finetune_options *o)
{
    return o->false_negatives == SIMLM_FALSE_NEGATIVES_MASK ||
           o->mask_own_negatives;
}

simlm_status sl_finetune_step_open(struct sl_finetune_step *s, size_t *bytes,
                                   struct sl_bert *m, simlm_error *err)
{
    const simlm_finetune_options *o = s->o;
    int64_t B = o->train.batch, P = B * o->groups.passages;
    int64_t longest = o->passage_length > o->query_length ? o->passage_length
                                                          : o->query_length;
    int64_t all = B * o->query_length + P * o->passage_length;
    struct sl_biencoder_options b = {.max_queries = B,
                                     .max_passages = P,
                                     .pooling = s->profile->pooling,
                                     .normalize = s->profile->normalize};

    b.session.max_tokens =
        least(all, o->grad_cache                     ? o->grad_cache * longest
                   : o->train.batch_tokens > longest ? o->train.batch_tokens
                                                     : longest);
    b.session.max_seqs =
        least(B + P, o->grad_cache ? o->grad_cache : b.session.max_tokens / 2);
    b.session.checkpoint = o->train.checkpointing;
    SL_TRY(sl_pack_init(&s->batch, B + P, all, err));
    s->passage = SL_NEW_ARRAY(int32_t, P);
    s->rank = SL_NEW_ARRAY(int32_t, B);
    s->mask = masks(o) ? SL_NEW_ARRAY(uint8_t, B * P) : NULL;
    s->teacher = o->distill ? SL_NEW_ARRAY(float, P) : NULL;
    if (!s->passage || !s->rank || (masks(o) && !s->mask) ||
        (o->distill && !s->teacher))
        return sl_fail_nomem(err, "a step of training");
    SL_TRY(sl_biencoder_new(&s->session, m, &b, err));
    *bytes = sl_biencoder_bytes(s->session);
    return SIMLM_OK;
}

void sl_finetune_step_close(struct sl_finetune_step *s)
{
    sl_biencoder_free(s->session);
    sl_pack_free(&s->batch);
    sl_free(s->passage);
    sl_free(s->rank);
    sl_free(s->mask);
    sl_free(s->teacher);
}

/* ---- what goes in -------------------------------------------------------- */

static void choose(struct sl_finetune_step *s, const struct sl_step *step)
{
    int64_t m = s->o->groups.passages;

    for (int64_t i = 0; i < step->n; i++) {
        sl_groups_choose(s->passage + i * m, s->groups, step->example[i], step);
        if (s->teacher)
            sl_groups_scores(s->teacher + i * m, s->groups, step->example[i],
                             s->passage + i * m);
    }
}

/* Columns of row i that are known answers to its query. */
static void mask_answers(struct sl_finetune_step *s, int64_t i,
                         int64_t n_columns, int64_t example)
{
    int64_t m = s->o->groups.passages;
    int64_t e = sl_groups_example(s->groups, example);

    for (int64_t j = 0; j < n_columns; j++)
        s->mask[i * n_columns + j] |=
            j != i * m && sl_is_positive(s->groups->examples, e, s->passage[j]);
}

/* mask [B, B m] <- the columns that are to be left out. */
static void set_mask(struct sl_finetune_step *s, const struct sl_step *step)
{
    int64_t m = s->o->groups.passages, columns = step->n * m;

    memset(s->mask, 0, (size_t)(step->n * columns));
    for (int64_t i = 0; i < step->n; i++) {
        if (s->o->false_negatives == SIMLM_FALSE_NEGATIVES_MASK)
            mask_answers(s, i, columns, step->example[i]);
        if (s->o->mask_own_negatives && step->train)
            memset(s->mask + i * columns + i * m + 1, 1, (size_t)(m - 1));
    }
}

static void pack_step(struct sl_finetune_step *s, const struct sl_step *step)
{
    int64_t n_passages = step->n * s->o->groups.passages;

    sl_pack_clear(&s->batch);
    for (int64_t i = 0; i < step->n; i++)
        sl_pack_add_text(&s->batch, (uint64_t)i,
                         sl_groups_query(s->groups, step->example[i]),
                         &s->query_rule);
    for (int64_t j = 0; j < n_passages; j++)
        sl_pack_add_row(&s->batch, (uint64_t)(step->n + j), s->groups->cache,
                        s->passage[j], &s->passage_rule);
}

/* ---- the loss ------------------------------------------------------------ */

double sl_finetune_scale(const simlm_finetune_options *o, bool normalize,
                         int64_t warmup, int64_t done)
{
    double scale = 1 / o->temperature;

    if (!normalize)
        return 1;
    if (o->temperature_warmup)
        scale *= fmin(1, (double)done / (double)warmup);
    return o->temperature_warmup ? fmax(1, scale) : scale;
}

static struct sl_biencoder_loss loss_of(const struct sl_finetune_step *s,
                                        const struct sl_step *step)
{
    const simlm_finetune_options *o = s->o;
    double n = (double)step->n;
    bool scaled = o->scaled_loss && o->loss_scale > 0;

    return (struct sl_biencoder_loss){
        .scale =
            sl_finetune_scale(o, s->profile->normalize, s->warmup, step->done),
        .full = o->full_contrastive,
        .contrastive = (scaled ? o->loss_scale : 1) *
                       (o->distill ? o->contrastive_weight : 1) / n,
        .distill = 1 / n,
    };
}

/* The loss is logged without loss_scale, which is not part of what it means. */
static void measure(const struct sl_finetune_step *s, int64_t n,
                    const struct sl_biencoder_result *r,
                    struct sl_meters *meters)
{
    double weight = (double)n, loss = r->contrastive;

    if (s->o->distill)
        loss = s->o->contrastive_weight * r->contrastive + r->distill;
    sl_meters_add(meters, "loss", loss, weight);
    sl_meters_add_ranks(meters, s->rank, n);
    if (!s->o->distill)
        return;
    sl_meters_add(meters, "contrastive", r->contrastive, weight);
    sl_meters_add(meters, "distill", r->distill, weight);
}

simlm_status sl_finetune_step(struct sl_finetune_step *s,
                              const struct sl_step *step,
                              struct sl_meters *meters, int64_t *n_tokens,
                              simlm_error *err)
{
    struct sl_noise noise = {step->train,
                             sl_loop_dropout(&s->o->train, step->k)};
    struct sl_biencoder_batch in = {.B = step->n,
                                    .m = s->o->groups.passages,
                                    .mask = s->mask,
                                    .teacher = s->teacher,
                                    .watch = step->watch};
    struct sl_biencoder_result r;

    choose(s, step);
    if (s->mask)
        set_mask(s, step);
    pack_step(s, step);
    in.in = sl_groups_tokens(&s->batch);
    *n_tokens = in.in.N;
    SL_TRY(sl_biencoder_step(s->session, &r, s->rank, &in, loss_of(s, step),
                             step->train, noise, err));
    measure(s, step->n, &r, meters);
    return SIMLM_OK;
}

double sl_finetune_chance(const simlm_finetune_options *o)
{
    double B = o->train.batch, columns = B * o->groups.passages;

    if (o->distill)
        return 0;
    return log(o->full_contrastive ? columns + 3 * (B - 1) : columns);
}
