#include "model/tables.h"

#include "nn/weights.h"

#define TABLE(name, rows)                                                      \
    const struct sl_param_table name = {rows, (int64_t)SL_LEN(rows)}

/* clang-format off */
#define E(f) offsetof(struct sl_embed_weights, f)
static const struct sl_param_row embed_rows[] = {
    /* name                          field          rows           cols      init            decay */
    { "word_embeddings.weight",       E(table.word), SL_DIM_V,      SL_DIM_E, SL_INIT_NORMAL, true,  false },
    { "position_embeddings.weight",   E(table.pos),  SL_DIM_P,      SL_DIM_E, SL_INIT_NORMAL, true,  false },
    { "token_type_embeddings.weight", E(table.type), SL_DIM_T,      SL_DIM_E, SL_INIT_NORMAL, true,  false },
    { "LayerNorm.weight",             E(table.g),    SL_DIM_VECTOR, SL_DIM_E, SL_INIT_ONES,   false, false },
    { "LayerNorm.bias",               E(table.b),    SL_DIM_VECTOR, SL_DIM_E, SL_INIT_ZEROS,  false, false },
};
static const struct sl_param_row project_rows[] = {
    { "weight", E(proj_w), SL_DIM_D,      SL_DIM_E, SL_INIT_NORMAL, true,  false },
    { "bias",   E(proj_b), SL_DIM_VECTOR, SL_DIM_D, SL_INIT_ZEROS,  false, false },
};
#undef E

/* q, k and v joined: one product serves all three. */
#define L(f) offsetof(struct sl_layer_weights, f)
static const struct sl_param_row layer_rows[] = {
    { "attention.self.query.weight",       L(wq),   SL_DIM_D,      SL_DIM_D, SL_INIT_NORMAL, true,  false },
    { "attention.self.key.weight",         L(wk),   SL_DIM_D,      SL_DIM_D, SL_INIT_NORMAL, true,  true },
    { "attention.self.value.weight",       L(wv),   SL_DIM_D,      SL_DIM_D, SL_INIT_NORMAL, true,  true },
    { "attention.self.query.bias",         L(bq),   SL_DIM_VECTOR, SL_DIM_D, SL_INIT_ZEROS,  false, false },
    { "attention.self.key.bias",           L(bk),   SL_DIM_VECTOR, SL_DIM_D, SL_INIT_ZEROS,  false, true },
    { "attention.self.value.bias",         L(bv),   SL_DIM_VECTOR, SL_DIM_D, SL_INIT_ZEROS,  false, true },
    { "attention.output.dense.weight",     L(wo),   SL_DIM_D,      SL_DIM_D, SL_INIT_NORMAL, true,  false },
    { "attention.output.dense.bias",       L(bo),   SL_DIM_VECTOR, SL_DIM_D, SL_INIT_ZEROS,  false, false },
    { "attention.output.LayerNorm.weight", L(ln1g), SL_DIM_VECTOR, SL_DIM_D, SL_INIT_ONES,   false, false },
    { "attention.output.LayerNorm.bias",   L(ln1b), SL_DIM_VECTOR, SL_DIM_D, SL_INIT_ZEROS,  false, false },
    { "intermediate.dense.weight",         L(w1),   SL_DIM_F,      SL_DIM_D, SL_INIT_NORMAL, true,  false },
    { "intermediate.dense.bias",           L(b1),   SL_DIM_VECTOR, SL_DIM_F, SL_INIT_ZEROS,  false, false },
    { "output.dense.weight",               L(w2),   SL_DIM_D,      SL_DIM_F, SL_INIT_NORMAL, true,  false },
    { "output.dense.bias",                 L(b2),   SL_DIM_VECTOR, SL_DIM_D, SL_INIT_ZEROS,  false, false },
    { "output.LayerNorm.weight",           L(ln2g), SL_DIM_VECTOR, SL_DIM_D, SL_INIT_ONES,   false, false },
    { "output.LayerNorm.bias",             L(ln2b), SL_DIM_VECTOR, SL_DIM_D, SL_INIT_ZEROS,  false, false },
};
#undef L

