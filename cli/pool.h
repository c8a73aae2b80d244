/*
 * pool.h - memory of one lifetime: taken piece by piece, given back at once.
 *
 * For a recipe, which is read, checked and run as a whole.  Where there is no
 * memory left the program ends with a message; nothing here returns NULL.
 */
#ifndef CLI_POOL_H
#define CLI_POOL_H

#include <stddef.h>
#include <stdio.h>

struct pool {
    struct pool_piece *last; /* private */
};

void *pool_take(struct pool *p, size_t n, size_t size);      /* zeroed */
char *pool_text(struct pool *p, const char *text, size_t n); /* plus a NUL */
char *pool_printf(struct pool *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void pool_release(struct pool *p);

#define POOL_NEW(pool, type) ((type *)pool_take(pool, 1, sizeof(type)))

/*
 * Text that is written as to a file:
 *
 *     struct pool_writer w;
 *     FILE *f = pool_write(&w);
 *     fprintf(f, ...);
 *     text = pool_written(p, &w);       f is closed
 */
struct pool_writer {
    FILE *f;
    char *text;
    size_t n;
};
FILE *pool_write(struct pool_writer *w);
char *pool_written(struct pool *p, struct pool_writer *w);

#endif
