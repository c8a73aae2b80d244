#include "text/pieces.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

struct slot {
    uint64_t lo, hi; /* the word's bytes, zero-padded */
    int32_t id;
    uint32_t len; /* 0: free */
};

struct sl_pieces {
    struct slot *slot;
    uint64_t n_slots; /* a power of two, at least twice the words */
    int shift;

    int64_t n_nodes;
    uint32_t *first;        /* [n_nodes + 1] first child */
    unsigned char *label;   /* [n_nodes] byte on the way to the node */
    int32_t *id;            /* [n_nodes] token that ends here, or -1 */
    uint32_t child[2][256]; /* of the two roots; 0: none */
};

/* ---- words of at most 16 bytes ---------------------------------------------
 */

static uint64_t load8(const unsigned char *p)
{
    uint64_t x;

    memcpy(&x, p, 8);
    return x;
}

static uint64_t slot_of(const struct sl_pieces *p, uint64_t lo, uint64_t hi)
{
    uint64_t x = (lo ^ (hi * 0x9E3779B97F4A7C15u)) * 0xD6E8FEB86659FD93u;

    return (x ^ x >> 32) * 0xD6E8FEB86659FD93u >> p->shift;
}

static bool reserve_words(struct sl_pieces *p, int64_t n)
{
    p->n_slots = 64;
    p->shift = 64 - 6;
    while (p->n_slots < 2 * (uint64_t)n) {
        p->n_slots *= 2;
        p->shift--;
    }
    p->slot = sl_calloc(p->n_slots, sizeof *p->slot);
    return p->slot != NULL;
}

static void add_word(struct sl_pieces *p, const struct sl_piece *w)
{
    unsigned char key[16] = {0};
    uint64_t lo, hi, i;

    if (w->len > sizeof key || w->continues)
        return;
    memcpy(key, w->text, w->len);
    lo = load8(key);
    hi = load8(key + 8);
    i = slot_of(p, lo, hi);
    while (p->slot[i].len)
        i = (i + 1) & (p->n_slots - 1);
    p->slot[i] = (struct slot){lo, hi, w->id, w->len};
}

static int32_t find_word(const struct sl_pieces *p, const unsigned char *word,
                         size_t len)
{
    /* Zeros follow a word of less than 16 bytes: this is its padded key. */
    uint64_t lo = load8(word), hi = load8(word + 8);
    uint64_t i = slot_of(p, lo, hi);

    for (; p->slot[i].len; i = (i + 1) & (p->n_slots - 1))
        if (p->slot[i].lo == lo && p->slot[i].hi == hi && p->slot[i].len == len)
            return p->slot[i].id;
    return -1;
}

/* ---- the trie ------------------------------------------------------------ */

static int compare_pieces(const void *a, const void *b)
{
    const struct sl_piece *x = a, *y = b;
    size_t n = x->len < y->len ? x->len : y->len;
    int order;

    if (x->continues != y->continues)
        return x->continues < y->continues ? -1 : 1;
    order = memcmp(x->text, y->text, n);
    return order ? order : (x->len > y->len) - (x->len < y->len);
}

/* The sorted pieces that go through a node share its path. */
struct span {
    int64_t lo, hi;
    uint32_t depth;
};

static uint32_t byte_at(const struct sl_piece *p, uint32_t i)
{
    return (unsigned char)p->text[i];
}

/* Append the children of a node; what ends at it is the span's first piece. */
static void expand(struct sl_pieces *p, struct span *span, uint32_t node,
                   const struct sl_piece *piece)
{
    struct span s = span[node];

    p->first[node] = (uint32_t)p->n_nodes;
    p->id[node] = -1;
    if (s.lo < s.hi && piece[s.lo].len == s.depth)
        p->id[node] = piece[s.lo++].id;
    while (s.lo < s.hi) {
        uint32_t byte = byte_at(&piece[s.lo], s.depth);
        int64_t end = s.lo + 1;

        while (end < s.hi && byte_at(&piece[end], s.depth) == byte)
            end++;
        p->label[p->n_nodes] = (unsigned char)byte;
        span[p->n_nodes++] = (struct span){s.lo, end, s.depth + 1};
        s.lo = end;
    }
}

