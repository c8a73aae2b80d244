/* tokenizer.json or vocab.txt from hostile bytes; what opens can encode. */
#include "fuzz.h"

#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "text/tokenizer.h"

static void encode_with(const struct sl_tokenizer *t)
{
    static const char text[] = "[CLS] Caf\xc3\xa9 unaffable, \xe4\xb8\xad\xff";
    struct sl_id_list ids = {0};

    SL_ASSERT(sl_tokenizer_encode(t, &ids, text, sizeof text - 1));
    for (int64_t i = 0; i < ids.n; i++)
        SL_ASSERT(ids.id[i] >= 0 && ids.id[i] < sl_tokenizer_size(t));
    sl_id_list_free(&ids);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const char *name = n && data[0] == '{' ? "tokenizer.json" : "vocab.txt";
    struct sl_tokenizer *t;
    simlm_error err;
    char path[160];

    snprintf(path, sizeof path, "%s/%s", fuzz_dir(name, data, n), name);
    if (sl_tokenizer_open(&t, path, &err) < 0)
        return 0;
    encode_with(t);
    sl_tokenizer_close(t);
    return 0;
}
