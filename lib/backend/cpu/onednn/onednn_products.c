/*
 * backend/cpu/onednn/onednn_products.c - whole products, cut into tiles.
 *
 * M is a number of tokens and differs in every call; N and K belong to the
 * model.  To keep the set of tile sizes small,
 *
 *   rows     [M, K] w -> [M, N]: M is cut into blocks of 256 rows (96 with AVX2)
 *            and a tail, which is copied and padded with zero rows to a
 *            multiple of 16 (8 if few).  A tile is as wide as y.
 *   packed   the same, and w is in pieces of 128 columns, a tile each: for few
 *            rows.  For many, w is taken as one piece, if oneDNN's layout is such.
 *   cut      the same, and N is cut into columns of about 256: where there may
 *            be few rows and many columns.
 *   weights  [M, O]^T [M, I] -> [O, I]: O and I are cut into tiles, and a tile
 *            sums over M in chunks, then the tail, padded likewise with rows
 *            that add zero.
 *
 *        N                               M, O and I of a tile of dw
 *      +---------------+                 +----+   +------+
 *      | tile          | 256 rows        |    | x |      | a chunk
 *      +---------------+                 +----+   +------+
 *      | tile          | tail, padded    |    | x |      | tail, padded
 *      +---------------+                 +----+   +------+
 *
 * oneDNN's fast code (brgemm) wants all three matrices dense, no gaps between
 * rows.  Whole rows of x and y are, and so is w; a packed piece's tile is made
 * in a buffer and copied from there.  Its results do not depend on a tile's
 * height or width.  Where y is cut oneDNN falls back on slower code (10 to 20%),
 * whose sums depend on the tile's height if they are long: those are made in
 * chunks of sl_onednn_longest() terms, the same for every tile.  So are all sums
 * with AVX2, which has no other code.
 */
#include <string.h>

#include "backend/cpu/onednn/onednn.h"
#include "base/alloc.h"
#include "base/parallel.h"

