/*
 * The paper writes a word as [C](VC)^m[V]: runs of consonants and vowels.  Its
 * rules are "(condition) suffix -> replacement"; here they are tables, and of a
 * table the first row whose suffix fits is the only one that is considered.
 */
#include "text/porter.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct word {
    uint16_t *w;
    int n;
};

/* y is a vowel after a consonant. */
static bool consonant(const struct word *s, int i)
{
    bool even = true;

    for (; i > 0 && s->w[i] == 'y'; i--)
        even = !even;
    switch (s->w[i]) {
    case 'a':
    case 'e':
    case 'i':
    case 'o':
    case 'u':
        return !even;
    default:
        return even;
    }
}

/* m of the first n letters: how often a consonant follows a vowel. */
static int measure(const struct word *s, int n)
{
    int m = 0;
    bool vowel = false;

    for (int i = 0; i < n; i++) {
        bool c = consonant(s, i);

        m += vowel && c;
        vowel = !c;
    }
    return m;
}

static bool has_vowel(const struct word *s, int n)
{
    for (int i = 0; i < n; i++)
        if (!consonant(s, i))
            return true;
    return false;
}

/* The first n letters end in two of the same consonant. */
static bool double_consonant(const struct word *s, int n)
{
    return n >= 2 && s->w[n - 1] == s->w[n - 2] && consonant(s, n - 1);
}

/* The first n letters end consonant, vowel, consonant other than w, x, y. */
static bool short_end(const struct word *s, int n)
{
    uint16_t last;

    if (n < 3 || !consonant(s, n - 1) || consonant(s, n - 2) ||
        !consonant(s, n - 3))
        return false;
    last = s->w[n - 1];
    return last != 'w' && last != 'x' && last != 'y';
}

/* The length of what stands before the suffix of `len` letters, or -1. */
static int before_n(const struct word *s, const char *suffix, int len)
{
    const uint16_t *end = s->w + s->n;

    if (s->n < len)
        return -1;
    for (int i = len; i > 0; i--)
        if (end[i - 1 - len] != (unsigned char)suffix[i - 1])
            return -1;
    return s->n - len;
}

#define BEFORE(s, literal) before_n(s, literal, (int)sizeof literal - 1)

/* No replacement is longer than its suffix but by one letter, and that one
 * (the e of step 1b) comes after two or three are gone. */
static void put(struct word *s, int stem, const char *replacement)
{
    int len = (int)strlen(replacement);

    for (int i = 0; i < len; i++)
        s->w[stem + i] = (unsigned char)replacement[i];
    s->n = stem + len;
}

struct rule {
    const char *suffix;
    int len; /* of the suffix; 0 ends a table */
    const char *replacement;
};
#define RULE(suffix, replacement)                                              \
    {                                                                          \
        suffix, sizeof suffix - 1, replacement                                 \
    }
#define END                                                                    \
    {                                                                          \
        NULL, 0, NULL                                                          \
    }

/* Apply the first rule that fits, if its stem's m is over `least`. */
static void apply(struct word *s, const struct rule *rule, int least)
{
    for (; rule->len; rule++) {
        int stem = before_n(s, rule->suffix, rule->len);

        if (stem < 0)
            continue;
        if (measure(s, stem) > least)
            put(s, stem, rule->replacement);
        return;
    }
}

/* Plurals: caresses, ponies, cats. */
static void step_1a(struct word *s)
{
    int stem;

    if (s->w[s->n - 1] != 's')
        return;
    if ((stem = BEFORE(s, "sses")) >= 0)
        put(s, stem, "ss");
    else if ((stem = BEFORE(s, "ies")) >= 0)
        put(s, stem, "i");
    else if (BEFORE(s, "ss") < 0)
        s->n--;
}

/* Past and progressive: agreed, plastered, motoring; then mend the stem. */
static void step_1b(struct word *s)
{
    int stem = BEFORE(s, "eed");

    if (stem >= 0) {
        if (measure(s, stem) > 0)
            s->n--;
        return;
    }
    stem = BEFORE(s, "ed");
    if (stem < 0)
        stem = BEFORE(s, "ing");
    if (stem < 0 || !has_vowel(s, stem))
        return;
    s->n = stem;
    if (BEFORE(s, "at") >= 0 || BEFORE(s, "bl") >= 0 || BEFORE(s, "iz") >= 0) {
        put(s, s->n, "e");
    } else if (double_consonant(s, s->n)) {
        uint16_t last = s->w[s->n - 1];

        if (last != 'l' && last != 's' && last != 'z')
            s->n--;
    } else if (measure(s, s->n) == 1 && short_end(s, s->n)) {
        put(s, s->n, "e");
    }
}

static void step_1c(struct word *s)
{
    int stem = BEFORE(s, "y");

    if (stem >= 0 && has_vowel(s, stem))
        s->w[stem] = 'i';
}

static const struct rule step_2[] = {
    RULE("ational", "ate"), RULE("tional", "tion"),
    RULE("enci", "ence"),   RULE("anci", "ance"),
    RULE("izer", "ize"),    RULE("bli", "ble"),
    RULE("alli", "al"),     RULE("entli", "ent"),
    RULE("eli", "e"),       RULE("ousli", "ous"),
    RULE("ization", "ize"), RULE("ation", "ate"),
    RULE("ator", "ate"),    RULE("alism", "al"),
    RULE("iveness", "ive"), RULE("fulness", "ful"),
    RULE("ousness", "ous"), RULE("aliti", "al"),
    RULE("iviti", "ive"),   RULE("biliti", "ble"),
    RULE("logi", "log"),    END,
};

static const struct rule step_3[] = {
    RULE("icate", "ic"), RULE("ative", ""),
    RULE("alize", "al"), RULE("iciti", "ic"),
    RULE("ical", "ic"),  RULE("ful", ""),
    RULE("ness", ""),    END,
};

static const struct rule step_4[] = {
    RULE("al", ""),
    RULE("ance", ""),
    RULE("ence", ""),
    RULE("er", ""),
    RULE("ic", ""),
    RULE("able", ""),
    RULE("ible", ""),
    RULE("ant", ""),
    RULE("ement", ""),
    RULE("ment", ""),
    RULE("ent", ""),
    RULE("ou", ""),
    RULE("ism", ""),
    RULE("ate", ""),
    RULE("iti", ""),
    RULE("ous", ""),
    RULE("ive", ""),
    RULE("ize", ""),
    END,
};

/* "ion" goes only after s or t; it ends no other suffix of step 4. */
static void step_4_apply(struct word *s)
{
    int stem = BEFORE(s, "ion");

    if (stem < 0)
        apply(s, step_4, 1);
    else if (stem > 0 && (s->w[stem - 1] == 's' || s->w[stem - 1] == 't') &&
             measure(s, stem) > 1)
        s->n = stem;
}

/* A final e, and one of two final l.  As in Porter's program m is that of the
 * word as it was before the e went, which for a word in -lle never matters. */
static void step_5(struct word *s)
{
    int n = s->n, m = measure(s, n);

    if (s->w[n - 1] == 'e' && (m > 1 || (m == 1 && !short_end(s, n - 1))))
        s->n--;
    if (s->w[s->n - 1] == 'l' && double_consonant(s, s->n) && m > 1)
        s->n--;
}

int sl_porter_stem(uint16_t *w, int n)
{
    struct word s = {w, n};

    if (n < 3)
        return n;
    step_1a(&s);
    step_1b(&s);
    step_1c(&s);
    apply(&s, step_2, 0);
    apply(&s, step_3, 0);
    step_4_apply(&s);
    step_5(&s);
    return s.n;
}
