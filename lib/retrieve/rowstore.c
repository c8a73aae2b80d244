#include "retrieve/rowstore.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "format/json.h"
#include "format/npy.h"

#define PROGRESS "progress.json"
#define FINISHED "encode.json"
#define IDS      "ids.txt"
#define LOCK     "lock"

void sl_rowstore_key_text(char out[17], uint64_t key)
{
    snprintf(out, 17, "%016" PRIx64, key);
}

void sl_rowstore_name(char out[48], int64_t shard_size, int64_t k)
{
    if (shard_size)
        snprintf(out, 48, "embeddings-%05" PRId64 ".npy", k);
    else
        snprintf(out, 48, "embeddings.npy");
}

/* "<dir>/<name of shard k>[.part]"; NULL if out of memory. */
static char *shard_path(const struct sl_rowstore *s, int64_t k, bool part)
{
    char name[48 + sizeof ".part"];

    sl_rowstore_name(name, s->shard_size, k);
    if (part)
        strcat(name, ".part");
    return sl_path_join(s->dir, name);
}

static size_t row_bytes(const struct sl_rowstore *s)
{
    return (size_t)s->dim * sizeof(float);
}

static off_t place_of(const struct sl_rowstore *s, int64_t row_in_shard)
{
    return (off_t)(SL_NPY_HEADER + (uint64_t)row_in_shard * row_bytes(s));
}

/* Which shard a row is in, which row of it, how many more fit in there. */
static int64_t locate(const struct sl_rowstore *s, int64_t row,
                      int64_t *in_shard, int64_t *room)
{
    int64_t k = s->shard_size ? row / s->shard_size : 0;

    *in_shard = row - k * s->shard_size;
    *room = s->shard_size ? s->shard_size - *in_shard : INT64_MAX;
    return k;
}

static void close_part(struct sl_rowstore *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    s->open_shard = -1;
}

