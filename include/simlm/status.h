/*
 * simlm/status.h - the result of every call, and the one line that explains it.
 */
#ifndef SIMLM_STATUS_H
#define SIMLM_STATUS_H

#ifndef SIMLM_API
#define SIMLM_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Values are ABI: append, never renumber. */
#define SIMLM_STATUS_MAP(X)                                                    \
    X(OK, 0, "success")                                                        \
    X(E_NOMEM, -1, "out of memory")                                            \
    X(E_IO, -2, "i/o error")                                                   \
    X(E_FORMAT, -3, "malformed or unsupported file")                           \
    X(E_ARG, -4, "invalid argument")                                           \
    X(E_RANGE, -5, "value out of range")                                       \
    X(E_NUMERIC, -6, "non-finite value in the computation")                    \
    X(E_BACKEND, -7, "device or library failure")                              \
    X(E_COMM, -8, "failure in another rank")                                   \
    X(E_CANCELLED, -9, "stopped on request; progress was saved")

typedef enum simlm_status {
#define X(name, value, text) SIMLM_##name = value,
    SIMLM_STATUS_MAP(X)
#undef X
        SIMLM_STATUS_FORCE_INT = 0x7fffffff /* keeps the enum int-sized */
} simlm_status;

typedef struct simlm_error {
    simlm_status code;
    char msg[508]; /* one line, no newline, names the file and the field */
} simlm_error;

SIMLM_API const char *simlm_strstatus(simlm_status code); /* never NULL */

#ifdef __cplusplus
}
#endif
#endif /* SIMLM_STATUS_H */
