#include "ops_case.h"

#include "base/alloc.h"
#include "check.h"

/* ---- shapes ---- */

struct ops_shape ops_shape_small(uint64_t seed)
{
    return (struct ops_shape){.seed = seed,
                              .n = 4,
                              .len = {1, 2, 5, 3},
                              .N = 11,
                              .D = 6,
                              .H = 2,
                              .I = 5,
                              .O = 7,
                              .V = 13,
                              .m = 3};
}

static int64_t pick(struct sl_rng *rng, int64_t lo, int64_t hi)
{
    return lo + (int64_t)sl_rng_below(rng, (uint64_t)(hi - lo + 1));
}

struct ops_shape ops_shape_random(struct sl_rng *rng)
{
    static const int64_t width[] = {1, 2, 3, 4, 5, 7, 8, 12, 16, 31, 32, 64};
    static const int64_t side[] = {1,  2,  3,  7,   8,   13,  16,
                                   31, 64, 97, 128, 131, 256, 389};
    struct ops_shape s = {.n = pick(rng, 1, OPS_MAX_SEQS)};

    s.seed = sl_rng_u32(rng);
    for (int64_t i = 0; i < s.n; i++) {
        s.len[i] = pick(rng, 0, 3) ? pick(rng, 1, 9) : pick(rng, 1, 70);
        s.N += s.len[i];
    }
    s.H = pick(rng, 1, 4);
    s.D = s.H * width[sl_rng_below(rng, SL_LEN(width))];
    s.I = side[sl_rng_below(rng, SL_LEN(side))];
    s.O = side[sl_rng_below(rng, SL_LEN(side))];
    s.V = pick(rng, 2, 700);
    s.m = pick(rng, 1, 5);
    s.p = pick(rng, 0, 1) ? 0.1f : 0;
    return s;
}

/* Every third token is chosen, from the first on. */
static int64_t n_chosen(const struct ops_shape *s)
{
    return (s->N + 2) / 3;
}

#define SIZE(name, r, c)                                                       \
    static void name(const struct ops_shape *s, int64_t *rows,                 \
                     int64_t *columns)                                         \
    {                                                                          \
        *rows = (r);                                                           \
        *columns = (c) + 0 * s->n;                                             \
    }
SIZE(one, 1, 1)
SIZE(size_N, s->N, 1)
SIZE(size_n, s->n, 1)
SIZE(size_ND, s->N, s->D)
SIZE(size_nD, s->n, s->D)
SIZE(size_NI, s->N, s->I)
SIZE(size_NO, s->N, s->O)
SIZE(size_OI, s->O, s->I)
SIZE(size_O, 1, s->O)
SIZE(size_D, 1, s->D)
SIZE(size_VD, s->V, s->D)
SIZE(size_V, 1, s->V)
SIZE(size_types, 2, s->D)
SIZE(size_HN, s->H, s->N)
SIZE(size_chosen, n_chosen(s), s->D)
SIZE(size_chosen_lse, s->H, n_chosen(s))
SIZE(size_qkv, s->N, 3 * s->D)
SIZE(size_kv, s->N, 2 * s->D)
SIZE(size_passages, s->n * s->m, s->D)
SIZE(size_logits, s->n, s->n * s->m)
SIZE(size_full_logits, s->n, s->n * s->m + 3 * s->n)
SIZE(size_picked, (s->N + 1) / 2, s->D)
SIZE(size_NN, s->n, s->N)
SIZE(size_groups, s->n, s->m)
SIZE(size_passes, 2 * s->n, s->m)
SIZE(two, 1, 2)

/* ---- the ops ---- */

#define OPS (r->be->ops)
static sl_act *act(void *p)
{
    return p;
}

static sl_real *real(void *p)
{
    return p;
}

/* dst <- src, both of the kind of t. */
static void copy(struct ops_run *r, const struct ops_tensor *t, void *dst,
                 const void *src, int64_t n)
{
    r->be->upload(r->be, dst, src, (size_t)n * ops_element_bytes(r->be, t));
}

enum {
    NO_TYPES = 1,
    NO_RES = 1,
    ADD_DX = 1,
    NO_BIAS = 1,
    MASKED = 2,
    FULL = 4
};
#define EPS 1e-12f

