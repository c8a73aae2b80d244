/*
 * model/modeldir.h - what a model directory says besides its weights: how a
 * text becomes tokens' order, a vector, and how long it may be.
 *
 *   config.json                           config.h
 *   model.safetensors, pytorch_model.bin, or an index of such files
 *   decoder.safetensors, decoder.pt       format/weightfiles.h, bert.h
 *   vocab.txt, tokenizer.json,
 *   tokenizer_config.json, special_tokens_map.json      lib/text
 *   modules.json, 1_Pooling/config.json, 2_Dense/config.json,
 *   sentence_bert_config.json, config_sentence_transformers.json,
 *   router_config.json                    sentence-transformers' own
 *   simlm.json                            what those cannot say
 *
 * A directory without any of the last two is a plain BERT: SimLM's defaults
 * (spec 10.5).  One with sentence-transformers' files and no simlm.json is
 * encoded as that library would.
 */
#ifndef SL_MODEL_MODELDIR_H
#define SL_MODEL_MODELDIR_H

#include "backend/ops.h"
#include "model/config.h"

/* How a passage's title and text are put before the tokenizer. */
enum sl_passage_form {
    SL_PASSAGE_PAIR = 0,   /* [CLS] title [SEP] text [SEP], types 0 and 1 */
    SL_PASSAGE_JOINED = 1, /* [CLS] title + " " + text [SEP]; without a title
                            * the text alone (BEIR's and ST's way) */
    SL_PASSAGE_COLON = 2 /* a re-ranker's: [CLS] query [SEP] title + ": " + text
                          * [SEP]; without a title the text alone (spec 3.1) */
};

extern const char *const sl_pooling_names[]; /* as in simlm.json */
extern const char *const sl_form_names[];

struct sl_profile {
    enum sl_pooling pooling;
    bool normalize;
    enum sl_passage_form form;
    char *missing_title; /* stands for an absent or empty title; NULL: none,
                          * the text alone as a single sequence */
    char *query_prompt;  /* put before the text; NULL: none */
    char *passage_prompt;
    int32_t query_max_length;   /* tokens, special ones included */
    int32_t passage_max_length; /* of a re-ranker: both texts together */
};

/* SimLM's: pair, "-", CLS, normalised, 32 and 144. */
simlm_status sl_profile_default(struct sl_profile *p, simlm_error *err);
void sl_profile_free(struct sl_profile *p);
simlm_status sl_profile_copy(struct sl_profile *out, const struct sl_profile *p,
                             simlm_error *err);

/*
 * Read <dir>'s.  Unknown pooling (max, ...) or modules are refused
 * by name, and so is a re-ranker.  Lengths are cut to cfg's positions.
 */
simlm_status sl_profile_load(struct sl_profile *p, const char *dir,
                             const struct sl_config *cfg, simlm_error *err);

/*
 * The same of a re-ranker's directory.  One that says nothing (a published
 * re-ranker, or a model to make one of) gets SimLM's: no stand-in for a missing
 * title, 192 tokens.
 */
simlm_status sl_profile_load_reranker(struct sl_profile *p, const char *dir,
                                      const struct sl_config *cfg,
                                      simlm_error *err);

/* Write simlm.json and, but for a re-ranker, sentence-transformers' files into
 * an existing dir. */
simlm_status sl_profile_save(const struct sl_profile *p, const char *dir,
                             const struct sl_config *cfg, simlm_error *err);

/* The same of one of two encoders, whose texts are those of its side. */
simlm_status sl_profile_save_tower(const struct sl_profile *p, const char *dir,
                                   const struct sl_config *cfg,
                                   enum sl_side side, simlm_error *err);

/* The same of the directory above the two: a Router (router.h) in the place of
 * the encoder. */
simlm_status sl_profile_save_router(const struct sl_profile *p, const char *dir,
                                    const struct sl_config *cfg,
                                    simlm_error *err);

/* A file that is there is none; what a directory lacks, its readers say. */
simlm_status sl_modeldir_check(const char *path, simlm_error *err);

/*
 * Is there a model as far as config.json tells, with weights, which takes texts of
 * so many tokens (0: any)?  Nothing else is read.
 */
simlm_status sl_modeldir_probe(const char *path, int64_t tokens,
                               simlm_error *err);

/* A trained model is not to be lost to a typing error: E_ARG if path has one.
 */
simlm_status sl_modeldir_refuse(const char *path, simlm_error *err);

/*
 * Has dir an encoder for either side (towers.h)?  *path <- the directory of that
 * side's, which is dir itself if it has not; sl_free() it.  E_NOMEM, E_FORMAT: a
 * router_config.json (router.h) that is none.
 */
extern const char *const sl_tower_names[2]; /* by side */
simlm_status sl_modeldir_is_untied(bool *untied, const char *dir,
                                   simlm_error *err);
simlm_status sl_modeldir_encoder(char **path, const char *dir,
                                 enum sl_side side, simlm_error *err);

/* For what reads one encoder: E_ARG, with the directories of the two, if dir has
 * two. */
simlm_status sl_modeldir_need_one(const char *dir, simlm_error *err);

/*
 * *path <- the file that holds dir's weights, sl_free() it: model.safetensors,
 * its index if it is in pieces, pytorch_model.bin, or that one's index; the
 * first that is there.  E_IO if none is.
 */
simlm_status sl_modeldir_weights(char **path, const char *dir,
                                 simlm_error *err);

/* The same of the decoder: decoder.safetensors or decoder.pt; *path <- NULL if
 * there is neither. */
simlm_status sl_modeldir_decoder(char **path, const char *dir,
                                 simlm_error *err);

/* The same of a retriever's pooler (towers.h). */
simlm_status sl_modeldir_pooler(char **path, const char *dir, simlm_error *err);

/* *hash <- of the bytes of all files of dir's weights, be it one encoder or
 * two, and its pooler's. */
simlm_status sl_modeldir_hash(uint64_t *hash, const char *dir,
                              simlm_error *err);

/*
 * The tokenizer of dir, which lies there or, if dir has none, with its encoders,
 * whose vocabularies must be the same.
 */
struct sl_tokenizer;
simlm_status sl_modeldir_tokenizer(struct sl_tokenizer **out, const char *dir,
                                   simlm_error *err);

/* dir has a vocab.txt: make its tokenizer.json if it has none, and if JSON can
 * say the tokens. */
simlm_status sl_modeldir_complete_tokenizer(const char *dir, simlm_error *err);

/* Copy the tokenizer's files that <from> has into <to>, and complete them. */
simlm_status sl_modeldir_copy_tokenizer(const char *to, const char *from,
                                        simlm_error *err);

/*
 * A directory made whole or not at all: write into the directory `tmp`, then
 * commit (fsync, rename to path; an existing model directory at path is
 * replaced) or abort (removed).
 */
struct sl_dir_out {
    char *path, *tmp;
};
simlm_status sl_dir_out_open(struct sl_dir_out *o, const char *path,
                             simlm_error *err);
simlm_status sl_dir_out_commit(struct sl_dir_out *o, simlm_error *err);
void sl_dir_out_abort(struct sl_dir_out *o); /* after commit: no-op */

struct sl_bert;

/* All of the above in one: weights, profile, tokenizer files of <from>. */
simlm_status sl_modeldir_save(const char *path, const struct sl_bert *m,
                              bool with_head, const struct sl_profile *p,
                              const char *tokenizer_from, simlm_error *err);

#endif
