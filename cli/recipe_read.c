/* recipe_read.c - from the file to stages with their settings. */
#include <string.h>

#include "commands.h"
#include "probe.h"
#include "recipe.h"
#include "suggest.h"

/* ---- stages and their settings ------------------------------------------- */

struct stage *recipe_add_stage(struct recipe *r, const char *name, long line,
                               const struct command *command)
{
    struct stage *s;

    if (r->n_stages == r->cap) {
        struct stage *more =
            pool_take(&r->pool, 2 * (size_t)r->cap + 16, sizeof *more);

        if (r->n_stages)
            memcpy(more, r->stage, (size_t)r->n_stages * sizeof *more);
        r->stage = more;
        r->cap = 2 * r->cap + 16;
    }
    s = &r->stage[r->n_stages++];
    *s = (struct stage){.name = name, .line = line, .command = command};
    return s;
}

struct setting *recipe_add_setting(struct recipe *r, struct stage *s,
                                   const char *name, long line, int n)
{
    struct setting **end = &s->settings;

    while (*end)
        end = &(*end)->next;
    *end = POOL_NEW(&r->pool, struct setting);
    (*end)->name = name;
    (*end)->line = line;
    (*end)->n = n;
    (*end)->value = pool_take(&r->pool, (size_t)n, sizeof *(*end)->value);
    return *end;
}

void recipe_set(struct recipe *r, struct stage *s, const char *name, long line,
                const char *value)
{
    recipe_add_setting(r, s, name, line, 1)->value[0] = value;
}

struct setting *stage_setting(const struct stage *s, const char *name)
{
    for (struct setting *x = s->settings; x; x = x->next)
        if (!strcmp(x->name, name))
            return x;
    return NULL;
}

/* The stage's setting as the node has it, unless it has one of that name. */
static simlm_status add_node(struct recipe *r, struct stage *s,
                             struct node *node, simlm_error *err)
{
    struct setting *x;
    simlm_status st = SIMLM_OK;
    int i = 0;

    node->used = true;
    if (stage_setting(s, node->key))
        return SIMLM_OK;
    if (node->kind == NODE_MAP)
        return RECIPE_FAIL(r, node->line, "'%s': expected a value or a list",
                           node->key);
    if (node->null)
        return RECIPE_FAIL(r, node->line, "'%s' has no value", node->key);
    if (node->kind == NODE_TEXT) {
        x = recipe_add_setting(r, s, node->key, node->line, 1);
        return recipe_expand(&x->value[0], r, node, err);
    }
    x = recipe_add_setting(r, s, node->key, node->line, node->n);
    for (const struct node *c = node->first; c && st == SIMLM_OK; c = c->next)
        st = recipe_expand(&x->value[i++], r, c, err);
    return st;
}

/* ---- defaults ------------------------------------------------------------ */

/* Those of the command, then those of any; the table drops what it lacks. */
static simlm_status add_defaults(struct recipe *r, struct stage *s,
                                 simlm_error *err)
{
    const struct node *defaults = node_child(r->root, "defaults");
    struct node *mine =
        defaults ? node_child(defaults, s->command->name) : NULL;

    if (!mine)
        return SIMLM_OK;
    mine->used = true;
    for (struct node *c = mine->first; c; c = c->next) {
        simlm_status st = add_node(r, s, c, err);

        if (st < 0)
            return st;
    }
    return SIMLM_OK;
}

/* Of all commands: those that the table of this one has. */
struct any {
    struct recipe *r;
    struct stage *s;
    simlm_status st;
    simlm_error *err;
};

static void add_known(void *ctx, const struct option_row *options)
{
    struct any *a = ctx;
    const struct node *any =
        node_child(node_child(a->r->root, "defaults"), "any");

    for (struct node *c = any->first; c; c = c->next)
        for (const struct option_row *o = options; o->type != OPT_TYPE_END; o++)
            if (a->st == SIMLM_OK && option_is_one(o) &&
                !strcmp(o->long_name, c->key))
                a->st = add_node(a->r, a->s, c, a->err);
}

static simlm_status add_any(struct recipe *r, struct stage *s, simlm_error *err)
{
    const struct node *defaults = node_child(r->root, "defaults");
    struct any a = {r, s, SIMLM_OK, err};
    struct probe p = {.on_table = add_known, .ctx = &a};

    if (defaults && node_child(defaults, "any"))
        probe_command(&p, s->command, 0, NULL);
    return a.st;
}

