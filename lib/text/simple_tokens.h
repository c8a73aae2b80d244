/*
 * text/simple_tokens.h - texts as DPR compares them with answers (spec 4.8).
 *
 * Decomposed (NFD), cut into runs of letters, digits and marks, and single
 * characters of any other kind that is seen; separators and control characters
 * are between them; each in lower case.
 *
 * Tokens are joined by line ends, which none of them holds, one before and one
 * behind: "\nwho\n?\n".  So the tokens of an answer stand together in those of
 * a text if and only if the one string is in the other; no tokens are "\n",
 * which is in all.
 */
#ifndef SL_TEXT_SIMPLE_TOKENS_H
#define SL_TEXT_SIMPLE_TOKENS_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* Room for one text, used again for the next. */
struct sl_simple_room {
    struct sl_simple_char {
        uint32_t c;
        unsigned char kind, ccc;
    } * list;
    int64_t n, cap;
};

/* Append the text's tokens.  False if out of memory. */
bool sl_simple_tokens(struct sl_str *to, struct sl_simple_room *room,
                      const char *text, size_t n);
void sl_simple_room_free(struct sl_simple_room *room);

#endif
