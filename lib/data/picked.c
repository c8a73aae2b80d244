#include "data/picked.h"

#include "base/alloc.h"
#include "base/str.h"

/* Where a passage's texts lie in `text`; each ends with a NUL. */
struct place {
    size_t title, contents, title_len, contents_len;
    bool found, has_title;
};

struct sl_picked {
    struct sl_str text;
    struct place *place; /* [wanted] */
};

static size_t put(struct sl_str *text, const char *s, size_t len)
{
    size_t at = text->len;

    sl_str_add(text, s, len);
    sl_str_putc(text, '\0');
    return at;
}

static void keep(struct sl_picked *p, int64_t i, const struct sl_passage *from)
{
    struct place *at = &p->place[i];

    at->found = true;
    at->has_title = from->title != NULL;
    if (from->title)
        at->title = put(&p->text, from->title, from->title_len);
    at->title_len = from->title_len;
    at->contents = put(&p->text, from->contents, from->contents_len);
    at->contents_len = from->contents_len;
}

static simlm_status read_all(struct sl_picked *p,
                             const struct sl_strmap *wanted,
                             struct sl_corpus_reader *r, simlm_error *err)
{
    struct sl_passage_block block;

    for (;;) {
        SL_TRY(sl_corpus_reader_next(r, &block, err));
        if (!block.n)
            return SIMLM_OK;
        for (int64_t i = 0; i < block.n; i++) {
            const struct sl_passage *from = &block.passage[i];
            int64_t at = sl_strmap_find(wanted, from->id, from->id_len);

            if (at >= 0)
                keep(p, at, from);
        }
        if (!sl_str_ok(&p->text))
            return sl_fail_nomem(err, "texts of passages");
    }
}

static simlm_status check_all(const struct sl_picked *p,
                              const struct sl_strmap *wanted, const char *whose,
                              simlm_error *err)
{
    for (int64_t i = 0; i < sl_strmap_count(wanted); i++)
        if (!p->place[i].found)
            return sl_fail(err, SIMLM_E_FORMAT,
                           "passage '%.100s' of %s is not in the corpus",
                           sl_strmap_key(wanted, i), whose);
    return SIMLM_OK;
}

simlm_status sl_picked_load(struct sl_picked **out,
                            const struct sl_strmap *wanted, const char *whose,
                            const char *corpus, const simlm_observer *obs,
                            simlm_error *err)
{
    struct sl_picked *p = SL_NEW(struct sl_picked);
    struct sl_corpus_reader *r = NULL;
    simlm_status st = SIMLM_OK;

    if (p)
        p->place = SL_NEW_ARRAY(struct place, sl_strmap_count(wanted) + 1);
    if (!p || !p->place)
        st = sl_fail_nomem(err, "texts of passages");
    if (st == SIMLM_OK)
        st = sl_corpus_reader_open(&r, &corpus, 1, obs, err);
    if (st == SIMLM_OK)
        st = read_all(p, wanted, r, err);
    if (st == SIMLM_OK)
        st = check_all(p, wanted, whose, err);
    sl_corpus_reader_close(r);
    if (st == SIMLM_OK)
        *out = p;
    else
        sl_picked_free(p);
    return st;
}

void sl_picked_free(struct sl_picked *p)
{
    if (!p)
        return;
    sl_str_free(&p->text);
    sl_free(p->place);
    sl_free(p);
}

struct sl_passage sl_picked_get(const struct sl_picked *p, int64_t i)
{
    const struct place *at = &p->place[i];
    const char *text = sl_str_c(&p->text);

    return (struct sl_passage){.title = at->has_title ? text + at->title : NULL,
                               .contents = text + at->contents,
                               .title_len = at->title_len,
                               .contents_len = at->contents_len};
}