static simlm_status check_defaults(struct recipe *r, simlm_error *err)
{
    struct node *defaults;
    simlm_status st =
        recipe_child(&defaults, r, r->root, "defaults", NODE_MAP, err);

    for (struct node *c = defaults && st == SIMLM_OK ? defaults->first : NULL;
         c; c = c->next) {
        if (strcmp(c->key, "any") != 0 && !command_named(c->key))
            return RECIPE_FAIL(r, c->line,
                               "'%s': expected the name of a command, or 'any'",
                               c->key);
        if (c->kind != NODE_MAP)
            return RECIPE_FAIL(r, c->line, "'%s': expected options", c->key);
    }
    return st;
}

/* A default that no stage has a use for is a slip. */
static simlm_status check_used(struct recipe *r, simlm_error *err)
{
    const struct node *defaults = node_child(r->root, "defaults");

    for (const struct node *c = defaults ? defaults->first : NULL; c;
         c = c->next) {
        if (strcmp(c->key, "any") != 0 && !c->used)
            return RECIPE_FAIL(r, c->line, "no stage has the command '%s'",
                               c->key);
        for (const struct node *o = c->first; o; o = o->next)
            if (!o->used)
                return RECIPE_FAIL(r, o->line, "no stage has the option '%s'",
                                   o->key);
    }
    return SIMLM_OK;
}

/* ---- variables ----------------------------------------------------------- */

/* The value of "name=value" among those given on the command line, or NULL. */
static const char *given(const struct recipe *r, const char *name)
{
    size_t n = strlen(name);
    const char *value = NULL;

    for (int i = 0; i < r->o.set.n; i++)
        if (!strncmp(r->o.set.item[i], name, n) && r->o.set.item[i][n] == '=')
            value = r->o.set.item[i] + n + 1;
    return value;
}

static simlm_status read_variable(struct recipe *r, const struct node *c,
                                  simlm_error *err)
{
    const char *value = given(r, c->key);
    simlm_status st = SIMLM_OK;

    if (!value && c->kind == NODE_TEXT && c->null)
        return RECIPE_FAIL(r, c->line,
                           "variable '%s' needs a value: --set %s=...", c->key,
                           c->key);
    if (!value)
        st = recipe_expand(&value, r, c, err);
    return st < 0 ? st : recipe_define(r, c->key, value, c->line, err);
}

static simlm_status check_given(const struct recipe *r, const struct node *v,
                                simlm_error *err)
{
    for (int i = 0; i < r->o.set.n; i++) {
        const char *set = r->o.set.item[i];
        bool known = false;

        for (const struct node *c = v ? v->first : NULL; c; c = c->next)
            known = known || (!strncmp(c->key, set, strlen(c->key)) &&
                              set[strlen(c->key)] == '=');
        if (known)
            continue;
        snprintf(err->msg, sizeof err->msg,
                 strchr(set, '=') ? "--set %s: %s has no such variable"
                                  : "--set %s: expected name=value for %s",
                 set, r->o.path);
        return err->code = SIMLM_E_ARG;
    }
    return SIMLM_OK;
}

static simlm_status read_variables(struct recipe *r, simlm_error *err)
{
    struct node *v;
    simlm_status st = recipe_child(&v, r, r->root, "variables", NODE_MAP, err);

    if (st == SIMLM_OK)
        st = check_given(r, v, err);
    if (st == SIMLM_OK)
        st = recipe_define(r, "folder", r->o.folder, 1, err);
    for (const struct node *c = v && st == SIMLM_OK ? v->first : NULL;
         c && st == SIMLM_OK; c = c->next)
        st = read_variable(r, c, err);
    return st;
}

/* ---- stages -------------------------------------------------------------- */

static simlm_status find_command(const struct command **out, struct recipe *r,
                                 const struct node *stage, simlm_error *err)
{
    struct node *c;
    simlm_status st = recipe_child(&c, r, stage, "command", NODE_TEXT, err);
    struct suggestion near = {0};

    if (st < 0)
        return st;
    if (!c)
        return RECIPE_FAIL(r, stage->line, "stage '%s' has no 'command'",
                           stage->key);
    *out = command_named(c->text);
    if (*out)
        return SIMLM_OK;
    near.typed = c->text;
    for (const struct command *k = commands; k->name; k++)
        suggestion_offer(&near, k->name);
    return suggestion_best(&near)
               ? RECIPE_FAIL(r, c->line,
                             "unknown command '%s'; did you mean '%s'?",
                             c->text, suggestion_best(&near))
               : RECIPE_FAIL(r, c->line, "unknown command '%s'", c->text);
}

