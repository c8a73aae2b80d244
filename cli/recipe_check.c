/*
 * recipe_check.c - a stage's settings, checked by its command.
 *
 * The command is probed twice: first for its table, by which settings become
 * words of a command line, each checked as it is on the command line; then with
 * that line, for what the command itself demands.  A complaint about "--lr" is
 * put where the recipe has "lr".
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <simlm/checkpoint.h>
#include <simlm/hub.h>

#include "commands.h"
#include "probe.h"
#include "recipe.h"
#include "suggest.h"

struct check {
    struct recipe *r;
    struct stage *s;
    struct probe probe;
    simlm_status st; /* of what is checked here */
    simlm_error *err;
};

/* How a run goes, not what it comes to: in no key. */
static const char *const of_running[] = {
    "threads", "quiet", "log-json", "overwrite", "save-every", "log-every"};

static bool is_of_running(const char *name)
{
    for (size_t i = 0; i < sizeof of_running / sizeof *of_running; i++)
        if (!strcmp(name, of_running[i]))
            return true;
    return false;
}

static const struct option_row *row_named(const struct option_row *options,
                                          const char *name)
{
    for (const struct option_row *o = options; o->type != OPT_TYPE_END; o++)
        if (option_is_one(o) && !strcmp(o->long_name, name))
            return o;
    return NULL;
}

/* ---- options as lines ---------------------------------------------------- */

static void put_lines(FILE *f, const struct option_row *o)
{
    const struct option_list *list = o->value;
    char text[4096];

    if (o->type == OPT_TYPE_FLAG) {
        fprintf(f, "--%s %s\n", o->long_name,
                *(const bool *)o->value ? "yes" : "no");
    } else if (o->type == OPT_TYPE_LIST) {
        for (int i = 0; i < list->n; i++)
            fprintf(f, "--%s %s\n", o->long_name, list->item[i]);
    } else {
        option_value(text, sizeof text, o);
        fprintf(f, "--%s %s\n", o->long_name, text);
    }
}

bool recipe_is_within(const char *path, const char *dir)
{
    size_t n = strlen(dir);

    return !strncmp(path, dir, n) && (!path[n] || path[n] == '/');
}

/* A model by name, that the command will find; no file. */
static bool is_hub_model(const struct recipe *r, const struct option_row *o)
{
    return o->role == OPT_ROLE_MODEL && option_input(o) &&
           !recipe_is_within(option_input(o), r->o.folder) &&
           simlm_hub_is_name(option_input(o));
}

/* Files are described by what they hold, wherever they lie. */
static const char *describe_options(struct recipe *r,
                                    const struct option_row *options)
{
    struct pool_writer w;
    FILE *f = pool_write(&w);

    for (const struct option_row *o = options; o->type != OPT_TYPE_END; o++)
        if (option_is_one(o) && !is_of_running(o->long_name) &&
            (o->role == OPT_ROLE_NONE || is_hub_model(r, o)))
            put_lines(f, o);
    return pool_written(&r->pool, &w);
}

/* ---- words --------------------------------------------------------------- */

static simlm_status fail_unknown(struct check *c, const struct setting *x,
                                 const struct option_row *options)
{
    struct suggestion near = {.typed = x->name};
    simlm_error *err = c->err;

    suggestion_offer(&near, "inputs");
    for (const struct option_row *o = options; o->type != OPT_TYPE_END; o++)
        if (option_is_one(o))
            suggestion_offer(&near, o->long_name);
    if (suggestion_best(&near))
        return RECIPE_FAIL(
            c->r, x->line, "'%s' has no option '%s'; did you mean '%s'?",
            c->s->command->name, x->name, suggestion_best(&near));
    return RECIPE_FAIL(c->r, x->line, "'%s' has no option '%s'",
                       c->s->command->name, x->name);
}

static void add_word(struct check *c, const char *word)
{
    c->s->word[c->s->n_words++] = pool_text(&c->r->pool, word, strlen(word));
}

