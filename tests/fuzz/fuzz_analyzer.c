/* Any bytes can be analysed: terms are of sane length, and end. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "text/analyzer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *text = malloc(n ? n : 1); /* exact, so that asan sees past its end */
    struct sl_terms t;
    size_t bytes = 0;

    SL_ASSERT(text);
    if (n)
        memcpy(text, data, n);
    for (sl_terms_begin(&t, text, n); sl_terms_next(&t); bytes += t.len)
        SL_ASSERT(t.len >= 1 && t.len <= SL_WORD_MAX_BYTES && !t.term[t.len]);
    SL_ASSERT(bytes <= 2 * n); /* lower case may lengthen, 2 bytes to 3 */
    free(text);
    return 0;
}
