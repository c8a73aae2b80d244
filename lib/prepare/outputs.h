/*
 * prepare/outputs.h - the files that a preparation makes in its folder.
 *
 * They get their names when all are written: one that fails leaves nothing,
 * and not the folder either, if it made it.
 */
#ifndef SL_PREPARE_OUTPUTS_H
#define SL_PREPARE_OUTPUTS_H

#include <stdbool.h>

#include "base/file.h"
#include "base/status.h"

enum { SL_OUTPUTS_MAX = 64 };

struct sl_outputs {
    const char *folder; /* borrowed */
    bool overwrite, made_folder;
    struct sl_out out[SL_OUTPUTS_MAX];
    char *path[SL_OUTPUTS_MAX];
    int n, n_named; /* those before n_named have their names */
};

/* Make the folder. */
simlm_status sl_outputs_begin(struct sl_outputs *o, const char *folder,
                              bool overwrite, simlm_error *err);

/*
 * Begin the file <folder>/<name>; *out, where to write, is o's.
 *
 *   E_ARG     it is there already, and is not to be overwritten
 *   E_FORMAT  it has been added before
 *   E_RANGE   more than SL_OUTPUTS_MAX
 *   E_IO, E_NOMEM
 */
simlm_status sl_outputs_add(struct sl_outputs *o, struct sl_out **out,
                            const char *name, simlm_error *err);

simlm_status sl_outputs_commit(struct sl_outputs *o, simlm_error *err);
void sl_outputs_abort(struct sl_outputs *o); /* after commit: no-op */

#endif
