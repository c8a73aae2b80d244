#define _GNU_SOURCE /* fopencookie */
#include "faults.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Declare the function that callers reach instead of `name`, and the real one.
 */
#define WRAPS(type, name, ...)                                                 \
    type __wrap_##name(__VA_ARGS__);                                           \
    type __real_##name(__VA_ARGS__);                                           \
    type __wrap_##name(__VA_ARGS__)

static const struct {
    const char *name;
    int error;
} faults[N_FAULTS] = {
    [FAULT_MEMORY] = {"memory", ENOMEM}, [FAULT_OPEN] = {"open", EMFILE},
    [FAULT_READ] = {"read", EIO},        [FAULT_WRITE] = {"write", ENOSPC},
    [FAULT_SYNC] = {"sync", EIO},        [FAULT_RENAME] = {"rename", ENOSPC},
};

static struct {
    bool on, lasting;
    enum fault kind;
    int64_t n, seen;
    struct held held;
} now;

const char *fault_name(enum fault kind)
{
    return faults[kind].name;
}

void faults_begin(enum fault kind, int64_t n, bool lasting)
{
    now.kind = kind;
    now.n = n;
    now.lasting = lasting;
    now.seen = 0;
    now.on = true;
}

int64_t faults_end(void)
{
    now.on = false;
    return now.seen;
}

struct held faults_held(void)
{
    return now.held;
}

/* An operation begins; true, with errno, if it is to fail. */
static bool fails(enum fault kind)
{
    if (!now.on || kind != now.kind)
        return false;
    now.seen++;
    if (!now.n || now.seen < now.n || (now.seen > now.n && !now.lasting))
        return false;
    errno = faults[kind].error;
    return true;
}

/* ---- memory -------------------------------------------------------------- */

static void *taken(void *p)
{
    now.held.blocks += p != NULL;
    return p;
}

WRAPS(void *, malloc, size_t n)
{
    return fails(FAULT_MEMORY) ? NULL : taken(__real_malloc(n));
}

WRAPS(void *, calloc, size_t n, size_t size)
{
    return fails(FAULT_MEMORY) ? NULL : taken(__real_calloc(n, size));
}

WRAPS(void *, realloc, void *p, size_t n)
{
    void *q = fails(FAULT_MEMORY) ? NULL : __real_realloc(p, n);

    now.held.blocks += q && !p;
    return q;
}

WRAPS(void *, aligned_alloc, size_t align, size_t n)
{
    return fails(FAULT_MEMORY) ? NULL : taken(__real_aligned_alloc(align, n));
}

WRAPS(void, free, void *p)
{
    now.held.blocks -= p != NULL;
    __real_free(p);
}

/* ---- descriptors --------------------------------------------------------- */

static int opened(int fd)
{
    now.held.files += fd >= 0;
    return fd;
}

int __wrap_openat(int at, const char *path, int flags, ...);
int __real_openat(int at, const char *path, int flags, ...);
int __wrap_openat(int at, const char *path, int flags, ...)
{
    /* The library makes no file by it. */
    return opened(fails(FAULT_OPEN) ? -1 : __real_openat(at, path, flags));
}

int __wrap_open(const char *path, int flags, ...);
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    mode_t mode = 0;
    va_list more;

    va_start(more, flags);
    if (flags & O_CREAT)
        mode = va_arg(more, mode_t);
    va_end(more);
    return opened(fails(FAULT_OPEN) ? -1 : __real_open(path, flags, mode));
}

WRAPS(int, close, int fd)
{
    now.held.files--;
    return __real_close(fd);
}

WRAPS(ssize_t, read, int fd, void *to, size_t n)
{
    return fails(FAULT_READ) ? -1 : __real_read(fd, to, n);
}

WRAPS(ssize_t, pread, int fd, void *to, size_t n, off_t at)
{
    return fails(FAULT_READ) ? -1 : __real_pread(fd, to, n, at);
}

WRAPS(ssize_t, pwrite, int fd, const void *from, size_t n, off_t at)
{
    return fails(FAULT_WRITE) ? -1 : __real_pwrite(fd, from, n, at);
}

WRAPS(int, ftruncate, int fd, off_t n)
{
    return fails(FAULT_WRITE) ? -1 : __real_ftruncate(fd, n);
}

/* Not synced in truth: thousands of runs would wait for the disk. */
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    (void)fd;
    return fails(FAULT_SYNC) ? -1 : 0;
}

WRAPS(void *, mmap, void *at, size_t n, int prot, int flags, int fd, off_t from)
{
    void *p = fails(FAULT_OPEN) ? MAP_FAILED
                                : __real_mmap(at, n, prot, flags, fd, from);

    now.held.maps += p != MAP_FAILED;
    return p;
}

WRAPS(int, munmap, void *p, size_t n)
{
    now.held.maps--;
    return __real_munmap(p, n);
}

/* ---- directories --------------------------------------------------------- */

WRAPS(int, rename, const char *from, const char *to)
{
    return fails(FAULT_RENAME) ? -1 : __real_rename(from, to);
}

WRAPS(int, mkdir, const char *path, mode_t mode)
{
    return fails(FAULT_WRITE) ? -1 : __real_mkdir(path, mode);
}

WRAPS(DIR *, opendir, const char *path)
{
    DIR *d = fails(FAULT_OPEN) ? NULL : __real_opendir(path);

    now.held.files += d != NULL;
    return d;
}

/* The descriptor, which is counted already, becomes the directory's. */
WRAPS(DIR *, fdopendir, int fd)
{
    return fails(FAULT_OPEN) ? NULL : __real_fdopendir(fd);
}

WRAPS(int, closedir, DIR *d)
{
    now.held.files--;
    return __real_closedir(d);
}

/* ---- streams ------------------------------------------------------------- */

static struct stream {
    FILE *f; /* NULL: free */
    int fd;
} streams[64];

static ssize_t stream_read(void *cookie, char *to, size_t n)
{
    return __wrap_read(((struct stream *)cookie)->fd, to, n);
}

/* Here stdio wants 0, not -1, for an error. */
static ssize_t stream_write(void *cookie, const char *from, size_t n)
{
    ssize_t m =
        fails(FAULT_WRITE) ? -1 : write(((struct stream *)cookie)->fd, from, n);

    return m < 0 ? 0 : m;
}

static int stream_seek(void *cookie, off64_t *at, int whence)
{
    off_t to = lseek(((struct stream *)cookie)->fd, (off_t)*at, whence);

    *at = to;
    return to < 0 ? -1 : 0;
}

static int stream_close(void *cookie)
{
    struct stream *s = cookie;

    s->f = NULL;
    return __wrap_close(s->fd);
}

static int flags_of(const char *mode)
{
    bool both = strchr(mode, '+') != NULL;

    if (*mode == 'r')
        return both ? O_RDWR : O_RDONLY;
    return (both ? O_RDWR : O_WRONLY) | O_CREAT |
           (*mode == 'a' ? O_APPEND : O_TRUNC);
}

FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode)
{
    static const cookie_io_functions_t io = {stream_read, stream_write,
                                             stream_seek, stream_close};
    struct stream *s = streams;

    while (s->f)
        if (++s == streams + sizeof streams / sizeof *streams)
            abort();
    s->fd = __wrap_open(path, flags_of(mode), (mode_t)0666);
    if (s->fd < 0)
        return NULL;
    s->f = fopencookie(s, mode, io);
    if (!s->f)
        abort();
    return s->f;
}

WRAPS(int, fileno, FILE *f)
{
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++)
        if (streams[i].f == f)
            return streams[i].fd;
    return __real_fileno(f);
}
