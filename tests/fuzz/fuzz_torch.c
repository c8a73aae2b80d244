/* A file of torch.save() from hostile bytes: every element listed is readable,
 * and there are not many more of them than bytes. */
#include "fuzz.h"

#include "base/status.h"
#include "format/torchfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct sl_torchfile *f;
    simlm_error err;
    int64_t bytes = 0;
    float x[64];

    if (sl_torchfile_open(&f, fuzz_file(data, n), &err) < 0)
        return 0;
    for (int64_t i = 0; i < sl_torchfile_count(f); i++) {
        const struct sl_tensor *t = sl_torchfile_at(f, i);

        bytes += t->bytes;
        for (int64_t at = 0; at < t->count && sl_dtype_readable(t->dtype);
             at += 64)
            sl_tensor_read(x, t, at, t->count - at < 64 ? t->count - at : 64);
    }
    SL_ASSERT((uint64_t)bytes <= (SL_TORCH_SHARING + 1) * (uint64_t)n);
    sl_torchfile_close(f);
    return 0;
}
