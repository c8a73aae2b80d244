#include "model/bert.h"

#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "format/weightfiles.h"
#include "model/modeldir.h"
#include "model/tables.h"
#include "nn/pass.h"

/* ---- the list of parameters -------------------------------------------------
 */

static const char *base_prefix(const struct sl_config *c)
{
    return c->type == SL_MODEL_ELECTRA ? "electra." : "bert.";
}

static simlm_status add(struct sl_bert *m, const struct sl_param_table *t,
                        const char *prefix, simlm_error *err)
{
    int64_t first;

    return sl_params_add(&m->params, &first, t->rows, t->n, prefix, &m->cfg,
                         err);
}

static simlm_status add_layers(struct sl_bert *m, int64_t n, const char *format,
                               const char *base, simlm_error *err)
{
    char prefix[64];

    for (int64_t l = 0; l < n; l++) {
        snprintf(prefix, sizeof prefix, "%s%s%lld.", base, format,
                 (long long)l);
        SL_TRY(add(m, &sl_layer_table, prefix, err));
    }
    return SIMLM_OK;
}

static bool is_projected(const struct sl_config *c)
{
    return c->embedding != c->hidden;
}

static const struct sl_param_table *head_table(const struct sl_config *c)
{
    return c->type == SL_MODEL_ELECTRA ? &sl_electra_head_table
                                       : &sl_bert_head_table;
}

static const struct sl_param_table *score_table(const struct sl_config *c)
{
    return c->type == SL_MODEL_ELECTRA ? &sl_electra_score_table
                                       : &sl_bert_score_table;
}

/* Embeddings, projection, layers, heads, decoder, head of replaced-token
 * detection, pooler: bind() walks the same way. */
static simlm_status make_list(struct sl_bert *m, simlm_error *err)
{
    const char *base = base_prefix(&m->cfg);
    char prefix[64];

    snprintf(prefix, sizeof prefix, "%sembeddings.", base);
    SL_TRY(add(m, &sl_embed_table, prefix, err));
    snprintf(prefix, sizeof prefix, "%sembeddings_project.", base);
    if (is_projected(&m->cfg))
        SL_TRY(add(m, &sl_project_table, prefix, err));
    SL_TRY(add_layers(m, m->cfg.layers, "encoder.layer.", base, err));
    m->first_head = m->params.count;
    if (m->has_head)
        SL_TRY(add(m, head_table(&m->cfg), "", err));
    m->first_score = m->params.count;
    if (m->has_score)
        SL_TRY(add(m, score_table(&m->cfg), "", err));
    m->first_decoder = m->params.count;
    SL_TRY(add_layers(m, m->n_decoder, "", "decoder.", err));
    m->first_rtd = m->params.count;
    if (m->has_rtd)
        SL_TRY(add(m, &sl_rtd_head_table, "", err));
    m->first_pooler = m->params.count;
    return m->cfg.pooler ? add(m, &sl_pooler_table, "pooler.", err) : SIMLM_OK;
}

static int64_t bind_part(struct sl_bert *m, void *component,
                         const struct sl_param_table *t, int64_t first,
                         sl_real *block)
{
    sl_params_bind(component, &m->params, first, t->n, m->be, block);
    return first + t->n;
}

static void bind(struct sl_bert *m, struct sl_bert_weights *w, sl_real *block)
{
    int64_t at = bind_part(m, &w->embed, &sl_embed_table, 0, block);

    if (is_projected(&m->cfg))
        at = bind_part(m, &w->embed, &sl_project_table, at, block);
    for (int64_t l = 0; l < m->cfg.layers; l++)
        at = bind_part(m, &w->layer[l], &sl_layer_table, at, block);
    if (m->has_head)
        at = bind_part(m, &w->head, head_table(&m->cfg), at, block);
    if (m->has_score)
        at = bind_part(m, &w->score, score_table(&m->cfg), at, block);
    for (int64_t l = 0; l < m->n_decoder; l++)
        at = bind_part(m, &w->decoder[l], &sl_layer_table, at, block);
    if (m->has_rtd)
        at = bind_part(m, &w->rtd, &sl_rtd_head_table, at, block);
    if (m->cfg.pooler)
        at = bind_part(m, &w->pooler, &sl_pooler_table, at, block);
    SL_ASSERT(at <= m->params.count); /* behind them, of a model joined to it */
}

