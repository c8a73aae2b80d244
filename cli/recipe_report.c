/*
 * recipe_report.c - the recipe's report: what is measured, and how it is shown.
 *
 * Every row that names a run becomes a stage `simlm eval`, every difference one
 * with --compare, every overlap `simlm overlap`.  recipe_describe.c says what
 * the page is made of.
 */
#include "recipe_report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <simlm/eval.h>

#include "commands.h"

/* ---- columns ------------------------------------------------------------- */

static simlm_status add_column(struct recipe *r, int set, const char *name,
                               const char *measure, long line, simlm_error *err)
{
    struct report_plan *p = r->plan;

    for (int i = 0; i < p->n_columns; i++)
        if (!strcmp(p->column[i].name, name))
            return RECIPE_FAIL(r, line, "two columns are called '%s'", name);
    if (p->n_columns == REPORT_MAX)
        return RECIPE_FAIL(r, line, "more than %d columns", REPORT_MAX);
    p->column[p->n_columns++] = (struct report_column){name, measure, set};
    return SIMLM_OK;
}

/* A list of measures, or a mapping from columns to measures. */
static simlm_status read_columns(struct recipe *r, int set,
                                 const struct node *node, simlm_error *err)
{
    simlm_status st = SIMLM_OK;

    if (!node || node->kind == NODE_TEXT || !node->n)
        return RECIPE_FAIL(r, node ? node->line : r->plan->set[set].line,
                           "'columns': expected a list of measures, or a "
                           "mapping from names to measures");
    for (const struct node *c = node->first; c && st == SIMLM_OK; c = c->next) {
        const char *measure = NULL;

        st = recipe_expand(&measure, r, c, err);
        if (st == SIMLM_OK)
            st = add_column(r, set, c->key ? c->key : measure, measure, c->line,
                            err);
    }
    return st;
}

/* What `simlm eval` will be asked for: the preset's measures, or the columns'. */
static simlm_status eval_options(simlm_eval_options *o, bool *known,
                                 struct recipe *r, const struct node *set,
                                 simlm_error *err)
{
    const struct node *preset = node_child(set, "preset");
    const char *name = NULL;
    simlm_status st;

    simlm_eval_options_init(o);
    if (node_child(set, "answers"))
        o->answers = o->corpus = "";
    *known = true;
    if (!preset || preset->kind != NODE_TEXT)
        return SIMLM_OK;
    st = recipe_expand(&name, r, preset, err);
    if (st < 0)
        return st;
    o->preset =
        strcmp(name, "msmarco") ? SIMLM_EVAL_DEFAULT : SIMLM_EVAL_MSMARCO;
    *known = o->preset || !strcmp(name, "default"); /* else eval complains */
    return SIMLM_OK;
}

/* The set's columns, from `first` on, are measures that its options give. */
static simlm_status check_columns(struct recipe *r, const struct node *set,
                                  int first, simlm_error *err)
{
    const struct report_plan *p = r->plan;
    const char *measure[REPORT_MAX];
    int n = p->n_columns - first;
    simlm_eval_options o;
    simlm_error why;
    bool known;
    simlm_status st = eval_options(&o, &known, r, set, err);

    if (st < 0 || !known)
        return st;
    for (int i = 0; i < n; i++)
        measure[i] = p->column[first + i].measure;
    if (!node_child(set, "preset")) {
        o.measures = measure;
        o.n_measures = n;
    }
    for (int i = 0; i < n; i++)
        if (simlm_eval_check(&o, measure[i], &why) < 0)
            return RECIPE_FAIL(r, node_child(set, "columns")->line, "%s",
                               why.msg);
    return SIMLM_OK;
}

