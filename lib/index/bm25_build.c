/*
 * The writing half of bm25.h.
 *
 *   1. Passages are cut into ranges of DOCS_A_RANGE.  Each range is analysed on
 *      its own, with term numbers of its own: a `piece`.
 *   2. In range order, a piece's terms get their numbers in the whole index.
 *   3. At the end the terms are sorted and the postings of all pieces are
 *      distributed to their terms by one counting sort, which keeps rows
 *      ascending because pieces and their postings are in row order.
 *
 * Nothing depends on the number of threads.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "base/strmap.h"
#include "index/bm25.h"
#include "index/bm25_layout.h"
#include "text/analyzer.h"

enum { DOCS_A_RANGE = 256 };

/* The postings of a range of passages, in row order. */
struct piece {
    int64_t n, cap_term, cap_doc, cap_tf;
    uint32_t *term, *doc;
    uint16_t *tf;
};

/* A worker's scratch: the terms of the range at hand. */
struct range_terms {
    struct sl_strmap *map;
    int64_t *last; /* [map] the term's latest posting in the piece */
    int64_t cap;
};

struct sl_bm25_builder {
    struct sl_strmap *terms;
    struct piece *piece;
    int64_t n_pieces, cap_pieces;
    uint8_t *norm;
    int64_t n_docs, cap_norm;
    int64_t total_length, n_postings;
};

static void piece_free(struct piece *p)
{
    sl_free(p->term);
    sl_free(p->doc);
    sl_free(p->tf);
    *p = (struct piece){0};
}

struct sl_bm25_builder *sl_bm25_builder_new(void)
{
    struct sl_bm25_builder *b = SL_NEW(struct sl_bm25_builder);

    if (b)
        b->terms = sl_strmap_new();
    if (b && b->terms)
        return b;
    sl_free(b);
    return NULL;
}

void sl_bm25_builder_free(struct sl_bm25_builder *b)
{
    if (!b)
        return;
    for (int64_t i = 0; i < b->n_pieces; i++)
        piece_free(&b->piece[i]);
    sl_free(b->piece);
    sl_free(b->norm);
    sl_strmap_free(b->terms);
    sl_free(b);
}

/* ---- 1. analysing a range ------------------------------------------------ */

struct batch {
    const struct sl_passage *passage;
    int64_t n, first_row;
    struct piece *piece;      /* [ranges] */
    struct sl_strmap **terms; /* [ranges] */
    uint8_t *norm;            /* [n] */
    int64_t *length;          /* [ranges] */
    bool *failed;             /* [ranges] */
};

static bool add_posting(struct piece *p, uint32_t term, uint32_t doc)
{
    int64_t need = p->n + 1;

    if (!sl_grow(&p->term, &p->cap_term, need, sizeof *p->term) ||
        !sl_grow(&p->doc, &p->cap_doc, need, sizeof *p->doc) ||
        !sl_grow(&p->tf, &p->cap_tf, need, sizeof *p->tf))
        return false;
    p->term[p->n] = term;
    p->doc[p->n] = doc;
    p->tf[p->n++] = 1;
    return true;
}

/* One more occurrence of a term in row `doc`; *length counts it. */
static bool add_term(struct piece *p, struct range_terms *r, const char *term,
                     size_t len, uint32_t doc, int64_t *length)
{
    bool added;
    int64_t i = sl_strmap_add(r->map, term, len, 0, &added), at;

    if (i < 0 || !sl_grow(&r->last, &r->cap, i + 1, sizeof *r->last))
        return false;
    at = added ? -1 : r->last[i];
    if (at >= 0 && p->doc[at] == doc) {
        if (p->tf[at] < UINT16_MAX) {
            p->tf[at]++;
            ++*length;
        }
        return true;
    }
    r->last[i] = p->n;
    ++*length;
    return add_posting(p, (uint32_t)i, doc);
}

