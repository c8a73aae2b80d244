/*
 * Building: blocks of passages come from the corpus reader; each is tokenised
 * in parallel, range by range into a list of its own, and written in order.
 * Only the ends (16 bytes a passage) and the ids' names stay in memory.
 */
#include "data/token_cache_layout.h"

#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/observe.h"
#include "base/parallel.h"
#include "data/corpus.h"
#include "text/tokenizer.h"

enum { GRAIN = 64, NARROW_VOCAB = 1 << 16 };

struct range {
    struct sl_id_list tokens;
    bool failed; /* out of memory */
};

struct builder {
    const struct sl_tokenizer *tokenizer;
    const char *missing_title;
    const simlm_observer *obs;
    struct sl_tokens_header h;
    struct sl_out out;
    struct sl_hash_stream *hash; /* of all that is written behind the header */
    struct sl_corpus_reader *reader;
    struct sl_passage_block block;
    struct range *range;
    int64_t range_cap, n_used; /* n_used: have lists to free */
    int64_t *ends;             /* within a range, then of the file */
    unsigned char *titled;
    int64_t ends_cap, titled_cap;
    uint16_t *narrow; /* a range's ids on their way out */
    int64_t narrow_cap;
};

/* ---- a block, in parallel ------------------------------------------------ */

static bool append(const struct builder *b, struct sl_id_list *to,
                   const char *text, size_t len)
{
    int64_t before = to->n;

    if (!text)
        return true;
    if (!sl_tokenizer_encode(b->tokenizer, to, text, len))
        return false;
    if (to->n - before > SL_TOKENS_STORED)
        to->n = before + SL_TOKENS_STORED;
    return true;
}

static void tokenize_range(void *ctx, int64_t begin, int64_t end)
{
    struct builder *b = ctx;
    struct range *r = &b->range[begin / GRAIN];

    r->tokens.n = 0;
    r->failed = false;
    for (int64_t i = begin; i < end && !r->failed; i++) {
        const struct sl_passage *p = &b->block.passage[i];
        const char *title = p->title ? p->title : b->missing_title;
        int64_t *ends = b->ends + 2 * (b->block.first_row + i);

        r->failed =
            !append(b, &r->tokens, title,
                    p->title ? p->title_len : (title ? strlen(title) : 0));
        ends[0] = r->tokens.n;
        r->failed =
            r->failed || !append(b, &r->tokens, p->contents, p->contents_len);
        ends[1] = r->tokens.n;
    }
}

static bool make_room(struct builder *b)
{
    int64_t rows = b->block.first_row + b->block.n;
    int64_t n_ranges = (b->block.n + GRAIN - 1) / GRAIN, old = b->titled_cap;

    if (!sl_grow(&b->range, &b->range_cap, n_ranges, sizeof *b->range) ||
        !sl_grow(&b->ends, &b->ends_cap, 2 * rows, sizeof *b->ends) ||
        !sl_grow(&b->titled, &b->titled_cap, (rows + 7) / 8, 1))
        return false;
    if (b->titled_cap > old)
        memset(b->titled + old, 0, (size_t)(b->titled_cap - old));
    for (; b->n_used < n_ranges; b->n_used++)
        b->range[b->n_used] = (struct range){0};
    return true;
}

/* ---- writing ------------------------------------------------------------- */

static void put(struct builder *b, const void *p, size_t size, int64_t n)
{
    size_t bytes = size * (size_t)n;

    if (!bytes)
        return;
    fwrite(p, 1, bytes, b->out.f);
    sl_hash_stream_add(b->hash, p, bytes);
}

static bool write_ids(struct builder *b, const struct sl_id_list *x)
{
    if (b->h.width == 4) {
        put(b, x->id, sizeof *x->id, x->n);
        return true;
    }
    if (!sl_grow(&b->narrow, &b->narrow_cap, x->n, sizeof *b->narrow))
        return false;
    for (int64_t i = 0; i < x->n; i++)
        b->narrow[i] = (uint16_t)x->id[i];
    put(b, b->narrow, sizeof *b->narrow, x->n);
    return true;
}

/* Rows of the block's range i: write the ids, count ends from the file's. */
static bool keep_range(struct builder *b, int64_t i)
{
    int64_t begin = i * GRAIN;
    int64_t end = begin + GRAIN < b->block.n ? begin + GRAIN : b->block.n;

    if (b->range[i].failed || !write_ids(b, &b->range[i].tokens))
        return false;
    for (int64_t j = begin; j < end; j++) {
        int64_t row = b->block.first_row + j;

        b->ends[2 * row] += b->h.n_tokens;
        b->ends[2 * row + 1] += b->h.n_tokens;
        if (b->block.passage[j].title || b->missing_title)
            b->titled[row / 8] |= (unsigned char)(1 << (row % 8));
    }
    b->h.n_tokens += b->range[i].tokens.n;
    return true;
}

static simlm_status add_block(struct builder *b, simlm_error *err)
{
    bool ok = make_room(b);

    if (ok)
        sl_parallel_for(b->block.n, GRAIN, tokenize_range, b);
    for (int64_t i = 0; ok && i * GRAIN < b->block.n; i++)
        ok = keep_range(b, i);
    if (!ok)
        return sl_fail_nomem(err, "the token cache");
    b->h.n_rows += b->block.n;
    return SIMLM_OK;
}

static void pad(struct builder *b, size_t *at, size_t to)
{
    static const char zeros[64];

    SL_ASSERT(to >= *at && to - *at <= sizeof zeros);
    put(b, zeros, 1, (int64_t)(to - *at));
    *at = to;
}

