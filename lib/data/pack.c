#include "data/pack.h"

#include <string.h>

#include "base/alloc.h"
#include "data/token_cache.h"

simlm_status sl_pack_init(struct sl_pack *p, int64_t max_n, int64_t max_N,
                          simlm_error *err)
{
    SL_ASSERT(max_n >= 1 && max_N >= max_n && max_N < INT32_MAX);
    *p = (struct sl_pack){.max_n = max_n, .max_N = max_N};
    p->start = SL_NEW_ARRAY(int32_t, max_n + 1);
    p->ids = SL_NEW_ARRAY(int32_t, max_N);
    p->types = SL_NEW_ARRAY(int32_t, max_N);
    p->key = SL_NEW_ARRAY(uint64_t, max_n);
    if (p->start && p->ids && p->types && p->key)
        return SIMLM_OK;
    sl_pack_free(p);
    return sl_fail_nomem(err, "a batch of tokens");
}

void sl_pack_free(struct sl_pack *p)
{
    sl_free(p->start);
    sl_free(p->ids);
    sl_free(p->types);
    sl_free(p->key);
    *p = (struct sl_pack){0};
}

void sl_pack_clear(struct sl_pack *p)
{
    p->n = p->N = 0;
}

/*
 * How much of prompt, title and contents is kept, and where the types change.
 * A prompt counts as the head of the first text.
 */
struct shape {
    int64_t prompt, title, contents; /* tokens kept */
    bool pair;
};

static int64_t total(const struct shape *s)
{
    return s->prompt + s->title + s->contents + (s->pair ? 3 : 2);
}

static int64_t at_most(int64_t n, int64_t most)
{
    return n < most ? n : most;
}

static struct shape shape_single(int64_t title, int64_t contents,
                                 const struct sl_pack_rule *rule)
{
    struct shape s = {0};
    int64_t room = rule->max_length - 2;

    s.prompt = at_most(rule->prompt.n, room);
    s.title = at_most(title, room - s.prompt);
    s.contents = at_most(contents, room - s.prompt - s.title);
    return s;
}

static struct shape shape_pair(int64_t title, int64_t contents,
                               const struct sl_pack_rule *rule)
{
    struct shape s = {.pair = true};
    int64_t first, room = rule->max_length - 3;

    sl_truncate_pair(&first, &s.contents, rule->prompt.n + title, contents,
                     room, SL_TRUNCATE_LONGEST_FIRST);
    s.prompt = at_most(rule->prompt.n, first);
    s.title = first - s.prompt;
    return s;
}

static struct shape shape_of_row(const struct sl_token_cache *c, int64_t row,
                                 const struct sl_pack_rule *rule)
{
    struct sl_row_tokens n = sl_token_cache_row(c, row);

    SL_ASSERT(rule->max_length >= 3);
    return n.has_title && !rule->joined
               ? shape_pair(n.title, n.contents, rule)
               : shape_single(n.title, n.contents, rule);
}

int64_t sl_pack_row_length(const struct sl_token_cache *c, int64_t row,
                           const struct sl_pack_rule *rule)
{
    struct shape s = shape_of_row(c, row, rule);

    return total(&s);
}

/* Take room for a sequence and write what does not come from its texts; the
 * place of the first text's ids. */
static int32_t *begin(struct sl_pack *p, uint64_t key, const struct shape *s,
                      const struct sl_pack_rule *rule)
{
    int64_t len = total(s), first = s->prompt + s->title;
    int32_t *ids = p->ids + p->N, *types = p->types + p->N;

    SL_ASSERT(p->n < p->max_n && len <= p->max_N - p->N);
    memset(types, 0, (size_t)len * sizeof *types);
    ids[0] = sl_tokenizer_cls(rule->tokenizer);
    ids[len - 1] = sl_tokenizer_sep(rule->tokenizer);
    if (s->pair) {
        ids[1 + first] = ids[len - 1];
        for (int64_t i = first + 2; i < len; i++)
            types[i] = 1;
    }
    if (s->prompt)
        memcpy(ids + 1, rule->prompt.id, (size_t)s->prompt * sizeof *ids);
    p->key[p->n++] = key;
    p->N += len;
    p->start[p->n] = (int32_t)p->N;
    return ids + 1 + s->prompt;
}

