/* report_read.c - the description, and the small files that it names. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "format/lines.h"
#include "report/report_examples.h"

enum { MAX_ITEMS = 10000 };

/* ---- parts --------------------------------------------------------------- */

/* *list <- the array, absent is empty; *items <- zeroed room for all of it. */
static simlm_status open_list(struct sl_json obj, const char *key, size_t size,
                              struct sl_json *list, void *items, int64_t *n,
                              simlm_error *err)
{
    void *room;

    *list = sl_json_field(obj, key);
    *n = 0;
    if (sl_json_kind(*list) == SL_JSON_ABSENT)
        return SIMLM_OK;
    if (sl_json_kind(*list) != SL_JSON_ARRAY ||
        sl_json_count(*list) > MAX_ITEMS)
        return sl_json_fail(obj, key, "an array of at most 10000", err);
    room = sl_calloc((size_t)sl_json_count(*list), size);
    if (!room)
        return sl_fail_nomem(err, "a report");
    memcpy(items, &room, sizeof room);
    *n = sl_json_count(*list);
    return SIMLM_OK;
}

static simlm_status load(struct sl_json_doc **doc, const char *base,
                         const char *name, simlm_error *err)
{
    char *path = sl_report_path(base, name);
    simlm_status st =
        path ? sl_json_load(doc, path, err) : sl_fail_nomem(err, "a path");

    sl_free(path);
    return st;
}

static simlm_status read_texts(struct sl_json obj, const char *key,
                               const char ***text, int64_t *n, simlm_error *err)
{
    struct sl_json list;

    SL_TRY(open_list(obj, key, sizeof **text, &list, text, n, err));
    for (int64_t i = 0; i < *n; i++) {
        (*text)[i] = sl_json_is_text(sl_json_item(list, i), NULL);
        if (!(*text)[i])
            return sl_json_fail(list, key, "strings", err);
    }
    return SIMLM_OK;
}

static simlm_status read_facts(struct sl_report *r, struct sl_json root,
                               simlm_error *err)
{
    struct sl_json list;

    SL_TRY(open_list(root, "facts", sizeof *r->fact, &list, &r->fact,
                     &r->n_facts, err));
    for (int64_t i = 0; i < r->n_facts; i++) {
        struct sl_json item = sl_json_item(list, i);

        SL_TRY(sl_json_need_text(item, "name", &r->fact[i].name, NULL, err));
        SL_TRY(sl_json_need_text(item, "value", &r->fact[i].value, NULL, err));
    }
    return SIMLM_OK;
}

static simlm_status read_timings(struct sl_report *r, struct sl_json root,
                                 simlm_error *err)
{
    struct sl_json list;

    SL_TRY(open_list(root, "timings", sizeof *r->timing, &list, &r->timing,
                     &r->n_timings, err));
    for (int64_t i = 0; i < r->n_timings; i++) {
        struct sl_json item = sl_json_item(list, i);
        struct sl_report_timing *t = &r->timing[i];

        t->processor = -1;
        SL_TRY(sl_json_need_text(item, "name", &t->name, NULL, err));
        SL_TRY(sl_json_need_real(item, "seconds", &t->seconds, err));
        SL_TRY(sl_json_opt_real(item, "processor", &t->processor, err));
        SL_TRY(sl_json_opt_text(item, "note", &t->note, NULL, err));
    }
    return SIMLM_OK;
}

/* ---- evaluations -----------------------------------------------------------
 */

/* The whole of an evaluation: it has every column. */
static simlm_status read_row(struct sl_report *r, double *value,
                             const char *file, const char *base,
                             simlm_error *err)
{
    struct sl_json_doc *doc = NULL;
    simlm_status st = load(&doc, base, file, err);

    for (int64_t i = 0; st == SIMLM_OK && i < r->n_measures; i++)
        st =
            sl_json_need_real(sl_json_root(doc), r->measure[i], &value[i], err);
    sl_json_free(doc);
    return st;
}

