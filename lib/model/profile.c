/* Profiles: reading simlm.json and sentence-transformers' files. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/str.h"
#include "format/json.h"
#include "model/modeldir.h"
#include "model/router.h"

enum { QUERY_MAX = 32, PASSAGE_MAX = 144, PAIR_MAX = 192 };

const char *const sl_pooling_names[] = {"cls", "mean"};
const char *const sl_form_names[] = {"pair", "joined", "colon"};

simlm_status sl_profile_default(struct sl_profile *p, simlm_error *err)
{
    *p = (struct sl_profile){.pooling = SL_POOL_CLS,
                             .normalize = true,
                             .form = SL_PASSAGE_PAIR,
                             .missing_title = sl_strdup("-"),
                             .query_max_length = QUERY_MAX,
                             .passage_max_length = PASSAGE_MAX};
    return p->missing_title ? SIMLM_OK
                            : sl_fail_nomem(err, "a model's profile");
}

void sl_profile_free(struct sl_profile *p)
{
    sl_free(p->missing_title);
    sl_free(p->query_prompt);
    sl_free(p->passage_prompt);
    *p = (struct sl_profile){0};
}

/* *out <- a copy of text, in place of what was there; NULL and "" are none. */
static simlm_status set_text(char **out, const char *text, simlm_error *err)
{
    char *copy = text && *text ? sl_strdup(text) : NULL;

    if (text && *text && !copy)
        return sl_fail_nomem(err, "a model's profile");
    sl_free(*out);
    *out = copy;
    return SIMLM_OK;
}

simlm_status sl_profile_copy(struct sl_profile *out, const struct sl_profile *p,
                             simlm_error *err)
{
    simlm_status st;

    *out = *p;
    out->missing_title = out->query_prompt = out->passage_prompt = NULL;
    st = set_text(&out->missing_title, p->missing_title, err);
    if (st == SIMLM_OK)
        st = set_text(&out->query_prompt, p->query_prompt, err);
    if (st == SIMLM_OK)
        st = set_text(&out->passage_prompt, p->passage_prompt, err);
    if (st < 0)
        sl_profile_free(out);
    return st;
}

/* ---- simlm.json ---------------------------------------------------------- */

/* *out <- the place of the field's text in the names; absent: unchanged. */
static simlm_status opt_choice(struct sl_json obj, const char *key,
                               const char *const *names, int n, int *out,
                               simlm_error *err)
{
    const char *text = NULL;
    char expected[64];
    int at = 0;

    SL_TRY(sl_json_opt_text(obj, key, &text, NULL, err));
    if (!text)
        return SIMLM_OK;
    for (int i = 0; i < n; i++)
        if (!strcmp(names[i], text)) {
            *out = i;
            return SIMLM_OK;
        }
    for (int i = 0; i < n; i++)
        at += snprintf(expected + at, sizeof expected - (size_t)at, "%s'%s'",
                       i ? " or " : "", names[i]);
    return sl_json_fail(obj, key, expected, err);
}

/* null means none; absent leaves the default. */
static simlm_status opt_string(struct sl_json obj, const char *key, char **out,
                               simlm_error *err)
{
    const char *text = NULL;
    size_t len = 0;

    if (sl_json_kind(sl_json_field(obj, key)) == SL_JSON_ABSENT)
        return SIMLM_OK;
    SL_TRY(sl_json_opt_text(obj, key, &text, &len, err));
    if (text && strlen(text) != len)
        return sl_json_fail(obj, key, "text without NUL", err);
    return set_text(out, text, err);
}

static simlm_status opt_length(struct sl_json obj, const char *key,
                               int64_t positions, int32_t *out,
                               simlm_error *err)
{
    int64_t x = *out;

    SL_TRY(sl_json_opt_int(obj, key, 3, INT64_MAX, &x, err));
    *out = (int32_t)(x < positions ? x : positions);
    return SIMLM_OK;
}

