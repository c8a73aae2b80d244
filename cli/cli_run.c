/* cli_run.c - the observer behind every command: bars, messages, logs, signals. */
#include "cli.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

static atomic_bool stop_requested;
static sigset_t caught;

void cli_error(const char *fmt, ...)
{
    va_list ap;

    fputs("simlm: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}

static void on_progress(void *ctx, const char *phase, int64_t done,
                        int64_t total, const char *unit)
{
    struct cli_run *run = ctx;

    progress_report(&run->progress, phase, done, total, unit);
}

static void on_figure(void *ctx, const char *name, double value)
{
    struct cli_run *run = ctx;

    progress_figure(&run->progress, name, value);
}

static void on_message(void *ctx, simlm_level level, const char *line)
{
    struct cli_run *run = ctx;

    progress_clear(&run->progress);
    if (level == SIMLM_WARNING)
        cli_error("warning: %s", line);
    else if (!run->quiet)
        fprintf(stderr, "%s\n", line);
}

static void on_record(void *ctx, const char *json)
{
    struct cli_run *run = ctx;

    if (run->log)
        fprintf(run->log, "%s\n", json);
}

static bool on_cancelled(void *ctx)
{
    (void)ctx;
    return atomic_load(&stop_requested);
}

/*
 * The first signal asks the job to save and stop; the second kills.
 *
 * A thread waits for them, and all others block them: no handler runs on a
 * computing thread, and what is done here need not be safe in a handler.
 */
static void *wait_for_signals(void *ctx)
{
    struct cli_run *run = ctx;
    int sig;

    while (!sigwait(&caught, &sig)) {
        if (atomic_exchange(&stop_requested, true)) {
            progress_leave(&run->progress);
            signal(sig, SIG_DFL);
            pthread_sigmask(SIG_UNBLOCK, &caught, NULL);
            raise(sig);
        } else if (run->progress.terminal) {
            progress_leave(&run->progress);
            cli_error("stopping; interrupt again to end at once");
        }
    }
    return NULL;
}

/* What the caller has us ignore (nohup, a shell's background) stays ignored. */
static void add_unless_ignored(sigset_t *set, int sig)
{
    struct sigaction now;

    if (!sigaction(sig, NULL, &now) && now.sa_handler != SIG_IGN)
        sigaddset(set, sig);
}

static void catch_signals(struct cli_run *run)
{
    pthread_t waiter;

    sigemptyset(&caught);
    add_unless_ignored(&caught, SIGINT);
    add_unless_ignored(&caught, SIGTERM);
    /* Threads that are made from now on inherit the mask. */
    pthread_sigmask(SIG_BLOCK, &caught, NULL);
    if (pthread_create(&waiter, NULL, wait_for_signals, run))
        pthread_sigmask(SIG_UNBLOCK, &caught, NULL);
    else
        pthread_detach(waiter);
}

bool cli_run_begin(struct cli_run *run)
{
    run->observer = (simlm_observer){ .ctx = run,
                                      .message = on_message,
                                      .cancelled = on_cancelled };
    if (!run->quiet) {
        run->observer.progress = on_progress;
        run->observer.figure = on_figure;
    }
    progress_init(&run->progress, run->quiet);
    run->bar = run->progress.terminal;
    if (run->log_json) {
        run->log = fopen(run->log_json, "a");
        if (!run->log) {
            cli_error("cannot write '%s': %s", run->log_json, strerror(errno));
            return false;
        }
        setvbuf(run->log, NULL, _IOLBF, 0);
        run->observer.record = on_record;
    }
    if (!run->brief)
        catch_signals(run);
    return true;
}

int cli_run_end(struct cli_run *run, simlm_status st)
{
    progress_end(&run->progress, st == SIMLM_OK);
    if (run->log && (ferror(run->log) | fclose(run->log)) && st == SIMLM_OK) {
        cli_error("cannot write '%s'", run->log_json);
        return CLI_FAILED;
    }
    if (st < 0)
        cli_error("%s", *run->err.msg ? run->err.msg : simlm_strstatus(st));
    return st < 0 ? CLI_FAILED : CLI_OK;
}
