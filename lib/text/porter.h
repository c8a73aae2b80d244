/*
 * text/porter.h - Porter's stemmer for English, as Lucene has it.
 *
 * M. F. Porter, "An algorithm for suffix stripping", Program 14(3), 1980, with
 * the two departures of his own C version (bli -> ble, logi -> log), which the
 * Snowball stemmer called "porter" lacks.
 */
#ifndef SL_TEXT_PORTER_H
#define SL_TEXT_PORTER_H

#include <stdint.h>

/*
 * Stem the n letters at w in place; returns the new length, 1 <= it <= n.  What
 * is not one of a, e, i, o, u, y counts as a consonant.  n < 3: unchanged.
 */
int sl_porter_stem(uint16_t *w, int n);

#endif
