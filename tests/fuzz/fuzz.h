/*
 * fuzz.h - one entry point a parser, driven two ways.
 *
 * tests/fuzz/fuzz_<name>.c defines LLVMFuzzerTestOneInput().  `make fuzz` links
 * it with libFuzzer; `make check` links it with replay.c, which feeds it the
 * committed seeds (tests/fuzz/seeds/<name>/) and mutations of them, the same on
 * every run.  A crash that libFuzzer finds becomes a seed.
 */
#ifndef TEST_FUZZ_H
#define TEST_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Write the input to a private file, overwriting the last; its path. */
const char *fuzz_file(const uint8_t *data, size_t n);

/* The same under a name of its own inside a private directory; that directory.
 * For readers of directories: other files stay from call to call. */
const char *fuzz_dir(const char *name, const uint8_t *data, size_t n);

#endif
