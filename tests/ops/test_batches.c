/* A row's result is the same bits alone and in any batch, on one thread and on
 * two, in every CPU variant: for rows of matrix products and for sequences. */
#include "ops_case.h"

#include "base/alloc.h"
#include "base/parallel.h"
#include "check.h"

static float *random_floats(int64_t n, uint64_t index, float scale)
{
    float *v = sl_alloc((size_t)n + 1, sizeof *v);
    struct sl_rng rng;

    sl_rng_init(&rng, sl_stream(11, SL_PURPOSE_TEST, index));
    for (int64_t i = 0; i < n; i++)
        v[i] = scale * (float)(2 * sl_rng_unit(&rng) - 1);
    return v;
}

static float *zeros(int64_t n)
{
    return sl_calloc((size_t)n + 1, sizeof(float));
}

/* Elements of 2 or 4 bytes. */
static void same_bytes(const struct sl_backend *be, const char *what,
                       const void *got, const void *want, int64_t rows,
                       int64_t columns, size_t size)
{
    const char *g = got, *w = want;

    for (int64_t i = 0; i < rows * columns; i++, g += size, w += size)
        check_msg(memcmp(g, w, size) == 0,
                  "%s: %s: row %d of %d, column %d of %d differs", be->name,
                  what, (int)(i / columns), (int)rows, (int)(i % columns),
                  (int)columns);
}

static void same_bits(const struct sl_backend *be, const char *what,
                      const float *got, const float *want, int64_t rows,
                      int64_t columns)
{
    same_bytes(be, what, got, want, rows, columns, sizeof *got);
}

static void same_acts(const struct sl_backend *be, const char *what,
                      const sl_act *got, const sl_act *want, int64_t rows,
                      int64_t columns)
{
    same_bytes(be, what, got, want, rows, columns, be->act_bytes);
}

/* Room for n activations. */
static sl_act *acts(const struct sl_backend *be, int64_t n)
{
    return sl_calloc((size_t)n + 1, be->act_bytes);
}

static sl_act *random_acts(struct sl_backend *be, int64_t n, uint64_t index,
                           float scale)
{
    float *v = random_floats(n, index, scale);
    sl_act *x = acts(be, n);

    be->upload_act(be, x, v, n);
    sl_free(v);
    return x;
}

/* CPU memory is ours: the tests pass their own arrays. */
#define R(p) ((sl_real *)(p))

/* ---- matrix products ----------------------------------------------------- */

enum { ROWS = 530 }; /* two blocks of 256 and a tail */

/* What ops make of some rows. */
struct products {
    sl_act *y, *g, *pre, *dx, *added;
    float *s;
};

struct product_test {
    struct sl_backend *be;
    int64_t I, O;
    sl_act *x, *dy;
    float *W, *b, *q;
    struct products all; /* of all ROWS at once */
};

static struct products products_new(const struct product_test *t, int64_t n)
{
    return (struct products){acts(t->be, n * t->O), acts(t->be, n * t->O),
                             acts(t->be, n * t->O), acts(t->be, n * t->I),
                             acts(t->be, n * t->I), zeros(n * t->O)};
}

static void products_free(struct products *p)
{
    sl_free(p->y);
    sl_free(p->g);
    sl_free(p->pre);
    sl_free(p->dx);
    sl_free(p->added);
    sl_free(p->s);
}

static sl_act *at(const struct product_test *t, sl_act *p, int64_t n)
{
    return sl_act_at(t->be, p, n);
}

static void compute(const struct product_test *t, int64_t first, int64_t n,
                    const struct products *p)
{
    struct sl_backend *be = t->be;
    const struct sl_ops *ops = be->ops;
    int64_t I = t->I, O = t->O;
    const sl_act *x = at(t, t->x, first * I), *dy = at(t, t->dy, first * O);

    ops->linear_fwd(be, p->y, x, R(t->W), R(t->b), n, I, O);
    ops->linear_gelu_fwd(be, p->g, p->pre, x, R(t->W), R(t->b), n, I, O);
    ops->linear_bwd(be, p->dx, NULL, NULL, dy, NULL, R(t->W), n, I, O, false);
    memcpy(p->added, x, (size_t)(n * I) * be->act_bytes);
    ops->linear_bwd(be, p->added, NULL, NULL, dy, NULL, R(t->W), n, I, O, true);
    ops->scores(be, R(p->s), (const sl_real *)(t->q + first * I), R(t->W), n, O,
                I);
    check_ok(be->sync(be, &err));
}

