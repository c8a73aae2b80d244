/*
 * base/hash.h - 64-bit hashes of bytes (XXH64, Yann Collet's specification).
 *
 * For hash tables and for telling whether an input changed; not a defence
 * against somebody who wants a collision.  CRC32C is for formats that ask for it.
 */
#ifndef SL_BASE_HASH_H
#define SL_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

uint64_t sl_hash64(const void *bytes, size_t n, uint64_t seed);

/* The same hash of bytes that come one after another. */
struct sl_hash_stream;
struct sl_hash_stream *sl_hash_stream_new(uint64_t seed); /* NULL: no memory */
void sl_hash_stream_add(struct sl_hash_stream *h, const void *bytes, size_t n);
uint64_t sl_hash_stream_value(const struct sl_hash_stream *h); /* so far */
void sl_hash_stream_free(struct sl_hash_stream *h); /* accepts NULL */

/* *out <- hash of the file's bytes, read in pieces. */
simlm_status sl_hash64_file(uint64_t *out, const char *path, simlm_error *err);

/* The cyclic redundancy check of Castagnoli's polynomial (RFC 3720, B.4), a bit
 * at a time: for some hundred bytes. */
uint32_t sl_crc32c(const void *bytes, size_t n);

#endif
