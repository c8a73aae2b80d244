/*
 * text/tokenizer.h - BERT's WordPiece: text to ids, exactly as Hugging Face's
 * fast BertTokenizer does it (spec section 10.2).
 *
 *     raw text   literal special tokens ("[SEP]") are cut out, become their id
 *     clean      control characters go, white space becomes a blank
 *     CJK        blanks around each ideograph
 *     accents    canonical decomposition, then non-spacing marks go
 *     case       character by character
 *     words      split at blanks; each punctuation character is a word
 *     pieces     greedy longest match; a word that has no such cover, or more
 *                than 100 characters, is one [UNK]
 *
 * Text is bytes with a length: NUL is a character like others, and each
 * maximal ill-formed part of the UTF-8 counts as U+FFFD, which "clean" drops.
 *
 * A tokenizer is immutable once open: any number of threads may share it.
 */
#ifndef SL_TEXT_TOKENIZER_H
#define SL_TEXT_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/strmap.h"

struct sl_tokenizer;

/*
 * Open what a model directory has: vocab.txt, tokenizer.json, or both, whose
 * tokens must then be the same.  Options are BERT's uncased ones, unless
 * tokenizer.json or, above it, tokenizer_config.json says otherwise.  `path`
 * may also be a vocab.txt or a tokenizer.json itself, which is then all that
 * is read.
 *
 *   E_IO      none of them can be read
 *   E_FORMAT  not a WordPiece vocabulary of BERT's kind: a duplicate token, no
 *             [UNK], [CLS], [SEP] or [PAD], an option we do not know
 *   E_RANGE   larger than 2^24 tokens or 64 MiB
 */
simlm_status sl_tokenizer_open(struct sl_tokenizer **out, const char *path,
                               simlm_error *err);

/* A token a line, the line number its id; BERT's uncased options. */
simlm_status sl_tokenizer_from_vocab(struct sl_tokenizer **out,
                                     const char *vocab_path, simlm_error *err);

/* Entry i of tokens, which is taken over, is token i; the same options. */
simlm_status sl_tokenizer_from_tokens(struct sl_tokenizer **out,
                                      struct sl_strmap *tokens,
                                      simlm_error *err);
void sl_tokenizer_close(struct sl_tokenizer *t); /* accepts NULL */

/* Write a tokenizer.json of t, which came from a vocab.txt (its pieces continue
 * with "##"): read again it encodes alike, here and by Hugging Face's. */
simlm_status sl_tokenizer_save(const struct sl_tokenizer *t, const char *path,
                               simlm_error *err);

/* Ids are 0 .. size - 1. */
int32_t sl_tokenizer_size(const struct sl_tokenizer *t);
const char *sl_tokenizer_token(const struct sl_tokenizer *t, int32_t id);

/* [PAD], [UNK], [CLS], [SEP], [MASK] and whatever else is never text. */
bool sl_tokenizer_is_special(const struct sl_tokenizer *t, int32_t id);

/* True for "##ing" and the like: the token continues a word. */
bool sl_tokenizer_continues(const struct sl_tokenizer *t, int32_t id);

int32_t sl_tokenizer_pad(const struct sl_tokenizer *t);
int32_t sl_tokenizer_unk(const struct sl_tokenizer *t);
int32_t sl_tokenizer_cls(const struct sl_tokenizer *t);
int32_t sl_tokenizer_sep(const struct sl_tokenizer *t);
int32_t sl_tokenizer_mask(const struct sl_tokenizer *t); /* -1: has none */

/* The id of a token, or -1.  No text processing: "##ing", "[SEP]", "the". */
int32_t sl_tokenizer_id(const struct sl_tokenizer *t, const char *token,
                        size_t len);

/* Identity of vocabulary and options: equal hashes encode alike. */
uint64_t sl_tokenizer_hash(const struct sl_tokenizer *t);

/* Does every id mean the same token in both?  (The generator's vocabulary.) */
bool sl_tokenizer_same_vocab(const struct sl_tokenizer *a,
                             const struct sl_tokenizer *b);

/* Ids that grow.  Start from { 0 }; set n to 0 to use the room again. */
struct sl_id_list {
    int32_t *id;
    int64_t n, cap;
};
void sl_id_list_free(struct sl_id_list *x); /* and make it empty */

/*
 * Append the ids of text[0 .. len) to *out, without [CLS] and [SEP].  False
 * only if memory ran out; then out->n is what it was.
 */
bool sl_tokenizer_encode(const struct sl_tokenizer *t, struct sl_id_list *out,
                         const char *text, size_t len);

/* A view of ids that lie somewhere else: in a token cache, in an sl_id_list. */
struct sl_ids {
    const int32_t *id;
    int64_t n;
};

enum sl_truncation {
    SL_TRUNCATE_LONGEST_FIRST = 0, /* the longer text is cut (spec 10.2) */
    SL_TRUNCATE_ONLY_SECOND = 1,   /* the first text stays whole */
};

/*
 * How much of a pair of n_a and n_b tokens is kept within `budget` tokens.
 * False if that cannot be done: ONLY_SECOND, and the first alone does not
 * leave the second one token.  A pair that fits is kept whole.
 */
bool sl_truncate_pair(int64_t *keep_a, int64_t *keep_b, int64_t n_a,
                      int64_t n_b, int64_t budget, enum sl_truncation how);

/*
 * [CLS] a [SEP] of type 0, then b [SEP] of type 1 (b NULL: a single text, of
 * which the first max_len - 2 tokens are kept), in at most max_len ids.
 * max_len <= 0: no limit.
 *
 *   ids, types  room for sl_tokenizer_packed_max(); types may be NULL
 *   returns     how many ids, or -1 if truncation cannot do it (see above) or
 *               max_len is less than the special tokens alone
 */
int64_t sl_tokenizer_pack(const struct sl_tokenizer *t, int32_t *ids,
                          int32_t *types, const struct sl_ids *a,
                          const struct sl_ids *b, int64_t max_len,
                          enum sl_truncation how);

/* The most ids sl_tokenizer_pack() can give for these arguments. */
int64_t sl_tokenizer_packed_max(const struct sl_ids *a, const struct sl_ids *b,
                                int64_t max_len);

#endif
