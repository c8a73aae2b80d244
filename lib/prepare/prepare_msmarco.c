/*
 * MS MARCO's passages and queries, TREC DL's, and RocketQA's titles, as the
 * reference's own script makes SimLM's files of them (spec 5.8); but seeded,
 * and from the downloads themselves.
 *
 * The work: find every file; load queries and judgements, which are small;
 * write the passages in one pass; write the splits; make train.jsonl and
 * dev.jsonl from rankings, if there are any.
 */
#include "prepare/prepare_jobs.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/observe.h"
#include "base/parallel.h"
#include "data/corpus.h"
#include "data/examples.h"
#include "data/negatives.h"
#include "prepare/outputs.h"
#include "prepare/passages.h"
#include "prepare/published.h"
#include "prepare/raw.h"
#include "prepare/split.h"
#include "prepare/titles.h"
#include "prepare/unranked.h"

/* ---- what is there ------------------------------------------------------- */

/* A split's files; without `needed` it may be absent, but not by half. */
static const struct source {
    const char *split;
    const char *queries[4], *qrels[4], *run[4];
    bool needed, judged;
} sources[] = {
    {"train",
     {"queries.train.tsv", NULL},
     {"qrels.train.tsv", NULL},
     {"train.msmarco.txt", "qidpidtriples.train.full.2.tsv",
      "top1000.train.tsv", NULL},
     true,
     true},
    {"dev",
     {"queries.dev.small.tsv", NULL},
     {"qrels.dev.small.tsv", NULL},
     {"dev.msmarco.txt", "top1000.dev", "top1000.dev.tsv", NULL},
     true,
     true},
    {"test", {"queries.eval.small.tsv", NULL}, {NULL}, {NULL}, false, false},
    {"trec_dl2019",
     {"msmarco-test2019-queries.tsv", NULL},
     {"2019qrels-pass.txt", NULL},
     {NULL},
     false,
     true},
    {"trec_dl2020",
     {"msmarco-test2020-queries.tsv", NULL},
     {"2020qrels-pass.txt", NULL},
     {NULL},
     false,
     true},
};
enum { TRAIN, DEV, N_SOURCES = SL_LEN(sources) };

struct split {
    const char *queries_path, *qrels_path, *run_path; /* NULL: absent */
    struct sl_queries *queries;
    struct sl_split out;
    struct sl_out *examples; /* NULL: none are made */
};

struct msmarco {
    const simlm_prepare_options *o;
    const simlm_observer *obs;
    const char *collection, *titles_path;
    struct split split[N_SOURCES];
    struct sl_outputs outputs;
    struct sl_passages passages;
    struct sl_titles titles;
    struct sl_docids *ids;
};

static void add_missing(struct sl_str *list, const char *name)
{
    sl_str_printf(list, "%s%s", list->len ? ", " : "", name);
}

static simlm_status find_split(struct split *s, const struct source *from,
                               const struct sl_raw *raw, struct sl_str *missing,
                               simlm_error *err)
{
    SL_TRY(sl_raw_find(&s->queries_path, raw, from->queries, err));
    SL_TRY(sl_raw_find(&s->qrels_path, raw, from->qrels, err));
    SL_TRY(sl_raw_find(&s->run_path, raw, from->run, err));
    if (!from->needed && !s->queries_path && !s->qrels_path)
        return SIMLM_OK;
    if (!s->queries_path)
        add_missing(missing, from->queries[0]);
    if (from->judged && !s->qrels_path)
        add_missing(missing, from->qrels[0]);
    return SIMLM_OK;
}

static simlm_status find_all(struct msmarco *m, const struct sl_raw *raw,
                             struct sl_str *missing, simlm_error *err)
{
    static const char *const collection[] = {"collection.tsv", NULL};
    static const char *const titles[] = {"para.title.txt", NULL};

