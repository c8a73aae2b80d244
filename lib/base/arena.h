/*
 * base/arena.h - one block, carved once, freed once.
 *
 * The function that lays out a structure runs twice: first over an arena
 * with no memory, to learn the size, then over the real block.  Because it is
 * the same function, a size and a layout cannot drift apart.
 *
 *     struct sl_arena a = SL_ARENA_MEASURE;
 *     carve(&a, &acts, cfg, B, T);
 *     SL_TRY(sl_arena_reserve(&a, "activations", err));
 *     carve(&a, &acts, cfg, B, T);
 *
 * Every piece starts on a 64-byte boundary.  Sizes come from a configuration
 * that was validated when it was read: here, one that does not fit is our bug.
 */
#ifndef SL_BASE_ARENA_H
#define SL_BASE_ARENA_H

#include <stddef.h>

#include "base/status.h"

struct sl_arena {
    unsigned char *base; /* NULL while measuring */
    size_t used;         /* bytes handed out, a multiple of SL_ALIGN */
    size_t size;         /* bytes reserved; 0 while measuring */
};
/* clang-format off */
#define SL_ARENA_MEASURE { NULL, 0, 0 }
/* clang-format on */

#define SL_TAKE(a, type, n)                                                    \
    ((type *)sl_arena_take((a), (size_t)(n), sizeof(type)))

/* Returns NULL while measuring: carve functions store it and never read it. */
void *sl_arena_take(struct sl_arena *a, size_t count, size_t size);

/* Allocate (zeroed) what was measured and rewind; `what` names it if it fails. */
simlm_status sl_arena_reserve(struct sl_arena *a, const char *what,
                              simlm_error *err);
void sl_arena_release(struct sl_arena *a); /* frees; the arena measures again */

/* Scratch use: remember a->used, take, and rewind to it. */
static inline void sl_arena_rewind(struct sl_arena *a, size_t mark)
{
    SL_ASSERT(mark <= a->used);
    a->used = mark;
}

#endif
