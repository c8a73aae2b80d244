#include "backend/cpu/onednn/onednn.h"

#include <oneapi/dnnl/dnnl.h>
#include <signal.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/parallel.h"

/* More than any sane run needs; each holds some ten kB of machine code. */
enum { MAX_CODES = 4096, SLOTS = 2 * MAX_CODES };

struct sl_tile_code {
    struct sl_tile tile;
    dnnl_primitive_t primitive;
    dnnl_memory_desc_t a, b, c, bias, work;
};

struct sl_onednn {
    dnnl_engine_t engine;
    dnnl_stream_t stream; /* on a CPU it has no state; threads share it */
    struct sl_tile_code *slot[SLOTS];
    int64_t n_codes;
    bool avx512, bf16;
    sigset_t handlers; /* what waits while generated code runs */
    struct room {
        void *p;
        size_t bytes;
    } scratch, rounded;
};

/* ---- life ---------------------------------------------------------------- */

/* The values of the enumeration are sets of features. */
static bool has(unsigned features)
{
    return ((unsigned)dnnl_get_effective_cpu_isa() & features) == features;
}

/* All signals but the faults of the code itself. */
static void fill_handlers(sigset_t *set)
{
    sigfillset(set);
    sigdelset(set, SIGSEGV);
    sigdelset(set, SIGBUS);
    sigdelset(set, SIGFPE);
    sigdelset(set, SIGILL);
    sigdelset(set, SIGTRAP);
    sigdelset(set, SIGABRT);
}

simlm_status sl_onednn_open(struct sl_onednn **out, bool avx2_only,
                            simlm_error *err)
{
    struct sl_onednn *dnn = SL_NEW(struct sl_onednn);

    if (!dnn)
        return sl_fail_nomem(err, "oneDNN's state");
    if (avx2_only) /* fails if oneDNN was used before: then it stays as it is */
        (void)dnnl_set_max_cpu_isa(dnnl_cpu_isa_avx2);
    if (dnnl_engine_create(&dnn->engine, dnnl_cpu, 0) != dnnl_success ||
        dnnl_stream_create(&dnn->stream, dnn->engine,
                           dnnl_stream_default_flags) != dnnl_success) {
        sl_onednn_close(dnn);
        return sl_fail(err, SIMLM_E_BACKEND, "oneDNN has no CPU engine");
    }
    dnn->avx512 = has(dnnl_cpu_isa_avx512_core);
    dnn->bf16 = has(dnnl_cpu_isa_avx512_core_bf16);
    fill_handlers(&dnn->handlers);
    *out = dnn;
    return SIMLM_OK;
}

static void drop_codes(struct sl_onednn *dnn)
{
    for (int i = 0; i < SLOTS && dnn->n_codes; i++) {
        if (!dnn->slot[i])
            continue;
        dnnl_primitive_destroy(dnn->slot[i]->primitive);
        sl_free(dnn->slot[i]);
        dnn->slot[i] = NULL;
        dnn->n_codes--;
    }
}

void sl_onednn_close(struct sl_onednn *dnn)
{
    if (!dnn)
        return;
    drop_codes(dnn);
    if (dnn->stream)
        dnnl_stream_destroy(dnn->stream);
    if (dnn->engine)
        dnnl_engine_destroy(dnn->engine);
    sl_free(dnn->scratch.p);
    sl_free(dnn->rounded.p);
    sl_free(dnn);
}

/* ---- habits -------------------------------------------------------------- */

static struct sl_onednn *onednn(struct sl_backend *be)
{
    return ((struct sl_cpu *)be->impl)->dnn;
}

static bool is_avx512(struct sl_backend *be)
{
    return onednn(be)->avx512;
}

bool sl_onednn_has_bf16(const struct sl_onednn *dnn)
{
    return dnn->bf16;
}

int64_t sl_onednn_longest(struct sl_backend *be, int64_t dense)
{
    if (!is_avx512(be))
        return 256;
    return dense ? dense : 384;
}

int64_t sl_onednn_highest(struct sl_backend *be)
{
    return is_avx512(be) ? 256 : 96;
}

/*
 * Multiples of 16, so that there are few; for a short query, whose padding would
 * take longer than reading the weights, of 8.  The AVX2 code works on six rows at
 * a time; if two are left it sums those in another order, if four it does not.
 */
int64_t sl_onednn_height(struct sl_backend *be, int64_t rows)
{
    int64_t height = (rows + 15) / 16 * 16;

    if (is_avx512(be) && rows && rows <= 8)
        return 8;

    return !is_avx512(be) && height % 6 == 2 ? height + 16 : height;
}

/* ---- memory -------------------------------------------------------------- */

static void *make_room(struct sl_backend *be, struct room *r, size_t bytes)
{
    if (bytes > r->bytes || !r->p) {
        sl_free(r->p);
        r->p = sl_alloc(bytes ? bytes : 1, 1);
        r->bytes = r->p ? bytes : 0;
    }
    if (!r->p)
        sl_cpu_failed(be, SIMLM_E_NOMEM);
    return r->p;
}

