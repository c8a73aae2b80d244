/* Runs from hostile bytes: MS MARCO and TREC forms, compressed or not. */
#include "fuzz.h"

#include "format/runfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct sl_run *r;
    simlm_error err;

    if (sl_run_load(&r, fuzz_file(data, n), &err) == SIMLM_OK)
        sl_run_free(r);
    return 0;
}
