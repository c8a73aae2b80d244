/*
 * Whatever fails, a job ends with one clear line, gives everything back, leaves
 * no half of an output, and does its work when it is called again.
 *
 * For every job, every kind of fault and the n-th operation of that kind: the
 * job is run with that one failing, or with it and all that follow; then once
 * more without, which must give what an undisturbed run gives.  (Files that
 * cannot be opened cannot be cleaned up, so of these only one fails.)
 *
 * That is some ten thousand runs.  By default a few n of each are taken;
 * SIMLM_FAULTS=all takes all (make check-full), and SIMLM_FAULTS=JOB those of
 * one job.
 */
#include "check.h"

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"

#include "faults.h"
#include "jobs.h"

enum { SAMPLES = 6 };

/* ---- what a run left ----------------------------------------------------- */

/* A log has times in it. */
static bool is_log(const char *name)
{
    return !strcmp(name, "log.jsonl");
}

static uint64_t hash_of(const char *path);

static uint64_t hash_of_directory(const char *path)
{
    const struct dirent *e;
    uint64_t sum = 1;
    DIR *d = opendir(path);

    assert_non_null(d);
    while ((e = readdir(d))) {
        char inner[1024];
        uint64_t pair[2];

        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") ||
            is_log(e->d_name))
            continue;
        snprintf(inner, sizeof inner, "%s/%s", path, e->d_name);
        pair[0] = sl_hash64(e->d_name, strlen(e->d_name), 0);
        pair[1] = hash_of(inner);
        sum += sl_hash64(pair, sizeof pair, 0); /* in any order */
    }
    closedir(d);
    return sum;
}

/* Of a file's bytes, or of all names and bytes in a directory; 0: absent. */
static uint64_t hash_of(const char *path)
{
    uint64_t hash = 0;

    if (!sl_file_exists(path))
        return 0;
    if (sl_dir_exists(path))
        return hash_of_directory(path);
    check_ok(sl_hash64_file(&hash, path, &err));
    return hash;
}

/* The output itself, or the scores that a failed job goes on from. */
static bool is_of_output(const char *name, const char *out)
{
    const char *base = strrchr(out, '/') + 1;
    size_t n = strlen(base);

    return !strncmp(name, base, n) &&
           (!name[n] || !strcmp(name + n, ".scores"));
}

/* The first name in test_tmpdir() that is neither set up nor `out`, or "". */
static void find_stranger(char *name, size_t size, const char *out)
{
    static const char *const known[] = {
        ".",
        "..",
        "vocab.txt",
        "corpus.jsonl",
        "corpus.jsonl.gz",
        "qrels.txt",
        "queries.tsv",
        "run.tsv",
        "base",
        "generator",
        "reranker",
        "train.jsonl",
        "kd.jsonl",
        "vectors",
        "flat",
        "bm25",
        "bm25.run",
        "eval.json",
        "overlap.json",
        "report.json",
        "train.log",
        "beir",
        "tensorboard", /* a record as it comes, like a log */
        "answers.tsv",
        "marco",
        "dpr",
    };
    const struct dirent *e;
    DIR *d = opendir(test_tmpdir());

    assert_non_null(d);
    *name = '\0';
    while (!*name && (e = readdir(d))) {
        bool found = is_of_output(e->d_name, out);

        for (size_t i = 0; i < SL_LEN(known); i++)
            found = found || !strcmp(e->d_name, known[i]);
        if (!found)
            snprintf(name, size, "%s", e->d_name);
    }
    closedir(d);
}

static void clear(const char *path)
{
    char scores[1024];

    snprintf(scores, sizeof scores, "%s.scores", path);
    unlink(scores);
    if (sl_dir_exists(path))
        check_ok(sl_dir_remove(path, &err));
    else
        unlink(path);
}

/* What a failed test left must not make the next one fail. */
static void clear_all(const char *out)
{
    char stranger[256];

    clear(out);
    for (;;) {
        find_stranger(stranger, sizeof stranger, out);
        if (!*stranger)
            break;
        clear(test_path(stranger));
    }
}

/* ---- one run ------------------------------------------------------------- */

struct trial {
    const struct job *job;
    enum fault kind;
    int64_t n;
    bool lasting;
    uint64_t want; /* hash of an undisturbed run's output */
    uint64_t old;  /* of what `out` is before; 0: it is not there */
};

static char place[200];

/* An assertion of the library's own, or a loop without end. */
static void tell_place(int signal)
{
    (void)!write(STDERR_FILENO, place, strlen(place));
    (void)!write(STDERR_FILENO, ": aborted or hangs\n", 19);
    _exit(signal);
}