static simlm_status read_set(struct recipe *r, const struct node *node,
                             simlm_error *err)
{
    struct report_plan *p = r->plan;
    struct report_set *set = &p->set[p->n_sets];
    struct node *qrels, *dataset;
    int first = p->n_columns;
    simlm_status st;

    if (p->n_sets == REPORT_MAX || node->kind != NODE_MAP)
        return RECIPE_FAIL(r, node->line,
                           "'%s': expected a mapping with qrels and columns",
                           node->key);
    *set = (struct report_set){.name = node->key,
                               .dataset = node->key,
                               .line = node->line,
                               .node = node};
    st = recipe_child(&qrels, r, node, "qrels", NODE_TEXT, err);
    if (st == SIMLM_OK && !qrels && !node_child(node, "answers"))
        st = RECIPE_FAIL(r, node->line, "'%s' has no 'qrels'", node->key);
    if (st == SIMLM_OK && qrels)
        st = recipe_expand(&set->qrels, r, qrels, err);
    if (st == SIMLM_OK)
        st = recipe_child(&dataset, r, node, "dataset", NODE_TEXT, err);
    if (st == SIMLM_OK && dataset)
        st = recipe_expand(&set->dataset, r, dataset, err);
    for (int i = 0; i < p->n_sets && st == SIMLM_OK; i++)
        if (!strcmp(p->set[i].dataset, set->dataset))
            st = RECIPE_FAIL(r, node->line, "two datasets are called '%s'",
                             set->dataset);
    p->n_sets++;
    if (st == SIMLM_OK)
        st = read_columns(r, p->n_sets - 1, node_child(node, "columns"), err);
    return st < 0 ? st : check_columns(r, node, first, err);
}

/* ---- stages that measure ------------------------------------------------- */

/* The options of eval that the set has, and its columns' measures if no preset
 * gives them. */
static simlm_status set_measures(struct recipe *r, struct stage *s, int set,
                                 simlm_error *err)
{
    const struct report_plan *p = r->plan;
    const struct node *node = p->set[set].node;
    simlm_status st = SIMLM_OK;
    struct setting *x;
    int n = 0;

    for (const struct node *c = node->first; c && st == SIMLM_OK; c = c->next) {
        if (!strcmp(c->key, "qrels") || !strcmp(c->key, "columns") ||
            !strcmp(c->key, "dataset"))
            continue;
        x = recipe_add_setting(r, s, c->key, c->line, 1);
        st = recipe_expand(&x->value[0], r, c, err);
    }
    if (stage_setting(s, "preset"))
        return st;
    for (int i = 0; i < p->n_columns; i++)
        n += p->column[i].set == set;
    x = recipe_add_setting(r, s, "measure", p->set[set].line, n);
    n = 0;
    for (int i = 0; i < p->n_columns; i++)
        if (p->column[i].set == set)
            x->value[n++] = p->column[i].measure;
    return st;
}

/* A run to be measured against a set. */
struct measuring {
    const char *name; /* with a dot: no stage's of the recipe's own */
    long line;
    int set;
    const char *run;
    const char *compare; /* another run, or NULL */
    const char *card;    /* a model's directory, or NULL */
};

/* `simlm eval` of it. */
static simlm_status add_eval(const char **output, struct recipe *r,
                             const struct measuring *m, simlm_error *err)
{
    struct stage *s =
        recipe_add_stage(r, m->name, m->line, command_named("eval"));
    const char *qrels = r->plan->set[m->set].qrels;
    long line = m->line;
    struct setting *inputs =
        recipe_add_setting(r, s, "inputs", line, qrels ? 2 : 1);
    simlm_status st;

    s->ours = true;
    inputs->value[0] = qrels;
    inputs->value[qrels ? 1 : 0] = m->run;
    if (m->compare)
        recipe_set(r, s, "compare", line, m->compare);
    if (m->card) {
        s->card = m->card;
        s->dataset = r->plan->set[m->set].dataset;
        recipe_set(r, s, "card", line, s->card);
        recipe_set(r, s, "dataset", line, s->dataset);
    }
    recipe_set(r, s, "json", line, "yes");
    *output = pool_printf(&r->pool, "measures/%s.json", m->name);
    recipe_set(r, s, "output", line, *output);
    st = set_measures(r, s, m->set, err);
    return st < 0 ? st : recipe_check_stage(r, s, err);
}

/* ---- rows ---------------------------------------------------------------- */

static int column_named(const struct report_plan *p, const char *name)
{
    for (int i = 0; i < p->n_columns; i++)
        if (!strcmp(p->column[i].name, name))
            return i;
    return -1;
}