static bool add_text(struct piece *p, struct range_terms *r, const char *text,
                     size_t n, uint32_t doc, int64_t *length)
{
    struct sl_terms t;

    sl_terms_begin(&t, text, n);
    while (sl_terms_next(&t))
        if (!add_term(p, r, t.term, t.len, doc, length))
            return false;
    return true;
}

static bool analyse(const struct batch *b, struct piece *p,
                    struct range_terms *r, int64_t begin, int64_t end,
                    int64_t *total)
{
    for (int64_t i = begin; i < end; i++) {
        const struct sl_passage *d = &b->passage[i];
        uint32_t row = (uint32_t)(b->first_row + i);
        int64_t length = 0;

        if (d->title && !add_text(p, r, d->title, d->title_len, row, &length))
            return false;
        if (!add_text(p, r, d->contents, d->contents_len, row, &length) ||
            length > INT32_MAX)
            return false;
        b->norm[i] = sl_bm25_norm(length);
        *total += length;
    }
    return true;
}

static void analyse_range(void *ctx, int64_t begin, int64_t end)
{
    const struct batch *b = ctx;
    int64_t i = begin / DOCS_A_RANGE;
    struct range_terms r = {.map = b->terms[i] = sl_strmap_new()};

    b->failed[i] =
        !r.map || !analyse(b, &b->piece[i], &r, begin, end, &b->length[i]);
    sl_free(r.last);
}

/* ---- 2. numbers in the whole index --------------------------------------- */

/* The piece's own term numbers become the index's. */
static bool renumber(struct sl_bm25_builder *b, struct piece *p,
                     const struct sl_strmap *own)
{
    int64_t n = sl_strmap_count(own);
    uint32_t *number = SL_NEW_ARRAY(uint32_t, n);
    bool good = number != NULL;

    for (int64_t i = 0; good && i < n; i++) {
        int64_t t = sl_strmap_add(b->terms, sl_strmap_key(own, i),
                                  sl_strmap_key_len(own, i), 0, NULL);

        good = t >= 0 && t <= UINT32_MAX;
        number[i] = (uint32_t)t;
    }
    for (int64_t i = 0; good && i < p->n; i++)
        p->term[i] = number[p->term[i]];
    sl_free(number);
    return good;
}

static bool take_pieces(struct sl_bm25_builder *b, struct batch *batch,
                        int64_t n_ranges)
{
    if (!sl_grow(&b->piece, &b->cap_pieces, b->n_pieces + n_ranges,
                 sizeof *b->piece) ||
        !sl_grow(&b->norm, &b->cap_norm, b->n_docs + batch->n, 1))
        return false;
    for (int64_t i = 0; i < n_ranges; i++)
        if (batch->failed[i] || !renumber(b, &batch->piece[i], batch->terms[i]))
            return false;
    for (int64_t i = 0; i < n_ranges; i++) {
        b->n_postings += batch->piece[i].n;
        b->total_length += batch->length[i];
        b->piece[b->n_pieces++] = batch->piece[i];
        batch->piece[i] = (struct piece){0};
    }
    memcpy(b->norm + b->n_docs, batch->norm, (size_t)batch->n);
    b->n_docs += batch->n;
    return true;
}

simlm_status sl_bm25_builder_add(struct sl_bm25_builder *b,
                                 const struct sl_passage *passage, int64_t n,
                                 simlm_error *err)
{
    int64_t n_ranges = n / DOCS_A_RANGE + (n % DOCS_A_RANGE != 0);
    struct batch batch = {.passage = passage, .n = n, .first_row = b->n_docs};
    simlm_status st = SIMLM_OK;

    SL_ASSERT(n >= 0);
    if (n > SL_BM25_MAX_DOCS - b->n_docs)
        return sl_fail(err, SIMLM_E_RANGE,
                       "cannot index more than %lld passages",
                       (long long)SL_BM25_MAX_DOCS);
    batch.piece = SL_NEW_ARRAY(struct piece, n_ranges);
    batch.terms = SL_NEW_ARRAY(struct sl_strmap *, n_ranges);
    batch.norm = SL_NEW_ARRAY(uint8_t, n);
    batch.length = SL_NEW_ARRAY(int64_t, n_ranges);
    batch.failed = SL_NEW_ARRAY(bool, n_ranges);
    if (!batch.piece || !batch.terms || !batch.norm || !batch.length ||
        !batch.failed) {
        st = sl_fail_nomem(err, "a BM25 index");
    } else {
        sl_parallel_for(n, DOCS_A_RANGE, analyse_range, &batch);
        if (!take_pieces(b, &batch, n_ranges))
            st = sl_fail_nomem(err, "a BM25 index");
    }
    for (int64_t i = 0; i < n_ranges; i++) {
        if (batch.piece)
            piece_free(&batch.piece[i]);
        if (batch.terms)
            sl_strmap_free(batch.terms[i]);
    }
    sl_free(batch.piece);
    sl_free(batch.terms);
    sl_free(batch.norm);
    sl_free(batch.length);
    sl_free(batch.failed);
    return st;
}

