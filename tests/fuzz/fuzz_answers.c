/* Questions with answers from hostile bytes: as queries, as answers; a list that
 * is read is written as one that reads the same. */
#include "fuzz.h"

#include <string.h>

#include "base/status.h"
#include "data/has_answer.h"
#include "data/queries.h"
#include "format/pylist.h"

static void check_list(const char *text, size_t n)
{
    struct sl_pylist a = {0}, b = {0};
    struct sl_str again = {0};

    if (sl_pylist_parse(&a, text, n, "list", 1, NULL) == SIMLM_OK) {
        sl_pylist_put(&again, &a);
        SL_ASSERT(sl_pylist_parse(&b, again.s, again.len, "list", 1, NULL) ==
                  SIMLM_OK);
        SL_ASSERT(a.n == b.n && a.bytes.len == b.bytes.len);
        SL_ASSERT(!a.n || !a.bytes.len ||
                  !memcmp(a.bytes.s, b.bytes.s, a.bytes.len));
    }
    sl_pylist_free(&a);
    sl_pylist_free(&b);
    sl_str_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const char *path = fuzz_file(data, n), *list = memchr(data, '[', n);
    struct sl_answers *answers = NULL;
    struct sl_queries *queries = NULL;
    simlm_error err;

    if (sl_answers_load(&answers, path, &err) == SIMLM_OK)
        sl_has_answer(answers, 0, (const char *)data, n);
    if (sl_queries_load(&queries, path, &err) == SIMLM_OK)
        SL_ASSERT(sl_queries_count(queries) >= 0);
    if (list)
        check_list(list, (size_t)((const char *)data + n - list));
    sl_answers_free(answers);
    sl_queries_free(queries);
    return 0;
}