static int set_named(const struct report_plan *p, const char *name)
{
    for (int i = 0; i < p->n_sets; i++)
        if (!strcmp(p->set[i].name, name))
            return i;
    return -1;
}

static bool is_number(const char *text, double *x)
{
    char *end;

    *x = strtod(text, &end);
    return end != text && !*end && isfinite(*x);
}

/* The stage that makes the file or directory, or what it is in; or NULL. */
static const struct stage *maker_of(const struct recipe *r, const char *path)
{
    for (int i = 0; i < r->n_stages; i++)
        for (int k = 0; k < r->stage[i].n_outputs; k++)
            if (recipe_is_within(path, r->stage[i].output[k]))
                return &r->stage[i];
    return NULL;
}

static simlm_status measure_row(struct recipe *r, struct report_row *row,
                                int set, const struct node *node,
                                simlm_error *err)
{
    struct measuring m = {.line = node->line, .set = set};
    simlm_status st = recipe_expand(&row->run[set], r, node, err);

    if (st < 0)
        return st;
    m.name = pool_printf(&r->pool, "row.%d.%d", (int)(row - r->plan->row) + 1,
                         set + 1);
    m.run = row->run[set];
    m.card = maker_of(r, m.run) ? row->card : NULL; /* not of a given run */
    return add_eval(&row->eval[set], r, &m, err);
}

/* "<set>: <run>", or "<column>: <number>", measured by somebody else. */
static simlm_status read_cell(struct recipe *r, struct report_row *row,
                              const struct node *c, simlm_error *err)
{
    struct report_plan *p = r->plan;
    int set = set_named(p, c->key), column = column_named(p, c->key);
    double value;

    if (column >= 0 && c->kind == NODE_TEXT && is_number(c->text, &value)) {
        row->is_given[column] = true;
        row->given[column] = value;
        return SIMLM_OK;
    }
    if (set < 0)
        return RECIPE_FAIL(r, c->line,
                           column < 0 ? "'%s' is neither measured nor a column"
                                      : "'%s': expected a number",
                           c->key);
    return measure_row(r, row, set, c, err);
}

static simlm_status add_note(struct recipe *r, long line, const char *text,
                             simlm_error *err)
{
    struct report_plan *p = r->plan;

    if (p->n_notes == REPORT_MAX)
        return RECIPE_FAIL(r, line, "more than %d notes", REPORT_MAX);
    p->note[p->n_notes++] = text;
    return SIMLM_OK;
}

/* An optional row is left out, and that is said, if one of its runs is neither
 * made by a stage nor there. */
static simlm_status leave_out(struct recipe *r, struct report_row *row,
                              const struct node *node, simlm_error *err)
{
    simlm_status st;
    const char *run;

    for (const struct node *c = node->first; c; c = c->next) {
        if (set_named(r->plan, c->key) < 0)
            continue;
        st = recipe_expand(&run, r, c, err);
        if (st < 0)
            return st;
        if (recipe_has_file(r, run))
            continue;
        row->left_out = true;
        return add_note(r, node->line,
                        pool_printf(&r->pool, "Left out: %s. There is no '%s'.",
                                    row->name, run),
                        err);
    }
    return SIMLM_OK;
}

/* "optional: yes" */
static simlm_status read_optional(struct recipe *r, struct report_row *row,
                                  const struct node *node, simlm_error *err)
{
    struct node *c;
    simlm_status st = recipe_child(&c, r, node, "optional", NODE_TEXT, err);

    if (st < 0 || !c || !strcmp(c->text, "no"))
        return st;
    return strcmp(c->text, "yes")
               ? RECIPE_FAIL(r, c->line, "'optional': expected yes or no")
               : leave_out(r, row, node, err);
}

static bool is_given(const struct recipe *r, const char *path)
{
    for (int i = 0; i < r->o.given.n; i++) {
        const char *is = strchr(r->o.given.item[i], '=');

        if (is && recipe_is_within(path, is + 1))
            return true;
    }
    return false;
}

