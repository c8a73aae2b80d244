#include "recipe_yaml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <yaml.h>

enum { MAX_DEPTH = 16, MAX_NODES = 10000, MAX_BYTES = 1 << 20 };

struct reader {
    yaml_parser_t parser;
    yaml_event_t event; /* the current one */
    struct pool *pool;
    const char *path;
    int n_nodes;
    simlm_error *err;
};

simlm_status recipe_fail(simlm_error *err, const char *path, long line,
                         const char *fmt, ...)
{
    int n = snprintf(err->msg, sizeof err->msg, "%s:%ld: ", path, line);
    va_list ap;

    va_start(ap, fmt);
    if (n > 0 && (size_t)n < sizeof err->msg)
        vsnprintf(err->msg + n, sizeof err->msg - (size_t)n, fmt, ap);
    va_end(ap);
    return err->code = SIMLM_E_FORMAT;
}

struct node *node_child(const struct node *map, const char *key)
{
    for (struct node *c = map->first; c; c = c->next)
        if (c->key && !strcmp(c->key, key))
            return c;
    return NULL;
}

static long line_of(yaml_mark_t mark)
{
    return (long)mark.line + 1;
}

static simlm_status fail_here(struct reader *r, const char *what)
{
    return recipe_fail(r->err, r->path, line_of(r->event.start_mark), "%s",
                       what);
}

/* ---- events -------------------------------------------------------------- */

/* The next event in r->event; the former one is gone. */
static simlm_status advance(struct reader *r)
{
    yaml_event_delete(&r->event);
    if (yaml_parser_parse(&r->parser, &r->event))
        return SIMLM_OK;
    memset(&r->event, 0, sizeof r->event);
    return recipe_fail(r->err, r->path, line_of(r->parser.problem_mark), "%s",
                       r->parser.problem ? r->parser.problem
                                         : "malformed YAML");
}

static simlm_status refuse_extras(struct reader *r, const yaml_char_t *anchor,
                                  const yaml_char_t *tag)
{
    if (anchor)
        return fail_here(r, "anchors (&name) are not allowed in a recipe");
    if (tag)
        return fail_here(r, "tags (!name) are not allowed in a recipe");
    return SIMLM_OK;
}

/* ---- nodes --------------------------------------------------------------- */

static simlm_status read_node(struct node **out, struct reader *r, int depth);

static simlm_status new_node(struct node **out, struct reader *r,
                             enum node_kind kind)
{
    if (++r->n_nodes > MAX_NODES)
        return fail_here(r, "more than a recipe may hold");
    *out = POOL_NEW(r->pool, struct node);
    (*out)->kind = kind;
    (*out)->line = line_of(r->event.start_mark);
    return SIMLM_OK;
}

static simlm_status read_text(struct node **out, struct reader *r)
{
    const char *text = (const char *)r->event.data.scalar.value;
    size_t n = r->event.data.scalar.length;
    bool plain = r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    simlm_status st =
        refuse_extras(r, r->event.data.scalar.anchor, r->event.data.scalar.tag);

    if (st == SIMLM_OK && memchr(text, '\0', n))
        st = fail_here(r, "a text holds a NUL character");
    if (st == SIMLM_OK)
        st = new_node(out, r, NODE_TEXT);
    if (st < 0)
        return st;
    (*out)->null = plain && (!n || !strcmp(text, "~") || !strcmp(text, "null"));
    (*out)->text = (*out)->null ? "" : pool_text(r->pool, text, n);
    return SIMLM_OK;
}

static void append(struct node *parent, struct node **last, struct node *child)
{
    if (*last)
        (*last)->next = child;
    else
        parent->first = child;
    *last = child;
    parent->n++;
}

static simlm_status read_list(struct node **out, struct reader *r, int depth)
{
    struct node *last = NULL, *child;
    simlm_status st = refuse_extras(r, r->event.data.sequence_start.anchor,
                                    r->event.data.sequence_start.tag);

    if (st == SIMLM_OK)
        st = new_node(out, r, NODE_LIST);
    if (st == SIMLM_OK)
        st = advance(r);
    while (st == SIMLM_OK && r->event.type != YAML_SEQUENCE_END_EVENT) {
        st = read_node(&child, r, depth + 1);
        if (st == SIMLM_OK) {
            append(*out, &last, child);
            st = advance(r);
        }
    }
    return st;
}

/* The key in r->event, new in the mapping. */
static simlm_status read_key(const char **key, const struct node *map,
                             struct reader *r)
{
    struct node *text;
    simlm_status st;

