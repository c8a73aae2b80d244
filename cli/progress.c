#include "progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const double DRAW_EVERY = 0.1, PRINT_EVERY = 60,
                    WORTH_A_LINE = 1; /* s */

static double seconds_since(const struct timespec *then)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - then->tv_sec) +
           (double)(now.tv_nsec - then->tv_nsec) * 1e-9;
}

static bool is_terminal(void)
{
    const char *term = getenv("TERM");

    return isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

/* Columns to draw in: one less than there are, or some terminals wrap. */
static int columns(void)
{
    const char *s = getenv("COLUMNS");
    long n = s ? strtol(s, NULL, 10) : 0;
    struct winsize size;

    if (n <= 0)
        n = !ioctl(STDERR_FILENO, TIOCGWINSZ, &size) && size.ws_col
                ? size.ws_col
                : 80;
    return n < BAR_LINE ? (int)n - 1 : BAR_LINE - 1;
}

void progress_init(struct progress *p, bool quiet)
{
    *p =
        (struct progress){.silent = quiet, .terminal = !quiet && is_terminal()};
}

void progress_clear(struct progress *p)
{
    if (atomic_exchange(&p->drawn, false))
        fputs("\r\033[K", stderr);
}

static void draw(struct progress *p)
{
    char line[BAR_LINE];

    bar_format(line, sizeof line, &p->bar, columns());
    fprintf(stderr, "\r%s\033[K", line);
    fflush(stderr);
    atomic_store(&p->drawn, true);
}

static void print(const struct progress *p)
{
    char line[BAR_LINE];

    bar_format(line, sizeof line, &p->bar, 100);
    fprintf(stderr, "%s\n", line);
}

/* The phase is over: what is left of its bar. */
static void finish_phase(struct progress *p)
{
    char line[BAR_LINE];

    progress_clear(p);
    if (!*p->phase || !p->terminal || p->bar.elapsed < WORTH_A_LINE)
        return;
    p->bar.done -= p->pace.first;
    bar_format_end(line, (size_t)columns() + 1, &p->bar);
    fprintf(stderr, "%s\n", line);
}

static void begin_phase(struct progress *p, const char *phase, const char *unit)
{
    finish_phase(p);
    snprintf(p->phase, sizeof p->phase, "%s", phase);
    snprintf(p->unit, sizeof p->unit, "%s", unit);
    p->bar = (struct bar){.phase = p->phase, .unit = p->unit};
    p->pace = (struct pace){.started = false};
    clock_gettime(CLOCK_MONOTONIC, &p->began);
    p->shown = p->began;
}

void progress_report(struct progress *p, const char *phase, int64_t done,
                     int64_t total, const char *unit)
{
    bool fresh = strncmp(p->phase, phase, sizeof p->phase - 1) != 0;

    if (p->silent)
        return;
    if (fresh)
        begin_phase(p, phase, unit);
    p->bar.done = done;
    p->bar.total = total;
    p->bar.elapsed = seconds_since(&p->began);
    pace_add(&p->pace, p->bar.elapsed, done);
    p->bar.rate = p->pace.rate;
    if (!fresh && !(p->terminal && total > 0 && done >= total) &&
        seconds_since(&p->shown) < (p->terminal ? DRAW_EVERY : PRINT_EVERY))
        return;
    if (p->terminal)
        draw(p);
    else if (!fresh)
        print(p);
    clock_gettime(CLOCK_MONOTONIC, &p->shown);
}

void progress_figure(struct progress *p, const char *name, double value)
{
    bar_set_figure(&p->bar, name, value);
}

void progress_end(struct progress *p, bool completed)
{
    if (completed)
        finish_phase(p);
    else
        progress_clear(p);
    *p->phase = '\0';
}

void progress_leave(struct progress *p)
{
    if (atomic_exchange(&p->drawn, false) && write(STDERR_FILENO, "\n", 1) < 0)
        return; /* nobody is left to tell */
}