static bool trains(const struct stage *s)
{
    static const char *const training[] = {"pretrain", "finetune",
                                           "train-reranker"};

    for (size_t i = 0; i < sizeof training / sizeof *training; i++)
        if (!strcmp(s->command->name, training[i]))
            return true;
    return false;
}

/* One row's alone: the next would replace its measures. */
static simlm_status set_card(struct recipe *r, struct report_row *row,
                             const char *model, long line, simlm_error *err)
{
    for (const struct report_row *o = r->plan->row; o < row; o++)
        if (o->card && !strcmp(o->card, model))
            return RECIPE_FAIL(r, line, "'%s' and '%s' have the same card",
                               o->name, row->name);
    row->card = model;
    return SIMLM_OK;
}

/* "card: $retriever", or "$retriever/best": a model that a stage trains.  One
 * that was given in its place is somebody else's, and left alone. */
static simlm_status read_card(struct recipe *r, struct report_row *row,
                              const struct node *node, simlm_error *err)
{
    const char *model = NULL;
    struct node *c;
    simlm_status st = recipe_child(&c, r, node, "card", NODE_TEXT, err);

    if (st == SIMLM_OK && c)
        st = recipe_expand(&model, r, c, err);
    if (st < 0 || !model || is_given(r, model))
        return st;
    if (!maker_of(r, model) || !trains(maker_of(r, model)))
        return RECIPE_FAIL(
            r, c->line, "'card': '%s' is no model that a stage trains", model);
    return set_card(r, row, model, c->line, err);
}

static simlm_status read_cells(struct recipe *r, struct report_row *row,
                               const struct node *node, simlm_error *err)
{
    simlm_status st = read_optional(r, row, node, err);

    if (st == SIMLM_OK)
        st = read_card(r, row, node, err);
    for (const struct node *c = node->first;
         c && st == SIMLM_OK && !row->left_out; c = c->next)
        if (strcmp(c->key, "optional") != 0 && strcmp(c->key, "card") != 0)
            st = read_cell(r, row, c, err);
    return st;
}

static simlm_status read_row(struct recipe *r, const struct node *node,
                             simlm_error *err)
{
    struct report_plan *p = r->plan;
    struct report_row *row = &p->row[p->n_rows];

    if (p->n_rows == REPORT_MAX)
        return RECIPE_FAIL(r, node->line, "more than %d rows", REPORT_MAX);
    row->name = node->key;
    p->n_rows++;
    if (node->kind == NODE_TEXT)
        return measure_row(r, row, 0, node, err);
    if (node->kind != NODE_MAP)
        return RECIPE_FAIL(r, node->line, "'%s': expected a run", node->key);
    return read_cells(r, row, node, err);
}

/* ---- differences --------------------------------------------------------- */

static simlm_status find_row(const struct report_row **out, struct recipe *r,
                             const struct node *node, const char *key,
                             simlm_error *err)
{
    const struct report_plan *p = r->plan;
    struct node *c;
    simlm_status st = recipe_child(&c, r, node, key, NODE_TEXT, err);

    if (st < 0)
        return st;
    if (!c)
        return RECIPE_FAIL(r, node->line,
                           "expected a 'row' and one it is 'against'");
    for (int i = 0; i < p->n_rows; i++)
        if (!strcmp(p->row[i].name, c->text)) {
            *out = &p->row[i];
            return SIMLM_OK;
        }
    return RECIPE_FAIL(r, c->line, "there is no row '%s'", c->text);
}

static simlm_status find_column(int *column, struct recipe *r,
                                const struct node *node, simlm_error *err)
{
    struct node *c;
    simlm_status st = recipe_child(&c, r, node, "column", NODE_TEXT, err);

    *column = c && st == SIMLM_OK ? column_named(r->plan, c->text) : 0;
    if (st == SIMLM_OK && *column < 0)
        return RECIPE_FAIL(r, c->line, "there is no column '%s'", c->text);
    return st;
}

/* The two rows that a difference, or an overlap, is of. */
static simlm_status find_rows(const struct report_row **row,
                              const struct report_row **against,
                              struct recipe *r, const struct node *node,
                              simlm_error *err)
{
    simlm_status st = find_row(row, r, node, "row", err);

    return st < 0 ? st : find_row(against, r, node, "against", err);
}

