/*
 * recipe_run.c - stage by stage, each in a process of its own.
 *
 * A process a stage, not calls one after another: memory goes back to the
 * system between stages, a crash or the second Ctrl-C ends a stage and not the
 * run, and the stage is the very command that one would type.  The process is a
 * fork that calls the command's function, so no program has to be found again.
 *
 *   run ----- fork: stage --------- the command
 *    |  SIGINT, SIGTERM  -> stage (a process group of its own: what a terminal
 *    |                      sends reaches it once, by way of the run)
 *    |  death of the run -> stage sees the pipe's end: SIGTERM, so it saves
 *    +- waits for SIGCHLD
 *
 * The run itself is of one thread all the time, so that forking is safe.
 */
#define _XOPEN_SOURCE 700 /* nftw */
#include "recipe_run.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <simlm/card.h>

#include "cli.h"
#include "commands.h"
#include "recipe_report.h"
#include "recipe_state.h"

/* ---- the stage's process ------------------------------------------------- */

/* The run holds the other end of the pipe: when it is gone, save and stop. */
static void *watch_run(void *ctx)
{
    char byte;

    while (read(*(int *)ctx, &byte, 1) < 0 && errno == EINTR)
        ;
    kill(getpid(), SIGTERM);
    return NULL;
}

static void start_watch(int *pipe_end)
{
    sigset_t all, before;
    pthread_t watcher;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    if (!pthread_create(&watcher, NULL, watch_run, pipe_end))
        pthread_detach(watcher);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static int remove_one(const char *path, const struct stat *info, int kind,
                      struct FTW *at)
{
    (void)info;
    (void)kind;
    (void)at;
    return remove(path);
}

/* The stage is begun.  What the directory holds from then on is its own: what
 * another form of it made goes first, and so a kill at any time leaves either a
 * stage that is not begun or one that can go on. */
static bool begin(struct state *s, const struct stage *g, const char *key)
{
    const char *dir = g->output[0];
    simlm_error err;

    if (!state_is_begun(s, g, key) && g->may_overwrite && !g->brief &&
        nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS) && errno != ENOENT) {
        cli_error("cannot remove '%s': %s", dir, strerror(errno));
        return false;
    }
    if (state_begin(s, g, key, &err) == SIMLM_OK)
        return true;
    cli_error("%s", err.msg);
    return false;
}

/* In the new process: the command, and its exit code. */
static int work(struct state *s, const struct stage *g, const char *key,
                int *pipe_end, pid_t run)
{
    static char flag[] = "--overwrite";
    char name[32], **argv;
    int nothing = open("/dev/null", O_RDONLY), argc = 0, code;

    if (nothing >= 0)
        dup2(nothing, STDIN_FILENO);
    start_watch(pipe_end);
    if (!state_hold_work(s) || getppid() != run || !begin(s, g, key))
        return CLI_FAILED;
    argv = calloc((size_t)g->n_words + 3, sizeof *argv);
    if (!argv)
        return CLI_FAILED;
    snprintf(name, sizeof name, "%s", g->command->name);
    argv[argc++] = name;
    if (g->may_overwrite && g->brief)
        argv[argc++] = flag;
    for (int i = 0; i < g->n_words; i++)
        argv[argc++] = g->word[i];
    code = g->command->run(argc, argv);
    free(argv);
    return fflush(stdout) && code == CLI_OK ? CLI_FAILED : code;
}

/* ---- the run's side ------------------------------------------------------ */

static void on_child(int sig)
{
    (void)sig; /* so that SIGCHLD is not ignored; sigwait() takes it */
}

/* The signals waited for; what the caller has us ignore stays ignored. */
static void choose_signals(sigset_t *set)
{
    static const int stops[] = {SIGINT, SIGTERM};
    struct sigaction now, child = {.sa_handler = on_child};

    sigemptyset(&child.sa_mask);
    sigaction(SIGCHLD, &child, NULL);
    sigemptyset(set);
    sigaddset(set, SIGCHLD);
    for (int i = 0; i < 2; i++)
        if (!sigaction(stops[i], NULL, &now) && now.sa_handler != SIG_IGN)
            sigaddset(set, stops[i]);
}

