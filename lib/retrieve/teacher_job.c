/*
 * retrieve/teacher_job.c - training examples with a teacher's scores (spec 4.5,
 * 5.3): each line of SimLM's train.jsonl again, with the re-ranker's scores.
 *
 *     positives   all of them
 *     negatives   the first n; the others, which get no score, are dropped
 *     the rest    as it stands in the line, to the byte
 *
 * The file is read twice: for the passages it names, and then in blocks of some
 * thousand pairs, which are scored and written.
 */
#include <stdio.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/parallel.h"
#include "comm/comm.h"
#include "data/picked.h"
#include "format/json.h"
#include "format/jsonscan.h"
#include "format/lines.h"
#include "retrieve/retrieve_jobs.h"
#include "retrieve/scorestore.h"

/* A piece of a block's text. */
struct piece {
    size_t begin, end;
};

/* {"doc_id": [...], ...}: where it stands, and which passages it keeps. */
struct list {
    struct piece place;
    int64_t first, n; /* among a block's docs */
    bool found;
};

struct doc {
    struct piece id; /* as it is written, with its quotes */
    int64_t passage; /* place in `wanted` */
};

struct example {
    struct piece line;
    size_t query, query_len; /* in the block's queries */
    struct list positives, negatives;
};

struct teacher_job {
    const simlm_score_options *o;
    const simlm_observer *obs;
    struct sl_strmap *wanted; /* passages that are to be scored */
    bool collecting;          /* the first reading: into `wanted` */
    int64_t n_pairs;
    struct sl_picked *passages;
    struct sl_retriever model;
    struct sl_scorer *scorer;
    struct sl_scorestore store;
    struct sl_meter meter;
    struct sl_out out;

    /* A block. */
    struct sl_str text, queries; /* lines; decoded queries, NUL after each */
    struct example *example;
    struct doc *doc;
    int64_t n_examples, example_cap, n_docs, doc_cap, pair_cap, score_cap;
    struct sl_pair *pair; /* [n_docs] */
    float *score;         /* [n_docs] */
    struct sl_str scratch, written;
};

/* ---- one line ---------------------------------------------------------------
 */

/* A line while it is read. */
struct reader {
    struct teacher_job *j;
    struct sl_scan s;
    struct example e;
    bool has_query;
};

/* Where s stands, in the block's text. */
static size_t place(const struct reader *r)
{
    return r->e.line.begin + (size_t)(r->s.at - r->s.text);
}

static simlm_status add_doc(struct reader *r, struct piece id, simlm_error *err)
{
    struct teacher_job *j = r->j;
    const char *key = sl_str_c(&j->scratch);
    int64_t passage;

    if (!sl_grow(&j->doc, &j->doc_cap, j->n_docs + 1, sizeof *j->doc))
        return sl_fail_nomem(err, r->s.path);
    passage = j->collecting
                  ? sl_strmap_add(j->wanted, key, j->scratch.len, 0, NULL)
                  : sl_strmap_find(j->wanted, key, j->scratch.len);
    if (passage < 0)
        return j->collecting ? sl_fail_nomem(err, r->s.path)
                             : sl_fail(err, SIMLM_E_FORMAT,
                                       "%s:%lld: changed while it was read",
                                       r->s.path, (long long)r->s.line);
    j->doc[j->n_docs++] = (struct doc){id, passage};
    return SIMLM_OK;
}

/* The first `most` ids. */
static simlm_status read_ids(struct reader *r, struct list *l, int64_t most,
                             simlm_error *err)
{
    bool more;

    SL_TRY(sl_scan_open(&r->s, '[', err));
    for (;;) {
        struct piece id;

        SL_TRY(sl_scan_element(&r->s, &more, err));
        if (!more)
            return SIMLM_OK;
        sl_scan_peek(&r->s); /* past blanks */
        id.begin = place(r);
        SL_TRY(sl_scan_id(&r->j->scratch, &r->s, err));
        id.end = place(r);
        if (l->n < most) {
            SL_TRY(add_doc(r, id, err));
            l->n++;
        }
    }
}

static simlm_status read_list(struct reader *r, struct list *l, int64_t most,
                              simlm_error *err)
{
    struct sl_span key;
    bool more;

    if (l->found)
        return sl_scan_fail(&r->s, "one such list, not a second", err);
    l->found = true;
    l->first = r->j->n_docs;
    sl_scan_peek(&r->s);
    l->place.begin = place(r);
    SL_TRY(sl_scan_open(&r->s, '{', err));
    for (;;) {
        SL_TRY(sl_scan_member(&r->s, &key, &more, err));
        if (!more)
            break;
        if (sl_span_is(&key, "doc_id"))
            SL_TRY(read_ids(r, l, most, err));
        else
            SL_TRY(sl_scan_skip(&r->s, err));
    }
    l->place.end = place(r);
    return SIMLM_OK;
}