static int n_failed; /* of the job's expectations; the first ten are told */

#define expect(c, ...)                                                         \
    do {                                                                       \
        if (!(c) && n_failed++ < 10) {                                         \
            print_error("%s: ", place);                                        \
            print_error(__VA_ARGS__);                                          \
            print_error("\n");                                                 \
        }                                                                      \
    } while (0)

static void expect_clean_error(const struct trial *t, simlm_status st,
                               const char *message)
{
    simlm_status want = t->kind == FAULT_MEMORY ? SIMLM_E_NOMEM : SIMLM_E_IO;

    expect(st == want, "%s: '%s'", simlm_strstatus(st), message);
    expect(*message && !strchr(message, '\n'), "not one line: '%s'", message);
}

static void expect_nothing_held(struct held before)
{
    struct held after = faults_held();

    expect(after.blocks == before.blocks, "%lld blocks of memory are lost",
           (long long)(after.blocks - before.blocks));
    expect(after.files == before.files, "%lld files are open",
           (long long)(after.files - before.files));
    expect(after.maps == before.maps, "%lld files are mapped",
           (long long)(after.maps - before.maps));
}

static void expect_no_half(const struct trial *t, const char *out)
{
    char stranger[256];

    find_stranger(stranger, sizeof stranger, out);
    expect(!*stranger, "left '%s'", stranger);
    expect(t->job->output == OUT_RUN || hash_of(out) == t->old ||
               hash_of(out) == t->want,
           "left half an output");
}

static void run_trial(struct trial *t, const char *out)
{
    simlm_error err = {SIMLM_OK, ""};
    struct held before = faults_held();
    simlm_status st;

    snprintf(place, sizeof place, "%s, %s %lld%s", t->job->name,
             fault_name(t->kind), (long long)t->n,
             t->lasting ? " and all after it" : "");
    if (t->job->output == OUT_FILE && t->n % 2)
        test_file(strrchr(out, '/') + 1, "old");
    t->old = hash_of(out);
    alarm(60);
    faults_begin(t->kind, t->n, t->lasting);
    st = t->job->run(out, &err);
    faults_end();
    expect_nothing_held(before);
    if (st < 0) {
        expect_clean_error(t, st, err.msg);
        expect_no_half(t, out);
        st = t->job->run(out, &err);
        expect(st == SIMLM_OK, "then, undisturbed: '%s'", err.msg);
        expect_nothing_held(before);
    }
    expect(hash_of(out) == t->want, "the output is another one");
    clear_all(out);
}

/* ---- all runs of a job --------------------------------------------------- */

static bool all_of(const char *job)
{
    const char *which = getenv("SIMLM_FAULTS");

    return which && (!strcmp(which, "all") || !strcmp(which, job));
}

static void run_kind(struct trial *t, const char *out)
{
    int64_t total, step;

    faults_begin(t->kind, 0, false);
    check_ok(t->job->run(out, &err));
    total = faults_end();
    clear(out);
    step = all_of(t->job->name) || total <= SAMPLES ? 1 : total / SAMPLES;
    for (t->n = 1; t->n <= total; t->n += step)
        for (int lasting = 0; lasting < (t->kind == FAULT_OPEN ? 1 : 2);
             lasting++) {
            t->lasting = lasting;
            run_trial(t, out);
        }
}

static void run_job(void **state)
{
    struct trial t = {.job = *state};
    char out[256];

    snprintf(out, sizeof out, "%s", test_path("out"));
    clear_all(out);
    n_failed = 0;
    check_ok(t.job->run(out, &err));
    t.want = hash_of(out);
    clear(out);
    for (int kind = 0; kind < N_FAULTS; kind++) {
        t.kind = (enum fault)kind;
        run_kind(&t, out);
    }
    check_msg(!n_failed, "%s: %d failures", t.job->name, n_failed);
}

static int set_up(void **state)
{
    (void)state;
    signal(SIGABRT, tell_place);
    signal(SIGALRM, tell_place);
    jobs_set_up();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_tmpdir_remove();
    return 0;
}

int main(void)
{
    struct CMUnitTest tests[32];

    for (int i = 0; i < n_jobs; i++)
        tests[i] = (struct CMUnitTest){
            .name = jobs[i].name,
            .test_func = run_job,
            .initial_state = (void *)(uintptr_t)&jobs[i],
        };
    return _cmocka_run_group_tests("faults", tests, (size_t)n_jobs, set_up,
                                   tear_down);
}
