#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* dladdr() */
#endif
#include "comm/comm.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/parallel.h"
#include "comm/transport.h"

static const char MODULE[] = "simlm-mpi.so";

/* The process's place among others belongs to the process, so it is a global. */
static const struct sl_transport *transport; /* NULL: alone */

/* ---- joining ------------------------------------------------------------- */

void sl_comm_use(const struct sl_transport *t)
{
    transport = t;
}

/* mpirun tells its processes by the environment; 0 if it did not. */
static int32_t told(const char *name)
{
    const char *s = getenv(name);
    long n = s ? strtol(s, NULL, 10) : 0;

    return n > 0 && n <= INT32_MAX ? (int32_t)n : 0;
}

int32_t sl_comm_started(void)
{
    int32_t n = told("OMPI_COMM_WORLD_SIZE");

    return n > 1 ? n : 1;
}

int32_t sl_comm_started_rank(void)
{
    return told("OMPI_COMM_WORLD_RANK");
}

/* The module lies beside the file that this code is in. */
static simlm_status module_path(char *path, size_t size, simlm_error *err)
{
    Dl_info self;
    const char *name, *slash;
    int n;

    if (!dladdr(MODULE, &self) || !self.dli_fname)
        return sl_fail(err, SIMLM_E_COMM, "cannot tell where simlm lies");
    name = self.dli_fname;
    slash = strrchr(name, '/');
    n = snprintf(path, size, "%.*s%s", slash ? (int)(slash + 1 - name) : 0,
                 name, MODULE);
    if (n < 0 || (size_t)n >= size)
        return sl_fail(err, SIMLM_E_COMM, "the name of %s is too long", MODULE);
    return SIMLM_OK;
}

simlm_status sl_comm_join(simlm_error *err)
{
    char path[1024];
    const char *why = "has no way in";
    sl_transport_join_fn *join = NULL;
    void *module, *symbol;

    if (transport || sl_comm_started() == 1)
        return SIMLM_OK;
    SL_TRY(module_path(path, sizeof path, err));
    if (access(path, R_OK))
        return sl_fail(err, SIMLM_E_COMM,
                       "started as one of %d processes, but this simlm was "
                       "built without MPI: there is no '%s'",
                       (int)sl_comm_started(), path);
    /* Global, for MPI's own modules. */
    module = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
    if (!module)
        return sl_fail(err, SIMLM_E_COMM, "cannot open '%s': %s", path,
                       dlerror());
    symbol = dlsym(module, "sl_transport_join");
    memcpy(&join, &symbol, sizeof join);
    sl_comm_use(join ? join(&why) : NULL);
    if (!transport)
        return sl_fail(err, SIMLM_E_COMM, "'%s': %s", path, why);
    sl_parallel_set_share(transport->here);
    return SIMLM_OK;
}

void sl_comm_leave(void)
{
    if (transport)
        transport->leave();
    sl_comm_use(NULL);
}

_Noreturn void sl_comm_abort(int code)
{
    if (transport)
        transport->abort(code);
    _exit(code);
}

int32_t sl_comm_rank(void)
{
    return transport ? transport->rank : 0;
}

int32_t sl_comm_size(void)
{
    return transport ? transport->size : 1;
}

/* ---- shares -------------------------------------------------------------- */

static int64_t share_begin(int64_t n, int32_t rank)
{
    int64_t size = sl_comm_size();

    return n / size * rank + n % size * rank / size;
}

void sl_comm_share(int64_t *begin, int64_t *end, int64_t n)
{
    *begin = share_begin(n, sl_comm_rank());
    *end = share_begin(n, sl_comm_rank() + 1);
}

/* The first sequence that begins at or behind the rank's share of the tokens. */
static int64_t first_of(const int32_t *start, int64_t n, int32_t rank)
{
    int64_t at = start[0] + share_begin(start[n] - start[0], rank), i = 0;

    if (rank == sl_comm_size())
        return n;
    while (i < n && start[i] < at)
        i++;
    return i;
}

