/*
 * The slow path is a pipe of four stages, each called by the one before:
 *
 *     take_char   decode, clean, blanks around ideographs
 *     decompose   canonical parts, marks dropped or held for ordering
 *     finish      lower case, into `ready`
 *     add_ready   white space and punctuation end words, the rest is appended
 *
 * Canonical order sorts each run of non-starters by combining class, stably.
 * Marks that are dropped need no place in it, but one that is itself a starter
 * still ends the run.
 */
#include "text/normalise.h"

#include <string.h>

#include "base/status.h"
#include "text/utf8.h"

#define EACH(byte) (0x0101010101010101u * (byte))

enum kind { IN_WORD, SPACE, PUNCT, DROP, SLOW };

static enum kind kind_of(const struct sl_normaliser *n, unsigned char byte)
{
    unsigned flags;

    if (byte >= 0x80)
        return SLOW;
    flags = sl_cp_flags(n->unicode, byte);
    if (flags & SL_CP_DROP && n->options.clean_text)
        return DROP;
    if (flags & SL_CP_SPACE)
        return SPACE;
    return flags & SL_CP_PUNCT ? PUNCT : IN_WORD;
}

bool sl_normaliser_init(struct sl_normaliser *n,
                        const struct sl_normalise_options *options)
{
    *n = (struct sl_normaliser){.options = *options};
    n->unicode = sl_bert_unicode_new();
    if (!n->unicode)
        return false;
    n->case_bit = options->lowercase ? EACH(0x20) : 0;
    for (int b = 0; b < 256; b++) {
        enum kind kind = kind_of(n, (unsigned char)b);
        bool upper = b >= 'A' && b <= 'Z' && options->lowercase;

        n->kind[b] = (unsigned char)kind;
        /* NUL kept by clean_text = false is what fold cannot say. */
        if (b == 0 && kind == IN_WORD)
            n->kind[b] = SLOW;
        else if (kind == IN_WORD)
            n->fold[b] = (unsigned char)(upper ? b + 32 : b);
    }
    return true;
}

void sl_normaliser_release(struct sl_normaliser *n)
{
    sl_bert_unicode_free(n->unicode);
    n->unicode = NULL;
}

void sl_words_init(struct sl_words *w, const struct sl_normaliser *n,
                   const char *text, size_t len)
{
    w->normaliser = n;
    w->at = (const unsigned char *)text;
    w->end = w->at ? w->at + len : w->at;
    w->n_ready = w->ready_at = w->n_held = 0;
}

/* ---- the slow path --------------------------------------------------------
 */

static void finish(struct sl_words *w, uint32_t c)
{
    uint32_t low[2] = {c, 0};
    int n = w->normaliser->options.lowercase ? sl_cp_lower(low, c) : 1;

    for (int i = 0; i < n; i++) {
        SL_ASSERT(w->n_ready < (int)SL_LEN(w->ready));
        w->ready[w->n_ready++] = low[i];
    }
}

static void release_held(struct sl_words *w)
{
    for (int i = 0; i < w->n_held; i++)
        finish(w, w->held[i]);
    w->n_held = 0;
}

/* A kept mark goes behind those of its class or a lower one. */
static void hold(struct sl_words *w, uint32_t c, int class)
{
    int i;

    /* So many marks on one letter are a word that is too long, whatever their
     * order. */
    if (w->n_held == (int)SL_LEN(w->held))
        release_held(w);
    for (i = w->n_held++; i > 0 && w->held_class[i - 1] > class; i--) {
        w->held[i] = w->held[i - 1];
        w->held_class[i] = w->held_class[i - 1];
    }
    w->held[i] = c;
    w->held_class[i] = class;
}

static void decompose(struct sl_words *w, uint32_t c)
{
    const struct sl_bert_unicode *u = w->normaliser->unicode;
    uint32_t part[SL_CP_PARTS];
    int n;

    if (!w->normaliser->options.strip_accents) {
        finish(w, c);
        return;
    }
    n = sl_cp_decompose(u, part, c);
    for (int i = 0; i < n; i++) {
        int class = sl_cp_class(u, part[i]);

        if (class == 0)
            release_held(w);
        if (sl_cp_flags(u, part[i]) & SL_CP_MARK)
            continue;
        if (class == 0)
            finish(w, part[i]);
        else
            hold(w, part[i], class);
    }
}