void *sl_onednn_scratch(struct sl_backend *be, size_t bytes)
{
    return make_room(be, &onednn(be)->scratch, bytes);
}

const sl_bf16 *sl_onednn_rounded(struct sl_backend *be, const sl_real *W,
                                 int64_t n)
{
    struct sl_cpu *cpu = be->impl;
    sl_bf16 *kept = sl_cpu_rounded(be, W), *made;

    if (kept)
        return kept;
    made = make_room(be, &cpu->dnn->rounded, (size_t)n * sizeof *made);
    if (made)
        sl_wide_round(&cpu->kernels, made, (const float *)W, n);
    return made;
}

/* ---- tiles --------------------------------------------------------------- */

static dnnl_data_type_t type(int64_t half)
{
    return half ? dnnl_bf16 : dnnl_f32;
}

static bool matrix(dnnl_memory_desc_t *md, int64_t rows, int64_t columns,
                   int64_t ld, bool transposed, int64_t half)
{
    dnnl_dims_t dims = {rows, columns};
    dnnl_dims_t strides = {transposed ? 1 : ld, transposed ? ld : 1};

    return dnnl_memory_desc_init_by_strides(md, 2, dims, type(half), strides) ==
           dnnl_success;
}

static bool attributes(dnnl_primitive_attr_t *attr, bool add)
{
    dnnl_post_ops_t after = NULL;
    bool ok;

    *attr = NULL;
    ok = dnnl_primitive_attr_create(attr) == dnnl_success &&
         dnnl_primitive_attr_set_scratchpad_mode(
             *attr, dnnl_scratchpad_mode_user) == dnnl_success;
    if (ok && add) {
        ok = dnnl_post_ops_create(&after) == dnnl_success &&
             dnnl_post_ops_append_sum(after, 1) == dnnl_success &&
             dnnl_primitive_attr_set_post_ops(*attr, after) == dnnl_success;
        dnnl_post_ops_destroy(after);
    }
    return ok;
}

/* The product that a tile is, with code->b as it is. */
static bool describe(struct sl_onednn *dnn, dnnl_primitive_desc_t *pd,
                     struct sl_tile_code *code)
{
    const struct sl_tile *t = &code->tile;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_matmul_desc_t product;
    bool ok;

    *pd = NULL;
    ok = matrix(&code->a, t->m, t->k, t->lda, t->a_transposed, t->half) &&
         matrix(&code->c, t->m, t->n, t->ldc, false, t->half_c) &&
         matrix(&code->bias, 1, t->n, t->n, false, 0) &&
         dnnl_matmul_desc_init(&product, &code->a, &code->b,
                               t->bias ? &code->bias : NULL,
                               &code->c) == dnnl_success &&
         attributes(&attr, t->add) &&
         dnnl_primitive_desc_create(pd, &product, attr, dnn->engine, NULL) ==
             dnnl_success;
    if (attr)
        dnnl_primitive_attr_destroy(attr);
    return ok;
}

/*
 * b <- the layout that oneDNN chooses for b of size [k, n].  It would depend on
 * the tile's other sides, too, so they are always the same here.
 */
enum { MODEL_ROWS = 64 };
static bool choose_layout(struct sl_onednn *dnn, dnnl_memory_desc_t *b,
                          const struct sl_tile *t)
{
    struct sl_tile_code model = {.tile = {.m = MODEL_ROWS,
                                          .n = t->n,
                                          .k = t->k,
                                          .lda = t->k,
                                          .ldc = t->n,
                                          .half = t->half,
                                          .half_c = t->half}};
    dnnl_dims_t dims = {t->k, t->n};
    dnnl_primitive_desc_t pd;

    if (dnnl_memory_desc_init_by_tag(&model.b, 2, dims, type(t->half),
                                     dnnl_format_tag_any) != dnnl_success ||
        !describe(dnn, &pd, &model))
        return false;
    *b = *dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0);
    dnnl_primitive_desc_destroy(pd);
    return true;
}

static bool generate(struct sl_onednn *dnn, struct sl_tile_code *code)
{
    const struct sl_tile *t = &code->tile;
    dnnl_primitive_desc_t pd = NULL;
    bool ok;

    ok = t->packed
             ? choose_layout(dnn, &code->b, t)
             : matrix(&code->b, t->k, t->n, t->ldb, t->b_transposed, t->half);
    ok = ok && describe(dnn, &pd, code);
    if (ok) {
        code->work =
            *dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0);
        ok = dnnl_primitive_create(&code->primitive, pd) == dnnl_success;
    }
    if (pd)
        dnnl_primitive_desc_destroy(pd);
    return ok;
}

struct generation {
    struct sl_onednn *dnn;
    struct sl_tile_code *code;
    bool ok;
};

/* In a loop, because there oneDNN makes code for one thread. */
static void generate_alone(void *ctx, int64_t begin, int64_t end)
{
    struct generation *g = ctx;

    (void)begin;
    (void)end;
    g->ok = generate(g->dnn, g->code);
}

