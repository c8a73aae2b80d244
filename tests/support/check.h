/*
 * check.h - what every test uses: cmocka, and assertions that say what was got.
 */
#ifndef TEST_CHECK_H
#define TEST_CHECK_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/status.h"

/* Fail with a message unless c holds. */
#define check_msg(c, ...)                                                      \
    do {                                                                       \
        if (!(c)) {                                                            \
            print_error("%s:%d: ", __FILE__, __LINE__);                        \
            print_error(__VA_ARGS__);                                          \
            print_error("\n");                                                 \
            fail();                                                            \
        }                                                                      \
    } while (0)

/* A call that must succeed; prints the error's line if it does not. */
#define check_ok(call)                                                         \
    do {                                                                       \
        simlm_error err = {SIMLM_OK, ""};                                      \
        simlm_status check_st = (call);                                        \
        check_msg(check_st == SIMLM_OK, "%s: %s: %s", #call,                   \
                  simlm_strstatus(check_st), err.msg);                         \
    } while (0)

/* A call that must fail with `code` and a message that contains `text`.  Both
 * macros offer the variable `err` to the call: check_ok(f(x, &err)). */
#define check_fails(want_code, text, call)                                     \
    do {                                                                       \
        simlm_error err = {SIMLM_OK, ""};                                      \
        simlm_status check_st = (call);                                        \
        check_msg(check_st == (want_code) && strstr(err.msg, (text)),          \
                  "%s: got status %d and '%s', expected %d and '%s'", #call,   \
                  (int)check_st, err.msg, (int)(want_code), (text));           \
    } while (0)

/* |got - want| <= tol * max(1, |want|) */
#define check_close(got, want, tol)                                            \
    do {                                                                       \
        double got_ = (got), want_ = (want);                                   \
        check_msg(fabs(got_ - want_) <= (tol)*fmax(1, fabs(want_)),            \
                  "%s is %.10g, not %.10g", #got, got_, want_);                \
    } while (0)

/* A fresh private directory, removed by test_tmpdir_remove(). */
const char *test_tmpdir(void);
void test_tmpdir_remove(void);

/* "<tmpdir>/<name>", in a ring of 16 static buffers. */
const char *test_path(const char *name);

/* Write text, or n bytes, to test_path(name) and return that path.  Not synced
 * to the disk, as the library's own files are: tests write thousands. */
const char *test_file(const char *name, const char *text);
const char *test_bytes(const char *name, const void *bytes, size_t n);

/* From now on no file can grow beyond n bytes, as on a full disk; n < 0: the
 * disk is large again. */
void test_disk_full(long n);

#endif
