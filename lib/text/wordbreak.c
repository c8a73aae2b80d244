/*
 * A word is the longest match of a few patterns at one place.  Each pattern is
 * a small hand-written matcher that returns where its match ends; the longest
 * wins, and if none matches, one character is skipped.
 *
 * "X Extend*" stands everywhere for X: a `piece` below is one character with
 * the extending characters behind it.
 */
#include "text/wordbreak.h"

#include <stdint.h>

#include "text/utf8.h"

enum {
    OTHER,
    LETTER,
    HEBREW,
    NUMERIC,
    KATAKANA,
    JOINER,       /* connects whatever it touches: _ */
    MID_LETTER,   /* between letters: : and the middle dot */
    MID_NUMBER,   /* between digits: , ; */
    MID_BOTH,     /* between either: . and the curly apostrophe */
    QUOTE,        /* the straight apostrophe: between either, or after Hebrew */
    DOUBLE_QUOTE, /* between Hebrew letters */
    EXTEND,
    REGIONAL, /* regional indicators: two make a flag */
    CLASS = 0xF,
    /* Flags: */
    ALONE = 0x10,   /* Han, Hiragana: a word of one character */
    COMPLEX = 0x20, /* scripts without blanks: Thai, Lao, Khmer, Myanmar */
    EMOJI = 0x40,
    EMOJI_BASE = 0x80 /* takes a skin tone */
};

enum {
    ZWJ = 0x200D,
    TEXT_STYLE = 0xFE0E,
    EMOJI_STYLE = 0xFE0F,
    KEYCAP = 0x20E3,
    TONE_FIRST = 0x1F3FB,
    TONE_LAST = 0x1F3FF,
    TAG_FIRST = 0xE0020,
    TAG_LAST = 0xE007E,
    TAG_END = 0xE007F
};

static const struct range {
    uint32_t first, last;
    unsigned char word;
} ranges[] = {
#include "text/wordbreak_table.inc"
};

/* The table's first rows again, for ASCII, where nearly all characters are. */
static const unsigned char ascii_class[128] = {
    ['"'] = DOUBLE_QUOTE, ['\''] = QUOTE,     ['.'] = MID_BOTH,
    [','] = MID_NUMBER,   [';'] = MID_NUMBER, [':'] = MID_LETTER,
    ['_'] = JOINER,

    ['0'] = NUMERIC,      ['1'] = NUMERIC,    ['2'] = NUMERIC,
    ['3'] = NUMERIC,      ['4'] = NUMERIC,    ['5'] = NUMERIC,
    ['6'] = NUMERIC,      ['7'] = NUMERIC,    ['8'] = NUMERIC,
    ['9'] = NUMERIC,

    ['A'] = LETTER,       ['B'] = LETTER,     ['C'] = LETTER,
    ['D'] = LETTER,       ['E'] = LETTER,     ['F'] = LETTER,
    ['G'] = LETTER,       ['H'] = LETTER,     ['I'] = LETTER,
    ['J'] = LETTER,       ['K'] = LETTER,     ['L'] = LETTER,
    ['M'] = LETTER,       ['N'] = LETTER,     ['O'] = LETTER,
    ['P'] = LETTER,       ['Q'] = LETTER,     ['R'] = LETTER,
    ['S'] = LETTER,       ['T'] = LETTER,     ['U'] = LETTER,
    ['V'] = LETTER,       ['W'] = LETTER,     ['X'] = LETTER,
    ['Y'] = LETTER,       ['Z'] = LETTER,     ['a'] = LETTER,
    ['b'] = LETTER,       ['c'] = LETTER,     ['d'] = LETTER,
    ['e'] = LETTER,       ['f'] = LETTER,     ['g'] = LETTER,
    ['h'] = LETTER,       ['i'] = LETTER,     ['j'] = LETTER,
    ['k'] = LETTER,       ['l'] = LETTER,     ['m'] = LETTER,
    ['n'] = LETTER,       ['o'] = LETTER,     ['p'] = LETTER,
    ['q'] = LETTER,       ['r'] = LETTER,     ['s'] = LETTER,
    ['t'] = LETTER,       ['u'] = LETTER,     ['v'] = LETTER,
    ['w'] = LETTER,       ['x'] = LETTER,     ['y'] = LETTER,
    ['z'] = LETTER,
};

static unsigned word_of(uint32_t c)
{
    size_t low = 0, high = sizeof ranges / sizeof *ranges;

    if (c < 0x80)
        return ascii_class[c];
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (c > ranges[middle].last)
            low = middle + 1;
        else if (c < ranges[middle].first)
            high = middle;
        else
            return ranges[middle].word;
    }
    return OTHER;
}

