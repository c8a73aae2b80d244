/* A safetensors file from hostile bytes: every element listed is readable. */
#include "fuzz.h"

#include "format/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct sl_safetensors *f;
    simlm_error err;
    float x[64];

    if (sl_safetensors_open(&f, fuzz_file(data, n), &err) < 0)
        return 0;
    for (int64_t i = 0; i < sl_safetensors_count(f); i++) {
        const struct sl_tensor *t = sl_safetensors_at(f, i);

        for (int64_t at = 0; at < t->count && sl_dtype_readable(t->dtype);
             at += 64)
            sl_tensor_read(x, t, at, t->count - at < 64 ? t->count - at : 64);
    }
    sl_safetensors_close(f);
    return 0;
}
