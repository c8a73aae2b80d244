#include "format/npy.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* ---- writing ------------------------------------------------------------- */

void sl_npy_header(char header[SL_NPY_HEADER], int64_t n, int64_t dim)
{
    char text[SL_NPY_HEADER];
    int len = snprintf(text, sizeof text,
                       "{'descr': '<f4', 'fortran_order': False, "
                       "'shape': (%lld, %lld), }",
                       (long long)n, (long long)dim);

    SL_ASSERT(len > 0 && len < SL_NPY_HEADER - 10);
    memset(header, ' ', SL_NPY_HEADER);
    memcpy(header, "\x93NUMPY\x01\x00", 8);
    header[8] = SL_NPY_HEADER - 10;
    header[9] = 0;
    memcpy(header + 10, text, (size_t)len);
    header[SL_NPY_HEADER - 1] = '\n';
}

static void put_header(struct sl_npy_writer *w)
{
    char header[SL_NPY_HEADER];

    sl_npy_header(header, w->n, w->dim);
    fwrite(header, 1, sizeof header, w->out.f);
}

simlm_status sl_npy_writer_open(struct sl_npy_writer *w, const char *path,
                                int64_t dim, simlm_error *err)
{
    *w = (struct sl_npy_writer){.dim = dim};
    if (!strcmp(path, "-"))
        return sl_fail(err, SIMLM_E_ARG,
                       "cannot write a .npy file to standard output");
    SL_TRY(sl_out_open(&w->out, path, err));
    put_header(w);
    return SIMLM_OK;
}

void sl_npy_writer_add(struct sl_npy_writer *w, const float *rows, int64_t n)
{
    fwrite(rows, sizeof *rows, (size_t)(n * w->dim), w->out.f);
    w->n += n;
}

simlm_status sl_npy_writer_commit(struct sl_npy_writer *w, simlm_error *err)
{
    if (!ferror(w->out.f)) {
        if (!fseek(w->out.f, 0, SEEK_SET))
            put_header(w); /* a failure leaves f's error set for commit */
        else {
            simlm_status st = sl_fail_errno(err, "write", w->out.path);

            sl_npy_writer_abort(w);
            return st;
        }
    }
    return sl_out_commit(&w->out, err);
}

void sl_npy_writer_abort(struct sl_npy_writer *w)
{
    sl_out_abort(&w->out);
}

/* ---- reading ------------------------------------------------------------- */

struct header {
    bool half;
    int64_t n, dim;
    size_t data; /* where it begins */
};

/* The text behind "'key':" in the header's dictionary, or NULL. */
static const char *after_key(const char *dict, const char *key)
{
    const char *at = strstr(dict, key);

    if (!at)
        return NULL;
    at += strlen(key);
    at += strspn(at, " ");
    if (*at++ != ':')
        return NULL;
    return at + strspn(at, " ");
}

static bool read_count(int64_t *out, const char **at)
{
    int64_t x = 0;
    const char *p = *at + strspn(*at, " "), *begin = p;

    for (; *p >= '0' && *p <= '9'; p++)
        if (__builtin_mul_overflow(x, 10, &x) ||
            __builtin_add_overflow(x, *p - '0', &x))
            return false;
    *at = p + strspn(p, " ");
    *out = x;
    return p > begin;
}

static simlm_status bad(const char *path, const char *expected,
                        simlm_error *err)
{
    return sl_fail(err, SIMLM_E_FORMAT, "%s: expected %s", path, expected);
}

static simlm_status read_dict(struct header *h, const char *dict,
                              const char *path, simlm_error *err)
{
    const char *descr = after_key(dict, "'descr'");
    const char *order = after_key(dict, "'fortran_order'");
    const char *shape = after_key(dict, "'shape'");

    if (descr && !strncmp(descr, "'<f2'", 5))
        h->half = true;
    else if (!descr || strncmp(descr, "'<f4'", 5) != 0)
        return bad(path, "a .npy of type '<f4' or '<f2'", err);
    if (!order || strncmp(order, "False", 5) != 0)
        return bad(path, "a .npy in C order ('fortran_order': False)", err);
    if (!shape || *shape++ != '(' || !read_count(&h->n, &shape) ||
        *shape++ != ',' || !read_count(&h->dim, &shape) ||
        (*shape == ',' ? *++shape : *shape) != ')')
        return bad(path, "a .npy with two dimensions", err);
    if (h->dim < 1)
        return bad(path, "a .npy with at least one column", err);
    return SIMLM_OK;
}

