/*
 * A term is worked on as UTF-16, because Lucene's is: its stemmer counts units.
 * One that is all ASCII, as nearly all are, takes the same way.
 */
#include "text/analyzer.h"

#include <stdint.h>
#include <string.h>

#include <utf8proc.h>

#include "text/porter.h"
#include "text/utf8.h"

static int put_units(uint16_t *w, uint32_t c)
{
    if (c <= 0xFFFF) {
        *w = (uint16_t)c;
        return 1;
    }
    c -= 0x10000;
    w[0] = (uint16_t)(0xD800 | c >> 10);
    w[1] = (uint16_t)(0xDC00 | (c & 0x3FF));
    return 2;
}

/* Lower case never changes how many units a character has. */
static uint32_t lower(uint32_t c)
{
    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
    return (uint32_t)utf8proc_tolower((utf8proc_int32_t)c);
}

static int widen(uint16_t *w, const unsigned char *p, size_t n)
{
    const unsigned char *end = p + n;
    int units = 0;

    while (p < end)
        units += put_units(w + units, lower(sl_utf8_next(&p, end, NULL)));
    return units;
}

static size_t narrow(char *out, const uint16_t *w, int n)
{
    size_t len = 0;

    for (int i = 0; i < n; i++) {
        uint32_t c = w[i];

        if (c >= 0xD800 && c < 0xDC00 && i + 1 < n)
            c = 0x10000 + ((c & 0x3FF) << 10 | (w[++i] & 0x3FFu));
        len += sl_utf8_put(out + len, c);
    }
    out[len] = '\0';
    return len;
}

/* Of the word as it stands in the text: 's, ’s, ＇s, or with S. */
static int without_possessive(const uint16_t *w, int n)
{
    if (n < 2 || w[n - 1] != 's')
        return n;
    if (w[n - 2] == '\'' || w[n - 2] == 0x2019 || w[n - 2] == 0xFF07)
        return n - 2;
    return n;
}

static bool is_stop_word(const uint16_t *w, int n)
{
    static const char *const stop[] = {
        "a",    "an",  "and",   "are",  "as",    "at",    "be",
        "but",  "by",  "for",   "if",   "in",    "into",  "is",
        "it",   "no",  "not",   "of",   "on",    "or",    "such",
        "that", "the", "their", "then", "there", "these", "they",
        "this", "to",  "was",   "will", "with",
    };
    char word[8];

    if (n > 5)
        return false;
    for (int i = 0; i < n; i++)
        word[i] = w[i] < 0x80 ? (char)w[i] : '?';
    word[n] = '\0';
    for (size_t i = 0; i < sizeof stop / sizeof *stop; i++)
        if (*word == *stop[i] && !strcmp(word, stop[i]))
            return true;
    return false;
}

void sl_terms_begin(struct sl_terms *t, const char *text, size_t n)
{
    t->at = (const unsigned char *)text;
    t->end = t->at + n;
    t->len = 0;
}

bool sl_terms_next(struct sl_terms *t)
{
    uint16_t w[SL_WORD_MAX_UNITS + 1];
    const unsigned char *word;
    size_t len;

    while (sl_word_next(&t->at, t->end, &word, &len)) {
        int n = without_possessive(w, widen(w, word, len));

        if (n == 0 || is_stop_word(w, n))
            continue;
        t->len = narrow(t->term, w, sl_porter_stem(w, n));
        return true;
    }
    return false;
}
