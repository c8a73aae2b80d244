/*
 * bench_tokenize.c - text to ids, line by line, on one thread: files are cut
 * among threads line by line, so this is the speed of a core.
 */
#include "bench/bench.h"

#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/parallel.h"
#include "base/str.h"
#include "bench/fake_text.h"
#include "text/tokenizer.h"
#include "text/vocab_train.h"
#include "text/word_count.h"

enum { FAKE_BYTES = 2 << 20, VOCAB = 30522, MAX_FILE = 1 << 30 };

struct tokenizing {
    struct sl_tokenizer *tokenizer;
    struct sl_str made; /* generated text */
    char *file;         /* or what a file holds */
    const char *text;
    size_t n;
    struct sl_id_list ids;
};

static simlm_status tokenize(void *what, simlm_error *err)
{
    struct tokenizing *t = what;

    for (size_t at = 0; at < t->n;) {
        const char *end = memchr(t->text + at, '\n', t->n - at);
        size_t len = end ? (size_t)(end - t->text) - at : t->n - at;

        t->ids.n = 0;
        if (!sl_tokenizer_encode(t->tokenizer, &t->ids, t->text + at, len))
            return sl_fail_nomem(err, "token ids");
        at += len + 1;
    }
    return SIMLM_OK;
}

static simlm_status open_text(struct tokenizing *t, const char *path,
                              simlm_error *err)
{
    if (path) {
        SL_TRY(sl_file_read(&t->file, &t->n, path, MAX_FILE, err));
        t->text = t->file;
        return t->n ? SIMLM_OK
                    : sl_fail(err, SIMLM_E_FORMAT, "%s: no text", path);
    }
    SL_TRY(sl_fake_text(&t->made, FAKE_BYTES, err));
    t->text = t->made.s;
    t->n = t->made.len;
    return SIMLM_OK;
}

/* *tokens <- a vocabulary of the text's own words. */
static simlm_status train_vocab(struct sl_strmap **tokens,
                                const struct tokenizing *t, simlm_error *err)
{
    struct sl_normalise_options uncased = {true, true, true, true};
    struct sl_vocab_plan plan = {VOCAB, 2, 1000};
    struct sl_word_counter *counter = NULL;
    struct sl_strmap *words = NULL;
    simlm_status st;

    SL_TRY(sl_word_counter_new(&counter, &uncased, 1, err));
    sl_word_counter_add(counter, 0, t->text, t->n);
    st = sl_word_counter_finish(&words, counter, err);
    if (st == SIMLM_OK)
        st = sl_vocab_train(tokens, words, &plan, NULL, err);
    sl_word_counter_free(counter);
    sl_strmap_free(words);
    return st;
}

static simlm_status open_tokenizer(struct tokenizing *t, const char *path,
                                   simlm_error *err)
{
    struct sl_strmap *tokens = NULL;

    if (path)
        return sl_tokenizer_open(&t->tokenizer, path, err);
    SL_TRY(train_vocab(&tokens, t, err));
    return sl_tokenizer_from_tokens(&t->tokenizer, tokens, err);
}

static simlm_status measure(struct sl_bench *b, struct tokenizing *t,
                            simlm_error *err)
{
    struct sl_work w = {.part = "tokenize",
                        .name =
                            b->o->text ? "the given text" : "generated text",
                        .units = 1e-6 * (double)t->n,
                        .unit = "MB/s"};

    SL_TRY(open_text(t, b->o->text, err));
    SL_TRY(open_tokenizer(t, b->o->vocabulary, err));
    w.units = 1e-6 * (double)t->n;
    return sl_bench_measure(b, &w, tokenize, t, err);
}

simlm_status sl_bench_tokenize(struct sl_bench *b, simlm_error *err)
{
    int threads = sl_parallel_threads();
    struct tokenizing t = {0};
    simlm_status st;

    sl_parallel_set_threads(1);
    st = measure(b, &t, err);
    sl_parallel_set_threads(threads);
    sl_tokenizer_close(t.tokenizer);
    sl_id_list_free(&t.ids);
    sl_str_free(&t.made);
    sl_free(t.file);
    return st;
}