static struct sl_embed embed_of(void **t)
{
    return (struct sl_embed){real(t[0]), real(t[1]), real(t[2]), real(t[3]),
                             real(t[4])};
}

static void embed_f(struct ops_run *r)
{
    struct sl_embed w = embed_of(r->in);

    OPS->embed_fwd(r->be, act(r->out[0]), real(r->out[1]), real(r->out[2]),
                   r->ids, r->c->mode & NO_TYPES ? NULL : r->types, &r->pk, &w,
                   r->s.D, EPS, r->drop);
}

static void embed_b(struct ops_run *r)
{
    struct sl_embed w = embed_of(r->in), dw = embed_of(r->din);

    OPS->embed_bwd(r->be, &dw, act(r->dout), real(r->out[1]), real(r->out[2]),
                   r->ids, r->c->mode & NO_TYPES ? NULL : r->types, &r->pk, &w,
                   r->s.D, r->drop);
}

static void linear_f(struct ops_run *r)
{
    OPS->linear_fwd(r->be, act(r->out[0]), act(r->in[0]), real(r->in[1]),
                    real(r->in[2]), r->s.N, r->s.I, r->s.O);
}

static void linear_b(struct ops_run *r)
{
    OPS->linear_bwd(r->be, act(r->din[0]), real(r->din[1]), real(r->din[2]),
                    act(r->dout), act(r->in[0]), real(r->in[1]), r->s.N, r->s.I,
                    r->s.O, r->c->mode & ADD_DX);
}

static void linear_gelu_f(struct ops_run *r)
{
    OPS->linear_gelu_fwd(r->be, act(r->out[0]), act(r->out[1]), act(r->in[0]),
                         real(r->in[1]), real(r->in[2]), r->s.N, r->s.I,
                         r->s.O);
}

/* The gradient takes dy's place. */
static void linear_gelu_b(struct ops_run *r)
{
    OPS->gelu_bwd(r->be, act(r->dout), act(r->dout), act(r->out[1]),
                  r->s.N * r->s.O);
    linear_b(r);
}

static void residual_ln_f(struct ops_run *r)
{
    OPS->residual_ln_fwd(r->be, act(r->out[0]), act(r->out[1]), real(r->out[2]),
                         real(r->out[3]), act(r->in[0]),
                         r->c->mode & NO_RES ? NULL : act(r->in[3]),
                         r->pk.row_key, real(r->in[1]), real(r->in[2]), r->s.N,
                         r->s.D, EPS, r->drop);
}

static void residual_ln_b(struct ops_run *r)
{
    OPS->residual_ln_bwd(
        r->be, act(r->din[0]), r->c->mode & NO_RES ? NULL : act(r->din[3]),
        real(r->din[1]), real(r->din[2]), act(r->dout), act(r->out[1]),
        real(r->out[2]), real(r->out[3]), r->pk.row_key, real(r->in[1]), r->s.N,
        r->s.D, r->drop);
}

static void attention_f(struct ops_run *r)
{
    OPS->attention_fwd(r->be, act(r->out[0]), real(r->out[1]), act(r->in[0]),
                       &r->pk, r->s.D, r->s.H, r->drop);
}

static void attention_b(struct ops_run *r)
{
    OPS->attention_bwd(r->be, act(r->din[0]), act(r->dout), act(r->out[0]),
                       real(r->out[1]), act(r->in[0]), &r->pk, r->s.D, r->s.H,
                       r->drop);
}

static void attention_rows_f(struct ops_run *r)
{
    OPS->attention_rows_fwd(r->be, act(r->out[0]), real(r->out[1]),
                            act(r->in[0]), act(r->in[1]), &r->pk, &r->chosen,
                            r->s.D, r->s.H, r->drop);
}

static void attention_rows_b(struct ops_run *r)
{
    OPS->attention_rows_bwd(r->be, act(r->din[0]), act(r->din[1]), act(r->dout),
                            act(r->out[0]), real(r->out[1]), act(r->in[0]),
                            act(r->in[1]), &r->pk, &r->chosen, r->s.D, r->s.H,
                            r->drop);
}

static void splice_f(struct ops_run *r)
{
    OPS->splice_cls_fwd(r->be, act(r->out[0]), act(r->in[0]), act(r->in[1]),
                        &r->pk, r->s.D);
}

