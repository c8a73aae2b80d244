/*
 * recipe.h - a pipeline of commands, read from a file and checked as a whole.
 *
 * recipes/README.md has the form.  What a recipe comes to is a list of stages
 * in the order in which they stand, each a command line:
 *
 * recipe_open() reads (recipe_yaml.h), puts variables and names of stages in
 * place of $name (recipe_text.c), makes the stages (recipe_read.c) and those
 * that measure and report (recipe_report.c), has each command check its own
 * line (recipe_check.c, by probe.h) and leaves out what was given
 * (recipe_given.c).  recipe_run() does what is not done yet (recipe_run.c,
 * recipe_state.h).
 *
 * A stage may name only stages before it, so there is no cycle to look for.
 */
#ifndef CLI_RECIPE_H
#define CLI_RECIPE_H

#include <stdbool.h>
#include <stdint.h>

#include <simlm/status.h>

#include "options.h"
#include "pool.h"
#include "recipe_yaml.h"

/* What `simlm run` was asked for. */
struct recipe_options {
    const char *path;         /* of the recipe */
    const char *folder;       /* of the run */
    struct option_list set;   /* "name=value", instead of the recipe's own */
    struct option_list given; /* "stage=path": made already, not to be run */
    int32_t threads;          /* for all stages; negative: as the recipe says */
    bool quiet;
    const char *log_json;
    const char *tensorboard; /* each training's in a directory of its name */
};

/* An option as a recipe gives it, $names replaced. */
struct setting {
    const char *name;
    long line;
    const char **value; /* [n], more than one for what may be given so */
    int n;
    struct setting *next;
};

struct stage {
    const char *name; /* its state lies under this name */
    long line;
    const struct command *command;
    struct setting *settings; /* "inputs" are the operands */

    /* Made by recipe_check_stage(): */
    char **word; /* [n_words] behind the command */
    int n_words;
    const char **input, **output; /* paths */
    int n_inputs, n_outputs;
    const char **model; /* [n_models] the inputs that are models */
    int n_models;
    int32_t tokens;       /* of the longest text that they are to take */
    const char *options;  /* what decides the result beside inputs, as lines */
    const char *defaults; /* the lines of a stage that sets none */
    bool may_overwrite;   /* it has --overwrite */
    bool brief;           /* it does not continue: it is done anew */
    bool ours; /* it measures or reports: made by the report's plan */

    /* Also by the plan: it is not done before the card of that model has what it
     * measured on that dataset.  NULL: it is for no card. */
    const char *card, *dataset;
};

struct symbol {
    const char *name, *value;
    struct symbol *next;
};

struct recipe {
    struct pool pool;
    struct recipe_options o;
    struct node *root;
    const char *title;
    struct symbol *symbols;
    struct stage *stage; /* [n_stages] */
    int n_stages, cap;
    struct report_plan *plan; /* recipe_report.h; NULL: no table */
};

/*
 * *r <- the recipe, checked; recipe_close() it in any case.  E_FORMAT: the one
 * thing that is wrong first, as file:line.
 */
simlm_status recipe_open(struct recipe *r, const struct recipe_options *o,
                         simlm_error *err);
void recipe_close(struct recipe *r);

/* ---- among the recipe's files -------------------------------------------- */

/* recipe_fail() with the recipe's name. */
#define RECIPE_FAIL(r, line, ...)                                              \
    recipe_fail(err, (r)->o.path, line, __VA_ARGS__)

/* The node's text with $name and ${name} replaced, $$ a dollar sign. */
simlm_status recipe_expand(const char **out, struct recipe *r,
                           const struct node *node, simlm_error *err);
/* Letters, digits, _ and -; a letter first. */
bool recipe_name_ok(const char *name);
/* New in the recipe, or an error. */
simlm_status recipe_define(struct recipe *r, const char *name,
                           const char *value, long line, simlm_error *err);

/* Every key of the mapping is one of the names "a|b|c", or an error. */
simlm_status recipe_check_keys(struct recipe *r, const struct node *map,
                               const char *names, simlm_error *err);
/* The child of that key if it is of that kind; *out NULL if it is absent. */
simlm_status recipe_child(struct node **out, struct recipe *r,
                          const struct node *map, const char *key,
                          enum node_kind kind, simlm_error *err);

/* Room for a stage behind the others; pointers to stages are void then. */
struct stage *recipe_add_stage(struct recipe *r, const char *name, long line,
                               const struct command *command);
/* Append a setting of n values, which stay the caller's. */
struct setting *recipe_add_setting(struct recipe *r, struct stage *s,
                                   const char *name, long line, int n);
/* The same of one value. */
void recipe_set(struct recipe *r, struct stage *s, const char *name, long line,
                const char *value);
struct setting *stage_setting(const struct stage *s, const char *name);

/* Have the stage's command check it; fill in what it comes to. */
simlm_status recipe_check_stage(struct recipe *r, struct stage *s,
                                simlm_error *err);
/* What every stage reads is there, or made by a stage before it. */
simlm_status recipe_check_inputs(struct recipe *r, simlm_error *err);
/* Is the path that directory or file, or in it? */
bool recipe_is_within(const char *path, const char *dir);

/* What stands for the stage's output by --given; NULL: it is run. */
const char *recipe_given(const struct recipe *r, const char *stage);
/* Take out the stages that were given, and those that only they read. */
simlm_status recipe_leave_out(struct recipe *r, simlm_error *err);

/* Is the file made by a stage so far, or there already? */
bool recipe_has_file(const struct recipe *r, const char *path);

/* The stages behind the recipe's own: measures and differences of its table. */
simlm_status recipe_plan_report(struct recipe *r, simlm_error *err);

#endif
