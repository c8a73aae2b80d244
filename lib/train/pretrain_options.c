#include "train/pretrain_options.h"

#include "base/alloc.h"
#include "base/status.h"
#include "model/objective.h"

void sl_pretrain_defaults(simlm_pretrain_options *o)
{
    *o = (simlm_pretrain_options){
        .objective = SIMLM_OBJECTIVE_MLM,
        .max_length = 144,
        .mask_form = -1,
        .mask_rate = 0.3,
        .encoder_rate = 0.3,
        .decoder_rate = 0.5,
        .decoder_layers = 2,
        .generator_weight = 0.2,
        .generator_dropout = true,
    };
}

/* ---- which options there are --------------------------------------------- */

/* Parts of an objective that bring options with them. */
enum {
    SHARE = 1,  /* one share of the tokens is hidden */
    SHARES = 2, /* the encoder's and the decoder's */
    FORM = 4,   /* there is a choice of what hides a token */
    DECODER = 8,
    EARLY = 16, /* it reads an early layer */
    GENERATOR = 32,
    JOINT = 64, /* which is trained, too */
};

static unsigned parts_of(const simlm_pretrain_options *options)
{
    const struct sl_objective *o = &sl_objectives[options->objective];
    unsigned parts = 0;

    if (sl_objective_nests(o))
        parts |= SHARES | FORM;
    else if (o->enc == SL_INPUT_MASKED)
        parts |= SHARE | FORM;
    if (o->dec != SL_INPUT_NONE)
        parts |= DECODER;
    if (o->dec == SL_INPUT_EARLY)
        parts |= EARLY;
    if (sl_objective_replaces(o))
        parts |= GENERATOR | (options->generator_joint ? JOINT : 0);
    return parts;
}

/* One of them, as a number (a text: whether there is one). */
struct row {
    const char *name;
    const char *said; /* in messages: the program's option */
    unsigned part;    /* which it belongs to */
    double value, initial;
    double min, max;
    bool identity; /* decides a run as it stands here */
};

enum { N_ROWS = 13 };

static void list(struct row rows[N_ROWS], const simlm_pretrain_options *o)
{
    simlm_pretrain_options d;

    sl_pretrain_defaults(&d);
#define ROW(part, field, said, min, max, identity)                             \
    {                                                                          \
#field, said, part, (double)o->field, (double)d.field, min, max,       \
            identity                                                           \
    }
    const struct row all[N_ROWS] = {
        /* what it is resolved to is added by the run */
        ROW(FORM, mask_form, "mask-form", -1, 1, false),
        ROW(SHARE, mask_rate, "mask-rate", 1e-6, 1, true),
        ROW(SHARES, encoder_rate, "encoder-rate", 0, 1, true),
        ROW(SHARES, decoder_rate, "decoder-rate", 0, 1, true),
        ROW(DECODER, decoder_layers, "decoder-layers", 1, 64, true),
        ROW(DECODER, decoder_init, "decoder-init", 0, 2, true),
        ROW(EARLY, early_layers, "early-layers", 0, 255, true),
        /* its hash is added by the run */
        {"generator", "generator", GENERATOR, o->generator != NULL, 0, 0, 1,
         false},
        ROW(GENERATOR, generator_joint, "generator-training", 0, 1, true),
        ROW(GENERATOR, generator_random, "generator-init", 0, 1, true),
        ROW(GENERATOR, generator_dropout, "generator-dropout", 0, 1, true),
        ROW(GENERATOR, generator_head_eps, "generator-head-eps", 0, 0.999999,
            true),
        ROW(JOINT, generator_weight, "generator-weight", 0, 1e6, true),
    };
#undef ROW
    for (int i = 0; i < N_ROWS; i++)
        rows[i] = all[i];
}

/* ---- checks -------------------------------------------------------------- */

static simlm_status check_row(const struct row *r, unsigned parts,
                              const char *objective, simlm_error *err)
{
    bool inside = r->value >= r->min && r->value <= r->max;

    if (parts & r->part)
        return inside ? SIMLM_OK
                      : sl_fail(err, SIMLM_E_ARG,
                                "%s is %g: expected from %g "
                                "to %g",
                                r->said, r->value, r->min, r->max);
    if (r->value == r->initial)
        return SIMLM_OK;
    if (r->part == JOINT)
        return sl_fail(err, SIMLM_E_ARG,
                       "%s: there is no generator that is trained jointly",
                       r->said);
    return sl_fail(err, SIMLM_E_ARG, "the objective '%s' has no use for %s",
                   objective, r->said);
}

simlm_status sl_pretrain_check(const simlm_pretrain_options *o,
                               simlm_error *err)
{
    struct row rows[N_ROWS];
    unsigned parts;

    if (o->n_corpus < 1 || !o->corpus)
        return sl_fail(err, SIMLM_E_ARG, "no corpus given");
    if (o->objective < 0 || o->objective >= SL_N_OBJECTIVES)
        return sl_fail(err, SIMLM_E_ARG, "no such objective");
    if (o->loss_mean != SIMLM_MEAN_STEP && o->loss_mean != SIMLM_MEAN_MICRO)
        return sl_fail(err, SIMLM_E_ARG, "no such mean of losses");
    parts = parts_of(o);
    list(rows, o);
    for (int i = 0; i < N_ROWS; i++)
        SL_TRY(
            check_row(&rows[i], parts, sl_objectives[o->objective].name, err));
    if (parts & GENERATOR && !o->generator)
        return sl_fail(err, SIMLM_E_ARG,
                       "the objective '%s' needs a generator's directory",
                       sl_objectives[o->objective].name);
    return SIMLM_OK;
}

void sl_pretrain_identity(const simlm_pretrain_options *o,
                          struct sl_json_writer *w)
{
    struct row rows[N_ROWS];
    unsigned parts = parts_of(o);

    sl_json_add_text(w, "loss_mean",
                     o->loss_mean == SIMLM_MEAN_MICRO ? "micro" : "step");
    list(rows, o);
    for (int i = 0; i < N_ROWS; i++)
        if (rows[i].identity && parts & rows[i].part)
            sl_json_add_real(w, rows[i].name, rows[i].value);
}
