#include "data/mine_job.h"

#include "base/file.h"
#include "base/observe.h"
#include "base/parallel.h"
#include "data/answer_positives.h"
#include "data/corpus.h"
#include "data/has_answer.h"
#include "data/negatives.h"

#define LABELLED_SCORE 1000 /* DPR's own, of a passage that people chose */

static simlm_status stopped(const simlm_observer *obs, simlm_error *err)
{
    if (!sl_observe_cancelled(obs))
        return SIMLM_OK;
    return sl_fail(err, SIMLM_E_CANCELLED, "stopped; nothing was written");
}

/* Passages are read for their ids, and by whom they interest. */
static simlm_status read_corpus(struct sl_docids **ids, struct sl_judge *judge,
                                const char *corpus, const simlm_observer *obs,
                                simlm_error *err)
{
    struct sl_corpus_reader *in = NULL;
    struct sl_passage_block block = {0};
    simlm_status st;

    SL_TRY(sl_corpus_reader_open(&in, &corpus, 1, obs, err));
    do {
        st = sl_corpus_reader_next(in, &block, err);
        if (st == SIMLM_OK && judge)
            sl_judge_block(judge, &block);
        if (st == SIMLM_OK)
            st = stopped(obs, err);
    } while (st == SIMLM_OK && block.n);
    if (st == SIMLM_OK)
        *ids = sl_corpus_reader_take_ids(in);
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

static struct sl_negatives_rule rule_of(const simlm_mine_options *o)
{
    return (struct sl_negatives_rule){.depth = o->depth,
                                      .count = o->count,
                                      .random = o->random,
                                      .seed = o->seed,
                                      .any_grade = o->any_grade,
                                      .filter_noisy =
                                          o->filter_noisy_positives};
}

/* What is made, and of whom it speaks. */
struct mined {
    struct sl_docids *ids;
    struct sl_examples *examples;
    struct sl_negatives_report left_out;
};

static simlm_status mine_judged(struct mined *m, const simlm_mine_options *o,
                                const simlm_observer *obs, simlm_error *err)
{
    struct sl_negatives_files files = {o->queries, o->qrels, o->run};
    struct sl_negatives_rule rule = rule_of(o);

    SL_TRY(read_corpus(&m->ids, NULL, o->corpus, obs, err));
    return sl_negatives_load(&m->examples, &m->left_out, &files, m->ids, &rule,
                             err);
}

/* ---- by answers: as the reference mines for NQ (spec 5.10) --------------- */

struct answered {
    struct sl_answers *answers;
    struct sl_queries *queries;
    struct sl_qrels *labelled; /* NULL: there are none */
    struct sl_run *run;
    struct sl_judge *judge;
    struct sl_qrels *judged, *positives;
};

static simlm_status load_answered(struct answered *a,
                                  const simlm_mine_options *o, simlm_error *err)
{
    SL_TRY(sl_answers_load(&a->answers, o->answers, err));
    SL_TRY(sl_queries_load(&a->queries, o->queries ? o->queries : o->answers,
                           err));
    if (o->qrels)
        SL_TRY(sl_qrels_load(&a->labelled, o->qrels, err));
    SL_TRY(sl_run_load(&a->run, o->run, err));
    sl_run_cut(a->run, o->depth);
    return sl_judge_new(&a->judge, a->answers, a->run, err);
}

static simlm_status mine_answered(struct mined *m, struct answered *a,
                                  const simlm_mine_options *o,
                                  const simlm_observer *obs, simlm_error *err)
{
    struct sl_negatives_rule rule = rule_of(o);

    rule.any_grade = false; /* it has done its work in the positives */
    rule.sure_grade = SL_GRADE_LABELLED;
    rule.sure_score = LABELLED_SCORE;
    SL_TRY(load_answered(a, o, err));
    SL_TRY(read_corpus(&m->ids, a->judge, o->corpus, obs, err));
    SL_TRY(sl_judge_end(&a->judged, a->judge, err));
    SL_TRY(sl_answer_positives(&a->positives, a->judged, a->labelled,
                               o->any_grade, err));
    return sl_negatives_build(&m->examples, &m->left_out, a->queries,
                              a->positives, a->run, m->ids, &rule, err);
}

static void release(struct answered *a)
{
    sl_judge_free(a->judge);
    sl_answers_free(a->answers);
    sl_queries_free(a->queries);
    sl_qrels_free(a->labelled);
    sl_qrels_free(a->judged);
    sl_qrels_free(a->positives);
    sl_run_free(a->run);
}

/* ---- the job ------------------------------------------------------------- */

static simlm_status mine(const simlm_mine_options *o, struct sl_out *out,
                         const simlm_observer *obs, simlm_error *err)
{
    struct answered a = {0};
    struct mined m = {0};
    simlm_status st = o->answers ? mine_answered(&m, &a, o, obs, err)
                                 : mine_judged(&m, o, obs, err);

    if (st == SIMLM_OK)
        st = stopped(obs, err);
    if (st == SIMLM_OK && o->sample)
        sl_examples_sample(m.examples, o->sample, o->seed);
    if (st == SIMLM_OK)
        st = sl_examples_write(m.examples, out, m.ids, err);
    if (st == SIMLM_OK)
        report(obs, m.examples, &m.left_out);
    release(&a);
    sl_examples_free(m.examples);
    sl_docids_free(m.ids);
    return st;
}

/* The output is opened first, so that a place that cannot be written to is
 * known before the work, not after it. */
simlm_status sl_mine_job(const simlm_mine_options *o, const simlm_observer *obs,
                         simlm_error *err)
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
