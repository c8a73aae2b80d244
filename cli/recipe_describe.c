/*
 * recipe_describe.c - the report's description, once all stages are done.
 *
 * report.in.json (form: <simlm/report.h>) says where results, logs and runs
 * are, and `simlm report` makes the page of it, as the last stage.  Curves come
 * from every stage that trains, times from the state.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "json_put.h"
#include "recipe_report.h"

static const char DESCRIPTION[] = "report.in.json";

/* ---- JSON ---------------------------------------------------------------- */

static void put_member(FILE *f, const char *between, const char *key,
                       const char *text)
{
    fputs(between, f);
    json_put_text(f, key);
    fputs(": ", f);
    json_put_text(f, text);
}

/* Relative to the run's folder if it lies there, else absolute. */
static const char *from_folder(struct recipe *r, const char *path)
{
    size_t n = strlen(r->o.folder);
    char here[4096];

    if (!strncmp(path, r->o.folder, n) && path[n] == '/')
        return path + n + 1;
    if (*path == '/' || !getcwd(here, sizeof here))
        return path;
    return pool_printf(&r->pool, "%s/%s", here, path);
}

/* ---- notes and facts ----------------------------------------------------- */

static void put_words(FILE *f, const struct report_plan *p)
{
    fputs(",\n \"notes\": [", f);
    for (int i = 0; i < p->n_notes; i++) {
        fputs(i ? ",\n  " : "", f);
        json_put_text(f, p->note[i]);
    }
    fputs("],\n \"facts\": [", f);
    for (int i = 0; i < p->n_facts; i++) {
        put_member(f, i ? ",\n  {" : "\n  {", "name", p->fact[i].name);
        put_member(f, ", ", "value", p->fact[i].text);
        putc('}', f);
    }
    putc(']', f);
}

/* ---- the table ----------------------------------------------------------- */

static void put_cells(FILE *f, const struct report_plan *p,
                      const struct report_row *row)
{
    const char *between = "";

    for (int i = 0; i < p->n_columns; i++) {
        const struct report_column *c = &p->column[i];

        if (!row->is_given[i] && !row->eval[c->set])
            continue;
        fputs(between, f);
        json_put_text(f, c->name);
        fputs(": ", f);
        if (row->is_given[i]) {
            json_put_real(f, row->given[i]);
        } else {
            put_member(f, "{", "eval", row->eval[c->set]);
            put_member(f, ", ", "measure", c->measure);
            putc('}', f);
        }
        between = ", ";
    }
}

static void put_table(FILE *f, const struct report_plan *p)
{
    const char *between = "\n  {";

    fputs(",\n \"measures\": [", f);
    for (int i = 0; i < p->n_columns; i++) {
        fputs(i ? ", " : "", f);
        json_put_text(f, p->column[i].name);
    }
    fputs("],\n \"results\": [", f);
    for (int i = 0; i < p->n_rows; i++) {
        if (p->row[i].left_out)
            continue;
        put_member(f, between, "name", p->row[i].name);
        between = ",\n  {";
        fputs(", \"cells\": {", f);
        put_cells(f, p, &p->row[i]);
        fputs("}}", f);
    }
    fputs("],\n \"comparisons\": [", f);
    for (int i = 0; i < p->n_differences; i++) {
        const struct report_difference *d = &p->difference[i];

        put_member(f, i ? ",\n  {" : "\n  {", "name", d->name);
        put_member(f, ", ", "measure", p->column[d->column].measure);
        put_member(f, ", ", "eval", d->eval);
        putc('}', f);
    }
    fputs("],\n \"overlaps\": [", f);
    for (int i = 0; i < p->n_overlaps; i++) {
        put_member(f, i ? ",\n  {" : "\n  {", "name", p->overlap[i].name);
        put_member(f, ", ", "overlap", p->overlap[i].file);
        putc('}', f);
    }
    putc(']', f);
}

/* ---- queries ------------------------------------------------------------- */

