/*
 * simlm/observer.h - how long work reports to the program that called it.
 *
 * The library never prints.  Jobs that take more than a moment accept a
 * `const simlm_observer *`; NULL, or any NULL member, means "do not tell me".
 * Callbacks run on the thread that called the job.
 */
#ifndef SIMLM_OBSERVER_H
#define SIMLM_OBSERVER_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum simlm_level { SIMLM_INFO = 0, SIMLM_WARNING = 1 } simlm_level;

typedef struct simlm_observer {
    void *ctx;
    /* `done` of `total` (0: unknown) `unit`s of the phase called `phase`; the
     * first report of a phase is where it stands when it begins.  A job that
     * finds everything done already reports none. */
    void (*progress)(void *ctx, const char *phase, int64_t done, int64_t total,
                     const char *unit);
    /* One line for a person, without newline. */
    void (*message)(void *ctx, simlm_level level, const char *line);
    /* One JSON object for a machine, on one line without newline. */
    void (*record)(void *ctx, const char *json);
    /* True asks the job to save what it has and return E_CANCELLED. */
    bool (*cancelled)(void *ctx);
    /* A figure of the work at this moment, such as "loss" or "tokens/s"; it
     * goes with the progress that is reported next. */
    void (*figure)(void *ctx, const char *name, double value);
} simlm_observer;

#ifdef __cplusplus
}
#endif
#endif /* SIMLM_OBSERVER_H */
