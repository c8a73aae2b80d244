#include "model/modeldir.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/str.h"
#include "format/weightfiles.h"
#include "model/bert.h"
#include "model/router.h"
#include "text/tokenizer.h"

/* ---- a directory, whole or not at all ------------------------------------ */

static char *with_suffix(const char *path, const char *what)
{
    struct sl_str s = {0};
    size_t n = strlen(path);

    while (n > 1 && path[n - 1] == '/')
        n--;
    sl_str_add(&s, path, n);
    sl_str_printf(&s, ".%s.%ld", what, (long)getpid());
    if (sl_str_ok(&s))
        return s.s;
    sl_str_free(&s);
    return NULL;
}

simlm_status sl_modeldir_check(const char *path, simlm_error *err)
{
    if (sl_file_exists(path) && !sl_dir_exists(path))
        return sl_fail(err, SIMLM_E_FORMAT,
                       "'%s' is a file, not a model directory", path);
    return SIMLM_OK;
}

simlm_status sl_modeldir_refuse(const char *path, simlm_error *err)
{
    char *config = sl_path_join(path, "config.json");
    simlm_status st = SIMLM_OK;

    if (!config)
        return sl_fail_nomem(err, "a file's name");
    if (sl_file_exists(config))
        st = sl_fail(err, SIMLM_E_ARG,
                     "'%s' holds a model already: remove it, or ask to "
                     "overwrite it",
                     path);
    sl_free(config);
    return st;
}

/* An empty directory may be replaced, and one that holds a model. */
static simlm_status check_replaceable(const char *path, simlm_error *err)
{
    char *config;
    bool model;

    if (!sl_file_exists(path))
        return SIMLM_OK;
    config = sl_path_join(path, "config.json");
    if (!config)
        return sl_fail_nomem(err, path);
    model = sl_file_exists(config);
    sl_free(config);
    if (model)
        return SIMLM_OK;
    if (!rmdir(path))
        return sl_dir_make(path, err);
    return sl_fail(err, SIMLM_E_ARG,
                   "cannot write '%s': it exists and is not a model directory",
                   path);
}

simlm_status sl_dir_out_open(struct sl_dir_out *o, const char *path,
                             simlm_error *err)
{
    simlm_status st;

    *o = (struct sl_dir_out){0};
    SL_TRY(check_replaceable(path, err));
    o->path = sl_strdup(path);
    o->tmp = with_suffix(path, "tmp");
    st = o->path && o->tmp ? sl_dir_remove(o->tmp, err)
                           : sl_fail_nomem(err, path);
    if (st == SIMLM_OK)
        sl_tmp_sweep(o->tmp);
    if (st == SIMLM_OK)
        st = sl_dir_make(o->tmp, err);
    if (st < 0)
        sl_dir_out_abort(o);
    return st;
}

/*
 * rename() replaces an empty directory alone, so a model that is there is put
 * aside first: at every moment either the old or the new one is whole on disk,
 * if for an instant only under the name with ".old".
 */
simlm_status sl_dir_out_commit(struct sl_dir_out *o, simlm_error *err)
{
    char *old = with_suffix(o->path, "old");
    bool aside = false;
    simlm_status st;

    st = old ? sl_dir_sync(o->tmp, err) : sl_fail_nomem(err, o->path);
    if (st == SIMLM_OK && rename(o->tmp, o->path)) {
        aside = !rename(o->path, old);
        if (!aside || rename(o->tmp, o->path)) {
            st = sl_fail_errno(err, "write", o->path);
            if (aside)
                rename(old, o->path);
            aside = false;
        }
    }
    if (aside)
        sl_dir_remove(old, NULL);
    if (st == SIMLM_OK) {
        sl_free(o->tmp);
        o->tmp = NULL;
    }
    sl_free(old);
    sl_dir_out_abort(o);
    return st;
}

void sl_dir_out_abort(struct sl_dir_out *o)
{
    if (o->tmp)
        sl_dir_remove(o->tmp, NULL);
    sl_free(o->tmp);
    sl_free(o->path);
    *o = (struct sl_dir_out){0};
}

/* ---- weights ------------------------------------------------------------- */

const char *const sl_tower_names[2] = {"query_model", "passage_model"};

