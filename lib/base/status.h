/*
 * base/status.h - errors: the innermost function speaks, the others pass it on.
 *
 *     return sl_fail(err, SIMLM_E_FORMAT, "%s:%ld: expected ...", path, line);
 *
 * The message is final.  Callers pass the status up as it is; they do not wrap
 * it, because the innermost function is the one that knew the file and line.
 */
#ifndef SL_BASE_STATUS_H
#define SL_BASE_STATUS_H

#include <simlm/status.h>

/* A broken invariant of ours (never bad input): says where, then aborts. */
#define SL_ASSERT(c) ((c) ? (void)0 : sl_assert_failed(#c, __FILE__, __LINE__))
_Noreturn void sl_assert_failed(const char *what, const char *file, int line);

/* Return at once if `call` fails.  For functions that hold nothing. */
#define SL_TRY(call)                                                           \
    do {                                                                       \
        simlm_status sl_try_st = (call);                                       \
        if (sl_try_st < 0)                                                     \
            return sl_try_st;                                                  \
    } while (0)

#define SL_LEN(a) (sizeof(a) / sizeof *(a))

/* Fill *err (if err is not NULL) and return code, which is negative. */
simlm_status sl_fail(simlm_error *err, simlm_status code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* E_NOMEM, naming what was wanted: "out of memory for <what>". */
simlm_status sl_fail_nomem(simlm_error *err, const char *what);

/* E_IO with strerror(errno): "cannot <verb> '<path>': <reason>". */
simlm_status sl_fail_errno(simlm_error *err, const char *verb,
                           const char *path);

#endif