static void put_examples(FILE *f, struct recipe *r)
{
    const struct report_plan *p = r->plan;
    const char *between = "";

    if (!p->corpus)
        return;
    fputs(",\n \"examples\": {\"corpus\": [", f);
    json_put_text(f, from_folder(r, p->corpus));
    putc(']', f);
    put_member(f, ", ", "queries", from_folder(r, p->queries));
    put_member(f, ", ", "qrels", from_folder(r, p->set[0].qrels));
    fprintf(f, ", \"count\": %s, \"hits\": %s, \"runs\": [", p->count, p->hits);
    for (int i = 0; i < p->n_rows; i++) {
        if (!p->row[i].run[0])
            continue;
        fputs(between, f);
        put_member(f, "{", "name", p->row[i].name);
        put_member(f, ", ", "run", from_folder(r, p->row[i].run[0]));
        putc('}', f);
        between = ",\n  ";
    }
    fputs("]}", f);
}

/* ---- training ------------------------------------------------------------ */

/* The log that training leaves in its output, or NULL: it does not train. */
static const char *log_of(struct recipe *r, const struct stage *s)
{
    const char *path = pool_printf(&r->pool, "%s/log.jsonl", s->output[0]);
    struct stat info;

    return stat(path, &info) ? NULL : path;
}

static const char *chart_of(const struct stage *s)
{
    const struct setting *x = stage_setting(s, "objective");

    return x && x->n == 1 ? x->value[0] : s->command->name;
}

static void put_curves(FILE *f, struct recipe *r)
{
    const char *between = "\n  ";

    fputs(",\n \"curves\": [", f);
    for (int i = 0; i < r->n_stages; i++) {
        const char *log = log_of(r, &r->stage[i]);

        if (!log)
            continue;
        fputs(between, f);
        put_member(f, "{", "chart", chart_of(&r->stage[i]));
        put_member(f, ", ", "name", r->stage[i].name);
        put_member(f, ", ", "log", from_folder(r, log));
        putc('}', f);
        between = ",\n  ";
    }
    putc(']', f);
}

static void put_timings(FILE *f, const struct recipe *r, stage_times *times,
                        void *ctx)
{
    const char *between = "\n  ";
    double seconds, processor;

    fputs(",\n \"timings\": [", f);
    for (int i = 0; i < r->n_stages; i++) {
        const struct stage *s = &r->stage[i];

        if (s->ours || !times(ctx, s, &seconds, &processor))
            continue;
        fputs(between, f);
        put_member(f, "{", "name", s->name);
        put_member(f, ", ", "note", s->command->name);
        fprintf(f, ", \"seconds\": %.3f, \"processor\": %.3f}", seconds,
                processor);
        between = ",\n  ";
    }
    putc(']', f);
}

const char *recipe_describe_report(struct recipe *r, stage_times *times,
                                   void *ctx)
{
    struct pool_writer w;
    FILE *f = pool_write(&w);

    put_member(f, "{", "title", r->title);
    if (r->plan) {
        put_words(f, r->plan);
        put_table(f, r->plan);
        put_examples(f, r);
    }
    put_curves(f, r);
    put_timings(f, r, times, ctx);
    fputs("}\n", f);
    return pool_written(&r->pool, &w);
}

/* ---- the stage ----------------------------------------------------------- */

/* Everything that the description names: if one changes, so does the page. */
static void add_inputs(struct recipe *r, struct stage *report)
{
    const struct report_plan *p = r->plan;
    const char **input =
        pool_take(&r->pool, 2 * (size_t)r->n_stages + 8, sizeof *input);
    int n = 0;

    input[n++] = report->input[0];
    for (const struct stage *s = r->stage; s < report; s++) {
        const char *log = log_of(r, s);

        if (s->ours)
            input[n++] = s->output[0];
        if (log)
            input[n++] = log;
    }
    if (p && p->corpus) {
        input[n++] = p->corpus;
        input[n++] = p->queries;
        input[n++] = p->set[0].qrels;
    }
    report->input = input;
    report->n_inputs = n;
}

simlm_status recipe_add_report(struct stage **out, struct recipe *r,
                               simlm_error *err)
{
    struct stage *s =
        recipe_add_stage(r, "report.html", 1, command_named("report"));
    simlm_status st;

    s->ours = true;
    recipe_set(r, s, "output", 1, "report.html");
    recipe_set(r, s, "json", 1, "report.json");
    recipe_set(r, s, "text", 1, "-");
    recipe_set(r, s, "inputs", 1,
               pool_printf(&r->pool, "%s/%s", r->o.folder, DESCRIPTION));
    st = recipe_check_stage(r, s, err);
    if (st == SIMLM_OK)
        add_inputs(r, s);
    *out = s;
    return st;
}