void sl_comm_share_tokens(int64_t *begin, int64_t *end, const int32_t *start,
                          int64_t n)
{
    *begin = first_of(start, n, sl_comm_rank());
    *end = first_of(start, n, sl_comm_rank() + 1);
}

/* ---- what everybody hears ------------------------------------------------ */

static int64_t *new_parts(simlm_error *err)
{
    int64_t *part = SL_NEW_ARRAY(int64_t, sl_comm_size() + 1);

    if (!part)
        sl_fail_nomem(err, "the shares of the ranks");
    return part;
}

/* Shares in tokens (start [n + 1]) or, start NULL, in numbers. */
static simlm_status gather(void *all, const int32_t *start, int64_t n,
                           size_t bytes, simlm_error *err)
{
    int64_t *part;

    if (!transport)
        return SIMLM_OK;
    part = new_parts(err);
    if (!part)
        return SIMLM_E_NOMEM;
    for (int32_t r = 0; r <= transport->size; r++)
        part[r] = (start ? first_of(start, n, r) : share_begin(n, r)) *
                  (int64_t)bytes;
    transport->gather(all, part);
    sl_free(part);
    return SIMLM_OK;
}

simlm_status sl_comm_gather_shares(void *all, int64_t n, size_t bytes,
                                   simlm_error *err)
{
    return gather(all, NULL, n, bytes, err);
}

simlm_status sl_comm_gather_token_shares(void *all, const int32_t *start,
                                         int64_t n, size_t bytes,
                                         simlm_error *err)
{
    return gather(all, start, n, bytes, err);
}

void sl_comm_broadcast(void *p, int64_t n)
{
    if (transport)
        transport->broadcast(p, n);
}

simlm_status sl_comm_same(uint64_t mine, const char *otherwise,
                          simlm_error *err)
{
    uint64_t first = mine;

    sl_comm_broadcast(&first, sizeof first);
    return first == mine ? SIMLM_OK
                         : sl_fail(err, SIMLM_E_COMM, "%s", otherwise);
}

simlm_status sl_comm_same_job(uint64_t key, const char *backend,
                              simlm_error *err)
{
    SL_TRY(sl_comm_same(sl_hash64(backend, strlen(backend), 0),
                        "this rank's processor computes otherwise than rank "
                        "0's: set SIMLM_CPU to what both have",
                        err));
    return sl_comm_same(
        key, "this rank's options or files are not those of rank 0", err);
}

simlm_status sl_comm_add(double *x, int64_t n, simlm_error *err)
{
    int32_t size = sl_comm_size();
    double *all;
    simlm_status st;

    if (!transport)
        return SIMLM_OK;
    all = SL_NEW_ARRAY(double, n *size);
    if (!all)
        return sl_fail_nomem(err, "sums over ranks");
    memcpy(all + sl_comm_rank() * n, x, (size_t)n * sizeof *x);
    st = sl_comm_gather_shares(all, size, (size_t)n * sizeof *x, err);
    for (int64_t i = 0; i < n; i++) {
        x[i] = 0;
        for (int32_t r = 0; r < size; r++)
            x[i] += all[r * n + i];
    }
    sl_free(all);
    return st;
}

simlm_status sl_comm_any(bool *says, simlm_error *err)
{
    double n = *says;

    SL_TRY(sl_comm_add(&n, 1, err));
    *says = n > 0;
    return SIMLM_OK;
}

simlm_status sl_comm_wait_for_all(simlm_error *err)
{
    bool nothing = false;

    return sl_comm_any(&nothing, err);
}

/* ---- sums ----------------------------------------------------------------------

   The block is cut into pieces, from its end.  Of each rank's piece:

       x  --scatter-->  this rank's part of all, added  --collect-->  x

   Pieces go through either exchange in order, one behind the other.
 */

/* Pieces of a block, if they are not smaller, or larger, than a message should. */
enum { PIECES = 32, SMALLEST = 1 << 12, LARGEST = 1 << 28 };

struct piece {
    float *x;
    int64_t *part;   /* [size + 1] who adds what of it */
    float *parts;    /* [size, own part] of all ranks */
    void *scattered; /* the requests */
    void *collected;
};