static simlm_status read_difference(struct recipe *r, const struct node *node,
                                    simlm_error *err)
{
    struct report_plan *p = r->plan;
    struct report_difference *d = &p->difference[p->n_differences];
    struct measuring m = {.line = node->line};
    const struct report_row *row = NULL, *against = NULL;
    simlm_status st;

    if (p->n_differences == REPORT_MAX || node->kind != NODE_MAP)
        return RECIPE_FAIL(r, node->line, "expected {row: ..., against: ...}");
    st = recipe_check_keys(r, node, "row|against|column", err);
    if (st == SIMLM_OK)
        st = find_rows(&row, &against, r, node, err);
    if (st == SIMLM_OK)
        st = find_column(&d->column, r, node, err);
    if (st < 0 || row->left_out || against->left_out)
        return st;
    m.set = p->column[d->column].set;
    m.run = against->run[m.set];
    m.compare = row->run[m.set];
    if (!m.run || !m.compare)
        return RECIPE_FAIL(r, node->line, "'%s' has no run to compare",
                           m.compare ? against->name : row->name);
    d->name = pool_printf(&r->pool, "%s against %s", row->name, against->name);
    p->n_differences++;
    m.name = pool_printf(&r->pool, "difference.%d", p->n_differences);
    return add_eval(&d->eval, r, &m, err);
}

/* ---- overlaps ------------------------------------------------------------ */

/* `simlm overlap` of two rows' runs of one set. */
static simlm_status add_overlap(struct recipe *r, const struct report_row *row,
                                const struct report_row *against, int set,
                                long line, simlm_error *err)
{
    struct report_plan *p = r->plan;
    struct report_overlap *o = &p->overlap[p->n_overlaps];
    const char *name = pool_printf(&r->pool, "overlap.%d", p->n_overlaps + 1);
    struct stage *s;
    struct setting *inputs;

    if (p->n_overlaps == REPORT_MAX)
        return RECIPE_FAIL(r, line, "more than %d overlaps", REPORT_MAX);
    p->n_overlaps++;
    o->name = pool_printf(&r->pool, "%s and %s, %s", row->name, against->name,
                          p->set[set].name);
    o->file = pool_printf(&r->pool, "measures/%s.json", name);
    s = recipe_add_stage(r, name, line, command_named("overlap"));
    s->ours = true;
    inputs = recipe_add_setting(r, s, "inputs", line, 2);
    inputs->value[0] = row->run[set];
    inputs->value[1] = against->run[set];
    recipe_set(r, s, "json", line, "yes");
    recipe_set(r, s, "output", line, o->file);
    return recipe_check_stage(r, s, err);
}

/* Of every set that both rows have a run of. */
static simlm_status read_overlap(struct recipe *r, const struct node *node,
                                 simlm_error *err)
{
    const struct report_row *row = NULL, *against = NULL;
    simlm_status st;
    int before = r->plan->n_overlaps;

    if (node->kind != NODE_MAP)
        return RECIPE_FAIL(r, node->line, "expected {row: ..., against: ...}");
    st = recipe_check_keys(r, node, "row|against", err);
    if (st == SIMLM_OK)
        st = find_rows(&row, &against, r, node, err);
    if (st < 0 || row->left_out || against->left_out)
        return st;
    for (int i = 0; i < r->plan->n_sets && st == SIMLM_OK; i++)
        if (row->run[i] && against->run[i])
            st = add_overlap(r, row, against, i, node->line, err);
    if (st == SIMLM_OK && r->plan->n_overlaps == before)
        return RECIPE_FAIL(r, node->line,
                           "'%s' and '%s' have no runs of the same queries",
                           row->name, against->name);
    return st;
}

/* ---- the plan ------------------------------------------------------------ */