/* Until the process ends: its status.  *stopped: a signal was passed on. */
static int wait_for(pid_t pid, const sigset_t *set, bool *stopped)
{
    int status = 0, sig;

    while (waitpid(pid, &status, WNOHANG) == 0)
        if (!sigwait(set, &sig) && sig != SIGCHLD) {
            *stopped = true;
            kill(pid, sig);
        }
    return status;
}

static double seconds_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double processor_of_children(void)
{
    struct rusage u;

    if (getrusage(RUSAGE_CHILDREN, &u))
        return 0;
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

static simlm_status fail_fork(simlm_error *err)
{
    snprintf(err->msg, sizeof err->msg, "cannot start a process: %s",
             strerror(errno));
    return err->code = SIMLM_E_IO;
}

/* Fork; the new process never returns.  *stopped as in wait_for(). */
static simlm_status run_process(int *status, bool *stopped, struct state *s,
                                const struct stage *g, const char *key,
                                simlm_error *err)
{
    int ends[2];
    sigset_t set, before;
    pid_t pid, run = getpid();

    if (pipe(ends))
        return fail_fork(err);
    choose_signals(&set);
    pthread_sigmask(SIG_BLOCK, &set, &before);
    fflush(NULL);
    pid = fork();
    if (!pid) {
        close(ends[1]);
        setpgid(0, 0);
        signal(SIGCHLD, SIG_DFL);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        exit(work(s, g, key, &ends[0], run));
    }
    close(ends[0]);
    if (pid > 0)
        *status = wait_for(pid, &set, stopped);
    close(ends[1]);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pid > 0 ? SIMLM_OK : fail_fork(err);
}

/* ---- one stage ----------------------------------------------------------- */

/* How the process ended, as an error of the recipe. */
static simlm_status judge(struct recipe *r, const struct stage *g, int status,
                          bool stopped, simlm_error *err)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == CLI_OK)
        return SIMLM_OK;
    if (stopped) {
        snprintf(err->msg, sizeof err->msg,
                 "stopped in stage '%s'; the same command continues there",
                 g->name);
        return err->code = SIMLM_E_CANCELLED;
    }
    if (WIFSIGNALED(status))
        return RECIPE_FAIL(r, g->line, "stage '%s' was ended by signal %d",
                           g->name, WTERMSIG(status));
    return RECIPE_FAIL(r, g->line, "stage '%s' failed", g->name);
}

static void print_command(FILE *f, const struct stage *g)
{
    fprintf(f, "simlm %s", g->command->name);
    for (int i = 0; i < g->n_words; i++)
        fprintf(f, strpbrk(g->word[i], " \t\n'\"$*?<>|&;()") ? " '%s'" : " %s",
                g->word[i]);
    putc('\n', f);
}

/* Something is there that this run has not made. */
static simlm_status check_foreign(struct state *s, const struct stage *g,
                                  simlm_error *err)
{
    struct stat info;

    for (int i = 0; i < g->n_outputs; i++)
        if (!state_knows(s, g) && !stat(g->output[i], &info)) {
            snprintf(err->msg, sizeof err->msg,
                     "'%s' is there and was not made by stage '%s': remove it, "
                     "or choose another folder (-o)",
                     g->output[i], g->name);
            return err->code = SIMLM_E_ARG;
        }
    return SIMLM_OK;
}

static simlm_status do_stage(struct recipe *r, struct state *s,
                             const struct stage *g, const char *key,
                             simlm_error *err)
{
    bool stopped = false;
    double clock = seconds_now(), processor = processor_of_children();
    int status = 0;
    simlm_status st = check_foreign(s, g, err), spent;

    if (st == SIMLM_OK)
        st = run_process(&status, &stopped, s, g, key, err);
    if (st < 0)
        return st;
    spent = state_spend(s, g, seconds_now() - clock,
                        processor_of_children() - processor, err);
    st = judge(r, g, status, stopped, err);
    if (st == SIMLM_OK)
        st = spent;
    return st < 0 ? st : state_finish(s, g, key, err);
}

