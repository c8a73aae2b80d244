/* Profiles: writing simlm.json and sentence-transformers' files. */
#include <stdio.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/str.h"
#include "format/json.h"
#include "model/modeldir.h"
#include "model/router.h"

/* A directory's files. */
struct save {
    const struct sl_profile *p;
    const struct sl_config *cfg;
    const char *dir;
    enum sl_side side; /* whose length counts where there is but one */
    bool router;       /* of two encoders, each in a directory below */
};

static void put_reranker(struct sl_json_writer *w, const struct sl_profile *p)
{
    sl_json_begin(w, NULL, '{');
    sl_json_add_text(w, "passage_form", sl_form_names[p->form]);
    sl_json_add_text(w, "missing_title", p->missing_title);
    sl_json_add_int(w, "passage_max_length", p->passage_max_length);
    sl_json_end(w);
}

static void put_simlm(struct sl_json_writer *w, const struct sl_profile *p)
{
    sl_json_begin(w, NULL, '{');
    sl_json_add_text(w, "pooling", sl_pooling_names[p->pooling]);
    sl_json_add_bool(w, "normalize", p->normalize);
    sl_json_add_text(w, "passage_form", sl_form_names[p->form]);
    sl_json_add_text(w, "missing_title", p->missing_title);
    sl_json_add_text(w, "query_prompt", p->query_prompt);
    sl_json_add_text(w, "passage_prompt", p->passage_prompt);
    sl_json_add_int(w, "query_max_length", p->query_max_length);
    sl_json_add_int(w, "passage_max_length", p->passage_max_length);
    sl_json_end(w);
}

static void put_modules(struct sl_json_writer *w, const struct save *x)
{
    const struct {
        const char *name;
        bool there;
    } modules[] = {{x->router ? "Router" : "Transformer", true},
                   {"Pooling", true},
                   {"Dense", x->cfg->pooler != 0},
                   {"Normalize", x->p->normalize}};
    int idx = 0;

    sl_json_begin(w, NULL, '[');
    for (size_t i = 0; i < SL_LEN(modules); i++) {
        char name[16], path[32] = "", type[64];

        if (!modules[i].there)
            continue;
        snprintf(name, sizeof name, "%d", idx);
        if (idx)
            snprintf(path, sizeof path, "%d_%s", idx, modules[i].name);
        snprintf(type, sizeof type, "sentence_transformers.models.%s",
                 modules[i].name);
        sl_json_begin(w, NULL, '{');
        sl_json_add_int(w, "idx", idx++);
        sl_json_add_text(w, "name", name);
        sl_json_add_text(w, "path", path);
        sl_json_add_text(w, "type", type);
        sl_json_end(w);
    }
    sl_json_end(w);
}

static void put_dense(struct sl_json_writer *w, const struct save *x)
{
    sl_json_begin(w, NULL, '{');
    sl_json_add_int(w, "in_features", x->cfg->hidden);
    sl_json_add_int(w, "out_features", x->cfg->pooler);
    sl_json_add_bool(w, "bias", true);
    sl_json_add_text(w, "activation_function",
                     "torch.nn.modules.linear.Identity");
    sl_json_end(w);
}

static void put_pooling(struct sl_json_writer *w, const struct save *x)
{
    enum sl_pooling pooling = x->p->pooling;

    sl_json_begin(w, NULL, '{');
    sl_json_add_int(w, "word_embedding_dimension", x->cfg->hidden);
    sl_json_add_bool(w, "pooling_mode_cls_token", pooling == SL_POOL_CLS);
    sl_json_add_bool(w, "pooling_mode_mean_tokens", pooling == SL_POOL_MEAN);
    sl_json_add_bool(w, "pooling_mode_max_tokens", false);
    sl_json_add_bool(w, "pooling_mode_mean_sqrt_len_tokens", false);
    sl_json_end(w);
}

