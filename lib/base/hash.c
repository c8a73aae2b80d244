/*
 * XXH64 comes from libxxhash: no state of ours, one line to replace it.
 */
#include "base/hash.h"

#include <stdio.h>
#include <xxhash.h>

#include "base/alloc.h"

uint64_t sl_hash64(const void *bytes, size_t n, uint64_t seed)
{
    return n ? XXH64(bytes, n, seed) : XXH64("", 0, seed);
}

simlm_status sl_hash64_file(uint64_t *out, const char *path, simlm_error *err)
{
    simlm_status st = SIMLM_OK;
    XXH64_state_t *state = NULL;
    enum { PIECE = 1 << 16 };
    unsigned char *piece = NULL;
    size_t n;
    FILE *f = fopen(path, "rb");

    if (!f)
        return sl_fail_errno(err, "open", path);
    state = XXH64_createState();
    piece = sl_alloc(PIECE, 1);
    if (!state || !piece) {
        st = sl_fail_nomem(err, "a file's hash");
        goto out;
    }
    XXH64_reset(state, 0);
    while ((n = fread(piece, 1, PIECE, f)) > 0)
        XXH64_update(state, piece, n);
    if (ferror(f))
        st = sl_fail_errno(err, "read", path);
    else
        *out = XXH64_digest(state);
out:
    if (state)
        XXH64_freeState(state);
    sl_free(piece);
    fclose(f);
    return st;
}
