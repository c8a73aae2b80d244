/* hub/digest.h - hashes that the hub names files by (nettle; no other file sees
 * it). */
#ifndef SL_HUB_DIGEST_H
#define SL_HUB_DIGEST_H

#include "base/status.h"

enum sl_digest {
    SL_DIGEST_SHA256, /* 64 hex digits: of a large file's bytes */
    SL_DIGEST_GIT     /* 40: SHA-1 of "blob <size>\0" and the bytes, as git */
};

enum { SL_DIGEST_HEX = 65 };

/*
 * hex <- that of the whole file, lower case, with a NUL; `path` is for messages.
 * It reads the open file, wherever that stands, and does not open it again: a
 * process that closes any descriptor of a file loses its locks on it.
 */
simlm_status sl_digest_fd(char hex[SL_DIGEST_HEX], enum sl_digest kind, int fd,
                          const char *path, simlm_error *err);

#endif