    if (r->event.type != YAML_SCALAR_EVENT)
        return fail_here(r, "expected a name and a colon");
    st = read_text(&text, r);
    if (st < 0)
        return st;
    if (!*text->text)
        return fail_here(r, "a name is empty");
    if (node_child(map, text->text))
        return recipe_fail(r->err, r->path, text->line,
                           "'%s' is here twice, first in line %ld", text->text,
                           node_child(map, text->text)->line);
    *key = text->text;
    return SIMLM_OK;
}

static simlm_status read_map(struct node **out, struct reader *r, int depth)
{
    struct node *last = NULL, *child;
    const char *key = NULL;
    simlm_status st = refuse_extras(r, r->event.data.mapping_start.anchor,
                                    r->event.data.mapping_start.tag);

    if (st == SIMLM_OK)
        st = new_node(out, r, NODE_MAP);
    if (st == SIMLM_OK)
        st = advance(r);
    while (st == SIMLM_OK && r->event.type != YAML_MAPPING_END_EVENT) {
        long line = line_of(r->event.start_mark);

        st = read_key(&key, *out, r);
        if (st == SIMLM_OK)
            st = advance(r);
        if (st == SIMLM_OK)
            st = read_node(&child, r, depth + 1);
        if (st < 0)
            return st;
        child->key = key;
        child->line = line;
        append(*out, &last, child);
        st = advance(r);
    }
    return st;
}

static simlm_status read_node(struct node **out, struct reader *r, int depth)
{
    if (depth > MAX_DEPTH)
        return fail_here(r, "nested too deeply for a recipe");
    switch (r->event.type) {
    case YAML_SCALAR_EVENT:
        return read_text(out, r);
    case YAML_SEQUENCE_START_EVENT:
        return read_list(out, r, depth);
    case YAML_MAPPING_START_EVENT:
        return read_map(out, r, depth);
    case YAML_ALIAS_EVENT:
        return fail_here(r, "aliases (*name) are not allowed in a recipe");
    default:
        return fail_here(r, "expected a text, a list or a mapping");
    }
}

/* ---- the file ------------------------------------------------------------ */

/* Stream, one document, its node, and nothing behind it. */
static simlm_status read_document(struct node **root, struct reader *r)
{
    simlm_status st = advance(r);

    if (st == SIMLM_OK)
        st = advance(r);
    if (st == SIMLM_OK && r->event.type != YAML_DOCUMENT_START_EVENT)
        st = fail_here(r, "the recipe is empty");
    if (st == SIMLM_OK)
        st = advance(r);
    if (st == SIMLM_OK)
        st = read_node(root, r, 0);
    if (st == SIMLM_OK)
        st = advance(r);
    if (st == SIMLM_OK)
        st = advance(r);
    if (st == SIMLM_OK && r->event.type != YAML_STREAM_END_EVENT)
        st = fail_here(r, "a second document in one recipe");
    return st;
}

static simlm_status fail_io(simlm_error *err, const char *path)
{
    snprintf(err->msg, sizeof err->msg, "cannot read '%s': %s", path,
             strerror(errno));
    return err->code = SIMLM_E_IO;
}

/* The whole file into the pool. */
static simlm_status load(const char **bytes, size_t *n, struct pool *p,
                         const char *path, simlm_error *err)
{
    FILE *f = fopen(path, "rb");
    char *room;
    bool failed;

    if (!f)
        return fail_io(err, path);
    room = pool_take(p, MAX_BYTES + 1, 1);
    *n = fread(room, 1, MAX_BYTES + 1, f);
    failed = ferror(f);
    if (failed)
        fail_io(err, path);
    fclose(f);
    *bytes = room;
    if (!failed && *n > MAX_BYTES)
        return recipe_fail(err, path, 1, "larger than a recipe may be");
    return failed ? SIMLM_E_IO : SIMLM_OK;
}

simlm_status recipe_yaml_read(struct node **root, struct pool *p,
                              const char *path, simlm_error *err)
{
    struct reader r = {.pool = p, .path = path, .err = err};
    const char *bytes;
    size_t n;
    simlm_status st = load(&bytes, &n, p, path, err);

    if (st < 0)
        return st;
    if (!yaml_parser_initialize(&r.parser))
        return recipe_fail(err, path, 1, "no memory to read it");
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)bytes, n);
    st = read_document(root, &r);
    yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    return st;
}
