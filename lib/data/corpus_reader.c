/*
 * A block of the file is some megabytes of whole lines.  It is cut into pieces
 * that are parsed in parallel, each into its own part of one buffer; then, in
 * order, ids are looked at and blank lines closed up.  No cut depends on how
 * many threads there are.
 */
#include "data/corpus.h"

#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/observe.h"
#include "base/parallel.h"
#include "base/str.h"
#include "data/records.h"
#include "format/fields.h"
#include "format/lines.h"

enum { BLOCK_BYTES = 4 << 20, PIECE_BYTES = 128 << 10 };

/* A run of whole lines of a block. */
struct piece {
    size_t begin, end;
    int64_t line, n_lines; /* the first one's number */
    int64_t passage;       /* where its first passage goes */
    simlm_status st;
    simlm_error err;
};

struct sl_corpus_reader {
    char **path;
    int64_t n_paths, file;
    struct sl_lines *in; /* of path[file]; NULL: not open */
    enum sl_record_form form;
    bool ids_apart;
    struct sl_docids *ids; /* of the rows from first_row on */
    int64_t first_row;
    struct sl_linemap lines; /* rows to places */

    struct sl_line block;
    struct piece *piece;
    struct sl_passage *passage;
    char *text; /* the block's strings: those of a piece begin at its begin */
    int64_t n_pieces, piece_cap, passage_cap, text_cap;

    const simlm_observer *obs;
    int64_t bytes_done, bytes_total;
};

static int64_t file_bytes(const char *path)
{
    struct stat info;

    return strcmp(path, "-") && !stat(path, &info) && S_ISREG(info.st_mode)
               ? (int64_t)info.st_size
               : 0;
}

simlm_status sl_corpus_reader_open(struct sl_corpus_reader **out,
                                   const char *const *path, int64_t n_paths,
                                   const simlm_observer *obs, simlm_error *err)
{
    struct sl_corpus_reader *r = SL_NEW(struct sl_corpus_reader);
    bool ok;

    if (!r)
        return sl_fail_nomem(err, "a corpus");
    r->obs = obs;
    r->ids = sl_docids_new();
    r->path = SL_NEW_ARRAY(char *, n_paths);
    ok = r->ids && r->path;
    for (; ok && r->n_paths < n_paths; r->n_paths++) {
        r->path[r->n_paths] = sl_strdup(path[r->n_paths]);
        ok = r->path[r->n_paths] != NULL;
        r->bytes_total += file_bytes(path[r->n_paths]);
    }
    if (!ok) {
        sl_corpus_reader_close(r);
        return sl_fail_nomem(err, "a corpus");
    }
    *out = r;
    return SIMLM_OK;
}

void sl_corpus_reader_close(struct sl_corpus_reader *r)
{
    if (!r)
        return;
    for (int64_t i = 0; i < r->n_paths; i++)
        sl_free(r->path[i]);
    sl_free(r->path);
    sl_lines_close(r->in);
    sl_docids_free(r->ids);
    sl_linemap_free(&r->lines);
    sl_free(r->piece);
    sl_free(r->passage);
    sl_free(r->text);
    sl_free(r);
}

void sl_corpus_reader_ids_apart(struct sl_corpus_reader *r)
{
    r->ids_apart = true;
}

const struct sl_docids *sl_corpus_reader_ids(const struct sl_corpus_reader *r)
{
    return r->ids;
}

struct sl_docids *sl_corpus_reader_take_ids(struct sl_corpus_reader *r)
{
    struct sl_docids *ids = r->ids;

    r->ids = NULL;
    return ids;
}

/* ---- parsing a block ----------------------------------------------------- */

static void parse_piece(struct sl_corpus_reader *r, struct piece *p)
{
    struct sl_record_place at = {sl_lines_path(r->in), p->line, false};
    struct sl_passage *to = r->passage + p->passage;
    const char *line = r->block.text + p->begin;
    const char *end = r->block.text + p->end;
    char *out = r->text + p->begin;

    while (p->st == SIMLM_OK && line < end) {
        const char *lf = memchr(line, '\n', (size_t)(end - line));
        size_t used;

        p->st = sl_record_parse(to++, out, &used, line, (size_t)(lf - line),
                                r->form, &at, &p->err);
        out += used;
        line = lf + 1;
        at.line++;
    }
}

static void parse_pieces(void *ctx, int64_t begin, int64_t end)
{
    struct sl_corpus_reader *r = ctx;

    for (int64_t i = begin; i < end; i++)
        parse_piece(r, &r->piece[i]);
}

static bool cut_block(struct sl_corpus_reader *r)
{
    int64_t line = r->block.number, first = line;

    r->n_pieces = 0;
    for (size_t at = 0; at < r->block.len;) {
        const char *text = r->block.text, *lf;
        size_t end = r->block.len;
        struct piece *p;

        if (end - at > PIECE_BYTES) {
            lf = memchr(text + at + PIECE_BYTES, '\n', end - at - PIECE_BYTES);
            end = (size_t)(lf + 1 - text);
        }
        if (!sl_grow(&r->piece, &r->piece_cap, r->n_pieces + 1,
                     sizeof *r->piece))
            return false;
        p = &r->piece[r->n_pieces++];
        p->begin = at;
        p->end = end;
        p->line = line;
        p->passage = line - first;
        p->st = SIMLM_OK;
        for (; at < end; at++)
            line += text[at] == '\n';
        p->n_lines = line - p->line;
    }
    return sl_grow(&r->passage, &r->passage_cap, line - first,
                   sizeof *r->passage) &&
           sl_grow(&r->text, &r->text_cap, (int64_t)r->block.len, 1);
}

