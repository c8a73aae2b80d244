#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"

static bool is_special(const char *path)
{
    struct stat info;

    return !stat(path, &info) && !S_ISREG(info.st_mode);
}

/* Is it dead, but its parent has not asked yet?  Where there is no /proc nobody
 * is. */
static bool is_zombie(pid_t pid)
{
    char path[48], text[512];
    const char *state;
    size_t n;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    f = fopen(path, "r");
    if (!f)
        return false;
    n = fread(text, 1, sizeof text - 1, f); /* "pid (name) Z ..." */
    fclose(f);
    text[n] = '\0';
    state = strrchr(text, ')');
    return state && !strncmp(state, ") Z", 3);
}

static bool is_gone(pid_t pid)
{
    return kill(pid, 0) ? errno == ESRCH : is_zombie(pid);
}

/* Is it "<prefix><pid>", of a process that is no more? */
static bool is_stale(const char *name, const char *prefix, size_t n)
{
    const char *digits = name + n;
    long pid;

    if (strncmp(name, prefix, n) != 0 || !*digits ||
        digits[strspn(digits, "0123456789")])
        return false;
    errno = 0;
    pid = strtol(digits, NULL, 10);
    return !errno && pid > 0 && pid == (long)(pid_t)pid && is_gone((pid_t)pid);
}

void sl_tmp_sweep(const char *tmp)
{
    const char *slash = strrchr(tmp, '/'), *name = slash ? slash + 1 : tmp;
    size_t n = (size_t)(strrchr(name, '.') + 1 - name);
    struct sl_str dir = {0};
    const struct dirent *e;
    DIR *d;

    sl_str_add(&dir, slash ? tmp : "./", slash ? (size_t)(name - tmp) : 2);
    d = sl_str_ok(&dir) ? opendir(dir.s) : NULL;
    while (d && (e = readdir(d)))
        if (is_stale(e->d_name, name, n)) {
            char *path = sl_path_join(dir.s, e->d_name);

            if (path && unlink(path))
                sl_dir_remove(path, NULL);
            sl_free(path);
        }
    if (d)
        closedir(d);
    sl_str_free(&dir);
}

simlm_status sl_out_open(struct sl_out *o, const char *path, simlm_error *err)
{
    struct sl_str tmp = {0};
    simlm_status st;

    *o = (struct sl_out){0};
    if (!strcmp(path, "-")) {
        o->f = stdout;
        return SIMLM_OK;
    }
    if (sl_dir_exists(path))
        return sl_fail(err, SIMLM_E_IO, "cannot write '%s': is a directory",
                       path);
    o->path = sl_strdup(path);
    /* A device or a pipe is written as it comes: renaming would replace it. */
    if (!is_special(path))
        sl_str_printf(&tmp, "%s.tmp.%ld", path, (long)getpid());
    if (!sl_str_ok(&tmp) || !o->path) {
        sl_str_free(&tmp);
        sl_out_abort(o);
        return sl_fail_nomem(err, "an output's name");
    }
    o->tmp = tmp.s;
    if (o->tmp)
        sl_tmp_sweep(o->tmp);
    o->f = fopen(o->tmp ? o->tmp : path, "wb");
    if (o->f)
        return SIMLM_OK;
    st = sl_fail_errno(err, "write", path);
    sl_free(o->tmp);
    o->tmp = NULL;
    sl_out_abort(o);
    return st;
}

void sl_out_abort(struct sl_out *o)
{
    if (o->f && o->f != stdout)
        fclose(o->f);
    if (o->tmp)
        unlink(o->tmp);
    sl_free(o->tmp);
    sl_free(o->path);
    *o = (struct sl_out){0};
}

/* Everything that can still go wrong with bytes already given to stdio. */
static bool flush_to_disk(FILE *f, bool regular)
{
    if (ferror(f)) {
        if (!errno)
            errno = EIO;
        return false;
    }
    return !fflush(f) && (!regular || !fsync(fileno(f)));
}

simlm_status sl_out_commit(struct sl_out *o, simlm_error *err)
{
    simlm_status st = SIMLM_OK;
    const char *name = o->path ? o->path : "standard output";

    SL_ASSERT(o->f);
    if (!flush_to_disk(o->f, o->tmp != NULL)) {
        st = sl_fail_errno(err, "write", name);
    } else if (o->tmp) {
        int failed = fclose(o->f);

        o->f = NULL;
        if (failed || rename(o->tmp, o->path))
            st = sl_fail_errno(err, "write", name);
        else {
            sl_free(o->tmp);
            o->tmp = NULL;
        }
    }
    sl_out_abort(o);
    return st;
}

simlm_status sl_file_write(const char *path, const void *bytes, size_t n,
                           simlm_error *err)
{
    struct sl_out o;

    SL_TRY(sl_out_open(&o, path, err));
    if (n)
        fwrite(bytes, 1, n, o.f);
    return sl_out_commit(&o, err);
}

