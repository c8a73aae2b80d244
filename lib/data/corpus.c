#include "data/corpus.h"

#include <string.h>

#include "base/alloc.h"

/* Chunks of text double in size up to this, so that small corpora are small. */
enum { FIRST_CHUNK = 1 << 14, LAST_CHUNK = 64 << 20 };

/* "id\0contents\0title\0", without the last if there is no title.  A line, so
 * a length, is at most SL_LINE_MAX. */
struct row {
    char *text;
    int32_t id_len, contents_len;
    int32_t title_len; /* -1: absent */
};

struct sl_corpus {
    struct sl_docids *ids;
    struct row *row;
    int64_t n, row_cap;
    char **chunk;
    int64_t n_chunks, chunk_cap;
    size_t chunk_bytes, chunk_used; /* of the last one */
};

static char *take(struct sl_corpus *c, size_t bytes)
{
    if (!c->n_chunks || bytes > c->chunk_bytes - c->chunk_used) {
        size_t want = c->chunk_bytes ? 2 * c->chunk_bytes : FIRST_CHUNK;

        if (want > LAST_CHUNK)
            want = LAST_CHUNK;
        if (want < bytes)
            want = bytes;
        if (!sl_grow(&c->chunk, &c->chunk_cap, c->n_chunks + 1,
                     sizeof *c->chunk))
            return NULL;
        c->chunk[c->n_chunks] = sl_alloc(want, 1);
        if (!c->chunk[c->n_chunks])
            return NULL;
        c->n_chunks++;
        c->chunk_bytes = want;
        c->chunk_used = 0;
    }
    c->chunk_used += bytes;
    return c->chunk[c->n_chunks - 1] + c->chunk_used - bytes;
}

static bool add_row(struct sl_corpus *c, const struct sl_passage *p)
{
    size_t id = p->id_len + 1, contents = p->contents_len + 1;
    size_t title = p->title ? p->title_len + 1 : 0;
    char *text = take(c, id + contents + title);

    if (!text || !sl_grow(&c->row, &c->row_cap, c->n + 1, sizeof *c->row))
        return false;
    memcpy(text, p->id, id);
    memcpy(text + id, p->contents, contents);
    if (title)
        memcpy(text + id + contents, p->title, title);
    c->row[c->n++] = (struct row){text, (int32_t)p->id_len,
                                  (int32_t)p->contents_len, (int32_t)title - 1};
    return true;
}

static simlm_status read_rows(struct sl_corpus *c, struct sl_corpus_reader *r,
                              simlm_error *err)
{
    struct sl_passage_block block;

    do {
        SL_TRY(sl_corpus_reader_next(r, &block, err));
        for (int64_t i = 0; i < block.n; i++)
            if (!add_row(c, &block.passage[i]))
                return sl_fail_nomem(err, "the texts of a corpus");
    } while (block.n);
    return SIMLM_OK;
}

simlm_status sl_corpus_load(struct sl_corpus **out, const char *const *path,
                            int64_t n_paths, const simlm_observer *obs,
                            simlm_error *err)
{
    struct sl_corpus_reader *r = NULL;
    struct sl_corpus *c = NULL;
    simlm_status st = sl_corpus_reader_open(&r, path, n_paths, obs, err);

    if (st < 0)
        return st;
    c = SL_NEW(struct sl_corpus);
    st = c ? read_rows(c, r, err) : sl_fail_nomem(err, "a corpus");
    if (st == SIMLM_OK) {
        c->ids = sl_corpus_reader_take_ids(r);
        *out = c;
    } else {
        sl_corpus_free(c);
    }
    sl_corpus_reader_close(r);
    return st;
}

void sl_corpus_free(struct sl_corpus *c)
{
    if (!c)
        return;
    for (int64_t i = 0; i < c->n_chunks; i++)
        sl_free(c->chunk[i]);
    sl_free(c->chunk);
    sl_free(c->row);
    sl_docids_free(c->ids);
    sl_free(c);
}

int64_t sl_corpus_count(const struct sl_corpus *c)
{
    return c->n;
}

struct sl_passage sl_corpus_get(const struct sl_corpus *c, int64_t row)
{
    const struct row *r;
    struct sl_passage p = {0};

    SL_ASSERT(row >= 0 && row < c->n);
    r = &c->row[row];
    p.id = r->text;
    p.id_len = (size_t)r->id_len;
    p.contents = r->text + r->id_len + 1;
    p.contents_len = (size_t)r->contents_len;
    if (r->title_len >= 0) {
        p.title = p.contents + r->contents_len + 1;
        p.title_len = (size_t)r->title_len;
    }
    return p;
}

const struct sl_docids *sl_corpus_ids(const struct sl_corpus *c)
{
    return c->ids;
}
