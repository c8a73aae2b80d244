#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool sl_mul_size(size_t *out, size_t a, size_t b)
{
    return !__builtin_mul_overflow(a, b, out);
}

/*
 * More than the machine has?  Linux would grant it and kill the process once
 * it is used.  Small requests are not worth the question.
 */
static bool beyond_memory(size_t bytes)
{
    long pages, page;

    if (bytes < (size_t)1 << 30)
        return false;
    pages = sysconf(_SC_PHYS_PAGES);
    page = sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 && bytes / (size_t)page > (size_t)pages;
}

void *sl_alloc(size_t count, size_t size)
{
    size_t bytes;

    if (!sl_mul_size(&bytes, count, size) || bytes > SIZE_MAX / 2 ||
        beyond_memory(bytes))
        return NULL;
    bytes = (bytes + SL_ALIGN - 1) & ~(size_t)(SL_ALIGN - 1);
    return aligned_alloc(SL_ALIGN, bytes ? bytes : SL_ALIGN);
}

void *sl_calloc(size_t count, size_t size)
{
    void *p = sl_alloc(count, size);

    if (p)
        memset(p, 0, count * size);
    return p;
}

void sl_free(void *p)
{
    free(p);
}

bool sl_grow(void *p, int64_t *cap, int64_t need, size_t size)
{
    void *old, *mem;
    int64_t want;

    if (need <= *cap)
        return true;
    if (*cap > INT64_MAX / 2)
        return false;
    want = *cap + *cap / 2;
    if (want < need)
        want = need;
    if (want < 16)
        want = 16;
    mem = sl_alloc((size_t)want, size);
    if (!mem)
        return false;
    memcpy(&old, p, sizeof old);
    if (old)
        memcpy(mem, old, (size_t)*cap * size);
    sl_free(old);
    memcpy(p, &mem, sizeof mem);
    *cap = want;
    return true;
}

char *sl_strndup(const char *s, size_t n)
{
    char *d = n < SIZE_MAX ? sl_alloc(n + 1, 1) : NULL;

    if (d) {
        memcpy(d, s, n);
        d[n] = '\0';
    }
    return d;
}

char *sl_strdup(const char *s)
{
    return sl_strndup(s, strlen(s));
}
