/* cli_run.c - the observer behind every command: bars, messages, logs, signals. */
#include "cli.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include <simlm/hub.h>
#include <simlm/ranks.h>

#include "probe.h"
#include "run_record.h"

static atomic_bool stop_requested;
static sigset_t caught;

void cli_error(const char *fmt, ...)
{
    va_list ap;
    bool kept;

    va_start(ap, fmt);
    kept = probe_complaint(fmt, ap);
    va_end(ap);
    if (kept)
        return;
    fputs("simlm: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}

static double seconds_of(const struct cli_run *run)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - run->began.tv_sec) +
           (double)(now.tv_nsec - run->began.tv_nsec) * 1e-9;
}

static void on_progress(void *ctx, const char *phase, int64_t done,
                        int64_t total, const char *unit)
{
    struct cli_run *run = ctx;

    run->worked = true;
    progress_report(&run->progress, phase, done, total, unit);
    run_log_progress(&run->log, seconds_of(run), phase, done, total, unit);
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
    run_log_text(&run->log, level == SIMLM_WARNING ? "warning" : "message",
                 line);
}

static void on_record(void *ctx, const char *json)
{
    struct cli_run *run = ctx;

    run_log_json(&run->log, json);
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

/* Threads that are made from now on, MPI's too, inherit the mask. */
static void block_signals(void)
{
    sigemptyset(&caught);
    add_unless_ignored(&caught, SIGINT);
    add_unless_ignored(&caught, SIGTERM);
    if (simlm_ranks_started() > 1) /* which mpirun passes on without killing */
        add_unless_ignored(&caught, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &caught, NULL);
}

static void catch_signals(struct cli_run *run)
{
    pthread_t waiter;

    if (pthread_create(&waiter, NULL, wait_for_signals, run))
        pthread_sigmask(SIG_UNBLOCK, &caught, NULL);
    else
        pthread_detach(waiter);
}

/* Results and bars on one terminal would run into each other. */
static bool prints_to_terminal(const struct cli_run *run)
{
    bool prints = run->log_json && !strcmp(run->log_json, "-");

    for (const struct option_row *o = run->line.options;
         o && o->type != OPT_TYPE_END; o++)
        if (option_output(o) && !strcmp(option_output(o), "-"))
            prints = true;
    return prints && isatty(STDOUT_FILENO);
}

bool cli_run_model(struct cli_run *run, const char **model)
{
    static char dir[8][4096]; /* of all models of a command */
    static size_t n;
    simlm_status st;

    if (!*model || n == 8 || !simlm_hub_is_name(*model))
        return true;
    st = simlm_hub_fetch(dir[n], sizeof dir[n], *model, &run->observer,
                         &run->err);
    if (st < 0) {
        cli_run_end(run, st);
        return false;
    }
    *model = dir[n++];
    return true;
}

static bool find_models(struct cli_run *run)
{
    bool found = true;

    for (const struct option_row *o = run->line.options;
         o && o->type != OPT_TYPE_END && found; o++)
        if (o->role == OPT_ROLE_MODEL)
            found = cli_run_model(run, o->value);
    return found;
}

/* ---- one of several processes -------------------------------------------- */

static bool is_other_rank(void)
{
    return simlm_ranks_started() > 1 && simlm_ranks_rank() > 0;
}

/* Rank 0 speaks and writes; the others compute, and listen to signals. */
static bool join_ranks(struct cli_run *run)
{
    if (simlm_ranks_started() == 1)
        return true;
    if (!run->ranks) {
        if (!is_other_rank())
            cli_error("'%s' is not for several processes: start it without "
                      "mpirun",
                      run->line.name);
        return false;
    }
    if (simlm_ranks_join(&run->err) < 0) {
        if (!is_other_rank())
            cli_error("%s", run->err.msg);
        return false;
    }
    if (is_other_rank()) {
        run->quiet = true;
        run->log_json = NULL;
    }
    return true;
}

/* A second, unless mpirun asks this rank to end before that. */
static bool ended_meanwhile(void)
{
    bool asked_before = atomic_load(&stop_requested);

    for (int i = 0; i < 100; i++) {
        nanosleep(&(struct timespec){0, 10000000}, NULL);
        if (!asked_before && atomic_load(&stop_requested))
            return true;
    }
    return false;
}

/*
 * Nobody waits for a rank that failed.  What all find wrong rank 0 says, and
 * ends the others, who give it time to.  That they were asked to stop it says
 * alone.
 */
static void part_ranks(simlm_status st, const char *why)
{
    if (simlm_ranks_started() > 1 && st < 0) {
        if (is_other_rank()) {
            if (!ended_meanwhile() && st != SIMLM_E_CANCELLED)
                cli_error("rank %d: %s", (int)simlm_ranks_rank(), why);
        }
        fflush(stderr);
        simlm_ranks_abort(CLI_FAILED);
    }
    simlm_ranks_leave();
}

bool cli_run_begin(struct cli_run *run)
{
    if (probe_is_on()) {
        if (run->refused < 0)
            cli_error("%s", run->err.msg);
        else
            probe_line(&run->line, run->brief);
        return false;
    }
    if (!run->brief)
        block_signals();
    if (!join_ranks(run))
        return false;
    run->observer = (simlm_observer){.ctx = run,
                                     .progress = on_progress,
                                     .message = on_message,
                                     .cancelled = on_cancelled,
                                     .figure = on_figure};
    if (is_other_rank())
        run->observer = (simlm_observer){.cancelled = on_cancelled};
    clock_gettime(CLOCK_MONOTONIC, &run->began);
    progress_init(&run->progress, run->quiet || prints_to_terminal(run));
    run->bar = run->progress.terminal;
    if (run->log_json) {
        if (!run_log_open(&run->log, run->log_json)) {
            cli_error("cannot write '%s': %s", run->log_json, strerror(errno));
            return false;
        }
        run->observer.record = on_record;
        run_log_command(&run->log, &run->line);
    }
    if (!run->brief)
        catch_signals(run);
    return find_models(run);
}

/*
 * What was done is said beside the outputs.  A job that found everything done
 * leaves the record of the run that did it.
 */
static simlm_status leave_records(struct cli_run *run, double seconds)
{
    simlm_provenance known = {.threads = run->threads,
                              .seconds = seconds,
                              .keep = !run->brief && !run->worked};

    return run->line.options ? run_record_write(&run->line, &known, &run->err)
                             : SIMLM_OK;
}

int cli_run_end(struct cli_run *run, simlm_status st)
{
    double seconds = seconds_of(run);
    const char *why;

    progress_end(&run->progress, st == SIMLM_OK);
    if (st == SIMLM_OK && !is_other_rank())
        st = leave_records(run, seconds);
    why = *run->err.msg ? run->err.msg : simlm_strstatus(st);
    if (st < 0) {
        if (!is_other_rank())
            cli_error("%s", why);
        run_log_error(&run->log, seconds, st, why);
    } else {
        run_log_result(&run->log, seconds, &run->line);
    }
    if (!run_log_close(&run->log) && st == SIMLM_OK) {
        cli_error("cannot write '%s'", run->log_json);
        st = SIMLM_E_IO;
    }
    part_ranks(st, why);
    return st < 0 ? CLI_FAILED : CLI_OK;
}
