/* <simlm/provenance.h>: checks of the caller's contract, then the library. */
#include <stddef.h>

#include "api/api.h"
#include "base/hash.h"
#include "provenance/provenance.h"

simlm_status simlm_provenance_write(const char *output,
                                    const simlm_provenance *provenance,
                                    simlm_error *err)
{
    const simlm_provenance *p = provenance;

    SL_API_NOT_NULL(output);
    SL_API_NOT_NULL(provenance);
    SL_API_NEED(p->command != NULL, "provenance->command: is NULL");
    SL_API_NEED(p->n_arguments >= 0 && (p->argument || !p->n_arguments),
                "provenance->argument: is NULL, or n_arguments is negative");
    for (int32_t i = 0; i < p->n_arguments; i++)
        SL_API_NEED(p->argument[i] != NULL, "provenance->argument[%d]: is NULL",
                    (int)i);
    SL_API_NEED(p->n_inputs >= 0 && (p->inputs || !p->n_inputs),
                "provenance->inputs: is NULL, or n_inputs is negative");
    for (int32_t i = 0; i < p->n_inputs; i++)
        SL_API_NEED(p->inputs[i] != NULL, "provenance->inputs[%d]: is NULL",
                    (int)i);
    SL_API_RANGE(p->threads, 0, 1024);
    return sl_provenance_write(output, p, err);
}

simlm_status simlm_file_hash(uint64_t *hash, const char *path, simlm_error *err)
{
    SL_API_NOT_NULL(hash);
    SL_API_NOT_NULL(path);
    return sl_hash64_file(hash, path, err);
}
