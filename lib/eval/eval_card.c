#include "eval/eval_card.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "format/frontmatter.h"
#include "format/json.h"

static const char task[] = "information-retrieval";
static const char task_name[] = "Information Retrieval";

/* ---- names --------------------------------------------------------------- */

bool sl_eval_card_name_ok(const char *name)
{
    size_t n = strlen(name);

    for (const char *c = name; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f || strchr("\"\\<>", *c))
            return false;
    return n && n <= 100;
}

static bool cut_end(char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);

    if (n <= m || strcmp(name + n - m, end) != 0)
        return false;
    name[n - m] = '\0';
    return true;
}

/* The words with what joins them to the rest: "_qrels", "qrels.". */
static void cut_word(char *name, const char *word)
{
    char with[16];

    for (const char *mark = "_-."; *mark; mark++) {
        snprintf(with, sizeof with, "%c%s", *mark, word);
        cut_end(name, with);
        snprintf(with, sizeof with, "%s%c", word, *mark);
        if (!strncmp(name, with, strlen(with)) && name[strlen(with)])
            memmove(name, name + strlen(with), strlen(name + strlen(with)) + 1);
    }
}

void sl_eval_card_name(char *name, size_t size, const char *path)
{
    static const char *const packed[] = {".gz", ".zst"};
    static const char *const kind[] = {".txt",  ".tsv",   ".csv",
                                       ".trec", ".jsonl", ".qrels"};
    const char *slash = strrchr(path, '/');
    bool cut = false;

    snprintf(name, size, "%s", slash ? slash + 1 : path);
    for (size_t i = 0; i < SL_LEN(packed) && !cut; i++)
        cut = cut_end(name, packed[i]);
    cut = false;
    for (size_t i = 0; i < SL_LEN(kind) && !cut; i++)
        cut = cut_end(name, kind[i]);
    cut_word(name, "qrels");
    cut_word(name, "queries");
}

/* ---- the item of the model-index ----------------------------------------- */

/* A value as the report has it, or as a fraction. */
static void put_value(struct sl_str *s, const struct simlm_eval *e, int32_t i,
                      bool fraction)
{
    const struct sl_eval_column *c = &e->column[i];
    bool per_cent = fraction && c->scale != 1;
    int digits = per_cent ? 6 : 4;

    if (c->measure.row->kind == SL_MEASURE_COUNT)
        digits = 0;
    sl_str_printf(s, "%.*f", digits, sl_eval_all(e, i) / (per_cent ? 100 : 1));
}

static void put_item(struct sl_str *s, const struct sl_eval_card *c,
                     const struct simlm_eval *e)
{
    sl_str_printf(s, "- task:\n    type: %s\n    name: %s\n", task, task_name);
    sl_str_printf(s, "  dataset:\n    type: \"%s\"\n    name: \"%s\"\n",
                  c->dataset, c->dataset);
    sl_str_puts(s, "  metrics:\n");
    for (int32_t i = 0; e && i < e->n_columns; i++) {
        sl_str_printf(s, "  - type: %s\n    value: ", e->column[i].type);
        put_value(s, e, i, true);
        sl_str_printf(s, "\n    name: %s\n", e->column[i].name);
    }
}

static void put_indented(struct sl_str *s, const char *lines, int indent)
{
    for (size_t n; *lines; lines += n) {
        n = strcspn(lines, "\n") + 1;
        sl_str_printf(s, "%*s", indent, "");
        sl_str_add(s, lines, n);
    }
}