/* ---- 3. writing ---------------------------------------------------------- */

struct sorted_term {
    const char *text;
    size_t len;
    int64_t number;
};

static int by_bytes(const void *x, const void *y)
{
    const struct sorted_term *a = x, *b = y;
    size_t n = a->len < b->len ? a->len : b->len;
    int order = memcmp(a->text, b->text, n);

    return order ? order : (a->len > b->len) - (a->len < b->len);
}

/* What goes into the file besides the ids. */
struct product {
    struct sorted_term *term; /* [n_terms] in byte order */
    uint64_t *term_at;        /* [n_terms + 1] */
    uint64_t *post_at;        /* [n_terms + 1] */
    uint32_t *doc;
    uint16_t *tf;
};

static void product_free(struct product *p)
{
    sl_free(p->term);
    sl_free(p->term_at);
    sl_free(p->post_at);
    sl_free(p->doc);
    sl_free(p->tf);
}

static void sort_terms(struct product *p, const struct sl_bm25_builder *b,
                       int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        p->term[i] = (struct sorted_term){sl_strmap_key(b->terms, i),
                                          sl_strmap_key_len(b->terms, i), i};
    qsort(p->term, (size_t)n, sizeof *p->term, by_bytes);
    for (int64_t i = 0; i < n; i++)
        p->term_at[i + 1] = p->term_at[i] + p->term[i].len;
}

/* Counting sort; next[number] is where the term's next posting goes. */
static void distribute(struct product *p, struct sl_bm25_builder *b,
                       uint64_t *next, int64_t n)
{
    for (int64_t i = 0; i < b->n_pieces; i++)
        for (int64_t j = 0; j < b->piece[i].n; j++)
            next[b->piece[i].term[j]]++;
    for (int64_t i = 0; i < n; i++) {
        p->post_at[i + 1] = p->post_at[i] + next[p->term[i].number];
        next[p->term[i].number] = p->post_at[i];
    }
    for (int64_t i = 0; i < b->n_pieces; i++) {
        struct piece *from = &b->piece[i];

        for (int64_t j = 0; j < from->n; j++) {
            uint64_t to = next[from->term[j]]++;

            p->doc[to] = from->doc[j];
            p->tf[to] = from->tf[j];
        }
        piece_free(from);
    }
}

static simlm_status arrange(struct product *p, struct sl_bm25_builder *b,
                            int64_t n, simlm_error *err)
{
    uint64_t *next = SL_NEW_ARRAY(uint64_t, n);

    p->term = SL_NEW_ARRAY(struct sorted_term, n);
    p->term_at = SL_NEW_ARRAY(uint64_t, n + 1);
    p->post_at = SL_NEW_ARRAY(uint64_t, n + 1);
    p->doc = sl_alloc((size_t)b->n_postings, sizeof *p->doc);
    p->tf = sl_alloc((size_t)b->n_postings, sizeof *p->tf);
    if (!next || !p->term || !p->term_at || !p->post_at || !p->doc || !p->tf) {
        sl_free(next);
        return sl_fail_nomem(err, "a BM25 index");
    }
    sort_terms(p, b, n);
    distribute(p, b, next, n);
    sl_free(next);
    return SIMLM_OK;
}

