#include "bench/op_cases.h"

#include <stdbool.h>

#include "base/alloc.h"

#define OPS (d->be->ops)

/* ---- calls --------------------------------------------------------------- */

static struct sl_embed tables(const struct sl_op_data *d, sl_real *p)
{
    return (struct sl_embed){p, p, p, d->b, d->b};
}

static void embed_fwd(struct sl_op_data *d)
{
    struct sl_embed w = tables(d, d->W);

    OPS->embed_fwd(d->be, d->y, d->mean, d->rstd, d->ids, NULL, &d->pk, &w,
                   d->D, 1e-12f, d->drop);
}

static void embed_bwd(struct sl_op_data *d)
{
    struct sl_embed w = tables(d, d->W), g = tables(d, d->dW);

    g.g = d->db;
    g.b = sl_real_at(d->be, d->db, d->D);
    OPS->embed_bwd(d->be, &g, d->x, d->mean, d->rstd, d->ids, NULL, &d->pk, &w,
                   d->D, d->drop);
}

static void linear_qkv(struct sl_op_data *d)
{
    OPS->linear_fwd(d->be, d->y, d->x, d->W, d->b, d->N, d->D, 3 * d->D);
}

static void linear_qkv_bwd(struct sl_op_data *d)
{
    OPS->linear_bwd(d->be, d->dx, d->dW, d->db, d->y, d->x, d->W, d->N, d->D,
                    3 * d->D, true);
}

static void linear_out(struct sl_op_data *d)
{
    OPS->linear_fwd(d->be, d->y, d->x, d->W, d->b, d->N, d->D, d->D);
}

static void linear_out_bwd(struct sl_op_data *d)
{
    OPS->linear_bwd(d->be, d->dx, d->dW, d->db, d->y, d->x, d->W, d->N, d->D,
                    d->D, false);
}

static void linear_gelu(struct sl_op_data *d)
{
    OPS->linear_gelu_fwd(d->be, d->y, d->z, d->x, d->W, d->b, d->N, d->D, d->F);
}

static void gelu_bwd(struct sl_op_data *d)
{
    OPS->gelu_bwd(d->be, d->dx, d->x, d->z, d->N * d->F);
}

static void linear_up_bwd(struct sl_op_data *d)
{
    OPS->linear_bwd(d->be, d->dx, d->dW, d->db, d->y, d->x, d->W, d->N, d->D,
                    d->F, true);
}

static void linear_down(struct sl_op_data *d)
{
    OPS->linear_fwd(d->be, d->y, d->x, d->W, d->b, d->N, d->F, d->D);
}

static void linear_down_bwd(struct sl_op_data *d)
{
    OPS->linear_bwd(d->be, d->dx, d->dW, d->db, d->y, d->x, d->W, d->N, d->F,
                    d->D, false);
}

static void residual_ln_fwd(struct sl_op_data *d)
{
    OPS->residual_ln_fwd(d->be, d->y, d->x, d->mean, d->rstd, d->x, d->z,
                         d->pk.row_key, d->b, d->b, d->N, d->D, 1e-12f,
                         d->drop);
}

static void residual_ln_bwd(struct sl_op_data *d)
{
    OPS->residual_ln_bwd(d->be, d->dx, d->y, d->db,
                         sl_real_at(d->be, d->db, d->D), d->x, d->z, d->mean,
                         d->rstd, d->pk.row_key, d->b, d->N, d->D, d->drop);
}

static void attention_fwd(struct sl_op_data *d)
{
    OPS->attention_fwd(d->be, d->y, d->lse, d->x, &d->pk, d->D, d->H, d->drop);
}

static void attention_bwd(struct sl_op_data *d)
{
    OPS->attention_bwd(d->be, d->dx, d->z, d->y, d->lse, d->x, &d->pk, d->D,
                       d->H, d->drop);
}

static void vocab_ce(struct sl_op_data *d)
{
    OPS->vocab_ce(d->be, d->mean, d->dx, d->dW, d->db, d->x, d->W, d->b, d->ids,
                  d->N, d->D, d->V, 1e-3);
}

static void vocab_sample(struct sl_op_data *d)
{
    OPS->vocab_sample(d->be, d->sampled, d->x, d->W, d->b, d->pk.row_key,
                      d->N / 2, d->D, d->V, 1, 0);
}

static void sum_squares(struct sl_op_data *d)
{
    double sum;

    OPS->sum_squares(d->be, &sum, d->dW, d->V * d->D);
}

static void adamw(struct sl_op_data *d)
{
    struct sl_adamw hp = {.lr = 1e-6,
                          .beta1 = 0.9,
                          .beta2 = 0.999,
                          .eps = 1e-6,
                          .decay = 0.01,
                          .bias1 = 0.1,
                          .bias2 = 0.001,
                          .grad_scale = 1e-3};

    OPS->adamw(d->be, d->W, d->m, d->v, d->dW, d->V * d->D, &hp);
}

static void add(struct sl_op_data *d)
{
    OPS->add(d->be, d->y, d->x, d->N * d->D);
}

