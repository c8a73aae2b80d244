/*
 * comm/comm.h - the processes ("ranks") that work on one job, and what they say
 * to each other.
 *
 *     rank 0      writes outputs, speaks to the person
 *     all ranks   read the same inputs, check the same things, compute a part
 *
 * Until sl_comm_join() a process is rank 0 of 1, and all of this is free.  A
 * transport (transport.h) is what joins processes; MPI is the one there is.
 *
 *   1. Every call below "collective" is made by all ranks, in the same order.
 *   2. The same ranks give the same bits, and the same bits on every rank: sums
 *      are taken in the order of ranks, whatever came first.
 *   3. Waiting sleeps; it does not spin.  There may be more ranks than cores.
 *   4. A rank that fails says why and calls sl_comm_abort(), which ends the job,
 *      wherever the others are; a transport that breaks ends it, too.  Collective
 *      calls fail for want of this rank's memory alone.
 *   5. One thread of a process speaks.  Buffers are host memory.
 */
#ifndef SL_COMM_COMM_H
#define SL_COMM_COMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* How many ranks this process was started as one of, 1 if by itself; which. */
int32_t sl_comm_started(void);
int32_t sl_comm_started_rank(void);

/*
 * Join them (once; a process started by itself: nothing happens).  Threads of a
 * process are from then on its share of the machine's cores.  E_COMM if this
 * installation cannot.
 */
simlm_status sl_comm_join(simlm_error *err);

/* All ranks are done with the job; collective. */
void sl_comm_leave(void);

/* End the job of all ranks at once with this exit code. */
_Noreturn void sl_comm_abort(int code);

/* Before joining: 0 of 1, whatever it was started as. */
int32_t sl_comm_rank(void);
int32_t sl_comm_size(void);
static inline bool sl_comm_first(void)
{
    return sl_comm_rank() == 0;
}

/* This rank's part of n things, [*begin, *end): as many for each, in order. */
void sl_comm_share(int64_t *begin, int64_t *end, int64_t n);

/* The same of n sequences, balanced by their tokens (start [n + 1]). */
void sl_comm_share_tokens(int64_t *begin, int64_t *end, const int32_t *start,
                          int64_t n);

/* ---- collective ---------------------------------------------------------- */

/* Nobody goes on before all are here. */
simlm_status sl_comm_wait_for_all(simlm_error *err);

/* Of n things of so many bytes each rank has those of sl_comm_share(n): now
 * everybody has all. */
simlm_status sl_comm_gather_shares(void *all, int64_t n, size_t bytes,
                                   simlm_error *err);

/* The same of sl_comm_share_tokens(start, n). */
simlm_status sl_comm_gather_token_shares(void *all, const int32_t *start,
                                         int64_t n, size_t bytes,
                                         simlm_error *err);

/* p [n], bytes <- that of rank 0. */
void sl_comm_broadcast(void *p, int64_t n);

/* x [n] <- the sum over ranks; for a few numbers. */
simlm_status sl_comm_add(double *x, int64_t n, simlm_error *err);

/* E_COMM, saying `otherwise`, on a rank whose number is not that of rank 0. */
simlm_status sl_comm_same(uint64_t mine, const char *otherwise,
                          simlm_error *err);

/*
 * The same of a job: `key` is made of all that decides its results, `backend`
 * names who computes them.  Ranks with other files would mix theirs in.
 */
simlm_status sl_comm_same_job(uint64_t key, const char *backend,
                              simlm_error *err);

/* *says <- does any rank say so? */
simlm_status sl_comm_any(bool *says, simlm_error *err);

/* ---- sums that are under way while something else is computed ------------ */

struct sl_comm_sum;

/* Of x [n], which stays where it is; made by all ranks.  It may be taken again
 * and again. */
simlm_status sl_comm_sum_new(struct sl_comm_sum **out, float *x, int64_t n,
                             simlm_error *err);
void sl_comm_sum_free(struct sl_comm_sum *s); /* accepts NULL */

/*
 * x [from] and all behind it are what this rank adds, and are not touched until
 * sl_comm_sum_wait(): their sum may begin.  Called as often as wished, with
 * falling `from`; no two ranks need to call it alike, and other collective calls
 * may come between.  What has begun is waited for, unless the job ends (4).
 */
void sl_comm_sum_start(struct sl_comm_sum *s, int64_t from);

/* Collective: x [i] <- the sum over ranks, the same bits on each. */
void sl_comm_sum_wait(struct sl_comm_sum *s);

#endif
