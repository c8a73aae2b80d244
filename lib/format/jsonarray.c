#include "format/jsonarray.h"

#include <string.h>

#include "base/alloc.h"
#include "format/lines_source.h"

enum { READ_BYTES = 1 << 20 };

/* buf[at .. end) is text not yet looked at, or the element being given out. */
struct sl_json_array {
    struct sl_source *source;
    char *buf;
    int64_t cap;
    size_t at, end;
    int64_t line;
    bool begun, closed, ended;
};

simlm_status sl_json_array_open(struct sl_json_array **out, const char *path,
                                simlm_error *err)
{
    struct sl_json_array *a = SL_NEW(struct sl_json_array);
    simlm_status st;

    if (!a)
        return sl_fail_nomem(err, path);
    a->line = 1;
    st = sl_source_open(&a->source, path, err);
    if (st < 0)
        sl_json_array_close(a);
    else
        *out = a;
    return st;
}

void sl_json_array_close(struct sl_json_array *a)
{
    if (!a)
        return;
    sl_source_close(a->source);
    sl_free(a->buf);
    sl_free(a);
}

int64_t sl_json_array_consumed(const struct sl_json_array *a)
{
    return sl_source_consumed(a->source);
}

static simlm_status expected(const struct sl_json_array *a, const char *what,
                             simlm_error *err)
{
    return sl_fail(err, SIMLM_E_FORMAT, "%s:%lld: expected %s",
                   sl_source_path(a->source), (long long)a->line, what);
}

/* More text behind what there is from `at` on, which moves to the front. */
static simlm_status fill(struct sl_json_array *a, simlm_error *err)
{
    size_t got = 0;

    if (a->at)
        memmove(a->buf, a->buf + a->at, a->end - a->at);
    a->end -= a->at;
    a->at = 0;
    if (!sl_grow(&a->buf, &a->cap, (int64_t)(a->end + READ_BYTES), 1))
        return sl_fail_nomem(err, sl_source_path(a->source));
    SL_TRY(sl_source_read(a->source, a->buf + a->end, READ_BYTES, &got, err));
    a->ended = !got;
    a->end += got;
    return SIMLM_OK;
}

/* *c <- the next character that is no blank, not taken; 0 at the end. */
static simlm_status peek(struct sl_json_array *a, char *c, simlm_error *err)
{
    for (;;) {
        for (; a->at < a->end; a->at++) {
            *c = a->buf[a->at];
            a->line += *c == '\n';
            if (*c != ' ' && *c != '\n' && *c != '\r' && *c != '\t')
                return SIMLM_OK;
        }
        *c = '\0';
        if (a->ended)
            return SIMLM_OK;
        SL_TRY(fill(a, err));
    }
}

/* Where an element is being read. */
struct extent {
    size_t n; /* bytes of it so far */
    int depth;
    bool in_text, escaped;
};

/* Read on in what is at hand; true when the element has closed. */
static bool extend(struct extent *x, const char *text, size_t n)
{
    while (x->n < n) {
        char c = text[x->n++];

        if (x->in_text) {
            x->in_text = x->escaped || c != '"';
            x->escaped = !x->escaped && c == '\\';
        } else if (c == '"') {
            x->in_text = true;
        } else if (c == '{' || c == '[') {
            x->depth++;
        } else if ((c == '}' || c == ']') && !--x->depth) {
            return true;
        }
    }
    return false;
}

static simlm_status take_element(struct sl_json_array *a,
                                 struct sl_line *element, simlm_error *err)
{
    struct extent x = {0};

    while (!extend(&x, a->buf + a->at, a->end - a->at)) {
        if (a->ended)
            return expected(a, "the end of what begins here", err);
        if (x.n > SL_LINE_MAX)
            return expected(a, "a shorter element", err);
        SL_TRY(fill(a, err));
    }
    *element = (struct sl_line){a->buf + a->at, x.n, a->line};
    for (size_t i = 0; i < x.n; i++)
        a->line += element->text[i] == '\n';
    a->at += x.n;
    return SIMLM_OK;
}

static simlm_status take(struct sl_json_array *a, char want, const char *what,
                         simlm_error *err)
{
    char c;

    SL_TRY(peek(a, &c, err));
    if (c != want)
        return expected(a, what, err);
    a->at++;
    return SIMLM_OK;
}

/* Between elements: *more, and what stands between. */
static simlm_status take_comma(struct sl_json_array *a, bool *more,
                               simlm_error *err)
{
    char c;

    SL_TRY(peek(a, &c, err));
    *more = c != ']';
    if (*more && a->begun)
        return take(a, ',', "',' or ']'", err);
    if (*more)
        return SIMLM_OK;
    a->at++;
    a->closed = true;
    SL_TRY(peek(a, &c, err));
    return c ? expected(a, "nothing behind the array", err) : SIMLM_OK;
}

simlm_status sl_json_array_next(struct sl_json_array *a,
                                struct sl_line *element, simlm_error *err)
{
    bool more = false;
    char c;

    *element = (struct sl_line){NULL, 0, a->line};
    if (a->closed)
        return SIMLM_OK;
    if (!a->begun)
        SL_TRY(take(a, '[', "an array, '['", err));
    SL_TRY(take_comma(a, &more, err));
    a->begun = true;
    if (!more)
        return SIMLM_OK;
    SL_TRY(peek(a, &c, err));
    if (c != '{' && c != '[')
        return expected(a, "an object", err);
    return take_element(a, element, err);
}
