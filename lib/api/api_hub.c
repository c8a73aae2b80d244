/* <simlm/hub.h>: checks of the caller's contract, then the library. */
#include <simlm/hub.h>

#include <string.h>

#include "api/api.h"
#include "base/alloc.h"
#include "comm/comm.h"
#include "hub/hub.h"

bool simlm_hub_is_name(const char *model)
{
    return model && sl_hub_is_name(model);
}

static simlm_status fetch(char *dir, size_t size, const char *name,
                          const simlm_observer *observer, simlm_error *err)
{
    simlm_status st = SIMLM_OK;
    char *found = NULL;

    SL_TRY(sl_hub_fetch(&found, name, observer, err));
    if (strlen(found) < size)
        memcpy(dir, found, strlen(found) + 1);
    else
        st = sl_fail(err, SIMLM_E_RANGE, "'%s': a name of over %zu bytes",
                     found, size);
    sl_free(found);
    return st;
}

/* What rank 0 found, or why it did not: the others do not look themselves.  (A
 * transfer that broke and was taken up again leaves a message and no failure.) */
simlm_status simlm_hub_fetch(char *dir, size_t size, const char *name,
                             const simlm_observer *observer, simlm_error *err)
{
    simlm_error why = {SIMLM_OK, ""};
    simlm_status st = SIMLM_OK;
    int64_t n = 0;

    SL_API_NOT_NULL(dir);
    SL_API_NEED(name && sl_hub_is_name(name), "name: not organisation/name");
    if (sl_comm_first()) {
        st = fetch(dir, size, name, observer, &why);
        n = st < 0 ? 0 : (int64_t)strlen(dir) + 1;
    }
    sl_comm_broadcast(&st, sizeof st);
    sl_comm_broadcast(&why, sizeof why);
    if (st < 0)
        return sl_fail(err, st, "%s", why.msg);
    sl_comm_broadcast(&n, sizeof n);
    sl_comm_broadcast(dir, n);
    return SIMLM_OK;
}
