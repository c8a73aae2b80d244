/* recipe_text.c - names in a recipe: variables, stages, and the words known. */
#include <ctype.h>
#include <string.h>

#include "recipe.h"
#include "suggest.h"

enum { MAX_TEXT = 65536 };

static bool is_name_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-';
}

bool recipe_name_ok(const char *name)
{
    if (!isalpha((unsigned char)*name) || strlen(name) > 100)
        return false;
    while (is_name_char(*name))
        name++;
    return !*name;
}

static const struct symbol *find_symbol(const struct recipe *r,
                                        const char *name)
{
    for (const struct symbol *s = r->symbols; s; s = s->next)
        if (!strcmp(s->name, name))
            return s;
    return NULL;
}

simlm_status recipe_define(struct recipe *r, const char *name,
                           const char *value, long line, simlm_error *err)
{
    struct symbol *s;

    if (!recipe_name_ok(name))
        return RECIPE_FAIL(r, line,
                           "'%.100s': a name is of letters, digits, _ and -, "
                           "a letter first",
                           name);
    if (find_symbol(r, name))
        return RECIPE_FAIL(r, line, "'%s' is the name of something else", name);
    s = POOL_NEW(&r->pool, struct symbol);
    *s = (struct symbol){name, value, r->symbols};
    r->symbols = s;
    return SIMLM_OK;
}

static simlm_status fail_unknown(struct recipe *r, const char *name, long line,
                                 simlm_error *err)
{
    const struct node *stages = node_child(r->root, "stages");
    struct suggestion near = {.typed = name};

    if (stages && stages->kind == NODE_MAP && node_child(stages, name))
        return RECIPE_FAIL(r, line, "$%s: that stage must stand before this",
                           name);
    for (const struct symbol *s = r->symbols; s; s = s->next)
        suggestion_offer(&near, s->name);
    if (suggestion_best(&near))
        return RECIPE_FAIL(r, line,
                           "$%s: no variable and no stage; did you mean $%s?",
                           name, suggestion_best(&near));
    return RECIPE_FAIL(r, line, "$%s: no variable and no stage before this",
                       name);
}

/* What stands behind a dollar sign: its value, and *at behind it. */
static simlm_status expand_one(const char **value, const char **at,
                               struct recipe *r, const struct node *node,
                               simlm_error *err)
{
    const char *start = *at, *end;
    bool braced = *start == '{';
    const struct symbol *s;
    const char *name;

    if (*start == '$') {
        *value = "$";
        *at = start + 1;
        return SIMLM_OK;
    }
    start += braced;
    for (end = start; is_name_char(*end);)
        end++;
    if (end == start || (braced && *end != '}'))
        return RECIPE_FAIL(r, node->line,
                           "'%.100s': expected $name, ${name} or $$",
                           node->text);
    name = pool_text(&r->pool, start, (size_t)(end - start));
    s = find_symbol(r, name);
    if (!s)
        return fail_unknown(r, name, node->line, err);
    *value = s->value;
    *at = end + braced;
    return SIMLM_OK;
}

simlm_status recipe_expand(const char **out, struct recipe *r,
                           const struct node *node, simlm_error *err)
{
    const char *at = node->text, *value = "";
    char text[MAX_TEXT];
    size_t n = 0, m;

    if (node->kind != NODE_TEXT)
        return RECIPE_FAIL(r, node->line, "expected one text");
    while (*at) {
        if (*at == '$') {
            simlm_status st;

            at++;
            st = expand_one(&value, &at, r, node, err);
            if (st < 0)
                return st;
            m = strlen(value);
        } else {
            m = strcspn(at, "$");
            value = at;
            at += m;
        }
        if (m >= sizeof text - n)
            return RECIPE_FAIL(r, node->line, "the text becomes too long");
        memcpy(text + n, value, m);
        n += m;
    }
    *out = pool_text(&r->pool, text, n);
    return SIMLM_OK;
}

simlm_status recipe_check_keys(struct recipe *r, const struct node *map,
                               const char *names, simlm_error *err)
{
    char name[64];

    for (const struct node *c = map->first; c; c = c->next) {
        struct suggestion near = {.typed = c->key};
        bool known = false;

        for (int i = 0; option_choice(name, sizeof name, names, i); i++)
            known = known || !strcmp(name, c->key);
        if (known)
            continue;
        for (int i = 0; option_choice(name, sizeof name, names, i); i++)
            suggestion_offer(&near, pool_text(&r->pool, name, strlen(name)));
        if (suggestion_best(&near))
            return RECIPE_FAIL(r, c->line, "'%s': did you mean '%s'?", c->key,
                               suggestion_best(&near));
        return RECIPE_FAIL(r, c->line, "'%s': expected one of %s", c->key,
                           names);
    }
    return SIMLM_OK;
}

simlm_status recipe_child(struct node **out, struct recipe *r,
                          const struct node *map, const char *key,
                          enum node_kind kind, simlm_error *err)
{
    static const char *const names[] = {"a text", "a list", "a mapping"};

    *out = node_child(map, key);
    if (*out && (*out)->kind != kind)
        return RECIPE_FAIL(r, (*out)->line, "'%s': expected %s", key,
                           names[kind]);
    return SIMLM_OK;
}
