/*
 * recipe_state.h - what of a run is done, in the folder "state" beside it.
 *
 *   state/<stage>.done    what the stage was made of, and what it left:
 *
 *       finetune                             the command
 *       --steps 300                          every option that decides
 *       < 1 model.safetensors 91be...        hashes of what it read, by input
 *       > retriever/config.json 5d0c...      and of what it wrote
 *
 *   state/<stage>.begun   the same without the last part, while it is at work
 *   state/<stage>.time    seconds of the clock and of the processor, so far
 *   state/hashes          hashes by path, size and time of change
 *   state/lock            held by whoever runs the recipe,
 *   state/working         ... and by the command that works for it
 *
 * A stage is done if its text would come out the same now: nothing that it read
 * has changed, no option, and nothing that it wrote.  Of a directory count the
 * files in it but hidden ones, logs, checkpoints, records of how it came about
 * (command.json) and a model's card (README.md), which people and measures are
 * written into later.  Where files lie does not count, nor does an option that
 * the text does not know, of a later version's, if it has its default.
 */
#ifndef CLI_RECIPE_STATE_H
#define CLI_RECIPE_STATE_H

#include <stdbool.h>

#include "recipe.h"

struct state {
    struct pool *pool;
    const char *folder;       /* of the run */
    struct known_hash *known; /* private */
    bool may_write;           /* private */
    bool changed;             /* private: state/hashes is to be written */
    int lock;                 /* private */
};

/*
 * Make the run's folder and its state, and lock it.  For looking only
 * (may_write false) nothing is made or locked.  E_ARG: another run is at work
 * there.
 */
simlm_status state_open(struct state *s, struct pool *pool, const char *folder,
                        bool may_write, simlm_error *err);
void state_close(struct state *s);

/* *key <- the stage's text without what it leaves; its inputs are all there. */
simlm_status state_key(const char **key, struct state *s, const struct stage *g,
                       simlm_error *err);

/* Was the stage done with that key, and is what it left still so? */
bool state_is_done(struct state *s, const struct stage *g, const char *key);

/* Was the stage begun with that key, and not done? */
bool state_is_begun(struct state *s, const struct stage *g, const char *key);

/* Is there any trace of the stage in the state? */
bool state_knows(struct state *s, const struct stage *g);

/* What is new in the key: an option's line, or an input's path; or NULL. */
const char *state_reason(struct state *s, const struct stage *g,
                         const char *key);

simlm_status state_begin(struct state *s, const struct stage *g,
                         const char *key, simlm_error *err);
simlm_status state_finish(struct state *s, const struct stage *g,
                          const char *key, simlm_error *err);

/* Add to the stage's time. */
simlm_status state_spend(struct state *s, const struct stage *g, double seconds,
                         double processor, simlm_error *err);
/* A stage_times of recipe_report.h; ctx is the state. */
bool state_times(void *ctx, const struct stage *g, double *seconds,
                 double *processor);

/* Write a file of the run's folder as a whole, if it does not hold that yet. */
simlm_status state_write(struct state *s, const char *name, const char *text,
                         simlm_error *err);

/*
 * Called by the process that will do a stage's work: hold state/working until
 * the process ends.  What a killed run left at work is waited for.
 */
bool state_hold_work(const struct state *s);

#endif
