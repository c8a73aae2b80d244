/*
 * mpi.c - ranks under MPI: the module simlm-mpi.so, the only user of <mpi.h>.
 *
 * MPI's own sums may be taken in any order; ours are two exchanges, with the
 * additions between them in comm.c.  All waiting is by MPI_Test and sleeping:
 * MPI_Wait spins, and the rank it waits for may want the core.
 */
#include <mpi.h>
#include <stdlib.h>
#include <time.h>

#include "comm/transport.h"

/* Bytes of a message; how often to ask before the first nap; while there is other
 * work to do. */
enum { PIECE = 1 << 28, PATIENCE = 200, BETWEEN_WORK = 32 };

static struct sl_transport self;

/* The halves of sums have their own: MPI wants one order in each. */
static MPI_Comm scattering, collecting;

/* MPI's counts and places, which it reads until the request is over. */
struct request {
    MPI_Request mpi;
    int n[];
};

static void nap(int asked)
{
    const struct timespec t = {0, asked < 4 * PATIENCE ? 20000 : 100000};

    if (asked > PATIENCE)
        nanosleep(&t, NULL);
}

static bool is_over(MPI_Request *r)
{
    int over = 0;

    MPI_Test(r, &over, MPI_STATUS_IGNORE);
    return over;
}

static void wait_for(MPI_Request *r)
{
    for (int asked = 0; !is_over(r); asked += asked < 4 * PATIENCE)
        nap(asked);
}

/* p [n] of one rank, to everybody. */
static void spread(char *p, int64_t n, int32_t from)
{
    for (int64_t i = 0; i < n; i += PIECE) {
        MPI_Request q;

        MPI_Ibcast(p + i, (int)(n - i < PIECE ? n - i : PIECE), MPI_BYTE, from,
                   MPI_COMM_WORLD, &q);
        wait_for(&q);
    }
}

static void gather(void *all, const int64_t *part)
{
    for (int32_t r = 0; r < self.size; r++)
        spread((char *)all + part[r], part[r + 1] - part[r], r);
}

static void broadcast(void *p, int64_t n)
{
    spread(p, n, 0);
}

static struct request *new_request(void)
{
    struct request *q = malloc(sizeof *q + 4 * (size_t)self.size * sizeof(int));

    if (!q)
        MPI_Abort(MPI_COMM_WORLD, 1);
    return q;
}

static void *scatter(float *parts, const float *x, const int64_t *part)
{
    struct request *q = new_request();
    int *sent = q->n, *from = sent + self.size, *got = from + self.size,
        *to = got + self.size;
    int mine = (int)(part[self.rank + 1] - part[self.rank]);

    for (int32_t r = 0; r < self.size; r++) {
        sent[r] = (int)(part[r + 1] - part[r]);
        from[r] = (int)part[r];
        got[r] = mine;
        to[r] = r * mine;
    }
    MPI_Ialltoallv(x, sent, from, MPI_FLOAT, parts, got, to, MPI_FLOAT,
                   scattering, &q->mpi);
    return q;
}

static void *collect(float *x, const int64_t *part)
{
    struct request *q = new_request();
    int *got = q->n, *to = got + self.size;

    for (int32_t r = 0; r < self.size; r++) {
        got[r] = (int)(part[r + 1] - part[r]);
        to[r] = (int)part[r];
    }
    MPI_Iallgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, x, got, to, MPI_FLOAT,
                    collecting, &q->mpi);
    return q;
}

/* Asked in vain it asks again: messages move by some fragments a question. */
static bool over(void *request)
{
    struct request *q = request;

    for (int asked = 0; asked < BETWEEN_WORK; asked++)
        if (is_over(&q->mpi))
            return true;
    return false;
}

static void wait_and_free(void *request)
{
    struct request *q = request;

    wait_for(&q->mpi);
    free(q);
}

static void leave(void)
{
    MPI_Request q;

    /* MPI_Finalize spins until all are there. */
    MPI_Ibarrier(MPI_COMM_WORLD, &q);
    wait_for(&q);
    MPI_Finalize();
}

static void end_all(int code)
{
    MPI_Abort(MPI_COMM_WORLD, code);
}

static int ranks_here(void)
{
    MPI_Comm here;
    int n;

    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL,
                        &here);
    MPI_Comm_size(here, &n);
    MPI_Comm_free(&here);
    return n;
}

__attribute__((visibility("default"))) sl_transport_join_fn sl_transport_join;

const struct sl_transport *sl_transport_join(const char **why)
{
    int rank, size, level;

    /* What still waits within MPI gives its core away; the user's word counts. */
    setenv("OMPI_MCA_mpi_yield_when_idle", "1", 0);
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level)) {
        *why = "MPI does not start";
        return NULL;
    }
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    MPI_Comm_dup(MPI_COMM_WORLD, &scattering);
    MPI_Comm_dup(MPI_COMM_WORLD, &collecting);
    self = (struct sl_transport){.rank = rank,
                                 .size = size,
                                 .here = ranks_here(),
                                 .gather = gather,
                                 .broadcast = broadcast,
                                 .scatter = scatter,
                                 .collect = collect,
                                 .over = over,
                                 .wait = wait_and_free,
                                 .leave = leave,
                                 .abort = end_all};
    return &self;
}
