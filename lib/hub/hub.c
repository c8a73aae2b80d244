#include "hub/hub.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/observe.h"
#include "base/str.h"
#include "base/strmap.h"
#include "format/json.h"
#include "hub/download.h"
#include "hub/http.h"
#include "hub/hub_cache.h"
#include "hub/hub_files.h"

enum { MAX_ANSWER = 1 << 24, MAX_NAME = 96 };

/* ---- names --------------------------------------------------------------- */

static bool is_dash_or_dot(char c)
{
    return c == '-' || c == '.';
}

/* The hub's rule: letters, digits and -_. with neither - nor . at the ends, and
 * neither "--" nor "..".  (With "--" two names could have one folder.) */
static bool is_word(const char *s, size_t n)
{
    if (n > MAX_NAME || !sl_hub_is_plain(s, n) || is_dash_or_dot(s[0]) ||
        is_dash_or_dot(s[n - 1]))
        return false;
    for (size_t i = 1; i < n; i++)
        if (s[i] == s[i - 1] && is_dash_or_dot(s[i]))
            return false;
    return true;
}

bool sl_hub_is_name(const char *model)
{
    const char *slash = strchr(model, '/');

    return slash && !strchr(slash + 1, '/') &&
           is_word(model, (size_t)(slash - model)) &&
           is_word(slash + 1, strlen(slash + 1)) && !sl_file_exists(model);
}

/* ---- what the hub has ---------------------------------------------------- */

struct hub {
    const char *name;
    const char *endpoint, *token;
    const simlm_observer *obs;
    char *folder;
    struct sl_str answer;    /* the hub's description of the model */
    struct sl_json_doc *doc; /* the same */
    const char *commit;
    struct sl_strmap *names; /* of its files, in the order of list */
    struct sl_hub_file *list;
    bool has_weights; /* any were fetched */
};

static bool on_answer(void *ctx, const void *bytes, size_t n)
{
    struct hub *h = ctx;

    if (h->answer.len + n > MAX_ANSWER)
        return false;
    sl_str_add(&h->answer, bytes, n);
    return sl_str_ok(&h->answer);
}

static simlm_status ask(struct hub *h, const char *url, simlm_error *err)
{
    struct sl_http_get get = {
        .url = url, .token = h->token, .sink = on_answer, .ctx = h};
    enum sl_http_end end;
    simlm_status st = sl_http_get(&get, &end, err);

    if (!sl_str_ok(&h->answer))
        return sl_fail_nomem(err, url);
    if (end == SL_HTTP_STOPPED)
        return sl_fail(err, SIMLM_E_FORMAT, "'%s': an answer of over %d bytes",
                       url, MAX_ANSWER);
    SL_TRY(st);
    return sl_json_parse(&h->doc, sl_str_c(&h->answer), h->answer.len, url, 0,
                         err);
}

/* {"rfilename", "size", "blobId", "lfs": {"sha256", "size"}} */
static simlm_status read_file(struct sl_hub_file *f, struct sl_json entry,
                              simlm_error *err)
{
    struct sl_json lfs = sl_json_field(entry, "lfs");
    bool large = sl_json_kind(lfs) == SL_JSON_OBJECT;

    f->kind = large ? SL_DIGEST_SHA256 : SL_DIGEST_GIT;
    SL_TRY(sl_json_need_text(entry, "rfilename", &f->name, NULL, err));
    SL_TRY(sl_json_need_int(large ? lfs : entry, "size", 0, INT64_MAX, &f->size,
                            err));
    SL_TRY(sl_json_need_text(large ? lfs : entry, large ? "sha256" : "blobId",
                             &f->hash, NULL, err));
    return sl_hub_is_hex(f->hash, large ? 64 : 40)
               ? SIMLM_OK
               : sl_json_fail(entry, large ? "sha256" : "blobId", "a hash",
                              err);
}

static simlm_status read_files(struct hub *h, simlm_error *err)
{
    struct sl_json root = sl_json_root(h->doc), files;
    int64_t n;

    SL_TRY(sl_json_need_text(root, "sha", &h->commit, NULL, err));
    if (!sl_hub_is_hex(h->commit, 40))
        return sl_json_fail(root, "sha", "a commit", err);
    SL_TRY(sl_json_need(root, "siblings", SL_JSON_ARRAY, &files, err));
    n = sl_json_count(files);
    h->names = sl_strmap_new();
    h->list = SL_NEW_ARRAY(struct sl_hub_file, n + 1);
    if (!h->names || !h->list)
        return sl_fail_nomem(err, h->name);
    for (int64_t i = 0; i < n; i++) {
        struct sl_hub_file f;
        int64_t at;

        SL_TRY(read_file(&f, sl_json_item(files, i), err));
        at = sl_strmap_add(h->names, f.name, strlen(f.name), 0, NULL);
        if (at < 0)
            return sl_fail_nomem(err, h->name);
        h->list[at] = f;
    }
    return SIMLM_OK;
}

