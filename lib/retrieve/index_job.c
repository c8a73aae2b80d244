/*
 * retrieve/index_job.c - directories of embeddings to one index file.
 */
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/observe.h"
#include "index/flat.h"
#include "retrieve/encoded.h"
#include "retrieve/retrieve_jobs.h"

static void progress(const simlm_observer *obs, int64_t done, int64_t total)
{
    sl_observe_progress(obs, "indexing", done, total, "rows");
}

/* Directories may be joined only if one model made them. */
static simlm_status check_alike(const struct sl_encoded *a,
                                const struct sl_encoded *b, const char *dir_a,
                                const char *dir_b, simlm_error *err)
{
    if (a->dim != b->dim)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "'%s' has vectors of %" PRId64 " numbers, '%s' of "
                       "%" PRId64,
                       dir_a, a->dim, dir_b, b->dim);
    if (a->model_hash != b->model_hash)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "'%s' and '%s' were encoded by different models", dir_a,
                       dir_b);
    return SIMLM_OK;
}

static simlm_status add_rows(struct sl_flat_writer *w,
                             const struct sl_encoded *e, int64_t *done,
                             int64_t total, const simlm_observer *obs,
                             simlm_error *err)
{
    for (int64_t i = 0; i < e->n; i++) {
        SL_TRY(sl_flat_writer_add(w, sl_encoded_row(e, i), sl_encoded_id(e, i),
                                  err));
        if (++*done % 8192 && *done < total)
            continue;
        progress(obs, *done, total);
        if (sl_observe_cancelled(obs))
            return sl_fail(err, SIMLM_E_CANCELLED,
                           "stopped on request; no index was written");
    }
    return SIMLM_OK;
}

simlm_status sl_index_build(const simlm_index_options *o,
                            const simlm_observer *obs, simlm_error *err)
{
    struct sl_encoded *e = SL_NEW_ARRAY(struct sl_encoded, o->n_encoded);
    struct sl_flat_writer w = {0};
    int64_t total = 0, done = 0;
    simlm_status st = SIMLM_OK;

    if (!e)
        return sl_fail_nomem(err, "the embeddings");
    for (int32_t i = 0; i < o->n_encoded && st == SIMLM_OK; i++) {
        st = sl_encoded_open(&e[i], o->encoded[i], err);
        if (st == SIMLM_OK)
            st = check_alike(&e[0], &e[i], o->encoded[0], o->encoded[i], err);
        total += e[i].n;
    }
    if (st == SIMLM_OK && e[0].dim > SL_FLAT_MAX_DIM)
        st = sl_fail(err, SIMLM_E_RANGE,
                     "'%s': vectors of %" PRId64 " numbers, at most %d are "
                     "supported",
                     o->encoded[0], e[0].dim, SL_FLAT_MAX_DIM);
    if (st == SIMLM_OK)
        st = sl_flat_writer_open(&w, o->output, e[0].dim, e[0].model_hash,
                                 e[0].model_path ? e[0].model_path : "", err);
    if (st == SIMLM_OK)
        progress(obs, 0, total);
    for (int32_t i = 0; i < o->n_encoded && st == SIMLM_OK; i++)
        st = add_rows(&w, &e[i], &done, total, obs, err);
    if (st == SIMLM_OK)
        st = sl_flat_writer_commit(&w, err);
    if (st == SIMLM_OK)
        sl_observe_message(obs, SIMLM_INFO, "'%s': %" PRId64 " rows", o->output,
                           total);
    sl_flat_writer_abort(&w);
    for (int32_t i = 0; i < o->n_encoded; i++)
        sl_encoded_close(&e[i]);
    sl_free(e);
    return st;
}
