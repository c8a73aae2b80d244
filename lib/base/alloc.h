/*
 * base/alloc.h - heap memory with checked sizes, 64-byte aligned.
 *
 * A count that came from a file may be anything, so count * size is checked;
 * NULL means "too large or out of memory" alike, and more than the machine's
 * memory is too large.  Free with sl_free(); every piece starts on a cache line
 * and is a multiple of one long, so vector code may read (never write) past the
 * last element to the end of the line.
 */
#ifndef SL_BASE_ALLOC_H
#define SL_BASE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SL_ALIGN 64u

void *sl_alloc(size_t count, size_t size);  /* contents undefined */
void *sl_calloc(size_t count, size_t size); /* zeroed */
void sl_free(void *p);                      /* accepts NULL */

#define SL_NEW(type)          ((type *)sl_calloc(1, sizeof(type)))
#define SL_NEW_ARRAY(type, n) ((type *)sl_calloc((size_t)(n), sizeof(type)))

/* *out <- a * b; false on overflow. */
bool sl_mul_size(size_t *out, size_t a, size_t b);

/*
 * Make room for at least `need` elements in the array *p of *cap elements,
 * growing by half.  False on failure; then *p is still valid and unchanged.
 * *p starts as NULL with *cap 0 and is freed with sl_free().
 */
bool sl_grow(void *p, int64_t *cap, int64_t need, size_t size);

char *sl_strdup(const char *s);            /* sl_free() it; NULL if no memory */
char *sl_strndup(const char *s, size_t n); /* copies n bytes and ends them */

#endif
