#include "prepare/split.h"

#include <stdlib.h>
#include <string.h>

#include "base/observe.h"
#include "format/fields.h"
#include "text/utf8.h"

int64_t sl_line_with(const char *path, const char *id)
{
    struct sl_lines *in = NULL;
    struct sl_line line = {0};
    struct sl_fields f;
    int64_t found = 0;

    if (sl_lines_open(&in, path, NULL) < 0)
        return 0;
    while (!found && sl_lines_next(in, &line, NULL) == SIMLM_OK && line.text) {
        sl_fields_cut(&f, &line);
        for (int i = 0; i < f.n && i < SL_FIELDS_MAX; i++)
            if (!strcmp(f.s[i], id))
                found = line.number;
    }
    sl_lines_close(in);
    return found;
}

static bool is_blank(uint32_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || !c;
}

void sl_field_put(struct sl_str *to, const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text, *end = p + len;

    while (p < end && is_blank(*p))
        p++;
    while (end > p && is_blank(end[-1]))
        end--;
    while (p < end) {
        uint32_t c = sl_utf8_next(&p, end, NULL);
        char bytes[4];

        sl_str_add(to, bytes, sl_utf8_put(bytes, is_blank(c) ? ' ' : c));
    }
}

/* ---- opening ----------------------------------------------------------------
 */

static simlm_status check_queries(const struct sl_split *s, simlm_error *err)
{
    for (int64_t i = 0; i < sl_strmap_count(s->qrels->queries); i++) {
        const char *id = sl_strmap_key(s->qrels->queries, i);

        if (sl_queries_find(s->queries, id, strlen(id)) < 0)
            return sl_fail(
                err, SIMLM_E_FORMAT, "%s:%lld: query '%.60s' is not in '%s'",
                s->qrels_path, (long long)sl_line_with(s->qrels_path, id), id,
                s->queries_path);
    }
    return SIMLM_OK;
}

static simlm_status begin_file(struct sl_out **out, struct sl_outputs *outputs,
                               const char *split, const char *what,
                               simlm_error *err)
{
    struct sl_str name = {0};
    simlm_status st;

    sl_str_printf(&name, "%s_%s", split, what);
    st = sl_str_ok(&name) ? sl_outputs_add(outputs, out, name.s, err)
                          : sl_fail_nomem(err, "an output's name");
    sl_str_free(&name);
    return st;
}

simlm_status sl_split_open(struct sl_split *s, const char *name,
                           const struct sl_queries *queries,
                           const char *queries_path, const char *qrels_path,
                           struct sl_outputs *outputs, simlm_error *err)
{
    *s = (struct sl_split){.queries = queries,
                           .queries_path = queries_path,
                           .qrels_path = qrels_path};
    snprintf(s->name, sizeof s->name, "%s", name);
    SL_TRY(begin_file(&s->queries_out, outputs, name, "queries.tsv", err));
    if (!qrels_path)
        return SIMLM_OK;
    SL_TRY(begin_file(&s->qrels_out, outputs, name, "qrels.txt", err));
    SL_TRY(sl_qrels_load(&s->qrels, qrels_path, err));
    return check_queries(s, err);
}

void sl_split_close(struct sl_split *s)
{
    sl_qrels_free(s->qrels);
    *s = (struct sl_split){0};
}

/* ---- writing ----------------------------------------------------------------
 */

/* Query i of the queries, if it is judged. */
static simlm_status write_query(const struct sl_split *s, int64_t i,
                                struct sl_str *line, simlm_error *err)
{
    const char *id = sl_queries_id(s->queries, i);
    size_t len, head;
    const char *text = sl_queries_text(s->queries, i, &len);

    if (s->qrels && sl_strmap_find(s->qrels->queries, id, strlen(id)) < 0)
        return SIMLM_OK;
    sl_str_clear(line);
    sl_str_printf(line, "%s\t", id);
    head = line->len;
    sl_field_put(line, text, len);
    if (sl_str_ok(line) && line->len == head)
        return sl_fail(err, SIMLM_E_FORMAT, "%s: query '%.60s' has no text",
                       s->queries_path, id);
    sl_str_putc(line, '\n');
    if (!sl_str_ok(line))
        return sl_fail_nomem(err, "a query");
    fwrite(line->s, 1, line->len, s->queries_out->f);
    return SIMLM_OK;
}

static simlm_status write_queries(const struct sl_split *s, simlm_error *err)
{
    struct sl_str line = {0};
    simlm_status st = SIMLM_OK;

    for (int64_t i = 0; st == SIMLM_OK && i < sl_queries_count(s->queries); i++)
        st = write_query(s, i, &line, err);
    sl_str_free(&line);
    return st;
}

/* *n <- the judgements written. */
static simlm_status write_qrels(const struct sl_split *s,
                                const struct sl_split_ids *ids, int64_t *n,
                                simlm_error *err)
{
    const struct sl_qrels *q = s->qrels;
    int64_t n_queries = sl_strmap_count(q->queries);

    *n = 0;
    for (int64_t i = 0; i < n_queries; i++)
        for (int64_t j = q->start[i]; j < q->start[i + 1]; j++) {
            const char *doc = sl_strmap_key(q->docs, q->judged[j].doc);
            int64_t row = sl_docids_find(ids->docs, doc, strlen(doc));
            char number[SL_DOCID_BUF];

            if (row < 0 && ids->skip_unknown)
                continue;
            if (row < 0)
                return sl_fail(err, SIMLM_E_FORMAT,
                               "%s:%lld: passage '%.60s' is not in the corpus",
                               s->qrels_path,
                               (long long)sl_line_with(s->qrels_path, doc),
                               doc);
            snprintf(number, sizeof number, "%lld", (long long)row);
            fprintf(s->qrels_out->f, "%s\t0\t%s\t%d\n",
                    sl_strmap_key(q->queries, i), ids->rows ? number : doc,
                    (int)q->judged[j].grade);
            ++*n;
        }
    return SIMLM_OK;
}

static simlm_status write_judged(const struct sl_split *s,
                                 const struct sl_split_ids *ids,
                                 const simlm_observer *obs, simlm_error *err)
{
    int64_t n_queries = sl_strmap_count(s->qrels->queries), n;

    SL_TRY(write_qrels(s, ids, &n, err));
    sl_observe_message(obs, SIMLM_INFO, "%s: %lld queries, %lld judgements",
                       s->name, (long long)n_queries, (long long)n);
    if (n < s->qrels->start[n_queries])
        sl_observe_message(obs, SIMLM_WARNING,
                           "%s: %lld judgements left out: their passages are "
                           "not in the corpus",
                           s->name,
                           (long long)(s->qrels->start[n_queries] - n));
    return SIMLM_OK;
}

simlm_status sl_split_write(const struct sl_split *s,
                            const struct sl_split_ids *ids,
                            const simlm_observer *obs, simlm_error *err)
{
    SL_TRY(write_queries(s, err));
    if (s->qrels)
        return write_judged(s, ids, obs, err);
    sl_observe_message(obs, SIMLM_INFO, "%s: %lld queries", s->name,
                       (long long)sl_queries_count(s->queries));
    return SIMLM_OK;
}
