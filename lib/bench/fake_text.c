#include "bench/fake_text.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"

/* A word is at most four syllables of four letters, and two more. */
enum { N_WORDS = 40000, SYLLABLES = 4, WORD_BYTES = 4 * SYLLABLES + 3 };

struct lexicon {
    char (*word)[WORD_BYTES]; /* [N_WORDS], the frequent ones first */
    struct sl_rng rng;
};

static const char *one_of(struct lexicon *l, const char *const *list, size_t n)
{
    return list[sl_rng_below(&l->rng, n)];
}

/* A rarer word may have more syllables. */
static void make_word(struct lexicon *l, int rank)
{
    static const char *const onset[] = {
        "",  "b", "c", "d", "f", "g",  "h",  "l",  "m",  "n",  "p",
        "r", "s", "t", "v", "w", "st", "th", "tr", "ch", "sh", "pr",
        "t", "r", "s", "n", "l", "c",  "d",  "m",  "br", "gr", "pl"};
    static const char *const nucleus[] = {"a", "e", "i", "o",  "u",  "e", "a",
                                          "i", "e", "o", "ea", "ou", "y"};
    static const char *const coda[] = {"",  "",  "",   "",   "n",  "r",  "s",
                                       "t", "l", "nd", "ng", "ly", "st", "d"};
    int most = rank < 10 ? 1 : rank < 100 ? 2 : rank < 1000 ? 3 : SYLLABLES;
    int syllables = 1 + (int)sl_rng_below(&l->rng, (uint64_t)most);
    char *word = l->word[rank];

    *word = '\0';
    for (int i = 0; i < syllables; i++) {
        strcat(word, one_of(l, onset, SL_LEN(onset)));
        strcat(word, one_of(l, nucleus, SL_LEN(nucleus)));
    }
    strcat(word, one_of(l, coda, SL_LEN(coda)));
}

/* 1 / r: the logarithm of the rank is even. */
static const char *draw_word(struct lexicon *l)
{
    double rank = exp(sl_rng_unit(&l->rng) * log(N_WORDS));

    return l->word[(int64_t)rank - 1];
}

static void add_sentence(struct sl_str *out, struct lexicon *l)
{
    int words = 5 + (int)sl_rng_below(&l->rng, 25);

    for (int i = 0; i < words; i++) {
        const char *word = draw_word(l);
        bool name = i == 0 || sl_rng_below(&l->rng, 20) == 0;

        if (i)
            sl_str_puts(out, sl_rng_below(&l->rng, 12) ? " " : ", ");
        sl_str_putc(out, name ? (char)toupper((unsigned char)*word) : *word);
        sl_str_puts(out, word + 1);
    }
    sl_str_puts(out, ". ");
}

simlm_status sl_fake_text(struct sl_str *out, size_t bytes, simlm_error *err)
{
    struct lexicon l = {.word = sl_alloc(N_WORDS, WORD_BYTES)};

    if (!l.word)
        return sl_fail_nomem(err, "text");
    sl_rng_init(&l.rng, sl_stream(3, SL_PURPOSE_TEST, 0));
    for (int i = 0; i < N_WORDS; i++)
        make_word(&l, i);
    while (sl_str_ok(out) && out->len < bytes) {
        for (int i = 0; i < 6; i++)
            add_sentence(out, &l);
        sl_str_putc(out, '\n');
    }
    sl_free(l.word);
    return sl_str_ok(out) ? SIMLM_OK : sl_fail_nomem(err, "text");
}
