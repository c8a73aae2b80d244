/* simlm/ranks.h: one job on several processes. */
#include <simlm/ranks.h>

#include "comm/comm.h"

int32_t simlm_ranks_started(void)
{
    return sl_comm_started();
}

int32_t simlm_ranks_rank(void)
{
    return sl_comm_started_rank();
}

simlm_status simlm_ranks_join(simlm_error *err)
{
    return sl_comm_join(err);
}

void simlm_ranks_leave(void)
{
    sl_comm_leave();
}

void simlm_ranks_abort(int code)
{
    sl_comm_abort(code);
}
