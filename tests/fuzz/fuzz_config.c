/* config.json from hostile bytes: what is accepted passes its own check. */
#include "fuzz.h"

#include "base/status.h"
#include "model/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct sl_config c;
    simlm_error err;

    if (sl_config_load(&c, fuzz_file(data, n), &err) == SIMLM_OK)
        SL_ASSERT(sl_config_check(&c, "config.json", &err) == SIMLM_OK);
    return 0;
}