/* ---- what they cost ------------------------------------------------------ */

/* n_acts activations and n_reals numbers of full precision are moved. */
#define COST(name, n_calls, n_acts, n_reals, n_flops)                          \
    static struct sl_op_cost name(const struct sl_op_data *d)                  \
    {                                                                          \
        double L = (double)d->L, N = (double)d->N, D = (double)d->D,           \
               F = (double)d->F, V = (double)d->V, len = (double)d->len,       \
               params = (double)d->n_params;                                   \
                                                                               \
        (void)L, (void)N, (void)D, (void)F, (void)V, (void)len, (void)params;  \
        return (struct sl_op_cost){(n_calls),                                  \
                                   (double)d->be->act_bytes * (n_acts) +       \
                                       (double)d->be->real_bytes * (n_reals),  \
                                   (n_flops)};                                 \
    }
/* clang-format off */
COST(c_embed,   1,     N * D,           2 * N * D,   0)
COST(c_embed_b, 1,     N * D,           5 * N * D,   0)
COST(c_qkv,     L,     4 * N * D,       3 * D * D,   6 * N * D * D)
COST(c_qkv_b,   L,     6 * N * D,       9 * D * D,   12 * N * D * D)
COST(c_out,     L + 1, 2 * N * D,       D * D,       2 * N * D * D)
COST(c_out_b,   L + 1, 3 * N * D,       3 * D * D,   4 * N * D * D)
COST(c_up,      L,     N * (D + 2 * F), D * F,       2 * N * D * F)
COST(c_up_b,    L,     N * (3 * D + F), 3 * D * F,   4 * N * D * F)
COST(c_down,    L,     N * (D + F),     D * F,       2 * N * D * F)
COST(c_down_b,  L,     N * (D + 2 * F), 3 * D * F,   4 * N * D * F)
COST(c_gelu_b,  L,     3 * N * F,       0,           0)
COST(c_ln,  2 * L + 1, 4 * N * D,       0,           0)
COST(c_ln_b, 2 * L + 1, 4 * N * D,      0,           0)
COST(c_att,     L,     4 * N * D,       0,           4 * N * len * D)
COST(c_att_b,   L,     8 * N * D,       0,           10 * N * len * D)
COST(c_ce,      1,     2 * N * D,       3 * V * D,   6 * N * D * V)
COST(c_sample,  0,     N * D / 2,       V * D,       N * D * V)
COST(c_sq,  params / (V * D), 0,        V * D,       0)
COST(c_adamw, params / (V * D), 0,      7 * V * D,   0)
COST(c_add,     0,     3 * N * D,       0,           0)
/* clang-format on */

const struct sl_op_case sl_op_cases[] = {
    {"embed_fwd", embed_fwd, c_embed},
    {"embed_bwd", embed_bwd, c_embed_b},
    {"linear_fwd D x 3D", linear_qkv, c_qkv},
    {"linear_bwd D x 3D", linear_qkv_bwd, c_qkv_b},
    {"attention_fwd", attention_fwd, c_att},
    {"attention_bwd", attention_bwd, c_att_b},
    {"linear_fwd D x D", linear_out, c_out},
    {"linear_bwd D x D", linear_out_bwd, c_out_b},
    {"residual_ln_fwd", residual_ln_fwd, c_ln},
    {"residual_ln_bwd", residual_ln_bwd, c_ln_b},
    {"linear_gelu_fwd D x F", linear_gelu, c_up},
    {"gelu_bwd", gelu_bwd, c_gelu_b},
    {"linear_bwd D x F", linear_up_bwd, c_up_b},
    {"linear_fwd F x D", linear_down, c_down},
    {"linear_bwd F x D", linear_down_bwd, c_down_b},
    {"vocab_ce", vocab_ce, c_ce},
    {"vocab_sample N/2", vocab_sample, c_sample},
    {"sum_squares V D", sum_squares, c_sq},
    {"adamw V D", adamw, c_adamw},
    {"add", add, c_add},
    {NULL, NULL, NULL},
};

/* ---- data ---------------------------------------------------------------- */

static simlm_status take(struct sl_op_data *d, void *out, int64_t n,
                         size_t size, simlm_error *err)
{
    size_t bytes;
    void *p = NULL;

    if (!sl_mul_size(&bytes, (size_t)n, size))
        return sl_fail_nomem(err, "the arrays of the ops");
    SL_TRY(d->be->alloc(d->be, &p, bytes, "the arrays of the ops", err));
    SL_ASSERT(d->n_owned < (int)SL_LEN(d->owned));
    d->owned[d->n_owned++] = p;
    *(void **)out = p;
    return SIMLM_OK;
}

/* Values in -size .. size; or, with `positive`, in 0 .. size. */
static float *numbers(int64_t n, float size, bool positive)
{
    float *x = sl_alloc((size_t)n, sizeof *x);

    for (int64_t i = 0; x && i < n; i++) {
        float u = (float)(i * 2654435761 % 65521) / 65521;

        x[i] = size * (positive ? u : 2 * u - 1);
    }
    return x;
}

