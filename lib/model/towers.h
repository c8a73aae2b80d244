/*
 * model/towers.h - what makes a retriever of an encoder, in files (spec 1.3).
 *
 * Queries and passages share one encoder, or each have their own.  Behind it
 * there may be a pooler, one linear layer for both (model/vectors.h).
 *
 *   <dir>/config.json, weights                     one encoder, or
 *   <dir>/query_model/, <dir>/passage_model/       two, each a model directory;
 *                                                  tokenizer and simlm.json are
 *                                                  those of <dir>
 *   <dir>/2_Dense/model.safetensors or .bin        the pooler as sentence-
 *                                                  transformers has it, or
 *   <dir>/pooler.pt                                as the reference writes it
 *
 * The queries' encoder is the model; it has the pooler, and the passages' encoder
 * as m->passage, which is of the same shape.  Being trained, the two are one block
 * (sl_bert_join), so that optimiser and checkpoints know one model.
 */
#ifndef SL_MODEL_TOWERS_H
#define SL_MODEL_TOWERS_H

#include "model/bert.h"

/*
 * Open a retriever.  parts->untied: two encoders even where <dir> has one, both
 * of its weights; parts->pooler: a pooler of that width even where <dir> has
 * none, random from parts->seed.
 *
 *   E_ARG     a pooler of another width is there
 *   E_FORMAT  encoders of two shapes, or a pooler file that is none; else as
 *             sl_bert_open()
 */
simlm_status sl_towers_open(struct sl_bert **out, struct sl_backend *be,
                            const char *dir, struct sl_bert_parts parts,
                            simlm_error *err);

/*
 * *w <- the weights of dir's pooler, whose width becomes *width; NULL, and
 * *width as it was, if it has none.  sl_weights_close() it in any case.
 */
struct sl_weights;
simlm_status sl_pooler_open(struct sl_weights **w, int64_t *width,
                            const char *dir, simlm_error *err);

/* sl_bert_train() of both. */
simlm_status sl_towers_train(struct sl_bert *m, simlm_error *err);

/* <dir>/2_Dense/model.safetensors, if m has a pooler. */
simlm_status sl_pooler_save(const struct sl_bert *m, const char *dir,
                            simlm_error *err);

/*
 * Of a model with two encoders what they share, into an existing directory:
 * config.json (of either), the pooler; and empty directories for the two.
 */
simlm_status sl_towers_save(const struct sl_bert *m, const char *dir,
                            simlm_error *err);

#endif