/* *path <- the first of names, which end with NULL, that dir has; else NULL. */
static simlm_status find_first(char **path, const char *dir,
                               const char *const *names, simlm_error *err)
{
    *path = NULL;
    for (; *names && !*path; names++) {
        *path = sl_path_join(dir, *names);
        if (!*path)
            return sl_fail_nomem(err, dir);
        if (!sl_file_exists(*path)) {
            sl_free(*path);
            *path = NULL;
        }
    }
    return SIMLM_OK;
}

simlm_status sl_modeldir_is_untied(bool *untied, const char *dir,
                                   simlm_error *err)
{
    static const char *const signs[] = {"query_model", "router_config.json",
                                        NULL};
    char *path = NULL;
    simlm_status st = find_first(&path, dir, signs, err);

    *untied = path != NULL;
    sl_free(path);
    return st;
}

simlm_status sl_modeldir_encoder(char **path, const char *dir,
                                 enum sl_side side, simlm_error *err)
{
    char *own = sl_path_join(dir, sl_tower_names[SL_SIDE_QUERY]);
    simlm_status st = own ? SIMLM_OK : sl_fail_nomem(err, dir);

    *path = NULL;
    if (own && sl_dir_exists(own))
        *path = sl_path_join(dir, sl_tower_names[side]);
    else if (own)
        st = sl_router_encoder(path, dir, side, err);
    sl_free(own);
    if (st == SIMLM_OK && !*path)
        *path = sl_strdup(dir);
    return st < 0 || *path ? st : sl_fail_nomem(err, dir);
}

static simlm_status refuse_two(const char *dir, simlm_error *err)
{
    char *query = NULL, *passage = NULL;
    simlm_status st = sl_modeldir_encoder(&query, dir, SL_SIDE_QUERY, err);

    if (st == SIMLM_OK)
        st = sl_modeldir_encoder(&passage, dir, SL_SIDE_PASSAGE, err);
    if (st == SIMLM_OK)
        st = sl_fail(err, SIMLM_E_ARG,
                     "'%s' has two encoders: choose '%s' or '%s'", dir, query,
                     passage);
    sl_free(query);
    sl_free(passage);
    return st;
}

simlm_status sl_modeldir_need_one(const char *dir, simlm_error *err)
{
    bool two = false;

    SL_TRY(sl_modeldir_is_untied(&two, dir, err));
    return two ? refuse_two(dir, err) : SIMLM_OK;
}

simlm_status sl_modeldir_weights(char **path, const char *dir, simlm_error *err)
{
    static const char *const names[] = {
        "model.safetensors", "model.safetensors.index.json",
        "pytorch_model.bin", "pytorch_model.bin.index.json", NULL};

    SL_TRY(find_first(path, dir, names, err));
    return *path ? SIMLM_OK
                 : sl_fail(err, SIMLM_E_IO,
                           "'%s': no model.safetensors or pytorch_model.bin",
                           dir);
}

simlm_status sl_modeldir_decoder(char **path, const char *dir, simlm_error *err)
{
    static const char *const names[] = {"decoder.safetensors", "decoder.pt",
                                        NULL};

    return find_first(path, dir, names, err);
}

simlm_status sl_modeldir_pooler(char **path, const char *dir, simlm_error *err)
{
    static const char *const names[] = {"2_Dense/model.safetensors",
                                        "2_Dense/pytorch_model.bin",
                                        "pooler.pt", NULL};

    return find_first(path, dir, names, err);
}

/* A single file's hash is its own, so that what was made with it stays good. */
static simlm_status hash_files(uint64_t *hash, const struct sl_weights *w,
                               simlm_error *err)
{
    uint64_t h = 0;

    for (int64_t i = 0; i < sl_weights_n_files(w); i++) {
        SL_TRY(sl_hash64_file(&h, sl_weights_file(w, i), err));
        *hash = i ? sl_hash64(&h, sizeof h, *hash) : h;
    }
    return SIMLM_OK;
}

static simlm_status hash_encoder(uint64_t *hash, const char *dir,
                                 simlm_error *err)
{
    struct sl_weights *w = NULL;
    char *path = NULL;
    simlm_status st = sl_modeldir_weights(&path, dir, err);

    if (st == SIMLM_OK)
        st = sl_weights_open(&w, path, err);
    if (st == SIMLM_OK)
        st = hash_files(hash, w, err);
    sl_weights_close(w);
    sl_free(path);
    return st;
}

