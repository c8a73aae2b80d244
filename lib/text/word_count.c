#include "text/word_count.h"

#include "base/alloc.h"

struct worker {
    struct sl_strmap *words;
    bool failed;
    char apart[SL_ALIGN]; /* workers do not share a cache line */
};

struct sl_word_counter {
    struct sl_normaliser normaliser;
    struct worker *worker;
    int n_workers;
};

simlm_status sl_word_counter_new(struct sl_word_counter **out,
                                 const struct sl_normalise_options *options,
                                 int n_workers, simlm_error *err)
{
    struct sl_word_counter *c = SL_NEW(struct sl_word_counter);
    bool ok = c != NULL;

    if (ok) {
        c->worker = SL_NEW_ARRAY(struct worker, n_workers);
        ok = c->worker && sl_normaliser_init(&c->normaliser, options);
    }
    for (int i = 0; ok && i < n_workers; i++) {
        c->worker[i].words = sl_strmap_new();
        c->n_workers = i + 1;
        ok = c->worker[i].words != NULL;
    }
    if (!ok) {
        sl_word_counter_free(c);
        return sl_fail_nomem(err, "word counts");
    }
    *out = c;
    return SIMLM_OK;
}

void sl_word_counter_free(struct sl_word_counter *c)
{
    if (!c)
        return;
    for (int i = 0; i < c->n_workers; i++)
        sl_strmap_free(c->worker[i].words);
    sl_normaliser_release(&c->normaliser);
    sl_free(c->worker);
    sl_free(c);
}

static bool count(struct sl_strmap *m, const char *word, size_t len, int64_t n)
{
    int64_t entry = sl_strmap_add(m, word, len, 0, NULL);

    if (entry < 0)
        return false;
    sl_strmap_set(m, entry, sl_strmap_value(m, entry) + n);
    return true;
}

void sl_word_counter_add(struct sl_word_counter *c, int worker,
                         const char *text, size_t len)
{
    struct worker *own = &c->worker[worker];
    struct sl_words w;

    SL_ASSERT(worker >= 0 && worker < c->n_workers);
    sl_words_init(&w, &c->normaliser, text, len);
    while (!own->failed && sl_words_next(&w))
        if (w.chars <= SL_COUNTED_CHARS)
            own->failed = !count(own->words, (const char *)w.word, w.len, 1);
}

simlm_status sl_word_counter_finish(struct sl_strmap **out,
                                    struct sl_word_counter *c, simlm_error *err)
{
    struct sl_strmap *all = c->worker[0].words;
    bool ok = true;

    for (int i = 0; i < c->n_workers; i++) {
        struct sl_strmap *m = c->worker[i].words;

        ok = ok && !c->worker[i].failed;
        for (int64_t e = 0; i > 0 && ok && e < sl_strmap_count(m); e++)
            ok = count(all, sl_strmap_key(m, e), sl_strmap_key_len(m, e),
                       sl_strmap_value(m, e));
    }
    if (!ok)
        return sl_fail_nomem(err, "word counts");
    c->worker[0].words = NULL;
    *out = all;
    return SIMLM_OK;
}
