/*
 * format/frontmatter.h - the YAML at the head of a Markdown file, and putting
 * something into it.
 *
 *     ---
 *     tags:
 *     - simlm
 *     ---
 *
 *     # A model card
 *
 * People and several programs write into such a file, so it is never written
 * anew from what was understood: whole lines are put in or replaced, and every
 * other byte stays, comments and line ends too.  libyaml, which no other file
 * of the library sees, tells in which lines the parts are; and it judges the
 * result: sl_front_put() reads what it has made, and refuses to have made it
 * if any other part is not what it was.
 *
 * What is front matter is what Hugging Face's hub takes for it: a first line
 * "---" (blank lines may stand before it), up to the next line "---", which is
 * not the one right behind it.
 */
#ifndef SL_FORMAT_FRONTMATTER_H
#define SL_FORMAT_FRONTMATTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

enum sl_front_kind {
    SL_FRONT_TEXT,
    SL_FRONT_ALIAS,
    SL_FRONT_LIST,
    SL_FRONT_MAP
};

/* Nodes lie in the order of the text, the inner ones behind their own; in a
 * mapping keys and values alternate. */
struct sl_front_node {
    enum sl_front_kind kind;
    bool block;  /* a list or mapping in lines of its own, not in brackets */
    bool marked; /* it, or one in it, is an alias, or has an anchor or a tag */
    int32_t depth;
    int64_t size;         /* nodes: itself and the inner ones */
    size_t text, len;     /* private: in texts */
    int64_t line, column; /* from 0, in the YAML */
    int64_t end_line;     /* the first one behind it */
};

struct sl_front {
    const char *path; /* for messages */
    const char *text; /* [n] the file, and a NUL */
    size_t n;
    const char *eol;       /* its line end: "\n" or "\r\n" */
    size_t yaml, yaml_end; /* where the YAML is: whole lines */
    bool absent;           /* there is none; it would be at `yaml` */
    struct sl_front_node *node;
    int64_t n_nodes, cap; /* 0 nodes: nothing but comments */
    struct sl_str texts;
    char *owned;
};

/*
 * Read the file.  path stays the caller's.  sl_front_free() it in any case.
 *
 *   E_IO, E_NOMEM
 *   E_RANGE   larger than 16 MiB
 *   E_FORMAT  the front matter has no end, is no YAML, is more than a card has
 */
simlm_status sl_front_load(struct sl_front *f, const char *path,
                           simlm_error *err);
/* The same of a text that is there already, and stays the caller's. */
simlm_status sl_front_read(struct sl_front *f, const char *path,
                           const char *text, size_t n, simlm_error *err);
void sl_front_free(struct sl_front *f);

/* The value of that key; -1: there is none, -2: more than one. */
int64_t sl_front_find(const struct sl_front *f, int64_t map, const char *key);

/* Is there a node (i >= 0), is it a text, and that one?  want NULL: any. */
bool sl_front_is_text(const struct sl_front *f, int64_t i, const char *want);
const char *sl_front_text(const struct sl_front *f, int64_t i);

/* Items of a list: the first, the next one; -1: there is no more. */
int64_t sl_front_first(const struct sl_front *f, int64_t list);
int64_t sl_front_next(const struct sl_front *f, int64_t list, int64_t item);

/* The node's line in the file, from 1. */
long sl_front_line(const struct sl_front *f, int64_t i);

/* Whole lines that something is to take the place of; none (from == to): it is
 * put before them. */
struct sl_front_place {
    size_t from, to;
    int64_t node, n_nodes; /* what of the nodes goes */
    int indent;            /* blanks before the "-" of an item */
};

/* Behind all keys.  E_FORMAT: the YAML is no mapping in lines. */
simlm_status sl_front_at_end(struct sl_front_place *p, const struct sl_front *f,
                             simlm_error *err);

/* The item's lines, or behind the last item if it is -1.  E_FORMAT: the list
 * is empty or in brackets, or an item shares its line with others. */
simlm_status sl_front_at_item(struct sl_front_place *p,
                              const struct sl_front *f, int64_t list,
                              int64_t item, simlm_error *err);

/*
 * Append to out the file with the lines of text (ended by "\n"; they get the
 * file's line end) in that place, front matter made around them if there was
 * none.
 *
 *   E_FORMAT  that would be no YAML, or change other parts
 *   E_NOMEM
 */
simlm_status sl_front_put(struct sl_str *out, const struct sl_front *f,
                          const struct sl_front_place *p, const char *text,
                          simlm_error *err);

/* Append lines ended by "\n" with the file's line ends. */
void sl_front_add_lines(struct sl_str *out, const struct sl_front *f,
                        const char *text);

#endif
