/*
 * backend/cpu/onednn/onednn_products.c - whole products, cut into tiles.
 *
 * M is a number of tokens and differs in every call; N and K belong to the
 * model.  To keep the set of tile sizes small,
 *
 *   rows     [M, K] w -> [M, N]: M is cut into blocks of 256 rows (96 with AVX2)
 *            and a tail, which is copied and padded with zero rows to a
 *            multiple of 16; N is cut into columns of about 256.
 *   weights  [M, O]^T [M, I] -> [O, I]: O and I are cut into tiles, and a tile
 *            sums over M in chunks of 256, then the tail, padded likewise with
 *            rows that add zero.
 *
 *        N                               M, O and I of a tile of dw
 *      +------+------+---+               +----+   +------+
 *      | tile | tile |   | 256 rows      |    | x |      | 256 rows
 *      +------+------+---+               +----+   +------+
 *      | tile | tile |   | tail, padded  |    | x |      | tail, padded
 *      +------+------+---+               +----+   +------+
 *
 * A sum over K is made in chunks of sl_onednn_longest() terms, the same for
 * every tile: within a chunk oneDNN adds product after product, but how it would
 * cut a longer sum depends on the tile's height.
 *
 * 256 x 256 tiles come within a tenth of whole products on BERT's shapes; small
 * products use smaller ones, to occupy more threads.
 */
#include <string.h>

#include "backend/cpu/onednn/onednn.h"
#include "base/parallel.h"

enum {
    SIDE = 256,    /* of a tile */
    MIN_SIDE = 64, /* below, the cost of a call shows */
    MIN_TILES = 8, /* smaller tiles rather than fewer */
    PAD = 16       /* sides are multiples of this */
};

static int64_t round_up(int64_t n, int64_t to)
{
    return (n + to - 1) / to * to;
}

static int64_t parts(int64_t n, int64_t size)
{
    return (n + size - 1) / size;
}

/* n cut into equal pieces of at most SIDE, multiples of PAD; the last may be
 * shorter. */
static int64_t piece(int64_t n)
{
    return round_up(parts(n, parts(n, SIDE)), PAD);
}

/* Halve *m, then *n, until there are enough tiles or they are small. */
static void shrink(int64_t *m, int64_t *n, int64_t M, int64_t N)
{
    while (parts(M, *m) * parts(N, *n) < MIN_TILES) {
        if (*m > MIN_SIDE && M > MIN_SIDE)
            *m = round_up(*m / 2, PAD);
        else if (*n > MIN_SIDE && N > MIN_SIDE)
            *n = round_up(*n / 2, PAD);
        else
            return;
    }
}

/* The length of piece number i of n cut at multiples of size: the first
 * pieces (last = 0) or the one that is left (last = 1).  0: there is none. */
static int64_t length(int64_t n, int64_t size, int last)
{
    return last ? n % size : n < size ? 0 : size;
}

/* A copy of the rows of x [M, K] from `first` on, padded with zeros. */
static void copy_tail(float *to, const float *x, int64_t first, int64_t M,
                      int64_t K, int64_t rows)
{
    size_t used = (size_t)((M - first) * K);

    memcpy(to, x + first * K, used * sizeof *to);
    memset(to + used, 0, ((size_t)(rows * K) - used) * sizeof *to);
}

/* ---- rows ---- */

enum { FIRST, NEXT, LAST }; /* chunks of the sum over K */

struct rows_job {
    struct sl_backend *be;
    const struct sl_rows_product *p;
    int64_t m, n;   /* a tile's size */
    int64_t blocks; /* row blocks, the tail among them */
    int64_t chunk;  /* of the sum over K */
    int64_t tail;   /* rows of the tail's tiles, padding included; 0: none */
    bool padded;    /* the tail is copied */
    /* [kind of chunk][in the tail][last column] */
    const struct sl_tile_code *code[3][2][2];
    const float *x_tail; /* [tail, K] */
    char *work;          /* for each worker: a tile of y, then work space */
    size_t tile_bytes, work_bytes;
};

static void gelu_tile(const struct rows_job *j, int64_t row, int64_t rows,
                      int64_t column, int64_t width)
{
    const struct sl_cpu *cpu = j->be->impl;
    const struct sl_rows_product *p = j->p;

    for (int64_t i = row; i < row + rows; i++)
        cpu->kernels.gelu_fwd(p->gelu + i * p->ldy + column,
                              p->y + i * p->ldy + column, width);
}

/* Copy between rows [row, M) of y's columns and a tile of that width. */
static void tile_rows(const struct sl_rows_product *p, float *tile, int64_t row,
                      int64_t column, int64_t width, bool store)
{
    for (int64_t i = row; i < p->M; i++) {
        float *y = p->y + i * p->ldy + column, *t = tile + (i - row) * width;

        memcpy(store ? y : t, store ? t : y, (size_t)width * sizeof *y);
    }
}

