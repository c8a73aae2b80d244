/* A BM25 index from hostile bytes: what opens can be searched. */
#include "fuzz.h"

#include <string.h>

#include "base/status.h"
#include "index/bm25.h"

static void search(const struct sl_bm25 *ix)
{
    static const char query[] = "red fox 3.14 the hens";
    struct sl_bm25_search *s = NULL;
    char buf[SL_DOCID_BUF];
    simlm_error err;
    float score[5];
    int64_t row[5], n;

    SL_ASSERT(sl_bm25_search_new(&s, ix, 0.9, 0.4, 5, sizeof query, &err) ==
              SIMLM_OK);
    n = sl_bm25_search(s, query, sizeof query - 1, 5, score, row);
    for (int64_t i = 0; i < n; i++)
        SL_ASSERT(strlen(sl_bm25_id(ix, row[i], buf)) > 0);
    sl_bm25_search_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct sl_bm25 ix;
    simlm_error err;

    if (sl_bm25_open(&ix, fuzz_dir(SL_BM25_FILE, data, n), &err) < 0)
        return 0;
    search(&ix);
    sl_bm25_close(&ix);
    return 0;
}
