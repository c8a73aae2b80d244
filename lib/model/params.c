#include "model/params.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "format/safetensors.h"
#include "model/tables.h"

/* Tensors start on multiples of this many elements: 64 bytes of fp32. */
enum { ALIGN = 16, PIECE = 1 << 16 };

static int64_t dim(enum sl_dim d, const struct sl_config *c)
{
    switch (d) {
    case SL_DIM_D:
        return c->hidden;
    case SL_DIM_E:
        return c->embedding;
    case SL_DIM_F:
        return c->ffn;
    case SL_DIM_V:
        return c->vocab;
    case SL_DIM_P:
        return c->positions;
    case SL_DIM_T:
        return c->types;
    case SL_DIM_O:
        return c->pooler;
    case SL_DIM_VECTOR:
    case SL_DIM_ONE:
        break;
    }
    return 1;
}

simlm_status sl_params_add(struct sl_params *ps, int64_t *first,
                           const struct sl_param_row *rows, int64_t n_rows,
                           const char *prefix, const struct sl_config *c,
                           simlm_error *err)
{
    if (!sl_grow(&ps->list, &ps->cap, ps->count + n_rows, sizeof *ps->list))
        return sl_fail_nomem(err, "a list of parameters");
    *first = ps->count;
    for (int64_t i = 0; i < n_rows; i++) {
        struct sl_param *p = &ps->list[ps->count++];
        int n = snprintf(p->name, sizeof p->name, "%s%s", prefix, rows[i].name);

        SL_ASSERT(n > 0 && (size_t)n < sizeof p->name);
        p->rows = dim(rows[i].rows, c);
        p->cols = dim(rows[i].cols, c);
        p->n = p->rows * p->cols; /* config.c's ranges keep this below 2^41 */
        p->n_dims = rows[i].rows == SL_DIM_VECTOR ? 1 : 2;
        p->init = rows[i].init;
        p->decay = rows[i].decay;
        p->field = rows[i].field;
        if (!rows[i].joined)
            ps->size = (ps->size + ALIGN - 1) / ALIGN * ALIGN;
        p->offset = ps->size;
        ps->size += p->n;
    }
    return SIMLM_OK;
}

simlm_status sl_params_join(struct sl_params *ps, int64_t *offset,
                            const struct sl_params *other, const char *prefix,
                            simlm_error *err)
{
    if (!sl_grow(&ps->list, &ps->cap, ps->count + other->count,
                 sizeof *ps->list))
        return sl_fail_nomem(err, "a list of parameters");
    *offset = (ps->size + ALIGN - 1) / ALIGN * ALIGN;
    for (int64_t i = 0; i < other->count; i++) {
        struct sl_param *p = &ps->list[ps->count++];
        int n;

        *p = other->list[i];
        n = snprintf(p->name, sizeof p->name, "%s%s", prefix,
                     other->list[i].name);
        SL_ASSERT(n > 0 && (size_t)n < sizeof p->name);
        p->offset += *offset;
    }
    ps->size = *offset + other->size;
    return SIMLM_OK;
}

void sl_params_free(struct sl_params *ps)
{
    sl_free(ps->list);
    *ps = (struct sl_params){0};
}

int64_t sl_params_find(const struct sl_params *ps, const char *name)
{
    for (int64_t i = 0; i < ps->count; i++)
        if (!strcmp(ps->list[i].name, name))
            return i;
    return -1;
}

void sl_params_bind(void *component, const struct sl_params *ps, int64_t first,
                    int64_t n, const struct sl_backend *be, sl_real *block)
{
    for (int64_t i = first; i < first + n; i++) {
        const struct sl_param *p = &ps->list[i];
        sl_real *at = sl_real_at(be, block, p->offset);

        memcpy((char *)component + p->field, &at, sizeof at);
    }
}

/* ---- initial values --------------------------------------------------------
 */

static void fill(float *x, int64_t n, enum sl_init how, float std,
                 struct sl_rng *rng)
{
    for (int64_t i = 0; i < n; i++)
        x[i] = how == SL_INIT_NORMAL ? std * (float)sl_rng_normal(rng)
               : how == SL_INIT_ONES ? 1.0f
                                     : 0.0f;
}

