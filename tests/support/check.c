#include "check.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"

static char dir[64];

const char *test_tmpdir(void)
{
    const char *base = getenv("TMPDIR");

    if (!*dir) {
        snprintf(dir, sizeof dir, "%s/simlm-test-XXXXXX", base ? base : "/tmp");
        check_msg(mkdtemp(dir) != NULL, "cannot make %s", dir);
    }
    return dir;
}

void test_tmpdir_remove(void)
{
    if (*dir)
        check_ok(sl_dir_remove(dir, &err));
    *dir = '\0';
}

const char *test_path(const char *name)
{
    static char ring[16][256];
    static int at;
    char *p = ring[at++ % 16];

    snprintf(p, sizeof ring[0], "%s/%s", test_tmpdir(), name);
    return p;
}

const char *test_bytes(const char *name, const void *bytes, size_t n)
{
    const char *path = test_path(name);
    FILE *f;

    unlink(path); /* some file systems flush a file that is written over */
    f = fopen(path, "wb");
    check_msg(f && fwrite(bytes, 1, n, f) == n && !fclose(f), "cannot write %s",
              path);
    return path;
}

const char *test_file(const char *name, const char *text)
{
    return test_bytes(name, text, strlen(text));
}

void test_disk_full(long n)
{
    struct rlimit limit;

    signal(SIGXFSZ, SIG_IGN); /* so that write() fails instead */
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = n < 0 ? limit.rlim_max : (rlim_t)n;
    setrlimit(RLIMIT_FSIZE, &limit);
}
