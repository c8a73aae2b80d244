#include "train/kept.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"

/* Is the word one of those in the list? */
static bool is_among(const char *word, const char *list)
{
    size_t n = strlen(word);

    for (const char *at = list; n && *at; at += strcspn(at, " ")) {
        at += *at == ' ';
        if (strcspn(at, " ") == n && !strncmp(at, word, n))
            return true;
    }
    return false;
}

simlm_status sl_kept_check(const simlm_train_options *o, const char *measures,
                           int64_t n_eval, simlm_error *err)
{
    if (!o->keep_best)
        return SIMLM_OK;
    if (!is_among(o->keep_best, measures))
        return sl_fail(err, SIMLM_E_ARG,
                       "keep-best is '%s': expected one of %s", o->keep_best,
                       measures);
    return n_eval ? SIMLM_OK
                  : sl_fail(err, SIMLM_E_ARG,
                            "keep-best: no examples are held out to tell the "
                            "best by");
}

/* *value <- the measure of the model described in the file; *found: is it there?
 * A file that is no description has none. */
static simlm_status read_measure(double *value, bool *found, const char *path,
                                 const char *measure, simlm_error *err)
{
    struct sl_json_doc *doc = NULL;
    simlm_status st;

    *found = false;
    if (!sl_file_exists(path))
        return SIMLM_OK;
    st = sl_json_load(&doc, path, err);
    if (st == SIMLM_OK)
        *found = sl_json_is_real(
            sl_json_field(sl_json_field(sl_json_root(doc), "held_out"),
                          measure),
            value);
    sl_json_free(doc);
    return st == SIMLM_E_FORMAT ? SIMLM_OK : st;
}

simlm_status sl_kept_is_better(bool *better, const char *run,
                               const char *measure, const struct sl_meters *now,
                               simlm_error *err)
{
    char *path = sl_path_join(run, "best/train.json");
    double x = sl_meters_mean(now, measure), best = 0;
    bool found;
    simlm_status st;

    if (!path)
        return sl_fail_nomem(err, "a file's name");
    st = read_measure(&best, &found, path, measure, err);
    sl_free(path);
    if (st == SIMLM_OK)
        *better = !found || (strcmp(measure, "loss") ? x > best : x < best);
    return st;
}

simlm_status sl_kept_describe(const struct sl_rundir *run, const char *dir,
                              int64_t step, const struct sl_meters *held_out,
                              simlm_error *err)
{
    struct sl_str rest = {0};
    struct sl_json_writer w = {.s = &rest};
    simlm_status st;

    sl_str_printf(&rest, "\"step\": %" PRId64, step);
    if (held_out->n) {
        sl_str_puts(&rest, ",\n \"held_out\": ");
        sl_json_begin(&w, NULL, '{');
        sl_meters_report(held_out, &w);
        sl_json_end(&w);
    }
    st = sl_str_ok(&rest) ? sl_rundir_describe(run, dir, rest.s, err)
                          : sl_fail_nomem(err, "a model's description");
    sl_str_free(&rest);
    return st;
}