static simlm_status add_settings(struct recipe *r, struct stage *s,
                                 const struct node *node, simlm_error *err)
{
    simlm_status st = SIMLM_OK;

    for (struct node *c = node->first; c && st == SIMLM_OK; c = c->next)
        if (strcmp(c->key, "command") != 0)
            st = add_node(r, s, c, err);
    if (st == SIMLM_OK)
        st = add_defaults(r, s, err);
    if (st == SIMLM_OK)
        st = add_any(r, s, err);
    if (st == SIMLM_OK && !stage_setting(s, "output"))
        recipe_set(r, s, "output", s->line, s->name);
    return st;
}

static simlm_status read_stage(struct recipe *r, const struct node *node,
                               simlm_error *err)
{
    const char *given = recipe_given(r, node->key);
    const struct command *command;
    struct stage *s;
    simlm_status st;

    if (node->kind != NODE_MAP)
        return RECIPE_FAIL(r, node->line, "stage '%s': expected a mapping",
                           node->key);
    if (!recipe_name_ok(node->key))
        return recipe_define(r, node->key, "", node->line, err);
    st = find_command(&command, r, node, err);
    if (st < 0)
        return st;
    s = recipe_add_stage(r, node->key, node->line, command);
    st = add_settings(r, s, node, err);
    if (st == SIMLM_OK)
        st = recipe_check_stage(r, s, err);
    if (st == SIMLM_OK)
        st = recipe_define(r, node->key, given ? given : s->output[0],
                           node->line, err);
    return st;
}

static simlm_status read_stages(struct recipe *r, simlm_error *err)
{
    struct node *stages;
    simlm_status st =
        recipe_child(&stages, r, r->root, "stages", NODE_MAP, err);

    if (st == SIMLM_OK && (!stages || !stages->n))
        return RECIPE_FAIL(r, 1, "a recipe has 'stages'");
    for (const struct node *c = st == SIMLM_OK ? stages->first : NULL;
         c && st == SIMLM_OK; c = c->next)
        st = read_stage(r, c, err);
    return st;
}

/* ---- the whole ----------------------------------------------------------- */

static simlm_status read_title(struct recipe *r, simlm_error *err)
{
    struct node *title;
    simlm_status st = recipe_child(&title, r, r->root, "title", NODE_TEXT, err);

    if (st == SIMLM_OK && !title)
        return RECIPE_FAIL(r, 1, "a recipe has a 'title'");
    return st < 0 ? st : recipe_expand(&r->title, r, title, err);
}

static simlm_status read_parts(struct recipe *r, simlm_error *err)
{
    simlm_status st = SIMLM_OK;

    if (r->root->kind != NODE_MAP)
        return RECIPE_FAIL(r, r->root->line,
                           "expected a mapping with title and stages");
    st = recipe_check_keys(r, r->root, "title|variables|defaults|stages|report",
                           err);
    if (st == SIMLM_OK)
        st = check_defaults(r, err);
    if (st == SIMLM_OK)
        st = read_variables(r, err);
    if (st == SIMLM_OK)
        st = read_title(r, err);
    if (st == SIMLM_OK)
        st = read_stages(r, err);
    if (st == SIMLM_OK)
        st = check_used(r, err);
    if (st == SIMLM_OK)
        st = recipe_plan_report(r, err);
    if (st == SIMLM_OK)
        st = recipe_leave_out(r, err);
    return st < 0 ? st : recipe_check_inputs(r, err);
}

simlm_status recipe_open(struct recipe *r, const struct recipe_options *o,
                         simlm_error *err)
{
    simlm_status st;

    *r = (struct recipe){.o = *o};
    st = recipe_yaml_read(&r->root, &r->pool, o->path, err);
    return st < 0 ? st : read_parts(r, err);
}

void recipe_close(struct recipe *r)
{
    pool_release(&r->pool);
}