/* One tile: the sum over K, chunk by chunk. */
static void sum_tile(const struct rows_job *j, float *y, const float *x,
                     int64_t column, bool in_tail, bool last_column, void *work)
{
    const struct sl_rows_product *p = j->p;
    struct sl_onednn *dnn = ((struct sl_cpu *)j->be->impl)->dnn;
    const float *w = p->w + column * (p->w_transposed ? p->K : 1);
    const float *bias = p->bias ? p->bias + column : NULL;

    for (int64_t k = 0; k < p->K; k += j->chunk) {
        int kind = k == 0 ? FIRST : p->K - k < j->chunk ? LAST : NEXT;

        if (!sl_tile_run(dnn, j->code[kind][in_tail][last_column], y, x + k,
                         w + k * (p->w_transposed ? 1 : p->N), bias, work))
            sl_cpu_failed(j->be, SIMLM_E_BACKEND);
    }
}

/* Row blocks of one column follow each other: the tile of w stays in cache. */
static void rows_tile(const struct rows_job *j, int64_t t, char *mine)
{
    const struct sl_rows_product *p = j->p;
    int64_t row = t % j->blocks * j->m, column = t / j->blocks * j->n;
    int64_t width = p->N - column < j->n ? p->N - column : j->n;
    int64_t rows = p->M - row < j->m ? p->M - row : j->m;
    bool in_tail = rows < j->m, through = in_tail && j->padded;
    float *tile = (float *)mine;

    if (through && p->add)
        tile_rows(p, tile, row, column, width, false);
    sum_tile(j, through ? tile : p->y + row * p->ldy + column,
             through ? j->x_tail : p->x + row * p->K, column, in_tail,
             width < j->n, mine + j->tile_bytes);
    if (through)
        tile_rows(p, tile, row, column, width, true);
    if (p->gelu)
        gelu_tile(j, row, rows, column, width);
}

static void rows_tiles(void *ctx, int64_t begin, int64_t end)
{
    const struct rows_job *j = ctx;
    char *mine = j->work + (size_t)sl_parallel_worker() * j->work_bytes;

    for (int64_t t = begin; t < end; t++)
        rows_tile(j, t, mine);
}

/* A kind of tile; one of its sizes is 0 if the product has none of that kind. */
static struct sl_tile rows_kind(const struct rows_job *j, int chunk, int tail,
                                int last_column)
{
    const struct sl_rows_product *p = j->p;
    int64_t after_first = p->K > j->chunk ? p->K - j->chunk : 0;
    struct sl_tile t = {.m = tail ? j->tail : length(p->M, j->m, 0),
                        .n = length(p->N, j->n, last_column),
                        .k = length(after_first, j->chunk, chunk == LAST),
                        .lda = p->K,
                        .ldb = p->w_transposed ? p->K : p->N,
                        .ldc = p->ldy,
                        .b_transposed = p->w_transposed,
                        .add = p->add || chunk != FIRST,
                        .bias = p->bias && chunk == FIRST};

    if (chunk == FIRST)
        t.k = p->K < j->chunk ? p->K : j->chunk;
    if (tail && j->padded)
        t.ldc = t.n;
    return t;
}

static bool find_rows_codes(struct rows_job *j)
{
    size_t work = 0;

    for (int kind = 0; kind < 12; kind++) {
        int chunk = kind / 4, tail = kind / 2 % 2, last_column = kind % 2;
        struct sl_tile tile = rows_kind(j, chunk, tail, last_column);
        const struct sl_tile_code *code;

        if (tile.m == 0 || tile.n == 0 || tile.k == 0)
            continue;
        code = sl_tile_find(j->be, &tile);
        if (!code)
            return false;
        if (sl_tile_work_bytes(code) > work)
            work = sl_tile_work_bytes(code);
        j->code[chunk][tail][last_column] = code;
    }
    j->tile_bytes = 0;
    if (j->padded)
        j->tile_bytes = sl_cpu_round((size_t)(j->tail * j->n) * sizeof(float));
    j->work_bytes = j->tile_bytes + sl_cpu_round(work);
    return true;
}

void sl_rows_product(struct sl_backend *be, const struct sl_rows_product *p)
{
    struct rows_job j = {.be = be,
                         .p = p,
                         .m = sl_onednn_highest(be),
                         .chunk = sl_onednn_longest(be)};
    size_t tail_bytes;
    float *x_tail;
    void *at;

    if (p->M == 0 || p->N == 0)
        return;
    sl_tile_forget(be);
    j.n = piece(p->N);
    shrink(&j.m, &j.n, p->M, p->N);
    j.blocks = parts(p->M, j.m);
    j.tail = sl_onednn_height(be, p->M % j.m);
    j.padded = j.tail != p->M % j.m;
    if (!find_rows_codes(&j))
        return;
    tail_bytes = j.padded ? (size_t)(j.tail * p->K) * sizeof(float) : 0;
    at =
        sl_onednn_scratch(be, sl_cpu_round(tail_bytes) +
                                  (size_t)sl_parallel_threads() * j.work_bytes);
    if (!at)
        return;
    x_tail = sl_cpu_cut(&at, tail_bytes);
    if (j.padded)
        copy_tail(x_tail, p->x, p->M - p->M % j.m, p->M, p->K, j.tail);
    j.x_tail = x_tail;
    j.work = at;
    sl_parallel_for(j.blocks * parts(p->N, j.n), 1, rows_tiles, &j);
}