static simlm_status read_simlm(struct sl_profile *p, struct sl_json root,
                               const struct sl_config *cfg, simlm_error *err)
{
    int pooling = (int)p->pooling, form = (int)p->form;

    if (sl_json_kind(root) != SL_JSON_OBJECT)
        return sl_json_fail(root, NULL, "an object", err);
    SL_TRY(opt_choice(root, "pooling", sl_pooling_names, SL_POOL_MEAN + 1,
                      &pooling, err));
    SL_TRY(opt_choice(root, "passage_form", sl_form_names, SL_PASSAGE_COLON + 1,
                      &form, err));
    p->pooling = (enum sl_pooling)pooling;
    p->form = (enum sl_passage_form)form;
    SL_TRY(sl_json_opt_bool(root, "normalize", &p->normalize, err));
    SL_TRY(opt_string(root, "missing_title", &p->missing_title, err));
    SL_TRY(opt_string(root, "query_prompt", &p->query_prompt, err));
    SL_TRY(opt_string(root, "passage_prompt", &p->passage_prompt, err));
    SL_TRY(opt_length(root, "query_max_length", cfg->positions,
                      &p->query_max_length, err));
    return opt_length(root, "passage_max_length", cfg->positions,
                      &p->passage_max_length, err);
}

/* ---- sentence-transformers ----------------------------------------------- */

/* *doc <- <dir>/<name> parsed, or NULL if there is no such file. */
static simlm_status load_optional(struct sl_json_doc **doc, const char *dir,
                                  const char *name, simlm_error *err)
{
    char *path = sl_path_join(dir, name);
    simlm_status st = SIMLM_OK;

    *doc = NULL;
    if (!path)
        return sl_fail_nomem(err, dir);
    if (sl_file_exists(path))
        st = sl_json_load(doc, path, err);
    sl_free(path);
    return st;
}

/*
 * Either one "pooling_mode", or a flag for each mode, of which exactly one is
 * true.
 */
static simlm_status read_pooling(enum sl_pooling *out, struct sl_json root,
                                 const struct sl_config *cfg, simlm_error *err)
{
    /* The first two in the order of enum sl_pooling. */
    static const char *const flags[] = {
        "pooling_mode_cls_token",           "pooling_mode_mean_tokens",
        "pooling_mode_max_tokens",          "pooling_mode_mean_sqrt_len_tokens",
        "pooling_mode_weightedmean_tokens", "pooling_mode_lasttoken"};
    int64_t dim = cfg->hidden;
    int mode = -1, flag = -1, n_on = 0;
    bool with_prompt = true;

    SL_TRY(sl_json_opt_int(root, "word_embedding_dimension", cfg->hidden,
                           cfg->hidden, &dim, err));
    SL_TRY(sl_json_opt_int(root, "embedding_dimension", cfg->hidden,
                           cfg->hidden, &dim, err));
    SL_TRY(opt_choice(root, "pooling_mode", sl_pooling_names, SL_POOL_MEAN + 1,
                      &mode, err));
    for (int i = 0; mode < 0 && i < (int)SL_LEN(flags); i++) {
        bool on = false;

        SL_TRY(sl_json_opt_bool(root, flags[i], &on, err));
        n_on += on;
        flag = on ? i : flag;
    }
    if (mode < 0 && n_on == 1)
        mode = flag;
    if (mode != SL_POOL_CLS && mode != SL_POOL_MEAN)
        return sl_json_fail(root, "pooling_mode",
                            "'cls' or 'mean', one of them: nothing else is "
                            "supported",
                            err);
    SL_TRY(sl_json_opt_bool(root, "include_prompt", &with_prompt, err));
    if (!with_prompt)
        return sl_json_fail(root, "include_prompt",
                            "true: pooling without the prompt's tokens is not "
                            "supported",
                            err);
    *out = (enum sl_pooling)mode;
    return SIMLM_OK;
}