/* Take one character of the text through the stages. */
static void take_char(struct sl_words *w)
{
    const struct sl_normalise_options *o = &w->normaliser->options;
    uint32_t c = sl_utf8_next(&w->at, w->end, NULL);
    unsigned flags = sl_cp_flags(w->normaliser->unicode, c);

    if (o->clean_text && flags & SL_CP_DROP)
        return;
    if (o->clean_text && flags & SL_CP_SPACE)
        c = ' ';
    if (!(o->chinese_chars && flags & SL_CP_CJK)) {
        decompose(w, c);
        return;
    }
    decompose(w, ' ');
    decompose(w, c);
    decompose(w, ' ');
}

/* ---- words ------------------------------------------------------------------
 */

static void append(struct sl_words *w, uint32_t c)
{
    if (w->len > SL_WORD_BYTES)
        w->len = 0; /* as in add_ascii() */
    w->len += sl_utf8_put((char *)w->word + w->len, c);
    w->chars++;
}

/* Move ready characters into the word; true if that completes it. */
static bool add_ready(struct sl_words *w)
{
    while (w->ready_at < w->n_ready) {
        uint32_t c = w->ready[w->ready_at];
        unsigned flags = sl_cp_flags(w->normaliser->unicode, c);

        if (flags & (SL_CP_SPACE | SL_CP_PUNCT) && w->chars) {
            w->ready_at += (flags & SL_CP_SPACE) != 0;
            return true;
        }
        w->ready_at++;
        if (flags & SL_CP_SPACE)
            continue;
        append(w, c);
        if (flags & SL_CP_PUNCT)
            return true;
    }
    w->ready_at = w->n_ready = 0;
    return false;
}

/* ---- ASCII, eight bytes at a time -------------------------------------------
 */

static uint64_t load8(const unsigned char *p)
{
    uint64_t x;

    memcpy(&x, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    x = __builtin_bswap64(x);
#endif
    return x;
}

static void store8(unsigned char *p, uint64_t x)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    x = __builtin_bswap64(x);
#endif
    memcpy(p, &x, 8);
}

/* The top bit of each byte of x (all below 128) that is in lo .. hi. */
static uint64_t between(uint64_t x, unsigned lo, unsigned hi)
{
    return (x + EACH(0x80 - lo)) & ~(x + EACH(0x7F - hi)) & EACH(0x80);
}

/*
 * Append what letters and digits the eight bytes at `from` start with, in lower
 * case if case_bit is 0x20 in each byte, and zeros behind them; how many.
 * Letters and digits are words whatever the options.
 */
static int add_eight(unsigned char *to, const unsigned char *from,
                     uint64_t case_bit)
{
    uint64_t x = load8(from), low = x & EACH(0x7F), ascii = ~x & EACH(0x80);
    uint64_t letter = between(low | EACH(0x20), 'a', 'z') & ascii;
    uint64_t stop = EACH(0x80) & ~(letter | (between(low, '0', '9') & ascii));
    int n = stop ? __builtin_ctzll(stop) / 8 : 8;

    x |= letter >> 2 & case_bit;
    store8(to, stop ? x & (((uint64_t)1 << 8 * n) - 1) : x);
    return n;
}

/* Append ASCII bytes as far as they belong to the word. */
static void add_ascii(struct sl_words *w)
{
    const struct sl_normaliser *n = w->normaliser;
    const unsigned char *p = w->at, *end = w->end;
    size_t len = w->len;

    for (;;) {
        unsigned char c;

        if (len > SL_WORD_BYTES)
            len = 0; /* too long: only the count matters from here on */
        if (end - p >= 8) {
            int taken = add_eight(w->word + len, p, n->case_bit);

            p += taken;
            len += (size_t)taken;
            if (taken == 8)
                continue;
        }
        if (p == end || !(c = n->fold[*p]))
            break;
        w->word[len++] = c;
        p++;
    }
    w->chars += p - w->at;
    w->at = p;
    w->len = len;
}

bool sl_words_next(struct sl_words *w)
{
    const struct sl_normaliser *n = w->normaliser;
    bool done = false;

    w->len = 0;
    w->chars = 0;
    memset(w->word, 0, 16);
    while (!done) {
        if (w->n_ready && add_ready(w))
            break;
        if (!w->n_held)
            add_ascii(w);
        if (w->at == w->end) {
            release_held(w);
            add_ready(w);
            break;
        }
        switch (w->n_held ? SLOW : (enum kind)n->kind[*w->at]) {
        case SPACE:
            w->at++;
            done = w->chars > 0;
            break;
        case PUNCT:
            done = true;
            if (!w->chars)
                append(w, *w->at++);
            break;
        case DROP:
            w->at++;
            break;
        case IN_WORD:
        case SLOW:
            take_char(w);
            break;
        }
    }
    return w->chars > 0;
}
