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

void sl_stack_carve(struct sl_arena *a, struct sl_stack *s,
                    const struct sl_backend *be, const struct sl_shape *shape,
                    int64_t L, int64_t N, enum sl_keep keep)
{
    *s = (struct sl_stack){.keep = keep, .L = L, .N = N};
    s->layer_bytes = measure_layer(be, shape, N);
    s->out_bytes = measure_out(be, shape, N);
    if (keep == SL_KEEP_NOTHING) {
        sl_layer_carve_thin(a, &s->shared, be, shape, N);
        s->outs = sl_arena_take(a, 1, s->out_bytes);
        return;
    }
    s->outs = sl_arena_take(a, (size_t)(L > 0 ? L : 1), s->out_bytes);
    if (keep == SL_KEEP_OUTPUTS)
        sl_layer_carve(a, &s->shared, be, shape, N);
    else
        s->layers = sl_arena_take(a, (size_t)(L > 0 ? L : 1), s->layer_bytes);
}

/* Layer l's activations: its block of memory, carved the same way once more. */
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
    return x;
}

void sl_stack_backward(const struct sl_pass *p, struct sl_stack *s,
                       const struct sl_layer_weights *w,
                       const struct sl_layer_weights *grad,
                       const struct sl_layer_scratch *t, sl_act *d,
                       const sl_act *x)
{
    SL_ASSERT(s->keep != SL_KEEP_NOTHING);
    for (int64_t l = s->L - 1; l >= 0; l--) {
        struct sl_layer_acts acts = layer_at(p, s, l);
        const sl_act *in = l ? layer_at(p, s, l - 1).out : x;

        if (s->keep == SL_KEEP_OUTPUTS)
            sl_layer_forward(p, &w[l], &acts, in, layer_site(p, l));
        sl_layer_backward(p, &w[l], &grad[l], &acts, t, d, in,
                          layer_site(p, l));
    }
}
