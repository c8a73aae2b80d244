/*
 * bar.h - how far a job is, as one line: pure functions of numbers and a width.
 *
 *     training   42% [=====>      ]  840/2000 steps  loss 2.313  6.4/s  3:01 left
 *
 * What does not fit is left out, what says least first: figures but the first,
 * the bar, the count, the rate, the first figure, the time that is left.
 */
#ifndef CLI_BAR_H
#define CLI_BAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BAR_FIGURES = 4, BAR_LINE = 256 };

struct bar {
    const char *phase, *unit;
    int64_t done, total; /* total 0: unknown */
    double rate;         /* units a second; 0: not known yet */
    double elapsed;      /* seconds of the phase */
    struct bar_figure {
        char name[16];
        double value;
    } figure[BAR_FIGURES]; /* of a training: its loss, ... */
    int n_figures;
};

/* The line, without line end, of at most width columns (and size - 1 bytes). */
void bar_format(char *line, size_t size, const struct bar *b, int width);

/* What is said when the phase is over: "encoding: 950 passages in 0:04, 231/s";
 * done is what was done in `elapsed`. */
void bar_format_end(char *line, size_t size, const struct bar *b);

/* Set or replace a figure; the first BAR_FIGURES names are kept. */
void bar_set_figure(struct bar *b, const char *name, double value);

/*
 * The rate of the recent past: old samples fade with a time constant of some
 * seconds, so that the estimate follows a job that slows down, and does not jump
 * about.  The first sample is where the job stood when it began to report: what
 * an earlier run had done is no work of this one.
 */
struct pace {
    bool started;
    double since, last; /* seconds, of any clock */
    int64_t first, done;
    double rate; /* units a second; 0: not known yet */
};
void pace_add(struct pace *p, double now, int64_t done);

#endif
