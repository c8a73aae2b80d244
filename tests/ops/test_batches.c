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

static void same_bits(const struct sl_backend *be, const char *what,
                      const float *got, const float *want, int64_t rows,
                      int64_t columns)
{
    for (int64_t i = 0; i < rows * columns; i++)
        check_msg(memcmp(&got[i], &want[i], sizeof *got) == 0,
                  "%s: %s: row %d of %d, column %d of %d is %.9g, not %.9g",
                  be->name, what, (int)(i / columns), (int)rows,
                  (int)(i % columns), (int)columns, got[i], want[i]);
}

/* CPU memory is ours: the tests pass their own arrays. */
#define A(p) ((sl_act *)(p))
#define R(p) ((sl_real *)(p))

/* ---- matrix products ---- */

enum { ROWS = 530 }; /* two blocks of 256 and a tail */

struct product_test {
    struct sl_backend *be;
    int64_t I, O;
    float *x, *dy, *W, *b;
    /* of all ROWS at once */
    float *y, *g, *pre, *dx, *added, *s;
};

static void compute(const struct product_test *t, int64_t first, int64_t n,
                    float *y, float *g, float *pre, float *dx, float *added,
                    float *s)
{
    const struct sl_ops *ops = t->be->ops;
    const float *x = t->x + first * t->I, *dy = t->dy + first * t->O;
    int64_t I = t->I, O = t->O;

    ops->linear_fwd(t->be, A(y), (const sl_act *)x, R(t->W), R(t->b), n, I, O);
    ops->linear_gelu_fwd(t->be, A(g), A(pre), (const sl_act *)x, R(t->W),
                         R(t->b), n, I, O);
    ops->linear_bwd(t->be, A(dx), NULL, NULL, (const sl_act *)dy, NULL, R(t->W),
                    n, I, O, false);
    memcpy(added, x, (size_t)(n * I) * sizeof *x);
    ops->linear_bwd(t->be, A(added), NULL, NULL, (const sl_act *)dy, NULL,
                    R(t->W), n, I, O, true);
    ops->scores(t->be, R(s), (const sl_real *)x, R(t->W), n, O, I);
    check_ok(t->be->sync(t->be, &err));
}

static void check_rows(const struct product_test *t, int64_t first, int64_t n)
{
    float *y = zeros(n * t->O), *g = zeros(n * t->O), *pre = zeros(n * t->O);
    float *dx = zeros(n * t->I), *added = zeros(n * t->I), *s = zeros(n * t->O);

    compute(t, first, n, y, g, pre, dx, added, s);
    same_bits(t->be, "linear", y, t->y + first * t->O, n, t->O);
    same_bits(t->be, "linear_gelu", g, t->g + first * t->O, n, t->O);
    same_bits(t->be, "linear_gelu's pre", pre, t->pre + first * t->O, n, t->O);
    same_bits(t->be, "dx", dx, t->dx + first * t->I, n, t->I);
    same_bits(t->be, "dx added", added, t->added + first * t->I, n, t->I);
    same_bits(t->be, "scores", s, t->s + first * t->O, n, t->O);
    /* inference: pre is not kept */
    t->be->ops->linear_gelu_fwd(t->be, A(y), NULL, A(t->x + first * t->I),
                                R(t->W), R(t->b), n, t->I, t->O);
    same_bits(t->be, "linear_gelu, pre NULL", y, g, n, t->O);
    sl_free(y);
    sl_free(g);
    sl_free(pre);
    sl_free(dx);
    sl_free(added);
    sl_free(s);
}

static void check_products(struct sl_backend *be, int64_t I, int64_t O,
                           struct sl_rng *rng, int trials)
{
    static const int64_t some[] = {1, 2, 5, 16, 17, 31, 256, 257, 511};
    struct product_test t = {.be = be, .I = I, .O = O};