static void write_section(struct builder *b, size_t *at, size_t to,
                          const void *p, size_t bytes)
{
    pad(b, at, to);
    put(b, p, 1, (int64_t)bytes);
    *at += bytes;
}

/* Names that are not row numbers: their ends, then their text. */
static void write_names(struct builder *b, const struct sl_tokens_layout *l,
                        size_t *at, const struct sl_docids *ids)
{
    char buf[SL_DOCID_BUF];
    int64_t end = 0;

    pad(b, at, l->id_ends);
    for (int64_t i = 0; i < b->h.n_rows; i++) {
        end += (int64_t)strlen(sl_docids_get(ids, i, buf));
        write_section(b, at, *at, &end, sizeof end);
    }
    pad(b, at, l->id_text);
    for (int64_t i = 0; i < b->h.n_rows; i++) {
        const char *id = sl_docids_get(ids, i, buf);

        write_section(b, at, *at, id, strlen(id));
    }
}

/* -1: they are none, but row numbers, as the ids of several files together. */
static int64_t name_bytes(const struct builder *b, const struct sl_docids *ids)
{
    char buf[SL_DOCID_BUF];
    int64_t bytes = 0;

    if (sl_docids_are_rows(ids) || sl_docids_count(ids) < b->h.n_rows)
        return -1;
    for (int64_t i = 0; i < sl_docids_count(ids); i++)
        bytes += (int64_t)strlen(sl_docids_get(ids, i, buf));
    return bytes;
}

/* All but the ids, which are written; last the header, over its place. */
static simlm_status finish(struct builder *b, simlm_error *err)
{
    const struct sl_docids *ids = sl_corpus_reader_ids(b->reader);
    struct sl_tokens_layout l;
    size_t at;

    b->h.id_bytes = name_bytes(b, ids);
    if (!sl_tokens_layout(&l, &b->h))
        return sl_fail(err, SIMLM_E_RANGE, "the corpus is too large");
    at = l.ids + (size_t)b->h.n_tokens * b->h.width;
    write_section(b, &at, l.ends, b->ends,
                  2 * (size_t)b->h.n_rows * sizeof *b->ends);
    write_section(b, &at, l.titled, b->titled, ((size_t)b->h.n_rows + 7) / 8);
    if (b->h.id_bytes >= 0)
        write_names(b, &l, &at, ids);
    pad(b, &at, l.bytes);
    b->h.body_hash = sl_hash_stream_value(b->hash);
    b->h.hash = sl_tokens_header_hash(&b->h);
    if (!ferror(b->out.f) && fseek(b->out.f, 0, SEEK_SET))
        return sl_fail_errno(err, "write", b->out.path);
    fwrite(&b->h, sizeof b->h, 1, b->out.f);
    return SIMLM_OK;
}

/* A full disk ends the work at once; commit then says so. */
static simlm_status build(struct builder *b, simlm_error *err)
{
    fwrite(&b->h, sizeof b->h, 1, b->out.f);
    do {
        SL_TRY(sl_corpus_reader_next(b->reader, &b->block, err));
        SL_TRY(add_block(b, err));
    } while (b->block.n && !ferror(b->out.f));
    return finish(b, err);
}

/* The reader tells how far it is in bytes; here that is tokenising. */
static void report(void *ctx, const char *phase, int64_t done, int64_t total,
                   const char *unit)
{
    (void)phase;
    sl_observe_progress(((const struct builder *)ctx)->obs, "tokenizing", done,
                        total, unit);
}

static bool is_cancelled(void *ctx)
{
    return sl_observe_cancelled(((const struct builder *)ctx)->obs);
}

simlm_status sl_token_cache_build(const char *path, uint64_t key,
                                  const char *const *corpus, int64_t n_corpus,
                                  const struct sl_tokenizer *tokenizer,
                                  const char *missing_title,
                                  const simlm_observer *obs, simlm_error *err)
{
    struct builder b = {
        .tokenizer = tokenizer, .missing_title = missing_title, .obs = obs};
    const simlm_observer relay = {
        .ctx = &b, .progress = report, .cancelled = is_cancelled};
    simlm_status st;

    memcpy(b.h.magic, SL_TOKENS_MAGIC, sizeof b.h.magic);
    b.h.version = 2;
    b.h.vocab = sl_tokenizer_size(tokenizer);
    b.h.width = b.h.vocab <= NARROW_VOCAB ? 2 : 4;
    b.h.key = key;
    SL_TRY(sl_corpus_reader_open(&b.reader, corpus, n_corpus,
                                 obs ? &relay : NULL, err));
    if (n_corpus > 1)
        sl_corpus_reader_ids_apart(b.reader);
    b.hash = sl_hash_stream_new(0);
    st = b.hash ? sl_out_open(&b.out, path, err)
                : sl_fail_nomem(err, "the token cache");
    if (st == SIMLM_OK)
        st = build(&b, err);
    if (st == SIMLM_OK)
        st = sl_out_commit(&b.out, err);
    sl_out_abort(&b.out);
    for (int64_t i = 0; i < b.n_used; i++)
        sl_id_list_free(&b.range[i].tokens);
    sl_free(b.range);
    sl_free(b.ends);
    sl_free(b.titled);
    sl_free(b.narrow);
    sl_hash_stream_free(b.hash);
    sl_corpus_reader_close(b.reader);
    return st;
}
