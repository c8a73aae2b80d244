#include "data/token_cache.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/parallel.h"
#include "base/str.h"
#include "data/corpus.h"
#include "data/token_cache_layout.h"
#include "text/tokenizer.h"

struct sl_token_cache {
    struct sl_map map;
    struct sl_tokens_header h;
    struct sl_docids *ids;
    const uint16_t *narrow; /* one of the two is NULL */
    const uint32_t *wide;
    const int64_t *ends;
    const unsigned char *titled;
};

/* ---- the file's layout --------------------------------------------------- */

uint64_t sl_tokens_header_hash(const struct sl_tokens_header *h)
{
    return sl_hash64(h, offsetof(struct sl_tokens_header, hash), 0);
}

/* *end <- the next multiple of 64 after `count` things of `size` bytes. */
static bool section(size_t *end, size_t begin, size_t count, size_t size)
{
    size_t bytes;

    if (!sl_mul_size(&bytes, count, size) || bytes > SIZE_MAX / 4)
        return false;
    *end = (begin + bytes + 63) & ~(size_t)63;
    return *end <= SIZE_MAX / 4;
}

bool sl_tokens_layout(struct sl_tokens_layout *l,
                      const struct sl_tokens_header *h)
{
    bool named = h->id_bytes >= 0;
    size_t rows = (size_t)h->n_rows;

    if (h->n_rows < 0 || h->n_tokens < 0 || h->id_bytes < -1)
        return false;
    l->ids = sizeof *h;
    return section(&l->ends, l->ids, (size_t)h->n_tokens, h->width) &&
           section(&l->titled, l->ends, rows, 2 * sizeof(int64_t)) &&
           section(&l->id_ends, l->titled, (rows + 7) / 8, 1) &&
           section(&l->id_text, l->id_ends, named ? rows : 0,
                   sizeof(int64_t)) &&
           section(&l->bytes, l->id_text, named ? (size_t)h->id_bytes : 0, 1);
}

/* ---- proving a file ------------------------------------------------------ */

static bool header_is_good(const struct sl_tokens_header *h, uint64_t key,
                           size_t file_bytes)
{
    struct sl_tokens_layout l;

    return !memcmp(h->magic, SL_TOKENS_MAGIC, sizeof h->magic) &&
           h->hash == sl_tokens_header_hash(h) && h->version == 2 &&
           (h->width == 2 || h->width == 4) && h->key == key && h->vocab > 0 &&
           sl_tokens_layout(&l, h) && l.bytes == file_bytes;
}

/* Ends never decrease, and the last is the total. */
static bool ends_are_good(const int64_t *end, int64_t n, int64_t total)
{
    int64_t before = 0;

    for (int64_t i = 0; i < n; i++) {
        if (end[i] < before)
            return false;
        before = end[i];
    }
    return before == total;
}

/* The lengths of title and contents are given out as int32_t. */
static bool lengths_are_good(const int64_t *end, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (end[i] - (i ? end[i - 1] : 0) > SL_TOKENS_STORED)
            return false;
    return true;
}

enum { CHECK_GRAIN = 1 << 20 };

struct id_check {
    const struct sl_token_cache *c;
    uint32_t *largest; /* of each range */
};

static void find_largest(void *ctx, int64_t begin, int64_t end)
{
    const struct id_check *check = ctx;
    const struct sl_token_cache *c = check->c;
    uint32_t largest = 0;

    if (c->narrow)
        for (int64_t i = begin; i < end; i++)
            largest = c->narrow[i] > largest ? c->narrow[i] : largest;
    else
        for (int64_t i = begin; i < end; i++)
            largest = c->wide[i] > largest ? c->wide[i] : largest;
    check->largest[begin / CHECK_GRAIN] = largest;
}

