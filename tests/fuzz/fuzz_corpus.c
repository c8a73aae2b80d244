/* Corpora and queries from hostile bytes: what loads keeps its promises. */
#include "fuzz.h"

#include <string.h>

#include "base/status.h"
#include "data/corpus.h"
#include "data/queries.h"

static void check_corpus(const struct sl_corpus *c)
{
    for (int64_t i = 0; i < sl_corpus_count(c); i++) {
        struct sl_passage p = sl_corpus_get(c, i);

        SL_ASSERT(p.id_len && strlen(p.id) == p.id_len &&
                  !strpbrk(p.id, "\t\r\n") && !p.contents[p.contents_len]);
        SL_ASSERT(!p.title || (p.title_len && !p.title[p.title_len]));
        SL_ASSERT(sl_docids_find(sl_corpus_ids(c), p.id, p.id_len) == i);
    }
}

static void check_queries(const struct sl_queries *q)
{
    size_t len;

    for (int64_t i = 0; i < sl_queries_count(q); i++) {
        const char *id = sl_queries_id(q, i),
                   *text = sl_queries_text(q, i, &len);

        SL_ASSERT(*id && !text[len] && sl_queries_find(q, id, strlen(id)) == i);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const char *path = fuzz_file(data, n);
    struct sl_corpus *c;
    struct sl_queries *q;
    simlm_error err;

    if (sl_corpus_load(&c, &path, 1, NULL, &err) == SIMLM_OK) {
        check_corpus(c);
        sl_corpus_free(c);
    }
    if (sl_queries_load(&q, path, &err) == SIMLM_OK) {
        check_queries(q);
        sl_queries_free(q);
    }
    return 0;
}
