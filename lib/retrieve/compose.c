#include "retrieve/compose.h"

#include <string.h>

#include "base/alloc.h"

/* Tokens of one text that fit without allocating. */
enum { USUAL_TOKENS = 8192 };

bool sl_compose_reserve(struct sl_compose_scratch *s)
{
    return sl_grow(&s->first.id, &s->first.cap, USUAL_TOKENS,
                   sizeof *s->first.id) &&
           sl_grow(&s->second.id, &s->second.cap, USUAL_TOKENS,
                   sizeof *s->second.id);
}

void sl_compose_free(struct sl_compose_scratch *s)
{
    sl_id_list_free(&s->first);
    sl_id_list_free(&s->second);
    sl_str_free(&s->joined);
}

int64_t sl_compose_max(const struct sl_retriever *r, enum sl_side side)
{
    return side == SL_SIDE_QUERY ? r->profile.query_max_length
                                 : r->profile.passage_max_length;
}

/* list <- the ids of prompt + a + between + b; prompt and b may be NULL. */
static bool tokenize(struct sl_id_list *list, const struct sl_tokenizer *t,
                     struct sl_str *joined, const char *prompt, const char *a,
                     size_t a_len, const char *between, const char *b,
                     size_t b_len)
{
    list->n = 0;
    if (!prompt && !b)
        return sl_tokenizer_encode(t, list, a, a_len);
    sl_str_clear(joined);
    sl_str_puts(joined, prompt ? prompt : "");
    sl_str_add(joined, a, a_len);
    if (b) {
        sl_str_puts(joined, between);
        sl_str_add(joined, b, b_len);
    }
    return sl_str_ok(joined) &&
           sl_tokenizer_encode(t, list, sl_str_c(joined), joined->len);
}

int64_t sl_compose(const struct sl_retriever *r, enum sl_side side,
                   const struct sl_text *t, int64_t max_length, int32_t *ids,
                   int32_t *types, struct sl_compose_scratch *s)
{
    const struct sl_profile *p = &r->profile;
    const struct sl_tokenizer *tok = r->tokenizer;
    bool query = side == SL_SIDE_QUERY;
    const char *prompt = query ? p->query_prompt : p->passage_prompt;
    const char *title = t->title_len && !query ? t->title : NULL;
    size_t title_len = title ? t->title_len : 0;
    struct sl_ids first, second;
    bool pair = false, ok;

    if (!query && p->form == SL_PASSAGE_PAIR) {
        if (!title && p->missing_title) {
            title = p->missing_title;
            title_len = strlen(title);
        }
        pair = title != NULL;
    }
    if (pair) {
        s->second.n = 0;
        ok = tokenize(&s->first, tok, &s->joined, prompt, title, title_len, "",
                      NULL, 0) &&
             sl_tokenizer_encode(tok, &s->second, t->text, t->text_len);
    } else if (title) {
        ok = tokenize(&s->first, tok, &s->joined, prompt, title, title_len, " ",
                      t->text, t->text_len);
    } else {
        ok = tokenize(&s->first, tok, &s->joined, prompt, t->text, t->text_len,
                      "", NULL, 0);
    }
    if (!ok)
        return -1;
    first = (struct sl_ids){s->first.id, s->first.n};
    second = (struct sl_ids){s->second.id, s->second.n};
    return sl_tokenizer_pack(tok, ids, types, &first, pair ? &second : NULL,
                             max_length, SL_TRUNCATE_LONGEST_FIRST);
}

int64_t sl_compose_pair(const struct sl_retriever *r, const struct sl_pair *p,
                        int64_t max_length, int32_t *ids, int32_t *types,
                        struct sl_compose_scratch *s)
{
    const struct sl_tokenizer *tok = r->tokenizer;
    const struct sl_text *passage = &p->passage;
    const char *missing = r->profile.missing_title;
    const char *title = passage->title_len ? passage->title : missing;
    size_t title_len = passage->title_len ? passage->title_len
                       : missing          ? strlen(missing)
                                          : 0;
    struct sl_ids first, second;
    bool ok;

    s->first.n = 0;
    ok = sl_tokenizer_encode(tok, &s->first, p->query.text, p->query.text_len);
    if (ok && title)
        ok = tokenize(&s->second, tok, &s->joined, NULL, title, title_len, ": ",
                      passage->text, passage->text_len);
    else if (ok)
        ok = tokenize(&s->second, tok, &s->joined, NULL, passage->text,
                      passage->text_len, "", NULL, 0);
    if (!ok)
        return -1;
    first = (struct sl_ids){s->first.id, s->first.n};
    second = (struct sl_ids){s->second.id, s->second.n};
    return sl_tokenizer_pack(tok, ids, types, &first, &second, max_length,
                             SL_TRUNCATE_LONGEST_FIRST);
}
