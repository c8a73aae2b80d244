#include "prepare/raw.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "format/zip.h"

enum { DEPTH = 4 };

static const char *const suffixes[] = {"", ".gz", ".zst"};

struct sl_raw {
    char **path;
    int64_t n, cap;
};

const char *sl_raw_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

size_t sl_raw_folder(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? (size_t)(slash - path) : 0;
}

/* ---- looking through places ------------------------------------------------
 */

/* Takes the path over; NULL if there was no memory for it. */
static simlm_status keep(struct sl_raw *raw, char *path, simlm_error *err)
{
    if (path && sl_grow(&raw->path, &raw->cap, raw->n + 1, sizeof path)) {
        raw->path[raw->n++] = path;
        return SIMLM_OK;
    }
    sl_free(path);
    return sl_fail_nomem(err, "a list of files");
}

static simlm_status list_zip(struct sl_raw *raw, const char *path,
                             struct sl_map map, simlm_error *err)
{
    struct sl_zip *zip = NULL;
    simlm_status st = sl_zip_open(&zip, map, path, err);

    for (int64_t i = 0; st == SIMLM_OK && i < sl_zip_count(zip); i++) {
        const char *name = sl_raw_name(sl_zip_name(zip, i));

        if (*name && *name != '.')
            st = keep(raw, sl_path_join(path, sl_zip_name(zip, i)), err);
    }
    sl_zip_close(zip);
    return st;
}

/* A file may be a zip file, whose entries then stand for it. */
static simlm_status add_file(struct sl_raw *raw, const char *path,
                             simlm_error *err)
{
    struct sl_map map = {0};
    simlm_status st;

    SL_TRY(sl_map_open(&map, path, err));
    st = sl_zip_is(map) ? list_zip(raw, path, map, err)
                        : keep(raw, sl_strdup(path), err);
    sl_map_close(&map);
    return st;
}

static simlm_status add_folder(struct sl_raw *raw, const char *path, int depth,
                               simlm_error *err);

static simlm_status add_member(struct sl_raw *raw, const char *folder,
                               const char *name, int depth, simlm_error *err)
{
    char *path = sl_path_join(folder, name);
    simlm_status st;

    if (!path)
        return sl_fail_nomem(err, "a list of files");
    if (!sl_dir_exists(path))
        return keep(raw, path, err);
    st = depth < DEPTH ? add_folder(raw, path, depth + 1, err) : SIMLM_OK;
    sl_free(path);
    return st;
}

static simlm_status add_folder(struct sl_raw *raw, const char *path, int depth,
                               simlm_error *err)
{
    DIR *d = opendir(path);
    const struct dirent *e;
    simlm_status st = SIMLM_OK;

    if (!d)
        return sl_fail_errno(err, "read", path);
    while (st == SIMLM_OK && (e = readdir(d)))
        if (*e->d_name != '.')
            st = add_member(raw, path, e->d_name, depth, err);
    closedir(d);
    return st;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

simlm_status sl_raw_open(struct sl_raw **out, const char *const *place,
                         int64_t n_places, simlm_error *err)
{
    struct sl_raw *raw = SL_NEW(struct sl_raw);
    simlm_status st = raw ? SIMLM_OK : sl_fail_nomem(err, "a list of files");

    for (int64_t i = 0; st == SIMLM_OK && i < n_places; i++)
        st = sl_dir_exists(place[i]) ? add_folder(raw, place[i], 1, err)
                                     : add_file(raw, place[i], err);
    if (st == SIMLM_OK && raw->n)
        qsort(raw->path, (size_t)raw->n, sizeof *raw->path, by_text);
    if (st == SIMLM_OK)
        *out = raw;
    else
        sl_raw_close(raw);
    return st;
}

void sl_raw_close(struct sl_raw *raw)
{
    if (!raw)
        return;
    for (int64_t i = 0; i < raw->n; i++)
        sl_free(raw->path[i]);
    sl_free(raw->path);
    sl_free(raw);
}

int64_t sl_raw_count(const struct sl_raw *raw)
{
    return raw->n;
}

const char *sl_raw_path(const struct sl_raw *raw, int64_t i)
{
    return raw->path[i];
}

/* ---- finding ----------------------------------------------------------------
 */

static bool is_named(const char *path, const char *name, const char *suffix)
{
    const char *own = sl_raw_name(path);
    size_t n = strlen(name);

    return !strncmp(own, name, n) && !strcmp(own + n, suffix);
}

bool sl_raw_is(const char *path, const char *name)
{
    for (size_t i = 0; i < SL_LEN(suffixes); i++)
        if (is_named(path, name, suffixes[i]))
            return true;
    return false;
}

static simlm_status find_one(const char **path, const struct sl_raw *raw,
                             const char *name, const char *suffix,
                             simlm_error *err)
{
    for (int64_t i = 0; i < raw->n; i++) {
        if (!is_named(raw->path[i], name, suffix))
            continue;
        if (*path && strcmp(*path, raw->path[i]) != 0)
            return sl_fail(err, SIMLM_E_FORMAT,
                           "both '%.100s' and '%.100s' are there: which one?",
                           *path, raw->path[i]);
        *path = raw->path[i];
    }
    return SIMLM_OK;
}

simlm_status sl_raw_find(const char **path, const struct sl_raw *raw,
                         const char *const *names, simlm_error *err)
{
    *path = NULL;
    for (; *names && !*path; names++)
        for (size_t i = 0; i < SL_LEN(suffixes) && !*path; i++)
            SL_TRY(find_one(path, raw, *names, suffixes[i], err));
    return SIMLM_OK;
}