/* A number, or one measure of an evaluation. */
static simlm_status read_cell(double *value, struct sl_json cells,
                              const char *column, const char *base,
                              simlm_error *err)
{
    struct sl_json cell = sl_json_field(cells, column);
    const char *file, *measure;
    struct sl_json_doc *doc = NULL;
    simlm_status st;

    if (sl_json_kind(cell) == SL_JSON_ABSENT || sl_json_is_real(cell, value))
        return SIMLM_OK;
    if (sl_json_kind(cell) != SL_JSON_OBJECT)
        return sl_json_fail(cells, column, "a number, or eval and measure",
                            err);
    SL_TRY(sl_json_need_text(cell, "eval", &file, NULL, err));
    SL_TRY(sl_json_need_text(cell, "measure", &measure, NULL, err));
    st = load(&doc, base, file, err);
    if (st == SIMLM_OK)
        st = sl_json_need_real(sl_json_root(doc), measure, value, err);
    sl_json_free(doc);
    return st;
}

static simlm_status read_cells(struct sl_report *r, double *value,
                               struct sl_json cells, const char *base,
                               simlm_error *err)
{
    for (int64_t i = 0; i < r->n_measures; i++) {
        value[i] = NAN;
        SL_TRY(read_cell(&value[i], cells, r->measure[i], base, err));
    }
    return SIMLM_OK;
}

static simlm_status read_result(struct sl_report *r, struct sl_json item,
                                struct sl_report_result *result,
                                const char *base, simlm_error *err)
{
    struct sl_json cells = sl_json_field(item, "cells");
    const char *file;

    SL_TRY(sl_json_need_text(item, "name", &result->name, NULL, err));
    result->value = SL_NEW_ARRAY(double, r->n_measures);
    if (!result->value)
        return sl_fail_nomem(err, "a report");
    if (sl_json_kind(cells) == SL_JSON_OBJECT)
        return read_cells(r, result->value, cells, base, err);
    SL_TRY(sl_json_need_text(item, "eval", &file, NULL, err));
    return read_row(r, result->value, file, base, err);
}

static simlm_status read_results(struct sl_report *r, struct sl_json root,
                                 const char *base, simlm_error *err)
{
    struct sl_json list;

    SL_TRY(read_texts(root, "measures", &r->measure, &r->n_measures, err));
    SL_TRY(open_list(root, "results", sizeof *r->result, &list, &r->result,
                     &r->n_results, err));
    for (int64_t i = 0; i < r->n_results; i++)
        SL_TRY(read_result(r, sl_json_item(list, i), &r->result[i], base, err));
    return SIMLM_OK;
}

static simlm_status read_compared(struct sl_report_comparison *c,
                                  struct sl_json root, simlm_error *err)
{
    struct sl_json all, one;

    SL_TRY(sl_json_need(root, "compare", SL_JSON_OBJECT, &all, err));
    SL_TRY(sl_json_need(all, c->measure, SL_JSON_OBJECT, &one, err));
    SL_TRY(sl_json_need_real(one, "difference", &c->difference, err));
    SL_TRY(sl_json_need_real(one, "low", &c->low, err));
    SL_TRY(sl_json_need_real(one, "high", &c->high, err));
    /* Null where no query differs. */
    c->p = NAN;
    return sl_json_opt_real(one, "p_t", &c->p, err);
}

static simlm_status read_comparison(struct sl_report_comparison *c,
                                    struct sl_json item, const char *base,
                                    simlm_error *err)
{
    struct sl_json_doc *doc = NULL;
    const char *file;
    simlm_status st;

    SL_TRY(sl_json_need_text(item, "name", &c->name, NULL, err));
    SL_TRY(sl_json_need_text(item, "measure", &c->measure, NULL, err));
    SL_TRY(sl_json_need_text(item, "eval", &file, NULL, err));
    st = load(&doc, base, file, err);
    if (st == SIMLM_OK)
        st = read_compared(c, sl_json_root(doc), err);
    sl_json_free(doc);
    return st;
}

static simlm_status read_comparisons(struct sl_report *r, struct sl_json root,
                                     const char *base, simlm_error *err)
{
    struct sl_json list;

    SL_TRY(open_list(root, "comparisons", sizeof *r->comparison, &list,
                     &r->comparison, &r->n_comparisons, err));
    for (int64_t i = 0; i < r->n_comparisons; i++)
        SL_TRY(read_comparison(&r->comparison[i], sl_json_item(list, i), base,
                               err));
    return SIMLM_OK;
}

