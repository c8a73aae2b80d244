/*
 * ops_case.h - every op as a function from some tensors to others, so that one
 * loop can check them all: against finite differences, against the fp64
 * reference, against itself on other threads.
 *
 *     struct ops_shape s = ops_shape_small(seed);
 *     struct ops_run *r = ops_run_new(be, &ops_cases[i], &s);
 *     ops_run_forward(r);                       r->out
 *     ops_run_backward(r);                      r->din, from r->dout
 *     ops_run_free(r);
 *
 * Inputs and output gradients are drawn from the shape's seed and rounded to
 * float (activations to bf16), so two runs of one case and shape see the same
 * numbers on any backend.
 * What an op overwrites is filled with NaN before, what it adds to with numbers.
 */
#ifndef TEST_OPS_CASE_H
#define TEST_OPS_CASE_H

#include <stdbool.h>

#include "backend/ops.h"
#include "base/rng.h"

enum { OPS_MAX_SEQS = 8, OPS_MAX_TENSORS = 5 };

/* One set of sizes for all ops; each uses what it needs. */
struct ops_shape {
    uint64_t seed;
    int64_t n, len[OPS_MAX_SEQS]; /* sequences; B of the contrastive loss */
    int64_t N;                    /* sum of len; rows of linear, vocab, ... */
    int64_t D, H;                 /* D a multiple of H; E is D */
    int64_t I, O, V, m;
    float p; /* dropout */
};

/* Lengths 1, 2, 5, 3; small odd sizes: for differences. */
struct ops_shape ops_shape_small(uint64_t seed);
/* Anything up to some hundreds, often prime, sometimes 1. */
struct ops_shape ops_shape_random(struct sl_rng *rng);

/* Every third token is chosen, from the first on. */
static inline int64_t ops_n_chosen(const struct ops_shape *s)
{
    return (s->N + 2) / 3;
}

enum ops_flags {
    OPS_ACT = 1,        /* an sl_act array; else sl_real */
    OPS_ADD = 2,        /* output or gradient: added to */
    OPS_POSITIVE = 4,   /* values in (0, 1) */
    OPS_UNIT = 8,       /* of the order of a weight's, 1 / sqrt(columns) */
    OPS_CONST = 16,     /* an input without gradient */
    OPS_ONE_WEIGHT = 32 /* all elements of out[0] have the same gradient */
};

struct ops_tensor {
    const char *name;
    unsigned flags;
    /* rows and columns for a shape */
    void (*size)(const struct ops_shape *s, int64_t *rows, int64_t *columns);
};

/* Bytes of an element on a backend. */
static inline size_t ops_element_bytes(const struct sl_backend *be,
                                       const struct ops_tensor *t)
{
    return t->flags & OPS_ACT ? be->act_bytes : be->real_bytes;
}

struct ops_run;

struct ops_case {
    const char *name;
    struct ops_tensor in[OPS_MAX_TENSORS];  /* up to the first without name */
    struct ops_tensor out[OPS_MAX_TENSORS]; /* the gradient is out[0]'s */
    void (*forward)(struct ops_run *r);
    void (*backward)(struct ops_run *r); /* NULL: has none */
    unsigned mode;                       /* the case's own business */
};

extern const struct ops_case ops_cases[];
extern const int n_ops_cases;

struct ops_run {
    struct sl_backend *be;
    const struct ops_case *c;
    struct ops_shape s;
    int n_in, n_out;
    int64_t in_n[OPS_MAX_TENSORS], out_n[OPS_MAX_TENSORS]; /* elements */
    void *in[OPS_MAX_TENSORS], *din[OPS_MAX_TENSORS];
    void *out[OPS_MAX_TENSORS], *dout; /* backend memory */
    /* integers, in backend memory */
    struct sl_packing pk;
    struct sl_chosen chosen;
    int32_t *ids, *types, *labels, *rows, *rank;
    uint8_t *mask;
    struct sl_dropout drop;
};

struct ops_run *ops_run_new(struct sl_backend *be, const struct ops_case *c,
                            const struct ops_shape *s);
void ops_run_free(struct ops_run *r);
void ops_run_forward(struct ops_run *r);
void ops_run_backward(struct ops_run *r); /* after forward */

/* What the backward pass adds din[k] to (zeros if it overwrites); free() it. */
double *ops_run_base(struct ops_run *r, int k);

/* The values of a tensor as doubles; free() it. */
double *ops_run_read(const struct ops_run *r, const void *tensor, int64_t n);

/*
 * Fail unless the backend's outputs and gradients for a case and shape are
 * those of the fp64 reference: |got - want| <= tol * max(1, max |want|), over
 * each tensor.  NaN equals nothing, an infinity itself.
 */
void ops_case_agrees(struct sl_backend *be, struct sl_backend *f64,
                     const struct ops_case *c, const struct ops_shape *s,
                     double tol);

/* Fail unless 1 and 2 threads give the same bits. */
void ops_case_same_on_threads(struct sl_backend *be, const struct ops_case *c,
                              const struct ops_shape *s);

/* Open, or fail the test. */
struct sl_backend *ops_open(enum sl_compute compute, unsigned cpu);

/* The CPU variants this machine has: masks for ops_open, and their names. */
struct ops_variant {
    const char *name;
    unsigned cpu;
};
extern const struct ops_variant ops_variants[];
extern const int n_ops_variants;
bool ops_variant_present(const struct ops_variant *v);

#endif