static void splice_b(struct ops_run *r)
{
    OPS->splice_cls_bwd(r->be, act(r->din[0]), act(r->din[1]), act(r->dout),
                        &r->pk, r->s.D);
}

static void gather_f(struct ops_run *r)
{
    OPS->gather_rows(r->be, act(r->out[0]), act(r->in[0]), r->rows,
                     (r->s.N + 1) / 2, r->s.D);
}

static void gather_b(struct ops_run *r)
{
    OPS->scatter_rows(r->be, act(r->din[0]), act(r->dout), r->rows,
                      (r->s.N + 1) / 2, r->s.N, r->s.D);
}

static void pool_f(struct ops_run *r)
{
    OPS->pool_fwd(r->be, real(r->out[0]), act(r->in[0]), &r->pk, r->s.D,
                  (enum sl_pooling)r->c->mode);
}

static void pool_b(struct ops_run *r)
{
    OPS->pool_bwd(r->be, act(r->din[0]), real(r->dout), &r->pk, r->s.D,
                  (enum sl_pooling)r->c->mode);
}

static void l2norm_f(struct ops_run *r)
{
    OPS->l2norm_fwd(r->be, real(r->out[0]), real(r->out[1]), real(r->in[0]),
                    r->s.n, r->s.D);
}

static void l2norm_b(struct ops_run *r)
{
    OPS->l2norm_bwd(r->be, real(r->din[0]), real(r->dout), real(r->out[0]),
                    real(r->out[1]), r->s.n, r->s.D);
}

static sl_real *bias(struct ops_run *r, void **t)
{
    return r->c->mode & NO_BIAS ? NULL : real(t[2]);
}

static void vocab_ce_f(struct ops_run *r)
{
    OPS->vocab_ce(r->be, real(r->out[0]), NULL, NULL, NULL, act(r->in[0]),
                  real(r->in[1]), bias(r, r->in), r->labels, r->s.N, r->s.D,
                  r->s.V, 1);
}

/* Loss ops have no backward of their own: called again, they give gradients. */
static double weight_of_loss(struct ops_run *r)
{
    double w;

    r->be->download_real64(r->be, &w, real(r->dout), 1);
    return w;
}

static void vocab_ce_b(struct ops_run *r)
{
    OPS->vocab_ce(r->be, real(r->out[0]), act(r->din[0]), real(r->din[1]),
                  bias(r, r->din), act(r->in[0]), real(r->in[1]),
                  bias(r, r->in), r->labels, r->s.N, r->s.D, r->s.V,
                  weight_of_loss(r));
}

static void contrast(struct ops_run *r, sl_real *dq, sl_real *dp, double weight)
{
    OPS->contrastive(r->be, real(r->out[0]), r->rank, dq, dp, real(r->out[1]),
                     real(r->in[0]), real(r->in[1]),
                     r->c->mode & MASKED ? r->mask : NULL, r->s.n, r->s.m,
                     r->s.D, 3.5, weight, r->c->mode & FULL);
}

static void contrastive_f(struct ops_run *r)
{
    contrast(r, NULL, NULL, 1);
}

static void contrastive_b(struct ops_run *r)
{
    contrast(r, real(r->din[0]), real(r->din[1]), weight_of_loss(r));
}

static void distil(struct ops_run *r, void *dq, void *dp, double weight)
{
    OPS->distill(r->be, real(r->out[0]), real(dq), real(dp), real(r->in[0]),
                 real(r->in[1]), real(r->in[2]), r->s.n, r->s.m, r->s.D, 3.5,
                 weight);
}

static void distill_f(struct ops_run *r)
{
    distil(r, NULL, NULL, 1);
}

static void distill_b(struct ops_run *r)
{
    distil(r, r->din[0], r->din[1], weight_of_loss(r));
}

static void rdrop_f(struct ops_run *r)
{
    OPS->rdrop(r->be, real(r->out[0]), NULL, real(r->in[0]), r->s.n, r->s.m, 1);
}

static void rdrop_b(struct ops_run *r)
{
    OPS->rdrop(r->be, real(r->out[0]), real(r->din[0]), real(r->in[0]), r->s.n,
               r->s.m, weight_of_loss(r));
}

