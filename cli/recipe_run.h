/* recipe_run.h - do what of a recipe is not done yet. */
#ifndef CLI_RECIPE_RUN_H
#define CLI_RECIPE_RUN_H

#include "recipe.h"

/*
 * *worked <- whether there was anything to do.  A stage that fails has said
 * why; SIGINT and SIGTERM go to the stage at work, which saves (E_CANCELLED).
 */
simlm_status recipe_run(bool *worked, struct recipe *r, simlm_error *err);

/* Print each stage, its command line, and if it is done; change nothing. */
simlm_status recipe_show(struct recipe *r, simlm_error *err);

#endif
