#include "hub/digest.h"

#include <stdio.h>

#include <nettle/sha1.h>
#include <nettle/sha2.h>

#include "base/file.h"

/* What is hashed is mapped: nettle takes lengths of size_t. */
static size_t digest(unsigned char out[SHA256_DIGEST_SIZE], enum sl_digest kind,
                     struct sl_map bytes)
{
    struct sha256_ctx sha256;
    struct sha1_ctx sha1;
    char blob[32];
    int n;

    if (kind == SL_DIGEST_SHA256) {
        sha256_init(&sha256);
        sha256_update(&sha256, bytes.n, bytes.p);
        sha256_digest(&sha256, SHA256_DIGEST_SIZE, out);
        return SHA256_DIGEST_SIZE;
    }
    n = snprintf(blob, sizeof blob, "blob %zu", bytes.n);
    sha1_init(&sha1);
    sha1_update(&sha1, (size_t)n + 1, (const unsigned char *)blob);
    sha1_update(&sha1, bytes.n, bytes.p);
    sha1_digest(&sha1, SHA1_DIGEST_SIZE, out);
    return SHA1_DIGEST_SIZE;
}

simlm_status sl_digest_file(char hex[SL_DIGEST_HEX], enum sl_digest kind,
                            const char *path, simlm_error *err)
{
    unsigned char raw[SHA256_DIGEST_SIZE];
    struct sl_map map;
    size_t n;

    SL_TRY(sl_map_open(&map, path, err));
    n = digest(raw, kind, map);
    sl_map_close(&map);
    for (size_t i = 0; i < n; i++)
        snprintf(hex + 2 * i, 3, "%02x", (unsigned)raw[i]);
    return SIMLM_OK;
}