struct sl_comm_sum {
    float *x;
    int64_t n_pieces;
    struct piece *piece;
    int64_t *part; /* theirs */
    float *parts;
    int64_t n_scattered, n_collected; /* exchanges that have begun */
};

static int64_t piece_length(int64_t n)
{
    int64_t length = n / PIECES + 1;

    return length < SMALLEST ? SMALLEST : length > LARGEST ? LARGEST : length;
}

/* Piece i, which ends where the one before it begins. */
static void set_piece(struct sl_comm_sum *s, int64_t i, int64_t n,
                      int64_t length)
{
    int32_t size = sl_comm_size();
    int64_t end = n - i * length, begin = end > length ? end - length : 0;
    struct piece *p = &s->piece[i];

    p->x = s->x + begin;
    p->part = s->part + i * (size + 1);
    p->parts = s->parts + i * (length + size);
    for (int32_t r = 0; r <= size; r++)
        p->part[r] = share_begin(end - begin, r);
}

simlm_status sl_comm_sum_new(struct sl_comm_sum **out, float *x, int64_t n,
                             simlm_error *err)
{
    int64_t length = piece_length(n), pieces = (n + length - 1) / length;
    int32_t size = sl_comm_size();
    struct sl_comm_sum *s = SL_NEW(struct sl_comm_sum);

    if (!s)
        return sl_fail_nomem(err, "a sum over ranks");
    s->x = x;
    s->n_pieces = pieces;
    s->piece = SL_NEW_ARRAY(struct piece, pieces);
    s->part = SL_NEW_ARRAY(int64_t, pieces * (size + 1));
    s->parts = SL_NEW_ARRAY(float, pieces *(length + size));
    if (!s->piece || !s->part || !s->parts) {
        sl_comm_sum_free(s);
        return sl_fail_nomem(err, "a sum over ranks");
    }
    for (int64_t i = 0; i < pieces; i++)
        set_piece(s, i, n, length);
    *out = s;
    return SIMLM_OK;
}

void sl_comm_sum_free(struct sl_comm_sum *s)
{
    if (!s)
        return;
    sl_free(s->piece);
    sl_free(s->part);
    sl_free(s->parts);
    sl_free(s);
}

static void add_range(void *ctx, int64_t begin, int64_t end)
{
    const struct piece *p = ctx;
    int64_t at = p->part[sl_comm_rank()];
    int64_t own = p->part[sl_comm_rank() + 1] - at;

    for (int64_t i = begin; i < end; i++) {
        double sum = 0;

        for (int32_t r = 0; r < transport->size; r++)
            sum += (double)p->parts[r * own + i];
        p->x[at + i] = (float)sum;
    }
}

/* The next piece's second half. */
static void collect_next(struct sl_comm_sum *s)
{
    struct piece *p = &s->piece[s->n_collected++];

    transport->wait(p->scattered);
    sl_parallel_for(p->part[sl_comm_rank() + 1] - p->part[sl_comm_rank()],
                    1 << 14, add_range, p);
    p->collected = transport->collect(p->x, p->part);
}

void sl_comm_sum_start(struct sl_comm_sum *s, int64_t from)
{
    struct piece *p = s->piece + s->n_scattered;

    if (!transport)
        return;
    for (; s->n_scattered < s->n_pieces && p->x >= s->x + from; p++) {
        p->scattered = transport->scatter(p->parts, p->x, p->part);
        s->n_scattered++;
    }
    while (s->n_collected < s->n_scattered &&
           transport->over(s->piece[s->n_collected].scattered))
        collect_next(s);
}

void sl_comm_sum_wait(struct sl_comm_sum *s)
{
    if (!transport)
        return;
    sl_comm_sum_start(s, 0);
    while (s->n_collected < s->n_pieces)
        collect_next(s);
    for (int64_t i = 0; i < s->n_pieces; i++)
        transport->wait(s->piece[i].collected);
    s->n_scattered = s->n_collected = 0;
}
