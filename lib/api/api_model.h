/* api/api_model.h - what stands behind simlm_model. */
#ifndef SL_API_API_MODEL_H
#define SL_API_API_MODEL_H

#include <simlm/simlm.h>

#include "retrieve/retriever.h"

struct simlm_model {
    struct sl_retriever retriever;
};

#endif
