#include "base/arena.h"

#include "base/alloc.h"

void *sl_arena_take(struct sl_arena *a, size_t count, size_t size)
{
    size_t bytes, at = a->used;

    SL_ASSERT(size && count <= (SIZE_MAX - SL_ALIGN) / size);
    bytes = (count * size + SL_ALIGN - 1) & ~(size_t)(SL_ALIGN - 1);
    SL_ASSERT(bytes <= SIZE_MAX - at);
    a->used = at + bytes;
    if (!a->base)
        return NULL;
    SL_ASSERT(a->used <= a->size); /* else carve asked for more than before */
    return a->base + at;
}

simlm_status sl_arena_reserve(struct sl_arena *a, const char *what,
                              simlm_error *err)
{
    SL_ASSERT(!a->base);
    a->base = sl_calloc(a->used ? a->used : 1, 1);
    if (!a->base)
        return sl_fail_nomem(err, what);
    a->size = a->used;
    a->used = 0;
    return SIMLM_OK;
}

void sl_arena_release(struct sl_arena *a)
{
    sl_free(a->base);
    *a = (struct sl_arena)SL_ARENA_MEASURE;
}