simlm_status sl_params_init(const struct sl_params *ps, int64_t first,
                            int64_t n, struct sl_backend *be, sl_real *block,
                            float std, uint64_t seed, simlm_error *err)
{
    float *piece = SL_NEW_ARRAY(float, PIECE);

    if (!piece)
        return sl_fail_nomem(err, "initial weights");
    for (int64_t i = first; i < first + n; i++) {
        const struct sl_param *p = &ps->list[i];
        struct sl_rng rng;

        sl_rng_init(&rng, sl_stream(seed, SL_PURPOSE_INIT, (uint64_t)i));
        for (int64_t at = 0; at < p->n; at += PIECE) {
            int64_t k = p->n - at < PIECE ? p->n - at : PIECE;

            fill(piece, k, p->init, std, &rng);
            be->upload_real(be, sl_real_at(be, block, p->offset + at), piece,
                            k);
        }
    }
    sl_free(piece);
    return SIMLM_OK;
}

/* ---- loading ------------------------------------------------------------- */

/* Write the name with its last ".weight" or ".bias" as TensorFlow's converted
 * checkpoints have it; false for another name. */
static bool old_name(char *out, size_t size, const char *name)
{
    static const char *const pairs[2][2] = {{"LayerNorm.weight", "gamma"},
                                            {"LayerNorm.bias", "beta"}};
    size_t n = strlen(name);

    for (int i = 0; i < 2; i++) {
        size_t tail = strlen(pairs[i][0]);

        if (n < tail || strcmp(name + n - tail, pairs[i][0]))
            continue;
        snprintf(out, size, "%.*sLayerNorm.%s", (int)(n - tail), name,
                 pairs[i][1]);
        return true;
    }
    return false;
}

static const char *cut(const char *name, const char *prefix)
{
    size_t n = prefix ? strlen(prefix) : 0;

    return n && !strncmp(name, prefix, n) ? name + n : name;
}

/* The tensor of that name, as it is, without a prefix, by its old name. */
static int64_t find_named(const struct sl_weights *w, const char *name)
{
    const char *const tries[] = {name, cut(cut(name, "bert."), "electra.")};
    int64_t at = -1;

    for (size_t i = 0; i < SL_LEN(tries) && at < 0; i++) {
        char old[sizeof((struct sl_param *)0)->name + 8];

        at = sl_weights_find(w, tries[i]);
        if (at < 0 && old_name(old, sizeof old, tries[i]))
            at = sl_weights_find(w, old);
    }
    return at;
}

int64_t sl_params_match(const struct sl_params *ps, int64_t i,
                        const struct sl_weights *w, const char *strip)
{
    const char *name = cut(ps->list[i].name, strip);
    int64_t at = find_named(w, name);

    for (size_t k = 0; k < SL_LEN(sl_tied_names) && at < 0; k++)
        if (!strcmp(sl_tied_names[k].name, name))
            at = find_named(w, sl_tied_names[k].copy);
    return at;
}

bool sl_params_is_copy(const struct sl_weights *w, int64_t i)
{
    for (size_t k = 0; k < SL_LEN(sl_tied_names); k++)
        if (!strcmp(sl_weights_at(w, i)->name, sl_tied_names[k].copy))
            return find_named(w, sl_tied_names[k].name) >= 0;
    return false;
}

static bool same_shape(const struct sl_param *p, const struct sl_tensor *t)
{
    return t->n_dims == p->n_dims && t->count == p->n &&
           t->shape[0] == (p->n_dims == 1 ? p->cols : p->rows);
}

bool sl_param_fits(const struct sl_param *p, const struct sl_tensor *t)
{
    return same_shape(p, t) && sl_dtype_readable(t->dtype);
}

/* The tensor is one. */
static simlm_status check_is_read(const struct sl_tensor *t, const char *path,
                                  simlm_error *err)
{
    return t->why ? sl_fail(err, SIMLM_E_FORMAT,
                            "%s: tensor '%s' cannot be read: %s", path, t->name,
                            t->why)
                  : SIMLM_OK;
}

