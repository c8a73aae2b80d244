/*
 * Plain, gzip and zstd behind one read call.
 *
 * The kind is told by the first bytes.  The decoders are asked, when the file
 * ends, whether they had finished: zlib and zstd alike give what a cut-off file
 * still holds without complaint, and a corpus must not lose its tail silently.
 */
#include "format/lines_source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>
#include <zstd.h>

#include "base/alloc.h"
#include "format/zip_stream.h"

enum { INPUT_BYTES = 1 << 16 };

enum kind { PLAIN, GZIP, ZSTD };

struct sl_source {
    char *path; /* for messages */
    int fd;     /* -1 if it is an entry of a zip file */
    struct sl_zip_stream *zip;
    enum kind kind;
    bool file_ended;
    bool in_frame; /* a gzip member or zstd frame is not finished */
    int64_t consumed;
    unsigned char *in; /* in[at .. n] are read and not used */
    size_t at, n;
    z_stream z;
    ZSTD_DStream *zstd;
};

static simlm_status read_some(struct sl_source *s, size_t *got,
                              simlm_error *err)
{
    unsigned char *to = s->in + s->n;
    size_t room = INPUT_BYTES - s->n;
    ssize_t n;

    if (s->zip)
        return sl_zip_stream_read(s->zip, (char *)to, room, got, err);
    do
        n = read(s->fd, to, room);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return sl_fail_errno(err, "read", s->path);
    *got = (size_t)n;
    return SIMLM_OK;
}

static simlm_status fill(struct sl_source *s, simlm_error *err)
{
    size_t got = 0;

    memmove(s->in, s->in + s->at, s->n - s->at);
    s->n -= s->at;
    s->at = 0;
    SL_TRY(read_some(s, &got, err));
    s->file_ended = got == 0;
    s->n += got;
    s->consumed += (int64_t)got;
    return SIMLM_OK;
}

static bool starts_with(const struct sl_source *s, const char *magic, size_t n)
{
    return s->n >= n && !memcmp(s->in, magic, n);
}

/* Look at the first bytes; those that no decoder here reads are refused. */
static simlm_status recognise(struct sl_source *s, simlm_error *err)
{
    const char *other = NULL;

    while (!s->file_ended && s->n < 16)
        SL_TRY(fill(s, err));
    if (starts_with(s, "\x1f\x8b", 2))
        s->kind = GZIP;
    else if (starts_with(s, "\x28\xb5\x2f\xfd", 4) ||
             (s->n >= 4 && (s->in[0] & 0xf0) == 0x50 &&
              !memcmp(s->in + 1, "\x2a\x4d\x18", 3))) /* a skippable frame */
        s->kind = ZSTD;
    else if (starts_with(s,
                         "\xfd"
                         "7zXZ",
                         6))
        other = "xz";
    else if (starts_with(s, "BZh", 3) && s->n >= 10 &&
             !memcmp(s->in + 4, "1AY&SY", 6))
        other = "bzip2";
    else if (starts_with(s, "PK\x03\x04", 4))
        other = "zip";
    else if (starts_with(s, "\xff\xfe", 2) || starts_with(s, "\xfe\xff", 2))
        other = "UTF-16";
    if (other)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "%s: expected plain text, gzip or zstd, not %s", s->path,
                       other);
    return SIMLM_OK;
}

static simlm_status start_decoder(struct sl_source *s, simlm_error *err)
{
    if (s->kind == GZIP) {
        if (inflateInit2(&s->z, 15 + 16) != Z_OK) {
            s->kind = PLAIN; /* nothing to end */
            return sl_fail_nomem(err, s->path);
        }
    } else if (s->kind == ZSTD) {
        s->zstd = ZSTD_createDStream();
        if (!s->zstd)
            return sl_fail_nomem(err, s->path);
    }
    return SIMLM_OK;
}

/* A path through a file is one into a zip file. */
static simlm_status open_path(struct sl_source *s, const char *path,
                              simlm_error *err)
{
    int why;
    size_t n;

    s->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (s->fd >= 0)
        return SIMLM_OK;
    why = errno;
    if (why == ENOTDIR && sl_zip_path(path, &n))
        return sl_zip_stream_open(&s->zip, path, err);
    errno = why;
    return sl_fail_errno(err, "open", path);
}

