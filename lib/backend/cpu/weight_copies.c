#include "backend/cpu/weight_copies.h"

#include <pthread.h>

#include "base/alloc.h"

struct block {
    struct block *next;
    const float *w;
    int64_t n;
    bool fixed;
    sl_bf16 *rounded;
    struct sl_packed *packed;
};

struct sl_weights {
    pthread_mutex_t lock;
    struct block *blocks;
};

struct sl_weights *sl_weights_new(void)
{
    struct sl_weights *ws = SL_NEW(struct sl_weights);

    if (ws)
        pthread_mutex_init(&ws->lock, NULL);
    return ws;
}

static void drop_copies(struct block *b)
{
    while (b->packed) {
        struct sl_packed *p = b->packed;

        b->packed = p->next;
        sl_free(p->data);
        sl_free(p);
    }
    sl_free(b->rounded);
    b->rounded = NULL;
}

static void drop_block(struct block **at)
{
    struct block *b = *at;

    *at = b->next;
    drop_copies(b);
    sl_free(b);
}

void sl_weights_free(struct sl_weights *ws)
{
    if (!ws)
        return;
    while (ws->blocks)
        drop_block(&ws->blocks);
    pthread_mutex_destroy(&ws->lock);
    sl_free(ws);
}

/* The link to the block that holds w, or to the end of the list. */
static struct block **find(struct sl_weights *ws, const float *w)
{
    struct block **at = &ws->blocks;

    while (*at && !(w >= (*at)->w && w < (*at)->w + (*at)->n))
        at = &(*at)->next;
    return at;
}

static struct block *add_block(struct sl_weights *ws, const float *w, int64_t n)
{
    struct block **at = find(ws, w), *b;

    if (*at)
        drop_block(at);
    b = SL_NEW(struct block);
    if (!b)
        return NULL;
    *b = (struct block){.next = ws->blocks, .w = w, .n = n};
    ws->blocks = b;
    return b;
}

simlm_status sl_weights_announce(struct sl_weights *ws, const float *w,
                                 int64_t n, bool fixed, bool rounded,
                                 simlm_error *err)
{
    struct block *b;
    bool ok;

    pthread_mutex_lock(&ws->lock);
    b = add_block(ws, w, n);
    ok = b != NULL;
    if (ok) {
        b->fixed = fixed;
        b->rounded = rounded ? SL_NEW_ARRAY(sl_bf16, n) : NULL;
        ok = !rounded || b->rounded;
    }
    pthread_mutex_unlock(&ws->lock);
    return ok ? SIMLM_OK : sl_fail_nomem(err, "a copy of the weights");
}

void sl_weights_forget(struct sl_weights *ws, const void *w)
{
    struct block **at;

    pthread_mutex_lock(&ws->lock);
    at = find(ws, w);
    if (*at && (*at)->w == w)
        drop_block(at);
    pthread_mutex_unlock(&ws->lock);
}

sl_bf16 *sl_weights_rounded(struct sl_weights *ws, const float *w)
{
    const struct block *b;
    sl_bf16 *rounded;

    pthread_mutex_lock(&ws->lock);
    b = *find(ws, w);
    rounded = b && b->rounded ? b->rounded + (w - b->w) : NULL;
    pthread_mutex_unlock(&ws->lock);
    return rounded;
}

/* In a fixed block, under the lock. */
static struct sl_packed *find_packed(struct block *b, const float *w, int64_t K,
                                     int64_t N, sl_pack_fn *make, void *ctx)
{
    struct sl_packed *p = b->packed;

    while (p && !(p->w == w && p->K == K && p->N == N))
        p = p->next;
    if (p)
        return p;
    p = SL_NEW(struct sl_packed);
    if (!p)
        return NULL;
    *p = (struct sl_packed){.w = w, .K = K, .N = N};
    if (!make(ctx, p)) {
        sl_free(p->data);
        sl_free(p);
        return NULL;
    }
    p->next = b->packed;
    b->packed = p;
    return p;
}

const struct sl_packed *sl_weights_packed(struct sl_weights *ws, const float *w,
                                          int64_t K, int64_t N,
                                          sl_pack_fn *make, void *ctx)
{
    const struct sl_packed *p = NULL;
    struct block *b;

    pthread_mutex_lock(&ws->lock);
    b = *find(ws, w);
    if (b && b->fixed)
        p = find_packed(b, w, K, N, make, ctx);
    pthread_mutex_unlock(&ws->lock);
    return p;
}
