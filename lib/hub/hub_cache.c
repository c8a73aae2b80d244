#include "hub/hub_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/str.h"
#include "hub/hub_files.h"

enum { COMMIT = 40 }; /* hexadecimal digits */

bool sl_hub_is_hex(const char *s, size_t n)
{
    return strlen(s) == n && strspn(s, "0123456789abcdef") == n;
}

static const char *env(const char *name)
{
    const char *s = getenv(name);

    return s && *s ? s : NULL;
}

/* A path of a variable: "~" at its start is HOME, as Python expands it. */
static void put_path(struct sl_str *s, const char *path)
{
    bool home = path[0] == '~' && (!path[1] || path[1] == '/') && env("HOME");

    sl_str_printf(s, "%s%s", home ? env("HOME") : "", path + home);
}

/* The path of the first of these variables that is set, and what is below. */
struct place {
    const char *variable, *below;
};

static void put_first(struct sl_str *s, const struct place *places, size_t n)
{
    for (size_t i = 0; i < n && !s->len; i++)
        if (env(places[i].variable)) {
            put_path(s, env(places[i].variable));
            sl_str_puts(s, places[i].below);
        }
}

static void put_cache(struct sl_str *s)
{
    static const struct place places[] = {
        {"HF_HUB_CACHE", ""},
        {"HUGGINGFACE_HUB_CACHE", ""},
        {"HF_HOME", "/hub"},
        {"XDG_CACHE_HOME", "/huggingface/hub"},
        {"HOME", "/.cache/huggingface/hub"}};

    put_first(s, places, SL_LEN(places));
}

simlm_status sl_hub_folder(char **folder, const char *name, simlm_error *err)
{
    const char *slash = strchr(name, '/');
    struct sl_str s = {0};

    put_cache(&s);
    if (sl_str_ok(&s) && !s.len)
        return sl_fail(err, SIMLM_E_IO,
                       "'%s': no cache: neither HF_HUB_CACHE nor HOME is set",
                       name);
    sl_str_printf(&s, "/models--%.*s--%s", (int)(slash - name), name,
                  slash + 1);
    if (!sl_str_ok(&s)) {
        sl_str_free(&s);
        return sl_fail_nomem(err, name);
    }
    *folder = s.s;
    return SIMLM_OK;
}

/* Cut the line end and blanks away; a token with others in it is none. */
static const char *trim(char *token)
{
    char *s = token + strspn(token, " \t\r\n");

    s[strcspn(s, " \t\r\n")] = '\0';
    return *s ? s : NULL;
}

/* *token <- what the file says, if there is one. */
static simlm_status read_token(char **token, const char *path, simlm_error *err)
{
    const char *s;
    char *text;
    size_t n;

    if (!sl_file_exists(path) ||
        sl_file_read(&text, &n, path, 1 << 12, NULL) < 0)
        return SIMLM_OK;
    s = trim(text);
    if (s)
        *token = sl_strdup(s);
    sl_free(text);
    return s && !*token ? sl_fail_nomem(err, path) : SIMLM_OK;
}

simlm_status sl_hub_token(char **token, simlm_error *err)
{
    static const struct place places[] = {
        {"HF_TOKEN_PATH", ""},
        {"HF_HOME", "/token"},
        {"XDG_CACHE_HOME", "/huggingface/token"},
        {"HOME", "/.cache/huggingface/token"}};
    const char *said = env("HF_TOKEN");
    struct sl_str path = {0};
    simlm_status st = SIMLM_OK;

    *token = NULL;
    if (said && !strpbrk(said, "\r\n")) {
        *token = sl_strdup(said);
        return *token ? SIMLM_OK : sl_fail_nomem(err, "HF_TOKEN");
    }
    put_first(&path, places, SL_LEN(places));
    if (!sl_str_ok(&path))
        st = sl_fail_nomem(err, "the token");
    else if (path.len)
        st = read_token(token, path.s, err);
    sl_str_free(&path);
    return st;
}