#define H(f) offsetof(struct sl_lm_head_weights, f)
static const struct sl_param_row bert_head_rows[] = {
    { "cls.predictions.transform.dense.weight",     H(w),    SL_DIM_E,      SL_DIM_D, SL_INIT_NORMAL, true,  false },
    { "cls.predictions.transform.dense.bias",       H(b),    SL_DIM_VECTOR, SL_DIM_E, SL_INIT_ZEROS,  false, false },
    { "cls.predictions.transform.LayerNorm.weight", H(g),    SL_DIM_VECTOR, SL_DIM_E, SL_INIT_ONES,   false, false },
    { "cls.predictions.transform.LayerNorm.bias",   H(beta), SL_DIM_VECTOR, SL_DIM_E, SL_INIT_ZEROS,  false, false },
    { "cls.predictions.bias",                       H(bias), SL_DIM_VECTOR, SL_DIM_V, SL_INIT_ZEROS,  false, false },
};
static const struct sl_param_row electra_head_rows[] = {
    { "generator_predictions.dense.weight",     H(w),    SL_DIM_E,      SL_DIM_D, SL_INIT_NORMAL, true,  false },
    { "generator_predictions.dense.bias",       H(b),    SL_DIM_VECTOR, SL_DIM_E, SL_INIT_ZEROS,  false, false },
    { "generator_predictions.LayerNorm.weight", H(g),    SL_DIM_VECTOR, SL_DIM_E, SL_INIT_ONES,   false, false },
    { "generator_predictions.LayerNorm.bias",   H(beta), SL_DIM_VECTOR, SL_DIM_E, SL_INIT_ZEROS,  false, false },
    { "generator_lm_head.bias",                 H(bias), SL_DIM_VECTOR, SL_DIM_V, SL_INIT_ZEROS,  false, false },
};
#undef H

const struct sl_tied_name sl_tied_names[3] = {
    { "bert.embeddings.word_embeddings.weight",    "cls.predictions.decoder.weight" },
    { "cls.predictions.bias",                      "cls.predictions.decoder.bias" },
    { "electra.embeddings.word_embeddings.weight", "generator_lm_head.weight" },
};

#define S(f) offsetof(struct sl_score_weights, f)
static const struct sl_param_row bert_score_rows[] = {
    { "bert.pooler.dense.weight", S(w1), SL_DIM_D,      SL_DIM_D,   SL_INIT_NORMAL, true,  false },
    { "bert.pooler.dense.bias",   S(b1), SL_DIM_VECTOR, SL_DIM_D,   SL_INIT_ZEROS,  false, false },
    { "classifier.weight",        S(w2), SL_DIM_ONE,    SL_DIM_D,   SL_INIT_NORMAL, true,  false },
    { "classifier.bias",          S(b2), SL_DIM_VECTOR, SL_DIM_ONE, SL_INIT_ZEROS,  false, false },
};
static const struct sl_param_row electra_score_rows[] = {
    { "classifier.dense.weight",    S(w1), SL_DIM_D,      SL_DIM_D,   SL_INIT_NORMAL, true,  false },
    { "classifier.dense.bias",      S(b1), SL_DIM_VECTOR, SL_DIM_D,   SL_INIT_ZEROS,  false, false },
    { "classifier.out_proj.weight", S(w2), SL_DIM_ONE,    SL_DIM_D,   SL_INIT_NORMAL, true,  false },
    { "classifier.out_proj.bias",   S(b2), SL_DIM_VECTOR, SL_DIM_ONE, SL_INIT_ZEROS,  false, false },
};
#undef S

#define R(f) offsetof(struct sl_rtd_head_weights, f)
static const struct sl_param_row rtd_head_rows[] = {
    { "discriminator_predictions.dense.weight",            R(w),     SL_DIM_D,      SL_DIM_D,   SL_INIT_NORMAL, true,  false },
    { "discriminator_predictions.dense.bias",              R(b),     SL_DIM_VECTOR, SL_DIM_D,   SL_INIT_ZEROS,  false, false },
    { "discriminator_predictions.dense_prediction.weight", R(out_w), SL_DIM_ONE,    SL_DIM_D,   SL_INIT_NORMAL, true,  false },
    { "discriminator_predictions.dense_prediction.bias",   R(out_b), SL_DIM_VECTOR, SL_DIM_ONE, SL_INIT_ZEROS,  false, false },
};
#undef R

#define P(f) offsetof(struct sl_pooler_weights, f)
static const struct sl_param_row pooler_rows[] = {
    { "linear.weight", P(w), SL_DIM_O,      SL_DIM_D, SL_INIT_NORMAL, true,  false },
    { "linear.bias",   P(b), SL_DIM_VECTOR, SL_DIM_O, SL_INIT_ZEROS,  false, false },
};
#undef P
/* clang-format on */

TABLE(sl_embed_table, embed_rows);
TABLE(sl_project_table, project_rows);
TABLE(sl_layer_table, layer_rows);
TABLE(sl_bert_head_table, bert_head_rows);
TABLE(sl_electra_head_table, electra_head_rows);
TABLE(sl_bert_score_table, bert_score_rows);
TABLE(sl_electra_score_table, electra_score_rows);
TABLE(sl_rtd_head_table, rtd_head_rows);
TABLE(sl_pooler_table, pooler_rows);