static void build_trie(struct sl_pieces *p, struct span *span,
                       const struct sl_piece *piece, int64_t n)
{
    int64_t starts = 0;

    while (starts < n && !piece[starts].continues)
        starts++;
    span[0] = (struct span){0, starts, 0};
    span[1] = (struct span){starts, n, 0};
    p->n_nodes = 2;
    for (int64_t i = 0; i < p->n_nodes; i++)
        expand(p, span, (uint32_t)i, piece);
    p->first[p->n_nodes] = (uint32_t)p->n_nodes;
    for (int root = 0; root < 2; root++)
        for (uint32_t c = p->first[root]; c < p->first[root + 1]; c++)
            p->child[root][p->label[c]] = c;
}

simlm_status sl_pieces_new(struct sl_pieces **out, struct sl_piece *piece,
                           int64_t n, simlm_error *err)
{
    struct sl_pieces *p = SL_NEW(struct sl_pieces);
    struct span *span = NULL;
    uint64_t max_nodes = 2;
    int64_t n_pieces = 0;

    for (int64_t i = 0; i < n; i++) {
        max_nodes += piece[i].len;
        if (piece[i].len)
            piece[n_pieces++] = piece[i];
    }
    if (max_nodes >= (uint64_t)1 << 31) {
        sl_free(p);
        return sl_fail(err, SIMLM_E_RANGE, "a vocabulary of over 2 GiB");
    }
    qsort(piece, (size_t)n_pieces, sizeof *piece, compare_pieces);
    if (p) {
        p->first = sl_alloc(max_nodes + 1, sizeof *p->first);
        p->label = sl_calloc(max_nodes, 1);
        p->id = sl_alloc(max_nodes, sizeof *p->id);
        span = sl_alloc(max_nodes, sizeof *span);
    }
    if (!p || !p->first || !p->label || !p->id || !span ||
        !reserve_words(p, n_pieces)) {
        sl_free(span);
        sl_pieces_free(p);
        return sl_fail_nomem(err, "a vocabulary");
    }
    build_trie(p, span, piece, n_pieces);
    for (int64_t i = 0; i < n_pieces; i++)
        add_word(p, &piece[i]);
    sl_free(span);
    *out = p;
    return SIMLM_OK;
}

void sl_pieces_free(struct sl_pieces *p)
{
    if (!p)
        return;
    sl_free(p->slot);
    sl_free(p->first);
    sl_free(p->label);
    sl_free(p->id);
    sl_free(p);
}

/* ---- splitting ----------------------------------------------------------- */

int32_t sl_pieces_longest(const struct sl_pieces *p, int continues,
                          const unsigned char *text, size_t len,
                          size_t *matched)
{
    int32_t best = -1;
    uint32_t node, end;

    if (!len)
        return -1;
    node = p->child[continues][text[0]];
    for (size_t i = 1; node; i++) {
        if (p->id[node] >= 0) {
            best = p->id[node];
            *matched = i;
        }
        if (i == len)
            break;
        end = p->first[node + 1];
        for (node = p->first[node]; node < end; node++)
            if (p->label[node] >= text[i])
                break;
        if (node == end || p->label[node] != text[i])
            break;
    }
    return best;
}

int64_t sl_pieces_split(const struct sl_pieces *p, int32_t *id,
                        const unsigned char *word, size_t len)
{
    int64_t n = 0;

    if (len <= 16 && (id[0] = find_word(p, word, len)) >= 0)
        return 1;
    for (size_t at = 0, matched = 0; at < len; at += matched) {
        id[n] = sl_pieces_longest(p, at > 0, word + at, len - at, &matched);
        if (id[n++] < 0)
            return 0;
    }
    return n;
}
