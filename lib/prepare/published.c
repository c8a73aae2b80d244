#include "prepare/published.h"

#include <string.h>

#include "base/observe.h"
#include "data/corpus.h"
#include "data/examples.h"
#include "data/queries.h"
#include "format/lines.h"
#include "format/qrels.h"
#include "format/runfile.h"
#include "prepare/outputs.h"
#include "prepare/passages.h"

enum { BLOCK = 1 << 20 };

static const char passages_name[] = "passages.jsonl.gz";

struct copy {
    const simlm_observer *obs;
    struct sl_outputs outputs;
    struct sl_passages passages;
    struct sl_docids *ids;
};

/* ---- proving a file ------------------------------------------------------ */

typedef simlm_status prove_fn(const struct copy *c, const char *path,
                              simlm_error *err);

static simlm_status prove_queries(const struct copy *c, const char *path,
                                  simlm_error *err)
{
    struct sl_queries *q = NULL;
    simlm_status st = sl_queries_load(&q, path, err);

    (void)c;
    sl_queries_free(q);
    return st;
}

static simlm_status prove_qrels(const struct copy *c, const char *path,
                                simlm_error *err)
{
    struct sl_qrels *q = NULL;
    simlm_status st = sl_qrels_load(&q, path, err);

    (void)c;
    sl_qrels_free(q);
    return st;
}

static simlm_status prove_examples(const struct copy *c, const char *path,
                                   simlm_error *err)
{
    struct sl_examples *e = NULL;
    simlm_status st = sl_examples_load(&e, path, c->ids, false, err);

    sl_examples_free(e);
    return st;
}

static simlm_status prove_run(const struct copy *c, const char *path,
                              simlm_error *err)
{
    struct sl_run *r = NULL;
    simlm_status st = sl_run_load(&r, path, err);

    (void)c;
    sl_run_free(r);
    return st;
}

static const struct kind {
    const char *ending;
    prove_fn *prove;
} kinds[] = {
    {"_queries.tsv", prove_queries}, {"_qrels.txt", prove_qrels},
    {"train.jsonl", prove_examples}, {"dev.jsonl", prove_examples},
    {".msmarco.txt", prove_run},
};

/* NULL: none of ours. */
static const struct kind *kind_of(const char *path)
{
    const char *name = sl_raw_name(path);
    size_t n = strlen(name);

    if (!strncmp(name, "readable_", 9))
        return NULL;
    for (size_t i = 0; i < SL_LEN(kinds); i++) {
        size_t m = strlen(kinds[i].ending);

        if (n >= m && !strcmp(name + n - m, kinds[i].ending))
            return &kinds[i];
    }
    return NULL;
}

/* ---- copying ------------------------------------------------------------- */

static simlm_status copy_lines(const char *path, struct sl_out *out,
                               simlm_error *err)
{
    struct sl_lines *in = NULL;
    struct sl_line block;
    simlm_status st;

    SL_TRY(sl_lines_open(&in, path, err));
    while ((st = sl_lines_block(in, &block, BLOCK, err)) == SIMLM_OK &&
           block.text)
        fwrite(block.text, 1, block.len, out->f);
    sl_lines_close(in);
    return st;
}

static simlm_status copy_blocks(struct copy *c, struct sl_corpus_reader *in,
                                const char *path, simlm_error *err)
{
    struct sl_passage_block block = {0};

    do {
        SL_TRY(sl_corpus_reader_next(in, &block, err));
        for (int64_t i = 0; i < block.n; i++)
            SL_TRY(sl_passages_put(&c->passages, &block.passage[i], err));
    } while (block.n);
    c->ids = sl_corpus_reader_take_ids(in);
    if (!sl_docids_are_rows(c->ids))
        return sl_fail(err, SIMLM_E_FORMAT,
                       "%s: expected each passage's id to be its row number",
                       path);
    return sl_passages_end(&c->passages, c->obs, err);
}

static simlm_status copy_passages(struct copy *c, const char *path,
                                  simlm_error *err)
{
    struct sl_corpus_reader *in = NULL;
    struct sl_out *out;
    simlm_status st;

    SL_TRY(sl_outputs_add(&c->outputs, &out, passages_name, err));
    sl_passages_begin(&c->passages, out->f);
    SL_TRY(sl_corpus_reader_open(&in, &path, 1, c->obs, err));
    st = copy_blocks(c, in, path, err);
    sl_corpus_reader_close(in);
    return st;
}

static simlm_status copy_others(struct copy *c, const struct sl_raw *raw,
                                simlm_error *err)
{
    for (int64_t i = 0; i < sl_raw_count(raw); i++) {
        const char *path = sl_raw_path(raw, i);
        const struct kind *kind = kind_of(path);
        struct sl_out *out;

        if (!kind)
            continue;
        SL_TRY(sl_outputs_add(&c->outputs, &out, sl_raw_name(path), err));
        SL_TRY(kind->prove(c, path, err));
        SL_TRY(copy_lines(path, out, err));
        sl_observe_message(c->obs, SIMLM_INFO, "%s", sl_raw_name(path));
    }
    return SIMLM_OK;
}

static const char *const names[] = {"passages.jsonl", NULL};

bool sl_published_are(const struct sl_raw *raw)
{
    for (int64_t i = 0; i < sl_raw_count(raw); i++)
        if (sl_raw_is(sl_raw_path(raw, i), names[0]))
            return true;
    return false;
}

simlm_status sl_published_copy(const simlm_prepare_options *o,
                               const struct sl_raw *raw,
                               const simlm_observer *obs, simlm_error *err)
{
    struct copy c = {.obs = obs};
    const char *passages = NULL;
    simlm_status st;

    SL_TRY(sl_raw_find(&passages, raw, names, err));
    st = sl_outputs_begin(&c.outputs, o->output, o->overwrite, err);
    if (st == SIMLM_OK)
        st = copy_passages(&c, passages, err);
    if (st == SIMLM_OK)
        st = copy_others(&c, raw, err);
    if (st == SIMLM_OK)
        st = sl_outputs_commit(&c.outputs, err);
    sl_passages_abort(&c.passages);
    sl_outputs_abort(&c.outputs);
    sl_docids_free(c.ids);
    return st;
}
