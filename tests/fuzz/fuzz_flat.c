/* A flat index from hostile bytes: what opens can be searched. */
#include "fuzz.h"

#include <string.h>

#include "base/alloc.h"
#include "base/status.h"
#include "index/flat.h"

static struct sl_backend *be;

static void search(const struct sl_flat *ix)
{
    struct sl_flat_search *s;
    float *q = SL_NEW_ARRAY(float, ix->dim), score[3];
    simlm_error err;
    int64_t row[3];

    SL_ASSERT(q && sl_flat_search_new(&s, ix, be, 1, 3, 0, &err) == SIMLM_OK);
    q[0] = 1;
    if (sl_flat_search_run(s, row, score, q, 1, 3, &err) == SIMLM_OK)
        for (int i = 0; i < 3; i++)
            SL_ASSERT(row[i] < 0 || strlen(sl_flat_id(ix, row[i])) > 0);
    sl_flat_search_free(s);
    sl_free(q);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct sl_flat ix;
    simlm_error err;

    if (!be)
        SL_ASSERT(sl_backend_open_cpu(&be, SL_FP32, 0, &err) == SIMLM_OK);
    if (sl_flat_open(&ix, fuzz_file(data, n), &err) < 0)
        return 0;
    search(&ix);
    sl_flat_close(&ix);
    return 0;
}
