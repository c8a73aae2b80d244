/* An index of several files from hostile bytes, beside a file that is good:
 * every tensor listed is in a file of the folder. */
#include "fuzz.h"

#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "format/weightfiles.h"

/* A safetensors file of two tensors. */
static const unsigned char good[] =
    "\x70\0\0\0\0\0\0\0"
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
    "\"b\":{\"dtype\":\"F16\",\"shape\":[1,1],\"data_offsets\":[8,10]}}  "
    "0123456789";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct sl_weights *w;
    simlm_error err;
    char path[160];

    fuzz_dir("model.safetensors", good, sizeof good - 1);
    snprintf(path, sizeof path, "%s/%s", fuzz_dir("input", data, n), "input");
    if (sl_weights_open(&w, path, &err) < 0)
        return 0;
    for (int64_t i = 0; i < sl_weights_count(w); i++) {
        int64_t file = sl_weights_file_of(w, i);

        SL_ASSERT(file >= 0 && file < sl_weights_n_files(w));
        SL_ASSERT(sl_weights_find(w, sl_weights_at(w, i)->name) == i);
    }
    sl_weights_close(w);
    return 0;
}
