/* Relevance judgements from hostile bytes: TREC and BEIR forms. */
#include "fuzz.h"

#include "format/qrels.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct sl_qrels *q;
    simlm_error err;

    if (sl_qrels_load(&q, fuzz_file(data, n), &err) == SIMLM_OK)
        sl_qrels_free(q);
    return 0;
}
