#include "index/topk.h"

#include <math.h>
#include <string.h>

enum { STRIDE = 64 }; /* scores compared with the bar in one go */

/* Order-preserving: flip all bits of a negative number, the sign of others. */
static uint64_t key_of(float score, int64_t row)
{
    float s = score + 0.0f; /* -0 becomes 0 */
    uint32_t bits;

    memcpy(&bits, &s, sizeof bits);
    bits ^= (bits >> 31) ? 0xffffffffu : 0x80000000u;
    return (uint64_t)bits << 32 | (uint32_t) ~(uint32_t)row;
}

static float score_of(uint64_t key)
{
    uint32_t bits = (uint32_t)(key >> 32);
    float s;

    bits ^= (bits >> 31) ? 0x80000000u : 0xffffffffu;
    memcpy(&s, &bits, sizeof s);
    return s;
}

static int64_t row_of(uint64_t key)
{
    return (int64_t)(uint32_t) ~(uint32_t)key;
}

/* Sink `key` from position i of a heap of n keys with the smallest on top. */
static void sift_down(uint64_t *heap, int64_t n, int64_t i, uint64_t key)
{
    for (;;) {
        int64_t child = 2 * i + 1;

        if (child >= n)
            break;
        if (child + 1 < n && heap[child + 1] < heap[child])
            child++;
        if (key <= heap[child])
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = key;
}

static void sift_up(uint64_t *heap, int64_t i, uint64_t key)
{
    while (i > 0 && key < heap[(i - 1) / 2]) {
        heap[i] = heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    heap[i] = key;
}

void sl_topk_begin(struct sl_topk *t, uint64_t *heap, int64_t k)
{
    *t = (struct sl_topk){.heap = heap, .k = k, .bar = -INFINITY};
}

static void offer_one(struct sl_topk *t, float score, int64_t row)
{
    uint64_t key;

    if (isnan(score)) {
        t->nan = true;
        return;
    }
    key = key_of(score, row);
    if (t->n < t->k)
        sift_up(t->heap, t->n++, key);
    else if (key > t->heap[0])
        sift_down(t->heap, t->n, 0, key);
    if (t->n == t->k)
        t->bar = score_of(t->heap[0]);
}

/* True if a score reaches the bar, or cannot be compared with it. */
static bool any_reaches(const float *score, float bar)
{
    uint32_t any = 0;

    for (int i = 0; i < STRIDE; i++)
        any |= (uint32_t) !(score[i] < bar);
    return any;
}

void sl_topk_offer(struct sl_topk *t, const float *score, int64_t n,
                   int64_t first_row)
{
    int64_t i = 0;

    for (; i + STRIDE <= n; i += STRIDE) {
        if (!any_reaches(score + i, t->bar))
            continue;
        for (int64_t j = i; j < i + STRIDE; j++)
            if (!(score[j] < t->bar))
                offer_one(t, score[j], first_row + j);
    }
    for (; i < n; i++)
        if (!(score[i] < t->bar))
            offer_one(t, score[i], first_row + i);
}

/* Popping the worst to the end leaves the best in front. */
int64_t sl_topk_finish(struct sl_topk *t, float *score, int64_t *row)
{
    int64_t n = t->n;

    for (int64_t last = n - 1; last > 0; last--) {
        uint64_t worst = t->heap[0], key = t->heap[last];

        sift_down(t->heap, last, 0, key);
        t->heap[last] = worst;
    }
    for (int64_t i = 0; i < n; i++) {
        row[i] = row_of(t->heap[i]);
        if (score)
            score[i] = score_of(t->heap[i]);
    }
    t->n = 0;
    return n;
}