static void check_rows(const struct product_test *t, int64_t first, int64_t n)
{
    const struct products *all = &t->all;
    struct products p = products_new(t, n);
    int64_t I = t->I, O = t->O;

    compute(t, first, n, &p);
    same_acts(t->be, "linear", p.y, at(t, all->y, first * O), n, O);
    same_acts(t->be, "linear_gelu", p.g, at(t, all->g, first * O), n, O);
    same_acts(t->be, "linear_gelu's pre", p.pre, at(t, all->pre, first * O), n,
              O);
    same_acts(t->be, "dx", p.dx, at(t, all->dx, first * I), n, I);
    same_acts(t->be, "dx added", p.added, at(t, all->added, first * I), n, I);
    same_bits(t->be, "scores", p.s, all->s + first * O, n, O);
    /* inference: pre is not kept */
    t->be->ops->linear_gelu_fwd(t->be, p.y, NULL, at(t, t->x, first * I),
                                R(t->W), R(t->b), n, I, O);
    same_acts(t->be, "linear_gelu, pre NULL", p.y, p.g, n, O);
    products_free(&p);
}

/* `fixed`: the weights are announced as such. */
static void check_products(struct sl_backend *be, int64_t I, int64_t O,
                           bool fixed, struct sl_rng *rng, int trials)
{
    static const int64_t some[] = {1, 2, 5, 16, 17, 31, 256, 257, 511};
    struct product_test t = {.be = be, .I = I, .O = O};

    t.x = random_acts(be, ROWS * I, 1, 1);
    t.dy = random_acts(be, ROWS * O, 2, 1);
    t.q = random_floats(ROWS * I, 1, 1);
    t.W = random_floats(I * O, 3, 1 / sqrtf((float)I));
    t.b = random_floats(O, 4, 1);
    t.all = products_new(&t, ROWS);
    if (fixed)
        check_ok(be->weights(be, R(t.W), I * O, true, &err));
    sl_parallel_set_threads(1);
    compute(&t, 0, ROWS, &t.all);
    for (int trial = 0; trial < trials; trial++) {
        int64_t n = trial < (int)SL_LEN(some)
                        ? some[trial]
                        : 1 + (int64_t)sl_rng_below(rng, ROWS);
        int64_t first = (int64_t)sl_rng_below(rng, (uint64_t)(ROWS - n + 1));

        sl_parallel_set_threads(1 + trial % 2);
        check_rows(&t, first, n);
    }
    products_free(&t.all);
    be->free(be, t.W); /* and what was made of it */
    sl_free(t.x);
    sl_free(t.dy);
    sl_free(t.q);
    sl_free(t.b);
}

static void check_product_rows(enum sl_compute compute_in, bool fixed)
{
    static const int64_t shape[][2] = {{128, 384}, {768, 96},  {512, 1024},
                                       {3072, 40}, {40, 1030}, {131, 67},
                                       {1, 1},     {17, 3}};
    struct sl_backend *be = ops_open(compute_in, sl_cpu_from_env());
    int threads = sl_parallel_threads();
    struct sl_rng rng;

    sl_rng_init(&rng, sl_stream(12, SL_PURPOSE_TEST, 0));
    for (size_t i = 0; i < SL_LEN(shape); i++)
        check_products(be, shape[i][0], shape[i][1], fixed, &rng, 12);
    sl_parallel_set_threads(threads);
    sl_backend_close(be);
}

static void a_row_of_a_product_is_the_same_in_any_batch(void **state)
{
    (void)state;
    check_product_rows(SL_FP32, false);
    check_product_rows(SL_BF16, false);
}

static void and_so_it_is_with_packed_weights(void **state)
{
    (void)state;
    check_product_rows(SL_FP32, true);
    check_product_rows(SL_BF16, true);
}

/* Rounded by the backend or by the op: the same products. */
static void a_product_does_not_depend_on_how_weights_are_kept(void **state)
{
    enum { I = 200, O = 300, N = 70 };
    struct sl_backend *be = ops_open(SL_BF16, sl_cpu_from_env());
    float *W = random_floats(I * O, 1, 1);
    sl_act *x = random_acts(be, N * I, 2, 1), *y[3];

    (void)state;
    for (int k = 0; k < 3; k++) {
        y[k] = acts(be, N * O);
        if (k)
            check_ok(be->weights(be, R(W), I * O, k == 2, &err));
        be->ops->linear_fwd(be, y[k], x, R(W), NULL, N, I, O);
    }
    same_acts(be, "a rounded copy", y[1], y[0], N, O);
    same_acts(be, "packed", y[2], y[0], N, O);
    for (int k = 0; k < 3; k++)
        sl_free(y[k]);
    sl_free(x);
    be->free(be, W);
    sl_backend_close(be);
}

