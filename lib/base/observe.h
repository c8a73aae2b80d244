/*
 * base/observe.h - speaking to a job's observer, of whom there may be none, or
 * who may listen to some things only.
 */
#ifndef SL_BASE_OBSERVE_H
#define SL_BASE_OBSERVE_H

#include <simlm/observer.h>

/* `done` of `total` (0: unknown) units of a phase. */
void sl_observe_progress(const simlm_observer *obs, const char *phase,
                         int64_t done, int64_t total, const char *unit);

/* A line for a person. */
void sl_observe_message(const simlm_observer *obs, simlm_level level,
                        const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* A JSON object for a machine; a figure that goes with the next progress. */
void sl_observe_record(const simlm_observer *obs, const char *json);
void sl_observe_figure(const simlm_observer *obs, const char *name,
                       double value);

/* Does it ask the job to stop? */
bool sl_observe_cancelled(const simlm_observer *obs);

#endif