static simlm_status read_query(struct reader *r, simlm_error *err)
{
    struct teacher_job *j = r->j;

    if (sl_scan_peek(&r->s) != '"')
        return sl_scan_fail(&r->s, "a string", err);
    SL_TRY(sl_scan_id(&j->scratch, &r->s, err));
    r->has_query = true;
    r->e.query = j->queries.len;
    r->e.query_len = j->scratch.len;
    sl_str_add(&j->queries, sl_str_c(&j->scratch), j->scratch.len);
    sl_str_putc(&j->queries, '\0');
    return SIMLM_OK;
}

static simlm_status read_member(struct reader *r, const struct sl_span *key,
                                simlm_error *err)
{
    if (sl_span_is(key, "query"))
        return read_query(r, err);
    if (sl_span_is(key, "positives"))
        return read_list(r, &r->e.positives, INT64_MAX, err);
    if (sl_span_is(key, "negatives"))
        return read_list(r, &r->e.negatives, r->j->o->negatives, err);
    return sl_scan_skip(&r->s, err);
}

/* Append the line's example to the block; nothing of a blank line. */
static simlm_status read_line(struct teacher_job *j, const struct sl_line *line,
                              const char *path, simlm_error *err)
{
    struct reader r = {.j = j};
    struct sl_span key;
    bool more;

    sl_scan_begin(&r.s, line->text, line->len, path, line->number);
    if (!sl_scan_peek(&r.s) && r.s.at == r.s.end)
        return SIMLM_OK;
    r.e.line.begin = j->text.len;
    sl_str_add(&j->text, line->text, line->len);
    r.e.line.end = j->text.len;
    SL_TRY(sl_scan_open(&r.s, '{', err));
    for (;;) {
        SL_TRY(sl_scan_member(&r.s, &key, &more, err));
        if (!more)
            break;
        SL_TRY(read_member(&r, &key, err));
    }
    SL_TRY(sl_scan_end(&r.s, err));
    if (!r.has_query || !r.e.positives.found || !r.e.negatives.found)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "%s:%lld: expected members 'query', 'positives' and "
                       "'negatives'",
                       path, (long long)line->number);
    if (!sl_str_ok(&j->text) || !sl_str_ok(&j->queries) ||
        !sl_grow(&j->example, &j->example_cap, j->n_examples + 1,
                 sizeof *j->example))
        return sl_fail_nomem(err, path);
    j->example[j->n_examples++] = r.e;
    return SIMLM_OK;
}

/* ---- a block ----------------------------------------------------------------
 */

static void forget_block(struct teacher_job *j)
{
    sl_str_clear(&j->text);
    sl_str_clear(&j->queries);
    j->n_examples = j->n_docs = 0;
}

static void add_pairs(struct teacher_job *j, const struct example *e,
                      const struct list *l)
{
    for (int64_t i = l->first; i < l->first + l->n; i++) {
        struct sl_passage p = sl_picked_get(j->passages, j->doc[i].passage);

        j->pair[i] = (struct sl_pair){
            .query = {.text = sl_str_c(&j->queries) + e->query,
                      .text_len = e->query_len},
            .passage = {p.contents, p.title, p.contents_len, p.title_len}};
    }
}

static simlm_status score_block(struct teacher_job *j, simlm_error *err)
{
    if (!sl_grow(&j->pair, &j->pair_cap, j->n_docs, sizeof *j->pair) ||
        !sl_grow(&j->score, &j->score_cap, j->n_docs, sizeof *j->score))
        return sl_fail_nomem(err, "pairs of texts");
    for (int64_t i = 0; i < j->n_examples; i++) {
        add_pairs(j, &j->example[i], &j->example[i].positives);
        add_pairs(j, &j->example[i], &j->example[i].negatives);
    }
    for (int64_t at = 0; at < j->n_docs; at += j->o->save_every) {
        int64_t left = j->n_docs - at;

        SL_TRY(sl_scorestore_run(
            &j->store, j->scorer, j->score + at, j->pair + at,
            left < j->o->save_every ? left : j->o->save_every, &j->meter, err));
    }
    return SIMLM_OK;
}

static void put_list(struct teacher_job *j, const struct list *l)
{
    struct sl_str *s = &j->written;
    const char *text = sl_str_c(&j->text);

    sl_str_puts(s, "{\"doc_id\":[");
    for (int64_t i = l->first; i < l->first + l->n; i++) {
        struct piece id = j->doc[i].id;

        if (i > l->first)
            sl_str_putc(s, ',');
        sl_str_add(s, text + id.begin, id.end - id.begin);
    }
    sl_str_puts(s, "],\"score\":[");
    for (int64_t i = l->first; i < l->first + l->n; i++) {
        if (i > l->first)
            sl_str_putc(s, ',');
        sl_json_put_real(s, sl_stored_score(j->score[i]));
    }
    sl_str_puts(s, "]}");
}

