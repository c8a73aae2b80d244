/*
 * Natural Questions over DPR's Wikipedia, from DPR's downloads.
 *
 * The reference's miner (spec 5.10) needs of each split the questions with
 * their answers and DPR's labelled positive, the first of a question's
 * positive_ctxs; its training script needs nq_train.jsonl and nq_dev.jsonl,
 * too, which none of its scripts makes (9.2, 17): here a question's positives
 * are its positive_ctxs, and its negatives hard_negative_ctxs, which are
 * BM25's, or where there are none negative_ctxs, in random order.
 *
 * Training files are read record by record, passages line by line.
 */
#include "prepare/prepare_jobs.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/observe.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "base/strmap.h"
#include "data/docids.h"
#include "data/qa.h"
#include "format/json.h"
#include "format/jsonarray.h"
#include "format/number.h"
#include "prepare/dpr.h"
#include "prepare/outputs.h"
#include "prepare/passages.h"
#include "prepare/raw.h"
#include "prepare/split.h"

enum { LINES_A_REPORT = 1 << 14 };

static const struct source {
    const char *split;
    const char *records[3], *questions[3]; /* a training file; a table */
} sources[] = {
    {"nq_train",
     {"biencoder-nq-train.json", "nq-train.json", NULL},
     {"nq-train.qa.csv", NULL}},
    {"nq_dev",
     {"biencoder-nq-dev.json", "nq-dev.json", NULL},
     {"nq-dev.qa.csv", NULL}},
    {"nq_test", {NULL}, {"nq-test.qa.csv", "nq-test.csv", NULL}},
};
enum { N_SOURCES = SL_LEN(sources) };

struct split {
    const char *records_path, *questions_path; /* NULL: absent */
    struct sl_out *queries, *qrels, *examples; /* the last two: of records */
    struct sl_strmap *seen;                    /* questions */
    int64_t n_examples, n_twice, n_left_out;
};

struct nq {
    const simlm_prepare_options *o;
    const simlm_observer *obs;
    const char *passages_path;
    struct split split[N_SOURCES];
    struct sl_outputs outputs;
    struct sl_passages passages;
};

/* ---- what is there ------------------------------------------------------- */

static simlm_status find_split(struct split *s, const struct source *from,
                               const struct sl_raw *raw, struct sl_str *missing,
                               simlm_error *err)
{
    const char *need = from->records[0] ? from->records[0] : from->questions[0];

    SL_TRY(sl_raw_find(&s->records_path, raw, from->records, err));
    SL_TRY(sl_raw_find(&s->questions_path, raw, from->questions, err));
    if (from->records[0] ? !s->records_path : !s->questions_path)
        sl_str_printf(missing, "%s%s", missing->len ? ", " : "", need);
    return SIMLM_OK;
}

static simlm_status find_all(struct nq *m, const struct sl_raw *raw,
                             struct sl_str *missing, simlm_error *err)
{
    static const char *const passages[] = {"psgs_w100.tsv", NULL};

    SL_TRY(sl_raw_find(&m->passages_path, raw, passages, err));
    if (!m->passages_path)
        sl_str_puts(missing, passages[0]);
    for (size_t i = 0; i < N_SOURCES; i++)
        SL_TRY(find_split(&m->split[i], &sources[i], raw, missing, err));
    if (!sl_str_ok(missing))
        return sl_fail_nomem(err, "a list of files");
    if (!missing->len)
        return SIMLM_OK;
    return sl_fail(err, SIMLM_E_FORMAT, "'%.100s': missing: %s", m->o->raw[0],
                   missing->s);
}

static simlm_status begin(struct sl_out **out, struct nq *m, const char *split,
                          const char *ending, simlm_error *err)
{
    char name[64];

    snprintf(name, sizeof name, "%s%s", split, ending);
    return sl_outputs_add(&m->outputs, out, name, err);
}