static simlm_status read_header(struct header *h, const struct sl_map *map,
                                const char *path, simlm_error *err)
{
    simlm_status st;
    size_t len, at;
    char *dict;

    *h = (struct header){0};
    if (map->n < 12 || memcmp(map->p, "\x93NUMPY", 6) != 0)
        return bad(path, "a .npy file", err);
    if (map->p[6] < 1 || map->p[6] > 3)
        return bad(path, "a .npy of version 1, 2 or 3", err);
    len = map->p[8] | (size_t)map->p[9] << 8;
    at = 10;
    if (map->p[6] > 1) {
        len |= (size_t)map->p[10] << 16 | (size_t)map->p[11] << 24;
        at = 12;
    }
    if (len > map->n - at || len > 1 << 20)
        return bad(path, "a .npy header within the file", err);
    dict = sl_strndup((const char *)map->p + at, len);
    if (!dict)
        return sl_fail_nomem(err, path);
    st = read_dict(h, dict, path, err);
    h->data = at + len;
    sl_free(dict);
    return st;
}

/* IEEE half to single; exact. */
static float widen(uint16_t x)
{
    uint32_t sign = (uint32_t)(x & 0x8000) << 16, e = x >> 10 & 31;
    uint32_t m = x & 0x3ff, bits;
    float f;

    if (e == 31) {
        bits = sign | 0x7f800000 | m << 13;
    } else if (e) {
        bits = sign | (e + 112) << 23 | m << 13;
    } else { /* zero and subnormals: m * 2^-24 */
        f = (float)m * 0x1p-24f;
        return sign ? -f : f;
    }
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* Where mapping does not do: halves, and data at an odd place. */
static simlm_status copy_data(struct sl_npy *m, const struct header *h,
                              size_t count, const char *path, simlm_error *err)
{
    const unsigned char *p = m->map.p + h->data;

    m->owned = sl_alloc(count, sizeof *m->owned);
    if (!m->owned)
        return sl_fail_nomem(err, path);
    if (h->half)
        for (size_t i = 0; i < count; i++)
            m->owned[i] = widen((uint16_t)(p[2 * i] | p[2 * i + 1] << 8));
    else if (count)
        memcpy(m->owned, p, count * sizeof *m->owned);
    m->x = m->owned;
    return SIMLM_OK;
}

simlm_status sl_npy_open(struct sl_npy *m, const char *path, simlm_error *err)
{
    struct header h;
    size_t count, bytes;
    simlm_status st;

    *m = (struct sl_npy){0};
    SL_TRY(sl_map_open(&m->map, path, err));
    st = read_header(&h, &m->map, path, err);
    if (st < 0)
        goto out;
    if (!sl_mul_size(&count, (size_t)h.n, (size_t)h.dim) ||
        !sl_mul_size(&bytes, count, h.half ? 2 : 4) ||
        bytes != m->map.n - h.data) {
        st = sl_fail(err, SIMLM_E_FORMAT,
                     "%s: expected the data of shape (%lld, %lld), but the "
                     "file has %zu bytes of them",
                     path, (long long)h.n, (long long)h.dim, m->map.n - h.data);
        goto out;
    }
    m->n = h.n;
    m->dim = h.dim;
    if (h.half || h.data % sizeof(float))
        st = copy_data(m, &h, count, path, err);
    else
        m->x = (const float *)(const void *)(m->map.p + h.data);
out:
    if (st < 0)
        sl_npy_close(m);
    return st;
}

void sl_npy_close(struct sl_npy *m)
{
    sl_map_close(&m->map);
    sl_free(m->owned);
    *m = (struct sl_npy){0};
}
