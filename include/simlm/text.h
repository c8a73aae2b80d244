/*
 * simlm/text.h - tokenize text as a BERT model wants it; train a vocabulary.
 *
 *   simlm_tokenizer *t = NULL;
 *   simlm_encoding e;
 *   simlm_error err;
 *
 *   if (simlm_tokenizer_open(&t, "models/simlm-base", &err) == SIMLM_OK &&
 *       simlm_tokenizer_encode(t, &e, "who wrote faust", 15, NULL, 0, NULL,
 *                              &err) == SIMLM_OK) {
 *       use(e.ids, e.type_ids, e.n);
 *       simlm_encoding_free(&e);
 *   }
 *   simlm_tokenizer_close(t);
 *
 * A tokenizer is immutable and may be shared by threads.
 */
#ifndef SIMLM_TEXT_H
#define SIMLM_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <simlm/observer.h>
#include <simlm/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- tokenizer ----------------------------------------------------------- */

typedef struct simlm_tokenizer simlm_tokenizer;

/*
 * path: a model directory with vocab.txt or tokenizer.json, or one of these
 * files itself.
 *
 *   E_IO      nothing there to read
 *   E_FORMAT  not a WordPiece tokenizer of BERT's kind; msg says why
 */
SIMLM_API simlm_status simlm_tokenizer_open(simlm_tokenizer **out,
                                            const char *path, simlm_error *err);
SIMLM_API void simlm_tokenizer_close(simlm_tokenizer *t);

/* Ids are 0 .. size - 1. */
SIMLM_API int32_t simlm_tokenizer_size(const simlm_tokenizer *t);

/* The token's string, "##" in front if it continues a word; NULL if id is out
 * of range. */
SIMLM_API const char *simlm_tokenizer_token(const simlm_tokenizer *t,
                                            int32_t id);

typedef enum simlm_truncation {
    SIMLM_TRUNCATE_LONGEST_FIRST = 0, /* a pair loses from its longer text */
    SIMLM_TRUNCATE_ONLY_SECOND = 1    /* the first text stays whole */
} simlm_truncation;

typedef struct simlm_encode_text_options {
    bool special;       /* put [CLS] and [SEP]; default true */
    int64_t max_length; /* at most so many ids; 0 (default): no limit */
    simlm_truncation truncation; /* default longest_first */
} simlm_encode_text_options;
SIMLM_API void simlm_encode_text_options_init(
    simlm_encode_text_options *options);

typedef struct simlm_encoding {
    int32_t *ids;      /* [n] */
    int32_t *type_ids; /* [n] 0: first text, 1: second */
    int64_t n;
} simlm_encoding;
SIMLM_API void simlm_encoding_free(simlm_encoding *e); /* and make it empty */

/*
 * *out <- ids of text[0 .. text_len), or of a pair of texts.
 *
 *   text     UTF-8; ill-formed bytes become U+FFFD, NUL and emptiness are legal
 *   pair     NULL: a single text
 *   options  NULL: the defaults
 *
 *   E_RANGE  the limit cannot be met: max_length is under the number of special
 *            tokens, or only_second and the first text alone is too long
 *   E_NOMEM
 */
SIMLM_API simlm_status simlm_tokenizer_encode(
    const simlm_tokenizer *t, simlm_encoding *out, const char *text,
    size_t text_len, const char *pair, size_t pair_len,
    const simlm_encode_text_options *options, simlm_error *err);

/*
 * Tokenize a file line by line: the job behind `simlm tokenize`.
 *
 *   input   "-": stdin.  A text a line, or with jsonl {"text": ..} or
 *           {"text": .., "pair": ..}
 *   output  "-": stdout.  {"ids":[..],"type_ids":[..]} for each line
 *
 * A line that cannot be read ends the job with a message that names it.
 */
typedef struct simlm_tokenize_options {
    const char *model;          /* as simlm_tokenizer_open(); required */
    const char *input, *output; /* default "-" */
    bool jsonl;
    simlm_encode_text_options encode;
} simlm_tokenize_options;
SIMLM_API void simlm_tokenize_options_init(simlm_tokenize_options *options);
SIMLM_API simlm_status
simlm_tokenize_file(const simlm_tokenize_options *options,
                    const simlm_observer *observer, simlm_error *err);

/* ---- training a vocabulary ----------------------------------------------- */

typedef struct simlm_vocab_options {
    const char *output;        /* vocab.txt to write, "-": stdout; required */
    const char *const *corpus; /* [n_corpora] files; titles count as text */
    int32_t n_corpora;
    int32_t size;          /* 16 .. 2^24 tokens in all; 30522 */
    int64_t min_frequency; /* a pair seen less often is not joined; 2 */
    int32_t max_alphabet;  /* characters kept, the most frequent; 1000 */
    bool lowercase;        /* and strip accents; true */
    int32_t threads;       /* 0: one a core */
} simlm_vocab_options;
SIMLM_API void simlm_vocab_options_init(simlm_vocab_options *options);

/*
 * Learn a WordPiece vocabulary by joining the most frequent pair of pieces
 * until it has `size` tokens (or no pair is frequent enough: then it is
 * smaller, and a warning says so).  With 1000 tokens or more the special ones
 * are where BERT has them: [PAD] 0, [unused0] to [unused98], [UNK] 100,
 * [CLS] 101, [SEP] 102, [MASK] 103; with fewer, these five come first.  At
 * most half of the rest is single characters.
 *
 * The same corpus gives the same file on any number of threads.
 *
 *   E_ARG, E_IO, E_NOMEM
 *   E_FORMAT     a malformed corpus (msg names the line), or one without words
 *   E_CANCELLED  the observer asked to stop; nothing is written
 */
SIMLM_API simlm_status simlm_vocab_train(const simlm_vocab_options *options,
                                         const simlm_observer *observer,
                                         simlm_error *err);

#ifdef __cplusplus
}
#endif
#endif /* SIMLM_TEXT_H */
