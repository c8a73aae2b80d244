/*
 * replay.c - main() for the fuzz targets without libFuzzer.
 *
 *     fuzz_<name> <seed folder>
 *
 * Every seed is fed as it is, then FUZZ_RUNS (1000) mutations of it: bytes
 * flipped, set, inserted, removed, blocks copied, numbers made large, the end
 * cut off.  Mutation i of a seed is a function of the seed's name and i alone.
 */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/rng.h"

static const char *const tokens[] = {
    "-1",
    "99999999999999999999",
    "0",
    "1e309",
    "null",
    "\"",
    "{",
    "[[[[[[",
    "\\ud800",
    "\xff\xfe",
    "\t",
    "\n",
    "18446744073709551615",
    "nan",
    "\0\0\0\0",
};

static size_t below(struct sl_rng *r, size_t n)
{
    return (size_t)sl_rng_below(r, n ? n : 1);
}

/* Replace len bytes at `at` by the m bytes of with; *n follows. */
static void splice(uint8_t *x, size_t *n, size_t cap, size_t at, size_t len,
                   const void *with, size_t m)
{
    if (len > *n - at)
        len = *n - at;
    if (*n - len + m > cap)
        return;
    memmove(x + at + m, x + at + len, *n - at - len);
    memcpy(x + at, with, m);
    *n = *n - len + m;
}

static void mutate_once(uint8_t *x, size_t *n, size_t cap, struct sl_rng *r)
{
    size_t at = below(r, *n), len = below(r, 9);
    uint8_t copy[64];
    const char *token = tokens[below(r, SL_LEN(tokens))];

    if (!*n)
        return;
    switch (below(r, 7)) {
    case 0:
        x[at] ^= (uint8_t)(1u << below(r, 8));
        break;
    case 1:
        x[at] = (uint8_t)below(r, 256);
        break;
    case 2:
        splice(x, n, cap, at, len, "", 0);
        break;
    case 3:
        splice(x, n, cap, at, len, token, strlen(token));
        break;
    case 4:
        len = below(r, sizeof copy);
        if (len > *n - at)
            len = *n - at;
        memcpy(copy, x + at, len);
        splice(x, n, cap, below(r, *n), 0, copy, len);
        break;
    case 5:
        for (size_t i = at; i < *n && i < at + 8; i++)
            x[i] = below(r, 2) ? 0xff : 0;
        break;
    default:
        if (below(r, 4) == 0)
            *n = at;
    }
}

static void replay(const char *path, long runs)
{
    simlm_error err = {SIMLM_OK, ""};
    uint8_t *x;
    char *seed;
    size_t n, cap;

    if (sl_file_read(&seed, &n, path, 1 << 20, &err) < 0) {
        fprintf(stderr, "%s\n", err.msg);
        exit(1);
    }
    cap = n + 4096;
    x = sl_alloc(cap, 1);
    LLVMFuzzerTestOneInput((const uint8_t *)seed, n);
    for (long i = 0; i < runs; i++) {
        struct sl_rng r;
        size_t m = n;

        sl_rng_init(
            &r, sl_stream(sl_hash64(seed, n, 0), SL_PURPOSE_TEST, (uint64_t)i));
        memcpy(x, seed, n);
        for (size_t k = 1 + below(&r, 4); k; k--)
            mutate_once(x, &m, cap, &r);
        LLVMFuzzerTestOneInput(x, m);
    }
    sl_free(x);
    sl_free(seed);
}

int main(int argc, char **argv)
{
    const char *want = getenv("FUZZ_RUNS");
    long runs = want ? strtol(want, NULL, 10) : 1000, n_seeds = 0;
    const struct dirent *e;
    DIR *d = argc > 1 ? opendir(argv[1]) : NULL;

    if (!d) {
        fprintf(stderr, "usage: %s <seed folder>\n", argv[0]);
        return 2;
    }
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    while ((e = readdir(d))) {
        char *path = sl_path_join(argv[1], e->d_name);

        if (*e->d_name != '.') {
            replay(path, runs);
            n_seeds++;
        }
        sl_free(path);
    }
    closedir(d);
    printf("%ld seeds, %ld mutations each\n", n_seeds, runs);
    return n_seeds ? 0 : 1;
}
