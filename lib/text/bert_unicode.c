#include "text/bert_unicode.h"

#include <string.h>
#include <utf8proc.h>

#include "base/alloc.h"
#include "base/status.h"

struct range {
    uint32_t lo, hi;
};
struct class_range {
    uint32_t lo, hi;
    int value;
};
struct lower_range {
    uint32_t lo, hi;
    int delta;
};

#include "text/bert_unicode.inc"

enum { PAGE = 128, N_PAGES = 0x110000 / PAGE };

static void set_ranges(unsigned char *flags, const struct range *r, size_t n,
                       unsigned char flag)
{
    for (size_t i = 0; i < n; i++)
        for (uint32_t c = r[i].lo; c <= r[i].hi; c++)
            flags[c] |= flag;
}

static void set_all(unsigned char *flags)
{
    set_ranges(flags, dropped, SL_LEN(dropped), SL_CP_DROP);
    set_ranges(flags, spaces, SL_LEN(spaces), SL_CP_SPACE);
    set_ranges(flags, ideographs, SL_LEN(ideographs), SL_CP_CJK);
    set_ranges(flags, puncts, SL_LEN(puncts), SL_CP_PUNCT);
    set_ranges(flags, marks, SL_LEN(marks), SL_CP_MARK);
    set_ranges(flags, composed, SL_LEN(composed), SL_CP_COMPOSED);
    for (size_t i = 0; i < SL_LEN(kept_class); i++)
        for (uint32_t c = kept_class[i].lo; c <= kept_class[i].hi; c++)
            flags[c] |= SL_CP_CLASS;
}

/*
 * Keep one copy of each page.  Pages are looked for from the last one found
 * backwards: neighbours are alike, so the search is short.
 */
static int share_pages(struct sl_bert_unicode *u, unsigned char *flags)
{
    int n = 0;

    for (int i = 0; i < N_PAGES; i++) {
        const unsigned char *page = flags + (size_t)i * PAGE;
        int at = n - 1;

        while (at >= 0 && memcmp(flags + (size_t)at * PAGE, page, PAGE) != 0)
            at--;
        if (at < 0) {
            at = n++;
            memmove(flags + (size_t)at * PAGE, page, PAGE);
        }
        u->page[i] = (uint16_t)at;
    }
    return n;
}

struct sl_bert_unicode *sl_bert_unicode_new(void)
{
    struct sl_bert_unicode *u = SL_NEW(struct sl_bert_unicode);
    unsigned char *flags = sl_calloc(N_PAGES, PAGE);
    int n = 0;

    if (u && flags) {
        set_all(flags);
        n = share_pages(u, flags);
        u->flags = sl_alloc((size_t)n, PAGE);
    }
    if (!u || !u->flags) {
        sl_free(u);
        u = NULL;
    } else {
        memcpy(u->flags, flags, (size_t)n * PAGE);
    }
    sl_free(flags);
    return u;
}

void sl_bert_unicode_free(struct sl_bert_unicode *u)
{
    if (u)
        sl_free(u->flags);
    sl_free(u);
}

int sl_cp_class(const struct sl_bert_unicode *u, uint32_t c)
{
    unsigned flags = sl_cp_flags(u, c);

    if (flags & SL_CP_MARK)
        return utf8proc_get_property((utf8proc_int32_t)c)->combining_class;
    if (flags & SL_CP_CLASS)
        for (size_t i = 0; i < SL_LEN(kept_class); i++)
            if (c >= kept_class[i].lo && c <= kept_class[i].hi)
                return kept_class[i].value;
    return 0;
}

int sl_cp_decompose(const struct sl_bert_unicode *u, uint32_t *out, uint32_t c)
{
    utf8proc_int32_t part[SL_CP_PARTS];
    utf8proc_ssize_t n;
    int boundary = 0;

    out[0] = c;
    if (!(sl_cp_flags(u, c) & SL_CP_COMPOSED))
        return 1;
    n = utf8proc_decompose_char((utf8proc_int32_t)c, part, SL_CP_PARTS,
                                UTF8PROC_STABLE | UTF8PROC_DECOMPOSE,
                                &boundary);
    if (n < 1 || n > SL_CP_PARTS)
        return 1; /* an older libutf8proc that does not know c */
    for (int i = 0; i < n; i++)
        out[i] = (uint32_t)part[i];
    return (int)n;
}

int sl_cp_lower(uint32_t *out, uint32_t c)
{
    /* The one character whose lower case is longer than itself. */
    if (c == 0x130) {
        out[0] = 'i';
        out[1] = 0x307;
        return 2;
    }
    out[0] = (uint32_t)utf8proc_tolower((utf8proc_int32_t)c);
    if (out[0] == c && c >= new_lower[0].lo)
        for (size_t i = 0; i < SL_LEN(new_lower); i++)
            if (c >= new_lower[i].lo && c <= new_lower[i].hi)
                out[0] = (uint32_t)((int64_t)c + new_lower[i].delta);
    return 1;
}
