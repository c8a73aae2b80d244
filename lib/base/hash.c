/*
 * XXH64 comes from libxxhash: a few lines to replace it.
 */
#include "base/hash.h"

#include <stdio.h>
#include <xxhash.h>

#include "base/alloc.h"

uint64_t sl_hash64(const void *bytes, size_t n, uint64_t seed)
{
    return n ? XXH64(bytes, n, seed) : XXH64("", 0, seed);
}

/* The type has no members: a stream is the library's state by another name. */
struct sl_hash_stream *sl_hash_stream_new(uint64_t seed)
{
    XXH64_state_t *state = XXH64_createState();

    if (state)
        XXH64_reset(state, seed);
    return (struct sl_hash_stream *)state;
}

void sl_hash_stream_add(struct sl_hash_stream *h, const void *bytes, size_t n)
{
    if (n)
        XXH64_update((XXH64_state_t *)h, bytes, n);
}

uint64_t sl_hash_stream_value(const struct sl_hash_stream *h)
{
    return XXH64_digest((const XXH64_state_t *)h);
}

void sl_hash_stream_free(struct sl_hash_stream *h)
{
    if (h)
        XXH64_freeState((XXH64_state_t *)h);
}

simlm_status sl_hash64_file(uint64_t *out, const char *path, simlm_error *err)
{
    simlm_status st = SIMLM_OK;
    struct sl_hash_stream *state = NULL;
    enum { PIECE = 1 << 16 };
    unsigned char *piece = NULL;
    size_t n;
    FILE *f = fopen(path, "rb");

    if (!f)
        return sl_fail_errno(err, "open", path);
    state = sl_hash_stream_new(0);
    piece = sl_alloc(PIECE, 1);
    if (!state || !piece) {
        st = sl_fail_nomem(err, "a file's hash");
        goto out;
    }
    while ((n = fread(piece, 1, PIECE, f)) > 0)
        sl_hash_stream_add(state, piece, n);
    if (ferror(f))
        st = sl_fail_errno(err, "read", path);
    else
        *out = sl_hash_stream_value(state);
out:
    sl_hash_stream_free(state);
    sl_free(piece);
    fclose(f);
    return st;
}

uint32_t sl_crc32c(const void *bytes, size_t n)
{
    const uint32_t polynomial = 0x82f63b78; /* bits reversed */
    const unsigned char *p = bytes;
    uint32_t c = 0xffffffff;

    for (size_t i = 0; i < n; i++) {
        c ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            c = c >> 1 ^ (c & 1 ? polynomial : 0);
    }
    return ~c;
}
