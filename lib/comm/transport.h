/*
 * comm/transport.h - what joins processes must do; comm.h says what it means.
 *
 * A transport is a module of its own, opened when it is needed, so that neither
 * library nor program depends on MPI's.  It exports sl_transport_join().  What
 * it cannot do ends the job with a message of its own.
 */
#ifndef SL_COMM_TRANSPORT_H
#define SL_COMM_TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>

struct sl_transport {
    int32_t rank, size;
    int32_t here; /* ranks on this machine */

    /* As comm.h says. */
    void (*gather)(void *all, const int64_t *part);
    void (*broadcast)(void *p, int64_t n);

    /*
     * The two halves of a sum.  scatter: part r of x [part[size]] goes to rank
     * r; when the request is over this rank has its own part of all ranks'
     * x, [size, part[rank + 1] - part[rank]], in their order.  collect: each rank
     * has filled its part of x; when the request is over everybody has all.
     *
     * All ranks scatter in one order, collect in one order, and make all other
     * calls in one order; of the three, each rank may be ahead in another.
     */
    void *(*scatter)(float *parts, const float *x, const int64_t *part);
    void *(*collect)(float *x, const int64_t *part);
    bool (*over)(void *request); /* asks, and so moves all requests along */
    void (*wait)(void *request); /* and frees it */

    void (*leave)(void);
    void (*abort)(int code);
};

/* NULL: *why is the reason. */
typedef const struct sl_transport *sl_transport_join_fn(const char **why);

/* From now on this process is a rank of t, which stays the caller's; NULL: it is
 * alone.  For sl_comm_join(), and for tests that bring ranks of their own. */
void sl_comm_use(const struct sl_transport *t);

#endif
