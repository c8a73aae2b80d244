#include "prepare/outputs.h"

#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

simlm_status sl_outputs_begin(struct sl_outputs *o, const char *folder,
                              bool overwrite, simlm_error *err)
{
    *o = (struct sl_outputs){.folder = folder,
                             .overwrite = overwrite,
                             .made_folder = !sl_file_exists(folder)};
    return sl_dir_make(folder, err);
}

static simlm_status open_one(struct sl_outputs *o, const char *path,
                             simlm_error *err)
{
    if (!o->overwrite && sl_file_exists(path))
        return sl_fail(err, SIMLM_E_ARG,
                       "'%s' is there already: give another folder, or "
                       "overwrite it",
                       path);
    return sl_out_open(&o->out[o->n - 1], path, err);
}

simlm_status sl_outputs_add(struct sl_outputs *o, struct sl_out **out,
                            const char *name, simlm_error *err)
{
    char *path;

    if (o->n == SL_OUTPUTS_MAX)
        return sl_fail(err, SIMLM_E_RANGE, "'%s': more than %d files to write",
                       o->folder, SL_OUTPUTS_MAX);
    path = sl_path_join(o->folder, name);
    if (!path)
        return sl_fail_nomem(err, "an output's name");
    for (int i = 0; i < o->n; i++)
        if (!strcmp(o->path[i], path)) {
            sl_free(path);
            return sl_fail(err, SIMLM_E_FORMAT,
                           "two files would become '%s/%s'", o->folder, name);
        }
    *out = &o->out[o->n];
    o->path[o->n++] = path;
    return open_one(o, path, err);
}

simlm_status sl_outputs_commit(struct sl_outputs *o, simlm_error *err)
{
    for (; o->n_named < o->n; o->n_named++)
        SL_TRY(sl_out_commit(&o->out[o->n_named], err));
    o->n_named = 0;
    o->made_folder = false;
    return SIMLM_OK;
}

/* What has its name already goes, too, unless it has replaced something. */
void sl_outputs_abort(struct sl_outputs *o)
{
    for (int i = 0; i < o->n; i++) {
        sl_out_abort(&o->out[i]);
        if (i < o->n_named && !o->overwrite)
            unlink(o->path[i]);
        sl_free(o->path[i]);
    }
    if (o->made_folder)
        rmdir(o->folder); /* unless somebody else has put something there */
    *o = (struct sl_outputs){0};
}
