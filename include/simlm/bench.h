/*
 * simlm/bench.h - how fast is this machine, and how near does the library come?
 * (experimental API)
 *
 * First the machine's own limits are measured: fp32 multiply-adds in registers,
 * bf16 dot products if the CPU has them, reading memory, on one thread and on
 * `threads`.  Then each figure is reported with per cent of the limit that it
 * runs against.
 *
 *   simlm_bench_options o;
 *
 *   simlm_bench_options_init(&o);
 *   o.parts = SIMLM_BENCH_ENCODE;
 *   o.threads = 2;
 *   st = simlm_bench(&o, print_figure, NULL, &err);
 *
 * Nothing is read or written unless `text` and `vocab` name files: models have
 * random weights, texts are generated.
 */
#ifndef SIMLM_BENCH_H
#define SIMLM_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include <simlm/precision.h>
#include <simlm/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What to measure, besides the limits. */
typedef enum simlm_bench_part {
    SIMLM_BENCH_GEMM = 1,     /* the matrix products of a model */
    SIMLM_BENCH_OPS = 2,      /* every op of a training step */
    SIMLM_BENCH_TOKENIZE = 4, /* text to ids, on one thread */
    SIMLM_BENCH_ENCODE = 8,   /* texts to vectors; one short query */
    SIMLM_BENCH_TRAIN = 16,   /* steps of MLM and RLM with AdamW */
    SIMLM_BENCH_SEARCH = 32,  /* exact search in a flat index */
    SIMLM_BENCH_ALL = 63
} simlm_bench_part;

typedef enum simlm_bench_shape {
    SIMLM_SHAPE_AUTO = 0,  /* mini for ops, small for training, else base */
    SIMLM_SHAPE_BASE = 1,  /* 12 layers x 768, 12 heads, 3072, 30522 tokens */
    SIMLM_SHAPE_SMALL = 2, /* 4 x 256, 4 heads, 1024, 8192 */
    SIMLM_SHAPE_MINI = 3   /* 3 x 128, 4 heads, 512, 8192 */
} simlm_bench_shape;

typedef struct simlm_bench_options {
    uint32_t parts;    /* simlm_bench_part, or-ed; all.  0: the limits alone */
    int32_t threads;   /* 0: one a core */
    double seconds;    /* for each figure, and at least three calls; 1 */
    bool cpu_time;     /* the processor's time over the threads instead of the
                        * clock's: for a machine that is busy with other work */
    int32_t precision; /* simlm_precision; fp32 */
    int32_t shape;     /* simlm_bench_shape */
    int64_t layers, hidden, heads, ffn, vocab; /* 0 (default): the shape's */
    int64_t tokens;                            /* in a batch; 4096 */
    int64_t length;                 /* of a sequence where all are equal; 128 */
    int64_t min_length, max_length; /* of mixed ones, drawn evenly; 16, 144 */
    double dropout;                 /* in training; 0.1 */
    const char *only; /* figures with this in their names; NULL: all */
    bool variants; /* ops: each instruction set in turn, not the best alone */
    const char *text;       /* tokenize: a file of it; NULL: generated */
    const char *vocabulary; /* tokenize: a model directory or vocab.txt; NULL:
                             * trained on the text, of 30,522 tokens at most */
    int64_t rows, dim;      /* of the index; 100000, 768 */
} simlm_bench_options;
SIMLM_API void simlm_bench_options_init(simlm_bench_options *options);

typedef struct simlm_bench_figure {
    const char *part;    /* "peak", "gemm", "ops", ... */
    const char *name;    /* what was measured */
    const char *backend; /* "cpu-avx512" */
    int32_t threads;
    int64_t calls;       /* that were timed */
    double median, best; /* seconds of a call */
    double rate;         /* of the median call, in `unit` */
    const char *unit;    /* "GFLOP/s", "tokens/s", "MB/s", ... */
    double gflops;       /* arithmetic, GFLOP/s; 0: not counted */
    double gbytes;       /* memory that must be moved, GB/s; 0: not counted */
    double percent;      /* of the peak; 0: none is relevant */
    const char *peak;    /* which: "fp32", "bf16", "memory"; NULL: none */
    double share;        /* ops: per cent of a training step's time; else 0 */
} simlm_bench_figure;

/* Called as figures come in; the strings live as long as the call. */
typedef void simlm_bench_report(void *ctx, const simlm_bench_figure *figure);

/*
 * Measure.
 *
 *   E_ARG, E_RANGE  an option out of range; heads that do not divide hidden; no
 *                   figure has `only` in its name
 *   E_IO, E_FORMAT  the text or the vocabulary
 *   E_NOMEM, E_BACKEND
 */
SIMLM_API simlm_status simlm_bench(const simlm_bench_options *options,
                                   simlm_bench_report *report, void *ctx,
                                   simlm_error *err);

#ifdef __cplusplus
}
#endif
#endif /* SIMLM_BENCH_H */
