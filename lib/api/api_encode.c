/* simlm/simlm.h: encoding. */
#include <string.h>

#include "api/api.h"
#include "api/api_model.h"
#include "base/alloc.h"
#include "base/parallel.h"
#include "retrieve/vectorizer.h"

/* Enough for the matrix products to be at their best. */
enum { BATCH_TOKENS = 4096 };

struct simlm_encoder {
    struct sl_vectorizer *v;
    struct sl_text *text; /* [max_batch] */
    int32_t max_batch, threads;
};

simlm_status simlm_encoder_new(simlm_encoder **out, const simlm_model *m,
                               int32_t max_batch, simlm_error *err)
{
    struct sl_vectorizer_options o = {.max_texts = max_batch,
                                      .batch_tokens = BATCH_TOKENS};
    simlm_encoder *e;
    simlm_status st;

    SL_API_NOT_NULL(out);
    SL_API_NOT_NULL(m);
    SL_API_RANGE(max_batch, 1, SIMLM_MAX_BATCH);
    e = SL_NEW(simlm_encoder);
    if (!e)
        return sl_fail_nomem(err, "an encoder");
    e->max_batch = max_batch;
    e->text = SL_NEW_ARRAY(struct sl_text, max_batch);
    st = e->text ? sl_vectorizer_new(&e->v, &m->retriever, &o, err)
                 : sl_fail_nomem(err, "an encoder");
    if (st < 0)
        simlm_encoder_free(e);
    else
        *out = e;
    return st;
}

void simlm_encoder_free(simlm_encoder *e)
{
    if (!e)
        return;
    sl_vectorizer_free(e->v);
    sl_free(e->text);
    sl_free(e);
}

size_t simlm_encoder_bytes(const simlm_encoder *e)
{
    return e ? sizeof *e + (size_t)e->max_batch * sizeof *e->text +
                   sl_vectorizer_bytes(e->v)
             : 0;
}

void simlm_encoder_set_threads(simlm_encoder *e, int32_t threads)
{
    if (e)
        e->threads = threads > 0 ? threads : 0;
}

simlm_status simlm_encode(simlm_encoder *e, simlm_side side,
                          const simlm_text *text, int32_t n, float *vec,
                          simlm_error *err)
{
    int before = sl_parallel_threads();
    simlm_status st;

    SL_API_NOT_NULL(e);
    SL_API_NEED(side == SIMLM_QUERY || side == SIMLM_PASSAGE,
                "side: %d is neither SIMLM_QUERY nor SIMLM_PASSAGE", (int)side);
    SL_API_NOT_NULL(text);
    SL_API_RANGE(n, 1, e->max_batch);
    SL_API_NOT_NULL(vec);
    for (int32_t i = 0; i < n; i++) {
        const char *t = text[i].text, *title = text[i].title;

        SL_API_NEED(t != NULL, "text[%d].text: is NULL", (int)i);
        e->text[i] =
            (struct sl_text){t, title, strlen(t), title ? strlen(title) : 0};
    }
    if (e->threads)
        sl_parallel_set_threads(e->threads);
    st = sl_vectorizer_run(
        e->v, vec, side == SIMLM_QUERY ? SL_SIDE_QUERY : SL_SIDE_PASSAGE,
        e->text, n, NULL, err);
    if (e->threads)
        sl_parallel_set_threads(before);
    return st;
}
