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

static const char modules[] = "modules.json";

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
    const char *endpoint;
    char *token; /* or NULL */
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

/* Of "main", or of a commit. */
static simlm_status describe(struct hub *h, const char *revision,
                             simlm_error *err)
{
    struct sl_str url = {0};
    simlm_status st;

    sl_str_printf(&url, "%s/api/models/%s/revision/%s?blobs=true", h->endpoint,
                  h->name, revision);
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

/* That the hub has no modules.json is noted, or it would be asked for again. */
static simlm_status note_absence(const struct hub *h, simlm_error *err)
{
    return find(h, modules)
               ? SIMLM_OK
               : sl_hub_set_absent(h->folder, h->commit, modules, err);
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
    SL_TRY(note_absence(h, err));
    return sl_hub_set_main(h->folder, h->commit, err);
}

/* ---- a model that is not there ------------------------------------------- */

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
    simlm_status st = describe(h, "main", &why);

    return st < 0 ? sl_fail(err, st,
                            "'%s' is no directory here, and no model from the "
                            "hub: %s",
                            h->name, why.msg)
                  : SIMLM_OK;
}

/* Where it is, and who we are. */
static simlm_status find_hub(struct hub *h, simlm_error *err)
{
    h->endpoint = getenv("HF_ENDPOINT");
    if (!h->endpoint || !*h->endpoint)
        h->endpoint = "https://huggingface.co";
    return sl_hub_token(&h->token, err);
}

static simlm_status go_online(struct hub *h, char **dir, simlm_error *err)
{
    if (is_on("HF_HUB_OFFLINE"))
        return sl_fail(err, SIMLM_E_IO,
                       "'%s': neither a directory nor in the cache '%s', and "
                       "HF_HUB_OFFLINE is set",
                       h->name, h->folder);
    SL_TRY(find_hub(h, err));
    announce(h);
    SL_TRY(find_model(h, err));
    SL_TRY(get_all(h, err));
    *dir = sl_hub_snapshot_path(h->folder, h->commit);
    return *dir ? SIMLM_OK : sl_fail_nomem(err, h->name);
}

/* ---- a snapshot without side files --------------------------------------- */

/* If the hub has it and the snapshot has not. */
static simlm_status get_missing(const struct hub *h, const char *name,
                                simlm_error *err)
{
    const struct sl_hub_file *f = find(h, name);
    char *path;
    bool there;

    if (!f)
        return SIMLM_OK;
    path = path_of(h, f);
    there = path && sl_file_exists(path);
    sl_free(path);
    return there ? SIMLM_OK : get_file(h, f, err);
}

/* modules.json comes last: without it the next call goes on. */
static simlm_status get_side_files(const struct hub *h, simlm_error *err)
{
    for (const char *const *name = sl_hub_side_files; *name; name++)
        if (strcmp(*name, modules))
            SL_TRY(get_missing(h, *name, err));
    SL_TRY(get_missing(h, modules, err));
    return note_absence(h, err);
}

static void warn(const struct hub *h, const char *why)
{
    sl_observe_message(h->obs, SIMLM_WARNING,
                       "'%s': pooling is the default, [CLS]: the cache has no "
                       "modules.json (%s)",
                       h->name, why);
}

/* Does the hub describe that commit?  If it is not reached, the model is used
 * as it is. */
static simlm_status describe_commit(struct hub *h, bool *known,
                                    const char *commit, simlm_error *err)
{
    simlm_error why;
    simlm_status st = describe(h, commit, &why);

    if (st == SIMLM_E_NOMEM)
        return sl_fail_nomem(err, h->name);
    *known = st == SIMLM_OK && !strcmp(h->commit, commit);
    if (!*known)
        warn(h, st < 0 ? why.msg : "the hub describes another commit");
    return SIMLM_OK;
}

/*
 * transformers never asks for modules.json and what it names, so that a cache
 * that it has filled does not say how to pool.
 */
static simlm_status complete(struct hub *h, const char *dir, simlm_error *err)
{
    const char *commit = strrchr(dir, '/') + 1;
    char *path = sl_path_join(dir, modules);
    bool there = path && sl_file_exists(path), known = false;

    sl_free(path);
    if (!path)
        return sl_fail_nomem(err, dir);
    if (there || sl_hub_is_absent(h->folder, commit, modules))
        return SIMLM_OK;
    if (is_on("HF_HUB_OFFLINE")) {
        warn(h, "and HF_HUB_OFFLINE is set");
        return SIMLM_OK;
    }
    SL_TRY(find_hub(h, err));
    SL_TRY(describe_commit(h, &known, commit, err));
    return known ? get_side_files(h, err) : SIMLM_OK;
}

/* ---- the whole ----------------------------------------------------------- */

simlm_status sl_hub_fetch(char **dir, const char *name,
                          const simlm_observer *observer, simlm_error *err)
{
    struct hub h = {.name = name, .obs = observer};
    simlm_status st;

    *dir = NULL;
    st = sl_hub_folder(&h.folder, name, err);

    if (st == SIMLM_OK)
        st = sl_hub_snapshot(dir, h.folder, err);
    if (st == SIMLM_OK)
        st = *dir ? complete(&h, *dir, err) : go_online(&h, dir, err);
    if (st < 0) {
        sl_free(*dir);
        *dir = NULL;
    }
    sl_free(h.token);
    sl_json_free(h.doc);
    sl_str_free(&h.answer);
    sl_strmap_free(h.names);
    sl_free(h.list);
    sl_free(h.folder);
    return st;
}