    SL_TRY(sl_raw_find(&m->collection, raw, collection, err));
    SL_TRY(sl_raw_find(&m->titles_path, raw, titles, err));
    if (!m->collection)
        add_missing(missing, collection[0]);
    for (size_t i = 0; i < N_SOURCES; i++)
        SL_TRY(find_split(&m->split[i], &sources[i], raw, missing, err));
    if (m->o->train_run)
        m->split[TRAIN].run_path = m->o->train_run;
    if (m->o->dev_run)
        m->split[DEV].run_path = m->o->dev_run;
    if (!sl_str_ok(missing))
        return sl_fail_nomem(err, "a list of files");
    if (!missing->len)
        return SIMLM_OK;
    return sl_fail(err, SIMLM_E_FORMAT,
                   "'%.100s': missing: %s (tar files must be unpacked)",
                   m->o->raw[0], missing->s);
}

/* What is not there, and what will therefore not be. */
static void tell_absent(const struct msmarco *m)
{
    if (!m->titles_path)
        sl_observe_message(m->obs, SIMLM_WARNING,
                           "no para.title.txt (RocketQA's): the passages will "
                           "have no titles");
    for (size_t i = 0; i < N_SOURCES; i++) {
        const struct source *from = &sources[i];

        if (!m->split[i].queries_path)
            sl_observe_message(m->obs, SIMLM_INFO, "no %s: no %s_queries.tsv",
                               from->queries[0], from->split);
        if (from->run[0] && !m->split[i].run_path)
            sl_observe_message(
                m->obs, SIMLM_INFO,
                "no ranking of %s: no %s.jsonl (simlm mine makes "
                "it of one)",
                from->split, from->split);
    }
}

/* ---- before the passages ------------------------------------------------- */

static simlm_status open_split(struct msmarco *m, size_t i, simlm_error *err)
{
    struct split *s = &m->split[i];
    char name[32];

    if (!s->queries_path)
        return SIMLM_OK;
    SL_TRY(sl_queries_load(&s->queries, s->queries_path, err));
    SL_TRY(sl_split_open(&s->out, sources[i].split, s->queries, s->queries_path,
                         s->qrels_path, &m->outputs, err));
    if (!s->run_path)
        return SIMLM_OK;
    snprintf(name, sizeof name, "%s.jsonl", sources[i].split);
    return sl_outputs_add(&m->outputs, &s->examples, name, err);
}

static simlm_status open_all(struct msmarco *m, simlm_error *err)
{
    struct sl_out *out;

    SL_TRY(sl_outputs_begin(&m->outputs, m->o->output, m->o->overwrite, err));
    SL_TRY(sl_outputs_add(&m->outputs, &out, "passages.jsonl.gz", err));
    sl_passages_begin(&m->passages, out->f);
    if (m->titles_path)
        SL_TRY(sl_titles_open(&m->titles, m->titles_path, err));
    for (size_t i = 0; i < N_SOURCES; i++)
        SL_TRY(open_split(m, i, err));
    return SIMLM_OK;
}

/* ---- the passages -------------------------------------------------------- */

static simlm_status put_passage(struct msmarco *m, struct sl_passage p,
                                int64_t row, simlm_error *err)
{
    char number[SL_DOCID_BUF];

    snprintf(number, sizeof number, "%lld", (long long)row);
    if (strcmp(p.id, number) != 0)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "%s: expected passages numbered from 0, but number %lld "
                       "is called '%.40s'",
                       m->collection, (long long)row, p.id);
    SL_TRY(sl_titles_next(&m->titles, &p, err));
    return sl_passages_put(&m->passages, &p, err);
}

static simlm_status copy_blocks(struct msmarco *m, struct sl_corpus_reader *in,
                                simlm_error *err)
{
    struct sl_passage_block block = {0};

    do {
        SL_TRY(sl_corpus_reader_next(in, &block, err));
        for (int64_t i = 0; i < block.n; i++)
            SL_TRY(put_passage(m, block.passage[i], block.first_row + i, err));
    } while (block.n);
    SL_TRY(sl_titles_end(&m->titles, m->passages.n, err));
    return sl_passages_end(&m->passages, m->obs, err);
}

static simlm_status copy_passages(struct msmarco *m, simlm_error *err)
{
    struct sl_corpus_reader *in = NULL;
    simlm_status st;

    SL_TRY(sl_corpus_reader_open(&in, &m->collection, 1, m->obs, err));
    st = copy_blocks(m, in, err);
    if (st == SIMLM_OK)
        m->ids = sl_corpus_reader_take_ids(in);
    sl_corpus_reader_close(in);
    return st;
}