static simlm_status open_all(struct nq *m, simlm_error *err)
{
    struct sl_out *out;

    SL_TRY(sl_outputs_begin(&m->outputs, m->o->output, m->o->overwrite, err));
    SL_TRY(sl_outputs_add(&m->outputs, &out, "passages.jsonl.gz", err));
    sl_passages_begin(&m->passages, out->f);
    for (size_t i = 0; i < N_SOURCES; i++) {
        struct split *s = &m->split[i];
        const char *name = sources[i].split;

        s->seen = sl_strmap_new();
        if (!s->seen)
            return sl_fail_nomem(err, "questions");
        SL_TRY(begin(&s->queries, m, name, "_queries.tsv", err));
        if (s->records_path)
            SL_TRY(begin(&s->qrels, m, name, "_qrels.txt", err));
        if (s->records_path)
            SL_TRY(begin(&s->examples, m, name, ".jsonl", err));
    }
    return SIMLM_OK;
}

/* ---- passages ------------------------------------------------------------ */

static simlm_status put_passage(struct nq *m, struct sl_line *line,
                                simlm_error *err)
{
    char id[SL_DOCID_BUF];
    struct sl_passage p;

    SL_TRY(sl_dpr_passage_parse(&p, line, m->passages_path, err));
    if (line->number == 1 && !strcmp(p.id, "id"))
        return SIMLM_OK;
    snprintf(id, sizeof id, "%lld", (long long)m->passages.n + 1);
    if (strcmp(p.id, id) != 0)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "%s:%lld: expected passage number %s, not '%.40s'",
                       m->passages_path, (long long)line->number, id, p.id);
    p.id_len =
        (size_t)snprintf(id, sizeof id, "%lld", (long long)m->passages.n);
    p.id = id;
    return sl_passages_put(&m->passages, &p, err);
}

static simlm_status report(const struct nq *m, const char *what,
                           int64_t consumed, simlm_error *err)
{
    sl_observe_progress(m->obs, what, consumed, 0, "bytes");
    if (sl_observe_cancelled(m->obs))
        return sl_fail(err, SIMLM_E_CANCELLED, "stopped; nothing was written");
    return SIMLM_OK;
}

static simlm_status read_passages(struct nq *m, struct sl_lines *in,
                                  simlm_error *err)
{
    struct sl_line line;

    for (;;) {
        SL_TRY(sl_lines_next(in, &line, err));
        if (!line.text)
            return sl_passages_end(&m->passages, m->obs, err);
        if (line.number % LINES_A_REPORT == 1)
            SL_TRY(report(m, "passages", sl_lines_consumed(in), err));
        SL_TRY(put_passage(m, &line, err));
    }
}

static simlm_status copy_passages(struct nq *m, simlm_error *err)
{
    struct sl_lines *in = NULL;
    simlm_status st;

    SL_TRY(sl_lines_open(&in, m->passages_path, err));
    st = read_passages(m, in, err);
    sl_lines_close(in);
    return st;
}

/* ---- questions ----------------------------------------------------------- */

/* *first: it has not been there before; it is the one that counts. */
static simlm_status see(struct split *s, const struct sl_str *question,
                        bool *first, simlm_error *err)
{
    if (sl_strmap_add(s->seen, question->s, question->len, 0, first) < 0)
        return sl_fail_nomem(err, "questions");
    s->n_twice += !*first;
    return SIMLM_OK;
}

static simlm_status write_question(struct sl_out *out,
                                   const struct sl_str *question,
                                   const struct sl_pylist *answers,
                                   simlm_error *err)
{
    struct sl_str line = {0}, list = {0};
    bool ok;

    sl_pylist_put(&list, answers);
    sl_field_put(&line, question->s, question->len);
    sl_str_putc(&line, '\t');
    sl_field_put(&line, sl_str_c(&list), list.len);
    sl_str_putc(&line, '\n');
    ok = sl_str_ok(&line) && sl_str_ok(&list);
    if (ok)
        fwrite(line.s, 1, line.len, out->f);
    sl_str_free(&line);
    sl_str_free(&list);
    return ok ? SIMLM_OK : sl_fail_nomem(err, "a question");
}

static simlm_status read_questions(struct split *s, struct sl_lines *in,
                                   struct sl_qa *qa, simlm_error *err)
{
    struct sl_line line;
    bool first;

    for (;;) {
        SL_TRY(sl_lines_next(in, &line, err));
        if (!line.text)
            return SIMLM_OK;
        SL_TRY(sl_qa_parse(qa, line.text, line.len, sl_lines_path(in),
                           line.number, err));
        if (!qa->question.len)
            continue;
        SL_TRY(see(s, &qa->question, &first, err));
        if (first)
            SL_TRY(
                write_question(s->queries, &qa->question, &qa->answers, err));
    }
}