static simlm_status read_examples(struct recipe *r, const struct node *node,
                                  simlm_error *err)
{
    static const char keys[] = "corpus|queries|count|hits";
    struct report_plan *p = r->plan;
    simlm_status st = recipe_check_keys(r, node, keys, err);

    if (st == SIMLM_OK &&
        (!node_child(node, "corpus") || !node_child(node, "queries")))
        return RECIPE_FAIL(r, node->line,
                           "'examples' has a 'corpus' and 'queries'");
    if (st == SIMLM_OK && !p->set[0].qrels)
        return RECIPE_FAIL(r, node->line,
                           "'examples' are of the first measures' queries, "
                           "which have no 'qrels'");
    p->count = p->hits = "5";
    for (const struct node *c = node->first; c && st == SIMLM_OK; c = c->next) {
        const char **to = !strcmp(c->key, "corpus")    ? &p->corpus
                          : !strcmp(c->key, "queries") ? &p->queries
                          : !strcmp(c->key, "count")   ? &p->count
                                                       : &p->hits;
        double x;

        st = recipe_expand(to, r, c, err);
        if (st == SIMLM_OK && (to == &p->count || to == &p->hits) &&
            (!is_number(*to, &x) || x < 1 || x > 1000))
            return RECIPE_FAIL(r, c->line,
                               "'%s': expected a number from 1 to "
                               "1000",
                               c->key);
    }
    return st;
}

/* Have every child of report's `key` read; absent is fine. */
static simlm_status read_each(struct recipe *r, const struct node *report,
                              const char *key, enum node_kind kind,
                              simlm_status (*read)(struct recipe *,
                                                   const struct node *,
                                                   simlm_error *),
                              simlm_error *err)
{
    struct node *list;
    simlm_status st = recipe_child(&list, r, report, key, kind, err);

    for (const struct node *c = list && st == SIMLM_OK ? list->first : NULL;
         c && st == SIMLM_OK; c = c->next)
        st = read(r, c, err);
    return st;
}

static simlm_status read_note(struct recipe *r, const struct node *node,
                              simlm_error *err)
{
    const char *text = NULL;
    simlm_status st = recipe_expand(&text, r, node, err);

    return st < 0 ? st : add_note(r, node->line, text, err);
}

static simlm_status read_fact(struct recipe *r, const struct node *node,
                              simlm_error *err)
{
    struct report_plan *p = r->plan;
    struct report_fact *fact = &p->fact[p->n_facts];

    if (p->n_facts == REPORT_MAX)
        return RECIPE_FAIL(r, node->line, "more than %d facts", REPORT_MAX);
    p->n_facts++;
    fact->name = node->key;
    return recipe_expand(&fact->text, r, node, err);
}

simlm_status recipe_plan_report(struct recipe *r, simlm_error *err)
{
    static const char keys[] =
        "notes|facts|measures|rows|differences|overlaps|examples";
    struct node *report, *measures, *examples;
    simlm_status st =
        recipe_child(&report, r, r->root, "report", NODE_MAP, err);

    if (st < 0 || !report)
        return st;
    r->plan = POOL_NEW(&r->pool, struct report_plan);
    st = recipe_check_keys(r, report, keys, err);
    if (st == SIMLM_OK)
        st = recipe_child(&measures, r, report, "measures", NODE_MAP, err);
    if (st == SIMLM_OK && (!measures || !measures->n))
        return RECIPE_FAIL(r, report->line, "a report has 'measures'");
    if (st == SIMLM_OK)
        st = read_each(r, report, "notes", NODE_LIST, read_note, err);
    if (st == SIMLM_OK)
        st = read_each(r, report, "facts", NODE_MAP, read_fact, err);
    if (st == SIMLM_OK)
        st = read_each(r, report, "measures", NODE_MAP, read_set, err);
    if (st == SIMLM_OK)
        st = read_each(r, report, "rows", NODE_MAP, read_row, err);
    if (st == SIMLM_OK)
        st = read_each(r, report, "differences", NODE_LIST, read_difference,
                       err);
    if (st == SIMLM_OK)
        st = read_each(r, report, "overlaps", NODE_LIST, read_overlap, err);
    if (st == SIMLM_OK)
        st = recipe_child(&examples, r, report, "examples", NODE_MAP, err);
    return st < 0 || !examples ? st : read_examples(r, examples, err);
}