static void add_f(struct ops_run *r)
{
    copy(r, &r->c->in[0], r->out[0], r->in[0], r->in_n[0]);
    OPS->add(r->be, act(r->out[0]), act(r->in[1]), r->in_n[0]);
}

static void adamw_f(struct ops_run *r)
{
    static const struct sl_adamw hp = {.lr = 0.01,
                                       .beta1 = 0.9,
                                       .beta2 = 0.999,
                                       .eps = 1e-8,
                                       .decay = 0.1,
                                       .bias1 = 1 - 0.81,
                                       .bias2 = 1 - 0.998001,
                                       .grad_scale = 0.25};

    for (int k = 0; k < 3; k++)
        copy(r, &r->c->in[k], r->out[k], r->in[k], r->in_n[k]);
    OPS->adamw(r->be, real(r->out[0]), real(r->out[1]), real(r->out[2]),
               real(r->in[3]), r->in_n[0], &hp);
}

static void scores_f(struct ops_run *r)
{
    OPS->scores(r->be, real(r->out[0]), real(r->in[0]), real(r->in[1]), r->s.n,
                r->s.N, r->s.D);
}

/* clang-format off */
#define EMBED_IN                                                               \
    { { "word", OPS_ADD, size_VD }, { "pos", OPS_ADD, size_ND },               \
      { "type", OPS_ADD, size_types }, { "g", OPS_ADD, size_D },               \
      { "b", OPS_ADD, size_D } }
#define EMBED_OUT                                                              \
    { { "y", OPS_ACT, size_ND }, { "mean", 0, size_N }, { "rstd", 0, size_N } }
#define LINEAR_IN(x_flags)                                                     \
    { { "x", OPS_ACT | (x_flags), size_NI },                                   \
      { "W", OPS_ADD | OPS_UNIT, size_OI }, { "b", OPS_ADD, size_O } }
#define LN_OUT                                                                 \
    { { "y", OPS_ACT, size_ND }, { "sum", OPS_ACT, size_ND },                  \
      { "mean", 0, size_N }, { "rstd", 0, size_N } }
#define CONTRASTIVE(suffix, m, logits)                                         \
    { "contrastive" suffix,                                                    \
      { { "q", OPS_UNIT, size_nD }, { "p", OPS_UNIT, size_passages } },        \
      { { "loss", OPS_ADD, one }, { "logits", 0, logits } },                   \
      contrastive_f, contrastive_b, m }