static simlm_status check_ids(bool *good, const struct sl_token_cache *c,
                              simlm_error *err)
{
    int64_t n_ranges = c->h.n_tokens / CHECK_GRAIN + 1;
    struct id_check check = {c, SL_NEW_ARRAY(uint32_t, n_ranges)};

    if (!check.largest)
        return sl_fail_nomem(err, "the token cache");
    sl_parallel_for(c->h.n_tokens, CHECK_GRAIN, find_largest, &check);
    *good = true;
    for (int64_t i = 0; i < n_ranges; i++)
        *good = *good && (!c->h.n_tokens || check.largest[i] < c->h.vocab);
    sl_free(check.largest);
    return SIMLM_OK;
}

/* The names of the rows, unless they are numbers: none empty, none twice. */
static simlm_status read_names(bool *good, struct sl_token_cache *c,
                               const struct sl_tokens_layout *l,
                               simlm_error *err)
{
    const int64_t *end = (const void *)(c->map.p + l->id_ends);
    const char *text = (const char *)c->map.p + l->id_text;
    bool named = c->h.id_bytes >= 0;
    int64_t at = 0, row = 0;

    c->ids = named ? sl_docids_new() : sl_docids_new_rows(c->h.n_rows);
    if (!c->ids)
        return sl_fail_nomem(err, "the token cache");
    *good = !named || ends_are_good(end, c->h.n_rows, c->h.id_bytes);
    for (int64_t i = 0; named && *good && i < c->h.n_rows; i++) {
        size_t len = (size_t)(end[i] - at);

        if (len)
            SL_TRY(sl_docids_add(c->ids, text + at, len, &row, err));
        *good = len && row == i;
        at = end[i];
    }
    return SIMLM_OK;
}

/* *good <- is the mapped file a cache of this key, as it was written?  Fails
 * for want of memory only. */
static simlm_status prove(bool *good, struct sl_token_cache *c, uint64_t key,
                          int64_t vocab, simlm_error *err)
{
    struct sl_tokens_layout l;

    *good = false;
    if (c->map.n < sizeof c->h)
        return SIMLM_OK;
    memcpy(&c->h, c->map.p, sizeof c->h);
    if (!header_is_good(&c->h, key, c->map.n) || c->h.vocab > vocab ||
        !sl_tokens_layout(&l, &c->h) ||
        c->h.body_hash !=
            sl_hash64(c->map.p + sizeof c->h, c->map.n - sizeof c->h, 0))
        return SIMLM_OK;
    if (c->h.width == 2)
        c->narrow = (const void *)(c->map.p + l.ids);
    else
        c->wide = (const void *)(c->map.p + l.ids);
    c->ends = (const void *)(c->map.p + l.ends);
    c->titled = c->map.p + l.titled;
    if (!ends_are_good(c->ends, 2 * c->h.n_rows, c->h.n_tokens) ||
        !lengths_are_good(c->ends, 2 * c->h.n_rows))
        return SIMLM_OK;
    SL_TRY(check_ids(good, c, err));
    return *good ? read_names(good, c, &l, err) : SIMLM_OK;
}

/* ---- opening ------------------------------------------------------------- */

static uint64_t make_key(uint64_t corpus, uint64_t tokenizer,
                         const char *missing_title)
{
    uint64_t parts[4] = {corpus, tokenizer, SL_TOKENS_STORED,
                         missing_title != NULL};
    const char *title = missing_title ? missing_title : "";

    return sl_hash64(title, strlen(title), sl_hash64(parts, sizeof parts, 1));
}

/* *out <- NULL if there is no good one. */
static simlm_status try_open(struct sl_token_cache **out, const char *path,
                             uint64_t key, int64_t vocab, simlm_error *err)
{
    struct sl_token_cache *c = SL_NEW(struct sl_token_cache);
    simlm_status st = SIMLM_OK;
    bool good = false;

    *out = NULL;
    if (!c)
        return sl_fail_nomem(err, "the token cache");
    if (sl_map_open(&c->map, path, NULL) == SIMLM_OK)
        st = prove(&good, c, key, vocab, err);
    if (st == SIMLM_OK && good)
        *out = c;
    else
        sl_token_cache_close(c);
    return st;
}