/* What happens to the vectors of one side, as far as the modules were read. */
struct modules {
    const char *dir;
    const struct sl_config *cfg;
    enum sl_pooling pooling;
    bool pooled, normalize;
};

/* One of them: `where` is what says so. */
struct module {
    const char *type, *path;
    struct sl_json where;
};

static simlm_status load_pooling(struct modules *m, const struct module *module,
                                 simlm_error *err)
{
    struct sl_json_doc *doc = NULL;
    struct sl_str name = {0};
    const char *dir = m->dir;
    simlm_status st;

    if (strstr(module->path, "..") || *module->path == '/')
        return sl_json_fail(module->where, "path", "a folder within the model",
                            err);
    sl_str_printf(&name, "%s/config.json", module->path);
    st = sl_str_ok(&name) ? load_optional(&doc, dir, sl_str_c(&name), err)
                          : sl_fail_nomem(err, dir);
    if (st == SIMLM_OK && !doc)
        st = sl_fail(err, SIMLM_E_FORMAT, "'%s': no %s", dir, sl_str_c(&name));
    if (st == SIMLM_OK)
        st = read_pooling(&m->pooling, sl_json_root(doc), m->cfg, err);
    m->pooled = true;
    sl_json_free(doc);
    sl_str_free(&name);
    return st;
}

/* The pooler (towers.h): where it lies, and that nothing comes of it but sums. */
static simlm_status read_dense(const struct modules *m,
                               const struct module *module, simlm_error *err)
{
    static const char identity[] = "torch.nn.modules.linear.Identity";
    const char *activation = "tanh, Dense's default";
    struct sl_json_doc *doc = NULL;
    int64_t in = m->cfg->hidden;
    simlm_status st;

    if (strcmp(module->path, "2_Dense"))
        return sl_json_fail(module->where, "path", "'2_Dense'", err);
    SL_TRY(load_optional(&doc, m->dir, "2_Dense/config.json", err));
    if (!doc)
        return sl_fail(err, SIMLM_E_FORMAT, "'%s': no 2_Dense/config.json",
                       m->dir);
    st = sl_json_opt_int(sl_json_root(doc), "in_features", in, in, &in, err);
    if (st == SIMLM_OK)
        st = sl_json_opt_text(sl_json_root(doc), "activation_function",
                              &activation, NULL, err);
    if (st == SIMLM_OK && strcmp(activation, identity))
        st = sl_json_fail(sl_json_root(doc), "activation_function",
                          "torch's Identity: no other is supported", err);
    sl_json_free(doc);
    return st;
}

static const char *class_of(const char *type)
{
    const char *dot = strrchr(type, '.');

    return dot ? dot + 1 : type;
}

static simlm_status read_module(struct modules *m, const struct module *module,
                                simlm_error *err)
{
    const char *class = class_of(module->type);

    if (!strcmp(class, "Pooling"))
        return load_pooling(m, module, err);
    if (!strcmp(class, "Dense"))
        return read_dense(m, module, err);
    if (!strcmp(class, "Normalize"))
        m->normalize = true;
    else if (strcmp(class, "Transformer"))
        return sl_json_fail(module->where, "type",
                            "Transformer, Pooling, Dense or Normalize: other "
                            "modules are not supported",
                            err);
    return SIMLM_OK;
}

static simlm_status read_route(struct modules *m, const struct sl_json_doc *doc,
                               enum sl_side side, simlm_error *err)
{
    struct sl_json types = sl_json_field(sl_json_root(doc), "types"), route;
    struct module module = {.where = sl_json_root(doc)};

    SL_TRY(sl_router_route(&route, doc, side, err));
    for (int64_t i = 0; i < sl_json_count(route); i++) {
        module.path = sl_json_is_text(sl_json_item(route, i), NULL);
        SL_TRY(sl_json_need_text(types, module.path, &module.type, NULL, err));
        SL_TRY(read_module(m, &module, err));
    }
    return SIMLM_OK;
}