const struct ops_case ops_cases[] = {
    { "embed", EMBED_IN, EMBED_OUT, embed_f, embed_b, 0 },
    { "embed, types NULL", EMBED_IN, EMBED_OUT, embed_f, embed_b, NO_TYPES },
    { "linear", LINEAR_IN(0), { { "y", OPS_ACT, size_NO } },
      linear_f, linear_b, 0 },
    { "linear, dx added", LINEAR_IN(OPS_ADD), { { "y", OPS_ACT, size_NO } },
      linear_f, linear_b, ADD_DX },
    { "linear_gelu", LINEAR_IN(0),
      { { "y", OPS_ACT, size_NO }, { "pre", OPS_ACT, size_NO } },
      linear_gelu_f, linear_gelu_b, 0 },
    { "residual_ln",
      { { "x", OPS_ACT, size_ND }, { "g", OPS_ADD, size_D },
        { "b", OPS_ADD, size_D }, { "res", OPS_ACT, size_ND } },
      LN_OUT, residual_ln_f, residual_ln_b, 0 },
    { "residual_ln, res NULL",
      { { "x", OPS_ACT, size_ND }, { "g", OPS_ADD, size_D },
        { "b", OPS_ADD, size_D } },
      LN_OUT, residual_ln_f, residual_ln_b, NO_RES },
    { "attention", { { "qkv", OPS_ACT, size_qkv } },
      { { "ctx", OPS_ACT, size_ND }, { "lse", 0, size_HN } },
      attention_f, attention_b, 0 },
    { "attention_rows",
      { { "q", OPS_ACT, size_chosen }, { "kv", OPS_ACT, size_kv } },
      { { "ctx", OPS_ACT, size_chosen }, { "lse", 0, size_chosen_lse } },
      attention_rows_f, attention_rows_b, 0 },
    { "splice_cls",
      { { "h", OPS_ACT | OPS_ADD, size_ND }, { "emb", OPS_ACT, size_ND } },
      { { "y", OPS_ACT, size_ND } }, splice_f, splice_b, 0 },
    { "gather_rows", { { "x", OPS_ACT, size_ND } },
      { { "y", OPS_ACT, size_picked } }, gather_f, gather_b, 0 },
    { "pool, CLS", { { "h", OPS_ACT, size_ND } }, { { "v", 0, size_nD } },
      pool_f, pool_b, SL_POOL_CLS },
    { "pool, mean", { { "h", OPS_ACT, size_ND } }, { { "v", 0, size_nD } },
      pool_f, pool_b, SL_POOL_MEAN },
    { "l2norm", { { "x", 0, size_nD } },
      { { "y", 0, size_nD }, { "norm", 0, size_n } }, l2norm_f, l2norm_b, 0 },
    { "vocab_ce",
      { { "h", OPS_ACT, size_ND }, { "W", OPS_ADD | OPS_UNIT, size_VD },
        { "b", OPS_ADD, size_V } },
      { { "loss", OPS_ADD, one } }, vocab_ce_f, vocab_ce_b, 0 },
    { "vocab_ce, b NULL",
      { { "h", OPS_ACT, size_ND }, { "W", OPS_ADD | OPS_UNIT, size_VD } },
      { { "loss", OPS_ADD, one } }, vocab_ce_f, vocab_ce_b, NO_BIAS },
    CONTRASTIVE(", full", FULL, size_full_logits),
    CONTRASTIVE(", full, masked", FULL | MASKED, size_full_logits),
    CONTRASTIVE(", QK", 0, size_logits),
    { "distill",
      { { "q", OPS_ADD | OPS_UNIT, size_nD },
        { "p", OPS_ADD | OPS_UNIT, size_passages },
        { "teacher", OPS_CONST, size_groups } },
      { { "loss", OPS_ADD, one } }, distill_f, distill_b, 0 },
    { "rdrop", { { "logits", 0, size_passes } },
      { { "losses", OPS_ADD | OPS_ONE_WEIGHT, two } }, rdrop_f, rdrop_b, 0 },
    { "add", { { "y", OPS_ACT, size_ND }, { "x", OPS_ACT, size_ND } },
      { { "y", OPS_ACT, size_ND } }, add_f, NULL, 0 },
    { "adamw",
      { { "w", 0, size_VD }, { "m", 0, size_VD },
        { "v", OPS_POSITIVE, size_VD }, { "g", 0, size_VD } },
      { { "w", 0, size_VD }, { "m", 0, size_VD }, { "v", 0, size_VD } },
      adamw_f, NULL, 0 },
    { "scores", { { "q", OPS_UNIT, size_nD }, { "p", 0, size_ND } },
      { { "s", 0, size_NN } }, scores_f, NULL, 0 },
};
/* clang-format on */
const int n_ops_cases = (int)SL_LEN(ops_cases);

/* ---- a run ---- */

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
            copy(r, &r->c->out[0], sl_real_at(r->be, r->dout, i), r->dout, 1);
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
    int64_t n = r->s.n, R = n_chosen(&r->s);
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
    r->chosen = (struct sl_chosen){.pk = r->pk,
                                   .row = upload_i32(be, row, R)};
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
    int64_t n = s->n * s->n * s->m, picked = (s->N + 1) / 2;
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
    r->rows = upload_i32(r->be, rows, picked);
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
        bytes = (size_t)(rows * columns) * ops_element_bytes(be, &c->in[r->n_in]);
        r->in[r->n_in] = take(be, bytes);
        r->din[r->n_in] = take(be, bytes);
    }
    for (; r->n_out < OPS_MAX_TENSORS && c->out[r->n_out].name; r->n_out++) {
        c->out[r->n_out].size(s, &rows, &columns);
        r->out_n[r->n_out] = rows * columns;
        bytes = (size_t)(rows * columns) * ops_element_bytes(be, &c->out[r->n_out]);
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
    const void *more[] = {r->dout, r->pk.seq_start, r->pk.pos, r->pk.row_key,
                          r->ids,  r->types,        r->labels, r->rows,
                          r->rank, r->mask,         r->chosen.row,
                          r->chosen.pk.row_key, r->chosen.pk.seq_start};
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
