#include "retrieve/retrieve_jobs.h"

#include <stdarg.h>
#include <stdio.h>

void sl_job_message(const simlm_observer *obs, simlm_level level,
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

bool sl_job_cancelled(const simlm_observer *obs)
{
    return obs && obs->cancelled && obs->cancelled(obs->ctx);
}