/* "yes" gives the flag, "no" does not. */
static simlm_status add_flag(struct check *c, const struct setting *x)
{
    const char *text = x->n == 1 ? x->value[0] : "";
    simlm_error *err = c->err;

    if (!strcmp(text, "yes") || !strcmp(text, "true"))
        add_word(c, pool_printf(&c->r->pool, "--%s", x->name));
    else if (strcmp(text, "no") != 0 && strcmp(text, "false") != 0)
        return RECIPE_FAIL(c->r, x->line, "'%s': expected yes or no", x->name);
    return SIMLM_OK;
}

/* An output is in the run's folder: down from it, and nobody else's. */
static simlm_status place_output(const char **path, struct check *c,
                                 const struct setting *x)
{
    static const char *const ours[] = {"state",          "measures",
                                       "report.html",    "report.json",
                                       "report.in.json", "command.json"};
    const char *name = x->value[0];
    simlm_error *err = c->err;
    size_t first = strcspn(name, "/");

    if (c->s->ours && !strcmp(name, "-")) {
        *path = name;
        return SIMLM_OK;
    }
    if (!*name || *name == '/' || *name == '.' || strstr(name, "/.") ||
        strstr(name, "//") || name[strlen(name) - 1] == '/')
        return RECIPE_FAIL(c->r, x->line,
                           "'%s': expected a name inside of the run's folder, "
                           "got '%s'",
                           x->name, name);
    for (size_t i = 0; !c->s->ours && i < sizeof ours / sizeof *ours; i++)
        if (strlen(ours[i]) == first && !strncmp(ours[i], name, first))
            return RECIPE_FAIL(c->r, x->line,
                               "'%s': the run keeps its own things in '%s'",
                               x->name, ours[i]);
    *path = pool_printf(&c->r->pool, "%s/%s", c->r->o.folder, name);
    return SIMLM_OK;
}

static simlm_status add_value(struct check *c, const struct setting *x,
                              const struct option_row *o, const char *value)
{
    simlm_error *err = c->err;
    simlm_status st = SIMLM_OK;

    if (o->role == OPT_ROLE_OUTPUT)
        st = place_output(&value, c, x);
    if (st < 0)
        return st;
    if (!option_set(o, value))
        return RECIPE_FAIL(c->r, x->line, "%s", c->probe.message);
    add_word(c, pool_printf(&c->r->pool, "--%s=%s", x->name, value));
    return SIMLM_OK;
}

static simlm_status add_option(struct check *c, const struct setting *x,
                               const struct option_row *options)
{
    const struct option_row *o = row_named(options, x->name);
    simlm_error *err = c->err;
    simlm_status st = SIMLM_OK;

    if (!o)
        return fail_unknown(c, x, options);
    if (o->type == OPT_TYPE_FLAG)
        return add_flag(c, x);
    if (x->n != 1 && o->type != OPT_TYPE_LIST)
        return RECIPE_FAIL(c->r, x->line, "'%s': expected one value", x->name);
    for (int i = 0; i < x->n && st == SIMLM_OK; i++)
        st = add_value(c, x, o, x->value[i]);
    return st;
}

static simlm_status add_operands(struct check *c)
{
    const struct setting *x = stage_setting(c->s, "inputs");
    simlm_error *err = c->err;

    for (int i = 0; x && i < x->n; i++) {
        if (!*x->value[i] || *x->value[i] == '-')
            return RECIPE_FAIL(c->r, x->line, "'%s' is no file's name",
                               x->value[i]);
        add_word(c, x->value[i]);
    }
    return SIMLM_OK;
}

/* What `simlm run` was told goes for every stage. */
static void add_common(struct check *c, const struct option_row *options)
{
    const struct recipe_options *o = &c->r->o;

    if (o->threads >= 0 && row_named(options, "threads"))
        add_word(c, pool_printf(&c->r->pool, "--threads=%d", (int)o->threads));
    if (o->quiet && row_named(options, "quiet"))
        add_word(c, "--quiet");
    if (o->log_json && row_named(options, "log-json"))
        add_word(c, pool_printf(&c->r->pool, "--log-json=%s", o->log_json));
    if (o->tensorboard && row_named(options, "tensorboard"))
        add_word(c, pool_printf(&c->r->pool, "--tensorboard=%s/%s",
                                o->tensorboard, c->s->name));
}