const int sl_report_head[SL_REPORT_HEADS] = {1, 10, 50, 200, 1000};

static simlm_status read_head(double *value, struct sl_json root,
                              const char *what, int head, simlm_error *err)
{
    char key[32];

    snprintf(key, sizeof key, "%s@%d", what, head);
    return sl_json_need_real(root, key, value, err);
}

static simlm_status read_shares(struct sl_report_overlap *o,
                                struct sl_json root, simlm_error *err)
{
    const int64_t most = INT64_MAX / 2;
    int64_t only_a, only_b;

    SL_TRY(sl_json_need_int(root, "num_q", 0, most, &o->n_queries, err));
    SL_TRY(sl_json_need_int(root, "only_a", 0, most, &only_a, err));
    SL_TRY(sl_json_need_int(root, "only_b", 0, most, &only_b, err));
    SL_TRY(sl_json_need_real(root, "rbo", &o->rbo, err));
    o->n_alone = only_a + only_b;
    for (int i = 0; i < SL_REPORT_HEADS; i++) {
        SL_TRY(
            read_head(&o->overlap[i], root, "overlap", sl_report_head[i], err));
        SL_TRY(read_head(&o->tied[i], root, "tied", sl_report_head[i], err));
    }
    return SIMLM_OK;
}

static simlm_status read_overlap(struct sl_report_overlap *o,
                                 struct sl_json item, const char *base,
                                 simlm_error *err)
{
    struct sl_json_doc *doc = NULL;
    const char *file;
    simlm_status st;

    SL_TRY(sl_json_need_text(item, "name", &o->name, NULL, err));
    SL_TRY(sl_json_need_text(item, "overlap", &file, NULL, err));
    st = load(&doc, base, file, err);
    if (st == SIMLM_OK)
        st = read_shares(o, sl_json_root(doc), err);
    sl_json_free(doc);
    return st;
}

static simlm_status read_overlaps(struct sl_report *r, struct sl_json root,
                                  const char *base, simlm_error *err)
{
    struct sl_json list;

    SL_TRY(open_list(root, "overlaps", sizeof *r->overlap, &list, &r->overlap,
                     &r->n_overlaps, err));
    for (int64_t i = 0; i < r->n_overlaps; i++)
        SL_TRY(read_overlap(&r->overlap[i], sl_json_item(list, i), base, err));
    return SIMLM_OK;
}

/* ---- logs of training ---------------------------------------------------- */

/* A run that was resumed logs some steps again: the later record counts. */
static bool add_point(struct sl_report_point **point, int64_t *n, int64_t *cap,
                      double step, double value)
{
    while (*n > 0 && (*point)[*n - 1].step >= step)
        --*n;
    if (!sl_grow(point, cap, *n + 1, sizeof **point))
        return false;
    (*point)[(*n)++] = (struct sl_report_point){step, value};
    return true;
}

/* The value of the key in a record, or in its means; false if it has none. */
static bool value_of(struct sl_json record, const char *key, double *value)
{
    return (sl_json_is_real(sl_json_field(record, key), value) ||
            sl_json_is_real(
                sl_json_field(sl_json_field(record, "epoch_mean"), key),
                value)) &&
           fabs(*value) < 1e30;
}

static simlm_status read_record(struct sl_report_curve *c,
                                struct sl_json record, const char *key,
                                simlm_error *err)
{
    const char *event = sl_json_is_text(sl_json_field(record, "event"), NULL);
    double step, value;
    bool ok = true;

    if (!event || !sl_json_is_real(sl_json_field(record, "step"), &step) ||
        !value_of(record, key, &value))
        return SIMLM_OK;
    if (!strcmp(event, "step"))
        ok = add_point(&c->train, &c->n_train, &c->train_cap, step, value);
    else if (!strcmp(event, "eval"))
        ok = add_point(&c->held_out, &c->n_held_out, &c->held_out_cap, step,
                       value);
    return ok ? SIMLM_OK : sl_fail_nomem(err, "a curve");
}

