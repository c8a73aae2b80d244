/*
 * model/tables.h - the parameters of each component, by the names of Hugging
 * Face's checkpoints (spec 10.3).  These tables are the only place that names
 * them; see params.h for what is made of a row.
 *
 * To AdamW's decay: matrices and embeddings yes, biases and layer norms no.
 */
#ifndef SL_MODEL_TABLES_H
#define SL_MODEL_TABLES_H

#include "model/params.h"

struct sl_param_table {
    const struct sl_param_row *rows;
    int64_t n;
};

extern const struct sl_param_table sl_embed_table;     /* sl_embed_weights */
extern const struct sl_param_table sl_project_table;   /* sl_embed_weights */
extern const struct sl_param_table sl_layer_table;     /* sl_layer_weights */
extern const struct sl_param_table sl_bert_head_table; /* sl_lm_head_weights */
extern const struct sl_param_table sl_electra_head_table; /* the same */
extern const struct sl_param_table sl_bert_score_table;   /* sl_score_weights */
extern const struct sl_param_table sl_electra_score_table; /* the same */
extern const struct sl_param_table sl_rtd_head_table; /* sl_rtd_head_weights */
extern const struct sl_param_table sl_pooler_table;   /* sl_pooler_weights */

/* Tensors that checkpoints hold twice or under either name. */
struct sl_tied_name {
    const char *name, *copy;
};
extern const struct sl_tied_name sl_tied_names[3];

#endif
