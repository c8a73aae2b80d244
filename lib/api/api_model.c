/* simlm/simlm.h: version, model. */
#include "api/api_model.h"

#include <simlm/version.h>

#include "api/api.h"
#include "base/alloc.h"

const char *simlm_version(void)
{
    return SIMLM_VERSION;
}

simlm_status simlm_model_open(simlm_model **out, const char *path,
                              simlm_error *err)
{
    return simlm_model_open_in(out, path, SIMLM_FP32, err);
}

simlm_status simlm_model_open_in(simlm_model **out, const char *path,
                                 simlm_precision precision, simlm_error *err)
{
    simlm_model *m;
    simlm_status st;

    SL_API_NOT_NULL(out);
    SL_API_NOT_NULL(path);
    SL_API_PRECISION(precision);
    m = SL_NEW(simlm_model);
    if (!m)
        return sl_fail_nomem(err, "a model");
    st = sl_retriever_open(&m->retriever, path, (int32_t)precision, err);
    if (st < 0)
        sl_free(m);
    else
        *out = m;
    return st;
}

void simlm_model_close(simlm_model *m)
{
    if (!m)
        return;
    sl_retriever_close(&m->retriever);
    sl_free(m);
}

int32_t simlm_model_dim(const simlm_model *m)
{
    return m ? (int32_t)sl_retriever_dim(&m->retriever) : 0;
}
