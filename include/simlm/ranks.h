/*
 * simlm/ranks.h - one job on several processes that mpirun started (experimental).
 *
 * A program that was started as one of several joins the others before it calls
 * a job: pre-training, fine-tuning, a re-ranker's training, encoding, search over
 * files, re-ranking or teacher scores; or looks for a model by name.  The job is then theirs together: each rank calls it
 * with the same options, rank 0 writes the outputs and speaks to the observer,
 * and the result is that of one process: the same bits of vectors, runs and
 * scores, the same training but for the rounding of sums.
 *
 *     simlm_ranks_join(&err);
 *     st = simlm_finetune(&options, &observer, &err);
 *     if (st < 0)
 *         simlm_ranks_abort(1);       the others wait for this one
 *     simlm_ranks_leave();
 */
#ifndef SIMLM_RANKS_H
#define SIMLM_RANKS_H

#include <stdint.h>

#include <simlm/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How many processes this one was started as one of; 1: by itself. */
SIMLM_API int32_t simlm_ranks_started(void);

/* Its number among them, from 0. */
SIMLM_API int32_t simlm_ranks_rank(void);

/*
 * Join the others: once, from the thread that will call jobs.  Started by
 * itself, nothing happens.  E_COMM if this installation has no MPI.
 */
SIMLM_API simlm_status simlm_ranks_join(simlm_error *err);

/* All have done their jobs; waits for them. */
SIMLM_API void simlm_ranks_leave(void);

/* End the job on all ranks, at once; does not return. */
SIMLM_API void simlm_ranks_abort(int code);

#ifdef __cplusplus
}
#endif
#endif /* SIMLM_RANKS_H */
