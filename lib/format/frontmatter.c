#include "format/frontmatter.h"

#include <string.h>

#include <yaml.h>

#include "base/alloc.h"
#include "base/file.h"

enum { MAX_BYTES = 1 << 24, MAX_NODES = 1 << 18, MAX_DEPTH = 64 };

/* ---- where it is --------------------------------------------------------- */

/* "\n" or "\r\n" at `at`: its length, else 0. */
static size_t line_end(const struct sl_front *f, size_t at)
{
    if (at < f->n && f->text[at] == '\n')
        return 1;
    return at + 1 < f->n && !memcmp(f->text + at, "\r\n", 2) ? 2 : 0;
}

static bool starts(const struct sl_front *f, size_t at, const char *with)
{
    size_t n = strlen(with);

    return n <= f->n - at && !memcmp(f->text + at, with, n);
}

static size_t next_line(const struct sl_front *f, size_t at)
{
    const char *end = at < f->n ? memchr(f->text + at, '\n', f->n - at) : NULL;

    return end ? (size_t)(end - f->text) + 1 : f->n;
}

/* "---", blanks, and the end of the line or file. */
static bool is_closing(const struct sl_front *f, size_t at)
{
    if (!starts(f, at, "---"))
        return false;
    for (at += 3; at < f->n && (f->text[at] == ' ' || f->text[at] == '\t');)
        at++;
    return at == f->n || line_end(f, at);
}

static long line_at(const struct sl_front *f, size_t at)
{
    long line = 1;

    for (size_t i = 0; i < at; i++)
        line += f->text[i] == '\n';
    return line;
}

static bool has_lone_return(const struct sl_front *f)
{
    for (size_t i = f->yaml; i < f->yaml_end; i++)
        if (f->text[i] == '\r' && !line_end(f, i))
            return true;
    return false;
}

static void set_absent(struct sl_front *f, size_t at)
{
    size_t end = next_line(f, 0);

    f->absent = true;
    f->yaml = f->yaml_end = at;
    f->eol = end > 1 && !memcmp(f->text + end - 2, "\r\n", 2) ? "\r\n" : "\n";
}

static simlm_status fail_line_ends(const struct sl_front *f, simlm_error *err)
{
    return sl_fail(err, SIMLM_E_FORMAT,
                   "%s: a line of the front matter ends with a carriage "
                   "return alone",
                   f->path);
}

static simlm_status find_yaml(struct sl_front *f, simlm_error *err)
{
    size_t start = starts(f, 0, "\xef\xbb\xbf") ? 3 : 0, at = start;

    while (at < f->n && f->text[at] && strchr(" \t\n\v\f\r", f->text[at]))
        at++;
    if (starts(f, at, "---\r") && !line_end(f, at + 3))
        return fail_line_ends(f, err);
    if (!starts(f, at, "---") || !line_end(f, at + 3)) {
        set_absent(f, start);
        return SIMLM_OK;
    }
    f->eol = line_end(f, at + 3) == 2 ? "\r\n" : "\n";
    f->yaml = at + 3 + strlen(f->eol);
    for (f->yaml_end = f->yaml; f->yaml_end < f->n;) {
        f->yaml_end = next_line(f, f->yaml_end);
        if (!is_closing(f, f->yaml_end))
            continue;
        return has_lone_return(f) ? fail_line_ends(f, err) : SIMLM_OK;
    }
    return sl_fail(err, SIMLM_E_FORMAT,
                   "%s:%ld: the front matter that begins here has no end",
                   f->path, line_at(f, at));
}

/* ---- events -------------------------------------------------------------- */

struct reader {
    yaml_parser_t parser;
    yaml_event_t event; /* the current one */
    struct sl_front *f;
    int64_t open[MAX_DEPTH]; /* lists and mappings that are not ended yet */
    int32_t depth;
    int n_documents;
    simlm_error *err;
};

static simlm_status fail_at(const struct reader *r, yaml_mark_t mark,
                            const char *what)
{
    return sl_fail(r->err, SIMLM_E_FORMAT, "%s:%ld: front matter: %s",
                   r->f->path, line_at(r->f, r->f->yaml) + (long)mark.line,
                   what);
}

/* The next event; the former one is gone. */
static simlm_status advance(struct reader *r)
{
    yaml_event_delete(&r->event);
    if (yaml_parser_parse(&r->parser, &r->event))
        return SIMLM_OK;
    memset(&r->event, 0, sizeof r->event);
    if (r->parser.error == YAML_MEMORY_ERROR)
        return sl_fail_nomem(r->err, r->f->path);
    return fail_at(r, r->parser.problem_mark,
                   r->parser.problem ? r->parser.problem : "malformed YAML");
}

