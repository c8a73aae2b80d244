#include "model/towers.h"

#include "base/alloc.h"
#include "base/file.h"
#include "format/weightfiles.h"
#include "model/modeldir.h"
#include "model/tables.h"

/* ---- the pooler ---------------------------------------------------------- */

/* Its names: those of sentence-transformers' Dense, or torch's Linear. */
static const char *pooler_prefix(const struct sl_weights *w)
{
    return sl_weights_find(w, "linear.weight") >= 0 ? "pooler."
                                                    : "pooler.linear.";
}

/* *width <- rows of the pooler's matrix. */
static simlm_status pooler_width(int64_t *width, const struct sl_weights *w,
                                 simlm_error *err)
{
    int64_t at = sl_weights_find(w, "linear.weight");
    const struct sl_tensor *t;

    if (at < 0)
        at = sl_weights_find(w, "weight");
    t = at < 0 ? NULL : sl_weights_at(w, at);
    if (!t || t->n_dims != 2 || t->shape[0] < 1 || t->shape[0] > 1 << 16)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "%s: expected a pooler's 'weight', a matrix of at most "
                       "65536 rows",
                       sl_weights_path(w));
    *width = t->shape[0];
    return SIMLM_OK;
}

simlm_status sl_pooler_open(struct sl_weights **w, int64_t *width,
                            const char *dir, simlm_error *err)
{
    char *path = NULL;
    simlm_status st = sl_modeldir_pooler(&path, dir, err);

    if (st < 0 || !path)
        return st;
    st = sl_weights_open(w, path, err);
    sl_free(path);
    return st < 0 ? st : pooler_width(width, *w, err);
}

/* The same; *width is the one asked for, then what will be. */
static simlm_status open_pooler(struct sl_weights **w, int64_t *width,
                                const char *dir, simlm_error *err)
{
    int64_t asked = *width;

    SL_TRY(sl_pooler_open(w, width, dir, err));
    if (asked && asked != *width)
        return sl_fail(err, SIMLM_E_ARG,
                       "'%s' has a pooler of width %lld, not %lld", dir,
                       (long long)*width, (long long)asked);
    return SIMLM_OK;
}

/* w NULL: it is drawn. */
static simlm_status fill_pooler(struct sl_bert *m, const struct sl_weights *w,
                                uint64_t seed, simlm_error *err)
{
    int64_t n = sl_pooler_table.n;

    if (!m->cfg.pooler)
        return SIMLM_OK;
    if (w)
        SL_TRY(sl_params_load(&m->params, m->first_pooler, n, m->be, m->w, w,
                              pooler_prefix(w), NULL, err));
    else
        SL_TRY(sl_params_init(&m->params, m->first_pooler, n, m->be, m->w,
                              m->cfg.init_std, seed, err));
    return sl_bert_written(m, err);
}

simlm_status sl_pooler_save(const struct sl_bert *m, const char *dir,
                            simlm_error *err)
{
    char *sub, *path;
    simlm_status st;

    if (!m->cfg.pooler)
        return SIMLM_OK;
    sub = sl_path_join(dir, "2_Dense");
    path = sl_path_join(dir, "2_Dense/model.safetensors");
    st = sub && path ? sl_dir_make(sub, err) : sl_fail_nomem(err, dir);
    if (st == SIMLM_OK)
        st = sl_params_save(&m->params, m->first_pooler, sl_pooler_table.n,
                            m->be, m->w, path, "pooler.", err);
    sl_free(path);
    sl_free(sub);
    return st;
}

/* ---- the encoders -------------------------------------------------------- */

/* Whatever decides which numbers the same weights would give. */
static bool same_shape(const struct sl_config *a, const struct sl_config *b)
{
    return a->type == b->type && a->vocab == b->vocab &&
           a->hidden == b->hidden && a->embedding == b->embedding &&
           a->layers == b->layers && a->heads == b->heads && a->ffn == b->ffn &&
           a->positions == b->positions && a->types == b->types &&
           a->ln_eps >= b->ln_eps && a->ln_eps <= b->ln_eps;
}

static simlm_status open_encoder(struct sl_bert **out, struct sl_backend *be,
                                 const char *dir, enum sl_side side,
                                 int64_t pooler, simlm_error *err)
{
    struct sl_bert_parts parts = {.pooler = pooler};
    char *path = NULL;
    simlm_status st = sl_modeldir_encoder(&path, dir, side, err);

    if (st == SIMLM_OK)
        st = sl_bert_open(out, be, path, parts, NULL, err);
    sl_free(path);
    return st;
}

static simlm_status open_passage(struct sl_bert *m, const char *dir,
                                 simlm_error *err)
{
    SL_TRY(open_encoder(&m->passage, m->be, dir, SL_SIDE_PASSAGE, 0, err));
    if (!same_shape(&m->cfg, &m->passage->cfg))
        return sl_fail(err, SIMLM_E_FORMAT,
                       "'%s': encoders of two shapes are not supported", dir);
    return SIMLM_OK;
}

simlm_status sl_towers_open(struct sl_bert **out, struct sl_backend *be,
                            const char *dir, struct sl_bert_parts parts,
                            simlm_error *err)
{
    struct sl_weights *pooler = NULL;
    struct sl_bert *m = NULL;
    bool untied = false;
    simlm_status st = sl_modeldir_is_untied(&untied, dir, err);

    if (st == SIMLM_OK)
        st = open_pooler(&pooler, &parts.pooler, dir, err);
    if (st == SIMLM_OK)
        st = open_encoder(&m, be, dir, SL_SIDE_QUERY, parts.pooler, err);
    if (st == SIMLM_OK)
        st = fill_pooler(m, pooler, parts.seed, err);
    if (st == SIMLM_OK && (untied || parts.untied))
        st = open_passage(m, dir, err);
    sl_weights_close(pooler);
    if (st < 0)
        sl_bert_free(m);
    else
        *out = m;
    return st;
}

simlm_status sl_towers_train(struct sl_bert *m, simlm_error *err)
{
    SL_TRY(sl_bert_train(m, err));
    return m->passage && !m->passage->joined
               ? sl_bert_join(m, m->passage, "passage_model.", err)
               : SIMLM_OK;
}

static simlm_status save_config(const struct sl_bert *m, const char *dir,
                                simlm_error *err)
{
    char *path = sl_path_join(dir, "config.json");
    simlm_status st = path ? sl_config_save(&m->cfg, path, SL_ARCH_ENCODER, err)
                           : sl_fail_nomem(err, dir);

    sl_free(path);
    return st;
}

simlm_status sl_towers_save(const struct sl_bert *m, const char *dir,
                            simlm_error *err)
{
    for (int side = 0; side < 2; side++) {
        char *path = sl_path_join(dir, sl_tower_names[side]);
        simlm_status st =
            path ? sl_dir_make(path, err) : sl_fail_nomem(err, dir);

        sl_free(path);
        SL_TRY(st);
    }
    SL_TRY(save_config(m, dir, err));
    return sl_pooler_save(m, dir, err);
}
