/*
 * The reference's readable_*.json (spec 5.9), and what its tool makes of a run.
 * Where we differ: one array, however long (the reference begins a new one
 * every 10,000 examples, which is no JSON).
 *
 * Both kinds are first made into the same lists of passages by id, so that the
 * corpus is read once for the texts (for examples once more, before that, for
 * the ids).
 */
#include "data/cases_job.h"

#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/observe.h"
#include "base/parallel.h"
#include "data/examples.h"
#include "data/picked.h"
#include "data/queries.h"
#include "data/records.h"
#include "format/json.h"
#include "format/lines.h"
#include "format/qrels.h"
#include "format/runfile.h"

enum { LISTS = 2 };

/* A passage of a list, and what is said of it. */
struct item {
    int64_t doc; /* entry of wanted */
    double score;
    int64_t rank, grade; /* -1: null */
};

struct kase {
    const char *id, *query;
    size_t id_len, query_len;
    int64_t end[LISTS]; /* of its lists in items; the first begins where the
                         * case before ended */
};

struct cases {
    const simlm_cases_options *o;
    const simlm_observer *obs;
    bool is_run;
    struct sl_docids *ids;        /* examples' */
    struct sl_examples *examples; /* one of these, or ... */
    struct sl_queries *queries;   /* ... these three */
    struct sl_run *run;
    struct sl_qrels *qrels;
    struct sl_strmap *wanted;
    struct kase *list;
    struct item *item;
    int64_t n, cap, n_items, item_cap;
    struct sl_picked *texts;
};

/* ---- collecting ---------------------------------------------------------- */

static simlm_status add_case(struct cases *c, const char *id, size_t id_len,
                             const char *query, size_t query_len,
                             simlm_error *err)
{
    if (!sl_grow(&c->list, &c->cap, c->n + 1, sizeof *c->list))
        return sl_fail_nomem(err, "cases");
    c->list[c->n++] = (struct kase){id, query, id_len, query_len, {0}};
    return SIMLM_OK;
}

static simlm_status add_item(struct cases *c, const char *doc, size_t len,
                             struct item item, simlm_error *err)
{
    item.doc = sl_strmap_add(c->wanted, doc, len, 0, NULL);
    if (item.doc < 0 ||
        !sl_grow(&c->item, &c->item_cap, c->n_items + 1, sizeof *c->item))
        return sl_fail_nomem(err, "cases");
    c->item[c->n_items++] = item;
    return SIMLM_OK;
}

static bool is_full(const struct cases *c)
{
    return c->o->limit && c->n >= c->o->limit;
}

static simlm_status add_list(struct cases *c, int which,
                             const struct sl_doc_lists *l, int64_t i,
                             simlm_error *err)
{
    int64_t end = l->start[i + 1];

    if (end - l->start[i] > c->o->passages)
        end = l->start[i] + c->o->passages;
    for (int64_t j = l->start[i]; j < end; j++) {
        char buf[SL_DOCID_BUF];
        const char *id = sl_docids_get(c->ids, l->row[j], buf);
        struct item item = {.score = (double)l->score[j]};

        SL_TRY(add_item(c, id, strlen(id), item, err));
    }
    c->list[c->n - 1].end[which] = c->n_items;
    return SIMLM_OK;
}

static simlm_status collect_examples(struct cases *c, simlm_error *err)
{
    const struct sl_examples *e = c->examples;

    for (int64_t i = 0; i < e->n && !is_full(c); i++) {
        const struct sl_example_query *q = &e->query[i];

        SL_TRY(add_case(c, e->text + q->id, (size_t)q->id_len,
                        e->text + q->text, (size_t)q->text_len, err));
        SL_TRY(add_list(c, 0, &e->positives, i, err));
        SL_TRY(add_list(c, 1, &e->negatives, i, err));
    }
    return SIMLM_OK;
}

/* The grade that a passage has for query q of the qrels, or -1. */
static int64_t grade_of(const struct sl_qrels *q, int64_t query, const char *id)
{
    int64_t doc = sl_strmap_find(q->docs, id, strlen(id));

    for (int64_t j = q->start[query]; j < q->start[query + 1]; j++)
        if (q->judged[j].doc == doc)
            return q->judged[j].grade;
    return -1;
}

/* The rank that a passage has among the hits of query r, or -1. */
static int64_t rank_of(const struct sl_run *run, int64_t r, const char *id)
{
    int64_t doc = sl_strmap_find(run->docs, id, strlen(id));

    for (int64_t h = run->start[r]; h < run->start[r + 1]; h++)
        if (run->hit[h].doc == doc)
            return h - run->start[r] + 1;
    return -1;
}