/* ---- nodes --------------------------------------------------------------- */

/* A new node at the event; NULL: reported in *st. */
static struct sl_front_node *add_node(simlm_status *st, struct reader *r,
                                      enum sl_front_kind kind, bool marked)
{
    struct sl_front *f = r->f;
    struct sl_front_node *x;

    if (f->n_nodes == MAX_NODES)
        *st = fail_at(r, r->event.start_mark, "more than a card may hold");
    else if (!sl_grow(&f->node, &f->cap, f->n_nodes + 1, sizeof *f->node))
        *st = sl_fail_nomem(r->err, f->path);
    if (*st < 0)
        return NULL;
    x = &f->node[f->n_nodes++];
    *x = (struct sl_front_node){.kind = kind,
                                .marked = marked,
                                .depth = r->depth,
                                .size = 1,
                                .line = (int64_t)r->event.start_mark.line,
                                .column = (int64_t)r->event.start_mark.column};
    return x;
}

/* The first line behind what ends at the event's end.  A text of lines ("|")
 * ends at the start of the line behind it. */
static int64_t line_behind(const struct reader *r,
                           const struct sl_front_node *x)
{
    int64_t end = (int64_t)r->event.end_mark.line;

    return r->event.end_mark.column || end == x->line ? end + 1 : end;
}

/* The node is complete: what it is part of ends no sooner. */
static void close_node(struct reader *r, const struct sl_front_node *x)
{
    if (r->depth) {
        struct sl_front_node *outer = &r->f->node[r->open[r->depth - 1]];

        outer->end_line = x->end_line;
        outer->marked = outer->marked || x->marked;
    }
}

static simlm_status add_text(struct reader *r, enum sl_front_kind kind,
                             const yaml_char_t *text, size_t n, bool marked)
{
    simlm_status st = SIMLM_OK;
    struct sl_front_node *x = add_node(&st, r, kind, marked);

    if (!x)
        return st;
    x->text = r->f->texts.len;
    x->len = n;
    sl_str_add(&r->f->texts, (const char *)text, n);
    sl_str_putc(&r->f->texts, '\0');
    x->end_line = line_behind(r, x);
    close_node(r, x);
    return sl_str_ok(&r->f->texts) ? SIMLM_OK
                                   : sl_fail_nomem(r->err, r->f->path);
}

static simlm_status open_node(struct reader *r, enum sl_front_kind kind,
                              bool block, bool marked)
{
    simlm_status st = SIMLM_OK;
    struct sl_front_node *x;

    if (r->depth == MAX_DEPTH)
        return fail_at(r, r->event.start_mark, "nested too deeply");
    x = add_node(&st, r, kind, marked);
    if (!x)
        return st;
    x->block = block;
    x->end_line = x->line + 1;
    r->open[r->depth++] = x - r->f->node;
    return SIMLM_OK;
}

static void end_node(struct reader *r)
{
    struct sl_front_node *x = &r->f->node[r->open[--r->depth]];

    x->size = r->f->n_nodes - (x - r->f->node);
    if (!x->block)
        x->end_line = line_behind(r, x);
    close_node(r, x);
}

static simlm_status take_event(struct reader *r)
{
    const yaml_event_t *e = &r->event;

    switch (e->type) {
    case YAML_DOCUMENT_START_EVENT:
        return r->n_documents++ ? fail_at(r, e->start_mark, "a second document")
                                : SIMLM_OK;
    case YAML_ALIAS_EVENT:
        return add_text(r, SL_FRONT_ALIAS, e->data.alias.anchor,
                        strlen((const char *)e->data.alias.anchor), true);
    case YAML_SCALAR_EVENT:
        return add_text(r, SL_FRONT_TEXT, e->data.scalar.value,
                        e->data.scalar.length,
                        e->data.scalar.anchor || e->data.scalar.tag);
    case YAML_SEQUENCE_START_EVENT:
        return open_node(
            r, SL_FRONT_LIST,
            e->data.sequence_start.style == YAML_BLOCK_SEQUENCE_STYLE,
            e->data.sequence_start.anchor || e->data.sequence_start.tag);
    case YAML_MAPPING_START_EVENT:
        return open_node(
            r, SL_FRONT_MAP,
            e->data.mapping_start.style == YAML_BLOCK_MAPPING_STYLE,
            e->data.mapping_start.anchor || e->data.mapping_start.tag);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        end_node(r);
        return SIMLM_OK;
    default:
        return SIMLM_OK;
    }
}

