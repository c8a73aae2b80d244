/* <simlm/train.h>: defaults, and checks of what a caller may get wrong. */
#include <simlm/train.h>

#include "base/status.h"
#include "comm/comm.h"
#include "report/tensorboard.h"
#include "train/jobs.h"
#include "train/pretrain_options.h"

/* What all kinds of training start from: spec 6.1 and 6.4. */
static simlm_train_options train_defaults(void)
{
    return (simlm_train_options){
        .batch_tokens = 8192,
        .schedule = SIMLM_SCHEDULE_LINEAR,
        .beta1 = 0.9,
        .beta2 = 0.999,
        .eps = 1e-8,
        .clip = 1,
        .dropout = -1,
        .eval_samples = -1,
        .log_every = 50,
        .save_every = 500,
    };
}

void simlm_pretrain_options_init(simlm_pretrain_options *o)
{
    sl_pretrain_defaults(o);
    o->train = train_defaults();
    o->train.epochs = 20;
    o->train.batch = 256;
    o->train.lr = 3e-4;
    o->train.warmup = 0.05;
    o->train.seed = 45678;
}

static simlm_group_options group_defaults(int32_t passages)
{
    return (simlm_group_options){
        .negative_depth = 200,
        .negative_count = 210,
        .negative_random = 10,
        .passages = passages,
    };
}

void simlm_finetune_options_init(simlm_finetune_options *o)
{
    *o = (simlm_finetune_options){
        .train = train_defaults(),
        .groups = group_defaults(16),
        .query_length = 32,
        .passage_length = 144,
        .temperature = 0.02,
        .full_contrastive = true,
        .scaled_loss = true,
        .loss_scale = -1,
        .contrastive_weight = 0.2,
    };
    o->train.epochs = 3;
    o->train.batch = 64;
    o->train.lr = 2e-5;
    o->train.warmup = 0.05;
    o->train.seed = 1234;
}

void simlm_train_reranker_options_init(simlm_train_reranker_options *o)
{
    *o = (simlm_train_reranker_options){
        .train = train_defaults(),
        .groups = group_defaults(64),
        .max_length = 192,
        .forward_factor = 4,
        .rdrop = true,
    };
    o->train.epochs = 3;
    o->train.batch = 64;
    o->train.lr = 3e-5;
    o->train.warmup = 0.05;
    o->train.seed = 987;
}

/* Whom a training tells: the caller and, if asked for, TensorBoard's files.  Of
 * several processes the first alone writes. */
struct audience {
    const simlm_observer *observer;
    struct sl_tensorboard tensorboard;
    bool writes;
};

static simlm_status open_audience(struct audience *a,
                                  const simlm_train_options *o,
                                  const simlm_observer *observer,
                                  simlm_error *err)
{
    a->observer = observer;
    a->writes = o->tensorboard && sl_comm_first();
    if (!a->writes)
        return SIMLM_OK;
    a->observer = &a->tensorboard.observer;
    return sl_tensorboard_open(&a->tensorboard, o->tensorboard, observer, err);
}

static simlm_status close_audience(struct audience *a, simlm_status st,
                                   simlm_error *err)
{
    return a->writes ? sl_tensorboard_close(&a->tensorboard, st, err) : st;
}

simlm_status simlm_pretrain_check(const simlm_pretrain_options *o,
                                  simlm_error *err)
{
    return o ? sl_check_pretrain(o, err)
             : sl_fail(err, SIMLM_E_ARG, "simlm_pretrain_check: no options");
}

simlm_status simlm_pretrain(const simlm_pretrain_options *o,
                            const simlm_observer *observer, simlm_error *err)
{
    struct audience a;

    if (!o)
        return sl_fail(err, SIMLM_E_ARG, "simlm_pretrain: no options");
    SL_TRY(open_audience(&a, &o->train, observer, err));
    return close_audience(&a, sl_pretrain(o, a.observer, err), err);
}

simlm_status simlm_finetune_check(const simlm_finetune_options *o,
                                  simlm_error *err)
{
    return o ? sl_check_finetune(o, err)
             : sl_fail(err, SIMLM_E_ARG, "simlm_finetune_check: no options");
}

simlm_status simlm_finetune(const simlm_finetune_options *o,
                            const simlm_observer *observer, simlm_error *err)
{
    struct audience a;

    if (!o)
        return sl_fail(err, SIMLM_E_ARG, "simlm_finetune: no options");
    SL_TRY(open_audience(&a, &o->train, observer, err));
    return close_audience(&a, sl_finetune(o, a.observer, err), err);
}

simlm_status simlm_train_reranker_check(const simlm_train_reranker_options *o,
                                        simlm_error *err)
{
    return o ? sl_check_reranker(o, err)
             : sl_fail(err, SIMLM_E_ARG,
                       "simlm_train_reranker_check: no options");
}

simlm_status simlm_train_reranker(const simlm_train_reranker_options *o,
                                  const simlm_observer *observer,
                                  simlm_error *err)
{
    struct audience a;

    if (!o)
        return sl_fail(err, SIMLM_E_ARG, "simlm_train_reranker: no options");
    SL_TRY(open_audience(&a, &o->train, observer, err));
    return close_audience(&a, sl_train_reranker(o, a.observer, err), err);
}
