/* Recipes from hostile bytes: read, checked by the commands, and given back. */
#include "fuzz.h"

#include "recipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct recipe_options o = {
        .path = fuzz_file(data, n), .folder = "absent", .threads = -1};
    struct recipe r;
    simlm_error err;

    recipe_open(&r, &o, &err);
    recipe_close(&r);
    return 0;
}