char *sl_hub_snapshot_path(const char *folder, const char *commit)
{
    struct sl_str s = {0};

    sl_str_printf(&s, "%s/snapshots/%s", folder, commit);
    return s.s;
}

/* ---- reading ------------------------------------------------------------- */

/* commit <- what refs/main says; false if there is none. */
static bool read_main(char commit[COMMIT + 1], const char *folder)
{
    char *path = sl_path_join(folder, "refs/main"), *text = NULL;
    bool good = false;
    size_t n;

    if (path && sl_file_read(&text, &n, path, 1 << 10, NULL) == SIMLM_OK) {
        text[strcspn(text, " \r\n")] = '\0';
        good = sl_hub_is_hex(text, COMMIT);
        if (good)
            memcpy(commit, text, COMMIT + 1);
    }
    sl_free(text);
    sl_free(path);
    return good;
}

simlm_status sl_hub_snapshot(char **dir, const char *folder, simlm_error *err)
{
    char commit[COMMIT + 1];

    *dir = NULL;
    if (!read_main(commit, folder))
        return SIMLM_OK;
    *dir = sl_hub_snapshot_path(folder, commit);
    if (!*dir)
        return sl_fail_nomem(err, folder);
    if (!sl_hub_holds_model(*dir)) {
        sl_free(*dir);
        *dir = NULL;
    }
    return SIMLM_OK;
}

/* ---- writing ------------------------------------------------------------- */

/* Make the folder that path is in. */
static simlm_status make_parent(const char *path, simlm_error *err)
{
    char *dir = sl_path_dir(path);
    simlm_status st = dir ? sl_dir_make(dir, err) : sl_fail_nomem(err, path);

    sl_free(dir);
    return st;
}

static simlm_status make_link(const char *to, const char *path,
                              simlm_error *err)
{
    SL_TRY(make_parent(path, err));
    unlink(path);
    return symlink(to, path) ? sl_fail_errno(err, "link", path) : SIMLM_OK;
}

simlm_status sl_hub_link(const char *folder, const char *commit,
                         const char *file, const char *hash, simlm_error *err)
{
    struct sl_str path = {0}, to = {0};
    simlm_status st;

    sl_str_printf(&path, "%s/snapshots/%s/%s", folder, commit, file);
    for (const char *p = file; p; p = strchr(p + 1, '/'))
        sl_str_puts(&to, "../"); /* one for each folder of the name, and */
    sl_str_printf(&to, "../blobs/%s", hash);
    st = sl_str_ok(&path) && sl_str_ok(&to) ? make_link(to.s, path.s, err)
                                            : sl_fail_nomem(err, file);
    sl_str_free(&path);
    sl_str_free(&to);
    return st;
}

simlm_status sl_hub_set_main(const char *folder, const char *commit,
                             simlm_error *err)
{
    char *path = sl_path_join(folder, "refs/main");
    simlm_status st =
        path ? make_parent(path, err) : sl_fail_nomem(err, folder);

    if (st == SIMLM_OK)
        st = sl_file_write(path, commit, strlen(commit), err);
    sl_free(path);
    return st;
}

/* "<folder>/.no_exist/<commit>/<file>"; NULL: no memory. */
static char *absence_path(const char *folder, const char *commit,
                          const char *file)
{
    struct sl_str s = {0};

    sl_str_printf(&s, "%s/.no_exist/%s/%s", folder, commit, file);
    return s.s;
}

bool sl_hub_is_absent(const char *folder, const char *commit, const char *file)
{
    char *path = absence_path(folder, commit, file);
    bool absent = path && sl_file_exists(path);

    sl_free(path);
    return absent;
}

simlm_status sl_hub_set_absent(const char *folder, const char *commit,
                               const char *file, simlm_error *err)
{
    char *path = absence_path(folder, commit, file);
    simlm_status st = path ? make_parent(path, err) : sl_fail_nomem(err, file);

    if (st == SIMLM_OK)
        st = sl_file_write(path, "", 0, err);
    sl_free(path);
    return st;
}
