/*
 * jobs.h - every job of the library over tiny files, one thread, two steps.
 */
#ifndef TEST_JOBS_H
#define TEST_JOBS_H

#include <stdbool.h>

#include <simlm/status.h>

struct job {
    const char *name;
    /* Makes `out`, a file or a directory, from what jobs_set_up() made. */
    simlm_status (*run)(const char *out, simlm_error *err);
    /* What a failed run leaves in `out` is the state to go on from, not
     * nothing. */
    bool resumes;
};

extern const struct job jobs[];
extern const int n_jobs;

/* Corpus, queries, judgements, models, indexes, in test_tmpdir(). */
void jobs_set_up(void);

#endif
