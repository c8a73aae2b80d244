#include "text/encoding.h"

#include <string.h>

#include "base/alloc.h"

void sl_encoding_free(struct sl_encoding *e)
{
    sl_id_list_free(&e->ids);
    sl_id_list_free(&e->types);
    sl_id_list_free(&e->first);
    sl_id_list_free(&e->second);
}

static bool reserve(struct sl_id_list *x, int64_t n)
{
    x->n = 0;
    return sl_grow(&x->id, &x->cap, n, sizeof *x->id);
}

/* Without [CLS] and [SEP]: -1 as sl_tokenizer_pack(). */
static int64_t join(struct sl_encoding *e, bool pair, int64_t max_len,
                    enum sl_truncation how)
{
    int64_t a = e->first.n, b = pair ? e->second.n : 0;

    if (max_len > 0 && !pair && a > max_len)
        a = max_len;
    if (max_len > 0 && pair && !sl_truncate_pair(&a, &b, a, b, max_len, how))
        return -1;
    for (int64_t i = 0; i < a + b; i++) {
        e->ids.id[i] = i < a ? e->first.id[i] : e->second.id[i - a];
        e->types.id[i] = i >= a;
    }
    return a + b;
}

static simlm_status too_long(const struct sl_encoding *e, bool pair,
                             const simlm_encode_text_options *o,
                             const char *where, simlm_error *err)
{
    int n_special = o->special ? (pair ? 3 : 2) : 0;

    if (o->max_length < n_special)
        return sl_fail(err, SIMLM_E_RANGE,
                       "%sa length of %lld does not hold the %d special tokens",
                       where, (long long)o->max_length, n_special);
    return sl_fail(err, SIMLM_E_RANGE,
                   "%sthe first text alone has %lld tokens, which leaves none "
                   "of %lld for the second",
                   where, (long long)e->first.n,
                   (long long)o->max_length - n_special);
}

simlm_status sl_encoding_make(struct sl_encoding *e,
                              const struct sl_tokenizer *t, const char *text,
                              size_t text_len, const char *pair,
                              size_t pair_len,
                              const simlm_encode_text_options *options,
                              const char *where, simlm_error *err)
{
    enum sl_truncation how = options->truncation == SIMLM_TRUNCATE_ONLY_SECOND
                                 ? SL_TRUNCATE_ONLY_SECOND
                                 : SL_TRUNCATE_LONGEST_FIRST;
    struct sl_ids a, b;
    int64_t n;

    e->first.n = e->second.n = 0;
    if (!sl_tokenizer_encode(t, &e->first, text, text_len) ||
        (pair && !sl_tokenizer_encode(t, &e->second, pair, pair_len)) ||
        !reserve(&e->ids, e->first.n + e->second.n + 3) ||
        !reserve(&e->types, e->first.n + e->second.n + 3))
        return sl_fail_nomem(err, "a text's ids");
    a = (struct sl_ids){e->first.id, e->first.n};
    b = (struct sl_ids){e->second.id, e->second.n};
    if (options->special)
        n = sl_tokenizer_pack(t, e->ids.id, e->types.id, &a, pair ? &b : NULL,
                              options->max_length, how);
    else
        n = join(e, pair != NULL, options->max_length, how);
    if (n < 0)
        return too_long(e, pair != NULL, options, where, err);
    e->ids.n = e->types.n = n;
    return SIMLM_OK;
}
