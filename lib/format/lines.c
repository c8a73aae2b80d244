#include "format/lines.h"

#include <string.h>

#include "base/alloc.h"
#include "format/lines_source.h"

enum { READ_BYTES = 1 << 16 };

/*
 * buf[begin .. end) is text not yet given out.  Two bytes of room are kept
 * behind it, for the LF that a last line may lack and for a NUL.
 */
struct sl_lines {
    struct sl_source *source;
    char *buf;
    int64_t cap;
    size_t begin, end;
    bool ended;     /* the source has no more */
    int64_t number; /* of the last line given out */
    char *borrowed; /* where a block's NUL stands for the character below */
    char lent;
};

simlm_status sl_lines_open(struct sl_lines **out, const char *path,
                           simlm_error *err)
{
    simlm_status st;
    struct sl_lines *in = SL_NEW(struct sl_lines);

    if (!in)
        return sl_fail_nomem(err, path);
    st = sl_source_open(&in->source, path, err);
    if (st < 0)
        sl_lines_close(in);
    else
        *out = in;
    return st;
}

void sl_lines_close(struct sl_lines *in)
{
    if (!in)
        return;
    sl_source_close(in->source);
    sl_free(in->buf);
    sl_free(in);
}

const char *sl_lines_path(const struct sl_lines *in)
{
    return sl_source_path(in->source);
}

int64_t sl_lines_consumed(const struct sl_lines *in)
{
    return sl_source_consumed(in->source);
}

/*
 * Read on until the buffer holds `need` bytes or the text ends.  It grows as
 * text comes, not by what is asked for: most files are small.
 */
static simlm_status fill(struct sl_lines *in, size_t need, simlm_error *err)
{
    size_t got;

    if (in->begin) {
        memmove(in->buf, in->buf + in->begin, in->end - in->begin);
        in->end -= in->begin;
        in->begin = 0;
    }
    if (!sl_grow(&in->buf, &in->cap, 3, 1))
        return sl_fail_nomem(err, sl_lines_path(in));
    while (!in->ended && in->end < need) {
        if (!sl_grow(&in->buf, &in->cap, (int64_t)(in->end + READ_BYTES + 2),
                     1))
            return sl_fail_nomem(err, sl_lines_path(in));
        SL_TRY(sl_source_read(in->source, in->buf + in->end,
                              (size_t)in->cap - in->end - 2, &got, err));
        in->ended = got == 0;
        in->end += got;
    }
    return SIMLM_OK;
}

/* Before the first line: drop a byte order mark.  After a block: pay back. */
static simlm_status begin(struct sl_lines *in, simlm_error *err)
{
    if (in->borrowed)
        *in->borrowed = in->lent;
    in->borrowed = NULL;
    if (in->number || in->begin)
        return SIMLM_OK;
    SL_TRY(fill(in, 3, err));
    if (in->end >= 3 && !memcmp(in->buf, "\xef\xbb\xbf", 3))
        in->begin = 3;
    return SIMLM_OK;
}

/*
 * *len <- the bytes up to and with the first LF at or after buf[begin + from].
 * The last line gets one if it has none.  0: no line is left.
 */
static simlm_status find_end(struct sl_lines *in, size_t from, size_t *len,
                             simlm_error *err)
{
    for (;;) {
        size_t have = in->end - in->begin;
        const char *lf = NULL;

        if (have > from)
            lf = memchr(in->buf + in->begin + from, '\n', have - from);
        if (!lf && in->ended && have) {
            in->buf[in->end++] = '\n';
            *len = have + 1;
            return SIMLM_OK;
        }
        if (lf || in->ended) {
            *len = lf ? (size_t)(lf + 1 - (in->buf + in->begin)) : 0;
            return SIMLM_OK;
        }
        if (have > SL_LINE_MAX)
            return sl_fail(err, SIMLM_E_FORMAT,
                           "%s:%lld: expected a line of at most %zu MiB",
                           sl_lines_path(in), (long long)in->number + 1,
                           SL_LINE_MAX >> 20);
        from = have;
        SL_TRY(fill(in, have + 1, err));
    }
}

simlm_status sl_lines_next(struct sl_lines *in, struct sl_line *line,
                           simlm_error *err)
{
    size_t len;

    SL_TRY(begin(in, err));
    SL_TRY(find_end(in, 0, &len, err));
    if (!len) {
        *line = (struct sl_line){NULL, 0, in->number + 1};
        return SIMLM_OK;
    }
    *line = (struct sl_line){in->buf + in->begin, len - 1, ++in->number};
    in->begin += len;
    if (line->len && line->text[line->len - 1] == '\r')
        line->len--;
    line->text[line->len] = '\0';
    return SIMLM_OK;
}

static int64_t count_lines(const char *text, size_t len)
{
    int64_t n = 0;

    for (size_t i = 0; i < len; i++)
        n += text[i] == '\n';
    return n;
}

/* Where text[0 .. n) has its last LF, plus one; 0: it has none. */
static size_t last_end(const char *text, size_t n)
{
    while (n && text[n - 1] != '\n')
        n--;
    return n;
}

simlm_status sl_lines_block(struct sl_lines *in, struct sl_line *block,
                            size_t want, simlm_error *err)
{
    size_t have, len;

    SL_TRY(begin(in, err));
    /* One more than wanted, so that the end is known if it lies within. */
    if (in->end - in->begin <= want && !in->ended)
        SL_TRY(fill(in, want + 1, err));
    have = in->end - in->begin;
    len = last_end(in->buf + in->begin, have < want ? have : want);
    if (!len || have <= want)
        SL_TRY(find_end(in, len ? have - 1 : 0, &len, err));
    if (!len) {
        *block = (struct sl_line){NULL, 0, in->number + 1};
        return SIMLM_OK;
    }
    *block = (struct sl_line){in->buf + in->begin, len, in->number + 1};
    in->number += count_lines(block->text, len);
    in->begin += len;
    in->borrowed = block->text + len;
    in->lent = *in->borrowed;
    *in->borrowed = '\0';
    return SIMLM_OK;
}
