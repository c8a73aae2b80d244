/*
 * BEIR's data sets (Thakur et al., 2021): a folder, or the zip file of it, with
 *
 *   corpus.jsonl       {"_id", "title", "text"}
 *   queries.jsonl      {"_id", "text"}, of all splits together
 *   qrels/<split>.tsv  query-id \t corpus-id \t score
 *
 * All is checked and read that is small before the corpus is.
 */
#include "prepare/prepare_jobs.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "data/corpus.h"
#include "prepare/outputs.h"
#include "prepare/passages.h"
#include "prepare/raw.h"
#include "prepare/split.h"

enum { MAX_SPLITS = 16 };

struct beir {
    const simlm_prepare_options *o;
    const simlm_observer *obs;
    const char *corpus, *queries_path;
    const char *qrels_path[MAX_SPLITS];
    struct sl_queries *queries;
    struct sl_split split[MAX_SPLITS];
    int n_splits;
    struct sl_outputs outputs;
    struct sl_out *ids_out; /* NULL: no such file */
    struct sl_passages passages;
    struct sl_docids *ids;
};

/* ---- what is there ----------------------------------------------------------
 */

/* Is it <folder>/qrels/<split>.tsv, where <folder> [n] has the corpus? */
static bool is_qrels(const char *path, const char *folder, size_t n)
{
    size_t own = sl_raw_folder(path);
    const char *dot = strstr(sl_raw_name(path), ".tsv");

    return dot && own == n + strlen(n ? "/qrels" : "qrels") &&
           !strncmp(path, folder, n) &&
           !strncmp(path + own - strlen("qrels"), "qrels", strlen("qrels"));
}

static simlm_status find_qrels(struct beir *b, const struct sl_raw *raw,
                               simlm_error *err)
{
    size_t n = sl_raw_folder(b->corpus);

    for (int64_t i = 0; i < sl_raw_count(raw); i++) {
        if (!is_qrels(sl_raw_path(raw, i), b->corpus, n))
            continue;
        if (b->n_splits == MAX_SPLITS)
            return sl_fail(err, SIMLM_E_FORMAT,
                           "%.*s/qrels: more than %d files", (int)n, b->corpus,
                           MAX_SPLITS);
        b->qrels_path[b->n_splits++] = sl_raw_path(raw, i);
    }
    return SIMLM_OK;
}

static simlm_status find_files(struct beir *b, const struct sl_raw *raw,
                               simlm_error *err)
{
    static const char *const corpus[] = {"corpus.jsonl", NULL};
    static const char *const queries[] = {"queries.jsonl", NULL};
    const char *missing = NULL;

    SL_TRY(sl_raw_find(&b->corpus, raw, corpus, err));
    SL_TRY(sl_raw_find(&b->queries_path, raw, queries, err));
    if (b->corpus)
        SL_TRY(find_qrels(b, raw, err));
    if (!b->corpus)
        missing = corpus[0];
    else if (!b->queries_path)
        missing = queries[0];
    else if (!b->n_splits)
        missing = "qrels/<split>.tsv beside its corpus.jsonl";
    if (!missing)
        return SIMLM_OK;
    return sl_fail(err, SIMLM_E_FORMAT,
                   "'%s': expected a data set of BEIR, but it has no %s",
                   b->o->raw[0], missing);
}

/* ---- before the corpus ------------------------------------------------------
 */

static simlm_status open_split(struct beir *b, int i, simlm_error *err)
{
    const char *name = sl_raw_name(b->qrels_path[i]);
    char split[64];

    snprintf(split, sizeof split, "%.*s", (int)(strstr(name, ".tsv") - name),
             name);
    return sl_split_open(&b->split[i], split, b->queries, b->queries_path,
                         b->qrels_path[i], &b->outputs, err);
}

static simlm_status open_all(struct beir *b, simlm_error *err)
{
    struct sl_out *out;

    SL_TRY(sl_outputs_begin(&b->outputs, b->o->output, b->o->overwrite, err));
    SL_TRY(sl_outputs_add(&b->outputs, &out, "passages.jsonl.gz", err));
    sl_passages_begin(&b->passages, out->f);
    if (!b->o->keep_ids)
        SL_TRY(
            sl_outputs_add(&b->outputs, &b->ids_out, "passage_ids.tsv", err));
    SL_TRY(sl_queries_load(&b->queries, b->queries_path, err));
    for (int i = 0; i < b->n_splits; i++)
        SL_TRY(open_split(b, i, err));
    return SIMLM_OK;
}

/* ---- the corpus ---------------------------------------------------------- */

static simlm_status put_passage(struct beir *b, const struct sl_passage *from,
                                int64_t row, simlm_error *err)
{
    struct sl_passage p = *from;
    char number[SL_DOCID_BUF];

    if (!b->o->keep_ids) {
        p.id_len =
            (size_t)snprintf(number, sizeof number, "%lld", (long long)row);
        p.id = number;
        fprintf(b->ids_out->f, "%s\t%s\n", number, from->id);
    }
    return sl_passages_put(&b->passages, &p, err);
}

static simlm_status copy_blocks(struct beir *b, struct sl_corpus_reader *in,
                                simlm_error *err)
{
    struct sl_passage_block block = {0};

    do {
        SL_TRY(sl_corpus_reader_next(in, &block, err));
        for (int64_t i = 0; i < block.n; i++)
            SL_TRY(put_passage(b, &block.passage[i], block.first_row + i, err));
    } while (block.n);
    return sl_passages_end(&b->passages, b->obs, err);
}

static simlm_status copy_passages(struct beir *b, simlm_error *err)
{
    struct sl_corpus_reader *in = NULL;
    simlm_status st;

    SL_TRY(sl_corpus_reader_open(&in, &b->corpus, 1, b->obs, err));
    st = copy_blocks(b, in, err);
    if (st == SIMLM_OK)
        b->ids = sl_corpus_reader_take_ids(in);
    sl_corpus_reader_close(in);
    return st;
}

static simlm_status prepare(struct beir *b, simlm_error *err)
{
    struct sl_split_ids ids = {.rows = !b->o->keep_ids,
                               .skip_unknown = b->o->skip_unknown};

    SL_TRY(open_all(b, err));
    SL_TRY(copy_passages(b, err));
    ids.docs = b->ids;
    for (int i = 0; i < b->n_splits; i++)
        SL_TRY(sl_split_write(&b->split[i], &ids, b->obs, err));
    return sl_outputs_commit(&b->outputs, err);
}

simlm_status sl_prepare_beir_job(const simlm_prepare_options *o,
                                 const simlm_observer *obs, simlm_error *err)
{
    struct beir b = {.o = o, .obs = obs};
    struct sl_raw *raw = NULL;
    simlm_status st;

    sl_parallel_set_threads(o->threads);
    SL_TRY(sl_raw_open(&raw, o->raw, o->n_raw, err));
    st = find_files(&b, raw, err);
    if (st == SIMLM_OK)
        st = prepare(&b, err);
    sl_passages_abort(&b.passages);
    sl_outputs_abort(&b.outputs);
    for (int i = 0; i < b.n_splits; i++)
        sl_split_close(&b.split[i]);
    sl_queries_free(b.queries);
    sl_docids_free(b.ids);
    sl_raw_close(raw);
    return st;
}
