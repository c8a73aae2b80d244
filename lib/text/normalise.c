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
    if (w->len > SL_WORD_BYTES - 4)
        w->len = 0; /* too long: only the count matters from here on */
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

/* Append ASCII bytes as far as they belong to the word. */
static void add_ascii(struct sl_words *w)
{
    const unsigned char *fold = w->normaliser->fold;
    const unsigned char *p = w->at, *stop = w->end;
    unsigned char *to, c;

    for (;;) {
        size_t room = SL_WORD_BYTES - w->len;

        stop = (size_t)(w->end - p) > room ? p + room : w->end;
        to = w->word + w->len;
        while (p < stop && (c = fold[*p]) != 0) {
            *to++ = c;
            p++;
        }
        w->chars += p - w->at;
        w->at = p;
        w->len = (size_t)(to - w->word);
        if (p < stop || p == w->end)
            return;
        w->len = 0; /* too long, as in append() */
    }
}

bool sl_words_next(struct sl_words *w)
{
    const struct sl_normaliser *n = w->normaliser;
    bool done = false;

    w->len = 0;
    w->chars = 0;
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
    memset(w->word + w->len, 0, 16);
    return w->chars > 0;
}
