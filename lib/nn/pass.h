/*
 * nn/pass.h - what every forward or backward pass is given: where, on which
 * tokens, in what shape, with which randomness.
 *
 * Dropout sites.  A site names a place in the computation (ops.h); attention
 * uses one for each head, so sites are 1024 apart:
 *
 *     site                          embeddings
 *     site + 1024 * (1 + 3 l)       attention probabilities of layer l
 *     site + 1024 * (2 + 3 l)       attention output of layer l
 *     site + 1024 * (3 + 3 l)       feed-forward output of layer l
 *     site + 1024 * (1 + 3 L)       behind L layers: the score head's input,
 *     site + 1024 * (2 + 3 L)       and its inner layer (scorehead.h)
 *
 * A stack of 256 layers stays below 2^20; passes of one step over the same
 * sequences (encoder, decoder, generator) take site = SL_PASS_SITE(0), (1), ...
 */
#ifndef SL_NN_PASS_H
#define SL_NN_PASS_H

#include "backend/ops.h"
#include "base/alloc.h"
#include "base/arena.h"

#define SL_PASS_SITE(i) ((uint32_t)(i) << 20)

/*
 *   D hidden   E embedding width   F feed-forward   H heads   V vocabulary
 */
struct sl_shape {
    int64_t D, E, F, H, V;
    float eps, head_eps;
    float p_hidden, p_attention; /* dropout */
};

/*
 * Who hears in a step's last backward pass what of the gradients is final:
 * what lies at `from`, and all behind it in the block, where parameters lie in
 * the order of the forward pass.
 */
struct sl_watch {
    void (*final)(void *ctx, const sl_real *from);
    void *ctx;
};

struct sl_pass {
    struct sl_backend *be;
    const struct sl_shape *shape;
    const struct sl_packing *pk;
    const struct sl_chosen *chosen; /* for layers of chosen rows alone */
    bool dropout;
    uint64_t stream;
    uint32_t site;
    const struct sl_watch *watch; /* NULL: nobody, or not the last pass */
};

static inline uint32_t sl_site_behind_layers(const struct sl_pass *p,
                                             int64_t layers)
{
    return p->site + 1024u * (1 + 3 * (uint32_t)layers);
}

/* The pass of a stack whose first layer is layer l of the whole. */
static inline struct sl_pass sl_pass_from_layer(struct sl_pass p, int64_t l)
{
    p.site += 1024u * 3 * (uint32_t)l;
    return p;
}

struct sl_dropout sl_hidden_dropout(const struct sl_pass *p, uint32_t site);
struct sl_dropout sl_attention_dropout(const struct sl_pass *p, uint32_t site);

/*
 * Activations are carved from arenas in the backend's memory: measure, reserve,
 * carve again (base/arena.h).
 */
simlm_status sl_acts_reserve(struct sl_arena *a, struct sl_backend *be,
                             const char *what, simlm_error *err);
void sl_acts_release(struct sl_arena *a, struct sl_backend *be);

static inline sl_act *sl_take_act(struct sl_arena *a,
                                  const struct sl_backend *be, int64_t n)
{
    return (sl_act *)sl_arena_take(a, (size_t)n, be->act_bytes);
}

static inline sl_real *sl_take_real(struct sl_arena *a,
                                    const struct sl_backend *be, int64_t n)
{
    return (sl_real *)sl_arena_take(a, (size_t)n, be->real_bytes);
}

#endif