/* ---- examples ------------------------------------------------------------ */

static simlm_status load_run(struct sl_run **run, const struct msmarco *m,
                             const struct split *s, simlm_error *err)
{
    if (sl_unranked_is(s->run_path))
        return sl_unranked_load(run, s->run_path, s->out.qrels->queries,
                                m->o->negative_depth, m->o->seed, m->obs, err);
    return sl_run_load_only(run, s->run_path, s->out.qrels->queries, err);
}

static simlm_status write_examples(struct msmarco *m, size_t i,
                                   const struct sl_run *run, simlm_error *err)
{
    const simlm_prepare_options *o = m->o;
    const struct split *s = &m->split[i];
    struct sl_negatives_rule rule = {.depth = o->negative_depth,
                                     .count = o->negative_count,
                                     .random = o->negative_random,
                                     .seed = o->seed,
                                     .any_grade = true,
                                     .filter_noisy = i == TRAIN &&
                                                     o->filter_noisy_positives};
    struct sl_negatives_report left_out;
    struct sl_examples *e = NULL;
    char line[256];
    simlm_status st = sl_negatives_build(&e, &left_out, s->queries,
                                         s->out.qrels, run, m->ids, &rule, err);

    if (st == SIMLM_OK)
        st = sl_examples_write(e, s->examples, m->ids, err);
    if (st == SIMLM_OK) {
        sl_observe_message(m->obs, SIMLM_INFO, "%s.jsonl: %lld examples",
                           sources[i].split, (long long)e->n);
        sl_negatives_describe(line, sizeof line, &left_out);
        if (*line)
            sl_observe_message(m->obs, SIMLM_INFO, "%s", line);
    }
    sl_examples_free(e);
    return st;
}

static simlm_status make_examples(struct msmarco *m, size_t i, simlm_error *err)
{
    struct sl_run *run = NULL;
    simlm_status st;

    if (!m->split[i].examples)
        return SIMLM_OK;
    st = load_run(&run, m, &m->split[i], err);
    if (st == SIMLM_OK)
        st = write_examples(m, i, run, err);
    sl_run_free(run);
    return st;
}

/* ---- the job ------------------------------------------------------------- */

static simlm_status prepare(struct msmarco *m, simlm_error *err)
{
    struct sl_split_ids ids = {.rows = true};

    tell_absent(m);
    SL_TRY(open_all(m, err));
    SL_TRY(copy_passages(m, err));
    ids.docs = m->ids;
    for (size_t i = 0; i < N_SOURCES; i++) {
        if (m->split[i].queries)
            SL_TRY(sl_split_write(&m->split[i].out, &ids, m->obs, err));
        SL_TRY(make_examples(m, i, err));
    }
    return sl_outputs_commit(&m->outputs, err);
}

static simlm_status find_and_prepare(struct msmarco *m,
                                     const struct sl_raw *raw, simlm_error *err)
{
    struct sl_str missing = {0};
    simlm_status st = find_all(m, raw, &missing, err);

    sl_str_free(&missing);
    if (st == SIMLM_OK)
        st = prepare(m, err);
    sl_passages_abort(&m->passages);
    sl_titles_close(&m->titles);
    sl_outputs_abort(&m->outputs);
    for (size_t i = 0; i < N_SOURCES; i++) {
        sl_split_close(&m->split[i].out);
        sl_queries_free(m->split[i].queries);
    }
    sl_docids_free(m->ids);
    return st;
}

simlm_status sl_prepare_msmarco_job(const simlm_prepare_options *o,
                                    const simlm_observer *obs, simlm_error *err)
{
    struct msmarco m = {.o = o, .obs = obs};
    struct sl_raw *raw = NULL;
    simlm_status st;

    sl_parallel_set_threads(o->threads);
    SL_TRY(sl_raw_open(&raw, o->raw, o->n_raw, err));
    st = sl_published_are(raw) ? sl_published_copy(o, raw, obs, err)
                               : find_and_prepare(&m, raw, err);
    sl_raw_close(raw);
    return st;
}
