/*
 * run_log.h - what --log-json appends: a record of the run, one JSON object a
 * line, each with an "event".
 *
 *   command    command, arguments, operands, options, simlm (the version), time
 *   progress   phase, done, total, unit, seconds: when a phase begins and ends,
 *              and every ten seconds in between
 *   message, warning   text
 *   result     outputs, seconds
 *   error      status, text, seconds
 *
 * The first and one of the last two are there for every command.  Trainings add
 * their own: start or resume, step, eval.
 */
#ifndef CLI_RUN_LOG_H
#define CLI_RUN_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <simlm/status.h>

#include "options.h"

struct cli_log {
    FILE *f; /* NULL: no log is kept, and all below do nothing */
    char phase[48];
    double told; /* seconds of the run, of the last progress */
};

/* path "-": standard output.  False: cannot be opened, errno says why. */
bool run_log_open(struct cli_log *log, const char *path);

void run_log_command(struct cli_log *log, const struct option_line *line);
void run_log_progress(struct cli_log *log, double seconds, const char *phase,
                      int64_t done, int64_t total, const char *unit);
void run_log_text(struct cli_log *log, const char *event, const char *text);
void run_log_json(struct cli_log *log, const char *json);
void run_log_result(struct cli_log *log, double seconds,
                    const struct option_line *line);
void run_log_error(struct cli_log *log, double seconds, simlm_status st,
                   const char *text);

/* False: something could not be written. */
bool run_log_close(struct cli_log *log);

#endif