static simlm_status fail_twice(const struct sl_corpus_reader *r,
                               const struct sl_passage *p, int64_t line,
                               int64_t row, simlm_error *err)
{
    int64_t file, other = sl_linemap_line(&r->lines, row, &file);

    return sl_fail(err, SIMLM_E_FORMAT,
                   "%s:%lld: expected an id of its own, but '%s' is that of "
                   "%s:%lld, too",
                   sl_lines_path(r->in), (long long)line, p->id, r->path[file],
                   (long long)other);
}

/* Give the piece's passages their rows; *n counts the block's. */
static simlm_status keep_passages(struct sl_corpus_reader *r,
                                  const struct piece *piece, int64_t *n,
                                  simlm_error *err)
{
    for (int64_t i = 0; i < piece->n_lines; i++) {
        const struct sl_passage *p = &r->passage[piece->passage + i];
        int64_t row = 0, next = sl_docids_count(r->ids);

        if (!p->id)
            continue;
        SL_TRY(sl_docids_add(r->ids, p->id, p->id_len, &row, err));
        if (row != next)
            return fail_twice(r, p, piece->line + i, r->first_row + row, err);
        if (!sl_linemap_add(&r->lines, r->first_row + row, piece->line + i,
                            r->file))
            return sl_fail_nomem(err, "a corpus");
        r->passage[(*n)++] = *p;
    }
    return SIMLM_OK;
}

static simlm_status parse_block(struct sl_corpus_reader *r, int64_t *n,
                                simlm_error *err)
{
    *n = 0;
    if (r->form == SL_RECORD_UNKNOWN)
        r->form = sl_record_form(r->block.text, r->block.len);
    if (!cut_block(r))
        return sl_fail_nomem(err, "a block of a corpus");
    sl_parallel_for(r->n_pieces, 1, parse_pieces, r);
    for (int64_t i = 0; i < r->n_pieces; i++) {
        if (r->piece[i].st < 0) {
            if (err)
                *err = r->piece[i].err;
            return r->piece[i].st;
        }
        SL_TRY(keep_passages(r, &r->piece[i], n, err));
    }
    return SIMLM_OK;
}

/* ---- from block to block ------------------------------------------------- */

static int64_t rows_so_far(const struct sl_corpus_reader *r)
{
    return r->first_row + sl_docids_count(r->ids);
}

static simlm_status open_file(struct sl_corpus_reader *r, simlm_error *err)
{
    struct sl_docids *ids;

    SL_TRY(sl_lines_open(&r->in, r->path[r->file], err));
    r->form = SL_RECORD_UNKNOWN;
    if (!r->ids_apart)
        return SIMLM_OK;
    ids = sl_docids_new();
    if (!ids)
        return sl_fail_nomem(err, "a corpus");
    r->first_row = rows_so_far(r);
    sl_docids_free(r->ids);
    r->ids = ids;
    return SIMLM_OK;
}

/* r->block <- the next one of any file; its text is NULL after the last. */
static simlm_status next_block(struct sl_corpus_reader *r, simlm_error *err)
{
    r->block.text = NULL;
    while (r->in || r->file < r->n_paths) {
        if (!r->in)
            SL_TRY(open_file(r, err));
        SL_TRY(sl_lines_block(r->in, &r->block, BLOCK_BYTES, err));
        if (r->block.text)
            return SIMLM_OK;
        r->bytes_done += file_bytes(r->path[r->file++]);
        sl_lines_close(r->in);
        r->in = NULL;
    }
    return SIMLM_OK;
}

static simlm_status report(const struct sl_corpus_reader *r, simlm_error *err)
{
    const simlm_observer *obs = r->obs;

    sl_observe_progress(obs, "reading",
                        r->bytes_done + (r->in ? sl_lines_consumed(r->in) : 0),
                        r->bytes_total, "bytes");
    if (sl_observe_cancelled(obs))
        return sl_fail(err, SIMLM_E_CANCELLED, "stopped while reading '%s'",
                       r->path[r->in ? r->file : r->n_paths - 1]);
    return SIMLM_OK;
}

simlm_status sl_corpus_reader_next(struct sl_corpus_reader *r,
                                   struct sl_passage_block *block,
                                   simlm_error *err)
{
    int64_t n = 0, first;

    do {
        SL_TRY(next_block(r, err));
        first = rows_so_far(r);
        if (r->n_paths)
            SL_TRY(report(r, err));
        if (r->block.text)
            SL_TRY(parse_block(r, &n, err));
    } while (r->block.text && !n);
    *block = (struct sl_passage_block){r->passage, n, first};
    return SIMLM_OK;
}

simlm_status sl_corpus_hash(uint64_t *out, const char *const *path,
                            int64_t n_paths, simlm_error *err)
{
    uint64_t hash = (uint64_t)n_paths;

    for (int64_t i = 0; i < n_paths; i++) {
        uint64_t one = 0;

        if (!strcmp(path[i], "-"))
            return sl_fail(err, SIMLM_E_ARG,
                           "a corpus on standard input cannot be used here: "
                           "it is read more than once");
        SL_TRY(sl_hash64_file(&one, path[i], err));
        hash = sl_hash64(&one, sizeof one, hash);
    }
    *out = hash;
    return SIMLM_OK;
}