static void put_prompts(struct sl_json_writer *w, const struct save *x)
{
    const struct sl_profile *p = x->p;

    sl_json_begin(w, NULL, '{');
    sl_json_begin(w, "prompts", '{');
    sl_json_add_text(w, "query", p->query_prompt ? p->query_prompt : "");
    sl_json_add_text(w, "document", p->passage_prompt ? p->passage_prompt : "");
    sl_json_end(w);
    sl_json_add_null(w, "default_prompt_name");
    sl_json_add_text(w, "similarity_fn_name", p->normalize ? "cosine" : "dot");
    sl_json_end(w);
}

static void put_length(struct sl_json_writer *w, const struct save *x)
{
    sl_json_begin(w, NULL, '{');
    sl_json_add_int(w, "max_seq_length",
                    x->side == SL_SIDE_QUERY ? x->p->query_max_length
                                             : x->p->passage_max_length);
    sl_json_add_bool(w, "do_lower_case", false);
    sl_json_end(w);
}

static void put_own(struct sl_json_writer *w, const struct save *x)
{
    if (x->p->form == SL_PASSAGE_COLON)
        put_reranker(w, x->p);
    else
        put_simlm(w, x->p);
}

static void put_router(struct sl_json_writer *w, const struct save *x)
{
    (void)x;
    sl_router_put(w);
}

/* ---- the files ----------------------------------------------------------- */

enum file { OWN, MODULES, POOLING, PROMPTS, LENGTH, ROUTER, DENSE, N_FILES };

static const struct {
    const char *name;
    void (*put)(struct sl_json_writer *w, const struct save *x);
} files[N_FILES] = {{"simlm.json", put_own},
                    {"modules.json", put_modules},
                    {"1_Pooling/config.json", put_pooling},
                    {"config_sentence_transformers.json", put_prompts},
                    {"sentence_bert_config.json", put_length},
                    {"router_config.json", put_router},
                    {"2_Dense/config.json", put_dense}};

static bool is_written(enum file which, const struct save *x)
{
    if (x->p->form == SL_PASSAGE_COLON)
        return which == OWN;
    if (which == DENSE)
        return x->cfg->pooler != 0;
    return which == LENGTH ? !x->router : which != ROUTER || x->router;
}

static simlm_status save_file(enum file which, const struct save *x,
                              simlm_error *err)
{
    struct sl_str s = {0};
    struct sl_json_writer w = {.s = &s, .indent = 2};
    char *path = sl_path_join(x->dir, files[which].name);
    simlm_status st;

    files[which].put(&w, x);
    sl_str_putc(&s, '\n');
    st = path && sl_str_ok(&s) ? sl_file_write(path, s.s, s.len, err)
                               : sl_fail_nomem(err, x->dir);
    sl_free(path);
    sl_str_free(&s);
    return st;
}

static simlm_status make_dir(const char *dir, const char *name,
                             simlm_error *err)
{
    char *path = sl_path_join(dir, name);
    simlm_status st = path ? sl_dir_make(path, err) : sl_fail_nomem(err, dir);

    sl_free(path);
    return st;
}

static simlm_status save_all(const struct save *x, simlm_error *err)
{
    if (is_written(POOLING, x))
        SL_TRY(make_dir(x->dir, "1_Pooling", err));
    if (is_written(DENSE, x))
        SL_TRY(make_dir(x->dir, "2_Dense", err));
    for (int i = 0; i < N_FILES; i++)
        if (is_written((enum file)i, x))
            SL_TRY(save_file((enum file)i, x, err));
    return SIMLM_OK;
}

simlm_status sl_profile_save(const struct sl_profile *p, const char *dir,
                             const struct sl_config *cfg, simlm_error *err)
{
    return sl_profile_save_tower(p, dir, cfg, SL_SIDE_PASSAGE, err);
}

simlm_status sl_profile_save_tower(const struct sl_profile *p, const char *dir,
                                   const struct sl_config *cfg,
                                   enum sl_side side, simlm_error *err)
{
    struct save x = {.p = p, .cfg = cfg, .dir = dir, .side = side};

    return save_all(&x, err);
}

simlm_status sl_profile_save_router(const struct sl_profile *p, const char *dir,
                                    const struct sl_config *cfg,
                                    simlm_error *err)
{
    struct save x = {.p = p, .cfg = cfg, .dir = dir, .router = true};

    return save_all(&x, err);
}