static simlm_status copy_questions(struct split *s, simlm_error *err)
{
    struct sl_lines *in = NULL;
    struct sl_qa qa = {0};
    simlm_status st;

    SL_TRY(sl_lines_open(&in, s->questions_path, err));
    st = read_questions(s, in, &qa, err);
    sl_qa_free(&qa);
    sl_lines_close(in);
    return st;
}

/* ---- records ------------------------------------------------------------- */

/* The record's list in random order, in a stream of its question's number. */
static void shuffle(struct sl_dpr_passages *l, uint64_t seed, int64_t question)
{
    struct sl_rng rng;

    sl_rng_init(&rng,
                sl_stream(seed, SL_PURPOSE_NEGATIVES, (uint64_t)question));
    for (int64_t i = l->n - 1; i > 0; i--) {
        int64_t j = (int64_t)sl_rng_below(&rng, (uint64_t)i + 1);
        struct sl_dpr_passage keep = l->list[i];

        l->list[i] = l->list[j];
        l->list[j] = keep;
    }
}

static void put_list(struct sl_str *s, const char *name,
                     const struct sl_dpr_passages *l, int64_t most)
{
    int64_t n = l->n < most ? l->n : most;
    char buf[SL_NUMBER_BUF];

    sl_str_printf(s, ",\"%s\":{\"doc_id\":[", name);
    for (int64_t i = 0; i < n; i++)
        sl_str_printf(s, "%s\"%lld\"", i ? "," : "", (long long)l->list[i].row);
    sl_str_puts(s, "],\"score\":[");
    for (int64_t i = 0; i < n; i++) {
        sl_format_real9(buf, l->list[i].score);
        sl_str_printf(s, "%s%s%s", i ? "," : "", buf,
                      strpbrk(buf, ".e") ? "" : ".0");
    }
    sl_str_puts(s, "]}");
}

static void put_example(struct sl_str *s, const struct sl_dpr_record *r,
                        const struct sl_dpr_passages *negatives, int64_t count)
{
    sl_str_puts(s, "{\"query_id\":");
    sl_json_put_text(s, r->question.s, r->question.len);
    sl_str_puts(s, ",\"query\":");
    sl_json_put_text(s, r->question.s, r->question.len);
    sl_str_puts(s, ",\"answers\":[");
    for (int64_t i = 0; i < r->answers.n; i++) {
        size_t n;
        const char *text = sl_pylist_text(&r->answers, i, &n);

        if (i)
            sl_str_putc(s, ',');
        sl_json_put_text(s, text, n);
    }
    sl_str_putc(s, ']');
    put_list(s, "positives", &r->of[SL_DPR_POSITIVE], INT64_MAX);
    put_list(s, "negatives", negatives, count);
    sl_str_puts(s, "}\n");
}

static simlm_status write_example(struct nq *m, struct split *s,
                                  struct sl_dpr_record *r, simlm_error *err)
{
    struct sl_dpr_passages *negatives = &r->of[SL_DPR_HARD];
    struct sl_str line = {0};
    bool ok;

    if (!negatives->n)
        negatives = &r->of[SL_DPR_NEGATIVE];
    if (!r->of[SL_DPR_POSITIVE].n || !negatives->n)
        return s->n_left_out++, SIMLM_OK;
    shuffle(negatives, m->o->seed, s->n_examples++);
    put_example(&line, r, negatives, m->o->negative_count);
    ok = sl_str_ok(&line);
    if (ok)
        fwrite(line.s, 1, line.len, s->examples->f);
    sl_str_free(&line);
    return ok ? SIMLM_OK : sl_fail_nomem(err, "an example");
}

static simlm_status write_labelled(struct split *s,
                                   const struct sl_dpr_record *r,
                                   simlm_error *err)
{
    struct sl_str line = {0};
    bool ok;

    if (!r->of[SL_DPR_POSITIVE].n)
        return SIMLM_OK;
    sl_field_put(&line, r->question.s, r->question.len);
    sl_str_printf(&line, "\t0\t%lld\t1\n",
                  (long long)r->of[SL_DPR_POSITIVE].list[0].row);
    ok = sl_str_ok(&line);
    if (ok)
        fwrite(line.s, 1, line.len, s->qrels->f);
    sl_str_free(&line);
    return ok ? SIMLM_OK : sl_fail_nomem(err, "a judgement");
}

