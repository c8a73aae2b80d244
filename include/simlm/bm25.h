/*
 * simlm/bm25.h - lexical retrieval: index a corpus, search it, fuse runs.
 *
 * The analyser, the scoring and its single-precision arithmetic are those of
 * Lucene as Anserini and pyserini set it up (EnglishAnalyzer, BM25 with k1 0.9
 * and b 0.4), so runs can be compared passage by passage.  Searching is exact.
 * Ties go to the lower row, as in Lucene's own order.
 */
#ifndef SIMLM_BM25_H
#define SIMLM_BM25_H

#include <stdbool.h>
#include <stdint.h>

#include <simlm/observer.h>
#include <simlm/run.h>
#include <simlm/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- index --------------------------------------------------------------- */

typedef struct simlm_bm25_index_options {
    const char *output;        /* directory; required */
    const char *const *corpus; /* [n_corpora] files, one corpus together */
    int32_t n_corpora;
    int32_t threads; /* 0: one a core */
} simlm_bm25_index_options;
SIMLM_API void simlm_bm25_index_options_init(simlm_bm25_index_options *options);

/*
 * Index title and contents of every passage.  The same corpus gives the same
 * bytes on any number of threads.  The index appears whole or not at all; one
 * that is there is replaced.
 *
 *   E_ARG, E_IO, E_FORMAT, E_NOMEM
 *   E_RANGE      over 2^31 - 1 passages, or an empty corpus
 *   E_CANCELLED  the observer asked to stop; nothing is written
 */
SIMLM_API simlm_status simlm_bm25_index(const simlm_bm25_index_options *options,
                                        const simlm_observer *observer,
                                        simlm_error *err);

/* ---- search -------------------------------------------------------------- */

typedef struct simlm_bm25_search_options {
    const char *index;   /* directory; required */
    const char *queries; /* file; required */
    const char *output;  /* run to write, "-": stdout; required */
    int32_t top;         /* passages a query; 1000 */
    double k1, b;        /* 0.9, 0.4; k1 >= 0, 0 <= b <= 1 */
    int32_t format;      /* simlm_run_format */
    const char *tag;     /* sixth column of a TREC run; "simlm-bm25" */
    int32_t threads;     /* 0: one a core */
} simlm_bm25_search_options;
SIMLM_API void simlm_bm25_search_options_init(
    simlm_bm25_search_options *options);

/*
 * Write the `top` best passages of each query, in the queries' order.  Only
 * passages that share a term with the query are listed, so a query may get
 * fewer, or none.
 *
 *   E_ARG, E_IO, E_FORMAT (the index is checked in full when it is opened),
 *   E_NOMEM, E_CANCELLED
 */
SIMLM_API simlm_status
simlm_bm25_search(const simlm_bm25_search_options *options,
                  const simlm_observer *observer, simlm_error *err);

/* ---- fusion of runs -------------------------------------------------------
 */

typedef enum simlm_fuse_method {
    SIMLM_FUSE_LINEAR = 0, /* sum of weight * normalised score */
    SIMLM_FUSE_RRF = 1     /* sum of weight / (rrf_k + rank) */
} simlm_fuse_method;

/* Of a run's scores, query by query. */
typedef enum simlm_fuse_normalize {
    SIMLM_FUSE_MINMAX = 0, /* best hit 1, worst 0; all equal: 1 */
    SIMLM_FUSE_NONE = 1,   /* scores as they are */
    SIMLM_FUSE_ZSCORE = 2  /* (score - mean) / deviation; all equal: 0 */
} simlm_fuse_normalize;

typedef struct simlm_fuse_options {
    const char *const *runs; /* [n_runs] files, 1 <= n_runs <= 64 */
    int32_t n_runs;
    const double *weights; /* [n_runs], finite; NULL: all 1 */
    const char *output;    /* run to write, "-": stdout; required */
    int32_t method;        /* simlm_fuse_method; linear */
    int32_t normalize;     /* simlm_fuse_normalize; min-max */
    double rrf_k;          /* 60 */
    int32_t top;           /* passages a query; 1000 */
    int32_t format;        /* simlm_run_format */
    const char *tag;       /* sixth column of a TREC run; "simlm-fuse" */
    int32_t threads;       /* 0: one a core */
} simlm_fuse_options;
SIMLM_API void simlm_fuse_options_init(simlm_fuse_options *options);

/*
 * Combine runs.  A passage that a run does not list for a query gets what that
 * run's worst hit of the query gets (min-max: 0; none, zscore: the lowest
 * listed value) and 0 from a run that does not have the query at all, or in
 * RRF.  Queries keep the order of their first appearance; ties go to the
 * passage that appears first in the runs as given.
 *
 *   E_ARG, E_IO, E_FORMAT, E_NOMEM
 */
SIMLM_API simlm_status simlm_fuse(const simlm_fuse_options *options,
                                  simlm_error *err);

#ifdef __cplusplus
}
#endif
#endif /* SIMLM_BM25_H */
