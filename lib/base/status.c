#include "base/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *simlm_strstatus(simlm_status code)
{
    switch (code) {
#define X(name, value, text)                                                   \
    case SIMLM_##name:                                                         \
        return text;
        SIMLM_STATUS_MAP(X)
#undef X
    case SIMLM_STATUS_FORCE_INT:
        break;
    }
    return "unknown status";
}

_Noreturn void sl_assert_failed(const char *what, const char *file, int line)
{
    fprintf(stderr, "simlm: internal error: %s:%d: %s\n", file, line, what);
    abort();
}

/* Control characters in a file's own text must not break the one line. */
static void one_line(char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < ' ' || *s == 0x7f)
            *s = '?';
}

simlm_status sl_fail(simlm_error *err, simlm_status code, const char *fmt, ...)
{
    va_list ap;

    SL_ASSERT(code < 0);
    if (!err)
        return code;
    err->code = code;
    va_start(ap, fmt);
    vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    va_end(ap);
    one_line(err->msg);
    return code;
}

simlm_status sl_fail_nomem(simlm_error *err, const char *what)
{
    return sl_fail(err, SIMLM_E_NOMEM, "out of memory for %s", what);
}

simlm_status sl_fail_errno(simlm_error *err, const char *verb, const char *path)
{
    return sl_fail(err, SIMLM_E_IO, "cannot %s '%s': %s", verb, path,
                   strerror(errno));
}
