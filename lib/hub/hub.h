/*
 * hub/hub.h - models by name, "organisation/name": Hugging Face's cache, and
 * what is not in it from the hub.
 *
 *   <cache>/models--<org>--<name>/
 *     refs/main                     the commit that "main" was
 *     snapshots/<commit>/<file>     links to ...
 *     blobs/<hash>                  ... the files by their hashes
 *     blobs/<hash>.incomplete       what a broken transfer has left
 *     .no_exist/<commit>/<file>     the commit has no such file
 *
 * The layout is huggingface_hub's, so either finds what the other fetched.  The
 * cache is HF_HUB_CACHE, else HF_HOME/hub, else XDG_CACHE_HOME/huggingface/hub,
 * else ~/.cache/huggingface/hub; a ~ in front of any is HOME.
 *
 * A model that is in the cache is used as it is, and the network is not asked:
 * the same command gives the same result tomorrow.  Else the hub (HF_ENDPOINT,
 * with HF_TOKEN or the token of `hf login`, if there is one) is asked for the commit and its files; those
 * that a model needs are fetched, each whole and of the size and hash that the
 * hub says or not at all; refs/main is written last.  HF_HUB_OFFLINE=1 (or on,
 * yes, true) forbids the network.
 *
 * The one exception is a model that lacks modules.json, and no marker says that
 * there is none: transformers never asks for it.  Then the side files of its
 * commit are fetched; if the hub may not be or is not reached, a warning says
 * that vectors are those of [CLS].
 */
#ifndef SL_HUB_HUB_H
#define SL_HUB_HUB_H

#include <simlm/observer.h>

#include "base/status.h"

/* Can it be a name ("org/name"), and is no file or directory of that path? */
bool sl_hub_is_name(const char *model);

/*
 * *dir <- the directory of the model `name`, "org/name"; sl_free() it.
 *
 *   E_IO         not in the cache and offline, or the hub could not be reached
 *   E_FORMAT     the hub's answer is not understood, a file is not what it says
 *   E_CANCELLED  what was fetched so far is kept
 *   E_NOMEM
 */
simlm_status sl_hub_fetch(char **dir, const char *name,
                          const simlm_observer *observer, simlm_error *err);

#endif
