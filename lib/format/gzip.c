#include "format/gzip.h"

#define ZLIB_CONST /* next_in is const */
#include <zlib.h>

#include "base/alloc.h"
#include "base/parallel.h"

enum { PIECE = 1 << 20, PIECES = 16, LEVEL = 6 };

struct member {
    unsigned char *bytes;
    size_t n, cap;
    bool ok;
};

struct batch {
    const struct sl_gzip *g;
    struct member member[PIECES];
};

static void compress_piece(struct member *m, const char *text, size_t n)
{
    z_stream z = {0};

    if (deflateInit2(&z, LEVEL, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        return;
    m->cap = deflateBound(&z, (uLong)n);
    m->bytes = sl_alloc(m->cap, 1);
    if (m->bytes) {
        z.next_in = (const Bytef *)text;
        z.avail_in = (uInt)n;
        z.next_out = m->bytes;
        z.avail_out = (uInt)m->cap;
        m->ok = deflate(&z, Z_FINISH) == Z_STREAM_END;
        m->n = m->cap - z.avail_out;
    }
    deflateEnd(&z);
}

static void compress_pieces(void *ctx, int64_t begin, int64_t end)
{
    struct batch *b = ctx;

    for (int64_t i = begin; i < end; i++) {
        size_t at = (size_t)i * PIECE, left = b->g->waiting.len - at;

        compress_piece(&b->member[i], b->g->waiting.s + at,
                       left < PIECE ? left : PIECE);
    }
}

static void flush(struct sl_gzip *g)
{
    struct batch b = {.g = g};
    int64_t n = (int64_t)((g->waiting.len + PIECE - 1) / PIECE);

    if (!n && !g->begun)
        n = 1; /* an empty text is a member, too */
    sl_parallel_for(n, 1, compress_pieces, &b);
    for (int64_t i = 0; i < n; i++) {
        if (!b.member[i].ok)
            g->failed = true;
        else if (!g->failed)
            fwrite(b.member[i].bytes, 1, b.member[i].n, g->f);
        sl_free(b.member[i].bytes);
    }
    g->begun = true;
    sl_str_clear(&g->waiting);
}

void sl_gzip_put(struct sl_gzip *g, const char *bytes, size_t n)
{
    while (n && !g->failed) {
        size_t room = (size_t)PIECE * PIECES - g->waiting.len;
        size_t take = n < room ? n : room;

        sl_str_add(&g->waiting, bytes, take);
        g->failed = !sl_str_ok(&g->waiting);
        bytes += take;
        n -= take;
        if (!g->failed && take == room)
            flush(g);
    }
}

simlm_status sl_gzip_end(struct sl_gzip *g, simlm_error *err)
{
    bool failed;

    sl_str_add(&g->waiting, "", 0); /* so that an empty text has a place */
    g->failed = g->failed || !sl_str_ok(&g->waiting);
    if (!g->failed && (g->waiting.len || !g->begun))
        flush(g);
    failed = g->failed;
    sl_gzip_abort(g);
    return failed ? sl_fail_nomem(err, "a compressed file") : SIMLM_OK;
}

void sl_gzip_abort(struct sl_gzip *g)
{
    sl_str_free(&g->waiting);
    *g = (struct sl_gzip){0};
}
