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

/* hex <- lower case, with a NUL. */
simlm_status sl_digest_file(char hex[SL_DIGEST_HEX], enum sl_digest kind,
                            const char *path, simlm_error *err);

#endif
