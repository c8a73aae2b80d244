/*
 * A pool of threads for the process, made as loops ask for it.
 *
 * Not OpenMP: its teams spin while they wait, and on a machine that others use,
 * too, that made a training step up to a hundred times slower.  Here a thread
 * spins for some microseconds (a step has hundreds of loops, and waking costs
 * as much), then sleeps; and a loop never waits for a thread that has not come.
 *
 *   gate     one word says whether a loop is open, how many threads it wants
 *            and how many workers are in it.  A worker enters by raising the
 *            count, which fails once the loop is closed.
 *   caller   opens the gate, takes ranges like the workers, closes the gate when
 *            none is left, and waits for those inside to finish theirs.
 *   one      loop at a time has the pool.  A loop of another thread meanwhile,
 *            or one within a loop, runs in its caller: ranges and their results
 *            are the same.
 *
 * OpenMP is still in the process, beneath oneDNN, which is called from within
 * these loops and must not make teams of its own: while a thread is in a loop
 * its OpenMP team is itself alone.
 */
#include "base/parallel.h"

#include <omp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/status.h"

enum { MAX_THREADS = 1024, SPINS = 2000 };

/* The gate: loop number << 32 | closed << 31 | threads << 15 | inside. */
#define GATE_CLOSED     ((uint64_t)1 << 31)
#define GATE_INSIDE(g)  ((int)((g)&0x7fff))
#define GATE_THREADS(g) ((int)((g) >> 15 & 0xffff))
#define GATE_LOOP(g)    ((g) >> 32)

struct loop {
    int64_t n, grain, n_ranges;
    sl_range_fn *fn;
    void *ctx;
    atomic_llong next; /* the next range to be taken */
    atomic_int left;   /* workers that have finished */
};

static struct {
    pthread_mutex_t owner; /* held by the thread whose loop it is */
    pthread_mutex_t lock;  /* for sleeping */
    pthread_cond_t opened, finished;
    int n_workers;
    atomic_ullong gate;
    struct loop loop;
} pool = {
    .owner = PTHREAD_MUTEX_INITIALIZER,
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .opened = PTHREAD_COND_INITIALIZER,
    .finished = PTHREAD_COND_INITIALIZER,
    .gate = GATE_CLOSED,
};

static _Thread_local int wanted_threads; /* 0: not said */
static int share = 1; /* processes that use this machine together */
static _Thread_local int worker_index;
static _Thread_local bool in_loop;

static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/* ---- taking ranges ------------------------------------------------------- */

static void take_ranges(struct loop *l)
{
    int64_t i;

    while ((i = atomic_fetch_add_explicit(&l->next, 1, memory_order_relaxed)) <
           l->n_ranges) {
        int64_t begin = i * l->grain, rest = l->n - begin;

        l->fn(l->ctx, begin, rest < l->grain ? l->n : begin + l->grain);
    }
}

/* ---- workers ------------------------------------------------------------- */

/* Is there a loop, other than number `done`, that wants this worker? */
static bool may_enter(uint64_t gate, uint64_t done, int index)
{
    return !(gate & GATE_CLOSED) && GATE_LOOP(gate) != done &&
           index < GATE_THREADS(gate);
}

static uint64_t wait_for_loop(uint64_t done, int index)
{
    uint64_t gate;

    for (int i = 0; i < SPINS; i++) {
        gate = atomic_load(&pool.gate);
        if (may_enter(gate, done, index))
            return gate;
        relax();
    }
    pthread_mutex_lock(&pool.lock);
    while (!may_enter(gate = atomic_load(&pool.gate), done, index))
        pthread_cond_wait(&pool.opened, &pool.lock);
    pthread_mutex_unlock(&pool.lock);
    return gate;
}

