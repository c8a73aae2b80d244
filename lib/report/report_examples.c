/*
 * report_examples.c - queries with what was found for them.
 *
 * Of the queries that have a relevant passage, `count` are taken, evenly spaced
 * over the file: the middle of each of `count` equal stretches.  Of every run
 * only their lines are kept, and of the corpus only the passages shown.
 */
#include "report/report_examples.h"

#include <string.h>

#include "base/alloc.h"
#include "base/strmap.h"
#include "data/corpus.h"
#include "data/queries.h"
#include "format/qrels.h"
#include "format/runfile.h"

enum { MAX_COUNT = 1000, MAX_HITS = 1000, TEXT_BYTES = 600 };

struct inputs {
    const char *base;
    struct sl_corpus *corpus;
    struct sl_queries *queries;
    struct sl_qrels *qrels;
    struct sl_strmap *wanted; /* ids of the queries shown */
    int64_t hits;
};

/* ---- which queries ---------------------------------------------------------
 */

/* The first relevant passage of a query as an index in qrels->docs, or -1. */
static int64_t first_relevant(const struct sl_qrels *q, const char *query,
                              size_t len)
{
    int64_t i = sl_strmap_find(q->queries, query, len);

    for (int64_t j = i < 0 ? 0 : q->start[i]; i >= 0 && j < q->start[i + 1];
         j++)
        if (q->judged[j].grade > 0)
            return q->judged[j].doc;
    return -1;
}

static bool is_relevant(const struct sl_qrels *q, const char *query,
                        const char *passage)
{
    int64_t i = sl_strmap_find(q->queries, query, strlen(query));
    int64_t doc = sl_strmap_find(q->docs, passage, strlen(passage));

    for (int64_t j = i < 0 ? 0 : q->start[i]; i >= 0 && j < q->start[i + 1];
         j++)
        if (q->judged[j].doc == doc)
            return q->judged[j].grade > 0;
    return false;
}

static bool is_judged(const struct inputs *in, int64_t i)
{
    const char *id = sl_queries_id(in->queries, i);

    return first_relevant(in->qrels, id, strlen(id)) >= 0;
}

static simlm_status choose(struct sl_report *r, struct inputs *in,
                           int64_t count, simlm_error *err)
{
    int64_t n = sl_queries_count(in->queries), n_judged = 0, seen = 0;

    for (int64_t i = 0; i < n; i++)
        n_judged += is_judged(in, i);
    if (count > n_judged)
        count = n_judged;
    r->example = SL_NEW_ARRAY(struct sl_report_example, count);
    if (!r->example)
        return sl_fail_nomem(err, "examples");
    for (int64_t i = 0; i < n && r->n_examples < count; i++) {
        struct sl_report_example *e = &r->example[r->n_examples];
        const char *id = sl_queries_id(in->queries, i);

        if (!is_judged(in, i) ||
            seen++ != (2 * r->n_examples + 1) * n_judged / (2 * count))
            continue;
        r->n_examples++;
        e->id = sl_strdup(id);
        e->query = sl_strdup(sl_queries_text(in->queries, i, NULL));
        e->ranking = SL_NEW_ARRAY(struct sl_report_ranking, r->n_runs);
        if (!e->id || !e->query || !e->ranking ||
            sl_strmap_add(in->wanted, id, strlen(id), 0, NULL) < 0)
            return sl_fail_nomem(err, "examples");
    }
    return SIMLM_OK;
}

/* ---- what was found ------------------------------------------------------ */

/* At most TEXT_BYTES of it, without half a character at the end. */
static char *start_of(const char *text, size_t len)
{
    if (len > TEXT_BYTES) {
        len = TEXT_BYTES;
        while (len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80)
            len--;
    }
    return sl_strndup(text, len);
}

