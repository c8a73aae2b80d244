/*
 * text/analyzer.h - text to index terms, as Lucene's EnglishAnalyzer makes
 * them.
 *
 *     words       text/wordbreak.h
 *     possessive  's and ’s (and its full-width form) are cut off
 *     lower case  each character by itself
 *     stop words  Lucene's 33 are left out
 *     stem        text/porter.h
 *
 *     struct sl_terms t;
 *     sl_terms_begin(&t, text, n);
 *     while (sl_terms_next(&t))
 *         ... t.term[0 .. t.len) ...
 */
#ifndef SL_TEXT_ANALYZER_H
#define SL_TEXT_ANALYZER_H

#include <stdbool.h>
#include <stddef.h>

#include "text/wordbreak.h"

struct sl_terms {
    const unsigned char *at, *end;
    char term[SL_WORD_MAX_BYTES + 1]; /* UTF-8, NUL-terminated */
    size_t len;                       /* >= 1 */
};

void sl_terms_begin(struct sl_terms *t, const char *text, size_t n);
bool sl_terms_next(struct sl_terms *t);

#endif