static simlm_status add_hits(struct cases *c, int64_t r, int64_t judged,
                             simlm_error *err)
{
    const struct sl_run *run = c->run;

    for (int64_t h = run->start[r];
         h < run->start[r + 1] && h - run->start[r] < c->o->passages; h++) {
        const char *id = sl_strmap_key(run->docs, run->hit[h].doc);
        struct item item = {.score = run->hit[h].score, .grade = -1};

        if (judged >= 0)
            item.grade = grade_of(c->qrels, judged, id);
        SL_TRY(add_item(c, id, strlen(id), item, err));
    }
    c->list[c->n - 1].end[0] = c->n_items;
    return SIMLM_OK;
}

static simlm_status add_relevant(struct cases *c, int64_t r, int64_t judged,
                                 simlm_error *err)
{
    const struct sl_qrels *q = c->qrels;
    int32_t n = 0;

    for (int64_t j = judged < 0 ? 0 : q->start[judged];
         judged >= 0 && j < q->start[judged + 1] && n < c->o->passages; j++) {
        const char *id = sl_strmap_key(q->docs, q->judged[j].doc);
        struct item item = {.grade = q->judged[j].grade,
                            .rank = rank_of(c->run, r, id)};

        if (item.grade < 1)
            continue;
        SL_TRY(add_item(c, id, strlen(id), item, err));
        n++;
    }
    c->list[c->n - 1].end[1] = c->n_items;
    return SIMLM_OK;
}

static simlm_status collect_run(struct cases *c, simlm_error *err)
{
    const struct sl_strmap *asked = c->run->queries;

    for (int64_t r = 0; r < sl_strmap_count(asked) && !is_full(c); r++) {
        const char *id = sl_strmap_key(asked, r), *text;
        size_t n = sl_strmap_key_len(asked, r), len;
        int64_t q = sl_queries_find(c->queries, id, n);
        int64_t judged =
            c->qrels ? sl_strmap_find(c->qrels->queries, id, n) : -1;

        if (q < 0)
            return sl_fail(err, SIMLM_E_FORMAT,
                           "query '%.100s' of the run is not in '%s'", id,
                           c->o->queries);
        text = sl_queries_text(c->queries, q, &len);
        SL_TRY(add_case(c, id, n, text, len, err));
        SL_TRY(add_hits(c, r, judged, err));
        SL_TRY(add_relevant(c, r, judged, err));
    }
    return SIMLM_OK;
}

/* ---- writing ------------------------------------------------------------- */

static void put_number(struct sl_json_writer *w, const char *key, int64_t x)
{
    if (x < 0)
        sl_json_add_null(w, key);
    else
        sl_json_add_int(w, key, x);
}

static void put_item(const struct cases *c, struct sl_json_writer *w, int list,
                     const struct item *item)
{
    struct sl_passage p = sl_picked_get(c->texts, item->doc);

    sl_json_begin(w, NULL, '{');
    sl_json_add_text(w, "doc_id", sl_strmap_key(c->wanted, item->doc));
    if (p.title)
        sl_json_add_bytes(w, "title", p.title, p.title_len);
    sl_json_add_bytes(w, "contents", p.contents, p.contents_len);
    if (!c->is_run || list == 0)
        sl_json_add_real(w, "score", item->score);
    if (c->is_run && c->qrels)
        put_number(w, "judged", item->grade);
    if (c->is_run && list == 1)
        put_number(w, "rank", item->rank);
    sl_json_end(w);
}

static void put_case(const struct cases *c, struct sl_json_writer *w, int64_t i)
{
    static const char *const names[2][LISTS] = {{"positives", "negatives"},
                                                {"hits", "relevant"}};
    const struct kase *k = &c->list[i];
    int64_t at = i ? k[-1].end[LISTS - 1] : 0;

    sl_json_begin(w, NULL, '{');
    sl_json_add_bytes(w, "query_id", k->id, k->id_len);
    sl_json_add_bytes(w, "query", k->query, k->query_len);
    for (int list = 0; list < LISTS; list++) {
        if (c->is_run && list == 1 && !c->qrels)
            continue;
        sl_json_begin(w, names[c->is_run][list], '[');
        for (; at < k->end[list]; at++)
            put_item(c, w, list, &c->item[at]);
        sl_json_end(w);
    }
    sl_json_end(w);
}

