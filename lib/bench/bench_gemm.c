/*
 * bench_gemm.c - the matrix products of a model's layers and head through the
 * backend: forward (x W^T + b) with weights that change and with weights that
 * do not, the gradients of x and of W.
 */
#include "bench/bench.h"

#include <stdio.h>

#include "base/alloc.h"

struct product {
    struct sl_backend *be;
    int64_t N, I, O;
    sl_act *x, *y;  /* [N, I], [N, O]; the gradients overwrite x */
    sl_real *W, *b; /* [O, I], [O] */
    sl_real *dW;    /* [O, I] */
};

static simlm_status forward(void *what, simlm_error *err)
{
    struct product *p = what;

    p->be->ops->linear_fwd(p->be, p->y, p->x, p->W, p->b, p->N, p->I, p->O);
    return p->be->sync(p->be, err);
}

static simlm_status gradient_of_x(void *what, simlm_error *err)
{
    struct product *p = what;

    p->be->ops->linear_bwd(p->be, p->x, NULL, NULL, p->y, p->x, p->W, p->N,
                           p->I, p->O, false);
    return p->be->sync(p->be, err);
}

static simlm_status gradient_of_W(void *what, simlm_error *err)
{
    struct product *p = what;

    p->be->ops->linear_bwd(p->be, NULL, p->dW, NULL, p->y, p->x, p->W, p->N,
                           p->I, p->O, false);
    return p->be->sync(p->be, err);
}

static const struct {
    const char *name;
    sl_bench_fn *run;
    bool fixed; /* W never changes: the backend may rearrange it */
} directions[] = {
    {"encoding", forward, true},
    {"forward", forward, false},
    {"dX", gradient_of_x, false},
    {"dW", gradient_of_W, false},
};

/* Small numbers of both signs: products neither grow nor become denormal. */
static simlm_status fill(struct sl_backend *be, void *at, int64_t n, bool act,
                         simlm_error *err)
{
    float *x = sl_alloc((size_t)n, sizeof *x);

    if (!x)
        return sl_fail_nomem(err, "a matrix");
    for (int64_t i = 0; i < n; i++)
        x[i] = (float)(i * 2654435761 % 65521) / 32760 - 1;
    if (act)
        be->upload_act(be, at, x, n);
    else
        be->upload_real(be, at, x, n);
    sl_free(x);
    return SIMLM_OK;
}

static simlm_status take(void *out, struct product *p, int64_t n, bool act,
                         simlm_error *err)
{
    struct sl_backend *be = p->be;
    size_t element = act ? be->act_bytes : be->real_bytes, bytes;
    void *at = NULL;

    if (!sl_mul_size(&bytes, (size_t)n, element))
        return sl_fail_nomem(err, "a matrix");
    SL_TRY(be->alloc(be, &at, bytes, "a matrix", err));
    *(void **)out = at;
    return fill(be, at, n, act, err);
}

static void release(struct product *p)
{
    p->be->free(p->be, p->x);
    p->be->free(p->be, p->y);
    p->be->free(p->be, p->W);
    p->be->free(p->be, p->b);
    p->be->free(p->be, p->dW);
}

static simlm_status measure(struct sl_bench *b, struct product *p,
                            const char *name, simlm_error *err)
{
    double N = (double)p->N, I = (double)p->I, O = (double)p->O;

    for (size_t i = 0; i < SL_LEN(directions); i++) {
        char line[128];
        struct sl_work w = {.part = "gemm",
                            .name = line,
                            .flops = 2 * N * I * O,
                            .limit = SL_LIMIT_ARITHMETIC};

        snprintf(line, sizeof line, "%s, %lld rows, %s", name, (long long)p->N,
                 directions[i].name);
        SL_TRY(
            p->be->weights(p->be, p->W, p->O * p->I, directions[i].fixed, err));
        SL_TRY(sl_bench_measure(b, &w, directions[i].run, p, err));
    }
    return SIMLM_OK;
}

static simlm_status run(struct sl_bench *b, const char *name, int64_t N,
                        int64_t I, int64_t O, simlm_error *err)
{
    struct product p = {.be = b->be, .N = N, .I = I, .O = O};
    simlm_status st;

    st = take(&p.x, &p, N * I, true, err);
    if (st == SIMLM_OK)
        st = take(&p.y, &p, N * O, true, err);
    if (st == SIMLM_OK)
        st = take(&p.W, &p, O * I, false, err);
    if (st == SIMLM_OK)
        st = take(&p.b, &p, O, false, err);
    if (st == SIMLM_OK)
        st = take(&p.dW, &p, O * I, false, err);
    if (st == SIMLM_OK)
        st = measure(b, &p, name, err);
    release(&p);
    return st;
}

simlm_status sl_bench_gemm(struct sl_bench *b, simlm_error *err)
{
    int64_t heights[] = {8, 128, 1024, b->o->tokens};
    struct sl_config c;

    SL_TRY(sl_bench_config(&c, b, SIMLM_SHAPE_BASE, err));
    const struct {
        const char *name;
        int64_t I, O;
    } products[] = {{"D x 3D", c.hidden, 3 * c.hidden},
                    {"D x D", c.hidden, c.hidden},
                    {"D x F", c.hidden, c.ffn},
                    {"F x D", c.ffn, c.hidden},
                    {"D x V", c.hidden, c.vocab}};

    for (size_t h = 0; h < SL_LEN(heights); h++)
        for (size_t i = 0; i < SL_LEN(products); i++) {
            bool repeated =
                h + 1 < SL_LEN(heights) && heights[h] >= b->o->tokens;

            if (!repeated)
                SL_TRY(run(b, products[i].name, heights[h], products[i].I,
                           products[i].O, err));
        }
    return SIMLM_OK;
}