static simlm_status read_nodes(struct sl_front *f, simlm_error *err)
{
    struct reader r = {.f = f, .err = err};
    simlm_status st = SIMLM_OK;

    if (!yaml_parser_initialize(&r.parser))
        return sl_fail_nomem(err, f->path);
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser,
                                 (const unsigned char *)f->text + f->yaml,
                                 f->yaml_end - f->yaml);
    while (st == SIMLM_OK && r.event.type != YAML_STREAM_END_EVENT) {
        st = advance(&r);
        if (st == SIMLM_OK)
            st = take_event(&r);
    }
    yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    return st;
}

simlm_status sl_front_read(struct sl_front *f, const char *path,
                           const char *text, size_t n, simlm_error *err)
{
    simlm_status st;

    *f = (struct sl_front){.path = path, .text = text, .n = n};
    st = find_yaml(f, err);
    return st < 0 || f->absent ? st : read_nodes(f, err);
}

simlm_status sl_front_load(struct sl_front *f, const char *path,
                           simlm_error *err)
{
    char *text;
    size_t n;
    simlm_status st;

    *f = (struct sl_front){.path = path};
    SL_TRY(sl_file_read(&text, &n, path, MAX_BYTES, err));
    st = sl_front_read(f, path, text, n, err);
    f->owned = text;
    return st;
}

void sl_front_free(struct sl_front *f)
{
    sl_free(f->node);
    sl_free(f->owned);
    sl_str_free(&f->texts);
}

/* ---- looking ------------------------------------------------------------- */

static bool is_kind(const struct sl_front *f, int64_t i,
                    enum sl_front_kind kind)
{
    return i >= 0 && i < f->n_nodes && f->node[i].kind == kind;
}

const char *sl_front_text(const struct sl_front *f, int64_t i)
{
    return f->texts.s + f->node[i].text;
}

bool sl_front_is_text(const struct sl_front *f, int64_t i, const char *want)
{
    return is_kind(f, i, SL_FRONT_TEXT) &&
           (!want || (strlen(want) == f->node[i].len &&
                      !memcmp(want, sl_front_text(f, i), f->node[i].len)));
}

/* The one behind i in the same list or mapping, or -1. */
static int64_t behind(const struct sl_front *f, int64_t outer, int64_t i)
{
    int64_t next = i + f->node[i].size;

    return next < outer + f->node[outer].size ? next : -1;
}

int64_t sl_front_find(const struct sl_front *f, int64_t map, const char *key)
{
    int64_t found = -1, value;

    if (!is_kind(f, map, SL_FRONT_MAP))
        return -1;
    for (int64_t k = f->node[map].size > 1 ? map + 1 : -1; k >= 0;
         k = behind(f, map, value)) {
        value = k + f->node[k].size;
        if (!sl_front_is_text(f, k, key))
            continue;
        if (found >= 0)
            return -2;
        found = value;
    }
    return found;
}

int64_t sl_front_first(const struct sl_front *f, int64_t list)
{
    return is_kind(f, list, SL_FRONT_LIST) && f->node[list].size > 1 ? list + 1
                                                                     : -1;
}

int64_t sl_front_next(const struct sl_front *f, int64_t list, int64_t item)
{
    return behind(f, list, item);
}

long sl_front_line(const struct sl_front *f, int64_t i)
{
    return line_at(f, f->yaml) + (long)f->node[i].line;
}

/* ---- places -------------------------------------------------------------- */

/* YAML's line ends are more than a file's. */
static size_t yaml_break(const struct sl_front *f, size_t at)
{
    if (line_end(f, at))
        return line_end(f, at);
    if (starts(f, at, "\xc2\x85"))
        return 2;
    return starts(f, at, "\xe2\x80\xa8") || starts(f, at, "\xe2\x80\xa9") ? 3
                                                                          : 0;
}

/* Where YAML's line, from 0, begins. */
static size_t line_start(const struct sl_front *f, int64_t line)
{
    size_t at = f->yaml;

    while (line && at < f->yaml_end) {
        size_t n = yaml_break(f, at);

        at += n ? n : 1;
        line -= n > 0;
    }
    return at;
}

simlm_status sl_front_at_end(struct sl_front_place *p, const struct sl_front *f,
                             simlm_error *err)
{
    const struct sl_front_node *root = f->node;

    if (f->n_nodes &&
        (root->kind != SL_FRONT_MAP || !root->block || root->column))
        return sl_fail(err, SIMLM_E_FORMAT,
                       "%s:%ld: front matter: expected a name and a colon at "
                       "the start of the line",
                       f->path, sl_front_line(f, 0));
    *p = (struct sl_front_place){f->yaml_end, f->yaml_end, f->n_nodes, 0, 0};
    return SIMLM_OK;
}

