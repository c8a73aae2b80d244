/* <simlm/card.h>: checks of the caller's contract, then the library. */
#include <simlm/card.h>

#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "eval/eval_card.h"

/* A card with what it is called by; free_place() it in any case. */
struct place {
    struct sl_eval_card card;
    char *readme, *model;
    char dataset[256];
};

void simlm_card_options_init(simlm_card_options *options)
{
    if (options)
        *options = (simlm_card_options){0};
}

bool simlm_card_is_name(const char *dataset)
{
    return dataset && sl_eval_card_name_ok(dataset);
}

static void free_place(struct place *p)
{
    sl_free(p->readme);
    sl_free(p->model);
}

/* E_ARG with what is said of the model if it has none of the files. */
static simlm_status need_file(const char *model, const char *const *names,
                              const char *else_it_is, simlm_error *err)
{
    bool has = false;

    for (; *names && !has; names++) {
        char *path = sl_path_join(model, *names);

        if (!path)
            return sl_fail_nomem(err, model);
        has = sl_file_exists(path);
        sl_free(path);
    }
    return has ? SIMLM_OK
               : sl_fail(err, SIMLM_E_ARG, "'%s' %s", model, else_it_is);
}

/* The directory's own name. */
static char *name_of(const char *dir)
{
    size_t n = strlen(dir), start;

    while (n > 1 && dir[n - 1] == '/')
        n--;
    for (start = n; start && dir[start - 1] != '/';)
        start--;
    return sl_strndup(dir + start, n - start);
}

static simlm_status name_dataset(struct place *p, const simlm_card_options *o,
                                 simlm_error *err)
{
    if (o->dataset)
        snprintf(p->dataset, sizeof p->dataset, "%s", o->dataset);
    else if (strcmp(o->judged, "-") != 0)
        sl_eval_card_name(p->dataset, sizeof p->dataset, o->judged);
    return sl_eval_card_name_ok(p->dataset)
               ? SIMLM_OK
               : sl_fail(err, SIMLM_E_ARG,
                         "a dataset's name in a card is of 1 to 100 bytes, "
                         "none of them \", \\, <, > or a control character; "
                         "got '%s'",
                         p->dataset);
}

static simlm_status find_place(struct place *p, const simlm_card_options *o,
                               simlm_error *err)
{
    static const char *const of_model[] = {"config.json", "modules.json", NULL};
    static const char *const of_card[] = {"README.md", NULL};

    if (!o || !o->model || (!o->dataset && !o->judged))
        return sl_fail(err, SIMLM_E_ARG,
                       "simlm_card: options, model, or dataset and judged are "
                       "NULL");
    SL_TRY(name_dataset(p, o, err));
    SL_TRY(need_file(o->model, of_model, "is no model's directory", err));
    SL_TRY(need_file(o->model, of_card,
                     "has no card: there is no README.md in it", err));
    p->readme = sl_path_join(o->model, "README.md");
    p->model = name_of(o->model);
    p->card = (struct sl_eval_card){p->readme, p->model, p->dataset};
    return p->readme && p->model ? SIMLM_OK : sl_fail_nomem(err, o->model);
}

simlm_status simlm_card_check(const simlm_card_options *options,
                              simlm_error *err)
{
    struct place p = {0};
    simlm_status st = find_place(&p, options, err);

    if (st == SIMLM_OK)
        st = sl_eval_card_put(&p.card, NULL, err);
    free_place(&p);
    return st;
}

simlm_status simlm_card_put(const simlm_card_options *options,
                            const simlm_eval *eval, simlm_error *err)
{
    struct place p = {0};
    simlm_status st =
        eval ? find_place(&p, options, err)
             : sl_fail(err, SIMLM_E_ARG, "simlm_card_put: eval is NULL");

    if (st == SIMLM_OK)
        st = sl_eval_card_put(&p.card, eval, err);
    free_place(&p);
    return st;
}

bool simlm_card_has(const simlm_card_options *options)
{
    struct place p = {0};
    simlm_error ignored;
    bool has = find_place(&p, options, &ignored) == SIMLM_OK &&
               sl_eval_card_has(&p.card);

    free_place(&p);
    return has;
}