    t.x = random_floats(ROWS * I, 1, 1);
    t.dy = random_floats(ROWS * O, 2, 1);
    t.W = random_floats(I * O, 3, 1 / sqrtf((float)I));
    t.b = random_floats(O, 4, 1);
    t.y = zeros(ROWS * O);
    t.g = zeros(ROWS * O);
    t.pre = zeros(ROWS * O);
    t.dx = zeros(ROWS * I);
    t.added = zeros(ROWS * I);
    t.s = zeros(ROWS * O);
    sl_parallel_set_threads(1);
    compute(&t, 0, ROWS, t.y, t.g, t.pre, t.dx, t.added, t.s);
    for (int trial = 0; trial < trials; trial++) {
        int64_t n = trial < (int)SL_LEN(some)
                        ? some[trial]
                        : 1 + (int64_t)sl_rng_below(rng, ROWS);
        int64_t first = (int64_t)sl_rng_below(rng, (uint64_t)(ROWS - n + 1));

        sl_parallel_set_threads(1 + trial % 2);
        check_rows(&t, first, n);
    }
    sl_free(t.x);
    sl_free(t.dy);
    sl_free(t.W);
    sl_free(t.b);
    sl_free(t.y);
    sl_free(t.g);
    sl_free(t.pre);
    sl_free(t.dx);
    sl_free(t.added);
    sl_free(t.s);
}