/* ---- weights ---- */

struct weight_job {
    struct sl_backend *be;
    float *dw;
    const float *dy, *x, *dy_tail, *x_tail;
    int64_t whole, I, O; /* rows of whole chunks; the sides of dw */
    int64_t m, n;        /* a tile is m rows and n columns of dw */
    int64_t tail;        /* rows of the tail, padding included; 0: none */
    const struct sl_tile_code
        *code[2][2][2]; /* [tail][last row][last column] */
    char *work;
    size_t work_bytes;
};

/* Chunks are added to a tile in order. */
static void weight_tile(const struct weight_job *j, int64_t t, void *work)
{
    struct sl_onednn *dnn = ((struct sl_cpu *)j->be->impl)->dnn;
    int64_t columns = parts(j->I, j->n);
    int64_t o = t / columns * j->m, i = t % columns * j->n;
    bool last_o = j->O - o < j->m, last_i = j->I - i < j->n, ok = true;
    float *dw = j->dw + o * j->I + i;

    for (int64_t r = 0; r < j->whole && ok; r += SIDE)
        ok = sl_tile_run(dnn, j->code[0][last_o][last_i], dw,
                         j->dy + r * j->O + o, j->x + r * j->I + i, NULL, work);
    if (j->tail && ok)
        ok = sl_tile_run(dnn, j->code[1][last_o][last_i], dw, j->dy_tail + o,
                         j->x_tail + i, NULL, work);
    if (!ok)
        sl_cpu_failed(j->be, SIMLM_E_BACKEND);
}

static void weight_tiles(void *ctx, int64_t begin, int64_t end)
{
    const struct weight_job *j = ctx;
    char *mine = j->work + (size_t)sl_parallel_worker() * j->work_bytes;

    for (int64_t t = begin; t < end; t++)
        weight_tile(j, t, mine);
}

static bool find_weight_codes(struct weight_job *j)
{
    for (int kind = 0; kind < 8; kind++) {
        int tail = kind / 4, last_o = kind / 2 % 2, last_i = kind % 2;
        struct sl_tile tile = {.m = length(j->O, j->m, last_o),
                               .n = length(j->I, j->n, last_i),
                               .k = tail       ? j->tail
                                    : j->whole ? SIDE
                                               : 0,
                               .lda = j->O,
                               .ldb = j->I,
                               .ldc = j->I,
                               .a_transposed = 1,
                               .add = 1};
        const struct sl_tile_code *code;

        if (tile.m == 0 || tile.n == 0 || tile.k == 0)
            continue;
        code = sl_tile_find(j->be, &tile);
        if (!code)
            return false;
        if (sl_cpu_round(sl_tile_work_bytes(code)) > j->work_bytes)
            j->work_bytes = sl_cpu_round(sl_tile_work_bytes(code));
        j->code[tail][last_o][last_i] = code;
    }
    return true;
}

void sl_weight_product(struct sl_backend *be, float *dw, const float *dy,
                       const float *x, int64_t M, int64_t I, int64_t O)
{
    struct weight_job j = {.be = be,
                           .dw = dw,
                           .dy = dy,
                           .x = x,
                           .whole = M / SIDE * SIDE,
                           .I = I,
                           .O = O,
                           .m = piece(O),
                           .n = piece(I),
                           .tail = round_up(M % SIDE, PAD)};
    size_t dy_bytes = (size_t)(j.tail * O) * sizeof(float);
    size_t x_bytes = (size_t)(j.tail * I) * sizeof(float);
    float *dy_tail, *x_tail;
    void *at;

    sl_tile_forget(be);
    shrink(&j.m, &j.n, O, I);
    if (!find_weight_codes(&j))
        return;
    at =
        sl_onednn_scratch(be, sl_cpu_round(dy_bytes) + sl_cpu_round(x_bytes) +
                                  (size_t)sl_parallel_threads() * j.work_bytes);
    if (!at)
        return;
    dy_tail = sl_cpu_cut(&at, dy_bytes);
    x_tail = sl_cpu_cut(&at, x_bytes);
    if (j.tail) {
        copy_tail(dy_tail, dy, j.whole, M, O, j.tail);
        copy_tail(x_tail, x, j.whole, M, I, j.tail);
    }
    j.dy_tail = dy_tail;
    j.x_tail = x_tail;
    j.work = at;
    sl_parallel_for(parts(O, j.m) * parts(I, j.n), 1, weight_tiles, &j);
}
