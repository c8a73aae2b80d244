#include "format/weightfiles.h"

#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/strmap.h"
#include "format/json.h"
#include "format/safetensors.h"
#include "format/torchfile.h"

enum { MAX_FILES = 1024 };

/* One of the two. */
struct file {
    char *path;
    struct sl_safetensors *safe;
    struct sl_torchfile *torch;
};

struct place {
    const struct sl_tensor *tensor;
    int64_t file;
};

struct sl_weights {
    char *path;
    struct file *files;
    int64_t n_files;
    struct sl_strmap *names; /* in the order of the list */
    struct place *list;
    int64_t cap;
};

/* ---- one file ------------------------------------------------------------ */

static int64_t file_count(const struct file *f)
{
    return f->safe ? sl_safetensors_count(f->safe)
                   : sl_torchfile_count(f->torch);
}

static const struct sl_tensor *file_at(const struct file *f, int64_t i)
{
    return f->safe ? sl_safetensors_at(f->safe, i)
                   : sl_torchfile_at(f->torch, i);
}

/* Add the file's tensors to the list. */
static simlm_status list_tensors(struct sl_weights *w, int64_t file,
                                 simlm_error *err)
{
    const struct file *f = &w->files[file];
    int64_t n = sl_strmap_count(w->names);

    if (!sl_grow(&w->list, &w->cap, n + file_count(f), sizeof *w->list))
        return sl_fail_nomem(err, w->path);
    for (int64_t i = 0; i < file_count(f); i++) {
        const struct sl_tensor *t = file_at(f, i);
        bool added;
        int64_t at =
            sl_strmap_add(w->names, t->name, strlen(t->name), 0, &added);

        if (at < 0)
            return sl_fail_nomem(err, w->path);
        if (!added && t->why)
            continue;
        if (!added && !w->list[at].tensor->why)
            return sl_fail(err, SIMLM_E_FORMAT,
                           "'%s': tensor '%.100s' is in '%s', too", f->path,
                           t->name, w->files[w->list[at].file].path);
        w->list[at] = (struct place){t, file};
    }
    return SIMLM_OK;
}

/* Open `path`, which is not an index, as the next file. */
static simlm_status add_file(struct sl_weights *w, const char *path,
                             simlm_error *err)
{
    struct file *f = &w->files[w->n_files];
    struct sl_map map;
    bool torch;

    f->path = sl_strdup(path);
    if (!f->path)
        return sl_fail_nomem(err, path);
    w->n_files++;
    SL_TRY(sl_map_open(&map, path, err));
    torch = sl_torchfile_is(map);
    sl_map_close(&map);
    if (torch)
        SL_TRY(sl_torchfile_open(&f->torch, path, err));
    else
        SL_TRY(sl_safetensors_open(&f->safe, path, err));
    return list_tensors(w, w->n_files - 1, err);
}

/* ---- an index ------------------------------------------------------------ */

/* A safetensors file begins with a length, of which eight characters of JSON
 * would be one beyond any file. */
static simlm_status is_index(bool *index, const char *path, simlm_error *err)
{
    struct sl_map map;
    size_t at = 0;

    SL_TRY(sl_map_open(&map, path, err));
    while (at < map.n && memchr(" \t\r\n", map.p[at], 4))
        at++;
    *index = map.n >= 8 && at < map.n && map.p[at] == '{' && map.p[7];
    sl_map_close(&map);
    return SIMLM_OK;
}

/* "<folder of the index>/<name>" */
static char *beside(const char *index, const char *name)
{
    char *dir = sl_path_dir(index);
    char *path = dir ? sl_path_join(dir, name) : NULL;

    sl_free(dir);
    return path;
}

/* files: names -> their number, in the order in which they occur. */
static simlm_status list_files(struct sl_strmap *files, struct sl_json map,
                               simlm_error *err)
{
    struct sl_json_member m = {0};

    while (sl_json_next(map, &m)) {
        const char *name = sl_json_is_text(m.value, NULL);

        if (!name || !*name || strchr(name, '/') || !strcmp(name, ".."))
            return sl_json_fail(map, m.key, "the name of a file beside it",
                                err);
        if (sl_strmap_add(files, name, strlen(name), 0, NULL) < 0)
            return sl_fail_nomem(err, name);
    }
    if (!sl_strmap_count(files) || sl_strmap_count(files) > MAX_FILES)
        return sl_json_fail(map, "weight_map", "1 to 1024 files", err);
    return SIMLM_OK;
}

