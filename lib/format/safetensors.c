#include "format/safetensors.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/strmap.h"
#include "format/json.h"

/* The reference implementation's limit of a header. */
enum { MAX_HEADER = 100000000 };

struct sl_safetensors {
    char *path;
    struct sl_map map;
    struct sl_json_doc *doc; /* owns the names */
    struct sl_strmap *names; /* -> index */
    struct sl_tensor *list;
    int64_t n;
};

/* ---- opening ------------------------------------------------------------- */

static uint64_t read_u64(const unsigned char *p)
{
    uint64_t x = 0;

    for (int i = 7; i >= 0; i--)
        x = x << 8 | p[i];
    return x;
}

static simlm_status read_shape(struct sl_tensor *t, struct sl_json shape,
                               const char *path, simlm_error *err)
{
    int64_t n = sl_json_count(shape), d[SL_TENSOR_MAX_DIMS];

    if (sl_json_kind(shape) != SL_JSON_ARRAY || n > SL_TENSOR_MAX_DIMS)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "%s: tensor '%.200s': expected a shape of at most %d "
                       "dimensions",
                       path, t->name, SL_TENSOR_MAX_DIMS);
    for (int64_t i = 0; i < n; i++)
        if (!sl_json_is_int(sl_json_item(shape, i), &d[i]))
            d[i] = -1;
    return sl_tensor_set_shape(t, d, n)
               ? SIMLM_OK
               : sl_fail(err, SIMLM_E_FORMAT, "%s: tensor '%.200s': bad shape",
                         path, t->name);
}

/* `bytes` are those behind the header. */
static simlm_status read_entry(struct sl_tensor *t, struct sl_json entry,
                               const unsigned char *data, int64_t bytes,
                               const char *path, simlm_error *err)
{
    struct sl_json offsets = sl_json_field(entry, "data_offsets");
    const char *dtype = sl_json_is_text(sl_json_field(entry, "dtype"), NULL);
    int64_t begin, end;

    if (!dtype)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "%s: tensor '%.200s': expected a dtype", path, t->name);
    t->dtype = sl_dtype_named(dtype);
    SL_TRY(read_shape(t, sl_json_field(entry, "shape"), path, err));
    if (sl_json_count(offsets) != 2 ||
        !sl_json_is_int(sl_json_item(offsets, 0), &begin) ||
        !sl_json_is_int(sl_json_item(offsets, 1), &end) || begin < 0 ||
        end < begin || end > bytes)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "%s: tensor '%.200s': its data lie outside the file "
                       "(truncated?)",
                       path, t->name);
    if (t->dtype != SL_DTYPE_OTHER && t->bytes != end - begin)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "%s: tensor '%.200s': %" PRId64
                       " bytes, its shape and type need %" PRId64,
                       path, t->name, end - begin, t->bytes);
    t->data = data + begin;
    t->bytes = end - begin;
    return SIMLM_OK;
}

static int by_place(const void *a, const void *b)
{
    const struct sl_tensor *const *x = a, *const *y = b;

    if ((*x)->data != (*y)->data)
        return (*x)->data < (*y)->data ? -1 : 1;
    return ((*x)->bytes > (*y)->bytes) - ((*x)->bytes < (*y)->bytes);
}

static simlm_status check_overlap(const struct sl_safetensors *f,
                                  simlm_error *err)
{
    const struct sl_tensor **order =
        SL_NEW_ARRAY(const struct sl_tensor *, f->n ? f->n : 1);
    simlm_status st = SIMLM_OK;

    if (!order)
        return sl_fail_nomem(err, f->path);
    for (int64_t i = 0; i < f->n; i++)
        order[i] = &f->list[i];
    qsort(order, (size_t)f->n, sizeof *order, by_place);
    for (int64_t i = 1; i < f->n && st == SIMLM_OK; i++)
        if (order[i - 1]->data + order[i - 1]->bytes > order[i]->data)
            st = sl_fail(err, SIMLM_E_FORMAT,
                         "%s: tensors '%.100s' and '%.100s' overlap", f->path,
                         order[i - 1]->name, order[i]->name);
    sl_free(order);
    return st;
}

static simlm_status read_header(struct sl_safetensors *f, simlm_error *err)
{
    struct sl_json_member m = {0};
    struct sl_json root;
    uint64_t n;

    if (f->map.n < 8)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "%s: not a safetensors file (%zu bytes)", f->path,
                       f->map.n);
    n = read_u64(f->map.p);
    if (n > MAX_HEADER || n > f->map.n - 8)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "%s: not a safetensors file, or cut short: a header of "
                       "%" PRIu64 " bytes",
                       f->path, n);
    SL_TRY(sl_json_parse(&f->doc, (const char *)f->map.p + 8, (size_t)n,
                         f->path, 0, err));
    root = sl_json_root(f->doc);
    if (sl_json_kind(root) != SL_JSON_OBJECT)
        return sl_fail(err, SIMLM_E_FORMAT, "%s: expected an object of tensors",
                       f->path);
    f->list = SL_NEW_ARRAY(struct sl_tensor, sl_json_count(root) + 1);
    f->names = sl_strmap_new();
    if (!f->list || !f->names)
        return sl_fail_nomem(err, f->path);
    while (sl_json_next(root, &m)) {
        struct sl_tensor *t = &f->list[f->n];

        if (!strcmp(m.key, "__metadata__"))
            continue;
        t->name = m.key;
        SL_TRY(read_entry(t, m.value, f->map.p + 8 + n,
                          (int64_t)(f->map.n - 8 - n), f->path, err));
        if (sl_strmap_add(f->names, m.key, strlen(m.key), f->n, NULL) < 0)
            return sl_fail_nomem(err, f->path);
        f->n++;
    }
    return check_overlap(f, err);
}