static simlm_status fill_passage(struct sl_report_passage *p,
                                 const struct inputs *in, const char *id,
                                 simlm_error *err)
{
    int64_t row = sl_docids_find(sl_corpus_ids(in->corpus), id, strlen(id));
    struct sl_passage from;

    p->id = sl_strdup(id);
    if (!p->id)
        return sl_fail_nomem(err, "examples");
    if (row < 0)
        return SIMLM_OK;
    from = sl_corpus_get(in->corpus, row);
    p->text = start_of(from.contents, from.contents_len);
    p->title = from.title ? start_of(from.title, from.title_len) : NULL;
    if (!p->text || (from.title && !p->title))
        return sl_fail_nomem(err, "examples");
    return SIMLM_OK;
}

static simlm_status fill_ranking(struct sl_report_ranking *ranking,
                                 const struct inputs *in,
                                 const struct sl_run *run, const char *query,
                                 simlm_error *err)
{
    int64_t i = sl_strmap_find(run->queries, query, strlen(query));
    int64_t n = i < 0 ? 0 : run->start[i + 1] - run->start[i];

    ranking->hit = SL_NEW_ARRAY(struct sl_report_hit, in->hits);
    if (!ranking->hit)
        return sl_fail_nomem(err, "examples");
    for (int64_t k = 0; k < n; k++) {
        const struct sl_hit *h = &run->hit[run->start[i] + k];
        const char *id = sl_strmap_key(run->docs, h->doc);
        bool relevant = is_relevant(in->qrels, query, id);

        if (relevant && !ranking->relevant_rank)
            ranking->relevant_rank = k + 1;
        if (k >= in->hits)
            continue;
        ranking->hit[k].score = h->score;
        ranking->hit[k].relevant = relevant;
        ranking->n = k + 1;
        SL_TRY(fill_passage(&ranking->hit[k].passage, in, id, err));
    }
    return SIMLM_OK;
}

static simlm_status fill_run(struct sl_report *r, const struct inputs *in,
                             int64_t which, const char *name, const char *file,
                             simlm_error *err)
{
    struct sl_run *run = NULL;
    char *path = sl_report_path(in->base, file);
    simlm_status st = path ? sl_run_load_only(&run, path, in->wanted, err)
                           : sl_fail_nomem(err, "a path");

    sl_free(path);
    for (int64_t i = 0; st == SIMLM_OK && i < r->n_examples; i++) {
        r->example[i].ranking[which].name = name;
        st = fill_ranking(&r->example[i].ranking[which], in, run,
                          r->example[i].id, err);
    }
    sl_run_free(run);
    return st;
}

static simlm_status fill_relevant(struct sl_report *r, const struct inputs *in,
                                  simlm_error *err)
{
    for (int64_t i = 0; i < r->n_examples; i++) {
        struct sl_report_example *e = &r->example[i];
        int64_t doc = first_relevant(in->qrels, e->id, strlen(e->id));

        SL_TRY(fill_passage(&e->relevant, in,
                            sl_strmap_key(in->qrels->docs, doc), err));
    }
    return SIMLM_OK;
}

/* ---- files --------------------------------------------------------------- */

static simlm_status load_corpus(struct inputs *in, struct sl_json list,
                                simlm_error *err)
{
    int64_t n = sl_json_count(list);
    char **path = SL_NEW_ARRAY(char *, n);
    simlm_status st = path ? SIMLM_OK : sl_fail_nomem(err, "paths");

    for (int64_t i = 0; st == SIMLM_OK && i < n; i++) {
        const char *file = sl_json_is_text(sl_json_item(list, i), NULL);

        if (!file)
            st = sl_json_fail(list, "corpus", "an array of strings", err);
        else if (!(path[i] = sl_report_path(in->base, file)))
            st = sl_fail_nomem(err, "a path");
    }
    if (st == SIMLM_OK)
        st = sl_corpus_load(&in->corpus, (const char *const *)path, n, NULL,
                            err);
    for (int64_t i = 0; path && i < n; i++)
        sl_free(path[i]);
    sl_free(path);
    return st;
}