/* Zeros from the end of n bytes up to where the next section starts. */
static void pad(struct sl_out *out, uint64_t n)
{
    static const unsigned char zero[SL_ALIGN];

    fwrite(zero, 1, (size_t)((SL_ALIGN - n % SL_ALIGN) % SL_ALIGN), out->f);
}

static void put(struct sl_out *out, const void *bytes, uint64_t n)
{
    if (n)
        fwrite(bytes, 1, (size_t)n, out->f);
    pad(out, n);
}

/* The section id_at, or, with `bytes`, the section ids; returns its size. */
static uint64_t put_ids(struct sl_out *out, const struct sl_docids *ids,
                        int64_t n, bool bytes)
{
    bool rows = sl_docids_are_rows(ids);
    char buf[SL_DOCID_BUF];
    uint64_t at = 0;

    for (int64_t i = 0; i < n; i++) {
        const char *id = sl_docids_get(ids, i, buf);
        size_t len = rows ? 0 : strlen(id) + 1;

        fwrite(bytes ? id : (const char *)&at, 1, bytes ? len : sizeof at,
               out->f);
        at += len;
    }
    if (!bytes)
        fwrite(&at, 1, sizeof at, out->f);
    pad(out, bytes ? at : ((uint64_t)n + 1) * sizeof at);
    return at;
}

static uint64_t ids_size(const struct sl_docids *ids, int64_t n)
{
    char buf[SL_DOCID_BUF];
    uint64_t size = 0;

    if (sl_docids_are_rows(ids))
        return 0;
    for (int64_t i = 0; i < n; i++)
        size += strlen(sl_docids_get(ids, i, buf)) + 1;
    return size;
}

static void put_all(struct sl_out *out, const struct sl_bm25_header *h,
                    const struct product *p, const struct sl_bm25_builder *b,
                    const struct sl_docids *ids)
{
    put(out, h, sizeof *h);
    put_ids(out, ids, b->n_docs, false);
    put_ids(out, ids, b->n_docs, true);
    put(out, b->norm, h->n_docs);
    put(out, p->term_at, (h->n_terms + 1) * sizeof *p->term_at);
    for (uint64_t i = 0; i < h->n_terms; i++)
        fwrite(p->term[i].text, 1, p->term[i].len, out->f);
    pad(out, h->terms_bytes);
    put(out, p->post_at, (h->n_terms + 1) * sizeof *p->post_at);
    put(out, p->doc, h->n_postings * sizeof *p->doc);
    put(out, p->tf, h->n_postings * sizeof *p->tf);
}

simlm_status sl_bm25_builder_write(struct sl_bm25_builder *b,
                                   const struct sl_docids *ids,
                                   struct sl_out *out, simlm_error *err)
{
    int64_t n = sl_strmap_count(b->terms);
    uint64_t at[SL_BM25_N_SECTIONS + 1];
    struct product p = {0};
    struct sl_bm25_header h = {.magic = SL_BM25_MAGIC,
                               .version = SL_BM25_VERSION,
                               .byte_order = SL_BM25_BYTE_ORDER,
                               .n_docs = (uint64_t)b->n_docs,
                               .n_terms = (uint64_t)n,
                               .n_postings = (uint64_t)b->n_postings,
                               .ids_bytes = ids_size(ids, b->n_docs),
                               .total_length = (uint64_t)b->total_length};
    simlm_status st;

    SL_ASSERT(sl_docids_count(ids) == b->n_docs);
    st = arrange(&p, b, n, err);
    if (st == SIMLM_OK) {
        h.terms_bytes = p.term_at[n];
        if (!sl_bm25_lay_out(at, &h))
            st = sl_fail(err, SIMLM_E_RANGE, "the BM25 index is too large");
    }
    if (st == SIMLM_OK) {
        h.file_bytes = at[SL_BM25_N_SECTIONS];
        put_all(out, &h, &p, b, ids);
    }
    product_free(&p);
    return st;
}