enum {
    SIDE = 256,    /* of a tile */
    PACKED = 128,  /* columns of a packed piece */
    CHUNK = 512,   /* rows that a tile of dw sums at a time */
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

/* n cut into equal pieces of at most `side`, multiples of PAD; the last may be
 * shorter. */
static int64_t piece(int64_t n, int64_t side)
{
    return round_up(parts(n, parts(n, side)), PAD);
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

/* The same with n as it is. */
static void shrink_rows(int64_t *m, int64_t n, int64_t M, int64_t N)
{
    while (parts(M, *m) * parts(N, n) < MIN_TILES && *m > MIN_SIDE &&
           M > MIN_SIDE)
        *m = round_up(*m / 2, PAD);
}

/* The length of piece number i of n cut at multiples of size: the first
 * pieces (last = 0) or the one that is left (last = 1).  0: there is none. */
static int64_t length(int64_t n, int64_t size, int last)
{
    return last ? n % size : n < size ? 0 : size;
}

static size_t bytes_of(bool half)
{
    return half ? sizeof(sl_bf16) : sizeof(float);
}

/* Element n of an array of bf16 or floats. */
static const char *at(const void *p, int64_t n, bool half)
{
    return (const char *)p + n * (int64_t)bytes_of(half);
}

/* A copy of the rows of x [M, K] from `first` on, padded with zeros. */
static void copy_tail(char *to, const void *x, int64_t first, int64_t M,
                      int64_t K, int64_t rows, bool half)
{
    size_t used = (size_t)((M - first) * K) * bytes_of(half);

    memcpy(to, at(x, first * K, half), used);
    memset(to + used, 0, (size_t)(rows * K) * bytes_of(half) - used);
}

/* ---- rows ---------------------------------------------------------------- */

enum { FIRST, NEXT, LAST }; /* chunks of the sum over K */

struct rows_job {
    struct sl_backend *be;
    const struct sl_rows_product *p;
    int64_t m, n;   /* a tile's size */
    int64_t blocks; /* row blocks, the tail among them */
    int64_t chunk;  /* of the sum over K */
    int64_t tail;   /* rows of the tail's tiles, padding included; 0: none */
    bool padded;    /* the tail is copied */
    bool through;   /* tiles are made in a buffer */
    /* [kind of chunk][in the tail][last column] */
    const struct sl_tile_code *code[3][2][2];
    const char *x_tail; /* [tail, K] */
    /* For each worker: rows of y, a tile, work space. */
    char *work;
    size_t rows_bytes, tile_bytes, work_bytes;
};

/* Rows of a piece of y: where the first is, and how far apart they are. */
struct place {
    char *at;
    size_t step;
};

static struct place place_of(const struct sl_rows_product *p, const void *base,
                             int64_t row, int64_t column)
{
    return (struct place){
        (char *)(uintptr_t)at(base, row * p->ldy + column, p->half_y),
        (size_t)p->ldy * bytes_of(p->half_y)};
}

static void copy_rows(struct place to, struct place from, int64_t rows,
                      size_t bytes)
{
    for (int64_t i = 0; i < rows; i++)
        memcpy(to.at + (size_t)i * to.step, from.at + (size_t)i * from.step,
               bytes);
}

static void gelu_rows(const struct rows_job *j, int64_t row, int64_t rows,
                      int64_t column, int64_t width)
{
    const struct sl_cpu *cpu = j->be->impl;
    struct place y = place_of(j->p, j->p->y, row, column);
    struct place gelu = place_of(j->p, j->p->gelu, row, column);

    for (int64_t i = 0; i < rows; i++)
        cpu->kernels.gelu_fwd((sl_act *)(gelu.at + (size_t)i * gelu.step),
                              (const sl_act *)(y.at + (size_t)i * y.step),
                              width);
}

/* The part of w for a tile at `column` and the terms from k on. */
static const char *w_at(const struct rows_job *j, int64_t column, int64_t k)
{
    const struct sl_rows_product *p = j->p;

    if (p->packed)
        return p->packed->data +
               (size_t)(column / j->n * parts(p->K, j->chunk) + k / j->chunk) *
                   p->packed->piece_bytes;
    return at(p->w, p->w_transposed ? column * p->K + k : k * p->N + column,
              p->half);
}

/* One tile: the sum over K, chunk by chunk. */
static void sum_tile(const struct rows_job *j, char *y, const char *x,
                     int64_t column, bool in_tail, bool last_column, void *work)
{
    const struct sl_rows_product *p = j->p;
    struct sl_onednn *dnn = ((struct sl_cpu *)j->be->impl)->dnn;
    const float *bias = p->bias ? p->bias + column : NULL;

    for (int64_t k = 0; k < p->K; k += j->chunk) {
        int kind = k == 0 ? FIRST : p->K - k < j->chunk ? LAST : NEXT;

        if (!sl_tile_run(dnn, j->code[kind][in_tail][last_column], y,
                         at(x, k, p->half), w_at(j, column, k), bias, work))
            sl_cpu_failed(j->be, SIMLM_E_BACKEND);
    }
}

/* Is a tile made in a buffer?  Rows that are passed on have room for a tail's
 * padding, rows of y have not. */
static bool goes_through(const struct rows_job *j, bool in_tail)
{
    return j->through || (in_tail && j->padded && !j->p->after);
}

static void make_tile(const struct rows_job *j, struct place y, int64_t row,
                      int64_t rows, int64_t column, char *mine)
{
    const struct sl_rows_product *p = j->p;
    int64_t width = p->N - column < j->n ? p->N - column : j->n;
    bool in_tail = rows < j->m, through = goes_through(j, in_tail);
    size_t bytes = (size_t)width * bytes_of(p->half_y);
    struct place tile = {mine + j->rows_bytes, bytes};
    const char *x =
        in_tail && j->padded ? j->x_tail : at(p->x, row * p->K, p->half);

    if (through && p->add)
        copy_rows(tile, y, rows, bytes);
    sum_tile(j, through ? tile.at : y.at, x, column, in_tail, width < j->n,
             mine + j->rows_bytes + j->tile_bytes);
    if (through)
        copy_rows(y, tile, rows, bytes);
    if (p->gelu)
        gelu_rows(j, row, rows, column, width);
}

/* Row blocks of one column follow each other: the tile of w stays in cache. */
static void rows_tile(const struct rows_job *j, int64_t t, char *mine)
{
    const struct sl_rows_product *p = j->p;
    int64_t row = t % j->blocks * j->m, column = t / j->blocks * j->n;
    int64_t rows = p->M - row < j->m ? p->M - row : j->m;

    if (!p->after) {
        make_tile(j, place_of(p, p->y, row, column), row, rows, column, mine);
        return;
    }
    for (column = 0; column < p->N; column += j->n)
        make_tile(j, place_of(p, mine, 0, column), row, rows, column, mine);
    p->after(p->ctx, mine, row, rows);
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
                        .packed = p->packed != NULL,
                        .add = p->add || chunk != FIRST,
                        .bias = p->bias && chunk == FIRST,
                        .half = p->half,
                        .half_c = p->half_y};

    if (chunk == FIRST)
        t.k = p->K < j->chunk ? p->K : j->chunk;
    if (goes_through(j, tail))
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
    j->work_bytes = j->rows_bytes + j->tile_bytes + sl_cpu_round(work);
    return true;
}

static void choose_size(struct rows_job *j)
{
    const struct sl_rows_product *p = j->p;
    bool many = p->M >= MIN_TILES * MIN_SIDE;
    bool pieces = p->packed && !(many && p->packed->whole);

    /* Rows that are passed on are to be still in cache. */
    j->m = p->after ? MIN_SIDE : sl_onednn_highest(j->be);
    j->n = pieces ? p->packed->columns : p->cut ? piece(p->N, SIDE) : p->N;
    j->through = pieces;
    if (p->cut)
        shrink(&j->m, &j->n, p->M, p->N);
    else
        shrink_rows(&j->m, j->n, p->M, p->N);
}

/* How large the tiles are, how many, and what a worker keeps of y. */
static void cut_rows(struct rows_job *j)
{
    const struct sl_rows_product *p = j->p;
    size_t size = bytes_of(p->half_y);

    choose_size(j);
    j->chunk = sl_onednn_longest(j->be, p->cut ? 0 : p->K);
    j->blocks = parts(p->M, j->m);
    j->tail = sl_onednn_height(j->be, p->M % j->m);
    j->padded = j->tail != p->M % j->m;
    if (p->after)
        j->rows_bytes = sl_cpu_round((size_t)(j->m * p->N) * size);
    if (j->through)
        j->tile_bytes = sl_cpu_round((size_t)(j->m * j->n) * size);
    else if (goes_through(j, true))
        j->tile_bytes = sl_cpu_round((size_t)(j->tail * j->n) * size);
}

void sl_rows_product(struct sl_backend *be, const struct sl_rows_product *p)
{
    struct rows_job j = {.be = be, .p = p};
    size_t tail_bytes;
    char *x_tail;
    void *room;

    if (p->M == 0 || p->N == 0)
        return;
    sl_tile_forget(be);
    cut_rows(&j);
    if (!find_rows_codes(&j))
        return;
    tail_bytes = j.padded ? (size_t)(j.tail * p->K) * bytes_of(p->half) : 0;
    room =
        sl_onednn_scratch(be, sl_cpu_round(tail_bytes) +
                                  (size_t)sl_parallel_threads() * j.work_bytes);
    if (!room)
        return;
    x_tail = sl_cpu_cut(&room, tail_bytes);
    if (j.padded)
        copy_tail(x_tail, p->x, p->M - p->M % j.m, p->M, p->K, j.tail, p->half);
    j.x_tail = x_tail;
    j.work = room;
    sl_parallel_for(j.blocks * (p->after ? 1 : parts(p->N, j.n)), 1, rows_tiles,
                    &j);
}

/* ---- packed weights ------------------------------------------------------ */

struct packing {
    struct sl_backend *be;
    struct sl_packed *p;
    bool half;
    /* [last chunk][last column] */
    const struct sl_tile_code *code[2][2];
    _Atomic bool failed;
};

static void pack_pieces(void *ctx, int64_t begin, int64_t end)
{
    struct packing *c = ctx;
    const struct sl_packed *p = c->p;
    struct sl_onednn *dnn = ((struct sl_cpu *)c->be->impl)->dnn;
    int64_t chunks = parts(p->K, p->chunk);

    for (int64_t i = begin; i < end; i++) {
        int64_t column = i / chunks * p->columns, k = i % chunks * p->chunk;
        bool last_chunk = p->K - k < p->chunk;
        bool last_column = p->N - column < p->columns;

        if (!sl_tile_pack(dnn, c->code[last_chunk][last_column],
                          p->data + (size_t)i * p->piece_bytes,
                          p->w + column * p->K + k, p->K))
            c->failed = true;
    }
}

/* The code says how b is laid out; the other sides of its tile do not matter. */
static bool find_packing_codes(struct packing *c)
{
    const struct sl_packed *p = c->p;
    size_t piece_bytes = 0;

    for (int kind = 0; kind < 4; kind++) {
        struct sl_tile tile = {.m = PAD,
                               .n = length(p->N, p->columns, kind % 2),
                               .k = length(p->K, p->chunk, kind / 2),
                               .lda = p->K,
                               .ldc = p->N,
                               .packed = 1,
                               .half = c->half,
                               .half_c = c->half};
        const struct sl_tile_code *code;

        if (tile.n == 0 || tile.k == 0)
            continue;
        code = sl_tile_find(c->be, &tile);
        if (!code)
            return false;
        if (sl_tile_packed_bytes(code) > piece_bytes)
            piece_bytes = sl_tile_packed_bytes(code);
        c->code[kind / 2][kind % 2] = code;
    }
    c->p->piece_bytes = sl_cpu_round(piece_bytes);
    return true;
}

/* Are the pieces, one after the other, the matrix packed as one? */
static bool is_whole(const struct packing *c)
{
    const struct sl_packed *p = c->p;
    struct sl_packed one = {
        .w = p->w, .K = p->K, .N = p->N, .columns = p->N, .chunk = p->K};
    struct packing all = {.be = c->be, .p = &one, .half = c->half};
    size_t bytes = (size_t)parts(p->N, p->columns) * p->piece_bytes;
    bool same = false;

    if (p->chunk < p->K || p->N % p->columns || !find_packing_codes(&all) ||
        one.piece_bytes != bytes)
        return false;
    one.data = sl_alloc(bytes, 1);
    if (one.data) {
        pack_pieces(&all, 0, 1);
        same = !all.failed && memcmp(one.data, p->data, bytes) == 0;
    }
    sl_free(one.data);
    return same;
}

static bool pack(void *ctx, struct sl_packed *p)
{
    struct packing *c = ctx;
    int64_t pieces;

    c->p = p;
    p->columns = piece(p->N, PACKED);
    p->chunk = sl_onednn_longest(c->be, p->K);
    pieces = parts(p->N, p->columns) * parts(p->K, p->chunk);
    if (!find_packing_codes(c))
        return false;
    p->data = sl_alloc((size_t)pieces, p->piece_bytes);
    if (!p->data)
        sl_cpu_failed(c->be, SIMLM_E_NOMEM);
    else
        sl_parallel_for(pieces, 1, pack_pieces, c);
    if (c->failed)
        sl_cpu_failed(c->be, SIMLM_E_BACKEND);
    if (!p->data || c->failed)
        return false;
    p->whole = is_whole(c);
    return true;
}

const struct sl_packed *sl_onednn_packed(struct sl_backend *be, const float *W,
                                         int64_t N, int64_t K, bool half)
{
    struct sl_cpu *cpu = be->impl;
    struct packing c = {.be = be, .half = half};

    return sl_weights_packed(cpu->weights, W, K, N, pack, &c);
}

/* ---- weights ------------------------------------------------------------- */

struct weight_job {
    struct sl_backend *be;
    const struct sl_weight_product *p;
    const char *dy_tail, *x_tail;
    int64_t chunk, whole; /* rows of a chunk, of all whole chunks */
    int64_t m, n;         /* a tile is m rows and n columns of dw */
    int64_t tail;         /* rows of the tail, padding included; 0: none */
    const struct sl_tile_code
        *code[2][2][2]; /* [tail][last row][last column] */
    char *work;
    size_t work_bytes;
};

/* Chunks are added to a tile in order. */
static void weight_tile(const struct weight_job *j, int64_t t, void *work)
{
    const struct sl_weight_product *p = j->p;
    struct sl_onednn *dnn = ((struct sl_cpu *)j->be->impl)->dnn;
    int64_t columns = parts(p->I, j->n);
    int64_t o = t / columns * j->m, i = t % columns * j->n;
    bool last_o = p->O - o < j->m, last_i = p->I - i < j->n, ok = true;
    float *dw = p->dw + o * p->I + i;

    for (int64_t r = 0; r < j->whole && ok; r += j->chunk)
        ok = sl_tile_run(dnn, j->code[0][last_o][last_i], dw,
                         at(p->dy, r * p->O + o, p->half),
                         at(p->x, r * p->I + i, p->half), NULL, work);
    if (j->tail && ok)
        ok = sl_tile_run(dnn, j->code[1][last_o][last_i], dw,
                         at(j->dy_tail, o, p->half), at(j->x_tail, i, p->half),
                         NULL, work);
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
    const struct sl_weight_product *p = j->p;

    for (int kind = 0; kind < 8; kind++) {
        int tail = kind / 4, last_o = kind / 2 % 2, last_i = kind % 2;
        struct sl_tile tile = {.m = length(p->O, j->m, last_o),
                               .n = length(p->I, j->n, last_i),
                               .k = tail       ? j->tail
                                    : j->whole ? j->chunk
                                               : 0,
                               .lda = p->O,
                               .ldb = p->I,
                               .ldc = p->I,
                               .a_transposed = 1,
                               .add = 1,
                               .half = p->half};
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

void sl_weight_product(struct sl_backend *be, const struct sl_weight_product *p)
{
    struct weight_job j = {.be = be,
                           .p = p,
                           .chunk = CHUNK,
                           .whole = p->M / CHUNK * CHUNK,
                           .m = piece(p->O, SIDE),
                           .n = piece(p->I, SIDE),
                           .tail = round_up(p->M % CHUNK, PAD)};
    size_t dy_bytes = (size_t)(j.tail * p->O) * bytes_of(p->half);
    size_t x_bytes = (size_t)(j.tail * p->I) * bytes_of(p->half);
    char *dy_tail, *x_tail;
    void *room;

    sl_tile_forget(be);
    shrink(&j.m, &j.n, p->O, p->I);
    if (!find_weight_codes(&j))
        return;
    room =
        sl_onednn_scratch(be, sl_cpu_round(dy_bytes) + sl_cpu_round(x_bytes) +
                                  (size_t)sl_parallel_threads() * j.work_bytes);
    if (!room)
        return;
    dy_tail = sl_cpu_cut(&room, dy_bytes);
    x_tail = sl_cpu_cut(&room, x_bytes);
    if (j.tail) {
        copy_tail(dy_tail, p->dy, j.whole, p->M, p->O, j.tail, p->half);
        copy_tail(x_tail, p->x, j.whole, p->M, p->I, j.tail, p->half);
    }
    j.dy_tail = dy_tail;
    j.x_tail = x_tail;
    j.work = room;
    sl_parallel_for(parts(p->O, j.m) * parts(p->I, j.n), 1, weight_tiles, &j);
}