static simlm_status check_tensor(const struct sl_tensor *t,
                                 const struct sl_param *p, const char *path,
                                 simlm_error *err)
{
    SL_TRY(check_is_read(t, path, err));
    if (!sl_dtype_readable(t->dtype))
        return sl_fail(err, SIMLM_E_FORMAT,
                       "%s: tensor '%s' does not hold floats", path, t->name);
    if (same_shape(p, t))
        return SIMLM_OK;
    if (t->n_dims == 2 && p->n_dims == 2)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "%s: tensor '%s' is [%lld, %lld], config.json says "
                       "[%lld, %lld]",
                       path, t->name, (long long)t->shape[0],
                       (long long)t->shape[1], (long long)p->rows,
                       (long long)p->cols);
    return sl_fail(err, SIMLM_E_FORMAT,
                   "%s: tensor '%s' has %d dimensions and %lld elements, "
                   "config.json says %d and %lld",
                   path, t->name, (int)t->n_dims, (long long)t->count,
                   (int)p->n_dims, (long long)p->n);
}

/* *at <- the tensor of parameter i, of its shape. */
static simlm_status need_tensor(int64_t *at, const struct sl_params *ps,
                                int64_t i, const struct sl_weights *w,
                                const char *strip, simlm_error *err)
{
    *at = sl_params_match(ps, i, w, strip);
    if (*at < 0)
        return sl_fail(err, SIMLM_E_FORMAT, "%s: no tensor '%s'",
                       sl_weights_path(w), cut(ps->list[i].name, strip));
    return check_tensor(sl_weights_at(w, *at), &ps->list[i], sl_weights_path(w),
                        err);
}

simlm_status sl_params_check(const struct sl_params *ps, int64_t first,
                             int64_t n, const struct sl_weights *w,
                             const char *strip, simlm_error *err)
{
    int64_t at;

    for (int64_t i = first; i < first + n; i++)
        SL_TRY(need_tensor(&at, ps, i, w, strip, err));
    return SIMLM_OK;
}

/* Do two tensors hold the same numbers?  piece has room for two PIECEs. */
static bool same_tensor(const struct sl_tensor *a, const struct sl_tensor *b,
                        float *piece)
{
    if (a->data == b->data && a->dtype == b->dtype && a->count == b->count)
        return true;
    if (a->count != b->count)
        return false;
    for (int64_t at = 0; at < a->count; at += PIECE) {
        int64_t n = a->count - at < PIECE ? a->count - at : PIECE;

        if (!sl_tensor_read(piece, a, at, n) ||
            !sl_tensor_read(piece + PIECE, b, at, n) ||
            memcmp(piece, piece + PIECE, (size_t)n * sizeof *piece))
            return false;
    }
    return true;
}

simlm_status sl_params_check_tied(const struct sl_weights *w, simlm_error *err)
{
    float *piece = SL_NEW_ARRAY(float, 2 * PIECE);
    simlm_status st = SIMLM_OK;

    if (!piece)
        return sl_fail_nomem(err, sl_weights_path(w));
    for (size_t k = 0; k < SL_LEN(sl_tied_names) && st == SIMLM_OK; k++) {
        int64_t a = find_named(w, sl_tied_names[k].name);
        int64_t b = find_named(w, sl_tied_names[k].copy);

        if (b >= 0)
            st = check_is_read(sl_weights_at(w, b), sl_weights_path(w), err);
        if (st == SIMLM_OK && a >= 0 && b >= 0 &&
            !same_tensor(sl_weights_at(w, a), sl_weights_at(w, b), piece))
            st = sl_fail(err, SIMLM_E_FORMAT,
                         "%s: '%s' differs from '%s': only models that share "
                         "one are supported",
                         sl_weights_path(w), sl_weights_at(w, b)->name,
                         sl_weights_at(w, a)->name);
    }
    sl_free(piece);
    return st;
}

static int64_t first_nonfinite(const float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return i;
    return -1;
}

