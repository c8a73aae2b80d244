/*
 * base/parallel.h - loops over several threads.
 *
 * Work is cut by problem size, never by thread count: `fn` is called on
 * half-open ranges [begin, end) that are whole multiples of `grain` long (the
 * last may be shorter), and the cut points depend on n and grain alone.  A
 * loop whose ranges write disjoint results, or partial sums per range that the
 * caller adds in range order, gives the same bits on any number of threads.
 *
 * fn must not fail; it may run on any thread and several at a time.
 */
#ifndef SL_BASE_PARALLEL_H
#define SL_BASE_PARALLEL_H

#include <stdint.h>

typedef void sl_range_fn(void *ctx, int64_t begin, int64_t end);

/*
 * n >= 0, grain >= 1.  A single range, a loop within a loop, and a loop while
 * another thread's is running, run in the caller.  Libraries that use OpenMP
 * run alone when fn calls them.
 */
void sl_parallel_for(int64_t n, int64_t grain, sl_range_fn *fn, void *ctx);

/* Threads the next loops of this calling thread use; n = 0 means one a core. */
void sl_parallel_set_threads(int n);
int sl_parallel_threads(void);

/* So many processes use this machine together: one a core means one a core of
 * this process's share, at least one. */
void sl_parallel_set_share(int processes);

/* Inside fn: which of the sl_parallel_threads() workers this is, from 0. */
int sl_parallel_worker(void);

#endif