simlm_status sl_safetensors_open(struct sl_safetensors **out, const char *path,
                                 simlm_error *err)
{
    struct sl_safetensors *f = SL_NEW(struct sl_safetensors);
    simlm_status st;

    if (!f || !(f->path = sl_strdup(path))) {
        sl_free(f);
        return sl_fail_nomem(err, path);
    }
    st = sl_map_open(&f->map, path, err);
    if (st == SIMLM_OK)
        st = read_header(f, err);
    if (st < 0) {
        sl_safetensors_close(f);
        return st;
    }
    *out = f;
    return SIMLM_OK;
}

void sl_safetensors_close(struct sl_safetensors *f)
{
    if (!f)
        return;
    sl_map_close(&f->map);
    sl_json_free(f->doc);
    sl_strmap_free(f->names);
    sl_free(f->list);
    sl_free(f->path);
    sl_free(f);
}

int64_t sl_safetensors_count(const struct sl_safetensors *f)
{
    return f->n;
}

const struct sl_tensor *sl_safetensors_at(const struct sl_safetensors *f,
                                          int64_t i)
{
    return &f->list[i];
}

const struct sl_tensor *sl_safetensors_find(const struct sl_safetensors *f,
                                            const char *name)
{
    int64_t i = sl_strmap_find(f->names, name, strlen(name));

    return i < 0 ? NULL : &f->list[sl_strmap_value(f->names, i)];
}

const char *sl_safetensors_path(const struct sl_safetensors *f)
{
    return f->path;
}

/* ---- writing ------------------------------------------------------------- */

static int64_t spec_count(const struct sl_tensor_spec *s)
{
    int64_t n = 1;

    for (int32_t d = 0; d < s->n_dims; d++)
        n *= s->shape[d];
    return n;
}

/* Eight bytes for its own length, then the header, padded with blanks so that
 * the data start on a multiple of eight. */
static simlm_status make_header(struct sl_str *out,
                                const struct sl_tensor_spec *spec, int64_t n,
                                simlm_error *err)
{
    struct sl_json_writer w = {.s = out};
    int64_t at = 0;

    sl_str_add(out, "\0\0\0\0\0\0\0\0", 8);
    sl_json_begin(&w, NULL, '{');
    sl_json_begin(&w, "__metadata__", '{');
    sl_json_add_text(&w, "format", "pt");
    sl_json_end(&w);
    for (int64_t i = 0; i < n; i++) {
        int64_t bytes = spec_count(&spec[i]) * sl_dtype_bytes(spec[i].dtype);

        sl_json_begin(&w, spec[i].name, '{');
        sl_json_add_text(&w, "dtype", sl_dtype_name(spec[i].dtype));
        sl_json_begin(&w, "shape", '[');
        for (int32_t d = 0; d < spec[i].n_dims; d++)
            sl_json_add_int(&w, NULL, spec[i].shape[d]);
        sl_json_end(&w);
        sl_json_begin(&w, "data_offsets", '[');
        sl_json_add_int(&w, NULL, at);
        sl_json_add_int(&w, NULL, at + bytes);
        sl_json_end(&w);
        sl_json_end(&w);
        at += bytes;
    }
    sl_json_end(&w);
    while (sl_str_ok(out) && out->len % 8)
        sl_str_putc(out, ' ');
    if (!sl_str_ok(out))
        return sl_fail_nomem(err, "a safetensors header");
    for (int i = 0; i < 8; i++)
        out->s[i] = (char)(unsigned char)((uint64_t)(out->len - 8) >> 8 * i);
    return SIMLM_OK;
}

simlm_status sl_safetensors_save(const char *path,
                                 const struct sl_tensor_spec *spec, int64_t n,
                                 sl_tensor_source_fn *source, void *ctx,
                                 simlm_error *err)
{
    enum { PIECE = 1 << 16 };
    struct sl_str header = {0};
    struct sl_out o = {0};
    float *piece = SL_NEW_ARRAY(float, PIECE);
    double *packed = SL_NEW_ARRAY(double, PIECE); /* of any type */
    simlm_status st;

    st = piece && packed ? make_header(&header, spec, n, err)
                         : sl_fail_nomem(err, path);
    if (st == SIMLM_OK)
        st = sl_out_open(&o, path, err);
    if (st == SIMLM_OK)
        fwrite(header.s, 1, header.len, o.f);
    for (int64_t i = 0; st == SIMLM_OK && i < n; i++) {
        int64_t count = spec_count(&spec[i]);

        for (int64_t at = 0; at < count && !ferror(o.f); at += PIECE) {
            int64_t k = count - at < PIECE ? count - at : PIECE;

            source(ctx, piece, i, at, k);
            sl_tensor_pack(packed, spec[i].dtype, piece, k);
            fwrite(packed, (size_t)sl_dtype_bytes(spec[i].dtype), (size_t)k,
                   o.f);
        }
    }
    if (st == SIMLM_OK)
        st = sl_out_commit(&o, err);
    sl_out_abort(&o);
    sl_str_free(&header);
    sl_free(packed);
    sl_free(piece);
    return st;
}
