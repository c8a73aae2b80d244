/* <simlm/text.h>: checks of the caller's contract, then the library. */
#include <string.h>

#include "base/alloc.h"
#include "data/vocab_job.h"
#include "text/encoding.h"
#include "text/tokenizer.h"

static struct sl_tokenizer *inner(simlm_tokenizer *t)
{
    return (struct sl_tokenizer *)t;
}

static const struct sl_tokenizer *inner_const(const simlm_tokenizer *t)
{
    return (const struct sl_tokenizer *)t;
}

static simlm_status bad(simlm_error *err, const char *what)
{
    return sl_fail(err, SIMLM_E_ARG, "%s", what);
}

simlm_status simlm_tokenizer_open(simlm_tokenizer **out, const char *path,
                                  simlm_error *err)
{
    struct sl_tokenizer *t = NULL;

    if (!out || !path)
        return bad(err, "simlm_tokenizer_open: out or path is NULL");
    SL_TRY(sl_tokenizer_open(&t, path, err));
    *out = (simlm_tokenizer *)t;
    return SIMLM_OK;
}

void simlm_tokenizer_close(simlm_tokenizer *t)
{
    sl_tokenizer_close(inner(t));
}

int32_t simlm_tokenizer_size(const simlm_tokenizer *t)
{
    return t ? sl_tokenizer_size(inner_const(t)) : 0;
}

const char *simlm_tokenizer_token(const simlm_tokenizer *t, int32_t id)
{
    if (id < 0 || id >= simlm_tokenizer_size(t))
        return NULL;
    return sl_tokenizer_token(inner_const(t), id);
}

void simlm_encode_text_options_init(simlm_encode_text_options *options)
{
    if (options)
        *options = (simlm_encode_text_options){.special = true};
}

static simlm_status check_encode(const simlm_encode_text_options *o,
                                 simlm_error *err)
{
    if (o->max_length < 0)
        return bad(err, "max_length is negative");
    if (o->truncation != SIMLM_TRUNCATE_LONGEST_FIRST &&
        o->truncation != SIMLM_TRUNCATE_ONLY_SECOND)
        return bad(err, "truncation is neither longest_first nor only_second");
    return SIMLM_OK;
}

simlm_status simlm_tokenizer_encode(const simlm_tokenizer *t,
                                    simlm_encoding *out, const char *text,
                                    size_t text_len, const char *pair,
                                    size_t pair_len,
                                    const simlm_encode_text_options *options,
                                    simlm_error *err)
{
    simlm_encode_text_options o;
    struct sl_encoding e = {0};
    simlm_status st;

    simlm_encode_text_options_init(&o);
    if (options)
        o = *options;
    if (!t || !out || !text)
        return bad(err, "simlm_tokenizer_encode: t, out or text is NULL");
    SL_TRY(check_encode(&o, err));
    st = sl_encoding_make(&e, inner_const(t), text, text_len, pair, pair_len,
                          &o, "", err);
    if (st == SIMLM_OK) {
        *out = (simlm_encoding){e.ids.id, e.types.id, e.ids.n};
        e.ids = e.types = (struct sl_id_list){0};
    }
    sl_encoding_free(&e);
    return st;
}

void simlm_encoding_free(simlm_encoding *e)
{
    if (!e)
        return;
    sl_free(e->ids);
    sl_free(e->type_ids);
    *e = (simlm_encoding){0};
}

void simlm_tokenize_options_init(simlm_tokenize_options *options)
{
    if (!options)
        return;
    *options = (simlm_tokenize_options){.input = "-", .output = "-"};
    simlm_encode_text_options_init(&options->encode);
}

simlm_status simlm_tokenize_file(const simlm_tokenize_options *options,
                                 const simlm_observer *observer,
                                 simlm_error *err)
{
    if (!options || !options->model || !options->input || !options->output)
        return bad(err, "simlm_tokenize_file: model, input or output is NULL");
    SL_TRY(check_encode(&options->encode, err));
    return sl_tokenize_file(options, observer, err);
}

void simlm_vocab_options_init(simlm_vocab_options *options)
{
    if (options)
        *options = (simlm_vocab_options){.size = 30522,
                                         .min_frequency = 2,
                                         .max_alphabet = 1000,
                                         .lowercase = true};
}

simlm_status simlm_vocab_train(const simlm_vocab_options *options,
                               const simlm_observer *observer, simlm_error *err)
{
    const simlm_vocab_options *o = options;

    if (!o || !o->output || !o->corpus || o->n_corpora < 1)
        return bad(err, "simlm_vocab_train: no output or no corpus");
    for (int32_t i = 0; i < o->n_corpora; i++)
        if (!o->corpus[i])
            return bad(err, "simlm_vocab_train: a corpus is NULL");
    if (o->min_frequency < 1 || o->max_alphabet < 1 || o->threads < 0)
        return bad(err, "simlm_vocab_train: min_frequency or max_alphabet is "
                        "below 1, or threads below 0");
    if (o->size < SL_VOCAB_MIN || o->size > SL_VOCAB_MAX)
        return sl_fail(err, SIMLM_E_ARG,
                       "a vocabulary has %d to %d tokens, not %d",
                       (int)SL_VOCAB_MIN, (int)SL_VOCAB_MAX, (int)o->size);
    return sl_vocab_job(o, observer, err);
}