static simlm_status describe(struct hub *h, simlm_error *err)
{
    struct sl_str url = {0};
    simlm_status st;

    sl_str_printf(&url, "%s/api/models/%s/revision/main?blobs=true",
                  h->endpoint, h->name);
    st = sl_str_ok(&url) ? ask(h, url.s, err) : sl_fail_nomem(err, h->name);
    if (st == SIMLM_OK)
        st = read_files(h, err);
    sl_str_free(&url);
    return st;
}

/* ---- fetching ------------------------------------------------------------ */

static const struct sl_hub_file *find(const struct hub *h, const char *name)
{
    int64_t at = sl_strmap_find(h->names, name, strlen(name));

    return at < 0 ? NULL : &h->list[at];
}

static simlm_status get_file(const struct hub *h, const struct sl_hub_file *f,
                             simlm_error *err)
{
    struct sl_str url = {0};
    simlm_status st;

    sl_str_printf(&url, "%s/%s/resolve/%s/%s", h->endpoint, h->name, h->commit,
                  f->name);
    st = sl_str_ok(&url)
             ? sl_hub_download(h->folder, f, url.s, h->token, h->obs, err)
             : sl_fail_nomem(err, h->name);
    if (st == SIMLM_OK)
        st = sl_hub_link(h->folder, h->commit, f->name, f->hash, err);
    sl_str_free(&url);
    return st;
}

/* *f <- "<folder><name>" of the hub's files, or NULL; folder: "", or "<name>/". */
static simlm_status find_in(const struct sl_hub_file **f, const struct hub *h,
                            const char *folder, const char *name,
                            simlm_error *err)
{
    struct sl_str s = {0};
    simlm_status st = SIMLM_OK;

    sl_str_printf(&s, "%s%s", folder, name);
    if (sl_str_ok(&s))
        *f = find(h, sl_str_c(&s));
    else
        st = sl_fail_nomem(err, h->name);
    sl_str_free(&s);
    return st;
}

/* Where f is once it is fetched; NULL: no memory. */
static char *path_of(const struct hub *h, const struct sl_hub_file *f)
{
    char *dir = sl_hub_snapshot_path(h->folder, h->commit);
    char *path = dir ? sl_path_join(dir, f->name) : NULL;

    sl_free(dir);
    return path;
}

static simlm_status get_pieces(const struct hub *h, const char *folder,
                               const struct sl_hub_file *index,
                               simlm_error *err)
{
    char *path = path_of(h, index);
    struct sl_strmap *pieces = NULL;
    simlm_status st =
        path ? sl_hub_pieces(&pieces, path, err) : sl_fail_nomem(err, h->name);

    for (int64_t i = 0; st == SIMLM_OK && i < sl_strmap_count(pieces); i++) {
        const struct sl_hub_file *f = NULL;

        st = find_in(&f, h, folder, sl_strmap_key(pieces, i), err);
        if (st == SIMLM_OK && !f)
            st =
                sl_fail(err, SIMLM_E_FORMAT, "'%s': no %s%s, of which %s is",
                        h->name, folder, sl_strmap_key(pieces, i), index->name);
        if (st == SIMLM_OK)
            st = get_file(h, f, err);
    }
    sl_strmap_free(pieces);
    sl_free(path);
    return st;
}

/* If the folder has any. */
static simlm_status get_weights(struct hub *h, const char *folder,
                                simlm_error *err)
{
    const struct sl_hub_file *f = NULL;

    for (const char *const *w = sl_hub_weight_files; *w && !f; w++)
        SL_TRY(find_in(&f, h, folder, *w, err));
    if (!f)
        return SIMLM_OK;
    h->has_weights = true;
    SL_TRY(get_file(h, f, err));
    return sl_hub_is_index(f->name) ? get_pieces(h, folder, f, err) : SIMLM_OK;
}

