/* <simlm/init.h>: checks of the caller's contract, then the library. */
#include "base/status.h"
#include "model/fresh.h"

void simlm_init_options_init(simlm_init_options *options)
{
    if (options)
        *options = (simlm_init_options){.layers = 12,
                                        .hidden = 768,
                                        .positions = 512,
                                        .dropout = 0.1,
                                        .init_std = 0.02,
                                        .missing_title = "-",
                                        .query_max_length = 32,
                                        .passage_max_length = 144};
}

simlm_status simlm_init_check(const simlm_init_options *o, simlm_error *err)
{
    if (!o || !o->vocab || !o->output)
        return sl_fail(err, SIMLM_E_ARG,
                       "simlm_init: vocab and output are required");
    if (o->layers < 1 || o->hidden < 1 || o->heads < 0 || o->ffn < 0 ||
        o->embedding < 0 || o->positions < 1)
        return sl_fail(err, SIMLM_E_ARG, "simlm_init: a size is negative or 0");
    if (o->query_max_length < 3 || o->passage_max_length < 3)
        return sl_fail(err, SIMLM_E_ARG,
                       "simlm_init: lengths are at least 3 tokens");
    return sl_fresh_check(o, err);
}

simlm_status simlm_init(const simlm_init_options *o, simlm_error *err)
{
    SL_TRY(simlm_init_check(o, err));
    return sl_fresh_model(o, err);
}
