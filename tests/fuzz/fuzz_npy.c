/* A .npy matrix from hostile bytes: every element of what opens is readable. */
#include "fuzz.h"

#include "format/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    volatile float last;
    struct sl_npy m;
    simlm_error err;

    if (sl_npy_open(&m, fuzz_file(data, n), &err) < 0)
        return 0;
    for (int64_t i = 0; i < m.n * m.dim; i++)
        last = m.x[i];
    (void)last;
    sl_npy_close(&m);
    return 0;
}