/* A place in the text and how many UTF-16 units may still be read from it. */
struct place {
    const unsigned char *p, *end;
    int units;
};

/* The character at a place, and the place moved behind it; false at the end. */
static bool next_char(struct place *at, uint32_t *c, unsigned *word)
{
    const unsigned char *p = at->p;

    if (p == at->end || at->units < 1)
        return false;
    *c = sl_utf8_next(&p, at->end, NULL);
    if (*c > 0xFFFF && at->units < 2)
        return false;
    at->units -= *c > 0xFFFF ? 2 : 1;
    at->p = p;
    *word = word_of(*c);
    return true;
}

static bool is_style(uint32_t c)
{
    return c == TEXT_STYLE || c == EMOJI_STYLE;
}

static bool is_tone(uint32_t c)
{
    return c >= TONE_FIRST && c <= TONE_LAST;
}

/* Move over Extend*; `styles` says whether the two style selectors count.
 * Nothing in ASCII extends, which is the quick way out. */
static void skip_extend(struct place *at, bool styles)
{
    struct place next = *at;
    unsigned word;
    uint32_t c;

    while (next.p < next.end && *next.p >= 0x80 &&
           next_char(&next, &c, &word) && (word & CLASS) == EXTEND &&
           (styles || !is_style(c)))
        *at = next;
}

/* One piece: its class, and the place moved behind it; OTHER at the end. */
static unsigned next_piece(struct place *at, unsigned *word)
{
    uint32_t c;

    if (!next_char(at, &c, word)) {
        *word = OTHER;
        return OTHER;
    }
    skip_extend(at, true);
    return *word & CLASS;
}

/* ---- letters and digits (WB5 to WB13b) ----------------------------------- */

static bool is_letter(unsigned class)
{
    return class == LETTER || class == HEBREW;
}

/* May `mid`, found after `left`, stand between it and `right`? */
static bool binds(unsigned left, unsigned mid, unsigned right)
{
    bool both = mid == MID_BOTH || mid == QUOTE;

    if (left == NUMERIC)
        return right == NUMERIC && (both || mid == MID_NUMBER);
    if (left == HEBREW && mid == DOUBLE_QUOTE)
        return right == HEBREW;
    return is_letter(left) && is_letter(right) && (both || mid == MID_LETTER);
}

/*
 * After a Hebrew letter and its apostrophe, or a pair of them around a double
 * quote, letters and digits go on, but nothing of the `mid` kind does.
 */
enum { CLOSED = CLASS + 1 };

/* May a piece of class `right` follow one of class `left` (OTHER: start)? */
static bool follows(unsigned left, unsigned right)
{
    if (right == JOINER || left == JOINER || left == OTHER)
        return right == JOINER || right == NUMERIC || right == KATAKANA ||
               is_letter(right);
    if (right == KATAKANA)
        return left == KATAKANA;
    return left != KATAKANA && (right == NUMERIC || is_letter(right));
}

/*
 * ASCII letters and digits all follow each other: the common case of the loop
 * below, a run at a time.  Returns the class of the last, OTHER if there is
 * none.
 */
static unsigned skip_ascii(struct place *at)
{
    unsigned last = OTHER;

    for (; at->p < at->end && at->units > 0; at->p++, at->units--) {
        unsigned class = *at->p < 0x80 ? ascii_class[*at->p] : OTHER;

        if (class != LETTER && class != NUMERIC)
            break;
        last = class;
    }
    if (last != OTHER && at->p < at->end && *at->p >= 0x80)
        skip_extend(at, true);
    return last;
}

/*
 * What stands to the left of the next piece after `class` and, if it is of the
 * `mid` kind, `right`.  A Hebrew letter that a `mid` brought here takes no
 * apostrophe of its own, so it counts as any letter.
 */
static unsigned after_mid(unsigned left, unsigned class, unsigned right)
{
    if (class == DOUBLE_QUOTE)
        return CLOSED;
    if (right == HEBREW && !(left == HEBREW && class == QUOTE))
        return LETTER;
    return right;
}

static struct place match_word(struct place at)
{
    struct place end = at;
    unsigned left = OTHER, word;
    bool found = false; /* something besides connectors */

    for (;;) {
        unsigned run = left == KATAKANA ? OTHER : skip_ascii(&at), class, right;
        struct place next, after;

        if (run != OTHER) {
            left = run;
            found = true;
            end = at;
        }
        next = at;
        class = next_piece(&next, &word);
        if (follows(left, class)) {
            found |= class != JOINER;
            left = class;
        } else {
            after = next;
            right = next_piece(&after, &word);
            if (binds(left, class, right)) {
                left = after_mid(left, class, right);
                next = after;
            } else if (left == HEBREW && class == QUOTE) {
                left = CLOSED;
            } else {
                return end;
            }
        }
        at = next;
        if (found)
            end = at;
    }
}