static void a_row_of_a_product_is_the_same_in_any_batch(void **state)
{
    static const int64_t shape[][2] = {{128, 384}, {768, 96},  {512, 1024},
                                       {3072, 40}, {40, 1030}, {131, 67},
                                       {1, 1},     {17, 3}};
    struct sl_backend *be = ops_open(SL_FP32, sl_cpu_from_env());
    int threads = sl_parallel_threads();
    struct sl_rng rng;

    (void)state;
    sl_rng_init(&rng, sl_stream(12, SL_PURPOSE_TEST, 0));
    for (size_t i = 0; i < SL_LEN(shape); i++)
        check_products(be, shape[i][0], shape[i][1], &rng, 12);
    sl_parallel_set_threads(threads);
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

static void weight_gradients_do_not_depend_on_threads(void **state)
{
    static const int64_t shape[][3] = {{1500, 130, 260},
                                       {300, 64, 700},
                                       {1, 9, 5},
                                       {1024, 33, 16},
                                       {1295, 256, 31}};
    struct sl_backend *be = ops_open(SL_FP32, sl_cpu_from_env());
    int threads = sl_parallel_threads();

    (void)state;
    for (size_t k = 0; k < SL_LEN(shape); k++) {
        int64_t N = shape[k][0], I = shape[k][1], O = shape[k][2];
        float *x = random_floats(N * I, 1, 1), *dy = random_floats(N * O, 2, 1);
        float *dW[2], *db[2];

        for (int t = 0; t < 2; t++) {
            dW[t] = random_floats(O * I, 3, 1);
            db[t] = random_floats(O, 4, 1);
            sl_parallel_set_threads(t + 1);
            be->ops->linear_bwd(be, NULL, R(dW[t]), R(db[t]), A(dy), A(x), NULL,
                                N, I, O, false);
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

/* ---- sequences ---- */

enum { SEQS = 7, D = 60, H = 3, V = 301 };
static const int32_t length[SEQS] = {3, 1, 40, 2, 130, 17, 64};
enum { TOKENS = 257 };

/* What a forward pass over some sequences gives, row by row. */
struct results {
    float *emb, *ln, *ctx, *first, *v, *unit;
    int32_t *drawn;
};

struct sequences {
    struct sl_backend *be;
    int32_t ids[TOKENS], pos[TOKENS];
    uint64_t key[TOKENS];
    struct sl_embed w;
    float *x, *res, *qkv;
    float *q, *kv; /* qkv's first rows' queries; its keys and values */
};

static struct results results_new(void)
{
    return (struct results){
        zeros(TOKENS * D), zeros(TOKENS * D),
        zeros(TOKENS * D), zeros(SEQS * D), zeros(SEQS * D),
        zeros(SEQS * D),   sl_calloc(TOKENS, sizeof(int32_t))};
}

static void results_free(struct results *r)
{
    sl_free(r->emb);
    sl_free(r->ln);
    sl_free(r->ctx);
    sl_free(r->first);
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

/* Sequences [seq, seq + n) as a batch of their own. */
static void run_sequences(const struct sequences *s, int seq, int n,
                          struct results *r)
{
    struct sl_backend *be = s->be;
    const struct sl_ops *ops = be->ops;
    struct sl_dropout drop = {0.1f, 4096, 99};
    int32_t start[SEQS + 1] = {0}, at = first_token(seq), max_len = 0;
    struct sl_packing pk;
    float norm[SEQS];

    for (int i = 0; i < n; i++) {
        start[i + 1] = start[i] + length[seq + i];
        max_len = length[seq + i] > max_len ? length[seq + i] : max_len;
    }
    pk = (struct sl_packing){n,     start[n],    max_len,
                             start, s->pos + at, s->key + at};
    ops->embed_fwd(be, A(r->emb), NULL, NULL, s->ids + at, NULL, &pk, &s->w, D,
                   1e-12f, drop);
    ops->residual_ln_fwd(be, A(r->ln), NULL, NULL, NULL, A(s->x + at * D),
                         A(s->res + at * D), pk.row_key, s->w.g, s->w.b, pk.N,
                         D, 1e-12f, drop);
    ops->attention_fwd(be, A(r->ctx), NULL, A(s->qkv + at * 3 * D), &pk, D, H,
                       drop);
    ops->attention_first_fwd(be, A(r->first), NULL, A(s->q + seq * D),
                             A(s->kv + at * 2 * D), &pk, D, H, drop);
    ops->pool_fwd(be, R(r->v), A(r->ctx), &pk, D, SL_POOL_MEAN);
    ops->l2norm_fwd(be, R(r->unit), R(norm), R(r->v), n, D);
    ops->vocab_sample(be, r->drawn, A(s->x + at * D), s->w.word, NULL,
                      pk.row_key, pk.N, D, V, 5, 77);
    check_ok(be->sync(be, &err));
}

static void check_sequences(const struct sequences *s, int seq, int n,
                            const struct results *all)
{
    struct results r = results_new();
    int32_t at = first_token(seq), N = first_token(seq + n) - at;

    run_sequences(s, seq, n, &r);
    same_bits(s->be, "embed", r.emb, all->emb + at * D, N, D);
    same_bits(s->be, "residual_ln", r.ln, all->ln + at * D, N, D);
    same_bits(s->be, "attention", r.ctx, all->ctx + at * D, N, D);
    for (int i = 0; i < n; i++)
        same_bits(s->be, "attention_first", r.first + i * D,
                  all->ctx + first_token(seq + i) * D, 1, D);
    same_bits(s->be, "pool", r.v, all->v + seq * D, n, D);
    same_bits(s->be, "l2norm", r.unit, all->unit + seq * D, n, D);
    for (int32_t i = 0; i < N; i++)
        check_msg(r.drawn[i] == all->drawn[at + i],
                  "%s: vocab_sample: row %d draws %d, not %d", s->be->name,
                  (int)i, (int)r.drawn[i], (int)all->drawn[at + i]);
    results_free(&r);
}

static void split_qkv(struct sequences *s)
{
    s->q = zeros(SEQS * D);
    s->kv = zeros(TOKENS * 2 * D);
    for (int i = 0; i < SEQS; i++)
        memcpy(s->q + i * D, s->qkv + first_token(i) * 3 * D,
               D * sizeof *s->q);
    for (int i = 0; i < TOKENS; i++)
        memcpy(s->kv + i * 2 * D, s->qkv + i * 3 * D + D,
               2 * D * sizeof *s->kv);
}

static void check_variant(unsigned cpu)
{
    struct sequences s = {.be = ops_open(SL_FP32, cpu)};
    struct results all = results_new();
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
    s.x = random_floats(TOKENS * D, 6, 1);
    s.res = random_floats(TOKENS * D, 7, 1);
    s.qkv = random_floats(TOKENS * 3 * D, 8, 2);
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
        if (ops_variant_present(&ops_variants[v]))
            check_variant(ops_variants[v].cpu);
    sl_parallel_set_threads(threads);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_of_a_product_is_the_same_in_any_batch),
        cmocka_unit_test(a_score_does_not_depend_on_the_other_passages),
        cmocka_unit_test(weight_gradients_do_not_depend_on_threads),
        cmocka_unit_test(a_sequence_is_the_same_in_any_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