/* What a model has in a folder of it. */
static simlm_status get_folder(struct hub *h, const char *folder,
                               simlm_error *err)
{
    for (const char *const *name = sl_hub_side_files; *name; name++) {
        const struct sl_hub_file *f = NULL;

        SL_TRY(find_in(&f, h, folder, *name, err));
        if (f)
            SL_TRY(get_file(h, f, err));
    }
    return get_weights(h, folder, err);
}

static simlm_status get_below(struct hub *h, const char *name, simlm_error *err)
{
    struct sl_str folder = {0};
    simlm_status st;

    sl_str_printf(&folder, "%s/", name);
    st = sl_str_ok(&folder) ? get_folder(h, sl_str_c(&folder), err)
                            : sl_fail_nomem(err, h->name);
    sl_str_free(&folder);
    return st;
}

static simlm_status get_routes(struct hub *h, const struct sl_hub_file *router,
                               simlm_error *err)
{
    char *path = path_of(h, router);
    struct sl_strmap *folders = NULL;
    simlm_status st =
        path ? get_file(h, router, err) : sl_fail_nomem(err, h->name);

    if (st == SIMLM_OK)
        st = sl_hub_modules(&folders, path, err);
    for (int64_t i = 0; st == SIMLM_OK && i < sl_strmap_count(folders); i++)
        st = get_below(h, sl_strmap_key(folders, i), err);
    sl_strmap_free(folders);
    sl_free(path);
    return st;
}

static simlm_status get_all(struct hub *h, simlm_error *err)
{
    const struct sl_hub_file *router = find(h, "router_config.json");

    SL_TRY(get_folder(h, "", err));
    if (router)
        SL_TRY(get_routes(h, router, err));
    for (const char *const *name = sl_hub_towers; *name && !router; name++)
        SL_TRY(get_below(h, *name, err));
    if (!h->has_weights)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "'%s': no model.safetensors or pytorch_model.bin",
                       h->name);
    return sl_hub_set_main(h->folder, h->commit, err);
}

/* ---- the whole ----------------------------------------------------------- */

/* As huggingface_hub reads its switches. */
static bool is_on(const char *name)
{
    static const char *const yes[] = {"1", "on", "yes", "true"};
    const char *s = getenv(name);
    bool on = false;

    for (size_t i = 0; s && i < SL_LEN(yes); i++)
        on = on || !strcasecmp(s, yes[i]);
    return on;
}

/* It may have been meant as a path. */
static void announce(const struct hub *h)
{
    sl_observe_message(h->obs, SIMLM_INFO,
                       "'%s' is no directory here: asking %s for it", h->name,
                       h->endpoint);
}

/* A name that is none may be a path with a slip in it. */
static simlm_status find_model(struct hub *h, simlm_error *err)
{
    simlm_error why;
    simlm_status st = describe(h, &why);

    return st < 0 ? sl_fail(err, st,
                            "'%s' is no directory here, and no model from the "
                            "hub: %s",
                            h->name, why.msg)
                  : SIMLM_OK;
}

static simlm_status go_online(struct hub *h, char **dir, simlm_error *err)
{
    if (is_on("HF_HUB_OFFLINE"))
        return sl_fail(err, SIMLM_E_IO,
                       "'%s': neither a directory nor in the cache '%s', and "
                       "HF_HUB_OFFLINE is set",
                       h->name, h->folder);
    h->endpoint = getenv("HF_ENDPOINT");
    if (!h->endpoint || !*h->endpoint)
        h->endpoint = "https://huggingface.co";
    h->token = getenv("HF_TOKEN");
    if (h->token && (!*h->token || strpbrk(h->token, "\r\n")))
        h->token = NULL;
    announce(h);
    SL_TRY(find_model(h, err));
    SL_TRY(get_all(h, err));
    *dir = sl_hub_snapshot_path(h->folder, h->commit);
    return *dir ? SIMLM_OK : sl_fail_nomem(err, h->name);
}

simlm_status sl_hub_fetch(char **dir, const char *name,
                          const simlm_observer *observer, simlm_error *err)
{
    struct hub h = {.name = name, .obs = observer};
    simlm_status st = sl_hub_folder(&h.folder, name, err);

    if (st == SIMLM_OK)
        st = sl_hub_snapshot(dir, h.folder, err);
    if (st == SIMLM_OK && !*dir)
        st = go_online(&h, dir, err);
    sl_json_free(h.doc);
    sl_str_free(&h.answer);
    sl_strmap_free(h.names);
    sl_free(h.list);
    sl_free(h.folder);
    return st;
}
