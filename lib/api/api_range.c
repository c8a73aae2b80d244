/* api.h's check of a range. */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "api/api.h"

/* "max_length" of "options->max_length"; NULL if it is of no struct. */
static const char *member_of(const char *what)
{
    const char *at = strpbrk(what, ".>");

    return at ? at + 1 : NULL;
}

simlm_status sl_api_range(const char *what, int64_t x, int64_t min, int64_t max,
                          simlm_error *err)
{
    const char *option = member_of(what);
    char name[64];
    size_t n;

    if (x >= min && x <= max)
        return SIMLM_OK;
    n = strlen(option ? option : what);
    if (n >= sizeof name)
        n = sizeof name - 1;
    for (size_t i = 0; i < n; i++)
        name[i] = !option ? what[i] : option[i] == '_' ? '-' : option[i];
    name[n] = '\0';
    return sl_fail(err, SIMLM_E_ARG, "%s: %lld is not in %lld .. %lld", name,
                   (long long)x, (long long)min, (long long)max);
}