/* Case by case: all together would be large. */
static simlm_status write_all(const struct cases *c, struct sl_out *out,
                              simlm_error *err)
{
    struct sl_str text = {0};
    struct sl_json_writer w = {.s = &text, .indent = 4};
    bool ok = true;

    sl_json_begin(&w, NULL, '[');
    for (int64_t i = 0; ok && i <= c->n; i++) {
        if (i < c->n)
            put_case(c, &w, i);
        else
            sl_json_end(&w);
        ok = sl_str_ok(&text);
        if (ok)
            fwrite(text.s, 1, text.len, out->f);
        sl_str_clear(&text);
    }
    if (ok)
        fputc('\n', out->f);
    sl_str_free(&text);
    return ok ? SIMLM_OK : sl_fail_nomem(err, "cases");
}

/* ---- the job ------------------------------------------------------------- */

/* Examples begin with '{', runs with an id. */
static simlm_status look(bool *is_run, const char *path, simlm_error *err)
{
    enum sl_record_form form = SL_RECORD_UNKNOWN;
    struct sl_lines *in = NULL;
    struct sl_line line;
    simlm_status st;

    SL_TRY(sl_lines_open(&in, path, err));
    do {
        st = sl_lines_next(in, &line, err);
        if (st == SIMLM_OK && line.text)
            form = sl_record_form(line.text, line.len);
    } while (st == SIMLM_OK && line.text && form == SL_RECORD_UNKNOWN);
    sl_lines_close(in);
    *is_run = form == SL_RECORD_TABS;
    return st;
}

static simlm_status read_ids(struct cases *c, simlm_error *err)
{
    struct sl_corpus_reader *in = NULL;
    struct sl_passage_block block = {0};
    simlm_status st;

    SL_TRY(sl_corpus_reader_open(&in, &c->o->corpus, 1, c->obs, err));
    do
        st = sl_corpus_reader_next(in, &block, err);
    while (st == SIMLM_OK && block.n);
    if (st == SIMLM_OK)
        c->ids = sl_corpus_reader_take_ids(in);
    sl_corpus_reader_close(in);
    return st;
}

static simlm_status load_run(struct cases *c, simlm_error *err)
{
    if (!c->o->queries)
        return sl_fail(err, SIMLM_E_ARG,
                       "'%s' is a run: the queries are needed, too",
                       c->o->input);
    SL_TRY(sl_queries_load(&c->queries, c->o->queries, err));
    SL_TRY(sl_run_load(&c->run, c->o->input, err));
    if (c->o->qrels)
        SL_TRY(sl_qrels_load(&c->qrels, c->o->qrels, err));
    return collect_run(c, err);
}

static simlm_status load_examples(struct cases *c, simlm_error *err)
{
    if (c->o->queries || c->o->qrels)
        return sl_fail(err, SIMLM_E_ARG, "'%s' holds examples: %s are of a run",
                       c->o->input, c->o->queries ? "queries" : "judgements");
    SL_TRY(read_ids(c, err));
    SL_TRY(sl_examples_load(&c->examples, c->o->input, c->ids, false, err));
    return collect_examples(c, err);
}

static simlm_status make(struct cases *c, struct sl_out *out, simlm_error *err)
{
    c->wanted = sl_strmap_new();
    if (!c->wanted)
        return sl_fail_nomem(err, "cases");
    SL_TRY(look(&c->is_run, c->o->input, err));
    SL_TRY(c->is_run ? load_run(c, err) : load_examples(c, err));
    SL_TRY(
        sl_picked_load(&c->texts, c->wanted,
                       c->is_run ? "the run or its judgements" : "the examples",
                       c->o->corpus, c->obs, err));
    SL_TRY(write_all(c, out, err));
    sl_observe_message(c->obs, SIMLM_INFO, "%lld %s, %lld passages",
                       (long long)c->n, c->is_run ? "queries" : "examples",
                       (long long)sl_strmap_count(c->wanted));
    return SIMLM_OK;
}

static void release(struct cases *c)
{
    sl_docids_free(c->ids);
    sl_examples_free(c->examples);
    sl_queries_free(c->queries);
    sl_run_free(c->run);
    sl_qrels_free(c->qrels);
    sl_strmap_free(c->wanted);
    sl_picked_free(c->texts);
    sl_free(c->list);
    sl_free(c->item);
}

simlm_status sl_cases_job(const simlm_cases_options *o,
                          const simlm_observer *obs, simlm_error *err)
{
    struct cases c = {.o = o, .obs = obs};
    struct sl_out out;
    simlm_status st;

    sl_parallel_set_threads(o->threads);
    SL_TRY(sl_out_open(&out, o->output, err));
    st = make(&c, &out, err);
    if (st == SIMLM_OK)
        st = sl_out_commit(&out, err);
    sl_out_abort(&out);
    release(&c);
    return st;
}