static simlm_status write_record(struct nq *m, struct split *s,
                                 struct sl_dpr_record *r, simlm_error *err)
{
    bool first;

    SL_TRY(see(s, &r->question, &first, err));
    if (!first)
        return SIMLM_OK;
    if (!s->questions_path)
        SL_TRY(write_question(s->queries, &r->question, &r->answers, err));
    SL_TRY(write_labelled(s, r, err));
    return write_example(m, s, r, err);
}

static simlm_status read_records(struct nq *m, struct split *s,
                                 struct sl_json_array *in,
                                 struct sl_dpr_record *r, simlm_error *err)
{
    struct sl_line element;

    for (;;) {
        SL_TRY(sl_json_array_next(in, &element, err));
        if (!element.text)
            return SIMLM_OK;
        SL_TRY(report(m, "questions", sl_json_array_consumed(in), err));
        SL_TRY(sl_dpr_record_parse(r, &element, s->records_path, m->passages.n,
                                   err));
        SL_TRY(write_record(m, s, r, err));
    }
}

static simlm_status copy_records(struct nq *m, struct split *s,
                                 simlm_error *err)
{
    struct sl_json_array *in = NULL;
    struct sl_dpr_record r = {0};
    simlm_status st;

    SL_TRY(sl_json_array_open(&in, s->records_path, err));
    st = read_records(m, s, in, &r, err);
    sl_dpr_record_free(&r);
    sl_json_array_close(in);
    return st;
}

/* ---- the job ------------------------------------------------------------- */

/* A table of questions and a training file are two lists of them. */
static simlm_status make_split(struct nq *m, size_t i, simlm_error *err)
{
    struct split *s = &m->split[i];
    int64_t n_questions;

    if (s->questions_path)
        SL_TRY(copy_questions(s, err));
    n_questions = sl_strmap_count(s->seen);
    if (s->questions_path && s->records_path) {
        sl_strmap_free(s->seen);
        s->seen = sl_strmap_new();
        if (!s->seen)
            return sl_fail_nomem(err, "questions");
    }
    if (s->records_path)
        SL_TRY(copy_records(m, s, err));
    if (!s->questions_path)
        n_questions = sl_strmap_count(s->seen);
    sl_observe_message(m->obs, SIMLM_INFO, "%s: %lld questions, %lld examples",
                       sources[i].split, (long long)n_questions,
                       (long long)s->n_examples);
    if (s->n_left_out)
        sl_observe_message(m->obs, SIMLM_INFO,
                           "%s: no examples of %lld questions, which lack a "
                           "positive or a negative",
                           sources[i].split, (long long)s->n_left_out);
    if (s->n_twice)
        sl_observe_message(m->obs, SIMLM_INFO,
                           "%s: %lld questions stand there again: the first "
                           "counts",
                           sources[i].split, (long long)s->n_twice);
    return SIMLM_OK;
}

static simlm_status prepare(struct nq *m, simlm_error *err)
{
    SL_TRY(open_all(m, err));
    SL_TRY(copy_passages(m, err));
    for (size_t i = 0; i < N_SOURCES; i++)
        SL_TRY(make_split(m, i, err));
    return sl_outputs_commit(&m->outputs, err);
}

simlm_status sl_prepare_nq_job(const simlm_prepare_options *o,
                               const simlm_observer *obs, simlm_error *err)
{
    struct nq m = {.o = o, .obs = obs};
    struct sl_str missing = {0};
    struct sl_raw *raw = NULL;
    simlm_status st;

    sl_parallel_set_threads(o->threads);
    SL_TRY(sl_raw_open(&raw, o->raw, o->n_raw, err));
    st = find_all(&m, raw, &missing, err);
    if (st == SIMLM_OK)
        st = prepare(&m, err);
    sl_passages_abort(&m.passages);
    sl_outputs_abort(&m.outputs);
    for (size_t i = 0; i < N_SOURCES; i++)
        sl_strmap_free(m.split[i].seen);
    sl_str_free(&missing);
    sl_raw_close(raw);
    return st;
}
