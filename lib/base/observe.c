#include "base/observe.h"

#include <stdarg.h>
#include <stdio.h>

void sl_observe_progress(const simlm_observer *obs, const char *phase,
                         int64_t done, int64_t total, const char *unit)
{
    if (obs && obs->progress)
        obs->progress(obs->ctx, phase, done, total, unit);
}

void sl_observe_message(const simlm_observer *obs, simlm_level level,
                        const char *fmt, ...)
{
    char line[600];
    va_list ap;

    if (!obs || !obs->message)
        return;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    obs->message(obs->ctx, level, line);
}

void sl_observe_record(const simlm_observer *obs, const char *json)
{
    if (obs && obs->record)
        obs->record(obs->ctx, json);
}

void sl_observe_figure(const simlm_observer *obs, const char *name,
                       double value)
{
    if (obs && obs->figure)
        obs->figure(obs->ctx, name, value);
}

bool sl_observe_cancelled(const simlm_observer *obs)
{
    return obs && obs->cancelled && obs->cancelled(obs->ctx);
}
