/* <simlm/bm25.h>: checks of the caller's contract, then the library. */
#include <math.h>

#include "base/status.h"
#include "index/bm25_jobs.h"
#include "index/fuse.h"

static simlm_status bad(simlm_error *err, const char *what)
{
    return sl_fail(err, SIMLM_E_ARG, "%s", what);
}

static simlm_status check_files(const char *const *file, int32_t n,
                                const char *what, simlm_error *err)
{
    if (!file || n < 1)
        return bad(err, what);
    for (int32_t i = 0; i < n; i++)
        if (!file[i])
            return bad(err, what);
    return SIMLM_OK;
}

static simlm_status check_run(int32_t top, int32_t format, int32_t threads,
                              simlm_error *err)
{
    if (top < 1)
        return bad(err, "top is below 1");
    if (format != SIMLM_RUN_MSMARCO && format != SIMLM_RUN_TREC)
        return bad(err, "format is neither msmarco nor trec");
    if (threads < 0)
        return bad(err, "threads is negative");
    return SIMLM_OK;
}

void simlm_bm25_index_options_init(simlm_bm25_index_options *options)
{
    if (options)
        *options = (simlm_bm25_index_options){0};
}

simlm_status simlm_bm25_index(const simlm_bm25_index_options *options,
                              const simlm_observer *observer, simlm_error *err)
{
    if (!options || !options->output)
        return bad(err, "simlm_bm25_index: options or output is NULL");
    SL_TRY(check_files(options->corpus, options->n_corpora,
                       "simlm_bm25_index: no corpus", err));
    if (options->threads < 0)
        return bad(err, "threads is negative");
    return sl_bm25_index_files(options, observer, err);
}

void simlm_bm25_search_options_init(simlm_bm25_search_options *options)
{
    if (options)
        *options = (simlm_bm25_search_options){
            .top = 1000, .k1 = 0.9, .b = 0.4, .tag = "simlm-bm25"};
}

simlm_status simlm_bm25_search(const simlm_bm25_search_options *options,
                               const simlm_observer *observer, simlm_error *err)
{
    const simlm_bm25_search_options *o = options;

    if (!o || !o->index || !o->queries || !o->output)
        return bad(err, "simlm_bm25_search: index, queries or output is NULL");
    if (!(o->k1 >= 0 && o->k1 <= 1000) || !(o->b >= 0 && o->b <= 1))
        return bad(err, "k1 is not in 0 .. 1000 or b not in 0 .. 1");
    SL_TRY(check_run(o->top, o->format, o->threads, err));
    return sl_bm25_search_file(o, observer, err);
}

void simlm_fuse_options_init(simlm_fuse_options *options)
{
    if (options)
        *options =
            (simlm_fuse_options){.rrf_k = 60, .top = 1000, .tag = "simlm-fuse"};
}

simlm_status simlm_fuse(const simlm_fuse_options *options, simlm_error *err)
{
    const simlm_fuse_options *o = options;

    if (!o || !o->output)
        return bad(err, "simlm_fuse: options or output is NULL");
    SL_TRY(check_files(o->runs, o->n_runs, "simlm_fuse: no run", err));
    if (o->n_runs > 64)
        return bad(err, "simlm_fuse: over 64 runs");
    for (int32_t i = 0; o->weights && i < o->n_runs; i++)
        if (!isfinite(o->weights[i]))
            return bad(err, "a weight is not a finite number");
    if (o->method != SIMLM_FUSE_LINEAR && o->method != SIMLM_FUSE_RRF)
        return bad(err, "method is neither linear nor rrf");
    if (o->normalize < SIMLM_FUSE_MINMAX || o->normalize > SIMLM_FUSE_ZSCORE)
        return bad(err, "normalize is none of minmax, none, zscore");
    if (!(o->rrf_k >= 0 && isfinite(o->rrf_k)))
        return bad(err, "rrf_k is negative");
    SL_TRY(check_run(o->top, o->format, o->threads, err));
    return sl_fuse(o, err);
}
