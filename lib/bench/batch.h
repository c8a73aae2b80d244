/*
 * bench/batch.h - batches of random tokens, for encoding and training.
 */
#ifndef SL_BENCH_BATCH_H
#define SL_BENCH_BATCH_H

#include "base/status.h"
#include "nn/tokens.h"

/* As many sequences as fit into `tokens`, one at least, of lengths drawn evenly
 * from least .. most, of ids drawn evenly from [0, vocab). */
struct sl_bench_batch {
    struct sl_tokens t; /* points into what follows */
    int32_t *start, *ids;
};
simlm_status sl_bench_batch_init(struct sl_bench_batch *b, int64_t tokens,
                                 int64_t least, int64_t most, int64_t vocab,
                                 simlm_error *err);
void sl_bench_batch_free(struct sl_bench_batch *b); /* accepts a zeroed one */

#endif