static void announced_weights_are_seen_by_siblings_and_anew(void **state)
{
    enum { I = 64, O = 96, N = 5 };
    struct sl_backend *be = ops_open(SL_BF16, sl_cpu_from_env()), *sibling;
    float *W = random_floats(I * O, 1, 1), *other = random_floats(I * O, 3, 1);
    sl_act *x = random_acts(be, N * I, 2, 1);
    sl_act *y = acts(be, N * O), *want = acts(be, N * O);

    (void)state;
    check_ok(sl_backend_open_sibling(&sibling, be, &err));
    be->ops->linear_fwd(be, want, x, R(other), NULL, N, I, O);
    for (int fixed = 0; fixed < 2; fixed++) {
        check_ok(be->weights(be, R(W), I * O, fixed, &err));
        be->ops->linear_fwd(be, y, x, R(W), NULL, N, I, O);
        memcpy(W, other, sizeof *W * I * O);
        check_ok(be->weights(be, R(W), I * O, fixed, &err));
        be->ops->linear_fwd(be, y, x, R(W), NULL, N, I, O);
        same_acts(be, "new weights", y, want, N, O);
        sibling->ops->linear_fwd(sibling, y, x, R(W), NULL, N, I, O);
        same_acts(be, "a sibling's", y, want, N, O);
        memset(W, 0, sizeof *W * I * O);
    }
    sl_backend_close(sibling);
    be->free(be, W);
    sl_free(other);
    sl_free(x);
    sl_free(y);
    sl_free(want);
    sl_backend_close(be);
}

static void a_score_does_not_depend_on_the_other_passages(void **state)
{
    enum { N = 700, D = 96 };
    struct sl_backend *be = ops_open(SL_FP32, sl_cpu_from_env());
    float *q = random_floats(D, 1, 1), *p = random_floats(N * D, 2, 1);
    float *all = zeros(N), *some = zeros(N);

    (void)state;
    be->ops->scores(be, R(all), R(q), R(p), 1, N, D);
    for (int64_t n = 1; n < N; n += 37) {
        int64_t first = (n * 13) % (N - n + 1);

        be->ops->scores(be, R(some), R(q), R(p + first * D), 1, n, D);
        same_bits(be, "scores", some, all + first, n, 1);
    }
    sl_free(q);
    sl_free(p);
    sl_free(all);
    sl_free(some);
    sl_backend_close(be);
}

static void check_weight_gradients(enum sl_compute compute_in)
{
    static const int64_t shape[][3] = {{1500, 130, 260},
                                       {300, 64, 700},
                                       {1, 9, 5},
                                       {1024, 33, 16},
                                       {1295, 256, 31}};
    struct sl_backend *be = ops_open(compute_in, sl_cpu_from_env());
    int threads = sl_parallel_threads();

    for (size_t k = 0; k < SL_LEN(shape); k++) {
        int64_t N = shape[k][0], I = shape[k][1], O = shape[k][2];
        sl_act *x = random_acts(be, N * I, 1, 1);
        sl_act *dy = random_acts(be, N * O, 2, 1);
        float *dW[2], *db[2];

        for (int t = 0; t < 2; t++) {
            dW[t] = random_floats(O * I, 3, 1);
            db[t] = random_floats(O, 4, 1);
            sl_parallel_set_threads(t + 1);
            be->ops->linear_bwd(be, NULL, R(dW[t]), R(db[t]), dy, x, NULL, N, I,
                                O, false);
        }
        same_bits(be, "dW", dW[1], dW[0], O, I);
        same_bits(be, "db", db[1], db[0], 1, O);
        for (int t = 0; t < 2; t++) {
            sl_free(dW[t]);
            sl_free(db[t]);
        }
        sl_free(x);
        sl_free(dy);
    }
    sl_parallel_set_threads(threads);
    sl_backend_close(be);
}

static void weight_gradients_do_not_depend_on_threads(void **state)
{
    (void)state;
    check_weight_gradients(SL_FP32);
    check_weight_gradients(SL_BF16);
}

/* ---- sequences ----------------------------------------------------------- */

enum { SEQS = 7, D = 60, H = 3, V = 301 };
static const int32_t length[SEQS] = {3, 1, 40, 2, 130, 17, 64};
enum { TOKENS = 257 };