static simlm_status new_block(struct sl_bert *m, sl_real **out,
                              const char *what, simlm_error *err)
{
    size_t bytes;
    void *p = NULL;

    if (!sl_mul_size(&bytes, (size_t)m->params.size, m->be->real_bytes))
        return sl_fail_nomem(err, what);
    SL_TRY(m->be->alloc(m->be, &p, bytes, what, err));
    *out = p;
    return SIMLM_OK;
}

static simlm_status new_weights(struct sl_bert *m, struct sl_bert_weights *w,
                                simlm_error *err)
{
    w->layer = SL_NEW_ARRAY(struct sl_layer_weights, m->cfg.layers);
    w->decoder = SL_NEW_ARRAY(struct sl_layer_weights, m->n_decoder + 1);
    return w->layer && w->decoder ? SIMLM_OK
                                  : sl_fail_nomem(err, "a list of layers");
}

simlm_status sl_bert_plan(struct sl_bert **out, const struct sl_config *cfg,
                          struct sl_bert_parts parts, simlm_error *err)
{
    struct sl_bert *m;
    simlm_status st;

    SL_TRY(sl_config_check(cfg, "model", err));
    if (parts.n_decoder < 0 || parts.n_decoder > cfg->layers)
        return sl_fail(err, SIMLM_E_ARG,
                       "a decoder of %lld layers: the encoder has only %lld",
                       (long long)parts.n_decoder, (long long)cfg->layers);
    m = SL_NEW(struct sl_bert);
    if (!m)
        return sl_fail_nomem(err, "a model");
    m->cfg = *cfg;
    m->cfg.pooler = parts.pooler;
    m->has_head = parts.head;
    m->has_score = parts.score;
    m->n_decoder = parts.n_decoder;
    m->has_rtd = parts.rtd;
    st = make_list(m, err);
    if (st == SIMLM_OK)
        st = new_weights(m, &m->W, err);
    if (st == SIMLM_OK)
        st = new_weights(m, &m->G, err);
    if (st < 0) {
        sl_bert_free(m);
        return st;
    }
    *out = m;
    return SIMLM_OK;
}

static simlm_status allocate(struct sl_bert *m, struct sl_backend *be,
                             simlm_error *err)
{
    m->be = be;
    SL_TRY(new_block(m, &m->w, "the model's weights", err));
    bind(m, &m->W, m->w);
    return SIMLM_OK;
}

simlm_status sl_bert_new(struct sl_bert **out, struct sl_backend *be,
                         const struct sl_config *cfg,
                         struct sl_bert_parts parts, simlm_error *err)
{
    struct sl_bert *m = NULL;
    simlm_status st;

    SL_TRY(sl_bert_plan(&m, cfg, parts, err));
    st = allocate(m, be, err);
    if (st < 0) {
        sl_bert_free(m);
        return st;
    }
    *out = m;
    return SIMLM_OK;
}

static void free_state(struct sl_bert *m)
{
    m->be->free(m->be, m->g);
    m->be->free(m->be, m->m);
    m->be->free(m->be, m->v);
    m->g = m->m = m->v = NULL;
}

void sl_bert_free(struct sl_bert *m)
{
    if (!m)
        return;
    sl_bert_free(m->passage);
    if (m->be && !m->joined) {
        m->be->free(m->be, m->w);
        free_state(m);
    }
    sl_free(m->W.layer);
    sl_free(m->W.decoder);
    sl_free(m->G.layer);
    sl_free(m->G.decoder);
    sl_params_free(&m->params);
    sl_free(m);
}

simlm_status sl_bert_init_from(struct sl_bert *m, int64_t first, uint64_t seed,
                               simlm_error *err)
{
    SL_TRY(sl_params_init(&m->params, first, m->params.count - first, m->be,
                          m->w, m->cfg.init_std, seed, err));
    return sl_bert_written(m, err);
}

simlm_status sl_bert_init(struct sl_bert *m, uint64_t seed, simlm_error *err)
{
    return sl_bert_init_from(m, 0, seed, err);
}

simlm_status sl_bert_written(struct sl_bert *m, simlm_error *err)
{
    return m->be->weights(m->be, m->w, m->params.size, m->g == NULL, err);
}

/* ---- training state ------------------------------------------------------ */

simlm_status sl_bert_train(struct sl_bert *m, simlm_error *err)
{
    if (!m->g)
        SL_TRY(new_block(m, &m->g, "gradients", err));
    if (!m->m)
        SL_TRY(new_block(m, &m->m, "the optimiser's first moments", err));
    if (!m->v)
        SL_TRY(new_block(m, &m->v, "the optimiser's second moments", err));
    bind(m, &m->G, m->g);
    return sl_bert_written(m, err);
}