/* Both routes may do more than encode, but they must do the same. */
static simlm_status read_router(struct modules *m, const struct module *module,
                                simlm_error *err)
{
    struct modules query = *m;
    struct sl_json_doc *doc = NULL;
    simlm_status st;

    if (*module->path)
        return sl_json_fail(module->where, "path", "'', as a Router's is", err);
    SL_TRY(sl_router_load(&doc, m->dir, err));
    if (!doc)
        return sl_fail(err, SIMLM_E_FORMAT, "'%s': no router_config.json",
                       m->dir);
    st = read_route(&query, doc, SL_SIDE_QUERY, err);
    if (st == SIMLM_OK)
        st = read_route(m, doc, SL_SIDE_PASSAGE, err);
    if (st == SIMLM_OK &&
        (query.pooled != m->pooled || query.pooling != m->pooling ||
         query.normalize != m->normalize))
        st = sl_json_fail(sl_json_root(doc), "structure",
                          "the same pooling for queries and documents", err);
    sl_json_free(doc);
    return st;
}

static simlm_status read_modules(struct sl_profile *p, const char *dir,
                                 struct sl_json root,
                                 const struct sl_config *cfg, simlm_error *err)
{
    struct modules m = {.dir = dir, .cfg = cfg};

    if (sl_json_kind(root) != SL_JSON_ARRAY)
        return sl_json_fail(root, NULL, "a list of modules", err);
    for (int64_t i = 0; i < sl_json_count(root); i++) {
        struct module module = {.path = "", .where = sl_json_item(root, i)};

        SL_TRY(
            sl_json_need_text(module.where, "type", &module.type, NULL, err));
        SL_TRY(sl_json_opt_text(module.where, "path", &module.path, NULL, err));
        SL_TRY(strcmp(class_of(module.type), "Router")
                   ? read_module(&m, &module, err)
                   : read_router(&m, &module, err));
    }
    p->pooling = m.pooling;
    p->normalize = m.normalize;
    return m.pooled ? SIMLM_OK
                    : sl_json_fail(root, NULL, "a Pooling module", err);
}

/* The first prompt there is among names [n]; "" counts and means none. */
static simlm_status read_prompt(char **out, struct sl_json root,
                                const char *const *names, int n,
                                simlm_error *err)
{
    struct sl_json prompts = sl_json_field(root, "prompts");
    const char *name = NULL, *text;

    for (int i = 0; i < n; i++) {
        text = sl_json_is_text(sl_json_field(prompts, names[i]), NULL);
        if (text)
            return set_text(out, text, err);
    }
    SL_TRY(sl_json_opt_text(root, "default_prompt_name", &name, NULL, err));
    text = name ? sl_json_is_text(sl_json_field(prompts, name), NULL) : NULL;
    return set_text(out, text, err);
}

static simlm_status load_prompts(struct sl_profile *p, const char *dir,
                                 simlm_error *err)
{
    static const char *const query[] = {"query"};
    static const char *const passage[] = {"document", "passage", "corpus"};
    struct sl_json_doc *doc = NULL;
    simlm_status st;

    SL_TRY(load_optional(&doc, dir, "config_sentence_transformers.json", err));
    if (!doc)
        return SIMLM_OK;
    st = read_prompt(&p->query_prompt, sl_json_root(doc), query, 1, err);
    if (st == SIMLM_OK)
        st =
            read_prompt(&p->passage_prompt, sl_json_root(doc), passage, 3, err);
    sl_json_free(doc);
    return st;
}

static simlm_status read_length(int32_t *length, const char *dir,
                                const char *file, const char *key,
                                const struct sl_config *cfg, simlm_error *err)
{
    struct sl_json_doc *doc = NULL;
    simlm_status st;

    SL_TRY(load_optional(&doc, dir, file, err));
    if (!doc)
        return SIMLM_OK;
    st = opt_length(sl_json_root(doc), key, cfg->positions, length, err);
    sl_json_free(doc);
    return st;
}