/* The model's name as JSON: the first heading of the text, "# Name". */
static void put_name(struct sl_str *s, const struct sl_front *f,
                     const char *else_it_is)
{
    const char *line = f->text + f->yaml_end;

    while (*line && strncmp(line, "# ", 2) != 0 &&
           strncmp(line, "```", 3) != 0) {
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    if (strncmp(line, "# ", 2) != 0)
        sl_json_put_text(s, else_it_is, strlen(else_it_is));
    else
        sl_json_put_text(s, line + 2, strcspn(line + 2, "\r\n"));
}

/* The item's lines, or those of a whole model-index. */
static void put_lines(struct sl_str *s, const struct sl_front *f,
                      const struct sl_eval_card *c, const struct simlm_eval *e,
                      bool whole, int indent)
{
    struct sl_str item = {0};

    if (whole) {
        sl_str_puts(s, "model-index:\n- name: ");
        put_name(s, f, c->model);
        sl_str_puts(s, "\n  results:\n");
        indent = 2;
    }
    put_item(&item, c, e);
    put_indented(s, sl_str_c(&item), indent);
    s->failed = s->failed || !sl_str_ok(&item);
    sl_str_free(&item);
}

/* ---- finding it ---------------------------------------------------------- */

/* Are all the item's metrics measures of ours? */
static bool is_ours(const struct sl_front *f, int64_t item)
{
    int64_t metrics = sl_front_find(f, item, "metrics");
    struct sl_measure ignored;

    for (int64_t m = sl_front_first(f, metrics); m >= 0;
         m = sl_front_next(f, metrics, m)) {
        int64_t type = sl_front_find(f, m, "type");

        if (!sl_front_is_text(f, type, NULL) ||
            sl_measure_parse(&ignored, sl_front_text(f, type), NULL) < 0)
            return false;
    }
    return true;
}

static bool is_of(const struct sl_front *f, int64_t item, const char *dataset)
{
    int64_t set = sl_front_find(f, item, "dataset");
    int64_t done = sl_front_find(f, item, "task");

    return sl_front_is_text(f, sl_front_find(f, done, "type"), task) &&
           sl_front_is_text(f, sl_front_find(f, set, "type"), dataset) &&
           sl_front_is_text(f, sl_front_find(f, set, "name"), dataset) &&
           is_ours(f, item);
}

static int64_t find_item(const struct sl_front *f, int64_t results,
                         const char *dataset)
{
    for (int64_t i = sl_front_first(f, results); i >= 0;
         i = sl_front_next(f, results, i))
        if (is_of(f, i, dataset))
            return i;
    return -1;
}

/* *results <- the results of the one model; -1: there is no model-index. */
static simlm_status find_results(int64_t *results, const struct sl_front *f,
                                 simlm_error *err)
{
    int64_t index = sl_front_find(f, 0, "model-index");
    int64_t model = sl_front_first(f, index);

    *results = -1;
    if (index == -1)
        return SIMLM_OK;
    if (index < 0)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "%s: model-index is there more than once", f->path);
    if (model >= 0 && sl_front_next(f, index, model) < 0)
        *results = sl_front_find(f, model, "results");
    if (*results < 0)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "%s:%ld: model-index: expected one model with 'results'",
                       f->path, sl_front_line(f, index));
    if (f->node[index].marked)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "%s:%ld: model-index: an anchor, alias or tag in it is "
                       "not understood",
                       f->path, sl_front_line(f, index));
    return SIMLM_OK;
}

/* Append the file with the evaluation in its front matter. */
static simlm_status put_in_front(struct sl_str *out, const struct sl_front *f,
                                 const struct sl_eval_card *c,
                                 const struct simlm_eval *e, simlm_error *err)
{
    struct sl_front_place place;
    struct sl_str lines = {0};
    int64_t results;
    simlm_status st = find_results(&results, f, err);

    if (st == SIMLM_OK)
        st = results < 0
                 ? sl_front_at_end(&place, f, err)
                 : sl_front_at_item(&place, f, results,
                                    find_item(f, results, c->dataset), err);
    if (st < 0)
        return st;
    put_lines(&lines, f, c, e, results < 0, place.indent);
    st = sl_str_ok(&lines) ? sl_front_put(out, f, &place, lines.s, err)
                           : sl_fail_nomem(err, c->readme);
    sl_str_free(&lines);
    return st;
}

/* ---- the table ----------------------------------------------------------- */

enum { MARK = 160 };

static void make_marks(char *begin, char *end, const char *dataset)
{
    snprintf(begin, MARK, "<!-- simlm eval: %s -->", dataset);
    snprintf(end, MARK, "<!-- end of simlm eval: %s -->", dataset);
}

static void put_table(struct sl_str *s, const struct sl_eval_card *c,
                      const struct simlm_eval *e)
{
    char begin[MARK], end[MARK];

    make_marks(begin, end, c->dataset);
    sl_str_printf(s, "%s\n\n## Evaluation: %s\n\n", begin, c->dataset);
    if (e)
        sl_str_printf(s, "Measured by `simlm eval` over %" PRId64 " queries:\n",
                      sl_eval_n_averaged(e));
    sl_str_puts(s, "\n| measure | value |\n| --- | --- |\n");
    for (int32_t i = 0; e && i < e->n_columns; i++) {
        sl_str_printf(s, "| %s%s | ", e->column[i].name,
                      e->column[i].scale != 1 ? ", per cent" : "");
        put_value(s, e, i, false);
        sl_str_puts(s, " |\n");
    }
    sl_str_printf(s, "\n%s\n", end);
}

