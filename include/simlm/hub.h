/*
 * simlm/hub.h - models by name, from Hugging Face's cache and hub.
 *
 *   char dir[4096];
 *
 *   if (simlm_hub_is_name(model))
 *       st = simlm_hub_fetch(dir, sizeof dir, model, NULL, &err);
 *
 * The cache is huggingface_hub's: HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME or
 * ~/.cache/huggingface/hub.  What it holds is used without asking the network.
 * Else the model's files are fetched into it, from HF_ENDPOINT
 * (https://huggingface.co) with HF_TOKEN or the token of `hf login`, unless
 * HF_HUB_OFFLINE is set.  If a cached model has no modules.json, which
 * transformers does not fetch, that and the other side files are.
 *
 * Experimental.
 */
#ifndef SIMLM_HUB_H
#define SIMLM_HUB_H

#include <stdbool.h>
#include <stddef.h>

#include <simlm/observer.h>
#include <simlm/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Has it the form "organisation/name", and is no file or directory so named? */
SIMLM_API bool simlm_hub_is_name(const char *model);

/*
 * dir [size] <- the directory of the model of that name.  Each file is of the
 * size and hash that the hub says; a transfer that broke is taken up again.
 * Progress is in bytes, a phase a file.  Of several ranks (simlm/ranks.h), which
 * all call it, the first looks and fetches; the others have what it found.
 *
 *   E_IO         not in the cache and offline; the hub cannot be reached or
 *                refuses
 *   E_FORMAT     a file or answer is not what the hub says
 *   E_CANCELLED  what was fetched is kept for the next time
 *   E_RANGE      the directory's name does not fit
 *   E_NOMEM
 */
SIMLM_API simlm_status simlm_hub_fetch(char *dir, size_t size, const char *name,
                                       const simlm_observer *observer,
                                       simlm_error *err);

#ifdef __cplusplus
}
#endif
#endif /* SIMLM_HUB_H */
