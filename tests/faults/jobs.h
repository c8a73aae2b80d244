/*
 * jobs.h - every job of the library over tiny files, one thread, two steps.
 */
#ifndef TEST_JOBS_H
#define TEST_JOBS_H

#include <simlm/status.h>

enum output {
    OUT_FILE,      /* whole, or what was there before */
    OUT_DIRECTORY, /* whole, or nothing */
    OUT_RUN, /* a directory; a failed run may leave what it goes on from */
};

struct job {
    const char *name;
    enum output output;
    /* Makes `out` from what jobs_set_up() made. */
    simlm_status (*run)(const char *out, simlm_error *err);
};

extern const struct job jobs[];
extern const int n_jobs;

/* Corpus, queries, judgements, models, indexes, in test_tmpdir(). */
void jobs_set_up(void);

#endif