static simlm_status hash_towers(uint64_t *hash, const char *dir,
                                simlm_error *err)
{
    simlm_status st = SIMLM_OK;

    for (int side = 0; side < 2 && st == SIMLM_OK; side++) {
        char *path = NULL;
        uint64_t h = 0;

        st = sl_modeldir_encoder(&path, dir, (enum sl_side)side, err);
        if (st == SIMLM_OK)
            st = hash_encoder(&h, path, err);
        *hash = side ? sl_hash64(&h, sizeof h, *hash) : h;
        sl_free(path);
    }
    return st;
}

simlm_status sl_modeldir_hash(uint64_t *hash, const char *dir, simlm_error *err)
{
    char *pooler = NULL;
    uint64_t h = 0;
    bool untied = false;
    simlm_status st = sl_modeldir_is_untied(&untied, dir, err);

    if (st == SIMLM_OK)
        st =
            untied ? hash_towers(hash, dir, err) : hash_encoder(hash, dir, err);
    if (st == SIMLM_OK)
        st = sl_modeldir_pooler(&pooler, dir, err);
    if (st == SIMLM_OK && pooler) {
        st = sl_hash64_file(&h, pooler, err);
        *hash = sl_hash64(&h, sizeof h, *hash);
    }
    sl_free(pooler);
    return st;
}

static simlm_status probe_encoder(const char *dir, int64_t tokens,
                                  simlm_error *err)
{
    char *config = sl_path_join(dir, "config.json"), *weights = NULL;
    struct sl_config cfg;
    simlm_status st =
        config ? sl_config_load(&cfg, config, err) : sl_fail_nomem(err, dir);

    if (st == SIMLM_OK)
        st = sl_modeldir_weights(&weights, dir, err);
    if (st == SIMLM_OK && tokens > cfg.positions)
        st = sl_fail(err, SIMLM_E_RANGE,
                     "a maximum length of %lld tokens: the model '%s' takes "
                     "from 3 to %lld",
                     (long long)tokens, dir, (long long)cfg.positions);
    sl_free(config);
    sl_free(weights);
    return st;
}

simlm_status sl_modeldir_probe(const char *path, int64_t tokens,
                               simlm_error *err)
{
    char *dir = NULL;
    simlm_status st = sl_modeldir_check(path, err);

    if (st == SIMLM_OK)
        st = sl_modeldir_encoder(&dir, path, SL_SIDE_QUERY, err);
    if (st == SIMLM_OK)
        st = probe_encoder(dir, tokens, err);
    sl_free(dir);
    return st;
}

/* ---- the tokenizer's files ----------------------------------------------- */

enum { MAX_TOKENIZER_FILE = 1 << 28 };

/* *path <- where dir's tokenizer is, if there is one. */
static simlm_status tokenizer_dir(char **path, const char *dir,
                                  simlm_error *err)
{
    static const char *const names[] = {"vocab.txt", "tokenizer.json", NULL};

    SL_TRY(find_first(path, dir, names, err));
    if (!*path)
        return sl_modeldir_encoder(path, dir, SL_SIDE_QUERY, err);
    sl_free(*path);
    *path = sl_strdup(dir);
    return *path ? SIMLM_OK : sl_fail_nomem(err, dir);
}

/* Both encoders read the ids of one tokenizer. */
static simlm_status check_passages_tokenizer(const struct sl_tokenizer *t,
                                             const char *dir, simlm_error *err)
{
    struct sl_tokenizer *other = NULL;
    char *path = NULL;
    simlm_status st = sl_modeldir_encoder(&path, dir, SL_SIDE_PASSAGE, err);

    if (st == SIMLM_OK)
        st = sl_tokenizer_open(&other, path, err);
    if (st == SIMLM_OK && !sl_tokenizer_same_vocab(other, t))
        st = sl_fail(err, SIMLM_E_FORMAT,
                     "'%s': encoders of two vocabularies are not supported",
                     dir);
    sl_tokenizer_close(other);
    sl_free(path);
    return st;
}