/* What the side's Transformer cuts its texts to. */
static simlm_status load_length(int32_t *length, const char *dir,
                                enum sl_side side, const struct sl_config *cfg,
                                simlm_error *err)
{
    char *encoder = NULL;
    simlm_status st = sl_modeldir_encoder(&encoder, dir, side, err);

    *length = (int32_t)cfg->positions;
    if (st == SIMLM_OK)
        st = read_length(length, encoder, "tokenizer_config.json",
                         "model_max_length", cfg, err);
    if (st == SIMLM_OK)
        st = read_length(length, encoder, "sentence_bert_config.json",
                         "max_seq_length", cfg, err);
    sl_free(encoder);
    return st;
}

/* As sentence-transformers encodes: one text; one length for both sides, or,
 * behind a Router, one for each. */
static simlm_status load_foreign(struct sl_profile *p, const char *dir,
                                 struct sl_json modules,
                                 const struct sl_config *cfg, simlm_error *err)
{
    p->form = SL_PASSAGE_JOINED;
    SL_TRY(set_text(&p->missing_title, NULL, err));
    SL_TRY(read_modules(p, dir, modules, cfg, err));
    SL_TRY(load_length(&p->query_max_length, dir, SL_SIDE_QUERY, cfg, err));
    SL_TRY(load_length(&p->passage_max_length, dir, SL_SIDE_PASSAGE, cfg, err));
    return load_prompts(p, dir, err);
}

simlm_status sl_profile_load(struct sl_profile *out, const char *dir,
                             const struct sl_config *cfg, simlm_error *err)
{
    struct sl_json_doc *own = NULL, *modules = NULL;
    struct sl_profile p;
    simlm_status st;

    SL_TRY(sl_profile_default(&p, err));
    if (p.query_max_length > cfg->positions)
        p.query_max_length = (int32_t)cfg->positions;
    if (p.passage_max_length > cfg->positions)
        p.passage_max_length = (int32_t)cfg->positions;
    st = load_optional(&own, dir, "simlm.json", err);
    if (st == SIMLM_OK && !own)
        st = load_optional(&modules, dir, "modules.json", err);
    if (st == SIMLM_OK && own)
        st = read_simlm(&p, sl_json_root(own), cfg, err);
    else if (st == SIMLM_OK && modules)
        st = load_foreign(&p, dir, sl_json_root(modules), cfg, err);
    if (st == SIMLM_OK && p.form == SL_PASSAGE_COLON)
        st = sl_fail(err, SIMLM_E_FORMAT,
                     "'%s' is a re-ranker: it gives pairs of texts scores, not "
                     "texts vectors",
                     dir);
    sl_json_free(own);
    sl_json_free(modules);
    if (st == SIMLM_OK)
        *out = p;
    else
        sl_profile_free(&p);
    return st;
}

simlm_status sl_profile_load_reranker(struct sl_profile *out, const char *dir,
                                      const struct sl_config *cfg,
                                      simlm_error *err)
{
    struct sl_profile p = {.form = SL_PASSAGE_COLON,
                           .query_max_length = QUERY_MAX,
                           .passage_max_length = PAIR_MAX};
    struct sl_json_doc *own = NULL;
    const char *form = NULL;
    simlm_status st = load_optional(&own, dir, "simlm.json", err);

    if (cfg->positions < PAIR_MAX)
        p.passage_max_length = (int32_t)cfg->positions;
    if (st == SIMLM_OK && own)
        st = sl_json_opt_text(sl_json_root(own), "passage_form", &form, NULL,
                              err);
    if (st == SIMLM_OK && form &&
        !strcmp(form, sl_form_names[SL_PASSAGE_COLON]))
        st = read_simlm(&p, sl_json_root(own), cfg, err);
    sl_json_free(own);
    if (st == SIMLM_OK)
        *out = p;
    else
        sl_profile_free(&p);
    return st;
}
