#include "text/bpe.h"

#include "base/alloc.h"
#include "base/status.h"

struct word {
    int64_t at; /* in symbol[] */
    int64_t count;
    int32_t n;
};

/* A word that holds (or once held) the pair; a list through `next`. */
struct place {
    uint32_t word, next; /* index + 1 of the next; 0 ends */
};

struct pair {
    uint64_t key; /* left << 32 | right */
    int64_t count;
    uint32_t places; /* index + 1 of the first; 0: none */
    bool touched;    /* waits in touched[] to be queued */
};

/* An entry of the queue; out of date if the pair's count is another by now. */
struct candidate {
    int64_t count;
    uint64_t key;
    uint32_t pair;
};

struct sl_bpe {
    int32_t *symbol;
    int64_t n_symbols, cap_symbols;
    struct word *word;
    int64_t n_words, cap_words;
    struct pair *pair;
    int64_t n_pairs, cap_pairs;
    struct place *place;
    int64_t n_places, cap_places;
    uint32_t free_place; /* index + 1 */
    uint32_t *slot;      /* hash table of pairs: index + 1, at most half full */
    uint64_t n_slots;
    struct candidate *queue; /* a heap */
    int64_t n_queue, cap_queue;
    uint32_t *touched;
    int64_t n_touched, cap_touched;
};

struct sl_bpe *sl_bpe_new(void)
{
    return SL_NEW(struct sl_bpe);
}

void sl_bpe_free(struct sl_bpe *b)
{
    if (!b)
        return;
    sl_free(b->symbol);
    sl_free(b->word);
    sl_free(b->pair);
    sl_free(b->place);
    sl_free(b->slot);
    sl_free(b->queue);
    sl_free(b->touched);
    sl_free(b);
}

/* ---- pairs ------------------------------------------------------------------
 */

