#include "model/objective.h"

#include <stddef.h>

#include <simlm/train.h>

#define ALL    SL_COUNT_ALL
#define HIDDEN SL_COUNT_HIDDEN
#define NONE   SL_COUNT_NONE

/* clang-format off */
const struct sl_objective sl_objectives[SL_N_OBJECTIVES] = {
    /*                              name           encoder: input, counts      decoder: input, counts      head         spans  losses */
    [SIMLM_OBJECTIVE_MLM]         = { "mlm",         SL_INPUT_MASKED,   HIDDEN, SL_INPUT_NONE,     NONE,   SL_HEAD_LM,  false, NULL, NULL },
    [SIMLM_OBJECTIVE_RLM]         = { "rlm",         SL_INPUT_REPLACED, ALL,    SL_INPUT_REPLACED, ALL,    SL_HEAD_LM,  false, "enc_mlm_loss", "dec_mlm_loss" },
    [SIMLM_OBJECTIVE_ENCDEC_MLM]  = { "encdec-mlm",  SL_INPUT_MASKED,   HIDDEN, SL_INPUT_MASKED,   HIDDEN, SL_HEAD_LM,  false, "enc_mlm_loss", "dec_mlm_loss" },
    [SIMLM_OBJECTIVE_CONDENSER]   = { "condenser",   SL_INPUT_MASKED,   HIDDEN, SL_INPUT_EARLY,    HIDDEN, SL_HEAD_LM,  false, "late_mlm_loss", "head_mlm_loss" },
    [SIMLM_OBJECTIVE_ENCDEC_RTD]  = { "encdec-rtd",  SL_INPUT_REPLACED, ALL,    SL_INPUT_REPLACED, ALL,    SL_HEAD_RTD, false, "enc_rtd_loss", "dec_rtd_loss" },
    [SIMLM_OBJECTIVE_AUTOENCODER] = { "autoencoder", SL_INPUT_CLEAN,    NONE,   SL_INPUT_BLANK,    ALL,    SL_HEAD_LM,  false, NULL, NULL },
    [SIMLM_OBJECTIVE_COCONDENSER] = { "cocondenser", SL_INPUT_MASKED,   HIDDEN, SL_INPUT_EARLY,    HIDDEN, SL_HEAD_LM,  true,  "late_mlm_loss", "head_mlm_loss" },
};
/* clang-format on */
