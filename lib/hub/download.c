#include "hub/download.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/observe.h"
#include "base/str.h"
#include "hub/http.h"

enum { TRIES = 4 };

struct download {
    const struct sl_hub_file *file;
    const char *url, *token;
    const simlm_observer *obs;
    char *part; /* "<folder>/blobs/<hash>.incomplete" */
    int fd;
    int64_t done;
    bool too_long;
    int write_error; /* errno, or 0 */
};

/* ---- receiving ----------------------------------------------------------- */

static void report(const struct download *d)
{
    sl_observe_progress(d->obs, d->file->name, d->done, d->file->size, "bytes");
}

static bool on_bytes(void *ctx, const void *bytes, size_t n)
{
    struct download *d = ctx;
    const char *p = bytes;

    d->too_long = (uint64_t)(d->file->size - d->done) < n;
    while (n && !d->too_long && !d->write_error) {
        ssize_t wrote = write(d->fd, p, n);

        if (wrote < 0 && errno != EINTR)
            d->write_error = errno;
        if (wrote > 0) {
            p += wrote;
            n -= (size_t)wrote;
            d->done += wrote;
        }
    }
    report(d);
    return !n;
}

static bool on_cancelled(void *ctx)
{
    const struct download *d = ctx;

    return sl_observe_cancelled(d->obs);
}

static simlm_status start_over(struct download *d, simlm_error *err)
{
    d->done = 0;
    return ftruncate(d->fd, 0) || lseek(d->fd, 0, SEEK_SET) < 0
               ? sl_fail_errno(err, "write", d->part)
               : SIMLM_OK;
}

static simlm_status why_stopped(const struct download *d, simlm_error *err)
{
    if (d->write_error) {
        errno = d->write_error;
        return sl_fail_errno(err, "write", d->part);
    }
    if (d->too_long)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "'%s': longer than the %lld bytes that the hub says",
                       d->url, (long long)d->file->size);
    return sl_fail(err, SIMLM_E_CANCELLED, "stopped while getting '%s'",
                   d->file->name);
}

/* Until all is there, or TRIES transfers have not brought it. */
static simlm_status receive(struct download *d, simlm_error *err)
{
    simlm_status st = SIMLM_OK;

    for (int tries = 0; d->done < d->file->size && tries < TRIES; tries++) {
        struct sl_http_get get = {.url = d->url,
                                  .token = d->token,
                                  .from = d->done,
                                  .sink = on_bytes,
                                  .cancelled = on_cancelled,
                                  .ctx = d};
        enum sl_http_end end;

        report(d);
        st = sl_http_get(&get, &end, err);
        if (end == SL_HTTP_STOPPED)
            return why_stopped(d, err);
        if (end == SL_HTTP_REFUSED)
            return st;
        if (end == SL_HTTP_NO_RANGE)
            SL_TRY(start_over(d, err));
    }
    if (st == SIMLM_OK && d->done < d->file->size)
        st = sl_fail(err, SIMLM_E_IO, "'%s': ends after %lld of %lld bytes",
                     d->url, (long long)d->done, (long long)d->file->size);
    return d->done < d->file->size ? st : SIMLM_OK;
}

/* ---- the part that is there ---------------------------------------------- */

/* False if another process has it; a file system without locks does without. */
static bool lock(const struct download *d)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    return !fcntl(d->fd, F_SETLK, &whole) ||
           (errno != EACCES && errno != EAGAIN);
}

static bool is_named(const struct stat *file, const char *path)
{
    struct stat now;

    return !stat(path, &now) && now.st_dev == file->st_dev &&
           now.st_ino == file->st_ino;
}

/* The file is looked at once it is ours: between opening and locking, who had
 * it may have written to it, or finished it, and then it is the blob by now. */
static simlm_status open_part(struct download *d, simlm_error *err)
{
    struct stat info;

    d->fd = open(d->part, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (d->fd < 0)
        return sl_fail_errno(err, "write", d->part);
    if (!lock(d))
        return sl_fail(err, SIMLM_E_IO, "'%s': another process is getting it",
                       d->part);
    if (fstat(d->fd, &info))
        return sl_fail_errno(err, "write", d->part);
    if (!is_named(&info, d->part))
        return sl_fail(err, SIMLM_E_IO, "'%s': another process has got it",
                       d->part);
    d->done = (int64_t)info.st_size;
    return d->done > d->file->size ? start_over(d, err) : SIMLM_OK;
}

/* It is what the hub says, or it is not kept. */
static simlm_status check(const struct download *d, simlm_error *err)
{
    char hex[SL_DIGEST_HEX];

    SL_TRY(sl_digest_fd(hex, d->file->kind, d->fd, d->part, err));
    if (!strcmp(hex, d->file->hash))
        return SIMLM_OK;
    unlink(d->part);
    return sl_fail(err, SIMLM_E_FORMAT,
                   "'%s': what came is not what the hub says: its hash is %s",
                   d->url, hex);
}

static simlm_status fetch(struct download *d, const char *blob,
                          simlm_error *err)
{
    simlm_status st;

    d->fd = -1;
    st = open_part(d, err);
    if (st == SIMLM_OK)
        st = receive(d, err);
    if (st == SIMLM_OK && fsync(d->fd))
        st = sl_fail_errno(err, "write", d->part);
    if (st == SIMLM_OK)
        st = check(d, err);
    if (st == SIMLM_OK && rename(d->part, blob))
        st = sl_fail_errno(err, "write", blob);
    if (d->fd >= 0)
        close(d->fd);
    return st;
}

static char *blob_path(const char *folder, const char *hash, const char *tail)
{
    struct sl_str s = {0};

    sl_str_printf(&s, "%s/blobs/%s%s", folder, hash, tail);
    return s.s;
}

simlm_status sl_hub_download(const char *folder, const struct sl_hub_file *f,
                             const char *url, const char *token,
                             const simlm_observer *observer, simlm_error *err)
{
    struct download d = {
        .file = f, .url = url, .token = token, .obs = observer};
    char *blob = blob_path(folder, f->hash, ""), *dir;
    simlm_status st = SIMLM_OK;

    d.part = blob_path(folder, f->hash, ".incomplete");
    dir = sl_path_join(folder, "blobs");
    if (!blob || !d.part || !dir)
        st = sl_fail_nomem(err, f->name);
    else if (!sl_file_exists(blob)) {
        st = sl_dir_make(dir, err);
        if (st == SIMLM_OK)
            st = fetch(&d, blob, err);
    }
    sl_free(dir);
    sl_free(blob);
    sl_free(d.part);
    return st;
}