static uint64_t key_of(int32_t left, int32_t right)
{
    return (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
}

/* The slot of the key: of its pair, or the free one where it belongs. */
static uint64_t find_slot(const struct sl_bpe *b, uint64_t key)
{
    uint64_t i = key * 0x9E3779B97F4A7C15u;

    for (i = (i ^ i >> 32) & (b->n_slots - 1);
         b->slot[i] && b->pair[b->slot[i] - 1].key != key;
         i = (i + 1) & (b->n_slots - 1))
        ;
    return i;
}

static bool grow_slots(struct sl_bpe *b)
{
    uint32_t *old = b->slot;

    b->slot = sl_calloc(b->n_slots ? 2 * b->n_slots : 1024, sizeof *b->slot);
    if (!b->slot) {
        b->slot = old;
        return false;
    }
    b->n_slots = b->n_slots ? 2 * b->n_slots : 1024;
    sl_free(old);
    for (int64_t i = 0; i < b->n_pairs; i++)
        b->slot[find_slot(b, b->pair[i].key)] = (uint32_t)i + 1;
    return true;
}

/* The pair's index, made if it is new; -1: out of memory. */
static int64_t find_pair(struct sl_bpe *b, uint64_t key)
{
    uint64_t i;

    if (2 * ((uint64_t)b->n_pairs + 1) > b->n_slots && !grow_slots(b))
        return -1;
    i = find_slot(b, key);
    if (b->slot[i])
        return b->slot[i] - 1;
    if (b->n_pairs == UINT32_MAX - 1 ||
        !sl_grow(&b->pair, &b->cap_pairs, b->n_pairs + 1, sizeof *b->pair))
        return -1;
    b->pair[b->n_pairs++] = (struct pair){.key = key};
    b->slot[i] = (uint32_t)b->n_pairs;
    return b->n_pairs - 1;
}

static bool add_place(struct sl_bpe *b, struct pair *p, uint32_t word)
{
    uint32_t at = b->free_place;

    /* Words are visited one after the other, so a second place in the same
     * word finds the first at the head of the list. */
    if (p->places && b->place[p->places - 1].word == word)
        return true;
    if (at) {
        b->free_place = b->place[at - 1].next;
    } else {
        if (b->n_places == UINT32_MAX - 1 ||
            !sl_grow(&b->place, &b->cap_places, b->n_places + 1,
                     sizeof *b->place))
            return false;
        at = (uint32_t)++b->n_places;
    }
    b->place[at - 1] = (struct place){word, p->places};
    p->places = at;
    return true;
}

/* The word has one more (or with sign -1, one less) of this pair. */
static bool change(struct sl_bpe *b, int32_t left, int32_t right, uint32_t word,
                   int sign)
{
    int64_t i = find_pair(b, key_of(left, right));
    struct pair *p;

    if (i < 0)
        return false;
    p = &b->pair[i];
    p->count += sign * b->word[word].count;
    if (sign < 0)
        return true; /* its entry in the queue is corrected when it comes up */
    if (!p->touched) {
        if (!sl_grow(&b->touched, &b->cap_touched, b->n_touched + 1,
                     sizeof *b->touched))
            return false;
        b->touched[b->n_touched++] = (uint32_t)i;
        p->touched = true;
    }
    return add_place(b, p, word);
}

/* ---- the queue ----------------------------------------------------------- */

static bool before(const struct candidate *x, const struct candidate *y)
{
    return x->count != y->count ? x->count > y->count : x->key < y->key;
}

static bool push(struct sl_bpe *b, uint32_t pair)
{
    struct candidate c = {b->pair[pair].count, b->pair[pair].key, pair};
    int64_t i = b->n_queue;

    if (!sl_grow(&b->queue, &b->cap_queue, i + 1, sizeof *b->queue))
        return false;
    b->n_queue++;
    for (; i > 0 && before(&c, &b->queue[(i - 1) / 2]); i = (i - 1) / 2)
        b->queue[i] = b->queue[(i - 1) / 2];
    b->queue[i] = c;
    return true;
}

static void pop(struct sl_bpe *b)
{
    struct candidate last = b->queue[--b->n_queue];
    int64_t i = 0, child;

    while ((child = 2 * i + 1) < b->n_queue) {
        if (child + 1 < b->n_queue &&
            before(&b->queue[child + 1], &b->queue[child]))
            child++;
        if (!before(&b->queue[child], &last))
            break;
        b->queue[i] = b->queue[child];
        i = child;
    }
    b->queue[i] = last;
}

/* Queue the pairs that have grown, with their counts of now. */
static bool queue_touched(struct sl_bpe *b)
{
    for (int64_t i = 0; i < b->n_touched; i++) {
        struct pair *p = &b->pair[b->touched[i]];

        p->touched = false;
        if (p->count > 0 && !push(b, b->touched[i]))
            return false;
    }
    b->n_touched = 0;
    return true;
}

/* ---- words --------------------------------------------------------------- */

bool sl_bpe_add(struct sl_bpe *b, const int32_t *symbol, int32_t n,
                int64_t count)
{
    uint32_t word = (uint32_t)b->n_words;

    if (b->n_words == UINT32_MAX - 1 ||
        !sl_grow(&b->word, &b->cap_words, b->n_words + 1, sizeof *b->word) ||
        !sl_grow(&b->symbol, &b->cap_symbols, b->n_symbols + n,
                 sizeof *b->symbol))
        return false;
    b->word[b->n_words++] = (struct word){b->n_symbols, count, n};
    for (int32_t i = 0; i < n; i++) {
        SL_ASSERT(symbol[i] >= 0);
        b->symbol[b->n_symbols++] = symbol[i];
    }
    for (int32_t i = 1; i < n; i++)
        if (!change(b, symbol[i - 1], symbol[i], word, 1))
            return false;
    return true;
}

bool sl_bpe_best(struct sl_bpe *b, struct sl_bpe_pair *best, bool *failed)
{
    *failed = !queue_touched(b);
    while (!*failed && b->n_queue) {
        struct candidate c = b->queue[0];
        const struct pair *p = &b->pair[c.pair];

        if (c.count == p->count) {
            *best = (struct sl_bpe_pair){
                (int32_t)(c.key >> 32), (int32_t)(c.key & UINT32_MAX), c.count};
            return true;
        }
        /* What had shrunk goes back to where it belongs.  (What has grown was
         * queued again when it grew, ahead of this entry.) */
        pop(b);
        if (p->count > 0 && p->count < c.count)
            *failed = !push(b, c.pair);
    }
    return false;
}

/*
 * In   .. x a c y ..   the pairs (x a), (c y) go and (x ac), (ac y) come.  What
 * was already joined on the left is seen as x: in a c a c the second visit
 * takes back the (ac a) that the first one gave.
 */
static bool join_in_word(struct sl_bpe *b, uint32_t word, int32_t a, int32_t c,
                         int32_t ac)
{
    struct word *w = &b->word[word];
    int32_t *s = b->symbol + w->at, i = 0, j = 0;
    bool ok = true;

    while (i < w->n) {
        if (i + 1 == w->n || s[i] != a || s[i + 1] != c) {
            s[j++] = s[i++];
            continue;
        }
        if (j > 0)
            ok = ok && change(b, s[j - 1], a, word, -1) &&
                 change(b, s[j - 1], ac, word, 1);
        if (i + 2 < w->n)
            ok = ok && change(b, c, s[i + 2], word, -1) &&
                 change(b, ac, s[i + 2], word, 1);
        s[j++] = ac;
        i += 2;
    }
    w->n = j;
    return ok;
}

bool sl_bpe_join(struct sl_bpe *b, int32_t left, int32_t right, int32_t joined)
{
    int64_t index = find_pair(b, key_of(left, right));
    uint32_t at;

    if (index < 0)
        return false;
    at = b->pair[index].places;
    b->pair[index].places = 0;
    while (at) {
        struct place here = b->place[at - 1];

        b->place[at - 1].next = b->free_place;
        b->free_place = at;
        at = here.next;
        if (!join_in_word(b, here.word, left, right, joined))
            return false;
    }
    /* In a a a, joining the first two took the second pair's count, too. */
    b->pair[index].count = 0;
    return queue_touched(b);
}