static void announce(const struct recipe *r, struct state *s,
                     const struct stage *g, const char *key)
{
    const char *why = state_reason(s, g, key);

    if (r->o.quiet || g->ours)
        return;
    fprintf(stderr, "[%d/%d] %s: ", (int)(g - r->stage) + 1, r->n_stages,
            g->name);
    if (state_is_begun(s, g, key))
        fprintf(stderr, "continued: ");
    else if (why)
        fprintf(stderr, "anew, for '%s' is new: ", why);
    else if (state_knows(s, g))
        fprintf(stderr, "anew, for what it made is no longer as it was: ");
    print_command(stderr, g);
}

/* Done, with what it puts into a card: that is written anew by another training,
 * even of the same bits. */
static bool is_done(struct state *s, const struct stage *g, const char *key)
{
    simlm_card_options card = {.model = g->card, .dataset = g->dataset};

    return state_is_done(s, g, key) && (!g->card || simlm_card_has(&card));
}

/* The stage, unless it is done. */
static simlm_status run_stage(bool *worked, struct recipe *r, struct state *s,
                              const struct stage *g, simlm_error *err)
{
    const char *key;
    simlm_status st = state_key(&key, s, g, err);

    if (st < 0 || is_done(s, g, key))
        return st;
    *worked = true;
    announce(r, s, g, key);
    return do_stage(r, s, g, key, err);
}

/* ---- all of them --------------------------------------------------------- */

static simlm_status run_report(bool *worked, struct recipe *r, struct state *s,
                               simlm_error *err)
{
    struct stage *report;
    simlm_status st = state_write(
        s, "report.in.json", recipe_describe_report(r, state_times, s), err);

    if (st == SIMLM_OK)
        st = recipe_add_report(&report, r, err);
    return st < 0 ? st : run_stage(worked, r, s, report, err);
}

simlm_status recipe_run(bool *worked, struct recipe *r, simlm_error *err)
{
    struct state s;
    simlm_status st = state_open(&s, &r->pool, r->o.folder, true, err);

    *worked = false;
    for (int i = 0; i < r->n_stages && st == SIMLM_OK; i++)
        st = run_stage(worked, r, &s, &r->stage[i], err);
    if (st == SIMLM_OK)
        st = run_report(worked, r, &s, err);
    state_close(&s);
    return st;
}

/* ---- only looking -------------------------------------------------------- */

/* Does the stage read what one of those to do will make? */
static bool waits(const struct recipe *r, const bool *to_do, int stage)
{
    const struct stage *g = &r->stage[stage];

    for (int b = 0; b < stage; b++)
        for (int i = 0; to_do[b] && i < g->n_inputs; i++)
            for (int k = 0; k < r->stage[b].n_outputs; k++)
                if (!strncmp(g->input[i], r->stage[b].output[k],
                             strlen(r->stage[b].output[k])))
                    return true;
    return false;
}

simlm_status recipe_show(struct recipe *r, simlm_error *err)
{
    bool *to_do = pool_take(&r->pool, (size_t)r->n_stages + 1, sizeof *to_do);
    struct state s;
    simlm_status st = state_open(&s, &r->pool, r->o.folder, false, err);

    for (int i = 0; i < r->n_stages && st == SIMLM_OK; i++) {
        const struct stage *g = &r->stage[i];
        const char *key;

        to_do[i] = waits(r, to_do, i);
        if (!to_do[i]) {
            st = state_key(&key, &s, g, err);
            to_do[i] = st == SIMLM_OK && !is_done(&s, g, key);
        }
        printf("%-8s%-20s ", to_do[i] ? "to do" : "done", g->name);
        print_command(stdout, g);
    }
    state_close(&s);
    return st;
}