/* What a forward pass over some sequences gives, row by row. */
struct results {
    sl_act *emb, *ln, *ctx, *chosen;
    float *v, *unit;
    int32_t *drawn;
};

struct sequences {
    struct sl_backend *be;
    int32_t ids[TOKENS], pos[TOKENS];
    uint64_t key[TOKENS];
    struct sl_embed w;
    sl_act *x, *res, *qkv;
    uint64_t chosen_key[TOKENS];
    sl_act *q, *kv; /* of qkv: the queries of chosen rows; keys and values */
};

static struct results results_new(const struct sl_backend *be)
{
    return (struct results){acts(be, TOKENS * D),
                            acts(be, TOKENS * D),
                            acts(be, TOKENS * D),
                            acts(be, TOKENS * D),
                            zeros(SEQS * D),
                            zeros(SEQS * D),
                            sl_calloc(TOKENS, sizeof(int32_t))};
}

static void results_free(struct results *r)
{
    sl_free(r->emb);
    sl_free(r->ln);
    sl_free(r->ctx);
    sl_free(r->chosen);
    sl_free(r->v);
    sl_free(r->unit);
    sl_free(r->drawn);
}

static int32_t first_token(int seq)
{
    int32_t at = 0;

    for (int i = 0; i < seq; i++)
        at += length[i];
    return at;
}

/* Every EACH-th token is chosen: of the second sequence none. */
enum { EACH = 5 };
static int32_t n_chosen_before(int seq)
{
    return (first_token(seq) + EACH - 1) / EACH;
}

/* Sequences [seq, seq + n) as a batch of their own. */
static void run_sequences(const struct sequences *s, int seq, int n,
                          struct results *r)
{
    struct sl_backend *be = s->be;
    const struct sl_ops *ops = be->ops;
    struct sl_dropout drop = {0.1f, 4096, 99};
    int32_t start[SEQS + 1] = {0}, at = first_token(seq), max_len = 0;
    int32_t begin[SEQS + 1] = {0}, chosen = n_chosen_before(seq);
    struct sl_packing pk;
    struct sl_chosen rows = {.row = NULL};
    float norm[SEQS];

    for (int i = 0; i < n; i++) {
        start[i + 1] = start[i] + length[seq + i];
        begin[i + 1] = n_chosen_before(seq + i + 1) - chosen;
        max_len = length[seq + i] > max_len ? length[seq + i] : max_len;
    }
    pk = (struct sl_packing){n,     start[n],    max_len,
                             start, s->pos + at, s->key + at};
    rows.pk = (struct sl_packing){.n = n,
                                  .N = begin[n],
                                  .seq_start = begin,
                                  .row_key = s->chosen_key + chosen};
    ops->embed_fwd(be, r->emb, NULL, NULL, s->ids + at, NULL, &pk, &s->w, D,
                   1e-12f, drop);
    ops->residual_ln_fwd(be, r->ln, NULL, NULL, NULL,
                         sl_act_at(be, s->x, at * D),
                         sl_act_at(be, s->res, at * D), pk.row_key, s->w.g,
                         s->w.b, pk.N, D, 1e-12f, drop);
    ops->attention_fwd(be, r->ctx, NULL, sl_act_at(be, s->qkv, at * 3 * D), &pk,
                       D, H, drop);
    ops->attention_rows_fwd(
        be, r->chosen, NULL, sl_act_at(be, s->q, chosen * D),
        sl_act_at(be, s->kv, at * 2 * D), &pk, &rows, D, H, drop);
    ops->pool_fwd(be, R(r->v), r->ctx, &pk, D, SL_POOL_MEAN);
    ops->l2norm_fwd(be, R(r->unit), R(norm), R(r->v), n, D);
    ops->vocab_sample(be, r->drawn, sl_act_at(be, s->x, at * D), s->w.word,
                      NULL, pk.row_key, pk.N, D, V, 5, 77);
    check_ok(be->sync(be, &err));
}

