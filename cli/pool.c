#include "pool.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* Kept ahead of each piece, whose alignment is any object's. */
struct pool_piece {
    struct pool_piece *before;
    max_align_t start[];
};

static void end_for_memory(void)
{
    cli_error("out of memory");
    exit(CLI_FAILED);
}

void *pool_take(struct pool *p, size_t n, size_t size)
{
    struct pool_piece *piece = NULL;

    if (!size || n <= (SIZE_MAX / 2) / size)
        piece = calloc(1, sizeof *piece + n * size);
    if (!piece)
        end_for_memory();
    piece->before = p->last;
    p->last = piece;
    return piece->start;
}

char *pool_text(struct pool *p, const char *text, size_t n)
{
    char *copy = pool_take(p, n + 1, 1);

    if (n)
        memcpy(copy, text, n);
    return copy;
}

char *pool_printf(struct pool *p, const char *fmt, ...)
{
    va_list ap;
    char *text;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        end_for_memory();
    text = pool_take(p, (size_t)n + 1, 1);
    va_start(ap, fmt);
    vsnprintf(text, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return text;
}

void pool_release(struct pool *p)
{
    while (p->last) {
        struct pool_piece *piece = p->last;

        p->last = piece->before;
        free(piece);
    }
}

FILE *pool_write(struct pool_writer *w)
{
    *w = (struct pool_writer){0};
    w->f = open_memstream(&w->text, &w->n);
    if (!w->f)
        end_for_memory();
    return w->f;
}

char *pool_written(struct pool *p, struct pool_writer *w)
{
    char *text;

    if (fclose(w->f))
        end_for_memory();
    text = pool_text(p, w->text, w->n);
    free(w->text);
    return text;
}
