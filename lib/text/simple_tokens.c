#include "text/simple_tokens.h"

#include <utf8proc.h>

#include "base/alloc.h"
#include "text/utf8.h"

/* What a character is to the tokenizer; the letters' case for the sigma. */
enum { SEPARATOR, SINGLE, WORD, CASED, IGNORED };

enum { SIGMA = 0x3A3, FINAL_SIGMA = 0x3C2, PARTS = 8 };

static unsigned char kind_of(uint32_t c)
{
    switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
        return CASED;
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
        return IGNORED;
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
        return WORD;
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
        return SEPARATOR;
    default:
        return SINGLE;
    }
}

/* ---- decomposition ------------------------------------------------------- */

static void add(struct sl_simple_room *room, uint32_t c)
{
    const utf8proc_property_t *p = utf8proc_get_property((utf8proc_int32_t)c);
    struct sl_simple_char x = {c, kind_of(c),
                               (unsigned char)p->combining_class};
    int64_t at = room->n++;

    /* Canonical order: marks by their class, stably, within a run of marks. */
    for (; x.ccc && at && room->list[at - 1].ccc > x.ccc; at--)
        room->list[at] = room->list[at - 1];
    room->list[at] = x;
}

static bool decompose(struct sl_simple_room *room, const char *text, size_t n)
{
    const unsigned char *p = (const unsigned char *)text, *end = p + n;
    utf8proc_int32_t part[PARTS];
    int boundary = 0;

    room->n = 0;
    while (p < end) {
        uint32_t c = sl_utf8_next(&p, end, NULL);
        utf8proc_ssize_t parts = 1;

        if (!sl_grow(&room->list, &room->cap, room->n + PARTS,
                     sizeof *room->list))
            return false;
        if (c >= 0x80)
            parts = utf8proc_decompose_char((utf8proc_int32_t)c, part, PARTS,
                                            UTF8PROC_DECOMPOSE, &boundary);
        if (c < 0x80 || parts < 1 || parts > PARTS)
            add(room, c);
        else
            for (utf8proc_ssize_t i = 0; i < parts; i++)
                add(room, (uint32_t)part[i]);
    }
    return true;
}

/* ---- tokens -------------------------------------------------------------- */

/* The next one of a word's characters that is not passed over, from `at` on in
 * steps of `step`: is it one with case? */
static bool meets_cased(const struct sl_simple_char *word, int64_t n,
                        int64_t at, int step)
{
    while (at >= 0 && at < n && word[at].kind == IGNORED)
        at += step;
    return at >= 0 && at < n && word[at].kind == CASED;
}

/* As Python's lower() does it: a sigma that ends a word has a form of its own.
 */
static uint32_t lower(const struct sl_simple_char *word, int64_t n, int64_t i)
{
    if (word[i].c == SIGMA && meets_cased(word, n, i - 1, -1) &&
        !meets_cased(word, n, i + 1, 1))
        return FINAL_SIGMA;
    return (uint32_t)utf8proc_tolower((utf8proc_int32_t)word[i].c);
}

static void put_token(struct sl_str *to, const struct sl_simple_char *word,
                      int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        char bytes[4];

        sl_str_add(to, bytes, sl_utf8_put(bytes, lower(word, n, i)));
    }
    sl_str_putc(to, '\n');
}

bool sl_simple_tokens(struct sl_str *to, struct sl_simple_room *room,
                      const char *text, size_t n)
{
    if (!decompose(room, text, n))
        return false;
    sl_str_putc(to, '\n');
    for (int64_t i = 0, end; i < room->n; i = end) {
        end = i + 1;
        while (room->list[i].kind >= WORD && end < room->n &&
               room->list[end].kind >= WORD)
            end++;
        if (room->list[i].kind != SEPARATOR)
            put_token(to, room->list + i, end - i);
    }
    return sl_str_ok(to);
}

void sl_simple_room_free(struct sl_simple_room *room)
{
    sl_free(room->list);
    *room = (struct sl_simple_room){0};
}
