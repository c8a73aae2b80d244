/*
 * hub/hub_files.h - which files of a repository, or of a snapshot of one, are a
 * model's.
 *
 * A model of one encoder has its weights in its own folder, in a file or in the
 * pieces that an index names.  One of two encoders has a folder for each:
 * query_model and passage_model, or those that router_config.json names.
 */
#ifndef SL_HUB_HUB_FILES_H
#define SL_HUB_HUB_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "base/strmap.h"

/* Files of an encoder, or of what two share, that may be there; NULL ends. */
extern const char *const sl_hub_side_files[];

/* The first of these that is there has the weights; NULL ends. */
extern const char *const sl_hub_weight_files[];

/* The folders of two encoders where no router_config.json names others; NULL
 * ends. */
extern const char *const sl_hub_towers[];

/* Is it the name of an index of weights? */
bool sl_hub_is_index(const char *name);

/* Can the n characters be a name that in a path and in an address is nothing
 * else: letters, digits and -_. with no . in front? */
bool sl_hub_is_plain(const char *s, size_t n);

/*
 * *pieces <- the files that the index at `path` names, each once; they lie beside
 * it.  sl_strmap_free().  E_IO, E_FORMAT (a name that is not plain), E_NOMEM.
 */
simlm_status sl_hub_pieces(struct sl_strmap **pieces, const char *path,
                           simlm_error *err);

/* The same: the folders of a router_config.json's modules, with 1 for an encoder
 * and 0 for what is none. */
simlm_status sl_hub_modules(struct sl_strmap **folders, const char *path,
                            simlm_error *err);

/*
 * Does the folder hold a whole model: config.json, a tokenizer, weights, all
 * pieces of them; of two encoders both?  What cannot be read is not there.
 */
bool sl_hub_holds_model(const char *dir);

#endif