static simlm_status read_log(struct sl_report_curve *c, const char *path,
                             const char *key, simlm_error *err)
{
    struct sl_lines *in = NULL;
    struct sl_line line = {0};
    simlm_status st = sl_lines_open(&in, path, err);

    while (st == SIMLM_OK) {
        struct sl_json_doc *doc = NULL;

        st = sl_lines_next(in, &line, err);
        if (st < 0 || !line.text)
            break;
        st = sl_json_parse(&doc, line.text, line.len, path, line.number, err);
        if (st == SIMLM_OK)
            st = read_record(c, sl_json_root(doc), key, err);
        sl_json_free(doc);
    }
    sl_lines_close(in);
    return st;
}

static simlm_status read_curve(struct sl_report_curve *c, struct sl_json item,
                               const char *base, simlm_error *err)
{
    const char *log, *key = "loss";
    char *path;
    simlm_status st;

    SL_TRY(sl_json_need_text(item, "chart", &c->chart, NULL, err));
    SL_TRY(sl_json_need_text(item, "name", &c->name, NULL, err));
    SL_TRY(sl_json_need_text(item, "log", &log, NULL, err));
    SL_TRY(sl_json_opt_text(item, "key", &key, NULL, err));
    path = sl_report_path(base, log);
    st = path ? read_log(c, path, key, err) : sl_fail_nomem(err, "a path");
    sl_free(path);
    return st;
}

static simlm_status read_curves(struct sl_report *r, struct sl_json root,
                                const char *base, simlm_error *err)
{
    struct sl_json list;

    SL_TRY(open_list(root, "curves", sizeof *r->curve, &list, &r->curve,
                     &r->n_curves, err));
    for (int64_t i = 0; i < r->n_curves; i++)
        SL_TRY(read_curve(&r->curve[i], sl_json_item(list, i), base, err));
    return SIMLM_OK;
}

/* ---- the whole ----------------------------------------------------------- */

char *sl_report_path(const char *base, const char *path)
{
    return *path == '/' ? sl_strdup(path) : sl_path_join(base, path);
}

static simlm_status read_parts(struct sl_report *r, struct sl_json root,
                               const char *base, simlm_error *err)
{
    struct sl_json examples = sl_json_field(root, "examples");

    SL_TRY(sl_json_need_text(root, "title", &r->title, NULL, err));
    SL_TRY(sl_json_opt_text(root, "subtitle", &r->subtitle, NULL, err));
    SL_TRY(read_texts(root, "notes", &r->note, &r->n_notes, err));
    SL_TRY(read_facts(r, root, err));
    SL_TRY(read_results(r, root, base, err));
    SL_TRY(read_comparisons(r, root, base, err));
    SL_TRY(read_overlaps(r, root, base, err));
    SL_TRY(read_curves(r, root, base, err));
    SL_TRY(read_timings(r, root, err));
    if (sl_json_kind(examples) == SL_JSON_ABSENT)
        return SIMLM_OK;
    return sl_report_read_examples(r, examples, base, err);
}

static simlm_status read_whole(struct sl_report *r, const char *path,
                               simlm_error *err)
{
    char *base;
    simlm_status st;

    SL_TRY(sl_json_load(&r->doc, path, err));
    base = sl_path_dir(path);
    st = base ? read_parts(r, sl_json_root(r->doc), base, err)
              : sl_fail_nomem(err, "a path");
    sl_free(base);
    return st;
}

simlm_status sl_report_read(struct sl_report **out, const char *path,
                            simlm_error *err)
{
    struct sl_report *r = SL_NEW(struct sl_report);
    simlm_status st;

    if (!r)
        return sl_fail_nomem(err, "a report");
    st = read_whole(r, path, err);
    if (st == SIMLM_OK)
        *out = r;
    else
        sl_report_free(r);
    return st;
}

void sl_report_free(struct sl_report *r)
{
    if (!r)
        return;
    for (int64_t i = 0; i < r->n_results; i++)
        sl_free(r->result[i].value);
    for (int64_t i = 0; i < r->n_curves; i++) {
        sl_free(r->curve[i].train);
        sl_free(r->curve[i].held_out);
    }
    sl_report_free_examples(r);
    sl_free(r->note);
    sl_free(r->measure);
    sl_free(r->fact);
    sl_free(r->result);
    sl_free(r->comparison);
    sl_free(r->overlap);
    sl_free(r->curve);
    sl_free(r->timing);
    sl_json_free(r->doc);
    sl_free(r);
}
