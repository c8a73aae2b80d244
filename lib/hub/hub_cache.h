/* hub/hub_cache.h - where Hugging Face's cache has what (hub.h draws it). */
#ifndef SL_HUB_HUB_CACHE_H
#define SL_HUB_HUB_CACHE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

/* *folder <- "<cache>/models--<org>--<name>", sl_free() it. */
simlm_status sl_hub_folder(char **folder, const char *name, simlm_error *err);

/*
 * *token <- HF_TOKEN, else what `hf login` has left in HF_TOKEN_PATH or the
 * token file beside the cache; sl_free() it.  NULL: there is none.
 */
simlm_status sl_hub_token(char **token, simlm_error *err);

/*
 * *dir <- the snapshot that refs/main of folder names, if it holds a model
 * (hub_files.h); else NULL.
 */
simlm_status sl_hub_snapshot(char **dir, const char *folder, simlm_error *err);

/* "<folder>/snapshots/<commit>"; NULL if out of memory. */
char *sl_hub_snapshot_path(const char *folder, const char *commit);

/* snapshots/<commit>/<file> <- a link to blobs/<hash>. */
simlm_status sl_hub_link(const char *folder, const char *commit,
                         const char *file, const char *hash, simlm_error *err);

/* Write refs/main. */
simlm_status sl_hub_set_main(const char *folder, const char *commit,
                             simlm_error *err);

/* The marker that the commit has no such file: is it there; make it. */
bool sl_hub_is_absent(const char *folder, const char *commit, const char *file);
simlm_status sl_hub_set_absent(const char *folder, const char *commit,
                               const char *file, simlm_error *err);

/* Is s n lower-case hexadecimal digits? */
bool sl_hub_is_hex(const char *s, size_t n);

#endif