static void *work(void *index)
{
    uint64_t done = 0; /* the number of the last loop entered */

    worker_index = (int)(intptr_t)index;
    in_loop = true;
    omp_set_num_threads(1);
    for (;;) {
        unsigned long long gate = wait_for_loop(done, worker_index);

        if (!atomic_compare_exchange_strong(&pool.gate, &gate, gate + 1))
            continue; /* closed, or another entered: look again */
        done = GATE_LOOP(gate);
        take_ranges(&pool.loop);
        pthread_mutex_lock(&pool.lock);
        atomic_fetch_add(&pool.loop.left, 1);
        pthread_cond_signal(&pool.finished);
        pthread_mutex_unlock(&pool.lock);
    }
    return NULL;
}

/* Where a thread cannot be had, the loop has fewer.  Signals are for the
 * program's own threads. */
static void ensure_workers(int n)
{
    sigset_t all, before;

    if (pool.n_workers >= n)
        return;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (pool.n_workers < n) {
        pthread_t thread;

        if (pthread_create(&thread, NULL, work,
                           (void *)(intptr_t)(pool.n_workers + 1)))
            break;
        pthread_detach(thread);
        pool.n_workers++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* ---- loops --------------------------------------------------------------- */

static void open_gate(int threads)
{
    uint64_t last = GATE_LOOP(atomic_load(&pool.gate));
    uint64_t number = (last + 1) & 0xffffffff;

    pthread_mutex_lock(&pool.lock);
    atomic_store(&pool.gate,
                 (number ? number : 1) << 32 | (uint64_t)threads << 15);
    pthread_cond_broadcast(&pool.opened);
    pthread_mutex_unlock(&pool.lock);
}

static void wait_for_those_inside(void)
{
    int inside = GATE_INSIDE(atomic_fetch_or(&pool.gate, GATE_CLOSED));

    for (int i = 0; i < SPINS && atomic_load(&pool.loop.left) < inside; i++)
        relax();
    pthread_mutex_lock(&pool.lock);
    while (atomic_load(&pool.loop.left) < inside)
        pthread_cond_wait(&pool.finished, &pool.lock);
    pthread_mutex_unlock(&pool.lock);
}

static void run_loop(struct loop *l, int threads)
{
    int team = omp_get_max_threads();
    bool nested = in_loop;

    in_loop = true;
    if (team != 1)
        omp_set_num_threads(1);
    if (nested || threads < 2 || pthread_mutex_trylock(&pool.owner)) {
        take_ranges(l);
    } else {
        pool.loop.n = l->n;
        pool.loop.grain = l->grain;
        pool.loop.n_ranges = l->n_ranges;
        pool.loop.fn = l->fn;
        pool.loop.ctx = l->ctx;
        atomic_store(&pool.loop.next, 0);
        atomic_store(&pool.loop.left, 0);
        ensure_workers(threads - 1);
        open_gate(threads);
        take_ranges(&pool.loop);
        wait_for_those_inside();
        pthread_mutex_unlock(&pool.owner);
    }
    if (team != 1)
        omp_set_num_threads(team);
    in_loop = nested;
}

void sl_parallel_for(int64_t n, int64_t grain, sl_range_fn *fn, void *ctx)
{
    struct loop l = {.n = n, .grain = grain, .fn = fn, .ctx = ctx};
    int64_t threads = sl_parallel_threads();

    SL_ASSERT(n >= 0 && grain >= 1);
    l.n_ranges = n / grain + (n % grain != 0);
    run_loop(&l, (int)(threads < l.n_ranges ? threads : l.n_ranges));
}

/* ---- how many ------------------------------------------------------------ */

/* Cores of this process: it may be bound to fewer than its share. */
static int own_cores(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN) / share;
    int bound = omp_get_num_procs();

    return share == 1 || cores >= bound ? bound : cores > 0 ? (int)cores : 1;
}

void sl_parallel_set_share(int processes)
{
    share = processes > 1 ? processes : 1;
}

void sl_parallel_set_threads(int n)
{
    wanted_threads = n > 0 ? n : own_cores();
    if (wanted_threads > MAX_THREADS)
        wanted_threads = MAX_THREADS;
}

int sl_parallel_threads(void)
{
    if (!wanted_threads)
        sl_parallel_set_threads(share > 1 ? 0 : omp_get_max_threads());
    return wanted_threads;
}

int sl_parallel_worker(void)
{
    return worker_index;
}
