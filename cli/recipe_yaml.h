/*
 * recipe_yaml.h - the YAML of recipes: mappings, lists, texts, and nothing
 * else.
 *
 * The only file that knows libyaml.  What YAML has beyond that is refused:
 * anchors and aliases (a short file may stand for a huge one), tags, several
 * documents, keys that are no plain texts, a key twice.  All scalars are texts,
 * so "no" is the word no, whoever reads it.
 */
#ifndef CLI_RECIPE_YAML_H
#define CLI_RECIPE_YAML_H

#include <stdbool.h>

#include <simlm/status.h>

#include "pool.h"

enum node_kind { NODE_TEXT, NODE_LIST, NODE_MAP };

struct node {
    enum node_kind kind;
    long line;
    const char *key;           /* in a mapping; else NULL */
    const char *text;          /* of a text; "" for nothing at all */
    bool null;                 /* nothing, or a plain ~ */
    struct node *first, *next; /* children; the next one of the parent's */
    int n;                     /* children */
    bool used;                 /* for whoever wants to know what was not */
};

/*
 * *root <- what the file holds, in p's memory.
 *
 *   E_IO      it cannot be read
 *   E_FORMAT  malformed, or more than a recipe may hold; msg has file:line
 */
simlm_status recipe_yaml_read(struct node **root, struct pool *p,
                              const char *path, simlm_error *err);

/* "file:line: <message>" into err; returns E_FORMAT. */
simlm_status recipe_fail(simlm_error *err, const char *path, long line,
                         const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* The child of that key, or NULL. */
struct node *node_child(const struct node *map, const char *key);

#endif
