/* hub/download.h - one file of the hub into a cache's blobs. */
#ifndef SL_HUB_DOWNLOAD_H
#define SL_HUB_DOWNLOAD_H

#include <stdint.h>

#include <simlm/observer.h>

#include "base/status.h"
#include "hub/digest.h"

struct sl_hub_file {
    const char *name; /* within the repository */
    const char *hash; /* of that kind: its name among the blobs, too */
    enum sl_digest kind;
    int64_t size;
};

/*
 * Make <folder>/blobs/<hash>: nothing to do if it is there.  A transfer that
 * breaks is taken up again where it broke, here a few times, and by later calls.
 * Another process that fetches the same file is an error.
 */
simlm_status sl_hub_download(const char *folder, const struct sl_hub_file *f,
                             const char *url, const char *token,
                             const simlm_observer *observer, simlm_error *err);

#endif
