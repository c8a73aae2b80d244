#include "format/zip_stream.h"

#include <string.h>
#include <sys/stat.h>

#define ZLIB_CONST /* next_in is const */
#include <zlib.h>

#include "base/alloc.h"
#include "format/zip.h"

enum { STORED = 0, DEFLATED = 8, MOST_AT_ONCE = 1 << 30, PATH_BYTES = 4096 };

struct sl_zip_stream {
    char *path; /* of the entry, for messages */
    char *file; /* the zip file's */
    struct sl_map map;
    struct sl_zip *zip;
    struct sl_zip_entry entry;
    size_t at;    /* bytes of entry.packed that are used */
    uint64_t out; /* bytes given out */
    uint32_t crc; /* of these */
    z_stream z;
    bool inflating, ended;
};

bool sl_zip_path(const char *path, size_t *n)
{
    char copy[PATH_BYTES];
    struct stat info;

    for (const char *at = strchr(path, '/'); at; at = strchr(at + 1, '/')) {
        size_t len = (size_t)(at - path);

        if (!len)
            continue;
        if (len >= sizeof copy)
            return false;
        memcpy(copy, path, len);
        copy[len] = '\0';
        if (!stat(copy, &info) && S_ISREG(info.st_mode)) {
            *n = len;
            return true;
        }
    }
    return false;
}

static simlm_status find_entry(struct sl_zip_stream *s, const char *name,
                               simlm_error *err)
{
    int64_t i;

    if (!sl_zip_is(s->map))
        return sl_fail(err, SIMLM_E_FORMAT,
                       "cannot open '%s': '%s' is neither a directory nor a "
                       "zip file",
                       s->path, s->file);
    SL_TRY(sl_zip_open(&s->zip, s->map, s->file, err));
    i = sl_zip_find(s->zip, name);
    if (i < 0)
        return sl_fail(err, SIMLM_E_FORMAT, "%s: no entry '%.100s'", s->file,
                       name);
    return sl_zip_entry(s->zip, &s->entry, i, err);
}

static simlm_status start(struct sl_zip_stream *s, simlm_error *err)
{
    if (s->entry.method != STORED && s->entry.method != DEFLATED)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "%s: expected an entry stored or deflated, not method "
                       "%u",
                       s->path, s->entry.method);
    if (s->entry.method == DEFLATED) {
        if (inflateInit2(&s->z, -15) != Z_OK)
            return sl_fail_nomem(err, s->path);
        s->inflating = true;
    }
    return SIMLM_OK;
}

simlm_status sl_zip_stream_open(struct sl_zip_stream **out, const char *path,
                                simlm_error *err)
{
    struct sl_zip_stream *s = SL_NEW(struct sl_zip_stream);
    simlm_status st = SIMLM_OK;
    size_t n = 0;

    if (s && sl_zip_path(path, &n)) {
        s->path = sl_strdup(path);
        s->file = sl_strndup(path, n);
    }
    if (!s || !s->path || !s->file)
        st = sl_fail_nomem(err, path);
    if (st == SIMLM_OK)
        st = sl_map_open(&s->map, s->file, err);
    if (st == SIMLM_OK)
        st = find_entry(s, path + n + 1, err);
    if (st == SIMLM_OK)
        st = start(s, err);
    if (st == SIMLM_OK)
        *out = s;
    else
        sl_zip_stream_close(s);
    return st;
}

void sl_zip_stream_close(struct sl_zip_stream *s)
{
    if (!s)
        return;
    if (s->inflating)
        inflateEnd(&s->z);
    sl_zip_close(s->zip);
    sl_map_close(&s->map);
    sl_free(s->file);
    sl_free(s->path);
    sl_free(s);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static simlm_status damaged(const struct sl_zip_stream *s, const char *why,
                            simlm_error *err)
{
    return sl_fail(err, SIMLM_E_FORMAT, "%s: damaged zip entry: %s", s->path,
                   why);
}

static void copy_stored(struct sl_zip_stream *s, char *buf, size_t cap,
                        size_t *n)
{
    *n = least(cap, s->entry.packed.n - s->at);
    if (*n)
        memcpy(buf, s->entry.packed.p + s->at, *n);
    s->at += *n;
    s->ended = s->at == s->entry.packed.n;
}

/* All input is at hand: no output means that it is cut off. */
static simlm_status inflate_some(struct sl_zip_stream *s, char *buf, size_t cap,
                                 size_t *n, simlm_error *err)
{
    size_t room = least(cap, MOST_AT_ONCE);
    size_t have = least(s->entry.packed.n - s->at, MOST_AT_ONCE);
    int code;

    s->z.next_in = s->entry.packed.p + s->at;
    s->z.avail_in = (uInt)have;
    s->z.next_out = (Bytef *)buf;
    s->z.avail_out = (uInt)room;
    code = inflate(&s->z, Z_NO_FLUSH);
    s->at += have - s->z.avail_in;
    *n = room - s->z.avail_out;
    s->ended = code == Z_STREAM_END;
    if (code == Z_MEM_ERROR)
        return sl_fail_nomem(err, s->path);
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
        return damaged(s, s->z.msg ? s->z.msg : "not a deflated one", err);
    return *n || s->ended ? SIMLM_OK : damaged(s, "it ends too early", err);
}

simlm_status sl_zip_stream_read(struct sl_zip_stream *s, char *buf, size_t cap,
                                size_t *n, simlm_error *err)
{
    *n = 0;
    if (s->ended)
        return SIMLM_OK;
    if (s->inflating)
        SL_TRY(inflate_some(s, buf, cap, n, err));
    else
        copy_stored(s, buf, cap, n);
    s->out += *n;
    s->crc = (uint32_t)crc32_z(s->crc, (const Bytef *)buf, *n);
    if (s->ended && s->out != s->entry.size)
        return damaged(s, "other in length than the directory says", err);
    if (s->ended && s->crc != s->entry.crc)
        return damaged(s, "its checksum is wrong", err);
    return SIMLM_OK;
}