/* Blanks before the "-" that the item's line begins with, or -1. */
static int item_indent(const struct sl_front *f, int64_t item)
{
    const struct sl_front_node *x = &f->node[item];
    const char *line = f->text + line_start(f, x->line);
    size_t n = strspn(line, " ");

    if (!x->block || line[n] != '-' || strspn(line + n + 1, " ") == 0 ||
        (int64_t)(n + 1 + strspn(line + n + 1, " ")) != x->column || n > 64)
        return -1;
    return (int)n;
}

static int64_t last_item(const struct sl_front *f, int64_t list)
{
    int64_t last = -1;

    for (int64_t i = sl_front_first(f, list); i >= 0;
         i = sl_front_next(f, list, i))
        last = i;
    return last;
}

simlm_status sl_front_at_item(struct sl_front_place *p,
                              const struct sl_front *f, int64_t list,
                              int64_t item, simlm_error *err)
{
    int64_t model = item >= 0 ? item : last_item(f, list);
    int indent = model >= 0 && f->node[list].block ? item_indent(f, model) : -1;
    size_t end;

    if (indent < 0)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "%s:%ld: front matter: expected a list of lines that "
                       "begin with '- '",
                       f->path, sl_front_line(f, list));
    end = line_start(f, f->node[model].end_line);
    *p =
        (struct sl_front_place){end, end, list + f->node[list].size, 0, indent};
    if (item >= 0) {
        p->from = line_start(f, f->node[item].line);
        p->node = item;
        p->n_nodes = f->node[item].size;
    }
    return SIMLM_OK;
}

/* ---- putting ------------------------------------------------------------- */

void sl_front_add_lines(struct sl_str *out, const struct sl_front *f,
                        const char *text)
{
    for (size_t n; *text; text += n + (text[n] == '\n')) {
        n = strcspn(text, "\n");
        sl_str_add(out, text, n);
        if (text[n])
            sl_str_puts(out, f->eol);
    }
}

static bool same_node(const struct sl_front *a, int64_t i,
                      const struct sl_front *b, int64_t k)
{
    const struct sl_front_node *x = &a->node[i], *y = &b->node[k];

    return x->kind == y->kind && x->depth == y->depth &&
           x->marked == y->marked && x->len == y->len &&
           !memcmp(sl_str_c(&a->texts) + x->text, sl_str_c(&b->texts) + y->text,
                   x->len);
}

/* Is b as a but for what is in that place?  As nodes have their depths, it is
 * enough that those before and behind it are the same. */
static bool same_elsewhere(const struct sl_front *a, const struct sl_front *b,
                           const struct sl_front_place *p)
{
    int64_t behind_a = p->node + p->n_nodes, n = a->n_nodes - behind_a;
    int64_t behind_b = b->n_nodes - n;

    if (behind_b <= p->node)
        return false;
    for (int64_t i = 0; i < p->node; i++)
        if (!same_node(a, i, b, i))
            return false;
    for (int64_t i = 0; i < n; i++)
        if (!same_node(a, behind_a + i, b, behind_b + i))
            return false;
    return true;
}

static simlm_status check(const struct sl_front *f, const struct sl_str *out,
                          const struct sl_front_place *p, simlm_error *err)
{
    struct sl_front made;
    simlm_status st = sl_front_read(&made, f->path, out->s, out->len, err);

    if (st == SIMLM_OK && !same_elsewhere(f, &made, p))
        st = sl_fail(err, SIMLM_E_FORMAT,
                     "%s:%ld: front matter: nothing can be put in here without "
                     "a change to the rest",
                     f->path, line_at(f, p->from));
    sl_front_free(&made);
    return st;
}

simlm_status sl_front_put(struct sl_str *out, const struct sl_front *f,
                          const struct sl_front_place *p, const char *text,
                          simlm_error *err)
{
    sl_str_add(out, f->text, p->from);
    if (f->absent)
        sl_front_add_lines(out, f, "---\n");
    sl_front_add_lines(out, f, text);
    if (f->absent)
        sl_front_add_lines(out, f, "---\n\n");
    sl_str_add(out, f->text + p->to, f->n - p->to);
    return sl_str_ok(out) ? check(f, out, p, err) : sl_fail_nomem(err, f->path);
}
