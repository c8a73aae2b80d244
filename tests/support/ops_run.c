/* One run of a case: its tensors, drawn or filled, and its integers. */
#include "ops_case.h"

#include "base/alloc.h"
#include "check.h"

static void *take(struct sl_backend *be, size_t bytes)
{
    void *p = NULL;

    check_ok(be->alloc(be, &p, bytes, "a test's tensor", &err));
    return p;
}

static void put(struct sl_backend *be, const struct ops_tensor *t, void *dst,
                const double *src, int64_t n)
{
    float *f;

    if (ops_element_bytes(be, t) == sizeof(double)) {
        be->upload(be, dst, src, (size_t)n * sizeof *src);
        return;
    }
    f = malloc((size_t)(n + 1) * sizeof *f);
    for (int64_t i = 0; i < n; i++)
        f[i] = (float)src[i];
    if (t->flags & OPS_ACT)
        be->upload_act(be, dst, f, n);
    else
        be->upload_real(be, dst, f, n);
    free(f);
}

/* The nearest number of eight bits, which bf16 holds. */
static double eight_bits(double x)
{
    int e;
    double m = frexp(x, &e);

    return ldexp(rint(ldexp(m, 8)), e - 8);
}

/* Uniform numbers that float holds, or, if they are activations, bf16; a
 * separate stream for each tensor. */
static void draw(struct ops_run *r, const struct ops_tensor *t, void *dst,
                 int64_t n, double lo, double hi, uint64_t tensor)
{
    double *v = malloc((size_t)(n + 1) * sizeof *v);
    struct sl_rng rng;

    sl_rng_init(&rng, sl_stream(r->s.seed, SL_PURPOSE_TEST, tensor));
    for (int64_t i = 0; i < n; i++) {
        v[i] = (float)(lo + (hi - lo) * sl_rng_unit(&rng));
        if (t->flags & OPS_ACT)
            v[i] = eight_bits(v[i]);
    }
    put(r->be, t, dst, v, n);
    free(v);
}

static void fill_nan(struct ops_run *r, const struct ops_tensor *t, void *dst,
                     int64_t n)
{
    double *v = malloc((size_t)(n + 1) * sizeof *v);

    for (int64_t i = 0; i < n; i++)
        v[i] = NAN;
    put(r->be, t, dst, v, n);
    free(v);
}

/* What is there before the op writes. */
static void prime(struct ops_run *r, const struct ops_tensor *t, void *dst,
                  int64_t n, uint64_t tensor)
{
    if (t->flags & OPS_ADD)
        draw(r, t, dst, n, -1, 1, tensor);
    else
        fill_nan(r, t, dst, n);
}

static void draw_inputs(struct ops_run *r)
{
    for (int k = 0; k < r->n_in; k++) {
        const struct ops_tensor *t = &r->c->in[k];
        int64_t rows, columns;
        double size = 2;

        t->size(&r->s, &rows, &columns);
        if (t->flags & OPS_UNIT)
            size = 2 / sqrt((double)columns);
        draw(r, t, r->in[k], r->in_n[k], t->flags & OPS_POSITIVE ? 1e-3 : -size,
             t->flags & OPS_POSITIVE ? 1 : size, (uint64_t)k);
    }
    draw(r, &r->c->out[0], r->dout, r->out_n[0], -1, 1, 100);
    for (int64_t i = 1; i < r->out_n[0]; i++)
        if (r->c->out[0].flags & OPS_ONE_WEIGHT)
            r->be->upload(r->be, sl_real_at(r->be, r->dout, i), r->dout,
                          r->be->real_bytes);
}

static int32_t *upload_i32(struct sl_backend *be, const int32_t *src, int64_t n)
{
    int32_t *p = take(be, (size_t)n * sizeof *p);

    be->upload(be, p, src, (size_t)n * sizeof *p);
    return p;
}

/* n int32_t in [0, below) */
static int32_t *draw_i32(struct sl_backend *be, struct sl_rng *rng, int64_t n,
                         int64_t below)
{
    int32_t *v = malloc((size_t)(n + 1) * sizeof *v), *p;

    for (int64_t i = 0; i < n; i++)
        v[i] = (int32_t)sl_rng_below(rng, (uint64_t)below);
    p = upload_i32(be, v, n);
    free(v);
    return p;
}

/* Some short sequences have no token chosen. */
static void choose(struct ops_run *r, const int32_t *start, const uint64_t *key)
{
    struct sl_backend *be = r->be;
    int64_t n = r->s.n, R = ops_n_chosen(&r->s);
    int32_t *row = malloc((size_t)R * sizeof *row);
    int32_t begin[OPS_MAX_SEQS + 1];
    uint64_t *row_key = malloc((size_t)R * sizeof *row_key), *there;

    for (int64_t i = 0; i < R; i++) {
        row[i] = (int32_t)(3 * i);
        row_key[i] = key[row[i]];
    }
    for (int64_t i = 0; i <= n; i++)
        begin[i] = (start[i] + 2) / 3;
    there = take(be, (size_t)R * sizeof *there);
    be->upload(be, there, row_key, (size_t)R * sizeof *there);
    r->chosen = (struct sl_chosen){.pk = r->pk, .row = upload_i32(be, row, R)};
    r->chosen.pk.N = R;
    r->chosen.pk.pos = NULL;
    r->chosen.pk.row_key = there;
    r->chosen.pk.seq_start = upload_i32(be, begin, n + 1);
    free(row);
    free(row_key);
}