void sl_pack_add_row(struct sl_pack *p, uint64_t key,
                     const struct sl_token_cache *c, int64_t row,
                     const struct sl_pack_rule *rule)
{
    struct shape s = shape_of_row(c, row, rule);
    int32_t *at = begin(p, key, &s, rule);

    sl_token_cache_title(c, row, at, (int32_t)s.title);
    sl_token_cache_contents(c, row, 0, at + s.title + s.pair,
                            (int32_t)s.contents);
}

void sl_pack_add_span(struct sl_pack *p, uint64_t key,
                      const struct sl_token_cache *c, int64_t row,
                      int64_t first, int64_t n, const struct sl_pack_rule *rule)
{
    struct shape s = shape_single(0, n, rule);
    int32_t *at = begin(p, key, &s, rule);

    sl_token_cache_contents(c, row, (int32_t)first, at, (int32_t)s.contents);
}

void sl_pack_add_text(struct sl_pack *p, uint64_t key, struct sl_ids text,
                      const struct sl_pack_rule *rule)
{
    struct shape s = shape_single(0, text.n, rule);
    int32_t *at = begin(p, key, &s, rule);

    if (s.contents)
        memcpy(at, text.id, (size_t)s.contents * sizeof *at);
}

/* (A tokenizer cuts at punctuation, so the tokens of title + ": " + contents
 * are those of its three parts.) */
void sl_pack_add_pair(struct sl_pack *p, uint64_t key, struct sl_ids query,
                      const struct sl_token_cache *c, int64_t row,
                      const struct sl_pack_rule *rule)
{
    struct sl_row_tokens n = sl_token_cache_row(c, row);
    int64_t colon = n.has_title ? rule->colon.n : 0;
    struct shape s = {.pair = true};
    int32_t *at;

    SL_ASSERT(rule->max_length >= 3);
    sl_truncate_pair(&s.title, &s.contents, query.n,
                     n.title + colon + n.contents, rule->max_length - 3,
                     SL_TRUNCATE_LONGEST_FIRST);
    at = begin(p, key, &s, rule);
    if (s.title)
        memcpy(at, query.id, (size_t)s.title * sizeof *at);
    at += s.title + 1;
    n.title = (int32_t)at_most(n.title, s.contents);
    sl_token_cache_title(c, row, at, n.title);
    colon = at_most(colon, s.contents - n.title);
    if (colon)
        memcpy(at + n.title, rule->colon.id, (size_t)colon * sizeof *at);
    sl_token_cache_contents(c, row, 0, at + n.title + colon,
                            (int32_t)(s.contents - n.title - colon));
}

void sl_pack_add_copy(struct sl_pack *p, uint64_t key,
                      const struct sl_pack *from, int64_t i)
{
    int64_t first = from->start[i], len = from->start[i + 1] - first;
    size_t bytes = (size_t)len * sizeof *p->ids;

    SL_ASSERT(p->n < p->max_n && len <= p->max_N - p->N);
    memcpy(p->ids + p->N, from->ids + first, bytes);
    memcpy(p->types + p->N, from->types + first, bytes);
    p->key[p->n++] = key;
    p->N += len;
    p->start[p->n] = (int32_t)p->N;
}

int64_t sl_pack_cut(const struct sl_pack *p, int64_t first, int64_t budget)
{
    int64_t end = first + 1;

    SL_ASSERT(first < p->n);
    while (end < p->n && p->start[end + 1] - p->start[first] <= budget)
        end++;
    return end;
}