simlm_status sl_file_read(char **out, size_t *n, const char *path, size_t max,
                          simlm_error *err)
{
    struct sl_str s = {0};
    simlm_status st = SIMLM_OK;
    char piece[1 << 14];
    size_t got;
    FILE *f = fopen(path, "rb");

    if (!f)
        return sl_fail_errno(err, "open", path);
    while ((got = fread(piece, 1, sizeof piece, f)) > 0 && s.len <= max)
        sl_str_add(&s, piece, got);
    if (ferror(f))
        st = sl_fail_errno(err, "read", path);
    else if (s.len > max)
        st = sl_fail(err, SIMLM_E_RANGE, "'%s': larger than %zu bytes", path,
                     max);
    sl_str_add(&s, "", 0);
    if (st == SIMLM_OK && !sl_str_ok(&s))
        st = sl_fail_nomem(err, path);
    fclose(f);
    if (st < 0) {
        sl_str_free(&s);
        return st;
    }
    *out = s.s;
    if (n)
        *n = s.len;
    return SIMLM_OK;
}

simlm_status sl_map_open(struct sl_map *m, const char *path, simlm_error *err)
{
    simlm_status st = SIMLM_OK;
    struct stat info;
    void *p = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return sl_fail_errno(err, "open", path);
    if (fstat(fd, &info)) {
        st = sl_fail_errno(err, "open", path);
    } else if (!S_ISREG(info.st_mode)) {
        st = sl_fail(err, SIMLM_E_IO, "cannot open '%s': not a regular file",
                     path);
    } else if (info.st_size > 0) {
        p = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_SHARED, fd, 0);
        if (p == MAP_FAILED)
            st = sl_fail_errno(err, "map", path);
    }
    close(fd);
    if (st == SIMLM_OK)
        *m = (struct sl_map){p, (size_t)info.st_size};
    return st;
}

void sl_map_close(struct sl_map *m)
{
    if (m->p)
        munmap((void *)(uintptr_t)m->p, m->n);
    *m = (struct sl_map){0};
}

bool sl_file_exists(const char *path)
{
    struct stat info;

    return !stat(path, &info);
}

bool sl_dir_exists(const char *path)
{
    struct stat info;

    return !stat(path, &info) && S_ISDIR(info.st_mode);
}

simlm_status sl_dir_make(const char *path, simlm_error *err)
{
    simlm_status st = SIMLM_OK;
    char *p = sl_strdup(path);

    if (!p)
        return sl_fail_nomem(err, "a directory's name");
    for (char *at = p + 1; st == SIMLM_OK && *p; at++) {
        char keep = *at;

        if (keep && keep != '/')
            continue;
        *at = '\0';
        if (mkdir(p, 0777) && !(errno == EEXIST && sl_dir_exists(p)))
            st = errno == EEXIST
                     ? sl_fail(err, SIMLM_E_IO,
                               "cannot create directory '%s': '%s' is a file",
                               path, p)
                     : sl_fail_errno(err, "create directory", path);
        *at = keep;
        if (!keep)
            break;
    }
    sl_free(p);
    return st;
}

simlm_status sl_dir_sync(const char *path, simlm_error *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failed;

    if (fd < 0)
        return sl_fail_errno(err, "open", path);
    failed = fsync(fd);
    close(fd);
    return failed ? sl_fail_errno(err, "sync", path) : SIMLM_OK;
}

char *sl_path_join(const char *dir, const char *name)
{
    struct sl_str s = {0};

    sl_str_printf(&s, "%s/%s", dir, name);
    return s.s; /* NULL if that failed */
}

char *sl_path_dir(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return sl_strdup(".");
    return sl_strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

/* Remove what is in the directory; false with errno.  No memory of ours is
 * needed: cleaning up must not fail for the want of it. */
static bool empty_dir(int at, const char *name)
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *e;
    bool ok = true;

    if (!d) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    while (ok && (e = readdir(d))) {
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
            continue;
        ok = !unlinkat(fd, e->d_name, 0);
        if (!ok && (errno == EISDIR || errno == EPERM))
            ok = empty_dir(fd, e->d_name) &&
                 !unlinkat(fd, e->d_name, AT_REMOVEDIR);
    }
    closedir(d);
    return ok;
}

simlm_status sl_dir_remove(const char *path, simlm_error *err)
{
    if (!sl_file_exists(path))
        return SIMLM_OK;
    if (!empty_dir(AT_FDCWD, path) || rmdir(path))
        return sl_fail_errno(err, "remove", path);
    return SIMLM_OK;
}

/* ---- bytes at their place ------------------------------------------------ */

bool sl_read_at(int fd, void *bytes, size_t n, int64_t at)
{
    char *p = bytes;

    while (n) {
        ssize_t m = pread(fd, p, n, (off_t)at);

        if (m < 0 && errno == EINTR)
            continue;
        if (m <= 0)
            return false;
        p += m;
        n -= (size_t)m;
        at += m;
    }
    return true;
}

bool sl_write_at(int fd, const void *bytes, size_t n, int64_t at)
{
    const char *p = bytes;

    while (n) {
        ssize_t m = pwrite(fd, p, n, (off_t)at);

        if (m < 0 && errno == EINTR)
            continue;
        if (m <= 0)
            return false;
        p += m;
        n -= (size_t)m;
        at += m;
    }
    return true;
}