static void make_words(void *ctx, const struct option_row *options)
{
    struct check *c = ctx;
    const struct option_row *output = row_named(options, "output");
    simlm_error *err = c->err;

    if (!output || output->role != OPT_ROLE_OUTPUT ||
        !strcmp(c->s->command->name, "run")) {
        c->st = RECIPE_FAIL(c->r, c->s->line, "'%s' cannot be a stage",
                            c->s->command->name);
        return;
    }
    c->s->defaults = describe_options(c->r, options);
    c->s->may_overwrite = row_named(options, "overwrite") != NULL;
    for (const struct setting *x = c->s->settings; x && c->st == SIMLM_OK;
         x = x->next)
        if (strcmp(x->name, "inputs") != 0)
            c->st = add_option(c, x, options);
    add_common(c, options);
    if (c->st == SIMLM_OK)
        c->st = add_operands(c);
}

/* ---- what the line comes to ---------------------------------------------- */

static void add_path(const char **list, int *n, struct pool *p,
                     const char *path)
{
    list[(*n)++] = pool_text(p, path, strlen(path));
}

/* Of models the stage asks for more than that they are there.  (A tokenizer is
 * enough for `tokenize`.) */
static void take_models(struct check *c, const struct option_row *options)
{
    static const char *const lengths[] = {"max-length", "query-max-length",
                                          "passage-max-length"};
    struct stage *s = c->s;

    for (const struct option_row *o = options; o->type != OPT_TYPE_END; o++)
        if (o->role == OPT_ROLE_MODEL && option_input(o) &&
            !is_hub_model(c->r, o) && strcmp(s->command->name, "tokenize") != 0)
            add_path(s->model, &s->n_models, &c->r->pool, option_input(o));
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        const struct option_row *o = row_named(options, lengths[i]);

        if (o && o->type == OPT_TYPE_INT && *(int32_t *)o->value > s->tokens)
            s->tokens = *(int32_t *)o->value;
    }
}

static void take_line(void *ctx, const struct option_line *line, bool brief)
{
    struct check *c = ctx;
    struct stage *s = c->s;
    struct pool *p = &c->r->pool;
    size_t most = (size_t)s->n_words + 1;

    s->brief = brief;
    s->options = describe_options(c->r, line->options);
    s->input = pool_take(p, most, sizeof *s->input);
    s->output = pool_take(p, most, sizeof *s->output);
    s->model = pool_take(p, most, sizeof *s->model);
    take_models(c, line->options);
    /* The one called "output" is the first: it is what $stage stands for. */
    add_path(s->output, &s->n_outputs, p,
             option_output(row_named(line->options, "output")));
    for (const struct option_row *o = line->options; o->type != OPT_TYPE_END;
         o++) {
        if (option_input(o) && !is_hub_model(c->r, o))
            add_path(s->input, &s->n_inputs, p, option_input(o));
        if (option_output(o) && strcmp(o->long_name, "output") != 0 &&
            strcmp(option_output(o), "-") != 0)
            add_path(s->output, &s->n_outputs, p, option_output(o));
    }
    for (int i = 0; i < line->n_operands; i++)
        add_path(s->input, &s->n_inputs, p, line->operand[i]);
}

/* ---- files --------------------------------------------------------------- */

static bool is_made_before(const struct recipe *r, const struct stage *s,
                           const char *path)
{
    for (const struct stage *b = r->stage; b < s; b++)
        for (int i = 0; i < b->n_outputs; i++)
            if (recipe_is_within(path, b->output[i]))
                return true;
    return false;
}

bool recipe_has_file(const struct recipe *r, const char *path)
{
    struct stat info;

    return is_made_before(r, r->stage + r->n_stages, path) ||
           !stat(path, &info);
}

