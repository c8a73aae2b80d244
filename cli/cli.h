/*
 * cli.h - what every command of the program shares.
 *
 * stdout is the result, stderr the chatter.  A command is a function that
 * parses its option table, calls one job of the library and returns an exit
 * code:
 *
 *     int cmd_encode(int argc, char **argv)
 *     {
 *         struct cli_run run = CLI_RUN_INIT;
 *         simlm_encode_options o;
 *         simlm_encode_options_init(&o);
 *         const struct option_row options[] = {
 *             OPT_MODEL('m', "model", &o.model, "the encoder"),
 *             CLI_COMMON_OPTIONS(&run),
 *             OPT_END()
 *         };
 *         ...
 *         if (!cli_run_begin(&run))
 *             return CLI_FAILED;
 *         o.threads = run.threads;
 *         return cli_run_end(&run, simlm_encode_files(&o, &run.observer,
 *                                                     &run.err));
 *     }
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <simlm/observer.h>
#include <simlm/status.h>

#include "options.h"
#include "progress.h"
#include "run_log.h"

enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

/* "simlm: <message>" on stderr. */
void cli_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

struct cli_run {
    int32_t threads;
    bool quiet;
    const char *log_json;
    /* Set before cli_run_begin() by commands of a moment: SIGINT and SIGTERM
     * kill them.  The jobs of others are asked to save and stop. */
    bool brief;
    /* Set before cli_run_begin() by commands whose job several processes can
     * do together (simlm/ranks.h). */
    bool ranks;

    /* Set before cli_run_begin(), with err, by commands whose job can tell of
     * its options that it would refuse them: a recipe asks in advance. */
    simlm_status refused;

    simlm_observer observer; /* pass its address to the job */
    simlm_error err;
    bool bar; /* stderr is a terminal */

    /* private */
    struct option_line line;
    struct progress progress;
    struct cli_log log; /* --log-json */
    struct timespec began;
    bool worked; /* the job reported progress */
};
/* clang-format off */
#define CLI_RUN_INIT { .threads = 0, .err = { SIMLM_OK, "" } }

/* The rows that long-running commands share. */
#define CLI_COMMON_OPTIONS(run)                                               \
    OPT_CONTEXT(&(run)->line),                                                \
    OPT_GROUP("Running"),                                                     \
    OPT_INT('t', "threads", &(run)->threads, 0, 1024, "n",                    \
            "threads; 0: one a core"),                                        \
    OPT_FLAG('q', "quiet", &(run)->quiet, "no progress, no messages"),        \
    OPT_PATH(0, "log-json", &(run)->log_json, "file",                         \
             "append records of the run, one JSON object a line; "            \
             "-: standard output")
/* clang-format on */

/* Open the log, catch signals (see brief), start the clock, find the models that
 * are given by name.  False: reported. */
bool cli_run_begin(struct cli_run *run);

/*
 * *model, if it is a name for the hub, <- its directory, fetched if need be.
 * cli_run_begin() does that for the options that are models (OPT_MODEL); this is
 * for operands.  False: reported.
 */
bool cli_run_model(struct cli_run *run, const char **model);

/*
 * Clear the bar, report the error if there is one, leave a record of the run
 * beside each output (simlm/provenance.h); the exit code.
 */
int cli_run_end(struct cli_run *run, simlm_status st);

#endif
