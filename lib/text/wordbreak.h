/*
 * text/wordbreak.h - the words of a text, as Lucene's StandardTokenizer cuts
 * it.
 *
 * The rules are those of UAX #29 with Unicode 12.1's properties, and what
 * Lucene 9 makes of them:
 *
 *   1. A word is a run of letters, digits and connectors (_), with ' . : and
 *      their like inside between two letters, or ' . , ; between two digits.
 *   2. A run of Katakana, or of a South East Asian script, is one word.  A Han
 *      or Hiragana character is a word of its own.  An emoji sequence is one.
 *   3. Combining marks, format characters and joiners belong to what they
 *      follow.
 *   4. A word ends after 255 UTF-16 units at the latest; the rest is the next.
 *   5. Everything else (blanks, punctuation, symbols, U+FFFD) separates words.
 */
#ifndef SL_TEXT_WORDBREAK_H
#define SL_TEXT_WORDBREAK_H

#include <stdbool.h>
#include <stddef.h>

enum { SL_WORD_MAX_UNITS = 255 };

/* A UTF-16 unit is at most three bytes of UTF-8. */
#define SL_WORD_MAX_BYTES (SL_WORD_MAX_UNITS * 3)

/*
 * The next word of [*at, end): *word and *n, and *at behind it.  False if there
 * is none.  Ill-formed UTF-8 is U+FFFD.
 */
bool sl_word_next(const unsigned char **at, const unsigned char *end,
                  const unsigned char **word, size_t *n);

#endif
