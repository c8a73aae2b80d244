/*
 * simlm/jobs.h - whole jobs over files: encode, index, search, re-rank, score.
 *
 * Experimental: options may be added.  Start from the job's _options_init(),
 * which fills in the defaults, and set what is required.
 *
 *   simlm_encode_options o;
 *   simlm_encode_options_init(&o);
 *   o.model = "models/simlm-base";
 *   o.side = SIMLM_PASSAGE;
 *   o.input = &path;
 *   o.n_inputs = 1;
 *   o.output = "encoded";
 *   st = simlm_encode_files(&o, NULL, &err);
 *
 * Outputs are whole or absent.  `observer` may be NULL.  Besides what each job
 * lists: E_ARG, E_IO, E_FORMAT, E_NOMEM, E_NUMERIC (a NaN), E_BACKEND, and
 * E_CANCELLED if the observer asked to stop.
 */
#ifndef SIMLM_JOBS_H
#define SIMLM_JOBS_H

#include <stdbool.h>

#include <simlm/run.h>
#include <simlm/simlm.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- texts to vectors ---------------------------------------------------- */

typedef struct simlm_encode_options {
    const char *model;        /* a model directory; required */
    int32_t side;             /* simlm_side: what the input is; passage */
    const char *const *input; /* [n_inputs] corpus files, read as one; or one
                               * file of queries; required */
    int32_t n_inputs;
    const char *output;   /* directory; required */
    int32_t batch_tokens; /* tokens encoded together; 4096.  Changes no bit */
    int32_t max_length;   /* tokens of a text; 0: as the model says */
    int64_t shard_size;   /* rows of a file; 0: all in embeddings.npy */
    int64_t save_every;   /* rows between two savings; 4096 */
    int32_t precision;    /* simlm_precision; fp32 */
    bool overwrite;       /* discard what another configuration left */
    int32_t threads;      /* 0: one a core */
} simlm_encode_options;
SIMLM_API void simlm_encode_options_init(simlm_encode_options *options);

/*
 * <output>/embeddings.npy       float32 [n, dim], in the order of the input
 *     or embeddings-00000.npy, -00001.npy, ... of shard_size rows each
 * <output>/ids.txt              an id a line
 * <output>/encode.json          the resolved configuration; its presence says
 *                               that the rest is whole
 *
 * A job that was killed continues from its last saving (progress.json, *.part)
 * when called again with the same model, input, side, precision and lengths;
 * the result is the same bits.  If it was finished, there is nothing to do.  E_ARG if
 * <output> is of another configuration, unless `overwrite`.
 */
SIMLM_API simlm_status simlm_encode_files(const simlm_encode_options *options,
                                          const simlm_observer *observer,
                                          simlm_error *err);

/* ---- vectors to an index ---------------------------------------------------
 */

typedef struct simlm_index_options {
    const char *const *encoded; /* [n_encoded] directories; required */
    int32_t n_encoded;
    const char *output; /* the index file; required */
} simlm_index_options;
SIMLM_API void simlm_index_options_init(simlm_index_options *options);

/*
 * One exact index over the rows of all directories, in order.  A directory
 * needs embeddings.npy (or its shards) and ids.txt, whoever wrote them.
 * E_FORMAT if dimensions or models differ or an id occurs twice.
 */
SIMLM_API simlm_status simlm_index_build(const simlm_index_options *options,
                                         const simlm_observer *observer,
                                         simlm_error *err);

/* ---- queries to a run ---------------------------------------------------- */

typedef struct simlm_search_options {
    const char *index;    /* required */
    const char *queries;  /* a file of queries; or NULL with `encoded` */
    const char *model;    /* encodes them; needed with `queries` */
    const char *encoded;  /* queries encoded before, by simlm_encode_files() */
    const char *output;   /* the run; "-": standard output; required */
    int32_t top;          /* passages a query; 1000 */
    int32_t format;       /* simlm_run_format; MS MARCO */
    const char *tag;      /* TREC's sixth column; "simlm" */
    int32_t batch;        /* queries searched together; 128.  Changes no bit */
    int32_t batch_tokens; /* 4096 */
    int32_t max_length;   /* tokens of a query; 0: as the model says */
    int32_t precision;    /* simlm_precision of the encoder; fp32 */
    int32_t threads;      /* 0: one a core */
} simlm_search_options;
SIMLM_API void simlm_search_options_init(simlm_search_options *options);

/*
 * The `top` best passages of each query, in the order of the queries' file,
 * scores as %.9g.  E_FORMAT if the model's vectors are not of the index's
 * dimension; a warning if the index was made by another model.
 */
SIMLM_API simlm_status simlm_search_files(const simlm_search_options *options,
                                          const simlm_observer *observer,
                                          simlm_error *err);

/* ---- a run, ranked anew -------------------------------------------------- */

typedef struct simlm_rerank_options {
    const char *model;    /* a re-ranker's directory; required */
    const char *run;      /* what is ranked anew; required */
    const char *queries;  /* the texts of its queries; required */
    const char *corpus;   /* the texts of its passages; required */
    const char *output;   /* the run; "-": standard output; required */
    int32_t depth;        /* leading passages of a query that are scored; 200 */
    int32_t format;       /* simlm_run_format; MS MARCO */
    const char *tag;      /* TREC's sixth column; "simlm" */
    int32_t batch_tokens; /* tokens computed together; 4096.  Changes no bit */
    int32_t max_length;   /* tokens of a pair; 0: as the model says */
    int32_t save_every;   /* pairs between two savings; 2048 */
    int32_t precision;    /* simlm_precision; fp32 */
    int32_t threads;      /* 0: one a core */
} simlm_rerank_options;
SIMLM_API void simlm_rerank_options_init(simlm_rerank_options *options);

/*
 * The first `depth` passages of each query are sorted by the re-ranker's score,
 * of equals the former first; the rest follows in its order, with scores that
 * fall by 1 from the last of these.  Scores have five decimals.  E_FORMAT if a
 * query or a passage of the run has no text.
 *
 * Until the output is whole the scores are kept in <output>.scores: a job that
 * was killed or stopped goes on from them, and ends with the same bytes.
 */
SIMLM_API simlm_status simlm_rerank_files(const simlm_rerank_options *options,
                                          const simlm_observer *observer,
                                          simlm_error *err);

/* ---- a teacher's scores -------------------------------------------------- */

typedef struct simlm_score_options {
    const char *model;    /* a re-ranker's directory; required */
    const char *input;    /* examples as SimLM's train.jsonl, read twice;
                           * required */
    const char *corpus;   /* the texts of their passages; required */
    const char *output;   /* "-": standard output; required */
    int32_t negatives;    /* the first of a query's that are kept; 30 */
    int32_t batch_tokens; /* tokens computed together; 4096.  Changes no bit */
    int32_t max_length;   /* tokens of a pair; 0: as the model says */
    int32_t save_every;   /* pairs between two savings; 2048 */
    int32_t precision;    /* simlm_precision; fp32 */
    int32_t threads;      /* 0: one a core */
} simlm_score_options;
SIMLM_API void simlm_score_options_init(simlm_score_options *options);

/*
 * The same examples with the re-ranker's scores, to five decimals, of all
 * positives and the first `negatives` negatives; what has no score is left out,
 * all other members stay as they are.  E_FORMAT names file and line.  It goes on
 * where it was as simlm_rerank_files() does.
 */
SIMLM_API simlm_status simlm_score_files(const simlm_score_options *options,
                                         const simlm_observer *observer,
                                         simlm_error *err);

#ifdef __cplusplus
}
#endif
#endif /* SIMLM_JOBS_H */
