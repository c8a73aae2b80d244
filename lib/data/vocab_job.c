#include "data/vocab_job.h"

#include <stdio.h>

#include "base/file.h"
#include "base/parallel.h"
#include "data/corpus.h"
#include "text/word_count.h"

struct counting {
    struct sl_word_counter *counter;
    const struct sl_passage *passage;
};

static void count_range(void *ctx, int64_t begin, int64_t end)
{
    const struct counting *c = ctx;
    int worker = sl_parallel_worker();

    for (int64_t i = begin; i < end; i++) {
        const struct sl_passage *p = &c->passage[i];

        if (p->title)
            sl_word_counter_add(c->counter, worker, p->title, p->title_len);
        sl_word_counter_add(c->counter, worker, p->contents, p->contents_len);
    }
}

static simlm_status count_corpus(struct sl_word_counter *counter,
                                 const simlm_vocab_options *o,
                                 const simlm_observer *obs, simlm_error *err)
{
    struct sl_corpus_reader *in = NULL;
    struct sl_passage_block block;
    simlm_status st;

    SL_TRY(sl_corpus_reader_open(&in, o->corpus, o->n_corpora, obs, err));
    sl_corpus_reader_ids_apart(in);
    while ((st = sl_corpus_reader_next(in, &block, err)) == SIMLM_OK &&
           block.n) {
        struct counting c = {counter, block.passage};

        sl_parallel_for(block.n, 64, count_range, &c);
    }
    sl_corpus_reader_close(in);
    return st;
}

static simlm_status count_words(struct sl_strmap **out,
                                const simlm_vocab_options *o,
                                const simlm_observer *obs, simlm_error *err)
{
    struct sl_normalise_options words = {true, true, o->lowercase,
                                         o->lowercase};
    struct sl_word_counter *counter = NULL;
    simlm_status st;

    SL_TRY(sl_word_counter_new(&counter, &words, sl_parallel_threads(), err));
    st = count_corpus(counter, o, obs, err);
    if (st == SIMLM_OK)
        st = sl_word_counter_finish(out, counter, err);
    sl_word_counter_free(counter);
    if (st == SIMLM_OK && !sl_strmap_count(*out)) {
        sl_strmap_free(*out);
        *out = NULL;
        return sl_fail(err, SIMLM_E_FORMAT, "%s: no words to learn from",
                       o->corpus[0]);
    }
    return st;
}

static simlm_status write_vocab(const struct sl_strmap *tokens,
                                const char *path, simlm_error *err)
{
    struct sl_out out;

    SL_TRY(sl_out_open(&out, path, err));
    for (int64_t i = 0; i < sl_strmap_count(tokens); i++)
        fprintf(out.f, "%s\n", sl_strmap_key(tokens, i));
    return sl_out_commit(&out, err);
}

simlm_status sl_vocab_job(const simlm_vocab_options *options,
                          const simlm_observer *observer, simlm_error *err)
{
    struct sl_vocab_plan plan = {options->size, options->min_frequency,
                                 options->max_alphabet};
    struct sl_strmap *words = NULL, *tokens = NULL;
    simlm_status st;

    sl_parallel_set_threads(options->threads);
    st = count_words(&words, options, observer, err);
    if (st == SIMLM_OK)
        st = sl_vocab_train(&tokens, words, &plan, observer, err);
    if (st == SIMLM_OK)
        st = write_vocab(tokens, options->output, err);
    sl_strmap_free(words);
    sl_strmap_free(tokens);
    return st;
}