/* The line of the setting that names the file. */
static long line_of(const struct stage *s, const char *path)
{
    for (const struct setting *x = s->settings; x; x = x->next)
        for (int i = 0; i < x->n; i++)
            if (!strcmp(x->value[i], path))
                return x->line;
    return s->line;
}

static simlm_status check_reads(struct recipe *r, const struct stage *s,
                                simlm_error *err)
{
    struct stat info;

    for (int i = 0; i < s->n_inputs; i++) {
        const char *path = s->input[i];

        if (is_made_before(r, s, path))
            continue;
        if (!s->ours && recipe_is_within(path, r->o.folder))
            return RECIPE_FAIL(r, line_of(s, path),
                               "'%s' is made by no stage before this", path);
        if (stat(path, &info))
            return RECIPE_FAIL(r, line_of(s, path), "'%s' does not exist",
                               path);
    }
    return SIMLM_OK;
}

/* Those that are there before the run; of the others their stages see to it. */
static simlm_status check_models(struct recipe *r, const struct stage *s,
                                 simlm_error *err)
{
    simlm_error why;

    for (int i = 0; i < s->n_models; i++)
        if (!is_made_before(r, s, s->model[i]) &&
            simlm_model_check(s->model[i], s->tokens, &why) < 0)
            return RECIPE_FAIL(r, line_of(s, s->model[i]), "stage '%s': %s",
                               s->name, why.msg);
    return SIMLM_OK;
}

simlm_status recipe_check_inputs(struct recipe *r, simlm_error *err)
{
    simlm_status st = SIMLM_OK;

    for (int i = 0; i < r->n_stages && st == SIMLM_OK; i++) {
        st = check_reads(r, &r->stage[i], err);
        if (st == SIMLM_OK)
            st = check_models(r, &r->stage[i], err);
    }
    return st;
}

static simlm_status check_output(struct recipe *r, const struct stage *s,
                                 const char *path, simlm_error *err)
{
    for (const struct stage *b = r->stage; b < s; b++)
        for (int i = 0; i < b->n_outputs; i++)
            if (recipe_is_within(path, b->output[i]) ||
                recipe_is_within(b->output[i], path))
                return RECIPE_FAIL(r, s->line,
                                   "'%s' and '%s' have the same output '%s'",
                                   b->name, s->name, b->output[i]);
    return SIMLM_OK;
}

static simlm_status check_outputs(struct recipe *r, const struct stage *s,
                                  simlm_error *err)
{
    simlm_status st = SIMLM_OK;

    for (int i = 0; i < s->n_outputs && st == SIMLM_OK; i++)
        st = check_output(r, s, s->output[i], err);
    return st;
}

/* ---- the stage ----------------------------------------------------------- */

/* "--lr: expected ..." is said in the line of lr. */
static simlm_status complain(const struct check *c)
{
    const char *message = c->probe.message;
    simlm_error *err = c->err;
    long line = c->s->line;

    for (const struct setting *x = c->s->settings; x; x = x->next)
        if (!strncmp(message, "--", 2) &&
            !strncmp(message + 2, x->name, strlen(x->name)) &&
            message[2 + strlen(x->name)] == ':')
            line = x->line;
    return RECIPE_FAIL(c->r, line, "stage '%s': %s", c->s->name, message);
}

simlm_status recipe_check_stage(struct recipe *r, struct stage *s,
                                simlm_error *err)
{
    struct check c = {.r = r, .s = s, .err = err};
    size_t most = 4;

    for (const struct setting *x = s->settings; x; x = x->next)
        most += (size_t)x->n;
    s->word = pool_take(&r->pool, most, sizeof *s->word);
    c.probe = (struct probe){.on_table = make_words, .ctx = &c};
    probe_command(&c.probe, s->command, 0, NULL);
    if (c.st < 0)
        return c.st;
    c.probe = (struct probe){.on_line = take_line, .ctx = &c};
    probe_command(&c.probe, s->command, s->n_words, s->word);
    if (!s->options)
        return complain(&c);
    return check_outputs(r, s, err);
}
