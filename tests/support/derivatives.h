/*
 * derivatives.h - are a model's gradients the derivatives of its loss?
 *
 * In double on the reference backend, whose memory is ordinary memory.
 */
#ifndef TEST_DERIVATIVES_H
#define TEST_DERIVATIVES_H

#include "model/bert.h"

/* A loss of m's weights; if train, its gradient is added to m->g. */
typedef double loss_fn(void *self, bool train);

/*
 * Of every tensor the largest element of the gradient and two others agree with
 * central differences; no more than n_flat tensors' gradients are 0.
 */
void check_derivatives(struct sl_bert *m, loss_fn *loss, void *self,
                       int64_t n_flat);

/*
 * Is what a watch of m's gradients hears true?  Give w.watch to a training step
 * (which hears it of the last pass alone), then check: w was told something, each
 * time of gradients further ahead, and none changed after that.
 */
struct gradient_watch {
    struct sl_watch watch;
    const struct sl_bert *m;
    double *seen; /* [params.size] when it was told, from `from` on */
    int64_t from;
    int n_told;
};
void gradient_watch_begin(struct gradient_watch *w, const struct sl_bert *m);
void gradient_watch_check(struct gradient_watch *w);

/* The gradients as they are; sl_free() them. */
double *copy_grad(const struct sl_bert *m);

/* Each of m's gradients is `want`'s within tol, relative above 1. */
void check_same(const struct sl_bert *m, const double *want, double tol);

#endif