/* The line with its two lists replaced. */
static void put_example(struct teacher_job *j, const struct example *e)
{
    bool ahead = e->positives.place.begin < e->negatives.place.begin;
    const struct list *a = ahead ? &e->positives : &e->negatives;
    const struct list *b = ahead ? &e->negatives : &e->positives;
    const char *text = sl_str_c(&j->text);
    struct sl_str *s = &j->written;

    sl_str_clear(s);
    sl_str_add(s, text + e->line.begin, a->place.begin - e->line.begin);
    put_list(j, a);
    sl_str_add(s, text + a->place.end, b->place.begin - a->place.end);
    put_list(j, b);
    sl_str_add(s, text + b->place.end, e->line.end - b->place.end);
    sl_str_putc(s, '\n');
}

static simlm_status write_block(struct teacher_job *j, simlm_error *err)
{
    SL_TRY(score_block(j, err));
    for (int64_t i = 0; sl_comm_first() && i < j->n_examples; i++) {
        put_example(j, &j->example[i]);
        if (!sl_str_ok(&j->written))
            return sl_fail_nomem(err, "a line");
        fwrite(j->written.s, 1, j->written.len, j->out.f);
    }
    forget_block(j);
    return SIMLM_OK;
}

/* ---- the job ----------------------------------------------------------------
 */

/* Either collect what the file names, or score and write it. */
static simlm_status read_file(struct teacher_job *j, simlm_error *err)
{
    struct sl_lines *in = NULL;
    struct sl_line line;
    simlm_status st = sl_lines_open(&in, j->o->input, err);

    if (st < 0)
        return st;
    while ((st = sl_lines_next(in, &line, err)) == SIMLM_OK && line.text) {
        st = read_line(j, &line, sl_lines_path(in), err);
        if (st == SIMLM_OK && j->collecting) {
            j->n_pairs += j->n_docs;
            forget_block(j);
        } else if (st == SIMLM_OK && j->n_docs >= j->o->save_every) {
            st = write_block(j, err);
        }
        if (st < 0)
            break;
    }
    if (st == SIMLM_OK && !j->collecting)
        st = write_block(j, err);
    sl_lines_close(in);
    return st;
}

static simlm_status set_up(struct teacher_job *j, simlm_error *err)
{
    const simlm_score_options *o = j->o;
    struct sl_scorer_options so = {.max_pairs = o->save_every,
                                   .batch_tokens = o->batch_tokens,
                                   .max_length = o->max_length};

    j->wanted = sl_strmap_new();
    if (!j->wanted)
        return sl_fail_nomem(err, "the passages of a list");
    SL_TRY(sl_reranker_open(&j->model, o->model, o->precision, err));
    SL_TRY(sl_scorer_new(&j->scorer, &j->model, &so, err));
    j->collecting = true;
    SL_TRY(read_file(j, err));
    j->collecting = false;
    return sl_picked_load(&j->passages, j->wanted, "the examples", o->corpus,
                          j->obs, err);
}

/* What was scored for the same output before a kill is kept. */
static simlm_status open_store(struct teacher_job *j, simlm_error *err)
{
    const simlm_score_options *o = j->o;
    const char *const file[] = {o->input, o->corpus};
    char rest[80];

    snprintf(rest, sizeof rest, "score|%d|%d|%d", (int)o->negatives,
             (int)o->max_length, (int)o->precision);
    return sl_scorestore_open(&j->store, o->output, &j->model, file,
                              SL_LEN(file), rest, err);
}

static simlm_status run(struct teacher_job *j, simlm_error *err)
{
    simlm_status st;

    SL_TRY(set_up(j, err));
    if (sl_comm_first())
        SL_TRY(sl_out_open(&j->out, j->o->output, err));
    j->meter = (struct sl_meter){.obs = j->obs,
                                 .phase = "scoring",
                                 .unit = "pairs",
                                 .total = j->n_pairs};
    st = open_store(j, err);
    if (st == SIMLM_OK)
        st = read_file(j, err);
    if (st == SIMLM_OK && sl_comm_first())
        st = sl_out_commit(&j->out, err);
    sl_scorestore_close(&j->store, st == SIMLM_OK);
    sl_out_abort(&j->out);
    return st;
}

simlm_status sl_score_files(const simlm_score_options *o,
                            const simlm_observer *obs, simlm_error *err)
{
    struct teacher_job j = {.o = o, .obs = obs, .store = SL_SCORESTORE_NONE};
    simlm_status st;

    sl_parallel_set_threads(o->threads);
    st = run(&j, err);
    sl_scorer_free(j.scorer);
    sl_retriever_close(&j.model);
    sl_picked_free(j.passages);
    sl_strmap_free(j.wanted);
    sl_str_free(&j.text);
    sl_str_free(&j.queries);
    sl_str_free(&j.scratch);
    sl_str_free(&j.written);
    sl_free(j.example);
    sl_free(j.doc);
    sl_free(j.pair);
    sl_free(j.score);
    return st;
}
