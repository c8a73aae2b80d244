/*
 * base/hash.h - 64-bit hashes of bytes (XXH64, Yann Collet's specification).
 *
 * For hash tables and for telling whether an input changed; not a defence
 * against somebody who wants a collision.
 */
#ifndef SL_BASE_HASH_H
#define SL_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

uint64_t sl_hash64(const void *bytes, size_t n, uint64_t seed);

/* *out <- hash of the file's bytes, read in pieces. */
simlm_status sl_hash64_file(uint64_t *out, const char *path, simlm_error *err);

#endif
