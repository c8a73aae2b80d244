/*
 * text/tokenizer_impl.h - what tokenizer.c and tokenizer_load.c share.
 *
 * Loading gathers a `struct sl_tokenizer_parts` from whatever files there are;
 * sl_tokenizer_build() checks it and makes the tokenizer.
 */
#ifndef SL_TEXT_TOKENIZER_IMPL_H
#define SL_TEXT_TOKENIZER_IMPL_H

#include "base/strmap.h"
#include "text/normalise.h"
#include "text/pieces.h"
#include "text/tokenizer.h"

enum sl_role { SL_PAD, SL_UNK, SL_CLS, SL_SEP, SL_MASK, SL_N_ROLES };

/* An id whose token is looked for in the raw text. */
struct sl_added {
    int32_t id;
    bool special;
};

struct sl_tokenizer_parts {
    struct sl_normalise_options options;
    int64_t max_word_chars;
    struct sl_strmap *tokens; /* entry i is the token of id i */
    char *role[SL_N_ROLES];   /* "[PAD]" and so on */
    char *prefix;             /* "##" */
    struct sl_added *added;
    int64_t n_added, cap_added;
};

struct sl_tokenizer {
    struct sl_normaliser normaliser;
    int64_t max_word_chars;
    struct sl_strmap *tokens;
    struct sl_pieces *pieces, *added;
    unsigned char *flags;     /* [size] IS_SPECIAL, CONTINUES */
    bool added_first[256];    /* bytes that some added token starts with */
    int added_byte;           /* the only one of them, or -1 */
    int32_t role[SL_N_ROLES]; /* id, or -1 */
    uint64_t hash;
};

/* BERT's uncased options, names and an empty vocabulary.  False: no memory. */
bool sl_tokenizer_parts_init(struct sl_tokenizer_parts *parts);
void sl_tokenizer_parts_release(struct sl_tokenizer_parts *parts);

/* Takes parts->tokens over.  `path` is for messages. */
simlm_status sl_tokenizer_build(struct sl_tokenizer **out,
                                struct sl_tokenizer_parts *parts,
                                const char *path, simlm_error *err);

#endif