static simlm_status load_one(const struct sl_param *p,
                             const struct sl_tensor *t, struct sl_backend *be,
                             sl_real *block, float *piece, const char *path,
                             simlm_error *err)
{
    for (int64_t at = 0; at < p->n; at += PIECE) {
        int64_t k = p->n - at < PIECE ? p->n - at : PIECE, bad;

        sl_tensor_read(piece, t, at, k);
        bad = first_nonfinite(piece, k);
        if (bad >= 0)
            return sl_fail(err, SIMLM_E_NUMERIC,
                           "%s: tensor '%s' holds %s at element %lld", path,
                           t->name, isnan(piece[bad]) ? "NaN" : "infinity",
                           (long long)(at + bad));
        be->upload_real(be, sl_real_at(be, block, p->offset + at), piece, k);
    }
    return SIMLM_OK;
}

static simlm_status list_ignored(struct sl_strmap *ignored,
                                 const struct sl_weights *w, const bool *used,
                                 simlm_error *err)
{
    for (int64_t i = 0; ignored && i < sl_weights_count(w); i++) {
        const char *name = sl_weights_at(w, i)->name;

        if (!used[i] && sl_strmap_add(ignored, name, strlen(name), 0, NULL) < 0)
            return sl_fail_nomem(err, "names of tensors");
    }
    return SIMLM_OK;
}

simlm_status sl_params_load(const struct sl_params *ps, int64_t first,
                            int64_t n, struct sl_backend *be, sl_real *block,
                            const struct sl_weights *w, const char *strip,
                            struct sl_strmap *ignored, simlm_error *err)
{
    float *piece = SL_NEW_ARRAY(float, PIECE);
    bool *used = SL_NEW_ARRAY(bool, sl_weights_count(w) + 1);
    simlm_status st = SIMLM_OK;

    if (!piece || !used)
        st = sl_fail_nomem(err, sl_weights_path(w));
    for (int64_t i = first; i < first + n && st == SIMLM_OK; i++) {
        int64_t at;

        st = need_tensor(&at, ps, i, w, strip, err);
        if (st < 0)
            break;
        used[at] = true;
        st = load_one(&ps->list[i], sl_weights_at(w, at), be, block, piece,
                      sl_weights_path(w), err);
    }
    if (st == SIMLM_OK)
        st = list_ignored(ignored, w, used, err);
    sl_free(used);
    sl_free(piece);
    return st;
}

/* ---- saving -------------------------------------------------------------- */

struct source {
    struct sl_backend *be;
    const struct sl_param *list;
    const sl_real *block;
};

static const sl_real *at(const struct sl_backend *be, const sl_real *block,
                         int64_t n)
{
    return (const sl_real *)((const char *)block + n * (int64_t)be->real_bytes);
}

static void download(void *ctx, float *dst, int64_t i, int64_t first, int64_t n)
{
    const struct source *s = ctx;

    s->be->download_real(s->be, dst,
                         at(s->be, s->block, s->list[i].offset + first), n);
}

simlm_status sl_params_save(const struct sl_params *ps, int64_t first,
                            int64_t n, struct sl_backend *be,
                            const sl_real *block, const char *path,
                            const char *strip, simlm_error *err)
{
    struct sl_tensor_spec *spec = SL_NEW_ARRAY(struct sl_tensor_spec, n + 1);
    struct source source = {be, ps->list + first, block};
    simlm_status st;

    if (!spec)
        return sl_fail_nomem(err, path);
    for (int64_t i = 0; i < n; i++) {
        const struct sl_param *p = &ps->list[first + i];

        spec[i].name = cut(p->name, strip);
        spec[i].n_dims = p->n_dims;
        spec[i].shape[0] = p->n_dims == 1 ? p->cols : p->rows;
        spec[i].shape[1] = p->cols;
    }
    st = sl_safetensors_save(path, spec, n, download, &source, err);
    sl_free(spec);
    return st;
}

int64_t sl_params_nonfinite(const struct sl_params *ps, struct sl_backend *be,
                            const sl_real *block)
{
    float piece[1024];

    for (int64_t i = 0; i < ps->count; i++) {
        const struct sl_param *p = &ps->list[i];

        for (int64_t k = 0; k < p->n; k += (int64_t)SL_LEN(piece)) {
            int64_t n = p->n - k < 1024 ? p->n - k : 1024;

            be->download_real(be, piece, at(be, block, p->offset + k), n);
            if (first_nonfinite(piece, n) >= 0)
                return i;
        }
    }
    return -1;
}