static simlm_status take_acts(struct sl_op_data *d, sl_act **out, int64_t n,
                              simlm_error *err)
{
    float *x = numbers(n, 1, false);
    simlm_status st = x ? take(d, out, n, d->be->act_bytes, err)
                        : sl_fail_nomem(err, "the arrays of the ops");

    if (st == SIMLM_OK)
        d->be->upload_act(d->be, *out, x, n);
    sl_free(x);
    return st;
}

static simlm_status take_reals(struct sl_op_data *d, sl_real **out, int64_t n,
                               float size, bool positive, simlm_error *err)
{
    float *x = numbers(n, size, positive);
    simlm_status st = x ? take(d, out, n, d->be->real_bytes, err)
                        : sl_fail_nomem(err, "the arrays of the ops");

    if (st == SIMLM_OK)
        d->be->upload_real(d->be, *out, x, n);
    sl_free(x);
    return st;
}

struct packed {
    int32_t *ids, *start, *pos;
    uint64_t *key;
};

/* Sequences of `len` tokens, the last one shorter. */
static void fill_packing(const struct packed *p, const struct sl_op_data *d,
                         int64_t n)
{
    int64_t N = d->N, len = d->len;

    for (int64_t i = 0; i < N; i++) {
        p->pos[i] = (int32_t)(i % len);
        p->key[i] = (uint64_t)(i / len) << 16 | (uint64_t)(i % len);
        p->ids[i] = (int32_t)(i * i % 7919 * 31 % d->V);
    }
    for (int64_t i = 0; i <= n; i++)
        p->start[i] = (int32_t)(i * len < N ? i * len : N);
}

/* The backend is the host's: what is filled here needs no upload. */
static simlm_status take_packing(struct sl_op_data *d, simlm_error *err)
{
    int64_t N = d->N, n = (N + d->len - 1) / d->len;
    struct packed p;

    SL_TRY(take(d, &p.ids, N, sizeof *p.ids, err));
    SL_TRY(take(d, &p.start, n + 1, sizeof *p.start, err));
    SL_TRY(take(d, &p.pos, N, sizeof *p.pos, err));
    SL_TRY(take(d, &p.key, N, sizeof *p.key, err));
    SL_TRY(take(d, &d->sampled, N, sizeof *d->sampled, err));
    fill_packing(&p, d, n);
    d->ids = p.ids;
    d->pk = (struct sl_packing){n,       N,     d->len < N ? d->len : N,
                                p.start, p.pos, p.key};
    return SIMLM_OK;
}

static simlm_status take_all(struct sl_op_data *d, simlm_error *err)
{
    int64_t wide = 3 * d->D > d->F ? 3 * d->D : d->F;
    int64_t bias = (d->V > wide ? d->V : wide) + 2 * d->D;
    int64_t weights = (d->V > wide ? d->V : wide) * d->D;

    SL_TRY(take_acts(d, &d->x, d->N * wide, err));
    SL_TRY(take_acts(d, &d->y, d->N * wide, err));
    SL_TRY(take_acts(d, &d->z, d->N * wide, err));
    SL_TRY(take_acts(d, &d->dx, d->N * wide, err));
    SL_TRY(take_reals(d, &d->mean, d->N, 0.1f, false, err));
    SL_TRY(take_reals(d, &d->rstd, d->N, 1, true, err));
    SL_TRY(take_reals(d, &d->lse, d->N * d->H, 1, false, err));
    SL_TRY(take_reals(d, &d->W, weights, 0.05f, false, err));
    SL_TRY(take_reals(d, &d->dW, weights, 1, false, err));
    SL_TRY(take_reals(d, &d->m, weights, 1e-3f, false, err));
    SL_TRY(take_reals(d, &d->v, weights, 1e-3f, true, err));
    SL_TRY(take_reals(d, &d->b, bias, 1, false, err));
    SL_TRY(take_reals(d, &d->db, bias, 1, false, err));
    SL_TRY(d->be->weights(d->be, d->W, weights, false, err));
    return take_packing(d, err);
}

simlm_status sl_op_data_open(struct sl_op_data *d, struct sl_backend *be,
                             const struct sl_config *c, int64_t tokens,
                             int64_t length, float dropout, simlm_error *err)
{
    *d = (struct sl_op_data){.be = be,
                             .L = c->layers,
                             .D = c->hidden,
                             .H = c->heads,
                             .F = c->ffn,
                             .V = c->vocab,
                             .N = tokens,
                             .len = length,
                             .drop = {dropout, 1024, 42}};
    d->n_params = d->V * d->D + c->positions * d->D + d->D * d->D +
                  d->L * (4 * d->D * d->D + 2 * d->D * d->F);
    return take_all(d, err);
}

void sl_op_data_close(struct sl_op_data *d)
{
    while (d->n_owned > 0)
        d->be->free(d->be, d->owned[--d->n_owned]);
}