simlm_status sl_source_open(struct sl_source **out, const char *path,
                            simlm_error *err)
{
    simlm_status st = SIMLM_OK;
    bool standard = !strcmp(path, "-");
    struct sl_source *s = SL_NEW(struct sl_source);

    if (!s)
        return sl_fail_nomem(err, path);
    s->fd = -1;
    s->in = sl_alloc(INPUT_BYTES, 1);
    s->path = sl_strdup(standard ? "standard input" : path);
    if (!s->in || !s->path) {
        st = sl_fail_nomem(err, path);
        goto out;
    }
    if (standard)
        s->fd = STDIN_FILENO;
    else
        st = open_path(s, path, err);
    if (st == SIMLM_OK)
        st = recognise(s, err);
    if (st == SIMLM_OK)
        st = start_decoder(s, err);
out:
    if (st < 0)
        sl_source_close(s);
    else
        *out = s;
    return st;
}

void sl_source_close(struct sl_source *s)
{
    if (!s)
        return;
    if (s->kind == GZIP)
        inflateEnd(&s->z);
    ZSTD_freeDStream(s->zstd);
    if (s->fd > STDIN_FILENO)
        close(s->fd);
    sl_zip_stream_close(s->zip);
    sl_free(s->in);
    sl_free(s->path);
    sl_free(s);
}

const char *sl_source_path(const struct sl_source *s)
{
    return s->path;
}

int64_t sl_source_consumed(const struct sl_source *s)
{
    return s->consumed - (int64_t)(s->n - s->at);
}

static simlm_status damaged(const struct sl_source *s, const char *why,
                            simlm_error *err)
{
    return sl_fail(err, SIMLM_E_FORMAT, "%s: damaged %s data: %s", s->path,
                   s->kind == GZIP ? "gzip" : "zstd", why);
}

static simlm_status read_plain(struct sl_source *s, char *buf, size_t cap,
                               size_t *n)
{
    *n = s->n - s->at < cap ? s->n - s->at : cap;
    memcpy(buf, s->in + s->at, *n);
    s->at += *n;
    return SIMLM_OK;
}

static simlm_status read_gzip(struct sl_source *s, char *buf, size_t cap,
                              size_t *n, simlm_error *err)
{
    size_t room = cap < ((size_t)1 << 30) ? cap : (size_t)1 << 30;
    int code;

    if (!s->in_frame) {
        /* Between members: another one, or the zeros some tools pad with. */
        if (!s->in[s->at]) {
            s->at++;
            return SIMLM_OK;
        }
        inflateReset(&s->z);
        s->in_frame = true;
    }
    s->z.next_in = s->in + s->at;
    s->z.avail_in = (uInt)(s->n - s->at);
    s->z.next_out = (Bytef *)buf;
    s->z.avail_out = (uInt)room;
    code = inflate(&s->z, Z_NO_FLUSH);
    s->at = s->n - s->z.avail_in;
    *n = room - s->z.avail_out;
    if (code == Z_STREAM_END)
        s->in_frame = false;
    else if (code == Z_MEM_ERROR)
        return sl_fail_nomem(err, s->path);
    else if (code != Z_OK && code != Z_BUF_ERROR)
        return damaged(s, s->z.msg ? s->z.msg : "not a gzip stream", err);
    return SIMLM_OK;
}

static simlm_status read_zstd(struct sl_source *s, char *buf, size_t cap,
                              size_t *n, simlm_error *err)
{
    ZSTD_inBuffer in = {s->in + s->at, s->n - s->at, 0};
    ZSTD_outBuffer out = {buf, cap, 0};
    size_t left = ZSTD_decompressStream(s->zstd, &out, &in);

    if (ZSTD_isError(left))
        return damaged(s, ZSTD_getErrorName(left), err);
    s->at += in.pos;
    *n = out.pos;
    s->in_frame = left != 0;
    return SIMLM_OK;
}

simlm_status sl_source_read(struct sl_source *s, char *buf, size_t cap,
                            size_t *n, simlm_error *err)
{
    *n = 0;
    while (!*n) {
        if (s->at == s->n && !s->file_ended)
            SL_TRY(fill(s, err));
        if (s->at == s->n && !s->in_frame)
            return SIMLM_OK;
        if (s->kind == PLAIN) {
            read_plain(s, buf, cap, n);
            continue;
        }
        /* At the file's end a decoder may still hold finished output. */
        if (s->kind == GZIP)
            SL_TRY(read_gzip(s, buf, cap, n, err));
        else
            SL_TRY(read_zstd(s, buf, cap, n, err));
        if (!*n && s->in_frame && s->file_ended && s->at == s->n)
            return damaged(s, "the file ends too early", err);
    }
    return SIMLM_OK;
}
