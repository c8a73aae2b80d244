#include "nn/stack.h"

static size_t measure_layer(const struct sl_backend *be,
                            const struct sl_shape *shape, int64_t N)
{
    struct sl_arena a = SL_ARENA_MEASURE;
    struct sl_layer_acts l;

    sl_layer_carve(&a, &l, be, shape, N);
    return a.used;
}

static size_t measure_out(const struct sl_backend *be,
                          const struct sl_shape *shape, int64_t N)
{
    struct sl_arena a = SL_ARENA_MEASURE;

    sl_take_act(&a, be, N * shape->D);
    return a.used;
}

static void carve_layers(struct sl_arena *a, struct sl_stack *s,
                         const struct sl_backend *be,
                         const struct sl_shape *shape)
{
    size_t L = (size_t)(s->L > 0 ? s->L : 1);

    s->layer_bytes = measure_layer(be, shape, s->N);
    s->out_bytes = measure_out(be, shape, s->N);
    s->outs =
        sl_arena_take(a, s->keep == SL_KEEP_NOTHING ? 1 : L, s->out_bytes);
    if (s->keep == SL_KEEP_NOTHING)
        sl_layer_carve_thin(a, &s->shared, be, shape, s->N);
    else if (s->keep == SL_KEEP_OUTPUTS)
        sl_layer_carve(a, &s->shared, be, shape, s->N);
    else
        s->layers = sl_arena_take(a, L, s->layer_bytes);
}

void sl_stack_carve(struct sl_arena *a, struct sl_stack *s,
                    const struct sl_backend *be, const struct sl_shape *shape,
                    int64_t L, int64_t N, int64_t R, enum sl_keep keep)
{
    bool chosen = R > 0, own_kv = keep == SL_KEEP_ALL;

    *s = (struct sl_stack){
        .keep = keep, .L = L - chosen, .N = N, .chosen = chosen};
    carve_layers(a, s, be, shape);
    if (!chosen)
        return;
    sl_chosen_carve(a, &s->last, be, shape, N, R, own_kv);
    if (!own_kv) /* the shared layer's q, k and v are spent by then */
        s->last.kv = s->shared.qkv;
}

/* Whole layer l's activations: its memory, carved the same way once more. */
static struct sl_layer_acts layer_at(const struct sl_pass *p,
                                     const struct sl_stack *s, int64_t l)
{
    struct sl_layer_acts acts = s->shared;

    if (s->keep == SL_KEEP_ALL) {
        struct sl_arena a = {s->layers + (size_t)l * s->layer_bytes, 0,
                             s->layer_bytes};

        sl_layer_carve(&a, &acts, p->be, p->shape, s->N);
    }
    acts.out =
        (sl_act *)(s->outs +
                   (s->keep == SL_KEEP_NOTHING ? 0 : (size_t)l * s->out_bytes));
    return acts;
}

static uint32_t layer_site(const struct sl_pass *p, int64_t l)
{
    return p->site + 1024u * (1 + 3 * (uint32_t)l);
}

const sl_act *sl_stack_forward(const struct sl_pass *p, struct sl_stack *s,
                               const struct sl_layer_weights *w,
                               const sl_act *x)
{
    for (int64_t l = 0; l < s->L; l++) {
        struct sl_layer_acts acts = layer_at(p, s, l);

        sl_layer_forward(p, &w[l], &acts, x, layer_site(p, l));
        x = acts.out;
    }
    if (!s->chosen)
        return x;
    sl_chosen_forward(p, &w[s->L], &s->last, x, layer_site(p, s->L));
    return s->last.rows.out;
}

/* What layer l was given in the forward pass. */
static const sl_act *input_of(const struct sl_pass *p, const struct sl_stack *s,
                              int64_t l, const sl_act *x)
{
    return l ? layer_at(p, s, l - 1).out : x;
}

/* No layer behind, and no other pass to come, adds to this layer's gradients. */
static void tell_final(const struct sl_pass *p,
                       const struct sl_layer_weights *grad)
{
    if (p->watch)
        p->watch->final(p->watch->ctx, grad->wq); /* its first */
}

void sl_stack_backward(const struct sl_pass *p, struct sl_stack *s,
                       const struct sl_layer_weights *w,
                       const struct sl_layer_weights *grad,
                       const struct sl_layer_scratch *t, sl_act *d,
                       const sl_act *x)
{
    SL_ASSERT(s->keep != SL_KEEP_NOTHING);
    if (s->chosen) {
        sl_chosen_backward(p, &w[s->L], &grad[s->L], &s->last, t, d,
                           input_of(p, s, s->L, x), layer_site(p, s->L));
        tell_final(p, &grad[s->L]);
    }
    for (int64_t l = s->L - 1; l >= 0; l--) {
        struct sl_layer_acts acts = layer_at(p, s, l);
        const sl_act *in = input_of(p, s, l, x);

        if (s->keep == SL_KEEP_OUTPUTS)
            sl_layer_forward(p, &w[l], &acts, in, layer_site(p, l));
        sl_layer_backward(p, &w[l], &grad[l], &acts, t, d, in,
                          layer_site(p, l));
        tell_final(p, &grad[l]);
    }
}
