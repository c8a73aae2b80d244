/*
 * api/api.h - what the files of this folder share: the checks at the boundary.
 *
 * Here, and only here, a caller's breach of contract is looked for; behind it,
 * a NULL or a bad count is our bug.
 */
#ifndef SL_API_API_H
#define SL_API_API_H

#include <stdint.h>

#include "base/status.h"

simlm_status sl_api_range(const char *what, int64_t x, int64_t min, int64_t max,
                          simlm_error *err);

/* Return E_ARG unless c holds; the message starts with the parameter's name. */
#define SL_API_NEED(c, ...)                                                    \
    do {                                                                       \
        if (!(c))                                                              \
            return sl_fail(err, SIMLM_E_ARG, __VA_ARGS__);                     \
    } while (0)

#define SL_API_NOT_NULL(p) SL_API_NEED((p) != NULL, "%s: is NULL", #p)

/* Of an option the message has the program's name: "max-length" for
 * options->max_length. */
#define SL_API_RANGE(x, min, max)                                              \
    SL_TRY(sl_api_range(#x, (x), (min), (max), err))

#define SL_API_PRECISION(p)                                                    \
    SL_API_NEED((p) == SIMLM_FP32 || (p) == SIMLM_BF16,                        \
                "%s: %d is neither SIMLM_FP32 nor SIMLM_BF16", #p, (int)(p))

#endif
