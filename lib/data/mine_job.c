#include "data/mine_job.h"

#include "base/file.h"
#include "base/observe.h"
#include "base/parallel.h"
#include "data/corpus.h"
#include "data/negatives.h"

static simlm_status stopped(const simlm_observer *obs, simlm_error *err)
{
    if (!sl_observe_cancelled(obs))
        return SIMLM_OK;
    return sl_fail(err, SIMLM_E_CANCELLED, "stopped; nothing was written");
}

/* Passages are read for their ids alone. */
static simlm_status read_ids(struct sl_docids **out, const char *corpus,
                             const simlm_observer *obs, simlm_error *err)
{
    struct sl_corpus_reader *in = NULL;
    struct sl_passage_block block = { 0 };
    simlm_status st;

    SL_TRY(sl_corpus_reader_open(&in, &corpus, 1, obs, err));
    do {
        st = sl_corpus_reader_next(in, &block, err);
        if (st == SIMLM_OK)
            st = stopped(obs, err);
    } while (st == SIMLM_OK && block.n);
    if (st == SIMLM_OK)
        *out = sl_corpus_reader_take_ids(in);
    sl_corpus_reader_close(in);
    return st;
}

static void report(const simlm_observer *obs, const struct sl_examples *e,
                   const struct sl_negatives_report *left_out)
{
    char line[256];

    sl_observe_message(obs, SIMLM_INFO,
                       "%lld queries, %lld positives, %lld negatives",
                       (long long)e->n, (long long)e->positives.start[e->n],
                       (long long)e->negatives.start[e->n]);
    sl_negatives_describe(line, sizeof line, left_out);
    if (*line)
        sl_observe_message(obs, SIMLM_INFO, "%s", line);
}

static simlm_status mine(const simlm_mine_options *o, struct sl_out *out,
                         const simlm_observer *obs, simlm_error *err)
{
    struct sl_negatives_files files = { o->queries, o->qrels, o->run };
    struct sl_negatives_rule rule = { .depth = o->depth,
                                      .count = o->count,
                                      .random = o->random,
                                      .seed = o->seed,
                                      .any_grade = o->any_grade,
                                      .filter_noisy =
                                          o->filter_noisy_positives };
    struct sl_negatives_report left_out;
    struct sl_examples *examples = NULL;
    struct sl_docids *ids = NULL;
    simlm_status st = read_ids(&ids, o->corpus, obs, err);

    if (st == SIMLM_OK)
        st = sl_negatives_load(&examples, &left_out, &files, ids, &rule, err);
    if (st == SIMLM_OK)
        st = stopped(obs, err);
    if (st == SIMLM_OK)
        st = sl_examples_write(examples, out, ids, err);
    if (st == SIMLM_OK)
        report(obs, examples, &left_out);
    sl_examples_free(examples);
    sl_docids_free(ids);
    return st;
}

/* The output is opened first, so that a place that cannot be written to is
 * known before the work, not after it. */
simlm_status sl_mine_job(const simlm_mine_options *o,
                         const simlm_observer *obs, simlm_error *err)
{
    struct sl_out out;
    simlm_status st;

    sl_parallel_set_threads(o->threads);
    SL_TRY(sl_out_open(&out, o->output, err));
    st = mine(o, &out, obs, err);
    if (st == SIMLM_OK)
        st = sl_out_commit(&out, err);
    sl_out_abort(&out);
    return st;
}