simlm_status sl_token_cache_open(struct sl_token_cache **out, const char *dir,
                                 const char *const *path, int64_t n_paths,
                                 const struct sl_tokenizer *tokenizer,
                                 const char *missing_title,
                                 const simlm_observer *obs, simlm_error *err)
{
    struct sl_str file = {0};
    struct sl_token_cache *c = NULL;
    int64_t vocab = sl_tokenizer_size(tokenizer);
    uint64_t corpus, key;
    simlm_status st = SIMLM_OK;

    SL_TRY(sl_corpus_hash(&corpus, path, n_paths, err));
    SL_TRY(sl_dir_make(dir, err));
    key = make_key(corpus, sl_tokenizer_hash(tokenizer), missing_title);
    sl_str_printf(&file, "%s/%016llx.tokens", dir, (unsigned long long)key);
    if (!sl_str_ok(&file)) {
        st = sl_fail_nomem(err, "the token cache");
        goto out;
    }
    st = try_open(&c, file.s, key, vocab, err);
    if (st < 0 || c)
        goto out;
    st = sl_token_cache_build(file.s, key, path, n_paths, tokenizer,
                              missing_title, obs, err);
    if (st == SIMLM_OK)
        st = try_open(&c, file.s, key, vocab, err);
    if (st == SIMLM_OK && !c)
        st = sl_fail(err, SIMLM_E_IO,
                     "cannot use the token cache '%s' that was just written",
                     file.s);
out:
    sl_str_free(&file);
    if (st == SIMLM_OK)
        *out = c;
    return st;
}

void sl_token_cache_close(struct sl_token_cache *c)
{
    if (!c)
        return;
    sl_map_close(&c->map);
    sl_docids_free(c->ids);
    sl_free(c);
}

/* ---- reading ------------------------------------------------------------- */

int64_t sl_token_cache_count(const struct sl_token_cache *c)
{
    return c->h.n_rows;
}

int64_t sl_token_cache_tokens(const struct sl_token_cache *c)
{
    return c->h.n_tokens;
}

uint64_t sl_token_cache_key(const struct sl_token_cache *c)
{
    return c->h.key;
}

const struct sl_docids *sl_token_cache_ids(const struct sl_token_cache *c)
{
    return c->ids;
}

/* Where text j begins: 2 * row is its title, 2 * row + 1 its contents. */
static int64_t begin(const struct sl_token_cache *c, int64_t j)
{
    return j ? c->ends[j - 1] : 0;
}

struct sl_row_tokens sl_token_cache_row(const struct sl_token_cache *c,
                                        int64_t row)
{
    struct sl_row_tokens r;

    SL_ASSERT(row >= 0 && row < c->h.n_rows);
    r.title = (int32_t)(c->ends[2 * row] - begin(c, 2 * row));
    r.contents = (int32_t)(c->ends[2 * row + 1] - c->ends[2 * row]);
    r.has_title = c->titled[row / 8] >> (row % 8) & 1;
    return r;
}

static void copy(const struct sl_token_cache *c, int64_t j, int32_t first,
                 int32_t *out, int32_t n)
{
    int64_t at;

    SL_ASSERT(j >= 0 && j < 2 * c->h.n_rows && first >= 0 && n >= 0);
    at = begin(c, j) + first;
    SL_ASSERT(n <= c->ends[j] - at);
    if (c->narrow)
        for (int32_t i = 0; i < n; i++)
            out[i] = c->narrow[at + i];
    else
        for (int32_t i = 0; i < n; i++)
            out[i] = (int32_t)c->wide[at + i];
}

void sl_token_cache_title(const struct sl_token_cache *c, int64_t row,
                          int32_t *out, int32_t n)
{
    copy(c, 2 * row, 0, out, n);
}

void sl_token_cache_contents(const struct sl_token_cache *c, int64_t row,
                             int32_t first, int32_t *out, int32_t n)
{
    copy(c, 2 * row + 1, first, out, n);
}