void sl_bert_zero_grad(struct sl_bert *m)
{
    m->be->ops->zero_real(m->be, m->g, m->params.size);
}

/* to [n] <- from [n], both in the backend's memory. */
static simlm_status copy_block(struct sl_backend *be, sl_real *to,
                               sl_real *from, int64_t n, simlm_error *err)
{
    enum { PIECE = 1 << 16 };
    char *piece = SL_NEW_ARRAY(char, PIECE * be->real_bytes);

    if (!piece)
        return sl_fail_nomem(err, "a copy of the weights");
    for (int64_t at = 0; at < n; at += PIECE) {
        size_t bytes =
            (size_t)(n - at < PIECE ? n - at : PIECE) * be->real_bytes;

        be->download(be, piece, sl_real_at(be, from, at), bytes);
        be->upload(be, sl_real_at(be, to, at), piece, bytes);
    }
    sl_free(piece);
    return SIMLM_OK;
}

simlm_status sl_bert_join(struct sl_bert *m, struct sl_bert *part,
                          const char *prefix, simlm_error *err)
{
    struct sl_backend *be = m->be;
    int64_t n = m->params.size, at;
    sl_real *w = NULL;
    simlm_status st;

    SL_ASSERT(m->g && part->be == be && !part->joined);
    SL_TRY(sl_params_join(&m->params, &at, &part->params, prefix, err));
    SL_TRY(new_block(m, &w, "the models' weights", err));
    st = copy_block(be, w, m->w, n, err);
    if (st == SIMLM_OK)
        st = copy_block(be, sl_real_at(be, w, at), part->w, part->params.size,
                        err);
    if (st < 0) {
        be->free(be, w);
        return st;
    }
    be->free(be, m->w);
    be->free(be, part->w);
    free_state(m);
    free_state(part);
    m->w = w;
    part->w = sl_real_at(be, w, at);
    part->joined = true;
    bind(m, &m->W, m->w);
    bind(part, &part->W, part->w);
    SL_TRY(sl_bert_train(m, err));
    part->g = sl_real_at(be, m->g, at);
    bind(part, &part->G, part->g);
    return SIMLM_OK;
}

simlm_status sl_bert_copy_decoder(struct sl_bert *m, simlm_error *err)
{
    int64_t n = sl_layer_table.n, size = 0;
    int64_t from = m->first_head - m->n_decoder * n;
    float *piece;

    for (int64_t i = 0; i < m->n_decoder * n; i++)
        size = m->params.list[from + i].n > size ? m->params.list[from + i].n
                                                 : size;
    piece = SL_NEW_ARRAY(float, size + 1);
    if (!piece)
        return sl_fail_nomem(err, "the decoder");
    for (int64_t i = 0; i < m->n_decoder * n; i++) {
        const struct sl_param *p = &m->params.list[from + i];
        const struct sl_param *q = &m->params.list[m->first_decoder + i];

        m->be->download_real(m->be, piece, sl_real_at(m->be, m->w, p->offset),
                             p->n);
        m->be->upload_real(m->be, sl_real_at(m->be, m->w, q->offset), piece,
                           q->n);
    }
    sl_free(piece);
    return SIMLM_OK;
}

/* ---- files --------------------------------------------------------------- */

static simlm_status load_decoder(struct sl_bert *m, const char *dir,
                                 simlm_error *err)
{
    struct sl_weights *w = NULL;
    char *path = NULL;
    simlm_status st;

    SL_TRY(sl_modeldir_decoder(&path, dir, err));
    if (!path)
        return sl_bert_copy_decoder(m, err);
    st = sl_weights_open(&w, path, err);
    if (st == SIMLM_OK)
        st = sl_params_load(&m->params, m->first_decoder,
                            m->first_rtd - m->first_decoder, m->be, m->w, w,
                            "decoder.", NULL, err);
    sl_weights_close(w);
    sl_free(path);
    return st;
}

/* The score head's parameters, one by one: what the file lacks is drawn. */
static simlm_status load_or_draw_score(struct sl_bert *m,
                                       const struct sl_weights *w,
                                       uint64_t seed, simlm_error *err)
{
    struct sl_params *ps = &m->params;

    for (int64_t i = m->first_score; i < m->first_decoder; i++) {
        if (sl_params_match(ps, i, w, NULL) >= 0) {
            SL_TRY(sl_params_load(ps, i, 1, m->be, m->w, w, NULL, NULL, err));
            continue;
        }
        m->fresh_score = true;
        SL_TRY(
            sl_params_init(ps, i, 1, m->be, m->w, m->cfg.init_std, seed, err));
    }
    return SIMLM_OK;
}

