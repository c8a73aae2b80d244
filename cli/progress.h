/*
 * progress.h - how far a command is, on stderr: a bar that is drawn over itself
 * on a terminal, otherwise a line a minute.
 *
 * A terminal is a tty whose TERM is neither unset nor "dumb".  No colours are
 * used, so NO_COLOR has nothing to turn off.  COLUMNS, if it is exported, is the
 * width; otherwise the terminal's own is asked for at each drawing.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdatomic.h>
#include <time.h>

#include "bar.h"

struct progress {
    bool terminal; /* draw bars */
    bool silent;   /* show nothing at all */
    /* private */
    struct bar bar;
    struct pace pace;
    char phase[48], unit[24];
    struct timespec began, shown;
    atomic_bool drawn; /* the cursor is behind a bar */
};

void progress_init(struct progress *p, bool quiet);
void progress_report(struct progress *p, const char *phase, int64_t done,
                     int64_t total, const char *unit);
void progress_figure(struct progress *p, const char *name, double value);

/* Take the bar away, so that something else can be printed. */
void progress_clear(struct progress *p);

/* The job is over.  On a terminal a phase that took a second leaves a line, if
 * it was completed. */
void progress_end(struct progress *p, bool completed);

/* From another thread, before the process ends: do not leave the shell's prompt
 * behind a bar. */
void progress_leave(struct progress *p);

#endif
