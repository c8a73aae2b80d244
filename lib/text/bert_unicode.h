/*
 * text/bert_unicode.h - what a code point is to BERT's tokenizer.
 *
 * The fast tokenizer's tables are frozen in the past: general categories of
 * Unicode 8, decompositions of Unicode 9.  U+2E5D OBLIQUE HYPHEN is no
 * punctuation to it, and never will be, since models were trained that way.
 * So the categories are not asked of libutf8proc, which follows Unicode, but
 * come from bert_unicode.inc, measured on the original over all code points.
 * libutf8proc does the rest, for code points that the tables admit: canonical
 * decomposition, combining classes, and lower case, which Unicode guarantees to
 * stay what they are.
 */
#ifndef SL_TEXT_BERT_UNICODE_H
#define SL_TEXT_BERT_UNICODE_H

#include <stdint.h>

enum {
    SL_CP_DROP = 1,      /* clean_text removes it */
    SL_CP_SPACE = 2,     /* white space */
    SL_CP_CJK = 4,       /* tokenize_chinese_chars sets it apart */
    SL_CP_PUNCT = 8,     /* a word by itself */
    SL_CP_MARK = 16,     /* strip_accents removes it */
    SL_CP_COMPOSED = 32, /* has a canonical decomposition */
    SL_CP_CLASS = 64,    /* kept by strip_accents, combining class not 0 */
};

/* Flags of all code points, in pages, of which uniform ones are shared. */
struct sl_bert_unicode {
    uint16_t page[0x110000 >> 7];
    unsigned char (*flags)[128];
};

/* NULL if out of memory.  Quick enough to make one for each tokenizer. */
struct sl_bert_unicode *sl_bert_unicode_new(void);
void sl_bert_unicode_free(struct sl_bert_unicode *u);

static inline unsigned sl_cp_flags(const struct sl_bert_unicode *u, uint32_t c)
{
    return u->flags[u->page[c >> 7]][c & 127];
}

/* Canonical combining class as the tokenizer sees it; 0 for a starter. */
int sl_cp_class(const struct sl_bert_unicode *u, uint32_t c);

/* out <- full canonical decomposition; returns its length, 1 if there is none.
 * At most SL_CP_PARTS. */
enum { SL_CP_PARTS = 4 };
int sl_cp_decompose(const struct sl_bert_unicode *u, uint32_t *out, uint32_t c);

/* out <- lower case of one character, by itself; returns its length: 1, or 2
 * for U+0130. */
int sl_cp_lower(uint32_t *out, uint32_t c);

#endif
