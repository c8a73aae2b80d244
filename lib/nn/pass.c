#include "nn/pass.h"

struct sl_dropout sl_hidden_dropout(const struct sl_pass *p, uint32_t site)
{
    float rate = p->dropout ? p->shape->p_hidden : 0;

    return (struct sl_dropout){rate, site, p->stream};
}

struct sl_dropout sl_attention_dropout(const struct sl_pass *p, uint32_t site)
{
    float rate = p->dropout ? p->shape->p_attention : 0;

    return (struct sl_dropout){rate, site, p->stream};
}

simlm_status sl_acts_reserve(struct sl_arena *a, struct sl_backend *be,
                             const char *what, simlm_error *err)
{
    void *p;

    SL_ASSERT(!a->base);
    SL_TRY(be->alloc(be, &p, a->used ? a->used : SL_ALIGN, what, err));
    *a = (struct sl_arena){p, 0, a->used};
    return SIMLM_OK;
}

void sl_acts_release(struct sl_arena *a, struct sl_backend *be)
{
    if (be)
        be->free(be, a->base);
    *a = (struct sl_arena)SL_ARENA_MEASURE;
}
