#include "hub/digest.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nettle/sha1.h>
#include <nettle/sha2.h>

struct hash {
    enum sl_digest kind;
    struct sha256_ctx sha256;
    struct sha1_ctx sha1;
};

static void update(struct hash *h, const void *bytes, size_t n)
{
    if (h->kind == SL_DIGEST_SHA256)
        sha256_update(&h->sha256, n, bytes);
    else
        sha1_update(&h->sha1, n, bytes);
}

static void begin(struct hash *h, enum sl_digest kind, int64_t size)
{
    char blob[32];
    int n = snprintf(blob, sizeof blob, "blob %lld", (long long)size);

    h->kind = kind;
    sha256_init(&h->sha256);
    sha1_init(&h->sha1);
    if (kind == SL_DIGEST_GIT)
        update(h, blob, (size_t)n + 1);
}

/* raw <- the digest; its length. */
static size_t finish(struct hash *h, unsigned char raw[SHA256_DIGEST_SIZE])
{
    if (h->kind == SL_DIGEST_SHA256) {
        sha256_digest(&h->sha256, SHA256_DIGEST_SIZE, raw);
        return SHA256_DIGEST_SIZE;
    }
    sha1_digest(&h->sha1, SHA1_DIGEST_SIZE, raw);
    return SHA1_DIGEST_SIZE;
}

/* All `size` bytes of the file; false with errno. */
static bool read_all(struct hash *h, int fd, int64_t size)
{
    unsigned char piece[1 << 16];

    for (int64_t at = 0; at < size;) {
        ssize_t got = pread(fd, piece, sizeof piece, (off_t)at);

        if (got < 0 && errno == EINTR)
            continue;
        if (!got)
            errno = EIO; /* it was longer a moment ago */
        if (got <= 0)
            return false;
        update(h, piece, (size_t)got);
        at += got;
    }
    return true;
}

simlm_status sl_digest_fd(char hex[SL_DIGEST_HEX], enum sl_digest kind, int fd,
                          const char *path, simlm_error *err)
{
    unsigned char raw[SHA256_DIGEST_SIZE];
    struct stat info;
    struct hash h;
    size_t n;

    if (fstat(fd, &info))
        return sl_fail_errno(err, "read", path);
    begin(&h, kind, (int64_t)info.st_size);
    if (!read_all(&h, fd, (int64_t)info.st_size))
        return sl_fail_errno(err, "read", path);
    n = finish(&h, raw);
    for (size_t i = 0; i < n; i++)
        snprintf(hex + 2 * i, 3, "%02x", (unsigned)raw[i]);
    return SIMLM_OK;
}