static void check_sequences(const struct sequences *s, int seq, int n,
                            const struct results *all)
{
    struct results r = results_new(s->be);
    int32_t at = first_token(seq), N = first_token(seq + n) - at;

    run_sequences(s, seq, n, &r);
    same_acts(s->be, "embed", r.emb, sl_act_at(s->be, all->emb, at * D), N, D);
    same_acts(s->be, "residual_ln", r.ln, sl_act_at(s->be, all->ln, at * D), N,
              D);
    same_acts(s->be, "attention", r.ctx, sl_act_at(s->be, all->ctx, at * D), N,
              D);
    for (int32_t i = n_chosen_before(seq); i < n_chosen_before(seq + n); i++)
        same_acts(s->be, "attention_rows",
                  sl_act_at(s->be, r.chosen, (i - n_chosen_before(seq)) * D),
                  sl_act_at(s->be, all->ctx, EACH * i * D), 1, D);
    same_bits(s->be, "pool", r.v, all->v + seq * D, n, D);
    same_bits(s->be, "l2norm", r.unit, all->unit + seq * D, n, D);
    for (int32_t i = 0; i < N; i++)
        check_msg(r.drawn[i] == all->drawn[at + i],
                  "%s: vocab_sample: row %d draws %d, not %d", s->be->name,
                  (int)i, (int)r.drawn[i], (int)all->drawn[at + i]);
    results_free(&r);
}

static void copy_acts(struct sl_backend *be, sl_act *to, int64_t i,
                      sl_act *from, int64_t k, int64_t n)
{
    memcpy(sl_act_at(be, to, i), sl_act_at(be, from, k),
           (size_t)n * be->act_bytes);
}

static void split_qkv(struct sequences *s)
{
    s->q = acts(s->be, TOKENS * D);
    s->kv = acts(s->be, TOKENS * 2 * D);
    for (int i = 0; i < TOKENS; i++)
        copy_acts(s->be, s->kv, i * 2 * D, s->qkv, i * 3 * D + D, 2 * D);
    for (int i = 0; i < n_chosen_before(SEQS); i++) {
        copy_acts(s->be, s->q, i * D, s->qkv, EACH * i * 3 * D, D);
        s->chosen_key[i] = s->key[EACH * i];
    }
}

static void check_variant(enum sl_compute compute_in, unsigned cpu)
{
    struct sequences s = {.be = ops_open(compute_in, cpu)};
    struct results all = results_new(s.be);
    int32_t at = 0;

    for (int i = 0; i < SEQS; i++)
        for (int32_t j = 0; j < length[i]; j++, at++) {
            s.ids[at] = (at * 37) % V;
            s.pos[at] = j;
            s.key[at] = (uint64_t)(i + 3) << 16 | (uint64_t)j;
        }
    s.w = (struct sl_embed){
        R(random_floats(V * D, 1, 1)), R(random_floats(TOKENS * D, 2, 1)),
        R(random_floats(2 * D, 3, 1)), R(random_floats(D, 4, 1)),
        R(random_floats(D, 5, 1))};
    s.x = random_acts(s.be, TOKENS * D, 6, 1);
    s.res = random_acts(s.be, TOKENS * D, 7, 1);
    s.qkv = random_acts(s.be, TOKENS * 3 * D, 8, 2);
    split_qkv(&s);
    sl_parallel_set_threads(2);
    run_sequences(&s, 0, SEQS, &all);
    for (int n = 1; n <= SEQS; n++)
        for (int seq = 0; seq + n <= SEQS; seq += 2) {
            sl_parallel_set_threads(1 + n % 2);
            check_sequences(&s, seq, n, &all);
        }
    results_free(&all);
    sl_free(s.w.word);
    sl_free(s.w.pos);
    sl_free(s.w.type);
    sl_free(s.w.g);
    sl_free(s.w.b);
    sl_free(s.x);
    sl_free(s.res);
    sl_free(s.qkv);
    sl_free(s.q);
    sl_free(s.kv);
    sl_backend_close(s.be);
}

static void a_sequence_is_the_same_in_any_batch(void **state)
{
    int threads = sl_parallel_threads();

    (void)state;
    for (int v = 0; v < n_ops_variants; v++)
        if (ops_variant_present(&ops_variants[v])) {
            check_variant(SL_FP32, ops_variants[v].cpu);
            check_variant(SL_BF16, ops_variants[v].cpu);
        }
    sl_parallel_set_threads(threads);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_of_a_product_is_the_same_in_any_batch),
        cmocka_unit_test(and_so_it_is_with_packed_weights),
        cmocka_unit_test(a_product_does_not_depend_on_how_weights_are_kept),
        cmocka_unit_test(announced_weights_are_seen_by_siblings_and_anew),
        cmocka_unit_test(a_score_does_not_depend_on_the_other_passages),
        cmocka_unit_test(weight_gradients_do_not_depend_on_threads),
        cmocka_unit_test(a_sequence_is_the_same_in_any_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