static struct sl_tile_code *add_code(struct sl_backend *be,
                                     struct sl_onednn *dnn,
                                     const struct sl_tile *tile)
{
    struct sl_tile_code *code = SL_NEW(struct sl_tile_code);
    struct generation g = {.dnn = dnn, .code = code};

    if (!code) {
        sl_cpu_failed(be, SIMLM_E_NOMEM);
        return NULL;
    }
    code->tile = *tile;
    sl_parallel_for(1, 1, generate_alone, &g);
    if (!g.ok) {
        sl_free(code);
        sl_cpu_failed(be, SIMLM_E_BACKEND);
        return NULL;
    }
    dnn->n_codes++;
    return code;
}

const struct sl_tile_code *sl_tile_find(struct sl_backend *be,
                                        const struct sl_tile *tile)
{
    struct sl_onednn *dnn = onednn(be);
    uint64_t at = sl_hash64(tile, sizeof *tile, 0) % SLOTS;

    for (; dnn->slot[at]; at = (at + 1) % SLOTS)
        if (memcmp(&dnn->slot[at]->tile, tile, sizeof *tile) == 0)
            return dnn->slot[at];
    dnn->slot[at] = add_code(be, dnn, tile);
    return dnn->slot[at];
}

void sl_tile_forget(struct sl_backend *be)
{
    struct sl_onednn *dnn = onednn(be);

    if (dnn->n_codes > MAX_CODES - 64) /* an op looks up at most a dozen */
        drop_codes(dnn);
}

size_t sl_tile_work_bytes(const struct sl_tile_code *code)
{
    return dnnl_memory_desc_get_size(&code->work);
}

/*
 * Some of oneDNN's generated code uses the stack pointer as a pointer into work
 * space on the heap (its issue 4845, mended in 2026).  The frame of a signal
 * handler would destroy what lies below, so handlers wait: half a microsecond
 * a tile.
 */
static bool execute(struct sl_onednn *dnn, dnnl_primitive_t primitive, int n,
                    const dnnl_exec_arg_t *arg)
{
    sigset_t before;
    bool ok;

    pthread_sigmask(SIG_BLOCK, &dnn->handlers, &before);
    ok = dnnl_primitive_execute(primitive, dnn->stream, n, arg) == dnnl_success;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return ok;
}

struct use {
    int id;
    const dnnl_memory_desc_t *md;
    const void *p;
};

/* Run a primitive over n arguments. */
static bool run(struct sl_onednn *dnn, dnnl_primitive_t primitive,
                const struct use *use, int n_args)
{
    dnnl_exec_arg_t arg[5];
    bool ok = true;
    int n = 0;

    for (; n < n_args && ok; n += ok) {
        union {
            const void *in;
            void *out;
        } p = {use[n].p}; /* inputs are not written to */

        arg[n].arg = use[n].id;
        ok = dnnl_memory_create(&arg[n].memory, use[n].md, dnn->engine,
                                p.out) == dnnl_success;
    }
    ok = ok && execute(dnn, primitive, n, arg);
    while (n > 0)
        dnnl_memory_destroy(arg[--n].memory);
    return ok;
}

bool sl_tile_run(struct sl_onednn *dnn, const struct sl_tile_code *code,
                 void *c, const void *a, const void *b, const float *bias,
                 void *work)
{
    const struct use use[] = {
        {DNNL_ARG_SRC, &code->a, a},
        {DNNL_ARG_WEIGHTS, &code->b, b},
        {DNNL_ARG_DST, &code->c, c},
        {DNNL_ARG_SCRATCHPAD, &code->work, work},
        {DNNL_ARG_BIAS, &code->bias, bias},
    };

    return run(dnn, code->primitive, use, code->tile.bias ? 5 : 4);
}

/* ---- packing ------------------------------------------------------------- */

size_t sl_tile_packed_bytes(const struct sl_tile_code *code)
{
    return dnnl_memory_desc_get_size(&code->b);
}

bool sl_tile_pack(struct sl_onednn *dnn, const struct sl_tile_code *code,
                  void *to, const float *w, int64_t ld)
{
    dnnl_primitive_desc_t pd = NULL;
    dnnl_primitive_t reorder = NULL;
    dnnl_memory_desc_t plain;
    const struct use use[] = {{DNNL_ARG_FROM, &plain, w},
                              {DNNL_ARG_TO, &code->b, to}};
    bool ok;

    ok =
        matrix(&plain, code->tile.k, code->tile.n, ld, true, 0) &&
        dnnl_reorder_primitive_desc_create(&pd, &plain, dnn->engine, &code->b,
                                           dnn->engine, NULL) == dnnl_success &&
        dnnl_primitive_create(&reorder, pd) == dnnl_success &&
        run(dnn, reorder, use, 2);
    if (reorder)
        dnnl_primitive_destroy(reorder);
    if (pd)
        dnnl_primitive_desc_destroy(pd);
    return ok;
}