/* ---- the other patterns ---------------------------------------------------
 */

/* (COMPLEX Extend*)+ */
static struct place match_complex(struct place at)
{
    struct place end = at;
    unsigned word;

    for (;;) {
        next_piece(&at, &word);
        if (!(word & COMPLEX))
            return end;
        end = at;
    }
}

static struct place match_alone(struct place at)
{
    struct place end = at;
    unsigned word;

    next_piece(&at, &word);
    return word & ALONE ? at : end;
}

/* Two regional indicators. */
static struct place match_flag(struct place at)
{
    struct place end = at;
    unsigned word;

    if (next_piece(&at, &word) != REGIONAL ||
        next_piece(&at, &word) != REGIONAL)
        return end;
    return at;
}

/* [#*] Extend* U+FE0F? U+20E3 Extend*, styles not counting as Extend.  (A digit
 * with a keycap is a word already.) */
static struct place match_keycap(struct place at)
{
    struct place end = at, next;
    unsigned word;
    uint32_t c;
    bool capped = false;

    if (!next_char(&at, &c, &word))
        return end;
    for (next = at; next_char(&next, &c, &word) && (word & CLASS) == EXTEND &&
                    !is_style(c);
         at = next)
        capped |= c == KEYCAP;
    if (capped)
        end = at;
    if (next_char(&at, &c, &word) && c == EMOJI_STYLE &&
        next_char(&at, &c, &word) && c == KEYCAP) {
        skip_extend(&at, false);
        return at;
    }
    return end;
}

/*
 * One emoji without what glues it to the next: ZWJ* emoji style?, or ZWJ*, an
 * emoji that takes a skin tone, and one, or a skin tone alone.  *zwj: it ends
 * in a ZWJ.
 */
static bool match_emoji_unit(struct place *end, bool *zwj)
{
    struct place at = *end, next;
    unsigned word;
    uint32_t c;
    bool base, tone, glued = false;

    for (;; glued = true) {
        if (!next_char(&at, &c, &word))
            return false;
        if (c != ZWJ)
            break;
    }
    tone = is_tone(c);
    base = word & EMOJI_BASE;
    if (tone ? glued : !(word & EMOJI))
        return false;
    skip_extend(&at, false);
    next = at;
    if (next_char(&next, &c, &word)) {
        if (base && is_tone(c)) {
            skip_extend(&next, false);
            at = next;
        } else if (!tone && c == EMOJI_STYLE) {
            at = next;
        }
    }
    *zwj = at.p[-1] == 0x8D && at.p[-2] == 0x80 && at.p[-3] == 0xE2;
    *end = at;
    return true;
}

/* Tags that spell a region, behind one emoji: "England". */
static struct place match_tags(struct place at)
{
    struct place end = at;
    unsigned word;
    uint32_t c;

    for (bool any = false; next_char(&at, &c, &word); any = true) {
        if (any && c == TAG_END)
            return at;
        if (c < TAG_FIRST || c > TAG_LAST)
            break;
    }
    return end;
}

static struct place match_emoji(struct place at)
{
    struct place end = at, next;
    bool zwj;

    if (!match_emoji_unit(&end, &zwj))
        return at;
    next = match_tags(end);
    if (next.p > end.p)
        return next;
    for (next = end;; end = next) {
        unsigned word;
        uint32_t c;

        if (!zwj && !(next_char(&next, &c, &word) && c == ZWJ))
            return end;
        if (!match_emoji_unit(&next, &zwj))
            return end;
    }
}

static void keep_longer(struct place *best, struct place other)
{
    if (other.p > best->p)
        *best = other;
}

bool sl_word_next(const unsigned char **at, const unsigned char *end,
                  const unsigned char **word, size_t *n)
{
    const unsigned char *p = *at;

    while (p < end) {
        struct place here = {p, end, SL_WORD_MAX_UNITS}, best;

        if (*p < 0x80 && ascii_class[*p] == OTHER && *p != '#' && *p != '*') {
            p++;
            continue;
        }
        best = match_word(here);
        if (*p >= 0x80) {
            keep_longer(&best, match_complex(here));
            keep_longer(&best, match_alone(here));
            keep_longer(&best, match_flag(here));
            keep_longer(&best, match_emoji(here));
        } else if (*p == '#' || *p == '*') {
            best = match_keycap(here);
        }
        if (best.p > p) {
            *word = p;
            *n = (size_t)(best.p - p);
            *at = best.p;
            return true;
        }
        sl_utf8_next(&p, end, NULL);
    }
    *at = end;
    return false;
}
