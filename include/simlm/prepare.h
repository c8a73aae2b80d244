/*
 * simlm/prepare.h - SimLM's files from what the makers of collections publish
 * (experimental API).
 *
 *   const char *raw = "scifact.zip";
 *   simlm_prepare_options o;
 *
 *   simlm_prepare_options_init(&o);
 *   o.raw = &raw;
 *   o.n_raw = 1;
 *   o.output = "scifact";
 *   st = simlm_prepare_beir(&o, NULL, &err);
 *
 * The downloads are read as they came: folders, zip files, single files, each
 * file plain, .gz or .zst, found by its name.  Outputs have SimLM's names:
 *
 *   passages.jsonl.gz     {"id": "0", "contents": "...", "title": "..."}, the
 *                         id of a row being its number
 *   {split}_queries.tsv   id \t query
 *   {split}_qrels.txt     query \t 0 \t passage \t grade
 *
 * They appear together when all are whole.  None replaces one that is there
 * unless `overwrite` is set.
 */
#ifndef SIMLM_PREPARE_H
#define SIMLM_PREPARE_H

#include <stdbool.h>
#include <stdint.h>

#include <simlm/observer.h>
#include <simlm/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct simlm_prepare_options {
    const char *const *raw; /* [n_raw] what was downloaded; required */
    int32_t n_raw;
    const char *output; /* a folder; required */
    bool overwrite;     /* replace files that are there; false */
    int32_t threads;    /* 0: one a core */

    /* BEIR's alone. */
    bool keep_ids;     /* passages keep their ids; false: rows have numbers, and
                        * passage_ids.tsv says whose they are */
    bool skip_unknown; /* leave judgements out whose passage the corpus has not;
                        * false: they are an error */

    /* Training examples: MS MARCO's and NQ's. */
    const char *train_run, *dev_run; /* MS MARCO: rankings of the queries, or
                             * NULL: what is found by its name, if any */
    int32_t negative_depth;          /* leading hits that are used; 200 */
    int32_t
        negative_count; /* negatives a query; 0: 210 of MS MARCO, 100 of NQ */
    int32_t negative_random;     /* of MS MARCO's, passages from anywhere; 10 */
    bool filter_noisy_positives; /* MS MARCO: leave training queries out none of
                                  * whose positives the run has; false */
    uint64_t seed;               /* 1234 */
} simlm_prepare_options;
SIMLM_API void simlm_prepare_options_init(simlm_prepare_options *options);

/*
 * A data set of BEIR: corpus.jsonl, queries.jsonl and qrels/<split>.tsv.  Each
 * split's queries are those that its file judges.
 *
 *   E_ARG     a number out of range; an output that is there already
 *   E_FORMAT  a file that is missing, twice there or malformed; a judged query
 *             or passage that is not there
 *   E_IO, E_NOMEM, E_CANCELLED
 */
SIMLM_API simlm_status simlm_prepare_beir(const simlm_prepare_options *options,
                                          const simlm_observer *observer,
                                          simlm_error *err);

/*
 * MS MARCO's passages, from
 *
 *   collection.tsv, queries.{train,dev.small}.tsv, qrels.{train,dev.small}.tsv
 *   and, where they are there,
 *   para.title.txt                      RocketQA's titles
 *   queries.eval.small.tsv              for "test", which nobody has judged
 *   msmarco-test{2019,2020}-queries.tsv, {2019,2020}qrels-pass.txt
 *                                       for "trec_dl2019" and "trec_dl2020"
 *   {train,dev}.msmarco.txt             rankings, in any form of a run
 *   qidpidtriples.train.full.2.tsv, top1000.{train.tsv,dev}
 *                                       BM25's hits in no order: a sample
 *
 * With a ranking, train.jsonl and dev.jsonl are what simlm_mine() would make of
 * it with any_grade; spec of the reference: its data script.
 *
 * Or SimLM's own data, as it was published: files that have SimLM's names
 * already, passages.jsonl.gz among them, are proved and copied.
 *
 * Errors as those of simlm_prepare_beir().
 */
SIMLM_API simlm_status
simlm_prepare_msmarco(const simlm_prepare_options *options,
                      const simlm_observer *observer, simlm_error *err);

/*
 * Natural Questions over DPR's Wikipedia, from DPR's downloads:
 *
 *   psgs_w100.tsv                 the passages; id n is row n - 1
 *   biencoder-nq-{train,dev}.json questions with answers and passages
 *   nq-test.qa.csv                questions with answers; also, where they are
 *                                 there, nq-{train,dev}.qa.csv
 *
 * A split's queries, nq_{split}_queries.tsv, are "question \t ['answer', ...]",
 * of the table if there is one, else of the training file; nq_{split}_qrels.txt
 * has each question's labelled positive, the first of the training file; and
 * nq_{split}.jsonl examples of its passages: positives in their order, of the
 * hard negatives, or where there are none of the others, negative_count in
 * random order.  Of a question that stands there twice the first counts.
 *
 * Errors as those of simlm_prepare_beir().
 */
SIMLM_API simlm_status simlm_prepare_nq(const simlm_prepare_options *options,
                                        const simlm_observer *observer,
                                        simlm_error *err);

#ifdef __cplusplus
}
#endif
#endif /* SIMLM_PREPARE_H */
