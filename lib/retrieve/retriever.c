#include "retrieve/retriever.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/str.h"
#include "model/towers.h"

enum { SHORTEST = 3 }; /* [CLS] [SEP] [SEP] */

static simlm_status open_model(struct sl_retriever *r, const char *path,
                               struct sl_bert_parts parts, int32_t precision,
                               simlm_error *err)
{
    struct sl_retriever x = {0};
    simlm_status st;

    x.path = sl_strdup(path);
    if (!x.path)
        return sl_fail_nomem(err, "a model's path");
    st = sl_backend_open_cpu(&x.be, sl_compute_in(precision), sl_cpu_from_env(),
                             err);
    if (st == SIMLM_OK)
        st = sl_modeldir_check(path, err);
    if (st == SIMLM_OK)
        st = sl_modeldir_tokenizer(&x.tokenizer, path, err);
    if (st == SIMLM_OK)
        st = parts.score ? sl_bert_open(&x.bert, x.be, path, parts, NULL, err)
                         : sl_towers_open(&x.bert, x.be, path, parts, err);
    if (st == SIMLM_OK)
        st = sl_config_check_vocab(&x.bert->cfg, sl_tokenizer_size(x.tokenizer),
                                   path, err);
    if (st == SIMLM_OK)
        st = parts.score
                 ? sl_profile_load_reranker(&x.profile, path, &x.bert->cfg, err)
                 : sl_profile_load(&x.profile, path, &x.bert->cfg, err);
    if (st < 0)
        sl_retriever_close(&x);
    else
        *r = x;
    return st;
}

simlm_status sl_retriever_open(struct sl_retriever *r, const char *path,
                               int32_t precision, simlm_error *err)
{
    return open_model(r, path, (struct sl_bert_parts){0}, precision, err);
}

simlm_status sl_reranker_open(struct sl_retriever *r, const char *path,
                              int32_t precision, simlm_error *err)
{
    struct sl_bert_parts parts = {.score = true};

    return open_model(r, path, parts, precision, err);
}

simlm_status sl_retriever_check_length(const struct sl_retriever *r,
                                       int64_t length, simlm_error *err)
{
    if (length < SHORTEST || length > r->bert->cfg.positions)
        return sl_fail(err, SIMLM_E_RANGE,
                       "'%s': a maximum length of %" PRId64
                       " is not possible with this model: 3 to %" PRId64,
                       r->path, length, r->bert->cfg.positions);
    return SIMLM_OK;
}

simlm_status sl_retriever_borrow(struct sl_bert *bert, struct sl_backend **be,
                                 const struct sl_retriever *r, simlm_error *err)
{
    SL_TRY(sl_backend_open_sibling(be, r->be, err));
    *bert = *r->bert;
    bert->be = *be;
    return SIMLM_OK;
}

void sl_retriever_close(struct sl_retriever *r)
{
    sl_profile_free(&r->profile);
    sl_bert_free(r->bert);
    sl_tokenizer_close(r->tokenizer);
    sl_backend_close(r->be);
    sl_free(r->path);
    *r = (struct sl_retriever){0};
}

int64_t sl_retriever_dim(const struct sl_retriever *r)
{
    return sl_bert_width(r->bert);
}

static void put_text(struct sl_str *s, const char *text)
{
    sl_str_printf(s, "|%s:", text ? "text" : "none");
    sl_str_puts(s, text ? text : "");
}

/* Every field of the profile that a vector depends on. */
static void describe_profile(struct sl_str *s, const struct sl_profile *p)
{
    sl_str_printf(s, "|%d|%d|%d|%d|%d", (int)p->pooling, (int)p->normalize,
                  (int)p->form, (int)p->query_max_length,
                  (int)p->passage_max_length);
    put_text(s, p->missing_title);
    put_text(s, p->query_prompt);
    put_text(s, p->passage_prompt);
}

static simlm_status hash_config(uint64_t *hash, const char *dir,
                                simlm_error *err)
{
    char *encoder = NULL, *path = NULL;
    simlm_status st = sl_modeldir_encoder(&encoder, dir, SL_SIDE_QUERY, err);

    if (st == SIMLM_OK) {
        path = sl_path_join(encoder, "config.json");
        st = path ? sl_hash64_file(hash, path, err)
                  : sl_fail_nomem(err, "a file's name");
    }
    sl_free(path);
    sl_free(encoder);
    return st;
}

simlm_status sl_retriever_hash(const struct sl_retriever *r, uint64_t *out,
                               simlm_error *err)
{
    uint64_t config, weights;
    struct sl_str s = {0};
    simlm_status st = SIMLM_OK;

    SL_TRY(hash_config(&config, r->path, err));
    SL_TRY(sl_modeldir_hash(&weights, r->path, err));
    sl_str_printf(&s, "|%llx|%llx|%llx", (unsigned long long)config,
                  (unsigned long long)weights,
                  (unsigned long long)sl_tokenizer_hash(r->tokenizer));
    describe_profile(&s, &r->profile);
    if (sl_str_ok(&s)) {
        *out = sl_hash64(s.s, s.len, 0);
        *out += !*out;
    } else {
        st = sl_fail_nomem(err, "a model's description");
    }
    sl_str_free(&s);
    return st;
}