/* The place of a dataset's table in a text: lines, or its end. */
struct table {
    size_t from, to;
    bool found;
};

/* Find the line from `at` on: *from, and *to behind it. */
static bool find_line(size_t *from, size_t *to, const char *text, size_t n,
                      size_t at, const char *line)
{
    size_t want = strlen(line), len;

    for (; at < n; at = *to) {
        const char *end = memchr(text + at, '\n', n - at);

        len = end ? (size_t)(end - text) - at : n - at;
        *from = at;
        *to = at + len + (end != NULL);
        if (len == want + 1 && text[at + want] == '\r')
            len--;
        if (len == want && !memcmp(text + at, line, len))
            return true;
    }
    return false;
}

/* In the last `behind` bytes, those behind the front matter. */
static simlm_status find_table(struct table *t, const char *text, size_t n,
                               size_t behind, const struct sl_eval_card *c,
                               simlm_error *err)
{
    char begin[MARK], end[MARK];
    size_t at;

    make_marks(begin, end, c->dataset);
    *t = (struct table){n, n, false};
    if (!find_line(&t->from, &t->to, text, n, n - behind, begin)) {
        t->from = t->to = n;
        return SIMLM_OK;
    }
    t->found = true;
    if (find_line(&at, &t->to, text, n, t->to, end))
        return SIMLM_OK;
    return sl_fail(err, SIMLM_E_FORMAT,
                   "%s: the line '%s' is not followed by its end, '%s'",
                   c->readme, begin, end);
}

static bool ends_with(const struct sl_str *s, const char *end)
{
    size_t n = strlen(end);

    return s->len >= n && !memcmp(s->s + s->len - n, end, n);
}

/* A blank line before what is put behind the text. */
static void separate(struct sl_str *s, const char *eol)
{
    char blank[8];

    snprintf(blank, sizeof blank, "%s%s", eol, eol);
    if (s->len && !ends_with(s, eol))
        sl_str_puts(s, eol);
    if (s->len && !ends_with(s, blank))
        sl_str_puts(s, eol);
}

/* Append the text with the table. */
static simlm_status put_in_text(struct sl_str *out, const struct sl_str *text,
                                const struct sl_front *f,
                                const struct sl_eval_card *c,
                                const struct simlm_eval *e, simlm_error *err)
{
    struct sl_str lines = {0};
    struct table t;

    SL_TRY(find_table(&t, text->s, text->len, f->n - f->yaml_end, c, err));
    sl_str_add(out, text->s, t.from);
    if (!t.found)
        separate(out, f->eol);
    put_table(&lines, c, e);
    sl_front_add_lines(out, f, sl_str_c(&lines));
    sl_str_add(out, text->s + t.to, text->len - t.to);
    out->failed = out->failed || !sl_str_ok(&lines);
    sl_str_free(&lines);
    return sl_str_ok(out) ? SIMLM_OK : sl_fail_nomem(err, c->readme);
}

/* ---- the card ------------------------------------------------------------ */

simlm_status sl_eval_card_put(const struct sl_eval_card *c,
                              const struct simlm_eval *e, simlm_error *err)
{
    struct sl_front f;
    struct sl_str text = {0}, out = {0};
    simlm_status st = sl_front_load(&f, c->readme, err);

    if (st == SIMLM_OK)
        st = put_in_front(&text, &f, c, e, err);
    if (st == SIMLM_OK)
        st = put_in_text(&out, &text, &f, c, e, err);
    if (st == SIMLM_OK && e &&
        (out.len != f.n || memcmp(out.s, f.text, f.n) != 0))
        st = sl_file_write(c->readme, out.s, out.len, err);
    sl_str_free(&text);
    sl_str_free(&out);
    sl_front_free(&f);
    return st;
}

bool sl_eval_card_has(const struct sl_eval_card *c)
{
    struct sl_front f;
    struct table t;
    int64_t results;
    simlm_error ignored;
    bool has = sl_front_load(&f, c->readme, &ignored) == SIMLM_OK &&
               find_results(&results, &f, &ignored) == SIMLM_OK &&
               find_item(&f, results, c->dataset) >= 0 &&
               find_table(&t, f.text, f.n, f.n - f.yaml_end, c, &ignored) ==
                   SIMLM_OK &&
               t.found;

    sl_front_free(&f);
    return has;
}