/* *path <- the file that a member names; sl_free() it. */
static simlm_status path_of(char **path, const struct inputs *in,
                            struct sl_json spec, const char *key,
                            simlm_error *err)
{
    const char *file;

    SL_TRY(sl_json_need_text(spec, key, &file, NULL, err));
    *path = sl_report_path(in->base, file);
    return *path ? SIMLM_OK : sl_fail_nomem(err, "a path");
}

static simlm_status load_queries(struct inputs *in, struct sl_json spec,
                                 simlm_error *err)
{
    char *queries = NULL, *qrels = NULL;
    simlm_status st = path_of(&queries, in, spec, "queries", err);

    if (st == SIMLM_OK)
        st = path_of(&qrels, in, spec, "qrels", err);
    if (st == SIMLM_OK)
        st = sl_queries_load(&in->queries, queries, err);
    if (st == SIMLM_OK)
        st = sl_qrels_load(&in->qrels, qrels, err);
    sl_free(queries);
    sl_free(qrels);
    return st;
}

static simlm_status read_runs(struct sl_report *r, const struct inputs *in,
                              struct sl_json runs, simlm_error *err)
{
    for (int64_t i = 0; i < r->n_runs; i++) {
        struct sl_json item = sl_json_item(runs, i);
        const char *name, *file;

        SL_TRY(sl_json_need_text(item, "name", &name, NULL, err));
        SL_TRY(sl_json_need_text(item, "run", &file, NULL, err));
        SL_TRY(fill_run(r, in, i, name, file, err));
    }
    return SIMLM_OK;
}

static simlm_status read_all(struct sl_report *r, struct inputs *in,
                             struct sl_json spec, simlm_error *err)
{
    struct sl_json corpus, runs;
    int64_t count = 8;

    in->hits = 5;
    SL_TRY(sl_json_need(spec, "corpus", SL_JSON_ARRAY, &corpus, err));
    SL_TRY(sl_json_need(spec, "runs", SL_JSON_ARRAY, &runs, err));
    SL_TRY(sl_json_opt_int(spec, "count", 1, MAX_COUNT, &count, err));
    SL_TRY(sl_json_opt_int(spec, "hits", 1, MAX_HITS, &in->hits, err));
    r->n_runs = sl_json_count(runs);
    in->wanted = sl_strmap_new();
    if (!in->wanted)
        return sl_fail_nomem(err, "examples");
    SL_TRY(load_queries(in, spec, err));
    SL_TRY(load_corpus(in, corpus, err));
    SL_TRY(choose(r, in, count, err));
    SL_TRY(fill_relevant(r, in, err));
    return read_runs(r, in, runs, err);
}

simlm_status sl_report_read_examples(struct sl_report *r, struct sl_json spec,
                                     const char *base, simlm_error *err)
{
    struct inputs in = {.base = base};
    simlm_status st = read_all(r, &in, spec, err);

    sl_strmap_free(in.wanted);
    sl_qrels_free(in.qrels);
    sl_queries_free(in.queries);
    sl_corpus_free(in.corpus);
    return st;
}

/* ---- the end ------------------------------------------------------------- */

static void free_passage(struct sl_report_passage *p)
{
    sl_free(p->id);
    sl_free(p->title);
    sl_free(p->text);
}

static void free_ranking(struct sl_report_ranking *ranking)
{
    for (int64_t i = 0; i < ranking->n; i++)
        free_passage(&ranking->hit[i].passage);
    sl_free(ranking->hit);
}

void sl_report_free_examples(struct sl_report *r)
{
    for (int64_t i = 0; i < r->n_examples; i++) {
        struct sl_report_example *e = &r->example[i];

        for (int64_t k = 0; e->ranking && k < r->n_runs; k++)
            free_ranking(&e->ranking[k]);
        sl_free(e->ranking);
        free_passage(&e->relevant);
        sl_free(e->id);
        sl_free(e->query);
    }
    sl_free(r->example);
}
