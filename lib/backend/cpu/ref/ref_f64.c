/* The portable reference in fp64: what the tests trust, because fp32 would
 * drown finite differences in rounding. */
#include <math.h>

typedef double real;
typedef double act;
#define EXP      exp
#define ERF      erf
#define TANH     tanh
#define INIT_OPS sl_ops_init_ref_f64

#include "ref_ops.inc"
