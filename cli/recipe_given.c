/*
 * recipe_given.c - stages whose result is at hand: --given stage=path.
 *
 * Such a stage is read and checked as the others are, but $stage is the path
 * for those below, and it is not run; nor is a stage that only such stages
 * read.
 */
#include <string.h>

#include <simlm/hub.h>

#include "recipe.h"

const char *recipe_given(const struct recipe *r, const char *stage)
{
    size_t n = strlen(stage);
    const char *path = NULL;

    for (int i = 0; i < r->o.given.n; i++)
        if (!strncmp(r->o.given.item[i], stage, n) &&
            r->o.given.item[i][n] == '=')
            path = r->o.given.item[i] + n + 1;
    return path;
}

/* "stage=path", of a stage of the recipe. */
static bool names_stage(const struct recipe *r, const char *given)
{
    size_t n = strcspn(given, "=");

    if (!given[n] || !given[n + 1])
        return false;
    for (int i = 0; i < r->n_stages; i++)
        if (strlen(r->stage[i].name) == n && !r->stage[i].ours &&
            !strncmp(r->stage[i].name, given, n))
            return true;
    return false;
}

static bool reads(const struct stage *reader, const struct stage *s)
{
    for (int i = 0; i < reader->n_inputs; i++)
        for (int k = 0; k < s->n_outputs; k++)
            if (recipe_is_within(reader->input[i], s->output[k]))
                return true;
    return false;
}

/* Some read it, and all that do are left out; those behind it are judged. */
static bool is_idle(const struct recipe *r, const struct stage *s,
                    const bool *left_out)
{
    bool read = false;

    for (int i = (int)(s - r->stage) + 1; i < r->n_stages; i++) {
        if (!reads(&r->stage[i], s))
            continue;
        if (!left_out[i])
            return false;
        read = true;
    }
    return read;
}

/* Also what no stage reads: it may be a typing error. */
static simlm_status check_paths(const struct recipe *r, simlm_error *err)
{
    for (int i = 0; i < r->o.given.n; i++) {
        const char *path = strchr(r->o.given.item[i], '=') + 1;

        if (!recipe_has_file(r, path) && !simlm_hub_is_name(path)) {
            snprintf(err->msg, sizeof err->msg,
                     "--given %s: '%s' does not exist", r->o.given.item[i],
                     path);
            return err->code = SIMLM_E_ARG;
        }
    }
    return SIMLM_OK;
}

simlm_status recipe_leave_out(struct recipe *r, simlm_error *err)
{
    bool *left_out =
        pool_take(&r->pool, (size_t)r->n_stages + 1, sizeof *left_out);
    int kept = 0;

    for (int i = 0; i < r->o.given.n; i++)
        if (!names_stage(r, r->o.given.item[i])) {
            snprintf(err->msg, sizeof err->msg,
                     "--given %s: expected stage=path, of a stage of %s",
                     r->o.given.item[i], r->o.path);
            return err->code = SIMLM_E_ARG;
        }
    for (int i = r->n_stages - 1; i >= 0; i--)
        left_out[i] = recipe_given(r, r->stage[i].name) ||
                      is_idle(r, &r->stage[i], left_out);
    for (int i = 0; i < r->n_stages; i++)
        if (!left_out[i])
            r->stage[kept++] = r->stage[i];
    r->n_stages = kept;
    return check_paths(r, err);
}
