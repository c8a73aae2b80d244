#include "hub/hub.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/observe.h"
#include "base/str.h"
#include "base/strmap.h"
#include "format/json.h"
#include "hub/download.h"
#include "hub/http.h"
#include "hub/hub_cache.h"

enum { MAX_ANSWER = 1 << 24, MAX_NAME = 96 };

/* ---- names --------------------------------------------------------------- */

static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

static bool is_dash_or_dot(char c)
{
    return c == '-' || c == '.';
}

/* The hub's rule: letters, digits and -_. with neither - nor . at the ends, and
 * neither "--" nor "..".  (With "--" two names could have one folder.) */
static bool is_word(const char *s, size_t n)
{
    if (!n || n > MAX_NAME || strspn(s, letters) < n || is_dash_or_dot(s[0]) ||
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

/* The first of names, which end with NULL, that the hub has; else NULL. */
static const struct sl_hub_file *first_of(const struct hub *h,
                                          const char *const *names)
{
    const struct sl_hub_file *f = NULL;

    for (; *names && !f; names++)
        f = find(h, *names);
    return f;
}

/* The pieces of an index: files named as it is, but for their number.  A name
 * becomes part of a path and of an address: only letters that mean nothing
 * there. */
static simlm_status get_pieces(const struct hub *h, const char *head,
                               const char *tail, simlm_error *err)
{
    size_t n_head = strlen(head), n_tail = strlen(tail);

    for (int64_t i = 0; i < sl_strmap_count(h->names); i++) {
        const char *name = h->list[i].name;
        size_t n = strlen(name);

        if (n > n_head + n_tail && !strncmp(name, head, n_head) &&
            !strcmp(name + n - n_tail, tail) && strspn(name, letters) == n)
            SL_TRY(get_file(h, &h->list[i], err));
    }
    return SIMLM_OK;
}

static simlm_status get_weights(const struct hub *h, simlm_error *err)
{
    static const char *const names[] = {
        "model.safetensors", "model.safetensors.index.json",
        "pytorch_model.bin", "pytorch_model.bin.index.json", NULL};
    const struct sl_hub_file *f = first_of(h, names);

    if (!f)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "'%s': no model.safetensors or pytorch_model.bin",
                       h->name);
    if (!strcmp(f->name, names[1]))
        SL_TRY(get_pieces(h, "model-", ".safetensors", err));
    if (!strcmp(f->name, names[3]))
        SL_TRY(get_pieces(h, "pytorch_model-", ".bin", err));
    return get_file(h, f, err);
}

static simlm_status get_all(const struct hub *h, simlm_error *err)
{
    static const char *const files[] = {"config.json",
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
                                        "pooler.pt"};

    for (size_t i = 0; i < SL_LEN(files); i++)
        if (find(h, files[i]))
            SL_TRY(get_file(h, find(h, files[i]), err));
    SL_TRY(get_weights(h, err));
    return sl_hub_set_main(h->folder, h->commit, err);
}

/* ---- the whole ----------------------------------------------------------- */

static bool is_set(const char *name)
{
    const char *s = getenv(name);

    return s && *s && strcmp(s, "0") != 0;
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
    if (is_set("HF_HUB_OFFLINE"))
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
