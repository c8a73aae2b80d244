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

void cli_error(const char *fmt, ...)
{
    va_list ap;

    fputs("simlm: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}

static double seconds_since(const struct timespec *then)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - then->tv_sec) +
           (double)(now.tv_nsec - then->tv_nsec) * 1e-9;
}

static void clear_bar(const struct cli_run *run)
{
    if (run->bar && *run->phase)
        fputs("\r\033[K", stderr);
}

static void draw_bar(const struct cli_run *run, int64_t done, int64_t total,
                     const char *unit)
{
    double took = seconds_since(&run->phase_start);
    double rate = took > 0 ? (double)done / took : 0;

    fprintf(stderr, "\r\033[K%s  %lld", run->phase, (long long)done);
    if (total > 0)
        fprintf(stderr, " of %lld", (long long)total);
    fprintf(stderr, " %s  %.4g/s", unit, rate);
    if (total > 0 && rate > 0 && done < total) {
        long left = (long)((double)(total - done) / rate);

        fprintf(stderr, "  %ld:%02ld left", left / 60, left % 60);
    }
    fflush(stderr);
}

static void on_progress(void *ctx, const char *phase, int64_t done,
                        int64_t total, const char *unit)
{
    struct cli_run *run = ctx;
    bool fresh = strncmp(run->phase, phase, sizeof run->phase - 1) != 0;

    if (fresh) {
        if (run->bar && *run->phase)
            fputc('\n', stderr);
        snprintf(run->phase, sizeof run->phase, "%s", phase);
        clock_gettime(CLOCK_MONOTONIC, &run->phase_start);
    }
    if (!run->bar)
        return;
    if (fresh || done >= total || seconds_since(&run->last_drawn) > 0.1) {
        draw_bar(run, done, total, unit);
        clock_gettime(CLOCK_MONOTONIC, &run->last_drawn);
    }
}

static void on_message(void *ctx, simlm_level level, const char *line)
{
    const struct cli_run *run = ctx;

    clear_bar(run);
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
static void *wait_for_signals(void *set)
{
    int sig;

    while (!sigwait(set, &sig)) {
        if (atomic_exchange(&stop_requested, true)) {
            signal(sig, SIG_DFL);
            pthread_sigmask(SIG_UNBLOCK, set, NULL);
            raise(sig);
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

static void catch_signals(void)
{
    static sigset_t set;
    pthread_t waiter;

    sigemptyset(&set);
    add_unless_ignored(&set, SIGINT);
    add_unless_ignored(&set, SIGTERM);
    /* Threads that are made from now on inherit the mask. */
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (pthread_create(&waiter, NULL, wait_for_signals, &set))
        pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    else
        pthread_detach(waiter);
}

bool cli_run_begin(struct cli_run *run)
{
    run->observer = (simlm_observer){ .ctx = run,
                                      .message = on_message,
                                      .cancelled = on_cancelled };
    if (!run->quiet)
        run->observer.progress = on_progress;
    run->bar = !run->quiet && isatty(STDERR_FILENO);
    clock_gettime(CLOCK_MONOTONIC, &run->phase_start);
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
        catch_signals();
    return true;
}

int cli_run_end(struct cli_run *run, simlm_status st)
{
    if (run->bar && *run->phase)
        fputc('\n', stderr);
    if (run->log && (ferror(run->log) | fclose(run->log)) && st == SIMLM_OK) {
        cli_error("cannot write '%s'", run->log_json);
        return CLI_FAILED;
    }
    if (st < 0)
        cli_error("%s", *run->err.msg ? run->err.msg : simlm_strstatus(st));
    return st < 0 ? CLI_FAILED : CLI_OK;
}