/* All but the decoder. */
static simlm_status load(struct sl_bert *m, struct sl_backend *be,
                         const struct sl_weights *w, struct sl_bert_parts parts,
                         struct sl_strmap *ignored, simlm_error *err)
{
    int64_t n = parts.may_be_fresh ? m->first_score : m->first_decoder;

    SL_TRY(sl_params_check(&m->params, 0, n, w, NULL, err));
    if (m->has_head)
        SL_TRY(sl_params_check_tied(w, err));
    SL_TRY(allocate(m, be, err));
    SL_TRY(
        sl_params_load(&m->params, 0, n, m->be, m->w, w, NULL, ignored, err));
    return parts.may_be_fresh ? load_or_draw_score(m, w, parts.seed, err)
                              : SIMLM_OK;
}

simlm_status sl_bert_open(struct sl_bert **out, struct sl_backend *be,
                          const char *dir, struct sl_bert_parts parts,
                          struct sl_strmap *ignored, simlm_error *err)
{
    struct sl_config cfg;
    struct sl_bert *m = NULL;
    struct sl_weights *w = NULL;
    char *config = sl_path_join(dir, "config.json"), *weights = NULL;
    simlm_status st;

    st = config ? sl_modeldir_need_one(dir, err) : sl_fail_nomem(err, dir);
    if (st == SIMLM_OK)
        st = sl_config_load(&cfg, config, err);
    if (st == SIMLM_OK)
        st = sl_bert_plan(&m, &cfg, parts, err);
    if (st == SIMLM_OK)
        st = sl_modeldir_weights(&weights, dir, err);
    if (st == SIMLM_OK)
        st = sl_weights_open(&w, weights, err);
    if (st == SIMLM_OK)
        st = load(m, be, w, parts, ignored, err);
    if (st == SIMLM_OK && parts.n_decoder)
        st = load_decoder(m, dir, err);
    if (st == SIMLM_OK)
        st = sl_bert_written(m, err);
    if (st == SIMLM_OK) {
        *out = m;
        m = NULL;
    }
    sl_bert_free(m);
    sl_weights_close(w);
    sl_free(config);
    sl_free(weights);
    return st;
}

static simlm_status save_part(const struct sl_bert *m, int64_t first,
                              int64_t end, const char *dir, const char *name,
                              const char *strip, simlm_error *err)
{
    char *path = sl_path_join(dir, name);
    simlm_status st;

    if (!path)
        return sl_fail_nomem(err, dir);
    st = sl_params_save(&m->params, first, end - first, m->be, m->w, path,
                        strip, err);
    sl_free(path);
    return st;
}

simlm_status sl_bert_save(const struct sl_bert *m, const char *dir,
                          bool with_head, simlm_error *err)
{
    char *config = sl_path_join(dir, "config.json");
    bool head = with_head && (m->has_head || m->has_score);
    enum sl_architecture what = !head          ? SL_ARCH_ENCODER
                                : m->has_score ? SL_ARCH_SCORE
                                               : SL_ARCH_MASKED_LM;
    simlm_status st;

    st = config ? sl_config_save(&m->cfg, config, what, err)
                : sl_fail_nomem(err, dir);
    sl_free(config);
    if (st == SIMLM_OK)
        st = save_part(m, 0, head ? m->first_decoder : m->first_head, dir,
                       "model.safetensors", head ? NULL : base_prefix(&m->cfg),
                       err);
    if (st == SIMLM_OK && m->n_decoder && with_head)
        st = save_part(m, m->first_decoder, m->first_rtd, dir,
                       "decoder.safetensors", "decoder.", err);
    return st;
}

struct sl_token_limits sl_bert_limits(const struct sl_bert *m)
{
    return (struct sl_token_limits){m->cfg.vocab, m->cfg.positions,
                                    m->cfg.types};
}

struct sl_shape sl_bert_shape(const struct sl_bert *m)
{
    return (struct sl_shape){.D = m->cfg.hidden,
                             .E = m->cfg.embedding,
                             .F = m->cfg.ffn,
                             .H = m->cfg.heads,
                             .V = m->cfg.vocab,
                             .eps = m->cfg.ln_eps,
                             .head_eps = m->cfg.head_eps,
                             .p_hidden = m->cfg.hidden_dropout,
                             .p_attention = m->cfg.attention_dropout};
}
