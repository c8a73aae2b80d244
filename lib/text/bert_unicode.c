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

enum { PAGE = 128, N_PAGES = 0x110000 / PAGE, N_FLAGS = 128, SHARED = 0 };

/*
 * Most pages are all alike: unassigned, ideographs, private use.  Those share
 * the first N_FLAGS pages of the table, one for each set of flags, which
 * `whole` gathers.  A page that some range covers in part has its own.
 */
struct build {
    struct sl_bert_unicode *u;
    int n_pages;
    unsigned char whole[N_PAGES];
};

typedef void range_fn(struct build *b, uint32_t lo, uint32_t hi, unsigned flag);

static void each_range(struct build *b, range_fn *fn)
{
    static const struct {
        const struct range *range;
        size_t n;
        unsigned flag;
    } sets[] = {
        {dropped, SL_LEN(dropped), SL_CP_DROP},
        {spaces, SL_LEN(spaces), SL_CP_SPACE},
        {ideographs, SL_LEN(ideographs), SL_CP_CJK},
        {puncts, SL_LEN(puncts), SL_CP_PUNCT},
        {marks, SL_LEN(marks), SL_CP_MARK},
        {composed, SL_LEN(composed), SL_CP_COMPOSED},
    };

    for (size_t i = 0; i < SL_LEN(sets); i++)
        for (size_t j = 0; j < sets[i].n; j++)
            fn(b, sets[i].range[j].lo, sets[i].range[j].hi, sets[i].flag);
    for (size_t j = 0; j < SL_LEN(kept_class); j++)
        fn(b, kept_class[j].lo, kept_class[j].hi, SL_CP_CLASS);
}

static void give_page(struct build *b, uint32_t c)
{
    if (b->u->page[c / PAGE] == SHARED)
        b->u->page[c / PAGE] = (uint16_t)b->n_pages++;
}

/* The pages that the range's ends cut through need flags of their own. */
static void find_cut_pages(struct build *b, uint32_t lo, uint32_t hi,
                           unsigned flag)
{
    (void)flag;
    if (lo % PAGE)
        give_page(b, lo);
    if ((hi + 1) % PAGE)
        give_page(b, hi);
}

static void set_flags(struct build *b, uint32_t lo, uint32_t hi, unsigned flag)
{
    for (uint32_t c = lo; c <= hi; c++) {
        uint16_t page = b->u->page[c / PAGE];

        if (page != SHARED) {
            b->u->flags[page][c % PAGE] |= (unsigned char)flag;
        } else {
            b->whole[c / PAGE] |= (unsigned char)flag;
            c |= PAGE - 1;
        }
    }
}

struct sl_bert_unicode *sl_bert_unicode_new(void)
{
    struct build *b = SL_NEW(struct build);
    struct sl_bert_unicode *u = SL_NEW(struct sl_bert_unicode);

    if (b && u) {
        b->u = u;
        b->n_pages = N_FLAGS;
        each_range(b, find_cut_pages);
        u->flags = sl_calloc((size_t)b->n_pages, PAGE);
    }
    if (!b || !u || !u->flags) {
        sl_free(b);
        sl_free(u);
        return NULL;
    }
    each_range(b, set_flags);
    for (int flags = 0; flags < N_FLAGS; flags++)
        memset(u->flags[flags], flags, PAGE);
    for (int i = 0; i < N_PAGES; i++)
        if (u->page[i] == SHARED)
            u->page[i] = b->whole[i];
    sl_free(b);
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