/* Open the part of shard k to write, with `rows` rows and nothing behind. */
static simlm_status open_part(struct sl_rowstore *s, int64_t k, int64_t rows,
                              simlm_error *err)
{
    char *part = shard_path(s, k, true), *whole = shard_path(s, k, false);
    simlm_status st = SIMLM_OK;

    if (!part || !whole) {
        st = sl_fail_nomem(err, "a file's name");
        goto out;
    }
    /* It had its final name already when progress was lost. */
    if (!sl_file_exists(part) && sl_file_exists(whole) && rename(whole, part)) {
        st = sl_fail_errno(err, "rename", whole);
        goto out;
    }
    s->fd = open(part, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (s->fd < 0 || ftruncate(s->fd, place_of(s, rows))) {
        st = sl_fail_errno(err, "write", part);
        close_part(s);
        goto out;
    }
    s->open_shard = k;
    st = sl_dir_sync(s->dir, err);
out:
    sl_free(part);
    sl_free(whole);
    return st;
}

/* The open part, of `rows` rows, becomes a whole .npy. */
static simlm_status finish_part(struct sl_rowstore *s, int64_t rows,
                                simlm_error *err)
{
    char *part = shard_path(s, s->open_shard, true);
    char *whole = shard_path(s, s->open_shard, false);
    simlm_status st = SIMLM_OK;
    char header[SL_NPY_HEADER];

    sl_npy_header(header, rows, s->dim);
    if (!part || !whole)
        st = sl_fail_nomem(err, "a file's name");
    else if (!sl_write_at(s->fd, header, sizeof header, 0) || fsync(s->fd) ||
             rename(part, whole))
        st = sl_fail_errno(err, "write", whole);
    close_part(s);
    sl_free(part);
    sl_free(whole);
    return st;
}

/* ---- what was saved before ----------------------------------------------- */

static simlm_status write_progress(const struct sl_rowstore *s,
                                   simlm_error *err)
{
    struct sl_str text = {0};
    struct sl_json_writer w = {.s = &text};
    char *path = sl_path_join(s->dir, PROGRESS);
    simlm_status st;
    char hex[17];

    sl_json_begin(&w, NULL, '{');
    sl_rowstore_key_text(hex, s->key);
    sl_json_add_text(&w, "key", hex);
    sl_json_begin(&w, "rows", '[');
    for (int64_t i = 0; i < s->n_saved; i++)
        sl_json_add_int(&w, NULL, s->saved[i].rows);
    sl_json_end(&w);
    sl_json_begin(&w, "hashes", '[');
    for (int64_t i = 0; i < s->n_saved; i++) {
        sl_rowstore_key_text(hex, s->saved[i].hash);
        sl_json_add_text(&w, NULL, hex);
    }
    sl_json_end(&w);
    sl_json_end(&w);
    if (path && sl_str_ok(&text))
        st = sl_file_write(path, text.s, text.len, err);
    else
        st = sl_fail_nomem(err, "a saving's record");
    sl_str_free(&text);
    sl_free(path);
    return st;
}

static bool read_hex(uint64_t *out, const char *text)
{
    char *end;

    if (!text || strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16)
        return false;
    *out = strtoull(text, &end, 16);
    return !*end;
}

/* E_FORMAT unless the file is JSON with a key; *key <- it. */
static simlm_status read_key(const struct sl_json_doc *doc, uint64_t *key,
                             simlm_error *err)
{
    const char *text = NULL;

    SL_TRY(sl_json_need_text(sl_json_root(doc), "key", &text, NULL, err));
    if (!read_hex(key, text))
        return sl_json_fail(sl_json_root(doc), "key", "16 hexadecimal digits",
                            err);
    return SIMLM_OK;
}

static simlm_status read_saved(struct sl_rowstore *s,
                               const struct sl_json_doc *doc, simlm_error *err)
{
    struct sl_json root = sl_json_root(doc), rows, hashes;
    int64_t n;

    SL_TRY(sl_json_need(root, "rows", SL_JSON_ARRAY, &rows, err));
    SL_TRY(sl_json_need(root, "hashes", SL_JSON_ARRAY, &hashes, err));
    n = sl_json_count(rows);
    if (n != sl_json_count(hashes))
        return sl_json_fail(root, "hashes", "as many as rows", err);
    if (!sl_grow(&s->saved, &s->saved_cap, n, sizeof *s->saved))
        return sl_fail_nomem(err, "a saving's record");
    for (int64_t i = 0; i < n; i++) {
        struct sl_saved *x = &s->saved[i];

        if (!sl_json_is_int(sl_json_item(rows, i), &x->rows) || x->rows < 1 ||
            x->rows > SL_ROWSTORE_MAX_SAVE ||
            !read_hex(&x->hash, sl_json_is_text(sl_json_item(hashes, i), NULL)))
            return sl_json_fail(root, "rows", "counts and hashes", err);
    }
    s->n_saved = n;
    return SIMLM_OK;
}

/* Rows first .. first + n - 1 of what is on disk; false: they are not all. */
static bool read_rows(const struct sl_rowstore *s, float *out, int64_t first,
                      int64_t n)
{
    bool ok = true;

    while (ok && n > 0) {
        int64_t in_shard, room;
        int64_t k = locate(s, first, &in_shard, &room);
        int64_t m = n < room ? n : room;
        char *part = shard_path(s, k, true), *whole = shard_path(s, k, false);
        int fd = -1;

        if (part && whole) {
            fd = open(part, O_RDONLY | O_CLOEXEC);
            if (fd < 0)
                fd = open(whole, O_RDONLY | O_CLOEXEC);
        }
        ok = fd >= 0 && sl_read_at(fd, out, (size_t)m * row_bytes(s),
                                   place_of(s, in_shard));
        if (fd >= 0)
            close(fd);
        sl_free(part);
        sl_free(whole);
        out += m * s->dim;
        first += m;
        n -= m;
    }
    return ok;
}

/* Keep what is on disk as it was saved, up to the first that is not. */
static void verify(struct sl_rowstore *s)
{
    float *rows = NULL;
    int64_t cap = 0, i;

    for (i = 0; i < s->n_saved; i++) {
        const struct sl_saved *x = &s->saved[i];

        if (!sl_grow(&rows, &cap, x->rows * s->dim, sizeof *rows) ||
            !read_rows(s, rows, s->rows, x->rows) ||
            sl_hash64(rows, (size_t)x->rows * row_bytes(s), 0) != x->hash)
            break;
        s->rows += x->rows;
    }
    s->n_saved = i;
    sl_free(rows);
}

/* ---- opening ------------------------------------------------------------- */

enum { OURS, LEFTOVERS };

/* All of ours; or only what a killed write of a whole file left behind. */
static bool is_ours(const char *name, int which)
{
    static const char *const fixed[] = {PROGRESS, FINISHED, IDS};

    for (size_t i = 0; i < SL_LEN(fixed); i++) {
        size_t n = strlen(fixed[i]);

        if (strncmp(name, fixed[i], n) != 0)
            continue;
        if (!strncmp(name + n, ".tmp.", 5) || (which == OURS && !name[n]))
            return true;
    }
    return which == OURS && !strncmp(name, "embeddings", 10) &&
           strstr(name, ".npy");
}

/* Are there such files?  With `remove_them`, there are none afterwards. */
static simlm_status sweep(const struct sl_rowstore *s, int which,
                          bool remove_them, bool *any, simlm_error *err)
{
    simlm_status st = SIMLM_OK;
    const struct dirent *e;
    DIR *d = opendir(s->dir);

    *any = false;
    if (!d)
        return sl_fail_errno(err, "open", s->dir);
    while (st == SIMLM_OK && (e = readdir(d))) {
        if (!is_ours(e->d_name, which))
            continue;
        *any = true;
        if (remove_them && unlinkat(dirfd(d), e->d_name, 0))
            st = sl_fail_errno(err, "remove", e->d_name);
    }
    closedir(d);
    return st;
}

/* Load <dir>/<name> if it is there (else *doc stays NULL) and read its key. */
static simlm_status load_record(const struct sl_rowstore *s, const char *name,
                                struct sl_json_doc **doc, uint64_t *key,
                                simlm_error *err)
{
    char *path = sl_path_join(s->dir, name);
    simlm_status st = SIMLM_OK;

    if (!path)
        return sl_fail_nomem(err, "a file's name");
    if (sl_file_exists(path)) {
        st = sl_json_load(doc, path, err);
        if (st == SIMLM_OK)
            st = read_key(*doc, key, err);
    }
    sl_free(path);
    return st;
}

static simlm_status find_earlier(struct sl_rowstore *s, simlm_error *err)
{
    struct sl_json_doc *whole = NULL, *part = NULL;
    uint64_t key = s->key;
    bool any = false;
    simlm_status st;

    st = load_record(s, FINISHED, &whole, &key, err);
    if (st == SIMLM_OK && !whole)
        st = load_record(s, PROGRESS, &part, &key, err);
    if (st == SIMLM_OK && !whole && !part)
        st = sweep(s, OURS, false, &any, err);
    if (st == SIMLM_OK && (any || key != s->key))
        st = sl_fail(err, SIMLM_E_ARG,
                     "'%s' holds embeddings of another configuration (model, "
                     "input, side, lengths, shards or processor); remove them "
                     "or ask to overwrite",
                     s->dir);
    s->fresh = st == SIMLM_OK && !whole && !part;
    if (st == SIMLM_OK && whole)
        s->finished = true;
    if (st == SIMLM_OK && part)
        st = read_saved(s, part, err);
    sl_json_free(whole);
    sl_json_free(part);
    return st;
}

static simlm_status take_lock(struct sl_rowstore *s, simlm_error *err)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    simlm_status st = SIMLM_OK;

    s->lock_path = sl_path_join(s->dir, LOCK);
    if (!s->lock_path)
        return sl_fail_nomem(err, "a file's name");
    s->lock_fd = open(s->lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (s->lock_fd < 0) {
        st = sl_fail_errno(err, "write", s->lock_path);
    } else if (fcntl(s->lock_fd, F_SETLK, &whole)) {
        st = errno == EACCES || errno == EAGAIN
                 ? sl_fail(err, SIMLM_E_IO,
                           "'%s': another process is encoding into it", s->dir)
                 : sl_fail_errno(err, "lock", s->lock_path);
        close(s->lock_fd);
        s->lock_fd = -1;
    }
    return st;
}

static void drop_lock(struct sl_rowstore *s)
{
    if (s->lock_fd >= 0) {
        unlink(s->lock_path);
        close(s->lock_fd);
        s->lock_fd = -1;
    }
    sl_free(s->lock_path);
    s->lock_path = NULL;
}

simlm_status sl_rowstore_open(struct sl_rowstore *s, const char *dir,
                              uint64_t key, int64_t dim, int64_t shard_size,
                              bool overwrite, simlm_error *err)
{
    simlm_status st = SIMLM_OK;
    bool any;

    SL_ASSERT(dim >= 1 && shard_size >= 0);
    *s = (struct sl_rowstore){.key = key,
                              .dim = dim,
                              .shard_size = shard_size,
                              .fd = -1,
                              .lock_fd = -1,
                              .open_shard = -1};
    s->dir = sl_strdup(dir);
    if (!s->dir)
        return sl_fail_nomem(err, "a directory's name");
    s->made_dir = !sl_file_exists(dir);
    st = sl_dir_make(dir, err);
    if (st == SIMLM_OK)
        st = take_lock(s, err);
    if (st == SIMLM_OK)
        st = sweep(s, overwrite ? OURS : LEFTOVERS, true, &any, err);
    if (st == SIMLM_OK)
        st = find_earlier(s, err);
    if (st == SIMLM_OK && !s->finished)
        verify(s);
    /* Before any row is there, so that none is ever found without its key. */
    if (st == SIMLM_OK && s->fresh)
        st = write_progress(s, err);
    if (st < 0)
        sl_rowstore_close(s);
    return st;
}

/* ---- growing ------------------------------------------------------------- */

/* Write rows at their places, through as many shards as it takes. */
static simlm_status append(struct sl_rowstore *s, const float *rows, int64_t n,
                           simlm_error *err)
{
    int64_t at = s->rows;

    while (n > 0) {
        int64_t in_shard, room;
        int64_t k = locate(s, at, &in_shard, &room);
        int64_t m = n < room ? n : room;

        if (s->open_shard != k)
            SL_TRY(open_part(s, k, in_shard, err));
        if (!sl_write_at(s->fd, rows, (size_t)m * row_bytes(s),
                         place_of(s, in_shard)) ||
            fsync(s->fd))
            return sl_fail_errno(err, "write embeddings into", s->dir);
        if (m == room)
            SL_TRY(finish_part(s, s->shard_size, err));
        rows += m * s->dim;
        at += m;
        n -= m;
    }
    return SIMLM_OK;
}

simlm_status sl_rowstore_save(struct sl_rowstore *s, const float *rows,
                              int64_t n, simlm_error *err)
{
    if (!n)
        return SIMLM_OK;
    if (!sl_grow(&s->saved, &s->saved_cap, s->n_saved + 1, sizeof *s->saved))
        return sl_fail_nomem(err, "a saving's record");
    SL_TRY(append(s, rows, n, err));
    s->saved[s->n_saved++] =
        (struct sl_saved){n, sl_hash64(rows, (size_t)n * row_bytes(s), 0)};
    s->rows += n;
    return write_progress(s, err);
}

static simlm_status write_named(const struct sl_rowstore *s, const char *name,
                                const struct sl_str *text, simlm_error *err)
{
    char *path = sl_path_join(s->dir, name);
    simlm_status st;

    if (path && sl_str_ok(text))
        st = sl_file_write(path, sl_str_c(text), text->len, err);
    else
        st = sl_fail_nomem(err, name);
    sl_free(path);
    return st;
}

/* The last shard, if it is not whole yet; one of no rows if there are none. */
static simlm_status finish_last(struct sl_rowstore *s, simlm_error *err)
{
    int64_t in_shard, room, k = locate(s, s->rows, &in_shard, &room);

    if (s->rows && !in_shard)
        return SIMLM_OK;
    if (s->open_shard != k)
        SL_TRY(open_part(s, k, in_shard, err));
    return finish_part(s, in_shard, err);
}

simlm_status sl_rowstore_finish(struct sl_rowstore *s, const struct sl_str *ids,
                                const struct sl_str *config, simlm_error *err)
{
    char *progress = sl_path_join(s->dir, PROGRESS);
    simlm_status st = SIMLM_OK;

    if (!progress)
        return sl_fail_nomem(err, "a file's name");
    st = finish_last(s, err);
    if (st == SIMLM_OK)
        st = write_named(s, IDS, ids, err);
    if (st == SIMLM_OK)
        st = sl_dir_sync(s->dir, err);
    if (st == SIMLM_OK)
        st = write_named(s, FINISHED, config, err);
    if (st == SIMLM_OK && unlink(progress) && errno != ENOENT)
        st = sl_fail_errno(err, "remove", progress);
    if (st == SIMLM_OK) {
        s->finished = true;
        st = sl_dir_sync(s->dir, err);
    }
    sl_free(progress);
    return st;
}

void sl_rowstore_close(struct sl_rowstore *s)
{
    bool mine, any;

    if (!s->dir)
        return;
    close_part(s);
    mine = s->lock_fd >= 0;
    if (mine && s->fresh && !s->rows && !s->finished)
        sweep(s, OURS, true, &any, NULL);
    drop_lock(s);
    if (mine && s->made_dir && !s->rows && !s->finished)
        rmdir(s->dir); /* stays if there is anything in it */
    sl_free(s->dir);
    sl_free(s->saved);
    *s = (struct sl_rowstore){.fd = -1, .lock_fd = -1, .open_shard = -1};
}
