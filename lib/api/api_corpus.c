/* <simlm/corpus.h>: texts by id. */
#include <simlm/corpus.h>

#include <string.h>

#include "api/api.h"
#include "base/alloc.h"
#include "data/corpus.h"

struct simlm_corpus {
    struct sl_corpus *texts;
};

simlm_status simlm_corpus_open(simlm_corpus **out, const char *const *path,
                               int32_t n, simlm_error *err)
{
    simlm_corpus *c;
    simlm_status st;

    SL_API_NOT_NULL(out);
    SL_API_NOT_NULL(path);
    SL_API_RANGE(n, 1, INT32_MAX);
    c = SL_NEW(simlm_corpus);
    if (!c)
        return sl_fail_nomem(err, "a corpus");
    st = sl_corpus_load(&c->texts, path, n, NULL, err);
    if (st < 0)
        sl_free(c);
    else
        *out = c;
    return st;
}

void simlm_corpus_close(simlm_corpus *c)
{
    if (!c)
        return;
    sl_corpus_free(c->texts);
    sl_free(c);
}

bool simlm_corpus_find(const simlm_corpus *c, const char *id, simlm_text *out)
{
    struct sl_passage p;
    int64_t row;

    if (!c || !id || !out)
        return false;
    row = sl_docids_find(sl_corpus_ids(c->texts), id, strlen(id));
    if (row < 0)
        return false;
    p = sl_corpus_get(c->texts, row);
    *out = (simlm_text){p.contents, p.title};
    return true;
}
