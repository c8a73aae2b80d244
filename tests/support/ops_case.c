#include "ops_case.h"

#include "base/alloc.h"
#include "check.h"

/* ---- shapes -------------------------------------------------------------- */

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
SIZE(size_chosen, ops_n_chosen(s), s->D)
SIZE(size_chosen_lse, s->H, ops_n_chosen(s))
SIZE(size_qkv, s->N, 3 * s->D)
SIZE(size_kv, s->N, 2 * s->D)
SIZE(size_passages, s->n * s->m, s->D)
SIZE(size_logits, s->n, s->n * s->m)
SIZE(size_full_logits, s->n, s->n * s->m + 3 * s->n)
SIZE(size_picked, (s->N + 1) / 2, s->D)
SIZE(size_NN, s->n, s->N)
SIZE(size_pairs, 2 * s->n, s->D)
SIZE(size_groups, s->n, s->m)
SIZE(size_passes, 2 * s->n, s->m)
SIZE(two, 1, 2)

/* ---- the ops ------------------------------------------------------------- */

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
    ELSEWHERE = 1,
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

/* Where h's rows are that become first rows: at the same places, or among the
 * N rows drawn without order. */
static const int32_t *heads(const struct ops_run *r)
{
    return r->c->mode & ELSEWHERE ? r->rows : r->pk.seq_start;
}

static void splice_f(struct ops_run *r)
{
    OPS->splice_cls_fwd(r->be, act(r->out[0]), act(r->in[0]), heads(r),
                        act(r->in[1]), &r->pk, r->s.D);
}

static void splice_b(struct ops_run *r)
{
    OPS->splice_cls_bwd(r->be, act(r->din[0]), heads(r), act(r->din[1]),
                        act(r->dout), &r->pk, r->s.D);
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

static void binary_ce_f(struct ops_run *r)
{
    OPS->binary_ce(r->be, real(r->out[0]), NULL, NULL, NULL, act(r->in[0]),
                   real(r->in[1]), real(r->in[2]), r->types, r->s.N, r->s.D, 1);
}

static void binary_ce_b(struct ops_run *r)
{
    OPS->binary_ce(r->be, real(r->out[0]), act(r->din[0]), real(r->din[1]),
                   real(r->din[2]), act(r->in[0]), real(r->in[1]),
                   real(r->in[2]), r->types, r->s.N, r->s.D, weight_of_loss(r));
}

static void pair_contrast_f(struct ops_run *r)
{
    OPS->pair_contrast(r->be, real(r->out[0]), NULL, real(r->in[0]), 2 * r->s.n,
                       r->s.D, 1);
}

static void pair_contrast_b(struct ops_run *r)
{
    OPS->pair_contrast(r->be, real(r->out[0]), real(r->din[0]), real(r->in[0]),
                       2 * r->s.n, r->s.D, weight_of_loss(r));
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

/* mode: passes */
static void listwise_f(struct ops_run *r)
{
    OPS->listwise(r->be, real(r->out[0]), NULL, real(r->in[0]), r->c->mode,
                  r->s.n, r->s.m, 1);
}

static void listwise_b(struct ops_run *r)
{
    OPS->listwise(r->be, real(r->out[0]), real(r->din[0]), real(r->in[0]),
                  r->c->mode, r->s.n, r->s.m, weight_of_loss(r));
}

static void tanh_f(struct ops_run *r)
{
    OPS->tanh_fwd(r->be, act(r->out[0]), act(r->in[0]), r->s.N * r->s.D);
}

static void tanh_b(struct ops_run *r)
{
    OPS->tanh_bwd(r->be, act(r->din[0]), act(r->dout), act(r->out[0]),
                  r->s.N * r->s.D);
}

static void dropout_f(struct ops_run *r)
{
    OPS->dropout(r->be, act(r->out[0]), act(r->in[0]), r->pk.row_key, r->s.N,
                 r->s.D, r->drop);
}

static void dropout_b(struct ops_run *r)
{
    OPS->dropout(r->be, act(r->din[0]), act(r->dout), r->pk.row_key, r->s.N,
                 r->s.D, r->drop);
}

static void linear_one_f(struct ops_run *r)
{
    OPS->linear_one_fwd(r->be, real(r->out[0]), act(r->in[0]), real(r->in[1]),
                        real(r->in[2]), r->s.N, r->s.D);
}

static void linear_one_b(struct ops_run *r)
{
    OPS->linear_one_bwd(r->be, act(r->din[0]), real(r->din[1]), real(r->din[2]),
                        real(r->dout), act(r->in[0]), real(r->in[1]), r->s.N,
                        r->s.D);
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
      { { "h", OPS_ACT | OPS_ADD, size_ND }, { "x", OPS_ACT, size_ND } },
      { { "y", OPS_ACT, size_ND } }, splice_f, splice_b, 0 },
    { "splice_cls, h's rows elsewhere",
      { { "h", OPS_ACT | OPS_ADD, size_ND }, { "x", OPS_ACT, size_ND } },
      { { "y", OPS_ACT, size_ND } }, splice_f, splice_b, ELSEWHERE },
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
    { "binary_ce",
      { { "h", OPS_ACT, size_ND }, { "w", OPS_ADD | OPS_UNIT, size_D },
        { "b", OPS_ADD, one } },
      { { "loss", OPS_ADD, one } }, binary_ce_f, binary_ce_b, 0 },
    { "pair_contrast", { { "v", OPS_UNIT, size_pairs } },
      { { "loss", OPS_ADD, one } }, pair_contrast_f, pair_contrast_b, 0 },
    CONTRASTIVE(", full", FULL, size_full_logits),
    CONTRASTIVE(", full, masked", FULL | MASKED, size_full_logits),
    CONTRASTIVE(", QK", 0, size_logits),
    { "distill",
      { { "q", OPS_ADD | OPS_UNIT, size_nD },
        { "p", OPS_ADD | OPS_UNIT, size_passages },
        { "teacher", OPS_CONST, size_groups } },
      { { "loss", OPS_ADD, one } }, distill_f, distill_b, 0 },
    { "listwise, one pass", { { "logits", 0, size_groups } },
      { { "loss", OPS_ADD, one } }, listwise_f, listwise_b, 1 },
    { "listwise, two passes", { { "logits", 0, size_passes } },
      { { "losses", OPS_ADD | OPS_ONE_WEIGHT, two } },
      listwise_f, listwise_b, 2 },
    { "tanh", { { "x", OPS_ACT, size_ND } }, { { "y", OPS_ACT, size_ND } },
      tanh_f, tanh_b, 0 },
    { "dropout", { { "x", OPS_ACT, size_ND } }, { { "y", OPS_ACT, size_ND } },
      dropout_f, dropout_b, 0 },
    { "linear_one",
      { { "x", OPS_ACT, size_ND }, { "w", OPS_ADD | OPS_UNIT, size_D },
        { "b", OPS_ADD, one } },
      { { "y", 0, size_N } }, linear_one_f, linear_one_b, 0 },
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
