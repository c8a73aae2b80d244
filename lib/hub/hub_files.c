#include "hub/hub_files.h"

#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "format/json.h"

const char *const sl_hub_side_files[] = {"config.json",
                                         "vocab.txt",
                                         "tokenizer.json",
                                         "tokenizer_config.json",
                                         "special_tokens_map.json",
                                         "modules.json",
                                         "1_Pooling/config.json",
                                         "sentence_bert_config.json",
                                         "config_sentence_transformers.json",
                                         "simlm.json",
                                         "decoder.safetensors",
                                         "decoder.pt",
                                         "2_Dense/config.json",
                                         "2_Dense/model.safetensors",
                                         "2_Dense/pytorch_model.bin",
                                         "pooler.pt",
                                         NULL};

const char *const sl_hub_weight_files[] = {
    "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
    "pytorch_model.bin.index.json", NULL};

const char *const sl_hub_towers[] = {"query_model", "passage_model", NULL};

/* ---- names --------------------------------------------------------------- */

bool sl_hub_is_index(const char *name)
{
    static const char tail[] = ".index.json";
    size_t n = strlen(name), m = sizeof tail - 1;

    return n > m && !strcmp(name + n - m, tail);
}

bool sl_hub_is_plain(const char *s, size_t n)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

    return n && s[0] != '.' && strspn(s, letters) >= n;
}

static bool is_transformer(const char *type)
{
    const char *dot = strrchr(type, '.');

    return !strcmp(dot ? dot + 1 : type, "Transformer");
}

/* A member of an index's "weight_map": tensor and file. */
static simlm_status add_piece(struct sl_strmap *names, struct sl_json map,
                              const struct sl_json_member *m, simlm_error *err)
{
    const char *file = sl_json_is_text(m->value, NULL);

    if (!file || !sl_hub_is_plain(file, strlen(file)))
        return sl_json_fail(map, m->key, "a plain name of a file", err);
    return sl_strmap_add(names, file, strlen(file), 0, NULL) < 0
               ? sl_fail_nomem(err, file)
               : SIMLM_OK;
}

/* A member of a Router's "types": folder and class. */
static simlm_status add_module(struct sl_strmap *names, struct sl_json map,
                               const struct sl_json_member *m, simlm_error *err)
{
    const char *type = sl_json_is_text(m->value, NULL);

    if (!type || !sl_hub_is_plain(m->key, strlen(m->key)))
        return sl_json_fail(map, m->key, "a plain name with a class", err);
    return sl_strmap_add(names, m->key, strlen(m->key), is_transformer(type),
                         NULL) < 0
               ? sl_fail_nomem(err, m->key)
               : SIMLM_OK;
}

typedef simlm_status add_fn(struct sl_strmap *names, struct sl_json map,
                            const struct sl_json_member *m, simlm_error *err);

/* *names <- those that add() takes of the object `field` of the file at path. */
static simlm_status read_names(struct sl_strmap **names, const char *path,
                               const char *field, add_fn *add, simlm_error *err)
{
    struct sl_strmap *found = sl_strmap_new();
    struct sl_json_doc *doc = NULL;
    struct sl_json_member m = {0};
    struct sl_json map;
    simlm_status st =
        found ? sl_json_load(&doc, path, err) : sl_fail_nomem(err, path);

    if (st == SIMLM_OK)
        st = sl_json_need(sl_json_root(doc), field, SL_JSON_OBJECT, &map, err);
    while (st == SIMLM_OK && sl_json_next(map, &m))
        st = add(found, map, &m, err);
    sl_json_free(doc);
    if (st < 0)
        sl_strmap_free(found);
    else
        *names = found;
    return st;
}

simlm_status sl_hub_pieces(struct sl_strmap **pieces, const char *path,
                           simlm_error *err)
{
    return read_names(pieces, path, "weight_map", add_piece, err);
}

simlm_status sl_hub_modules(struct sl_strmap **folders, const char *path,
                            simlm_error *err)
{
    return read_names(folders, path, "types", add_module, err);
}

/* ---- what is on disk ----------------------------------------------------- */

static bool has(const char *dir, const char *name)
{
    char *path = sl_path_join(dir, name);
    bool there = path && sl_file_exists(path);

    sl_free(path);
    return there;
}

static bool has_tokenizer(const char *dir)
{
    return has(dir, "vocab.txt") || has(dir, "tokenizer.json");
}

static bool has_pieces(const char *dir, const char *index)
{
    char *path = sl_path_join(dir, index);
    struct sl_strmap *pieces = NULL;
    bool all = path && sl_hub_pieces(&pieces, path, NULL) == SIMLM_OK;

    for (int64_t i = 0; all && i < sl_strmap_count(pieces); i++)
        all = has(dir, sl_strmap_key(pieces, i));
    sl_strmap_free(pieces);
    sl_free(path);
    return all;
}

/* Other tools fetch single files: a config.json, or an index, alone is no
 * model. */
static bool holds_encoder(const char *dir)
{
    const char *const *w = sl_hub_weight_files;

    while (*w && !has(dir, *w))
        w++;
    return *w && has(dir, "config.json") &&
           (!sl_hub_is_index(*w) || has_pieces(dir, *w));
}

/* The encoder in that folder of dir; a tokenizer may be shared. */
static bool holds_tower(const char *dir, const char *folder)
{
    char *path = sl_path_join(dir, folder);
    bool whole = path && holds_encoder(path) &&
                 (has_tokenizer(path) || has_tokenizer(dir));

    sl_free(path);
    return whole;
}

static bool holds_routes(const char *dir)
{
    char *path = sl_path_join(dir, "router_config.json");
    struct sl_strmap *folders = NULL;
    bool all = path && sl_hub_modules(&folders, path, NULL) == SIMLM_OK;

    for (int64_t i = 0; all && i < sl_strmap_count(folders); i++)
        all = !sl_strmap_value(folders, i) ||
              holds_tower(dir, sl_strmap_key(folders, i));
    sl_strmap_free(folders);
    sl_free(path);
    return all;
}

bool sl_hub_holds_model(const char *dir)
{
    if (has(dir, sl_hub_towers[0]))
        return holds_tower(dir, sl_hub_towers[0]) &&
               holds_tower(dir, sl_hub_towers[1]);
    if (has(dir, "router_config.json"))
        return holds_routes(dir);
    return holds_encoder(dir) && has_tokenizer(dir);
}
