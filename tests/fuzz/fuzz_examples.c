/* train.jsonl from hostile bytes: rows lie in the corpus, scores are finite. */
#include "fuzz.h"

#include <math.h>

#include "base/status.h"
#include "data/examples.h"

enum { ROWS = 10 };

static void check_lists(const struct sl_doc_lists *l, int64_t n)
{
    SL_ASSERT(l->start[0] == 0);
    for (int64_t i = 0; i < n; i++)
        SL_ASSERT(l->start[i] <= l->start[i + 1]);
    for (int64_t j = 0; j < l->start[n]; j++)
        SL_ASSERT(l->row[j] >= 0 && l->row[j] < ROWS && isfinite(l->score[j]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct sl_docids *ids = sl_docids_new();
    struct sl_examples *e;
    simlm_error err;
    int64_t row;

    for (char c = '0'; c < '0' + ROWS; c++)
        SL_ASSERT(sl_docids_add(ids, &c, 1, &row, &err) == SIMLM_OK);
    if (sl_examples_load(&e, fuzz_file(data, n), ids, false, &err) ==
        SIMLM_OK) {
        check_lists(&e->positives, e->n);
        check_lists(&e->negatives, e->n);
        sl_examples_free(e);
    }
    sl_docids_free(ids);
    return 0;
}