simlm_status sl_modeldir_tokenizer(struct sl_tokenizer **out, const char *dir,
                                   simlm_error *err)
{
    struct sl_tokenizer *t = NULL;
    char *path = NULL;
    simlm_status st = tokenizer_dir(&path, dir, err);

    if (st == SIMLM_OK)
        st = sl_tokenizer_open(&t, path, err);
    if (st == SIMLM_OK && strcmp(path, dir) != 0)
        st = check_passages_tokenizer(t, dir, err);
    sl_free(path);
    if (st < 0)
        sl_tokenizer_close(t);
    else
        *out = t;
    return st;
}

static simlm_status copy_file(bool *there, const char *to, const char *from,
                              const char *name, simlm_error *err)
{
    char *in = sl_path_join(from, name), *out = sl_path_join(to, name);
    char *bytes = NULL;
    simlm_status st = SIMLM_OK;
    size_t n = 0;

    *there = false;
    if (!in || !out)
        st = sl_fail_nomem(err, name);
    else if (sl_file_exists(in)) {
        *there = true;
        st = sl_file_read(&bytes, &n, in, MAX_TOKENIZER_FILE, err);
        if (st == SIMLM_OK)
            st = sl_file_write(out, bytes, n, err);
    }
    sl_free(bytes);
    sl_free(in);
    sl_free(out);
    return st;
}

/* Take the tokenizer.json at path away if it is not the same as t: JSON cannot
 * say a token that is no UTF-8. */
static simlm_status keep_if_same(const char *path, const struct sl_tokenizer *t,
                                 simlm_error *err)
{
    struct sl_tokenizer *again = NULL;
    simlm_error why;
    simlm_status st = sl_tokenizer_open(&again, path, &why);

    if (st == SIMLM_E_IO || st == SIMLM_E_NOMEM)
        return sl_fail(err, st, "%s", why.msg);
    if (st < 0 || !sl_tokenizer_same_vocab(again, t))
        unlink(path);
    sl_tokenizer_close(again);
    return SIMLM_OK;
}

simlm_status sl_modeldir_complete_tokenizer(const char *dir, simlm_error *err)
{
    char *path = sl_path_join(dir, "tokenizer.json");
    struct sl_tokenizer *t = NULL;
    simlm_status st = path ? SIMLM_OK : sl_fail_nomem(err, dir);

    if (path && !sl_file_exists(path)) {
        st = sl_tokenizer_open(&t, dir, err);
        if (st == SIMLM_OK)
            st = sl_tokenizer_save(t, path, err);
        if (st == SIMLM_OK)
            st = keep_if_same(path, t, err);
    }
    sl_tokenizer_close(t);
    sl_free(path);
    return st;
}

static simlm_status copy_tokenizer(const char *to, const char *from,
                                   simlm_error *err)
{
    static const char *const names[] = {"vocab.txt", "tokenizer.json",
                                        "tokenizer_config.json",
                                        "special_tokens_map.json"};
    bool vocab = false, there;

    for (size_t i = 0; i < SL_LEN(names); i++) {
        SL_TRY(copy_file(&there, to, from, names[i], err));
        vocab = vocab || (there && i < 2);
    }
    return vocab ? sl_modeldir_complete_tokenizer(to, err)
                 : sl_fail(err, SIMLM_E_IO,
                           "'%s': no vocab.txt or tokenizer.json", from);
}

simlm_status sl_modeldir_copy_tokenizer(const char *to, const char *from,
                                        simlm_error *err)
{
    char *path = NULL;
    simlm_status st = tokenizer_dir(&path, from, err);

    if (st == SIMLM_OK)
        st = copy_tokenizer(to, path, err);
    sl_free(path);
    return st;
}

simlm_status sl_modeldir_save(const char *path, const struct sl_bert *m,
                              bool with_head, const struct sl_profile *p,
                              const char *tokenizer_from, simlm_error *err)
{
    struct sl_dir_out o;
    simlm_status st;

    SL_TRY(sl_dir_out_open(&o, path, err));
    st = sl_modeldir_copy_tokenizer(o.tmp, tokenizer_from, err);
    if (st == SIMLM_OK)
        st = sl_profile_save(p, o.tmp, &m->cfg, err);
    if (st == SIMLM_OK)
        st = sl_bert_save(m, o.tmp, with_head, err);
    if (st == SIMLM_OK)
        st = sl_dir_out_commit(&o, err);
    sl_dir_out_abort(&o);
    return st;
}