static simlm_status check_places(const struct sl_weights *w,
                                 const struct sl_strmap *files,
                                 struct sl_json map, simlm_error *err)
{
    struct sl_json_member m = {0};

    while (sl_json_next(map, &m)) {
        const char *file = sl_json_is_text(m.value, NULL);
        int64_t i = sl_weights_find(w, m.key);

        if (i < 0 ||
            w->list[i].file != sl_strmap_find(files, file, strlen(file)))
            return sl_fail(err, SIMLM_E_FORMAT,
                           "%s: tensor '%.100s' is not in '%s'", w->path, m.key,
                           file);
    }
    return SIMLM_OK;
}

static simlm_status open_all(struct sl_weights *w,
                             const struct sl_strmap *files, simlm_error *err)
{
    int64_t n = sl_strmap_count(files);

    w->files = SL_NEW_ARRAY(struct file, n);
    if (!w->files)
        return sl_fail_nomem(err, w->path);
    for (int64_t i = 0; i < n; i++) {
        char *path = beside(w->path, sl_strmap_key(files, i));
        simlm_status st =
            path ? add_file(w, path, err) : sl_fail_nomem(err, w->path);

        sl_free(path);
        SL_TRY(st);
    }
    return SIMLM_OK;
}

static simlm_status open_index(struct sl_weights *w, simlm_error *err)
{
    struct sl_strmap *files = sl_strmap_new();
    struct sl_json_doc *doc = NULL;
    struct sl_json map = {0};
    simlm_status st;

    st = files ? sl_json_load(&doc, w->path, err) : sl_fail_nomem(err, w->path);
    if (st == SIMLM_OK)
        st = sl_json_need(sl_json_root(doc), "weight_map", SL_JSON_OBJECT, &map,
                          err);
    if (st == SIMLM_OK)
        st = list_files(files, map, err);
    if (st == SIMLM_OK)
        st = open_all(w, files, err);
    if (st == SIMLM_OK)
        st = check_places(w, files, map, err);
    sl_json_free(doc);
    sl_strmap_free(files);
    return st;
}

/* ---- opening ------------------------------------------------------------- */

static simlm_status open_one(struct sl_weights *w, simlm_error *err)
{
    w->files = SL_NEW_ARRAY(struct file, 1);
    return w->files ? add_file(w, w->path, err) : sl_fail_nomem(err, w->path);
}

simlm_status sl_weights_open(struct sl_weights **out, const char *path,
                             simlm_error *err)
{
    struct sl_weights *w = SL_NEW(struct sl_weights);
    bool index = false;
    simlm_status st;

    if (!w)
        return sl_fail_nomem(err, path);
    w->path = sl_strdup(path);
    w->names = sl_strmap_new();
    st = w->path && w->names ? is_index(&index, path, err)
                             : sl_fail_nomem(err, path);
    if (st == SIMLM_OK)
        st = index ? open_index(w, err) : open_one(w, err);
    if (st < 0)
        sl_weights_close(w);
    else
        *out = w;
    return st;
}

void sl_weights_close(struct sl_weights *w)
{
    if (!w)
        return;
    for (int64_t i = 0; i < w->n_files; i++) {
        sl_safetensors_close(w->files[i].safe);
        sl_torchfile_close(w->files[i].torch);
        sl_free(w->files[i].path);
    }
    sl_free(w->files);
    sl_strmap_free(w->names);
    sl_free(w->list);
    sl_free(w->path);
    sl_free(w);
}

const char *sl_weights_path(const struct sl_weights *w)
{
    return w->path;
}

int64_t sl_weights_count(const struct sl_weights *w)
{
    return sl_strmap_count(w->names);
}

const struct sl_tensor *sl_weights_at(const struct sl_weights *w, int64_t i)
{
    return w->list[i].tensor;
}

int64_t sl_weights_find(const struct sl_weights *w, const char *name)
{
    return sl_strmap_find(w->names, name, strlen(name));
}

int64_t sl_weights_n_files(const struct sl_weights *w)
{
    return w->n_files;
}

const char *sl_weights_file(const struct sl_weights *w, int64_t file)
{
    return w->files[file].path;
}

int64_t sl_weights_file_of(const struct sl_weights *w, int64_t i)
{
    return w->list[i].file;
}

const char *sl_weights_format(const struct sl_weights *w, int64_t file)
{
    return w->files[file].safe ? "safetensors" : "torch";
}