static void make_packing(struct ops_run *r)
{
    const struct ops_shape *s = &r->s;
    int32_t start[OPS_MAX_SEQS + 1] = {0};
    int32_t *pos = malloc((size_t)s->N * sizeof *pos);
    uint64_t *key = malloc((size_t)s->N * sizeof *key);
    uint64_t *key_there = take(r->be, (size_t)s->N * sizeof *key);

    r->pk = (struct sl_packing){.n = s->n, .N = s->N};
    for (int64_t i = 0; i < s->n; i++) {
        start[i + 1] = start[i] + (int32_t)s->len[i];
        if (s->len[i] > r->pk.max_len)
            r->pk.max_len = s->len[i];
        for (int64_t j = 0; j < s->len[i]; j++) {
            pos[start[i] + j] = (int32_t)j;
            key[start[i] + j] = (uint64_t)(i * 77 + 5) << 16 | (uint64_t)j;
        }
    }
    r->be->upload(r->be, key_there, key, (size_t)s->N * sizeof *key);
    r->pk.row_key = key_there;
    r->pk.seq_start = upload_i32(r->be, start, s->n + 1);
    r->pk.pos = upload_i32(r->be, pos, s->N);
    choose(r, start, key);
    free(pos);
    free(key);
}

static void make_integers(struct ops_run *r)
{
    const struct ops_shape *s = &r->s;
    int64_t n = s->n * s->n * s->m;
    int32_t *rows = malloc((size_t)s->N * sizeof *rows);
    uint8_t *mask = malloc((size_t)n);
    struct sl_rng rng;

    sl_rng_init(&rng, sl_stream(s->seed, SL_PURPOSE_TEST, 1000));
    r->ids = draw_i32(r->be, &rng, s->N, s->V);
    r->types = draw_i32(r->be, &rng, s->N, 2);
    r->labels = draw_i32(r->be, &rng, s->N, s->V);
    r->rank = draw_i32(r->be, &rng, s->n, 1);
    for (int64_t i = 0; i < s->N; i++)
        rows[i] = (int32_t)i;
    sl_rng_shuffle_i32(&rng, rows, s->N);
    r->rows = upload_i32(r->be, rows, s->N);
    for (int64_t i = 0; i < n; i++)
        mask[i] = sl_rng_below(&rng, 3) == 0;
    r->mask = take(r->be, (size_t)n);
    r->be->upload(r->be, r->mask, mask, (size_t)n);
    free(rows);
    free(mask);
}

struct ops_run *ops_run_new(struct sl_backend *be, const struct ops_case *c,
                            const struct ops_shape *s)
{
    struct ops_run *r = SL_NEW(struct ops_run);
    int64_t rows, columns;
    size_t bytes;

    *r = (struct ops_run){.be = be, .c = c, .s = *s};
    r->drop = (struct sl_dropout){s->p, 3 * 1024,
                                  sl_stream(s->seed, SL_PURPOSE_DROPOUT, 1)};
    for (; r->n_in < OPS_MAX_TENSORS && c->in[r->n_in].name; r->n_in++) {
        c->in[r->n_in].size(s, &rows, &columns);
        r->in_n[r->n_in] = rows * columns;
        bytes =
            (size_t)(rows * columns) * ops_element_bytes(be, &c->in[r->n_in]);
        r->in[r->n_in] = take(be, bytes);
        r->din[r->n_in] = take(be, bytes);
    }
    for (; r->n_out < OPS_MAX_TENSORS && c->out[r->n_out].name; r->n_out++) {
        c->out[r->n_out].size(s, &rows, &columns);
        r->out_n[r->n_out] = rows * columns;
        bytes =
            (size_t)(rows * columns) * ops_element_bytes(be, &c->out[r->n_out]);
        r->out[r->n_out] = take(be, bytes);
    }
    r->dout = take(be, (size_t)r->out_n[0] * ops_element_bytes(be, &c->out[0]));
    make_packing(r);
    make_integers(r);
    draw_inputs(r);
    return r;
}

void ops_run_free(struct ops_run *r)
{
    struct sl_backend *be = r->be;
    const void *more[] = {r->dout,
                          r->pk.seq_start,
                          r->pk.pos,
                          r->pk.row_key,
                          r->ids,
                          r->types,
                          r->labels,
                          r->rows,
                          r->rank,
                          r->mask,
                          r->chosen.row,
                          r->chosen.pk.row_key,
                          r->chosen.pk.seq_start};
    union {
        const void *in;
        void *out;
    } cast;

    for (int k = 0; k < OPS_MAX_TENSORS; k++) {
        be->free(be, r->in[k]);
        be->free(be, r->din[k]);
        be->free(be, r->out[k]);
    }
    for (size_t i = 0; i < SL_LEN(more); i++) {
        cast.in = more[i];
        be->free(be, cast.out);
    }
    sl_free(r);
}

void ops_run_forward(struct ops_run *r)
{
    for (int k = 0; k < r->n_out; k++)
        prime(r, &r->c->out[k], r->out[k], r->out_n[k], 200 + (uint64_t)k);
    r->c->forward(r);
    check_ok(r->be->sync(r->be, &err));
}

void ops_run_backward(struct ops_run *r)
{
    for (int k = 0; k < r->n_in; k++)
        prime(r, &r->c->in[k], r->din[k], r->in_n[k], 300 + (uint64_t)k);
    r->c->backward(r);
    check_ok(r->be->sync(r->be, &err));
}

double *ops_run_base(struct ops_run *r, int k)
{
    if (!(r->c->in[k].flags & OPS_ADD))
        return calloc((size_t)r->in_n[k] + 1, sizeof(double));
    prime(r, &r->c->in[k], r->din[k], r->in_n[k], 300 + (uint64_t)k);
    return ops_run_read(r, r->din[k], r->in_n[k]);
}

double *ops_run_read(const struct ops_run *r, const void *tensor, int64_t n)
{
    double *v = malloc((size_t)(n + 1) * sizeof *v);

    r->be->download_real64(r->be, v, tensor, n);
    return v;
}
