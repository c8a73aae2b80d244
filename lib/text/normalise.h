/*
 * text/normalise.h - from text to words, the first half of BERT's tokenizer.
 *
 * Clean, set ideographs apart, decompose and strip accents, lower, split at
 * white space and around punctuation (spec 10.2, steps 2 to 6), in one pass
 * that allocates nothing:
 *
 *     struct sl_words w;
 *     sl_words_init(&w, normaliser, text, len);
 *     while (sl_words_next(&w))
 *         use(w.word, w.len);
 *
 * ASCII, nearly all of English text, goes through a table of bytes; any other
 * character goes code point by code point.  Both end in the same word buffer,
 * so a word may mix them.
 *
 * A character may move (canonical order) or multiply (decomposition), but
 * never across a starter: what the slow path holds back is at most the marks
 * after one base letter.
 */
#ifndef SL_TEXT_NORMALISE_H
#define SL_TEXT_NORMALISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text/bert_unicode.h"

struct sl_normalise_options {
    bool clean_text;    /* control characters go, white space is a blank */
    bool chinese_chars; /* each ideograph is a word */
    bool strip_accents; /* NFD, then non-spacing marks go */
    bool lowercase;
};

struct sl_normaliser {
    struct sl_normalise_options options;
    struct sl_bert_unicode *unicode;
    /* What a byte below 128 becomes within a word; 0: it ends the word, or is
     * removed, or needs the slow path.  `kind` tells which. */
    unsigned char fold[256], kind[256];
    uint64_t case_bit; /* 0x20 in each byte if upper case is lowered, or 0 */
};

/* False if out of memory. */
bool sl_normaliser_init(struct sl_normaliser *n,
                        const struct sl_normalise_options *options);
void sl_normaliser_release(struct sl_normaliser *n); /* of a zeroed one, too */

enum {
    /* Characters of a word that are kept; of a longer one only the count is
     * right.  BERT's limit is 100. */
    SL_WORD_CHARS = 256,
    SL_WORD_BYTES = 4 * SL_WORD_CHARS,
    SL_WORD_SLACK = 64, /* a store of eight bytes may overshoot */
};

struct sl_words {
    const struct sl_normaliser *normaliser;
    const unsigned char *at, *end;

    /* The word: UTF-8, len bytes, with zeros up to 16.  If chars exceeds
     * SL_WORD_CHARS, the bytes mean nothing. */
    unsigned char word[SL_WORD_BYTES + SL_WORD_SLACK];
    size_t len;
    int64_t chars;

    /* Slow path.  ready: finished characters; held: marks not yet in order. */
    uint32_t ready[SL_WORD_CHARS + 16], held[SL_WORD_CHARS];
    int held_class[SL_WORD_CHARS];
    int n_ready, ready_at, n_held;
};

void sl_words_init(struct sl_words *w, const struct sl_normaliser *n,
                   const char *text, size_t len);

/* The next word; false at the end of the text. */
bool sl_words_next(struct sl_words *w);

#endif
