/* simlm tokenize: lines in, {"ids":[..],"type_ids":[..]} lines out. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/observe.h"
#include "base/str.h"
#include "format/json.h"
#include "format/lines.h"
#include "text/encoding.h"

/* Far quicker than printf, which would be most of the work. */
static void put_number(struct sl_str *s, int32_t x)
{
    char digits[12];
    int at = (int)sizeof digits;

    SL_ASSERT(x >= 0);
    do {
        digits[--at] = (char)('0' + x % 10);
        x /= 10;
    } while (x);
    sl_str_add(s, digits + at, sizeof digits - (size_t)at);
}

static void put_numbers(struct sl_str *s, const struct sl_id_list *x)
{
    sl_str_putc(s, '[');
    for (int64_t i = 0; i < x->n; i++) {
        if (i)
            sl_str_putc(s, ',');
        put_number(s, x->id[i]);
    }
    sl_str_putc(s, ']');
}

/* What a line says: the texts point into the line or the document. */
struct request {
    struct sl_json_doc *doc;
    const char *text, *pair;
    size_t text_len, pair_len;
};

static simlm_status read_request(struct request *r, const struct sl_line *line,
                                 bool jsonl, const char *path, simlm_error *err)
{
    struct sl_json root;

    *r = (struct request){.text = line->text, .text_len = line->len};
    if (!jsonl)
        return SIMLM_OK;
    SL_TRY(
        sl_json_parse(&r->doc, line->text, line->len, path, line->number, err));
    root = sl_json_root(r->doc);
    if (sl_json_kind(root) != SL_JSON_OBJECT)
        return sl_json_fail(root, NULL, "an object with \"text\"", err);
    SL_TRY(sl_json_need_text(root, "text", &r->text, &r->text_len, err));
    return sl_json_opt_text(root, "pair", &r->pair, &r->pair_len, err);
}

static simlm_status do_line(const struct sl_tokenizer *t, struct sl_encoding *e,
                            struct sl_str *s, const struct sl_line *line,
                            const simlm_tokenize_options *o, const char *path,
                            simlm_error *err)
{
    struct request r;
    char where[300];
    simlm_status st = read_request(&r, line, o->jsonl, path, err);

    snprintf(where, sizeof where, "%.250s:%lld: ", path,
             (long long)line->number);
    if (st == SIMLM_OK)
        st = sl_encoding_make(e, t, r.text, r.text_len, r.pair, r.pair_len,
                              &o->encode, where, err);
    sl_json_free(r.doc);
    if (st < 0)
        return st;
    sl_str_clear(s);
    sl_str_puts(s, "{\"ids\":");
    put_numbers(s, &e->ids);
    sl_str_puts(s, ",\"type_ids\":");
    put_numbers(s, &e->types);
    sl_str_puts(s, "}\n");
    return sl_str_ok(s) ? SIMLM_OK : sl_fail_nomem(err, "a line of output");
}

static simlm_status tell(const simlm_observer *obs, int64_t lines,
                         simlm_error *err)
{
    sl_observe_progress(obs, "tokenizing", lines, 0, "lines");
    if (sl_observe_cancelled(obs))
        return sl_fail(err, SIMLM_E_CANCELLED, "stopped on request");
    return SIMLM_OK;
}

static simlm_status do_lines(const struct sl_tokenizer *t, struct sl_lines *in,
                             FILE *out, const simlm_tokenize_options *o,
                             const simlm_observer *obs, simlm_error *err)
{
    struct sl_encoding e = {0};
    struct sl_str s = {0};
    struct sl_line line;
    simlm_status st;

    while ((st = sl_lines_next(in, &line, err)) == SIMLM_OK && line.text) {
        st = tell(obs, line.number - 1, err);
        if (st == SIMLM_OK)
            st = do_line(t, &e, &s, &line, o, sl_lines_path(in), err);
        if (st < 0)
            break;
        /* A reader that went away is noticed here, not after the last line. */
        if (fwrite(sl_str_c(&s), 1, s.len, out) != s.len) {
            st = sl_fail_errno(err, "write", o->output);
            break;
        }
    }
    sl_encoding_free(&e);
    sl_str_free(&s);
    return st;
}

simlm_status sl_tokenize_file(const simlm_tokenize_options *options,
                              const simlm_observer *observer, simlm_error *err)
{
    struct sl_tokenizer *t = NULL;
    struct sl_lines *in = NULL;
    struct sl_out out = {0};
    simlm_status st = sl_tokenizer_open(&t, options->model, err);

    if (st == SIMLM_OK)
        st = sl_lines_open(&in, options->input, err);
    if (st == SIMLM_OK)
        st = sl_out_open(&out, options->output, err);
    if (st == SIMLM_OK)
        st = do_lines(t, in, out.f, options, observer, err);
    if (st == SIMLM_OK)
        st = sl_out_commit(&out, err);
    else
        sl_out_abort(&out);
    sl_lines_close(in);
    sl_tokenizer_close(t);
    return st;
}
