/*
 * probe.h - a command asked what it makes of a command line, without work done.
 *
 * A recipe is checked by the commands themselves: their tables say which
 * options there are, and their own checks which must be given.  While a probe
 * is on,
 *
 *   options_parse()   shows the command's table, defaults in it, to on_table;
 *   cli_run_begin()   shows the parsed line to on_line, unless the job would
 *                     refuse its options (cli_run.refused), and returns false;
 *   complaints        are kept in `message`, not printed.
 *
 * So a command must change nothing before cli_run_begin(), and every command
 * that can be a stage of a recipe must call it.
 */
#ifndef CLI_PROBE_H
#define CLI_PROBE_H

#include <stdarg.h>
#include <stdbool.h>

struct command;
struct option_line;
struct option_row;

struct probe {
    /* What is pointed to is gone when the command returns.  on_line may be
     * NULL: then the command gets no farther than its table. */
    void (*on_table)(void *ctx, const struct option_row *options);
    void (*on_line)(void *ctx, const struct option_line *line, bool brief);
    void *ctx;
    char message[512]; /* the first complaint; "" if there was none */
};

/* word: [n] what stands behind the command's name. */
void probe_command(struct probe *p, const struct command *c, int n,
                   char *const *word);

/* ---- for options.c and cli_run.c: all do nothing when no probe is on ----- */

bool probe_is_on(void);
/* True: the table was all that is asked for. */
bool probe_table(const struct option_row *options);
void probe_line(const struct option_line *line, bool brief);

/* Keep a complaint; false: there is no probe, print it. */
bool probe_complaint(const char *fmt, va_list ap)
    __attribute__((format(printf, 1, 0)));

#endif
