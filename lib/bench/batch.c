#include "bench/batch.h"

#include "base/alloc.h"
#include "base/rng.h"

static void fill(struct sl_bench_batch *b, int64_t tokens, int64_t least,
                 int64_t most, int64_t vocab)
{
    struct sl_rng rng;
    int64_t n = 0, N = 0;

    sl_rng_init(&rng, sl_stream(1, SL_PURPOSE_TEST, 0));
    for (;;) {
        int64_t span = most - least + 1;
        int64_t len = least + (int64_t)sl_rng_below(&rng, (uint64_t)span);

        if (n && N + len > tokens)
            break;
        N += len;
        b->start[++n] = (int32_t)N;
    }
    for (int64_t i = 0; i < N; i++)
        b->ids[i] = (int32_t)sl_rng_below(&rng, (uint64_t)vocab);
    b->t = (struct sl_tokens){.n = n, .N = N, .start = b->start, .ids = b->ids};
}

simlm_status sl_bench_batch_init(struct sl_bench_batch *b, int64_t tokens,
                                 int64_t least, int64_t most, int64_t vocab,
                                 simlm_error *err)
{
    b->start = SL_NEW_ARRAY(int32_t, tokens / least + 2);
    b->ids = SL_NEW_ARRAY(int32_t, tokens + most);
    if (!b->start || !b->ids)
        return sl_fail_nomem(err, "a batch of tokens");
    fill(b, tokens, least, most, vocab);
    return SIMLM_OK;
}

void sl_bench_batch_free(struct sl_bench_batch *b)
{
    sl_free(b->start);
    sl_free(b->ids);
    *b = (struct sl_bench_batch){0};
}
