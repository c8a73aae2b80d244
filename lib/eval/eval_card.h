/*
 * eval/eval_card.h - an evaluation in a model card (README.md), twice: for
 * programs an item of the results of its front matter's model-index, for people
 * a table between two marks in the text.
 *
 *     model-index:
 *     - name: "retriever"
 *       results:
 *       - task:
 *           type: information-retrieval
 *           name: Information Retrieval
 *         dataset:
 *           type: "dev"
 *           name: "dev"
 *         metrics:
 *         - type: mrr@10
 *           value: 0.411234
 *           name: MRR@10
 *
 * Those are huggingface_hub's fields, and the task is the one under which
 * sentence-transformers puts its own measures of retrieval.  Values are
 * fractions there, with the digits that the report of an evaluation prints, so
 * six of what it gives in per cent; the table is as the report.
 *
 * An item of that task and dataset whose metrics are all measures of ours
 * (sentence-transformers' are not: "cosine_mrr@10") is replaced, and so is the
 * table of that dataset; else both are put behind the others.
 */
#ifndef SL_EVAL_EVAL_CARD_H
#define SL_EVAL_EVAL_CARD_H

#include "eval/eval_files.h"

struct sl_eval_card {
    const char *readme;  /* the card's path */
    const char *model;   /* its name, should the card have neither a model-index
                          * nor a heading */
    const char *dataset; /* what was measured on: sl_eval_card_name_ok() */
};

/* Is it short, and nothing in it to be escaped in YAML or HTML? */
bool sl_eval_card_name_ok(const char *name);

/*
 * A name for a file of judgements or questions: its own without folder, endings
 * and the word qrels or queries, if anything is left ("dev" of dev_qrels.txt).
 */
void sl_eval_card_name(char *name, size_t size, const char *path);

/*
 * Put the evaluation into the card; e NULL: only try, write nothing.  A card
 * that holds it as it is, is not touched.
 *
 *   E_IO, E_RANGE, E_NOMEM
 *   E_FORMAT  the card's front matter, model-index or marks are not understood
 */
simlm_status sl_eval_card_put(const struct sl_eval_card *c,
                              const struct simlm_eval *e, simlm_error *err);

/* Does the card have item and table of the dataset? */
bool sl_eval_card_has(const struct sl_eval_card *c);

#endif
